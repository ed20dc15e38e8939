"""Evaluation: measurements of trained models."""
