"""Agency: whether stories follow what their readers do.

A single writer wrote the inputs (`*.jsonl`) one by one, without templates, from a description of
the page alone and without the world's texts, and noted what each means. They are never used for
training. `python -m seedstory_core.evaluation.agency` prints the figures; `--out FOLDER` also
writes every story that was told: no figure here replaces reading.
"""
