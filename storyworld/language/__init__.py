"""The language of the story world: patterns with many readings, and the forms of English words."""
