"""Strict loading and saving of the models' weights, with errors that say what to do."""
