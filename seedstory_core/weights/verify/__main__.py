"""Verify a reference folder: `python -m seedstory_core.weights.verify FOLDER`.

Prints one row per comparison: its name, the largest difference, the tolerance, and ok or not. Exits
with 0 only if all rows are ok, which includes that every entry of the manifest was computed again.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from seedstory_core.errors import SeedStoryError
from seedstory_core.weights.verify import files, images, language, memory, stories
from seedstory_core.weights.verify.comparison import Row
from seedstory_core.weights.verify.folder import ReferenceFolder

Check = Callable[[ReferenceFolder], Iterator[Row]]

CHECKS: tuple[Check, ...] = (
    files.contents,
    files.full_size,
    language.tokenizer,
    images.transforms,
    images.vit,
    images.resamplers,
    language.samples,
    language.forward,
    language.training,
    language.image_scores,
    stories.stories,
    images.detokenizer,
    images.drawing,
    images.stage_three_sample,
    memory.attention_sink,
    files.mistakes,
)


def verify(folder: ReferenceFolder) -> Iterator[Row]:
    """Compute all recorded entries of a reference folder again; yield a row per comparison.

    An entry of the manifest that no check has computed gives a row that is not ok.
    """
    seen: set[str] = set()
    for check in CHECKS:
        for row in run(check, folder):
            seen.add(row.name.split(":")[0])
            yield row
    for table, entries in folder.manifest.items():
        for name, entry in entries.items():
            # Inputs without a tolerance are used as recorded.
            must_be_computed = entry["kind"] != "input" or "atol" in entry
            if must_be_computed and f"{table}/{name}" not in seen:
                yield Row(f"{table}/{name}", math.nan, 0.0, "not computed again")
    for document in folder.documents:
        name = Path(document).name
        if Path(document).suffix and name not in seen:
            yield Row(name, math.nan, 0.0, "not computed again")


def run(check: Check, folder: ReferenceFolder) -> Iterator[Row]:
    """Yield the rows of one check; an error while computing gives a row that is not ok."""
    try:
        yield from check(folder)
    except (SeedStoryError, ValueError, RuntimeError, KeyError, IndexError) as error:
        name = f"{check.__module__.rpartition('.')[2]}.{check.__name__}"
        yield Row(name, math.nan, 0.0, str(error))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return 0 if every row is ok, else 1."""
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
