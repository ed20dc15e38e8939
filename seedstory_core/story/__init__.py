"""The story itself: panels and their tree, story folders, and books to take away."""
