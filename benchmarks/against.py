"""The same turns by this checkout and by another one, alternately: did a change slow a turn?

Both studios run in processes of their own, and only one works at a time. Turns have the same
seeds, so as long as a change leaves the tale as it was, the work is the same, too. CPU seconds are
compared beside the wall clock's, because other programs disturb them less.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.report import Report, machine
from benchmarks.studio import OPENING
from seedstory_core.config import PROJECT_ROOT
from seedstory_core.session import SessionStore

NUM_PANELS = 25
CHILD = """
import json, sys, time
from seedstory_core.build import build_store
from seedstory_core.config import load_config
from seedstory_core.engine import TurnRequest
from seedstory_core.generation.sampling import Sampling

store = build_store(load_config(None, json.loads(sys.argv[1])))
session = None
for line in sys.stdin:
    number, opening = json.loads(line)
    if opening:
        session = store.create()
    newest = session.tree.newest
    sampling = Sampling(seed=number, top_k=1)  # so that other habits of sampling tell the same
    request = TurnRequest(reader_text=opening, sampling=sampling, image_seed=number)
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in session.turn(newest.id if newest else None, request):
        pass
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps([wall, cpu, session.tree.newest.text]), flush=True)
"""
"""Makes a turn for each line; uses only what every version since 0.1 has."""


class _Checkout:
    """A studio in another process, with the code of a checkout."""

    def __init__(self, folder: Path, overrides: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", CHILD, json.dumps(list(overrides))],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def turn(self, number: int, opening: str) -> tuple[float, float, str]:
        """Make a turn; return the seconds by the wall clock and of the CPU, and the caption."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps([number, opening]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit("A studio ended; its message stands above.")
        wall, cpu, text = json.loads(answer)
        return wall, cpu, text

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


def measure(store: SessionStore, folder: Path, overrides: Sequence[str], rounds: int) -> Report:
    """Make `rounds` stories of `NUM_PANELS` panels with this checkout and with the one in `folder`.

    Args:
        store: The studio of this checkout, for the report's title.
        folder: Another checkout.
        overrides: Settings for both, as `KEY=VALUE`.
        rounds: Number of stories.
    """
    report = Report("against", machine(store.engine.story_lm.device), f"against {folder.name}")
    both = [_Checkout(place, overrides) for place in (PROJECT_ROOT, folder.resolve())]
    ratios: dict[str, list[float]] = {"wall clock": [], "CPU": []}
    num_equal = 0
    try:
        for number in range(rounds * NUM_PANELS):
            opening = OPENING if number % NUM_PANELS == 0 else ""
            order = both if number % 2 else both[::-1]
            made = {one: one.turn(number, opening) for one in order}
            ours, other = (made[one] for one in both)
            num_equal += ours[2] == other[2]
            if number:  # the first turn warms up
                ratios["wall clock"].append(ours[0] / other[0])
                ratios["CPU"].append(ours[1] / other[1])
    finally:
        for one in both:
            one.close()
    report.lines = [
        f"a turn of this checkout, divided by one of the other (median of {len(found)}), {name}: "
        f"{statistics.median(found):.3f}"
        for name, found in ratios.items()
    ]
    report.lines.append(f"captions alike: {num_equal} of {rounds * NUM_PANELS}")
    return report
