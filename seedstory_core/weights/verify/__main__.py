"""Verify a reference folder: `python -m seedstory_core.weights.verify FOLDER`.

Prints one row per comparison: what, the largest absolute difference, the tolerance, ok or not.
Exits with 0 only if all hold and every entry of the manifest was computed again.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from seedstory_core.errors import SeedStoryError
from seedstory_core.weights.verify import files, language, memory, pictures, stories
from seedstory_core.weights.verify.folder import ReferenceFolder
from seedstory_core.weights.verify.rows import Row

Check = Callable[[ReferenceFolder], Iterator[Row]]

CHECKS: tuple[Check, ...] = (
    files.contents,
    files.full_size,
    language.tokenizer,
    pictures.transforms,
    pictures.vit,
    pictures.resamplers,
    language.samples,
    language.forward,
    language.training,
    language.image_scores,
    stories.stories,
    pictures.detokenizer,
    pictures.drawing,
    pictures.stage_three_sample,
    memory.attention_sink,
    files.mistakes,
)


def verify(folder: ReferenceFolder) -> Iterator[Row]:
    """Compute everything again that a reference folder records.

    An entry of the manifest that no check came to is a row that does not hold.
    """
    seen: set[str] = set()
    for check in CHECKS:
        for row in run(check, folder):
            seen.add(row.name.split(":")[0])
            yield row
    for table, entries in folder.manifest.items():
        for name, entry in entries.items():
            # Inputs without a tolerance are fed as they are.
            must_be_computed = entry["kind"] != "input" or "atol" in entry
            if must_be_computed and f"{table}/{name}" not in seen:
                yield Row(f"{table}/{name}", math.nan, 0.0, "not computed again")
    for document in folder.documents:
        name = Path(document).name
        if Path(document).suffix and name not in seen:
            yield Row(name, math.nan, 0.0, "not computed again")


def run(check: Check, folder: ReferenceFolder) -> Iterator[Row]:
    """Give the rows of one check; one that cannot even be computed is a row that does not hold."""
    try:
        yield from check(folder)
    except (SeedStoryError, ValueError, RuntimeError, KeyError, IndexError) as error:
        name = f"{check.__module__.rpartition('.')[2]}.{check.__name__}"
        yield Row(name, math.nan, 0.0, str(error))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 if every row is ok, 1 if not."""
    parser = argparse.ArgumentParser(
        prog="python -m seedstory_core.weights.verify", description=__doc__
    )
    parser.add_argument("folder", type=Path, help="with config.json, pretrained/ and expected/")
    arguments = parser.parse_args(argv)
    rows = []
    try:
        for row in verify(ReferenceFolder(arguments.folder)):
            print(row, flush=True)
            rows.append(row)
    except SeedStoryError as error:
        print(error, file=sys.stderr)
        return 1
    wrong = sum(not row.is_ok for row in rows)
    print(f"{len(rows)} rows, {wrong} not ok." if wrong else f"{len(rows)} rows, all ok.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
