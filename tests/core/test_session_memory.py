"""Whatever is done to a story: its memory equals a replay of its record.

A machine plays random readers who tell, branch, rewrite, repaint, pin, remove, stop and come back,
while segments are dropped and stories rest. The models are real and small.
"""

from __future__ import annotations

import dataclasses
import gc
import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from PIL import Image

from seedstory_core.engine import ImagePreview, StoryEngine, TextDelta, TurnRequest
from seedstory_core.errors import InputError, TurnCancelled
from seedstory_core.generation import decode
from seedstory_core.generation.kv import KVSegment
from seedstory_core.generation.memory import shrink
from seedstory_core.generation.policies import POLICIES
from seedstory_core.generation.sampling import Sampling
from seedstory_core.session import PanelAdded, SessionStore, StorySession
from seedstory_core.story.archive import StoryArchive
from seedstory_core.story.tree import Panel

CAPPED = "capped_multimodal_attention_sink"
TEXTS = ("Mira waves.", "Then it rains on Bruno and the drum.", "", "Ella sings a song.")


def request(seed: int, text: str = "") -> TurnRequest:
    return TurnRequest(
        reader_text=text,
        sampling=Sampling(seed=seed),
        image_seed=seed,
        num_inference_steps=1,
    )


def last(events: Any) -> Panel:
    *_, added = events
    assert isinstance(added, PanelAdded)
    return added.panel


def same(one: KVSegment, other: KVSegment) -> bool:
    names = ("keys", "values", "next_scores")
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in names)


def copy_of(segment: KVSegment) -> KVSegment:
    tensors = {name: getattr(segment, name).clone() for name in ("keys", "values", "next_scores")}
    return dataclasses.replace(segment, **tensors)


class Readers(RuleBasedStateMachine):
    """Random readers of one story."""

    engine: StoryEngine

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = SessionStore(self.engine, StoryArchive(str(Path(self.folder.name) / "s")))
        self.session = self.store.create()
        self.session.set_policy("multimodal_attention_sink", window_panels=2)
        self.told: dict[str, Panel] = {}
        self.segments: dict[str, KVSegment] = {}
        self.learn(last(self.session.turn(None, request(0, "Mira the fox waves."))))
        self.go_on(3, 0)

    def teardown(self) -> None:
        try:
            self.check_replay()
        finally:
            self.folder.cleanup()

    def learn(self, panel: Panel) -> None:
        self.told[panel.id] = panel
        (segment,) = self.session.memory.find([panel.id])
        assert segment is not None
        self.segments[panel.id] = copy_of(segment)

    def some(self, number: int) -> str:
        return sorted(self.told)[number % len(self.told)]

    @rule(after=st.integers(0, 99), seed=st.integers(0, 9), text=st.sampled_from(TEXTS))
    def branch(self, after: int, seed: int, text: str) -> None:
        self.learn(last(self.session.turn(self.some(after), request(seed, text))))

    @rule(count=st.integers(1, 4), seed=st.integers(0, 9))
    def go_on(self, count: int, seed: int) -> None:
        for _ in range(count):
            tree = self.session.tree
            deepest = max(tree.leaves(), key=lambda panel: tree.depth(panel.id))
            self.learn(last(self.session.turn(deepest.id, request(seed))))

    @rule(after=st.integers(0, 99), waits=st.booleans(), accepts=st.booleans())
    def prefetch(self, after: int, waits: bool, accepts: bool) -> None:
        parent = self.some(after)
        thread = self.session.prefetch(parent, dataclasses.replace(request(7), any_seed=True))
        if waits:
            thread.join(60)
        draft = self.session._prefetch.draft
        if accepts:
            asked = dataclasses.replace(request(8), any_seed=True)
            panel = last(self.session.turn(parent, asked))
            assert draft is None or panel.token_ids == draft.record.token_ids
            assert draft is not None or not waits
            self.learn(panel)
        else:
            self.session.warm(parent)

    @rule(which=st.integers(0, 99), number=st.integers(0, 999))
    def rewrite(self, which: int, number: int) -> None:
        old, is_whole = self.told[self.some(which)], self.is_whole
        words = f"Now there are {number} ducks."
        if old.text == words:
            with pytest.raises(InputError, match="has these words already"):
                last(self.session.rewrite(old.id, words))
            return
        with counted_readings() as readings:
            new = last(self.session.rewrite(old.id, words))
        assert len(readings) == 1 or not is_whole
        assert (new.parent, new.image_source) == (old.parent, old.image_source)
        assert new.features_sha256 == old.features_sha256 is not None
        self.learn(new)

    @rule(which=st.integers(0, 99), colour=st.sampled_from(["teal", "orange"]))
    def bring_an_image(self, which: int, colour: str) -> None:
        old, is_whole = self.told[self.some(which)], self.is_whole
        image = Image.new("RGB", (40, 40), colour)
        with counted_readings() as readings:
            new = last(self.session.replace_image(old.id, image))
        assert len(readings) == 1 or not is_whole
        assert (new.text, new.token_ids, new.image_source) == (old.text, old.token_ids, "reader")
        self.learn(new)

    @rule(which=st.integers(0, 99), seed=st.integers(10, 99))
    def repaint(self, which: int, seed: int) -> None:
        old = self.told[self.some(which)]
        if old.image_source == "reader":
            return
        before = self.session.memory.num_bytes
        new = last(self.session.redraw(old.id, request(seed)))
        assert dataclasses.replace(
            new,
            image_seed=old.image_seed,
            image_name=old.image_name,
            image_sha256=old.image_sha256,
            settings=old.settings,
            pictures=old.pictures,
        ) == dataclasses.replace(old)
        assert new.pictures[:-1] == old.all_pictures
        assert self.session.memory.num_bytes == before
        self.told[old.id] = new

    @rule(after=st.integers(0, 99), at=st.sampled_from([TextDelta, ImagePreview]))
    def stop(self, after: int, at: type) -> None:
        before = self.session.tree.panels
        turn = self.session.turn(self.some(after), request(5))
        with pytest.raises(TurnCancelled):
            for event in turn:
                if isinstance(event, at):
                    assert self.session.cancel()
        assert self.session.tree.panels == before

    @precondition(lambda self: len(self.told) > 4)
    @rule(which=st.integers(1, 99))
    def remove(self, which: int) -> None:
        top = self.some(which)
        if top == "p1":
            return
        for panel in self.session.tree.branch(top):
            del self.told[panel.id], self.segments[panel.id]
        self.session.remove_branch(top)

    @rule(which=st.integers(0, 99), is_pinned=st.booleans())
    def pin(self, which: int, is_pinned: bool) -> None:
        try:
            self.session.pin(self.some(which), is_pinned)
        except InputError:
            assert is_pinned

    @rule(policy=st.sampled_from(list(POLICIES)), window=st.integers(1, 3))
    def forget_otherwise(self, policy: str, window: int) -> None:
        before = self.session.policy
        try:
            self.session.set_policy(policy, window_panels=window, max_rows=150)
        except InputError:
            # More is pinned than would leave room for the story; nothing has changed.
            assert self.session.pinned and self.session.policy == before

    @rule(
        which=st.sets(st.integers(1, 20)),
        how=st.sampled_from(["drop", "shrink", "rest", "come back"]),
    )
    def lose(self, which: set[int], how: str) -> None:
        if how == "shrink":
            # As if other stories needed the room: all rows out of view go, and some in view.
            memory = self.session.memory
            shrink([memory], memory.num_bytes * min(which, default=1) // 20)
        elif how == "drop":
            self.session.memory.drop([f"p{number}" for number in which])
        elif how == "rest":
            self.session.last_used -= 200
            self.store.close_idle()
        else:
            archive = self.store.archive
            self.session = SessionStore(self.engine, archive).open(self.session.story_id)

    @property
    def is_whole(self) -> bool:
        return all(name in self.session.memory for name in self.told)

    @invariant()
    def the_tree_is_what_was_told(self) -> None:
        assert {panel.id: panel for panel in self.session.tree} == self.told

    @invariant()
    def what_is_remembered_was_told(self) -> None:
        for name, wanted in self.segments.items():
            if name in self.session.memory:
                (found,) = self.session.memory.find([name])
                assert found is not None and same(found, wanted)

    def check_replay(self) -> None:
        """Check that a memory replayed from the record equals the live one, bit for bit."""
        fresh = SessionStore(self.engine, self.store.archive).open(self.session.story_id)
        for leaf in fresh.tree.leaves():
            fresh.warm(leaf.id)
            context = fresh.memory.context
            path = [panel.id for panel in fresh.tree.path(leaf.id)]
            assert context is not None
            if fresh.policy.policy != CAPPED:
                assert context.num_rows == len(contract(fresh, path))
        for name, wanted in self.segments.items():
            fresh.warm(name)  # some panels are seen by no turn after a leaf
            (found,) = fresh.memory.find([name])
            assert found is not None and same(found, wanted)


class counted_readings:
    """Collect the panels that are read while a block runs."""

    def __enter__(self) -> list[int]:
        self.calls: list[int] = []
        self.patch = pytest.MonkeyPatch()
        read_back = decode.read_back

        def count(*args: Any, **kwargs: Any) -> KVSegment:
            self.calls.append(1)
            return read_back(*args, **kwargs)

        self.patch.setattr(decode, "read_back", count)
        return self.calls

    def __exit__(self, *error: object) -> None:
        self.patch.undo()


def contract(session: StorySession, path: list[str]) -> set[int]:
    """Return the positions that a story's policy keeps of a path, as sets, by code of our own."""
    policy, kept, marks, start = session.policy, set[int](), [], 0
    for segment in session.memory.find(path):
        assert segment is not None
        end = start + segment.num_rows
        marks.append((start, start + segment.boi, start + segment.eoi, end))
        start = end
    evicted = marks[: max(0, len(marks) - policy.window_panels)]
    if policy.policy == "dense" or not evicted:
        return set(range(start))
    kept |= set(range(evicted[-1][2] + 1, start))
    for name, (begin, _, _, end) in zip(path, marks, strict=True):
        if name in session.pinned:
            kept |= set(range(begin, end))
    if policy.policy != "window":
        kept |= set(range(4))
    if policy.policy == "multimodal_attention_sink":
        for _, boi, eoi, _ in evicted:
            kept |= set(range(boi - 4, boi + 8)) | set(range(eoi - 8, eoi + 4))
    return {position for position in kept if 0 <= position < start}


@pytest.mark.timeout(600)
def test_random_readers(small_engine: StoryEngine) -> None:
    class OverTheSmallEngine(Readers):
        engine = small_engine

    OverTheSmallEngine.TestCase.settings = settings(
        max_examples=12,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    OverTheSmallEngine.TestCase().runTest()


def tell_on(session: StorySession, count: int) -> None:
    """Make panels after the newest one; each is read once, when it is made."""
    for _ in range(count):
        newest = session.tree.newest
        text = "" if newest else "Mira the fox waves."
        with counted_readings() as readings:
            last(session.turn(newest.id if newest else None, request(len(session.tree), text)))
        assert len(readings) == 1


def view_bytes(session: StorySession) -> int:
    """Return the bytes of all that the next turn sees, and of one panel more."""
    path = session.tree.path(session.tree.leaves()[0].id)
    largest = max(s.num_bytes for s in session.memory.find([p.id for p in path]) if s)
    context = session.memory.context
    assert context is not None
    row = context.num_bytes / context.capacity
    return int(context.num_rows * row + 2 * largest)


@pytest.mark.parametrize("policy", [CAPPED, "attention_sink", "window"])
def test_a_story_over_its_budget_reads_nothing_again(
    small_engine: StoryEngine, tmp_path: Path, policy: str
) -> None:
    store = SessionStore(small_engine, StoryArchive(str(tmp_path)))
    session = store.create()
    session.set_policy(policy, window_panels=3, max_rows=200)
    tell_on(session, 12)
    session.memory.budget_bytes = view_bytes(session)
    tell_on(session, 24)
    assert session.memory.num_bytes <= session.memory.budget_bytes
    found = session.memory.find([panel.id for panel in session.tree])
    assert sum(one is not None and one.num_bytes > 0 for one in found) < 20


def test_long_stories_that_share_a_pool_read_nothing_again(
    small_engine: StoryEngine, tmp_path: Path
) -> None:
    store = SessionStore(small_engine, StoryArchive(str(tmp_path)))
    sessions = [store.create() for _ in range(4)]
    for session in sessions:
        session.set_policy(CAPPED, window_panels=3, max_rows=200)
        tell_on(session, 8)
    store.pool.budget_bytes = sum(view_bytes(session) for session in sessions)
    for _ in range(10):
        for session in sessions:
            tell_on(session, 1)
    assert store.pool.num_bytes <= store.pool.budget_bytes


def test_going_back_reads_what_the_page_there_sees_and_it_equals_what_was_read_first(
    small_engine: StoryEngine, tmp_path: Path
) -> None:
    store = SessionStore(small_engine, StoryArchive(str(tmp_path)))
    session = store.create()
    session.set_policy("attention_sink", window_panels=2)
    tell_on(session, 9)
    wanted = {
        panel.id: copy_of(one)
        for panel, one in zip(
            session.tree, session.memory.find([p.id for p in session.tree]), strict=True
        )
        if one
    }
    shrink([session.memory], view_bytes(session))
    assert "p4" not in session.memory
    assert session.warm("p9") == 0
    assert session.warm("p5") > 0
    (found,) = session.memory.find(["p5"])
    assert found is not None and same(found, wanted["p5"])


def test_a_story_is_read_again_in_bounded_space(small_engine: StoryEngine, tmp_path: Path) -> None:
    store = SessionStore(small_engine, StoryArchive(str(tmp_path)))
    session = store.create()
    session.set_policy(CAPPED, window_panels=2, max_rows=150)
    tell_on(session, 20)
    expected = last(session.turn("p20", request(77)))
    again = SessionStore(small_engine, store.archive).open(session.story_id)
    again.memory.budget_bytes = 0
    held: list[int] = []
    keep = again.memory.keep

    def count(panel_id: str, segment: KVSegment) -> None:
        keep(panel_id, segment)
        held.append(
            len([one for one in gc.get_objects() if type(one) is KVSegment and one.is_whole])
        )

    again.memory.keep = count  # type: ignore[method-assign]
    assert last(again.turn("p20", request(77))).token_ids == expected.token_ids
    assert max(held) <= min(held) + 6
