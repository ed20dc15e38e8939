"""Times that a reader notices, from the start of the page to the 25th panel of a story."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

from benchmarks import start
from benchmarks.report import Report, machine, spread
from seedstory_core.engine import ImagePreview, TextDelta, TurnRequest
from seedstory_core.generation.sampling import Sampling
from seedstory_core.session import PanelAdded, SessionStore, StorySession

RETOLD = 5
"""Number of times that turn 2 and turn 25 are repeated for their ratio."""
OPENING = "One sunny morning, Mira the fox was playing with a ball in the garden."


def measure(store: SessionStore, settings: Sequence[str], rounds: int) -> Report:
    """Start the page and make `rounds` stories of 25 panels.

    Args:
        store: The studio in this process.
        settings: Arguments with which `app.py` starts the same studio.
        rounds: Number of stories and of starts.
    """
    report = Report("studio", machine(store.engine.story_lm.device), "the studio as configured")
    found: dict[str, list[float]] = {
        "page usable after start, s": [start.page_usable(settings) for _ in range(rounds)]
    }

    def note(what: str, *values: float) -> None:
        found.setdefault(what, []).extend(values)

    for round_number in range(rounds):
        session = store.create()
        parent = None
        for number in range(1, 26):
            waited, took = _turn(session, parent, number + 100 * round_number)
            parent = session.tree.newest.id if session.tree.newest else None
            if number > 1:
                note("first word, s", waited)
                note("whole turn (text and image), s", took)
        branches = [_branch(session, panel) for panel in ("p25", "p13", "p24")]
        note("branch ready to go on, panels 13 to 25, s", *branches)
        note("memory of a 25-panel story, MB", session.memory.num_bytes / 1e6)
        # Captions differ in length, so both turns are repeated several times, alternately.
        seeds = [1000 * (round_number + 1) + number for number in range(RETOLD)]
        ends = [[_turn(session, parent, s)[1] for parent in ("p1", "p24")] for s in seeds]
        early, late = (statistics.median(times) for times in zip(*ends, strict=True))
        note(f"turn 25 against turn 2 (medians of {RETOLD}), times", late / early)
    report.lines = [f"{what}: {spread(values)}" for what, values in found.items()]
    return report


def _turn(session: StorySession, parent: str | None, seed: int) -> tuple[float, float]:
    """Return the seconds to the first word (or denoising step), and for the whole turn."""
    request = TurnRequest(
        reader_text="" if parent else OPENING,
        sampling=Sampling(seed=seed),
        image_seed=seed,
    )
    started = time.perf_counter()
    first = None
    for event in session.turn(parent, request):
        if first is None and isinstance(event, TextDelta | ImagePreview):
            first = time.perf_counter() - started
        if isinstance(event, PanelAdded):
            break
    took = time.perf_counter() - started
    return first or took, took


def _branch(session: StorySession, panel: str) -> float:
    """Return the seconds until the context for a new branch after `panel` is ready."""
    started = time.perf_counter()
    session.warm(panel)
    return time.perf_counter() - started
