"""Training: the recipe, its stages, and the loop that they share."""
