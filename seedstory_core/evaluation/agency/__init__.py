"""Whether the story fits its reader: what readers do, and what becomes of it.

The inputs (`*.jsonl`) were written by people who had seen only the page, in no template, and are
never used for training. `python -m seedstory_core.evaluation.agency` prints the figures;
`--out FOLDER` also writes every story that was told, to be read: no figure here replaces reading.
"""
