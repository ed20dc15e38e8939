"""Measure the studio on this machine: `python -m benchmarks`.

Alternatives are measured alternately, in one process and with the same weights; results are medians
with their range. Machines differ and are noisy, so ratios compare better than times. Parts, all by
default:

- `start`: seconds and CPU seconds from `python app.py` to the page and to the first word.
- `studio`: start of the page, first word, whole turn, new branch, memory of a story.
- `memory`: the language model's part of a turn, panel by panel, compared with the released schedule
  (`--sizes tiny 130m 7b`; `7b` needs a GPU).
- `growth`: a long story under every memory policy: rows in view, seconds, bytes.
- `bounds`: `--stories` stories of `--panels` panels in a small memory pool: turns against those of
  a short one, panels read again, memory of the process.
- `against`: turns of this checkout and of another one (`--other FOLDER`), alternately.
- `together`: panels per minute of 1, 2, 4 and 8 stories at once, with up to `runtime.max_turns` in
  one batch.
- `images`: drawing time and distance to a many-step reference by sampler and passes, drawing time
  by batch size, and the time of a preview.
- `linears`: linear layers as trained and packed for a CPU.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import torch

from benchmarks import against, bounds, growth, images, linears, memory, start, studio, together
from benchmarks.report import Report, machine
from seedstory_core.build import build_store
from seedstory_core.config import StudioConfig, load_config
from seedstory_core.engine.build import pick_device
from seedstory_core.errors import SeedStoryError, WeightsError
from seedstory_core.evaluation.__main__ import load_classifier
from seedstory_core.session import SessionStore

PARTS = ("start", "studio", "memory", "growth", "bounds", "together", "images", "linears")
"""Measured if none is named; `against` needs another checkout, too."""


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", default=[], metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--config", default=None)
    parser.add_argument("--set", dest="overrides", nargs="+", default=[], metavar="KEY=VALUE")
    parser.add_argument("--sizes", nargs="+", default=["tiny", "130m"], choices=memory.SIZES)
    parser.add_argument("--panels", type=int, default=1000, help="length of the stories of bounds")
    parser.add_argument("--stories", type=int, default=1, help="number of the stories of bounds")
    parser.add_argument("--other", type=Path, help="another checkout, for against")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="also write JSON, tables and plots there")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - {*PARTS, "against"}:
        parser.error(
            f"There is no part {unknown.pop()!r}; choose from {', '.join(PARTS)}, against."
        )
    if "against" in arguments.parts and arguments.other is None:
        parser.error("against needs another checkout: --other FOLDER.")
    reports: Iterable[Report]
    with tempfile.TemporaryDirectory() as stories:
        overrides = [*arguments.overrides, f"runtime.stories_folder={stories}"]
        try:
            config = load_config(arguments.config, overrides)
            store = build_store(config)
            device = pick_device(config.runtime.device)
        except SeedStoryError as error:
            print(f"Nothing was measured. {error}", file=sys.stderr)
            return 1
        settings = ["--set", *overrides]
        if arguments.config:
            settings = ["--config", arguments.config, *settings]
        for part in arguments.parts or PARTS:
            if part == "start":
                reports = [start.measure(machine(device), settings, arguments.rounds)]
            elif part == "studio":
                reports = [studio.measure(store, settings, arguments.rounds)]
            elif part == "memory":
                # A generator: each report is printed as soon as it is ready, after minutes.
                reports = (
                    store.engine.run(partial(_memory, store, size, device, arguments.rounds))
                    for size in arguments.sizes
                )
            elif part == "growth":
                reports = [growth.measure(store)]
            elif part == "against":
                reports = [against.measure(store, arguments.other, overrides, arguments.rounds)]
            elif part == "bounds":
                reports = [bounds.measure(store, arguments.panels, arguments.stories).report]
            elif part == "together":
                reports = _together(store, arguments.sizes, arguments.rounds)
            elif part == "linears":
                reports = [store.engine.run(partial(linears.measure, 5 * arguments.rounds))]
            else:
                reports = [store.engine.run(partial(_images, store, config, arguments.rounds))]
            for report in reports:
                section = f"## {part}\n\n{report.markdown()}\n"
                print(section, flush=True)
                if arguments.out:
                    name = f"{part}-{report.key}"
                    report.save(arguments.out, name)
                    (arguments.out / f"{name}.md").write_text(section)
    return 0


def _memory(store: SessionStore, size: str, device: torch.device, rounds: int) -> Report:
    return memory.measure(memory.bench_of(size, store.engine, device), rounds)


def _together(store: SessionStore, sizes: Sequence[str], rounds: int) -> Iterator[Report]:
    if "tiny" in sizes:
        yield together.measure(store, rounds)
    if "130m" in sizes:
        larger = store.engine.run(lambda: together.with_larger_language(store.engine))
        yield together.measure(SessionStore(larger, store.archive), rounds, "130m")


def _images(store: SessionStore, config: StudioConfig, rounds: int) -> Report:
    try:
        classifier = load_classifier(config)
    except WeightsError:
        classifier = None  # only the tiny model's weights folder has it
    return images.measure(store.engine, rounds, classifier)


if __name__ == "__main__":
    sys.exit(main())
