"""What a session remembers between turns: its segments by panel, and the context of its last turn.

The tree of panels is the record and this is a cache: anything may be dropped at any moment, and
reading the panels again rebuilds it. Every story has a byte budget, and so have all together.

No torch is imported here, so that sessions and the page over them can be there before the models.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seedstory_core.generation.kv import KVContext, KVSegment
    from seedstory_core.generation.packed_segment import PackedSegment


class MemoryPool:
    """The budget that all stories of a process share."""

    def __init__(self, budget_bytes: int) -> None:
        """Make a pool whose stories never keep more than `budget_bytes` together."""
        self.budget_bytes = budget_bytes
        # One lock for all, because one story's turn may drop what another one keeps.
        self.lock = threading.RLock()
        self._clock = itertools.count(1)
        self._memories: weakref.WeakSet[StoryMemory] = weakref.WeakSet()

    @property
    def num_bytes(self) -> int:
        """Bytes kept by all stories."""
        with self.lock:
            return sum(memory.num_bytes for memory in self._memories)

    def tick(self) -> int:
        """A later moment than all before."""
        return next(self._clock)

    def join(self, memory: StoryMemory) -> None:
        """Count a story's memory in for as long as it lives."""
        with self.lock:
            self._memories.add(memory)

    def shrink(self) -> None:
        """Drop what was not used for longest until the budget holds."""
        with self.lock:
            shrink(list(self._memories), self.budget_bytes)


class StoryMemory:
    """One story's segments and its working context, within a byte budget and a pool's."""

    def __init__(self, budget_bytes: int, pool: MemoryPool | None = None) -> None:
        """Make an empty memory that never keeps more than `budget_bytes`."""
        self.budget_bytes = budget_bytes
        self._pool = pool or MemoryPool(budget_bytes)
        self._segments: dict[str, _Kept] = {}
        self._context: KVContext | None = None
        self._context_used = 0
        self._pool.join(self)

    @property
    def num_bytes(self) -> int:
        """Bytes of all kept segments and of the context."""
        with self._pool.lock:
            segments = sum(kept.num_bytes for kept in self._segments.values())
            return segments + (self._context.num_bytes if self._context is not None else 0)

    def __contains__(self, panel_id: str) -> bool:
        return panel_id in self._segments

    def __len__(self) -> int:
        return len(self._segments)

    @property
    def is_packed(self) -> bool:
        """Whether looking something up may have to unpack it."""
        with self._pool.lock:
            return any(kept.packed is not None for kept in self._segments.values())

    def keep(self, panel_id: str, segment: KVSegment) -> None:
        """Remember a panel's segment; what was not used for longest makes room."""
        with self._pool.lock:
            self._segments[panel_id] = _Kept(segment, self._pool.tick())
            self._shrink()

    def find(self, path: Sequence[str]) -> list[KVSegment | None]:
        """Look up the segments of a path; None where one has to be read again."""
        with self._pool.lock:
            # From the leaf up: the oldest panels, which all branches share, are then dropped last.
            for panel_id in reversed(path):
                if (kept := self._segments.get(panel_id)) is not None:
                    kept.used = self._pool.tick()
                    if kept.packed is not None:
                        kept.segment, kept.packed = kept.packed.unpack(), None
            kept_on_path = [self._segments.get(panel_id) for panel_id in path]
            found = [None if kept is None else kept.segment for kept in kept_on_path]
            self._shrink()  # what was unpacked is larger; whoever asked has it anyway
            return found

    def drop(self, panel_ids: Iterable[str] | None = None) -> None:
        """Forget some panels' segments, or everything."""
        with self._pool.lock:
            for panel_id in list(self._segments if panel_ids is None else panel_ids):
                self._segments.pop(panel_id, None)
            self._context = None

    @property
    def context(self) -> KVContext | None:
        """The context of the last turn, for one turn at a time to build on."""
        return self._context

    def keep_context(self, context: KVContext | None) -> None:
        """Keep the context of the turn that just ended for the next one."""
        with self._pool.lock:
            self._context, self._context_used = context, self._pool.tick()
            self._shrink()

    def rest(self, *, pack: bool = False) -> None:
        """Make a story that nobody uses small: no context, and nothing on the accelerator.

        Args:
            pack: Whether to keep keys and values in 8 bits, which loses a little; without it the
                memory stays exactly what it was.
        """
        from seedstory_core.generation.packed_segment import PackedSegment

        with self._pool.lock:
            self._context = None
            for kept in self._segments.values():
                if kept.segment is not None:
                    kept.segment = kept.segment.to("cpu")
                    if pack:
                        kept.packed, kept.segment = PackedSegment.pack(kept.segment), None

    def _shrink(self) -> None:
        shrink([self], self.budget_bytes)
        self._pool.shrink()


@dataclass
class _Kept:
    segment: KVSegment | None
    """None while it is packed."""
    used: int
    """When it was last looked up, by the pool's clock."""
    packed: PackedSegment | None = None

    @property
    def num_bytes(self) -> int:
        held = self.segment or self.packed
        assert held is not None
        return held.num_bytes


def shrink(memories: Sequence[StoryMemory], budget_bytes: int) -> None:
    """Drop contexts, then segments, what was not used for longest first, until the budget holds.

    A context is a copy that is assembled again in a moment; a segment costs a pass of the model.
    """
    excess = sum(memory.num_bytes for memory in memories) - budget_bytes
    for memory in sorted(memories, key=lambda memory: memory._context_used):
        if excess > 0 and memory._context is not None:
            excess -= memory._context.num_bytes
            memory._context = None
    if excess <= 0:
        return
    oldest = sorted(
        (
            (kept.used, panel_id, memory)
            for memory in memories
            for panel_id, kept in memory._segments.items()
        ),
        key=lambda entry: entry[0],
    )
    for _, panel_id, memory in oldest:
        if excess <= 0:
            return
        excess -= memory._segments.pop(panel_id).num_bytes
