"""What a late page of a story costs, counted: panels read again, rows seen, bytes held.

Only the models are left out. `tests/core/test_session_memory.py` tells shorter stories with them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from seedstory_core.generation.kv import KVSegment, panel_spans, unread
from seedstory_core.generation.memory import MemoryPool, StoryMemory
from seedstory_core.generation.policies import (
    POLICIES,
    MemoryPolicy,
    PanelSpan,
    later_rows_by_panel,
    rows_by_panel,
)
from seedstory_core.session import StorySession
from seedstory_core.session.replay import plan_replay

CAPTIONS = (31, 9, 14, 26, 11, 40, 9)
"""Rows of the captions in turn: a capped policy shows more sinks after shorter ones."""
IMAGE = 18
ROW_BYTES, SCORE_BYTES = 8, 16
EARLY = 50
BOUNDED = [name for name, policy in POLICIES.items() if not policy.grows]


def told(number: int) -> KVSegment:
    """The segment of a panel, as narrow as can be."""
    caption = CAPTIONS[number % len(CAPTIONS)]
    rows = torch.zeros(1, 1, caption + IMAGE + 1, 1)
    scores = torch.zeros(SCORE_BYTES // 4)
    return KVSegment(rows, rows.clone(), boi=caption, eoi=caption + IMAGE - 1, next_scores=scores)


def bytes_of(rows: Sequence[tuple[int, range]]) -> int:
    return ROW_BYTES * sum(len(some) for _, some in rows) + SCORE_BYTES


@dataclasses.dataclass
class Story:
    """One story and the counts of each of its turns."""

    policy: MemoryPolicy
    memory: StoryMemory
    segments: list[KVSegment] = dataclasses.field(default_factory=list)
    spans: list[PanelSpan] = dataclasses.field(default_factory=list)
    counts: list[tuple[int, int, int]] = dataclasses.field(default_factory=list)

    def turn(self) -> None:
        """Do what a session does before a turn and after it."""
        ids = [f"p{number}" for number in range(len(self.segments) + 1)]
        found = [
            one or unread(s.num_rows, s.boi, s.eoi)
            for one, s in zip(self.memory.find(ids[:-1]), self.segments, strict=True)
        ]
        plan = plan_replay(self.spans, found, self.policy, lambda _: self.policy)
        seen = sum(len(rows) for _, rows in rows_by_panel(self.spans, self.policy))
        self.segments.append(told(len(self.segments)))
        self.spans = panel_spans(self.segments)
        session: Any = SimpleNamespace(memory=self.memory)
        StorySession._look(session, ids, self.segments, self.policy)
        self.memory.keep(ids[-1], self.segments[-1])
        self.counts.append((len(plan.to_read), seen, self.memory.pool.num_bytes))


def policy_named(name: str) -> MemoryPolicy:
    return MemoryPolicy(policy=name, window_panels=3, max_rows=190)


def view_bytes(policy: MemoryPolicy) -> int:
    """Bytes of all that turns see, now or later, of a story that is long enough to forget."""
    spans = panel_spans([told(number) for number in range(EARLY)])
    return max(
        bytes_of(later_rows_by_panel(spans[:number], policy)) for number in range(1, EARLY + 1)
    )


@pytest.mark.parametrize(
    ("num_stories", "late", "times"),
    [
        (1, 250, 1.0),
        (1, 150, 1.5),
        (8, 80, 1.0),
        pytest.param(1, 1000, 1.0, marks=pytest.mark.slow),
        pytest.param(8, 300, 1.5, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("name", BOUNDED)
def test_a_late_turn_costs_what_an_early_one_costs_at_any_budget_that_holds_the_view(
    num_stories: int, late: int, times: float, name: str
) -> None:
    policy = policy_named(name)
    budget = int(times * view_bytes(policy))
    pool = MemoryPool(num_stories * budget)
    # One story alone has a budget of its own; several have only what they share.
    own = budget if num_stories == 1 else pool.budget_bytes
    stories = [Story(policy, StoryMemory(own, pool)) for _ in range(num_stories)]
    for _ in range(late):
        for story in stories:
            story.turn()
    for story in stories:
        again, rows, held = zip(*story.counts, strict=True)
        assert sum(again) == 0
        for count in (rows, held):
            assert max(count[-20:]) <= 1.1 * max(count[EARLY - 20 : EARLY])
    assert pool.num_bytes <= pool.budget_bytes


@pytest.mark.parametrize("name", ["attention_sink", "window"])
def test_of_these_policies_no_row_comes_back_into_view(name: str) -> None:
    """So what their turns see, now or later, is what the next turn sees."""
    policy = policy_named(name)
    spans = panel_spans([told(number) for number in range(EARLY)])
    for number in range(1, EARLY + 1):
        rows = rows_by_panel(spans[:number], policy)
        assert rows == later_rows_by_panel(spans[:number], policy)
