"""Benchmarks of the studio, measured side by side in one process."""
