"""Several stories at once on one engine: panels per minute, words and pictures included."""

from __future__ import annotations

import threading
import time

from benchmarks.report import Report, Series, machine
from benchmarks.studio import OPENING
from seedstory_core.engine import TurnRequest
from seedstory_core.generation.sampling import Sampling
from seedstory_core.session import StorySession
from seedstory_core.store import SessionStore

STORIES = (1, 2, 4, 8)
TURNS = 3


def measure(store: SessionStore, rounds: int) -> Report:
    """Let 1, 2, 4 and 8 stories go on at once, in batches of `runtime.max_turns`."""
    report = Report(
        "tiny",
        machine(store.engine.story_lm.device),
        f"at most {store.engine.config.runtime.turns_at_once} in one batch",
    )
    speed = Series("Panels per minute, words and pictures", "1/min", "stories")
    report.series["speed"] = speed
    sessions = [begin(store, 5, 10) for _ in range(max(STORIES))]
    found: dict[int, list[float]] = {count: [] for count in STORIES}
    for number in range(rounds):
        for count in STORIES:
            found[count].append(panels_per_minute(sessions[:count], TURNS, 100 * number))
    for count, values in found.items():
        speed.add("together", count, values)
    alone = speed.median("together", 1)
    report.lines = [
        f"{count} stories at once: {speed.median('together', count) / alone:.2f} times the panels "
        "per minute of one"
        for count in STORIES[1:]
    ]
    return report


def begin(store: SessionStore, num_panels: int, seed: int) -> StorySession:
    """A story of so many panels."""
    session = store.create()
    parent = None
    for number in range(num_panels):
        request = TurnRequest(
            reader_text="" if parent else OPENING,
            sampling=Sampling(seed=seed + number),
            image_seed=seed + number,
            num_inference_steps=1,
        )
        for _ in session.turn(parent, request):
            pass
        newest = session.tree.newest
        assert newest is not None
        parent = newest.id
    return session


def panels_per_minute(sessions: list[StorySession], turns: int, seed: int) -> float:
    """Let every story go on from its page 5 by so many branches, all stories at the same time."""

    def read(session: StorySession, first: int) -> None:
        for number in range(turns):
            wish = TurnRequest(sampling=Sampling(seed=first + number), image_seed=first + number)
            for _ in session.turn("p5", wish):
                pass

    threads = [
        # The same seeds for all, so that all numbers of stories tell pages of the same length.
        threading.Thread(target=read, args=(session, seed))
        for session in sessions
    ]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 60 * turns * len(sessions) / (time.perf_counter() - started)
