"""The workshop that makes models."""
