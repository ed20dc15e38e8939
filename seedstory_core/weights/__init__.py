"""Weights from disk into models and back; strictly, with errors that say what to do."""
