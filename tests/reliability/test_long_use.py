"""A story of a thousand turns, and hundreds of stories one after the other.

The first measures what `python -m benchmarks bounds` reports; the second asks the served page and
looks at its process meanwhile.
"""

from __future__ import annotations

import gc
import os
from collections import Counter
from pathlib import Path
from typing import Any

import psutil

from benchmarks import bounds
from seedstory_core.engine import StoryEngine
from seedstory_core.session import SessionStore
from seedstory_core.story.archive import StoryArchive
from tests.helpers.studio import served
from tests.helpers.visitor import Visitor

ENOUGH_TURNS, ENOUGH_STORIES = 500, 200
"""From here on what a process always allocates no longer hides what it forgets to give back."""
MOST_GROWTH_MIB = 5.0
"""In 100 panels; the records of the panels themselves take a tenth of that."""
MORE_THREADS, MORE_FILES = 12, 12
OPENED_AGAIN = 10
"""One of so many stories is opened again and told on, long after it was closed."""


def test_one_story_goes_on_at_the_same_cost(
    small_engine: StoryEngine, tmp_path: Path, count: Any, tally: Counter[str]
) -> None:
    store = SessionStore(small_engine, StoryArchive(str(tmp_path)))
    found = bounds.measure(store, count("turns"))
    tally["turns of one story"] = len(found.story.tree)
    tally["panels read again"] = found.num_replayed
    tally["late turns over early ones, times"] = round(found.ratio, 3)  # type: ignore[assignment]
    assert found.num_replayed == 0
    if found.growth is not None:
        tally["MiB more in 100 panels"] = round(found.growth, 1)  # type: ignore[assignment]
        assert count("turns") < ENOUGH_TURNS or found.growth < MOST_GROWTH_MIB
    stored = store.archive.load(found.story.story_id)
    assert stored.warnings == [] and stored.tree == found.story.tree


def test_many_stories_in_sequence_leave_nothing_behind(
    small_engine: StoryEngine, tmp_path: Path, count: Any, tally: Counter[str]
) -> None:
    store = SessionStore(small_engine, StoryArchive(str(tmp_path)))
    process = psutil.Process()
    looks: list[tuple[int, int, float]] = []
    told: list[str] = []
    num_stories = count("stories")
    with served(store) as url:
        visitor = Visitor(url)
        for number in range(num_stories):
            words = f"Mira counted {number} leaves."
            page = visitor.ask("begin", sentence=words, keep_words=True)
            assert page["text"] == words
            told.append(page["story_id"])
            visitor.ask("continue_story", story_id=told[-1])
            if number % OPENED_AGAIN == 0:
                old = told[number // 2]
                pages = visitor.pages(old)
                assert pages["p1"]["text"] == f"Mira counted {number // 2} leaves."
                visitor.ask("continue_story", story_id=old)
            assert len(store) <= store.config.runtime.max_sessions
            if number + 1 in (num_stories // 2, num_stories):
                gc.collect()
                files = len(os.listdir(f"/proc/{process.pid}/fd"))
                looks.append((process.num_threads(), files, process.memory_info().rss / 2**20))
        visitor.close()
    tally["stories in sequence"] = len(told)
    (threads, files, used), (threads_late, files_late, used_late) = looks
    for name, old_value, new in (
        ("threads", threads, threads_late),
        ("open files", files, files_late),
        ("MiB", used, used_late),
    ):
        tally[f"{name} at half"], tally[f"{name} at the end"] = round(old_value), round(new)
    assert threads_late <= threads + MORE_THREADS and files_late <= files + MORE_FILES
    if num_stories >= ENOUGH_STORIES:
        assert (used_late - used) / (num_stories / 2) < 1.0, "MiB left behind by every story"
    archive = store.archive
    assert all(archive.load(story_id).warnings == [] for story_id in told)
    assert len(archive.list()) == len(told) == len(set(told))
