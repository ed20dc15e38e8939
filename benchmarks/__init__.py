"""How fast the studio is, measured side by side in one process."""
