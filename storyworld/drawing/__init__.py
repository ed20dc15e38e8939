"""Draws a scene: flat storybook pictures, the same for the same scene."""
