"""The story world: drawn, told, and written as StoryStream data."""
