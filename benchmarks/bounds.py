"""What the thousandth page costs: time, memory, and pages read again, at a budget of a few views.

Some stories grow to their full length and another one only to `SHORT` panels. They share a pool
that holds, for each of them, little more than what a turn sees. Then one of the long stories and
the short one go on alternately, in one process, with the same words. Readers write most captions
here, because the model's own differ in length.
"""

from __future__ import annotations

import gc
import statistics
import time
from dataclasses import dataclass

import psutil

from benchmarks.report import Report, Series, machine
from benchmarks.studio import OPENING
from seedstory_core.engine import TurnRequest
from seedstory_core.generation.sampling import Sampling
from seedstory_core.session import Replaying, SessionStore, StorySession

SHORT = 50
EVERY = 100
ALTERNATELY = 25
"""Turns of each story that are compared."""
WORDS = (
    "Mira the fox waves from the hill.",
    "Then a kite flies over the garden.",
    "Everybody laughs and claps.",
)


@dataclass(frozen=True)
class Bounds:
    """What was measured, and its report.

    Attributes:
        report: For people.
        story: One of the long stories.
        num_replayed: Panels that were read again in all turns.
        ratio: Median time of a late turn over that of an early one.
        growth: MiB that the process grew in 100 turns once the budget was full; None for stories
            that were too short to tell.
    """

    report: Report
    story: StorySession
    num_replayed: int
    ratio: float
    growth: float | None


def measure(store: SessionStore, num_panels: int, num_stories: int = 1) -> Bounds:
    """Make stories of `num_panels` panels and one of `SHORT`, and compare their next turns."""
    report = Report("bounds", machine(store.engine.story_lm.device), "the studio as configured")
    short, *growing = [store.create() for _ in range(1 + num_stories)]
    long = growing[-1]
    # A story of under a hundred panels is only tried, and compared with a shorter one.
    num_short, num_compared = min(SHORT, num_panels // 2), min(ALTERNATELY, num_panels // 4)
    budget = _budget(store, num_short)
    store.pool.budget_bytes = budget * (1 + num_stories)
    for session in (short, *growing):
        session.memory.budget_bytes = store.pool.budget_bytes
    process = psutil.Process()
    used = Series("Memory of the process", "MiB", "panel")
    kept = Series("Memory of all stories", "MiB", "panel")
    report.series = {"rss": used, "kept": kept}
    num_replayed = 0
    for number in range(1, num_panels + 1):
        num_replayed += sum(_turn(session, number)[1] for session in growing)
        if number <= num_short:
            num_replayed += _turn(short, number)[1]
        if number % EVERY == 0:
            gc.collect()
            used.add("stories", number, [process.memory_info().rss / 2**20])
            num_bytes = sum(session.memory.num_bytes for session in (short, *growing))
            kept.add("stories", number, [num_bytes / 2**20])
    times: dict[StorySession, list[float]] = {long: [], short: []}
    for number in range(num_compared):
        for session in (short, long):
            seconds, replayed = _turn(session, number, is_written=number % 5 == 0)
            num_replayed += replayed
            times[session].append(seconds)
    late, early = (statistics.median(times[session]) for session in (long, short))
    places = sorted(used.values.get("stories", ()))
    num_turns = num_panels * num_stories + num_short + 2 * num_compared
    report.lines = [
        f"pool of {1 + num_stories} stories: {store.pool.budget_bytes / 2**20:.0f} MiB, for each a "
        f"context and two views of {num_short} panels",
        f"panels read again in {num_turns} turns: {num_replayed}",
        f"turn {num_panels} against turn {num_short} (medians of {num_compared}), times: "
        f"{late / early:.3f}",
    ]
    growth = None
    if len(places) > 2:
        # The first hundred panels fill the budget.
        grown = used.median("stories", places[-1]) - used.median("stories", places[1])
        growth = grown / (places[-1] - places[1]) / num_stories * 100
        report.lines.append(
            f"growth of the process from panel {places[1]} on: {growth:.1f} MiB in 100 turns"
        )
    return Bounds(report, long, num_replayed, late / early, growth)


def _budget(store: SessionStore, num_panels: int) -> int:
    """Return the bytes of a context and of twice the rows that a story of some panels sees."""
    session = store.create()
    for number in range(1, num_panels + 1):
        _turn(session, number)
    context = session.memory.context
    assert context is not None
    return context.num_bytes + 2 * context.num_bytes * context.num_rows // context.capacity


def _turn(session: StorySession, number: int, *, is_written: bool = False) -> tuple[float, int]:
    """Make the next panel; return the seconds, and the number of panels that were read again."""
    newest = session.tree.newest
    text = WORDS[number % len(WORDS)] if newest else OPENING
    request = TurnRequest(
        reader_text="" if is_written else text,
        complete_text=is_written,
        sampling=Sampling(seed=number),
        image_seed=number,
        num_inference_steps=1,
    )
    replayed = 0
    started = time.perf_counter()
    for event in session.turn(newest.id if newest else None, request):
        replayed += isinstance(event, Replaying)
    return time.perf_counter() - started, replayed
