"""The trainings of the recipe, one file each; `recipe.py` names them and their order."""
