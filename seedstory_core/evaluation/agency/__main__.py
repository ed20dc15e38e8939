"""Print the agency table: `python -m seedstory_core.evaluation.agency [NAME …] [--out FOLDER]`."""

from __future__ import annotations

import argparse
import platform
import time
from pathlib import Path

from seedstory_core.config import load_config
from seedstory_core.engine.build import build_engine
from seedstory_core.errors import SeedStoryError
from seedstory_core.evaluation.agency.figures import FIGURES
from seedstory_core.evaluation.agency.images import sheet


def main() -> None:
    """Print the named figures, by default all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=", ".join(FIGURES))
    parser.add_argument("--config", default=None)
    parser.add_argument("--set", dest="overrides", nargs="*", default=[], metavar="KEY=VALUE")
    parser.add_argument("--count", type=int, default=0, help="inputs of each; 0 takes them all")
    parser.add_argument("--out", type=Path, default=None, help="also write what was told here")
    given = parser.parse_args()
    unknown = set(given.names) - set(FIGURES)
    if unknown:
        parser.error(f"There is no figure {', '.join(sorted(unknown))}.")
    try:
        engine = build_engine(load_config(given.config, given.overrides))
    except SeedStoryError as error:
        parser.exit(1, f"Nothing was measured. {error}\n")
    print(f"{platform.machine()}, weights {engine.fingerprint}\n\n| figure | wanted | reached | |")
    print("|---|---|---|---|", flush=True)
    for name in given.names or FIGURES:
        measure, count = FIGURES[name]
        started = time.monotonic()
        try:
            figures = measure(engine, given.count or count)
        except SeedStoryError as error:
            print(f"| {name} | – | not measured: {error} | no |", flush=True)
            continue
        for figure in figures:
            verdict = "yes" if figure.is_met else "no"
            print(f"| {figure.name} | {figure.wanted} | {figure.shown()} | {verdict} |", flush=True)
            if given.out is not None and figure.texts:
                given.out.mkdir(parents=True, exist_ok=True)
                (given.out / f"{name}.txt").write_text("\n\n".join(figure.texts) + "\n")
            if given.out is not None and figure.images:
                sheet(figure.images).save(given.out / f"{name}.webp", quality=85)
        print(f"<!-- {name}: {time.monotonic() - started:.0f} s -->", flush=True)


if __name__ == "__main__":
    main()
