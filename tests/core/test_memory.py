"""A session's memory: budgets, order of eviction, and closed stories."""

from __future__ import annotations

import dataclasses
import gc
import threading
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seedstory_core.generation.kv import KVContext, KVSegment
from seedstory_core.generation.memory import MemoryPool, StoryMemory
from seedstory_core.generation.packed_segment import PackedSegment


def segment(rows: int = 4, seed: int = 0) -> KVSegment:
    noise = torch.Generator().manual_seed(seed)
    keys, values = (torch.randn(2, 3, rows, 8, generator=noise) for _ in range(2))
    return KVSegment(keys, values, boi=1, eoi=2, next_scores=torch.zeros(5))


SIZE = segment().num_bytes


class Context(KVContext):
    """A context of any size, without a model."""

    def __init__(self, num_bytes: int) -> None:
        self.keys = torch.zeros(num_bytes // 2, dtype=torch.uint8)
        self.values = torch.zeros(num_bytes // 2, dtype=torch.uint8)


def test_what_was_not_used_for_longest_makes_room() -> None:
    memory = StoryMemory(3 * SIZE)
    for name in ("p1", "p2", "p3"):
        memory.keep(name, segment())
    memory.find(["p1"])
    memory.keep("p4", segment())
    assert [name in memory for name in ("p1", "p2", "p3", "p4")] == [True, False, True, True]
    assert memory.num_bytes == 3 * SIZE


def test_of_a_path_the_newest_panels_stay_longest() -> None:
    memory = StoryMemory(4 * SIZE)
    path = ["p1", "p2", "p3", "p4"]
    for name in path:
        memory.keep(name, segment())
    memory.find(path)
    memory.keep("p5", segment())
    assert [name in memory for name in [*path, "p5"]] == [False, True, True, True, True]


def test_rows_out_of_view_make_room_and_those_in_view_stay() -> None:
    memory = StoryMemory(3 * SIZE)
    for name in ("p1", "p2", "p3"):
        memory.keep(name, segment(seed=3))
    # The next turn sees two rows of the first panel, none of the second, and the third.
    memory.look_at({"p1": (range(0, 1), range(3, 4)), "p3": (range(4),)}, "p3")
    memory.keep("p4", segment())
    memory.keep("p5", segment())
    first, second, third, *_ = memory.find(["p1", "p2", "p3", "p4", "p5"])
    assert first is not None and second is not None and third is not None
    assert (first.num_rows, first.held) == (4, (range(0, 1), range(3, 4)))
    assert first.next_scores is None
    assert torch.equal(first.read(range(3, 4))[0], segment(seed=3).keys[:, :, 3:])
    assert (second.num_rows, second.held, second.num_bytes) == (4, (), 0)
    assert third.is_whole
    assert memory.num_bytes <= 3 * SIZE
    with pytest.raises(ValueError, match="holds the rows"):
        first.read(range(0, 2))


def test_a_view_is_given_up_only_when_nothing_else_is_left() -> None:
    pool = MemoryPool(4 * SIZE)
    idle, busy = StoryMemory(9 * SIZE, pool), StoryMemory(9 * SIZE, pool)
    for memory in (idle, busy):
        for name in ("p1", "p2"):
            memory.keep(name, segment())
        memory.look_at({"p2": (range(4),)}, "p2")
    names = ("p3", "p4", "p5", "p6")
    for number, name in enumerate(names, start=1):
        busy.look_at({seen: (range(4),) for seen in names[:number]}, name)
        busy.keep(name, segment())
        assert ("p2" in idle) == (number <= 3)
    assert "p1" not in idle and "p1" not in busy
    assert all(one is not None and one.held == (range(4),) for one in busy.find(names))


def test_what_is_taken_is_no_longer_counted() -> None:
    memory = StoryMemory(3 * SIZE)
    memory.keep("p1", segment())
    taken = memory.take("p1")
    assert taken is not None and taken.is_whole
    assert memory.num_bytes == 0 and memory.take("p1") is None


def test_a_context_goes_before_any_segment() -> None:
    memory = StoryMemory(3 * SIZE)
    memory.keep("p1", segment())
    memory.keep_context(Context(2 * SIZE))
    assert memory.num_bytes == 3 * SIZE
    memory.keep("p2", segment())
    assert memory.context is None
    assert len(memory) == 2


def test_stories_share_a_budget_and_the_idle_one_pays() -> None:
    pool = MemoryPool(3 * SIZE)
    idle, busy = StoryMemory(9 * SIZE, pool), StoryMemory(9 * SIZE, pool)
    idle.keep("p1", segment())
    idle.keep_context(Context(SIZE))
    busy.keep("p1", segment())
    busy.keep("p2", segment())
    assert idle.context is None
    assert (len(idle), len(busy)) == (1, 2)
    busy.keep("p3", segment())
    assert (len(idle), len(busy)) == (0, 3)
    assert pool.num_bytes == 3 * SIZE


def test_a_closed_story_gives_its_share_back() -> None:
    pool = MemoryPool(10 * SIZE)
    memory = StoryMemory(10 * SIZE, pool)
    memory.keep("p1", segment())
    assert pool.num_bytes == SIZE
    del memory
    gc.collect()
    assert pool.num_bytes == 0


def test_a_segment_larger_than_the_budget_is_not_kept() -> None:
    memory = StoryMemory(SIZE - 1)
    memory.keep("p1", segment())
    assert (len(memory), memory.num_bytes) == (0, 0)


def test_a_resting_story_is_exactly_what_it_was() -> None:
    memory = StoryMemory(10 * SIZE)
    memory.keep("p1", segment(seed=3))
    memory.keep_context(Context(SIZE))
    memory.rest()
    (found,) = memory.find(["p1"])
    assert found is not None
    assert memory.context is None
    assert torch.equal(found.keys, segment(seed=3).keys)


@dataclasses.dataclass(frozen=True, eq=False)
class OnGpu(KVSegment):
    """A segment that says that it is on a GPU; bringing it to and fro calls `moving`."""

    place: torch.device = torch.device("cuda", 0)
    moving: Callable[[], None] = lambda: None

    @property
    def device(self) -> torch.device:
        return self.place

    def to(self, device: torch.device | str) -> OnGpu:
        self.moving()
        return dataclasses.replace(self, place=torch.device(device))


def on_gpu(seed: int = 0, moving: Callable[[], None] = lambda: None) -> OnGpu:
    plain = segment(seed=seed)
    return OnGpu(plain.keys, plain.values, 1, 2, plain.next_scores, moving=moving)


def test_what_rests_in_main_memory_leaves_its_room_on_the_gpu_and_comes_back() -> None:
    pool = MemoryPool(3 * SIZE)
    resting, busy = StoryMemory(2 * SIZE, pool), StoryMemory(3 * SIZE, pool)
    for name in ("p1", "p2"):
        resting.keep(name, on_gpu())
    resting.rest()
    assert (resting.num_bytes, resting.num_bytes_away, pool.num_bytes) == (0, 2 * SIZE, 0)
    for name in ("q1", "q2", "q3"):
        busy.keep(name, on_gpu())
    assert len(resting) == 2 and len(busy) == 3 and resting.is_at_rest
    found = resting.find(["p1", "p2"])
    assert [one is not None and one.device.type for one in found] == ["cuda", "cuda"]
    assert (resting.num_bytes, resting.num_bytes_away) == (2 * SIZE, 0)
    assert len(resting) == 2 and len(busy) == 1 and not resting.is_at_rest
    assert pool.num_bytes == 3 * SIZE


def test_main_memory_is_bounded_too() -> None:
    pool = MemoryPool(3 * SIZE)
    memories = [StoryMemory(2 * SIZE, pool) for _ in range(4)]
    for number, memory in enumerate(memories):
        for name in ("p1", "p2"):
            memory.keep(name, on_gpu(number))
        memory.rest()
    assert [len(memory) for memory in memories] == [0, 0, 1, 2]
    assert sum(memory.num_bytes_away for memory in memories) == 3 * SIZE


def test_on_a_processor_what_rests_counts_as_before() -> None:
    memory = StoryMemory(3 * SIZE)
    memory.keep("p1", segment())
    memory.rest()
    assert (memory.num_bytes, memory.num_bytes_away, memory.is_at_rest) == (SIZE, 0, False)


@pytest.mark.parametrize("pack", [False, True])
def test_other_stories_go_on_while_one_moves(pack: bool) -> None:
    pool = MemoryPool(9 * SIZE)
    moving, other = StoryMemory(9 * SIZE, pool), StoryMemory(9 * SIZE, pool)
    is_free: list[bool] = []

    def look() -> None:
        def keep() -> None:
            other.keep(f"q{len(is_free)}", segment())

        thread = threading.Thread(target=keep, daemon=True)
        thread.start()
        thread.join(10)
        is_free.append(not thread.is_alive())

    for name in ("p1", "p2"):
        moving.keep(name, on_gpu(moving=look))
    moving.rest(pack=pack)
    moving.find(["p1", "p2"])
    assert is_free == [True] * 4 and len(other) == 4


def test_what_is_dropped_while_it_moves_stays_dropped() -> None:
    memory = StoryMemory(9 * SIZE)
    memory.keep("p1", on_gpu(moving=lambda: memory.drop(["p1"])))
    memory.rest()
    assert (len(memory), memory.num_bytes, memory.num_bytes_away) == (0, 0, 0)


def test_a_packed_story_is_a_quarter_and_nearly_what_it_was() -> None:
    kept = segment(rows=64, seed=3)
    packed = PackedSegment.pack(kept)
    assert packed.num_bytes < 0.4 * kept.num_bytes  # heads of 8 channels: scales weigh a lot here
    memory = StoryMemory(10 * kept.num_bytes)
    memory.keep("p1", kept)
    memory.rest(pack=True)
    assert memory.num_bytes == packed.num_bytes
    (found,) = memory.find(["p1"])
    assert found is not None
    for name, dim in (("keys", 2), ("values", 3)):
        was, now = getattr(kept, name), getattr(found, name)
        step = was.abs().amax(dim, keepdim=True) / 127
        assert ((was - now).abs() <= 0.51 * step).all()
    assert found.next_scores is kept.next_scores
    assert memory.num_bytes == kept.num_bytes


def test_unpacking_keeps_to_the_budget() -> None:
    memory = StoryMemory(2 * SIZE)
    for name in ("p1", "p2"):
        memory.keep(name, segment())
    memory.rest(pack=True)
    memory.keep("p3", segment())
    found = memory.find(["p1", "p2", "p3"])
    assert all(one is not None for one in found)
    assert memory.num_bytes <= 2 * SIZE


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["keep", "context", "find", "look", "take", "drop", "rest", "pack"]),
        st.integers(0, 2),
        st.integers(1, 9),
        st.integers(1, 12),
    ),
    min_size=10,
    max_size=60,
)


@settings(deadline=None)
@given(MOVES, st.integers(1, 40), st.integers(1, 80))
def test_budgets_hold_whatever_happens(
    moves: list[tuple[str, int, int, int]], own: int, shared: int
) -> None:
    pool = MemoryPool(shared * SIZE)
    memories = [StoryMemory(own * SIZE, pool) for _ in range(3)]
    for move, story, number, rows in moves:
        memory, name = memories[story], f"p{number}"
        if move == "keep":
            memory.keep(name, segment(rows))
        elif move == "context":
            memory.keep_context(Context(rows * SIZE))
        elif move == "find":
            memory.find([f"p{n}" for n in range(1, number)])
        elif move == "look":
            seen = {f"p{n}": (range(n, n + 2), range(n + 3, n + 4)) for n in range(1, rows)}
            memory.look_at(seen, name)
        elif move == "take":
            memory.take(name)
        elif move == "drop":
            memory.drop([name])
        else:
            memory.rest(pack=move == "pack")
        assert all(one.num_bytes <= own * SIZE for one in memories)
        assert pool.num_bytes <= shared * SIZE
