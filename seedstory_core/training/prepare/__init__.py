"""The steps of the recipe that train nothing: data, caches, the base model, what is shipped."""
