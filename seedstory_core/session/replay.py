"""Which panels a story has to read again before it can go on, and which rows of each are needed.

A segment depends on the rows that the model saw when it read the panel. So a panel whose rows are
lost is read again after all rows that it saw, which may be those of a panel that is lost as well,
and so on back to the root. What no reading and no turn sees is not read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seedstory_core.generation.policies import (
    MemoryPolicy,
    PanelSpan,
    Rows,
    merge,
    rows_by_panel,
)

if TYPE_CHECKING:
    from seedstory_core.generation.kv import KVSegment


@dataclass(frozen=True)
class ReplayPlan:
    """What to read again on a path.

    Attributes:
        to_read: Numbers of the panels to read again, counted from 0 along the path, ascending.
        last_seen: For each panel, which of its rows are needed, and the number of the last panel
            that is read after seeing them; the next turn's is the length of the path.
    """

    to_read: tuple[int, ...]
    last_seen: tuple[dict[range, int], ...]

    def still_needed(self, number: int, after: int) -> Rows:
        """Return the rows of a panel that are needed once the panel `after` is read."""
        seen = self.last_seen[number].items()
        return merge(rows for rows, last in seen if last > after)


def plan_replay(
    spans: Sequence[PanelSpan],
    segments: Sequence[KVSegment],
    policy: MemoryPolicy,
    policy_at: Callable[[int], MemoryPolicy],
) -> ReplayPlan:
    """Plan what to read again before a turn.

    Args:
        spans: Positions of the path's panels.
        segments: Their segments, which may be cut, even to nothing.
        policy: The memory policy of the next turn.
        policy_at: The memory policy with which a panel was read first, by its number.
    """
    last_seen: list[dict[range, int]] = [{} for _ in spans]
    to_read = []

    def see(number: int, policy: MemoryPolicy) -> None:
        for panel, rows in rows_by_panel(spans[:number], policy):
            last_seen[panel].setdefault(rows, number)

    see(len(spans), policy)
    for number in reversed(range(len(spans))):
        segment, is_newest = segments[number], number == len(spans) - 1
        if not segment.holds(last_seen[number]) or (is_newest and segment.next_scores is None):
            to_read.append(number)
            see(number, policy_at(number))
    return ReplayPlan(tuple(reversed(to_read)), tuple(last_seen))
