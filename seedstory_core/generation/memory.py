"""The memory of a session between turns: its segments by panel, and the context of its last turn.

The tree of panels is the record and the memory is a cache: anything may be dropped at any moment,
and a replay of the panels rebuilds it. Each story has a byte budget, and all stories share another.
Both are for the models' device. What rests in main memory beside another device has as much again
there.

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
    import torch

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
        """Bytes kept by all stories on the models' device."""
        with self.lock:
            return sum(memory.num_bytes for memory in self._memories)

    def tick(self) -> int:
        """Return the next number of the pool's clock."""
        return next(self._clock)

    def join(self, memory: StoryMemory) -> None:
        """Count a story's memory as part of the pool while it exists."""
        with self.lock:
            self._memories.add(memory)

    def drop(self) -> None:
        """Drop the contexts and segments of all stories."""
        with self.lock:
            for memory in list(self._memories):
                memory.drop()

    def shrink(self) -> None:
        """Drop the least recently used contexts and segments until the budget holds."""
        with self.lock:
            shrink(list(self._memories), self.budget_bytes)
            shrink(list(self._memories), self.budget_bytes, is_away=True)


class StoryMemory:
    """One story's segments and last context, within its own byte budget and the pool's."""

    def __init__(self, budget_bytes: int, pool: MemoryPool | None = None) -> None:
        """Create an empty memory that never keeps more than `budget_bytes`."""
        self.budget_bytes = budget_bytes
        self.pool = pool or MemoryPool(budget_bytes)
        self._segments: dict[str, _Kept] = {}
        self._num_bytes = {False: 0, True: 0}  # on the models' device, and away from it
        self._view: Mapping[str, Rows] = {}
        self._later: Mapping[str, Rows] = {}
        self._newest = ""
        self._context: KVContext | None = None
        self._context_used = 0
        self.pool.join(self)

    @property
    def num_bytes(self) -> int:
        """Bytes of the context and of all segments on the models' device."""
        with self.pool.lock:
            context = self._context.num_bytes if self._context is not None else 0
            return self._num_bytes[False] + context

    @property
    def num_bytes_away(self) -> int:
        """Bytes of segments that rest in main memory while the models are on another device."""
        return self._num_bytes[True]

    def __contains__(self, panel_id: str) -> bool:
        """Return whether a panel's segment is whole."""
        kept = self._segments.get(panel_id)
        return kept is not None and kept.is_whole

    def __len__(self) -> int:
        return sum(kept.is_whole for kept in self._segments.values())

    @property
    def is_at_rest(self) -> bool:
        """Whether some segments are packed or away, so that `find` has to compute or to copy."""
        with self.pool.lock:
            return any(kept.is_at_rest for kept in self._segments.values())

    def keep(self, panel_id: str, segment: KVSegment) -> None:
        """Keep a panel's segment; what is not in view makes room for it."""
        with self.pool.lock:
            self._put(panel_id, _Kept(segment, self.pool.tick()))
            self._shrink()

    def take(self, panel_id: str) -> KVSegment | None:
        """Forget a panel, and return its segment if it is kept whole."""
        with self.pool.lock:
            kept = self._put(panel_id, None)
            return kept.segment if kept is not None and kept.is_whole else None

    def find(self, path: Sequence[str]) -> list[KVSegment | None]:
        """Return the segments of a path; None for panels that have not been read.

        Segments may be cut: they hold fewer rows than their panels. Those that rest come back to
        the models' device, one after the other, while other stories go on.
        """
        with self.pool.lock:
            on_path = [self._segments.get(panel_id) for panel_id in path]
            for kept in on_path:
                if kept is not None:
                    kept.used = self.pool.tick()
        found: list[KVSegment | None] = []
        for panel_id, kept in zip(path, on_path, strict=True):
            found.append(kept.awake() if kept is not None else None)
            if kept is not None and kept.is_at_rest:
                self._exchange(panel_id, kept, _Kept(found[-1], kept.used))
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
        with self.pool.lock:
            self._view, self._later = view, view if later is None else later
            self._newest = newest

    def drop(self, panel_ids: Iterable[str] | None = None) -> None:
        """Drop the context and some panels' segments, or for None all."""
        with self.pool.lock:
            for panel_id in list(self._segments if panel_ids is None else panel_ids):
                self._put(panel_id, None)
            self._context = None

    @property
    def context(self) -> KVContext | None:
        """The context of the last turn; only one turn at a time may reuse it."""
        return self._context

    def keep_context(self, context: KVContext | None) -> None:
        """Keep the context of the turn that has just ended for the next one."""
        with self.pool.lock:
            self._context, self._context_used = context, self.pool.tick()
            self._shrink()

    def rest(self, *, pack: bool = False) -> None:
        """Drop the context and move all segments to main memory.

        Args:
            pack: Whether to pack keys and values into 8 bits, which rounds them.
        """
        from seedstory_core.generation.packed_segment import PackedSegment

        with self.pool.lock:
            self._context = None
            awake = [(name, kept) for name, kept in self._segments.items() if not kept.packed]
        for panel_id, kept in awake:
            # Outside of the lock, as copying and packing take time, and one after the other.
            assert kept.segment is not None
            segment, home = kept.segment.to("cpu"), kept.home or kept.segment.device
            resting = _Kept(segment, kept.used, home=home)
            if pack and segment.held:
                resting = _Kept(None, kept.used, PackedSegment.pack(segment), home)
            self._exchange(panel_id, kept, resting)

    def _exchange(self, panel_id: str, before: _Kept, after: _Kept) -> None:
        """Replace what is kept of a panel, unless it was exchanged or dropped meanwhile."""
        with self.pool.lock:
            if self._segments.get(panel_id) is before:
                self._put(panel_id, after)
                self._shrink()

    def _put(self, panel_id: str, kept: _Kept | None) -> _Kept | None:
        """Replace what is kept of a panel, and return what was."""
        before = self._segments.pop(panel_id, None)
        if before is not None:
            self._num_bytes[before.is_away] -= before.num_bytes
        if kept is not None:
            self._segments[panel_id] = kept
            self._num_bytes[kept.is_away] += kept.num_bytes
        return before

    def _cut(self, panel_id: str, rows: Rows) -> int:
        """Drop all but these rows of a panel; return the number of bytes.

        Its length is kept, so that the places of the other panels are known.
        """
        kept = self._segments[panel_id]
        has_scores = bool(rows) and panel_id == self._newest
        cut = _Kept(kept.unpacked().keep(rows, scores=has_scores), kept.used, home=kept.home)
        self._put(panel_id, cut)
        return kept.num_bytes - cut.num_bytes

    def _shrink(self) -> None:
        shrink([self], self.budget_bytes)
        shrink([self], self.budget_bytes, is_away=True)
        self.pool.shrink()


@dataclass
class _Kept:
    segment: KVSegment | None
    """None while it is packed."""
    used: int
    """Time of its last use, by the pool's clock."""
    packed: PackedSegment | None = None
    home: torch.device | None = None
    """While it rests, the models' device, where it was."""

    @property
    def is_away(self) -> bool:
        """Whether it is elsewhere than the models."""
        held = self.segment or self.packed
        assert held is not None
        return self.home is not None and held.device != self.home

    @property
    def is_at_rest(self) -> bool:
        """Whether it is packed or away."""
        return self.packed is not None or self.is_away

    def unpacked(self) -> KVSegment:
        """Return the segment where it is."""
        segment = self.segment or (self.packed.unpack() if self.packed is not None else None)
        assert segment is not None
        return segment

    def awake(self) -> KVSegment:
        """Return the segment on the models' device."""
        segment = self.unpacked()
        return segment if self.home is None else segment.to(self.home)

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


def shrink(memories: Sequence[StoryMemory], budget_bytes: int, *, is_away: bool = False) -> None:
    """Drop contexts, then rows out of view, then views, until the budget holds.

    Each least recently used first. A context is a copy that is quickly assembled again; a row out
    of view is needed only if it comes back into view, a reader goes back or changes the memory
    policy; a view that is lost has to be read again before the story goes on.

    Args:
        memories: Those that share the budget.
        budget_bytes: Most bytes.
        is_away: Whether it is the budget for what rests away from the models' device.
    """
    num_bytes = (one.num_bytes_away if is_away else one.num_bytes for one in memories)
    excess = sum(num_bytes) - budget_bytes
    for memory in sorted([] if is_away else memories, key=lambda memory: memory._context_used):
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
            if kept.num_bytes and kept.is_away == is_away
        )
        for _, panel_id, memory in oldest:
            if excess <= 0:
                return
            excess -= memory._cut(panel_id, need(memory).get(panel_id, ()))
