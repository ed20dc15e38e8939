"""Whether the story fits its reader: what readers do, and what becomes of it.

The inputs (`*.jsonl`) were written one by one from a description of the page alone, without the
world's texts and in no template, by a single writer who also said what each means; they are never
used for training. `python -m seedstory_core.evaluation.agency` prints the figures;
`--out FOLDER` also writes every story that was told, to be read: no figure here replaces reading.
"""
