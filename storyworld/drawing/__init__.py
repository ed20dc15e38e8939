"""Draws a scene: flat storybook images, the same for the same scene."""
