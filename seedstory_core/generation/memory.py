"""The memory of a session between turns: its segments by panel, and the context of its last turn.

The tree of panels is the record and the memory is a cache: anything may be dropped at any moment,
and a replay of the panels rebuilds it. Each story has a byte budget, and all stories share another.

This module does not import torch, so that sessions can be used before the models are loaded.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seedstory_core.generation.kv import KVContext, KVSegment
    from seedstory_core.generation.packed_segment import PackedSegment
    from seedstory_core.generation.policies import Rows


class MemoryPool:
    """The byte budget that all stories of a process share."""

    def __init__(self, budget_bytes: int) -> None:
        """Create a pool whose stories together never keep more than `budget_bytes`."""
        self.budget_bytes = budget_bytes
        # One lock for all stories, because a turn of one may drop segments of another.
        self.lock = threading.RLock()
        self._clock = itertools.count(1)
        self._memories: weakref.WeakSet[StoryMemory] = weakref.WeakSet()

    @property
    def num_bytes(self) -> int:
        """Bytes kept by all stories."""
        with self.lock:
            return sum(memory.num_bytes for memory in self._memories)

    def tick(self) -> int:
        """Return the next number of the pool's clock."""
        return next(self._clock)

    def join(self, memory: StoryMemory) -> None:
        """Count a story's memory as part of the pool while it exists."""
        with self.lock:
            self._memories.add(memory)

    def shrink(self) -> None:
        """Drop the least recently used contexts and segments until the budget holds."""
        with self.lock:
            shrink(list(self._memories), self.budget_bytes)


class StoryMemory:
    """One story's segments and last context, within its own byte budget and the pool's."""

    def __init__(self, budget_bytes: int, pool: MemoryPool | None = None) -> None:
        """Create an empty memory that never keeps more than `budget_bytes`."""
        self.budget_bytes = budget_bytes
        self._pool = pool or MemoryPool(budget_bytes)
        self._segments: dict[str, _Kept] = {}
        self._num_bytes = 0
        self._view: Mapping[str, Rows] = {}
        self._later: Mapping[str, Rows] = {}
        self._newest = ""
        self._context: KVContext | None = None
        self._context_used = 0
        self._pool.join(self)

    @property
    def num_bytes(self) -> int:
        """Bytes of all segments and of the context."""
        with self._pool.lock:
            context = self._context.num_bytes if self._context is not None else 0
            return self._num_bytes + context

    def __contains__(self, panel_id: str) -> bool:
        """Return whether a panel's segment is whole."""
        kept = self._segments.get(panel_id)
        return kept is not None and kept.is_whole

    def __len__(self) -> int:
        return sum(kept.is_whole for kept in self._segments.values())

    @property
    def is_packed(self) -> bool:
        """Whether some segments are packed, so that `find` may have to compute."""
        with self._pool.lock:
            return any(kept.packed is not None for kept in self._segments.values())

    def keep(self, panel_id: str, segment: KVSegment) -> None:
        """Keep a panel's segment; what is not in view makes room for it."""
        with self._pool.lock:
            self._put(panel_id, _Kept(segment, self._pool.tick()))
            self._shrink()

    def take(self, panel_id: str) -> KVSegment | None:
        """Forget a panel, and return its segment if it is kept whole."""
        with self._pool.lock:
            kept = self._put(panel_id, None)
            return kept.segment if kept is not None and kept.is_whole else None

    def find(self, path: Sequence[str]) -> list[KVSegment | None]:
        """Return the segments of a path; None for panels that have not been read.

        Segments may be cut: they hold fewer rows than their panels.
        """
        with self._pool.lock:
            for panel_id in path:
                if (kept := self._segments.get(panel_id)) is not None:
                    kept.used = self._pool.tick()
                    if kept.packed is not None:
                        self._put(panel_id, _Kept(kept.packed.unpack(), kept.used))
            kept_on_path = [self._segments.get(panel_id) for panel_id in path]
            found = [None if kept is None else kept.segment for kept in kept_on_path]
            self._shrink()  # unpacked segments are larger; `found` still holds all of them
            return found

    def look_at(
        self, view: Mapping[str, Rows], newest: str, later: Mapping[str, Rows] | None = None
    ) -> None:
        """Say which rows the next turn sees; all others are dropped before these.

        Args:
            view: Rows by panel.
            newest: The last panel of the path; its `next_scores` are needed, too.
            later: Rows that the next turn or a later one may see, by panel; None is `view`. They
                are dropped after those that no turn will see.
        """
        with self._pool.lock:
            self._view, self._later = view, view if later is None else later
            self._newest = newest

    def drop(self, panel_ids: Iterable[str] | None = None) -> None:
        """Drop the context and some panels' segments, or for None all."""
        with self._pool.lock:
            for panel_id in list(self._segments if panel_ids is None else panel_ids):
                self._put(panel_id, None)
            self._context = None

    @property
    def context(self) -> KVContext | None:
        """The context of the last turn; only one turn at a time may reuse it."""
        return self._context

    def keep_context(self, context: KVContext | None) -> None:
        """Keep the context of the turn that has just ended for the next one."""
        with self._pool.lock:
            self._context, self._context_used = context, self._pool.tick()
            self._shrink()

    def rest(self, *, pack: bool = False) -> None:
        """Drop the context and move all segments to main memory.

        Args:
            pack: Whether to pack keys and values into 8 bits, which rounds them.
        """
        from seedstory_core.generation.packed_segment import PackedSegment

        with self._pool.lock:
            self._context = None
            for panel_id, kept in list(self._segments.items()):
                if kept.segment is not None:
                    segment = kept.segment.to("cpu")
                    resting = _Kept(segment, kept.used)
                    if pack and segment.held:
                        resting = _Kept(None, kept.used, PackedSegment.pack(segment))
                    self._put(panel_id, resting)

    def _put(self, panel_id: str, kept: _Kept | None) -> _Kept | None:
        """Replace what is kept of a panel, and return what was."""
        before = self._segments.pop(panel_id, None)
        if before is not None:
            self._num_bytes -= before.num_bytes
        if kept is not None:
            self._segments[panel_id] = kept
            self._num_bytes += kept.num_bytes
        return before

    def _cut(self, panel_id: str, rows: Rows) -> int:
        """Drop all but these rows of a panel; return the number of bytes.

        Its length is kept, so that the places of the other panels are known.
        """
        kept, before = self._segments[panel_id], self._num_bytes
        segment = kept.segment or (kept.packed.unpack() if kept.packed is not None else None)
        assert segment is not None
        has_scores = bool(rows) and panel_id == self._newest
        self._put(panel_id, _Kept(segment.keep(rows, scores=has_scores), kept.used))
        return before - self._num_bytes

    def _shrink(self) -> None:
        shrink([self], self.budget_bytes)
        self._pool.shrink()


@dataclass
class _Kept:
    segment: KVSegment | None
    """None while it is packed."""
    used: int
    """Time of its last use, by the pool's clock."""
    packed: PackedSegment | None = None

    @property
    def is_whole(self) -> bool:
        held = self.segment or self.packed
        assert held is not None
        return held.is_whole

    @property
    def num_bytes(self) -> int:
        held = self.segment or self.packed
        assert held is not None
        return held.num_bytes


def shrink(memories: Sequence[StoryMemory], budget_bytes: int) -> None:
    """Drop contexts, then rows out of view, then views, until the budget holds.

    Each least recently used first. A context is a copy that is quickly assembled again; a row out
    of view is needed only if it comes back into view, a reader goes back or changes the memory
    policy; a view that is lost has to be read again before the story goes on.
    """
    excess = sum(memory.num_bytes for memory in memories) - budget_bytes
    for memory in sorted(memories, key=lambda memory: memory._context_used):
        if excess > 0 and memory._context is not None:
            excess -= memory._context.num_bytes
            memory._context = None
    needs: tuple[Callable[[StoryMemory], Mapping[str, Rows]], ...] = (
        lambda memory: memory._later,
        lambda memory: memory._view,
        lambda memory: {},
    )
    for need in needs:
        if excess <= 0:
            return
        oldest = sorted(
            (kept.used, panel_id, memory)
            for memory in memories
            for panel_id, kept in memory._segments.items()
            if kept.num_bytes
        )
        for _, panel_id, memory in oldest:
            if excess <= 0:
                return
            excess -= memory._cut(panel_id, need(memory).get(panel_id, ()))
