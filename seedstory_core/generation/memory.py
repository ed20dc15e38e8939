"""A session's segments by panel, within a byte budget.

The tree of panels is the record and this is a cache: any segment may be dropped at any moment, and
reading the panels again rebuilds it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from seedstory_core.generation.kv import KVSegment


class StoryMemory:
    """Keeps segments; drops the least recently used ones when they exceed the budget."""

    def __init__(self, budget_bytes: int) -> None:
        """Make an empty memory that never holds more than `budget_bytes`."""
        self.budget_bytes = budget_bytes
        self._segments: OrderedDict[str, KVSegment] = OrderedDict()

    @property
    def num_bytes(self) -> int:
        """Bytes of all kept segments."""
        return sum(segment.num_bytes for segment in self._segments.values())

    def __contains__(self, panel_id: str) -> bool:
        return panel_id in self._segments

    def __len__(self) -> int:
        return len(self._segments)

    def keep(self, panel_id: str, segment: KVSegment) -> None:
        """Remember a panel's segment, dropping others that were not used for longest."""
        self._segments[panel_id] = segment
        self._segments.move_to_end(panel_id)
        while self.num_bytes > self.budget_bytes:
            self._segments.popitem(last=False)

    def find(self, path: Sequence[str]) -> list[KVSegment | None]:
        """Look up the segments of a path; None where one has to be read again."""
        # From the leaf up: the oldest panels, which all branches share, are then dropped last.
        for panel_id in reversed(path):
            if panel_id in self._segments:
                self._segments.move_to_end(panel_id)
        return [self._segments.get(panel_id) for panel_id in path]

    def drop(self, panel_ids: Sequence[str] | None = None) -> None:
        """Forget some panels' segments, or all of them."""
        if panel_ids is None:
            self._segments.clear()
        else:
            for panel_id in panel_ids:
                self._segments.pop(panel_id, None)
