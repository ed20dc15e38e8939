"""The workshop that measures models."""
