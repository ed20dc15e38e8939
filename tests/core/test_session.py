"""A story over many turns: extending, branching, cancelling, reopening."""

from __future__ import annotations

import dataclasses
import errno
import threading
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from seedstory_core.config import StudioConfig
from seedstory_core.engine import (
    ImagePreview,
    Past,
    StoryEngine,
    TextDelta,
    TurnRequest,
)
from seedstory_core.engine.build import build_engine
from seedstory_core.errors import (
    BusyError,
    InputError,
    StorageError,
    StoryChangedError,
    StoryNotFoundError,
    TurnCancelled,
)
from seedstory_core.generation.sampling import Sampling
from seedstory_core.session import PanelAdded, Replaying, SessionEvent, SessionStore, StorySession
from seedstory_core.story.archive import StoryArchive
from seedstory_core.story.tree import Panel

OPENING = "One sunny morning, Mira the fox was playing with a ball in the garden."


def request(seed: int = 0, **options: Any) -> TurnRequest:
    return TurnRequest(sampling=Sampling(seed=seed), image_seed=seed, **options)


def panel_of(events: Iterable[SessionEvent]) -> Panel:
    *_, last = events
    assert isinstance(last, PanelAdded)
    return last.panel


def turn(session: StorySession, parent: str | None, wanted: TurnRequest) -> Panel:
    return panel_of(session.turn(parent, wanted))


def begin(store: SessionStore, panels: int = 1) -> StorySession:
    session = store.create()
    parent = turn(session, None, request(reader_text=OPENING)).id
    for seed in range(1, panels):
        parent = turn(session, parent, request(seed)).id
    return session


TYPED = "“Wait…” said Mira — half past ½,\nand  a \U0001f469\u200d\U0001f680 waved."
READ = '"Wait..." said Mira - half past 1⁄2, and a \U0001f469\U0001f680 waved.'


def test_a_panel_keeps_what_was_typed_and_the_model_reads_it_tidied(store: SessionStore) -> None:
    session = store.create()
    typed = turn(session, None, request(reader_text=TYPED, complete_text=False))
    tidy = turn(session, None, request(reader_text=READ, complete_text=False))
    assert (typed.text, typed.reader_text) == (TYPED, TYPED)
    assert typed.token_ids == tidy.token_ids
    assert typed.features_sha256 == tidy.features_sha256 is not None
    reworded = panel_of(session.rewrite(tidy.id, TYPED))
    assert reworded.text == TYPED and reworded.token_ids == typed.token_ids
    assert store.archive.load(session.story_id).tree.panel(reworded.id).text == TYPED


def test_other_weights_read_a_readers_part_tidied_and_the_rest_as_written(
    tiny_engine: StoryEngine,
) -> None:
    both = tiny_engine.read_ids(f"{TYPED} “Oh.”", typed=TYPED)
    assert both == tiny_engine.read_ids(f"{READ} “Oh.”")


def test_the_model_goes_on_after_typed_words(store: SessionStore) -> None:
    panel = turn(store.create(), None, request(reader_text="“Look!”\nsaid Mira"))
    assert panel.text.startswith("“Look!”\nsaid Mira") and len(panel.text) > 20


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"))


def test_a_turn_streams_text_then_previews_then_the_panel(store: SessionStore) -> None:
    session = begin(store)
    events = list(session.turn("p1", request(1, num_inference_steps=4)))
    kinds = [type(event) for event in events]
    num_texts = kinds.count(TextDelta)
    assert kinds == [TextDelta] * num_texts + [ImagePreview] * 4 + [PanelAdded]
    steps = [event for event in events if isinstance(event, ImagePreview)]
    assert [event.step for event in steps] == [1, 2, 3, 4]
    assert {event.num_steps for event in steps} == {4}
    assert steps[-1].image is not None
    panel = panel_of(events)
    texts = [event.text for event in events if isinstance(event, TextDelta)]
    assert texts[-1] == panel.text
    assert panel.parent == "p1"
    assert panel.author == "model"


def test_a_readers_words_begin_the_caption_and_the_model_goes_on(store: SessionStore) -> None:
    session = begin(store)
    panel = turn(session, "p1", request(1, reader_text="Mira kicks the ball."))
    assert panel.text.startswith("Mira kicks the ball.")
    assert panel.reader_text == "Mira kicks the ball."
    assert panel.author == "reader"
    exact = turn(session, "p1", request(1, reader_text="Mira sleeps.", complete_text=False))
    assert exact.text == "Mira sleeps."


def test_the_same_seeds_tell_the_same_panel(store: SessionStore) -> None:
    session = begin(store)
    one, two = (turn(session, "p1", request(7)) for _ in range(2))
    assert one.id != two.id
    assert one.text == two.text
    assert one.features_sha256 == two.features_sha256 is not None
    assert np.array_equal(pixels(session.image(one.id)), pixels(session.image(two.id)))
    # Another seed paints another image, and not always the same words.
    others = [turn(session, "p1", request(seed)) for seed in range(8, 12)]
    assert any(other.text != one.text for other in others)
    for other in others:
        assert not np.array_equal(pixels(session.image(one.id)), pixels(session.image(other.id)))


def test_a_branch_leaves_its_sibling_untouched(store: SessionStore) -> None:
    session = begin(store, 4)
    before = session.tree.panels
    memory = session.memory.find([panel.id for panel in before])
    branch = turn(session, "p2", request(50))
    assert branch.parent == "p2"
    assert session.tree.panels[:4] == before
    assert [s.id for s in session.tree.children("p2")] == ["p3", branch.id]
    after = session.memory.find([panel.id for panel in before])
    assert all(a is not None and a is b for a, b in zip(memory, after, strict=True))


def test_going_back_needs_no_reading(store: SessionStore) -> None:
    session = begin(store, 4)
    events = list(session.turn("p2", request(50)))
    assert not any(isinstance(event, Replaying) for event in events)
    assert session.warm("p4") == 0


def test_a_memory_read_again_equals_the_live_one(store: SessionStore) -> None:
    session = begin(store, 11)  # beyond the window, so that sinks are at work
    path = [panel.id for panel in session.tree.panels]
    live = session.memory.find(path)
    session.memory.drop()
    assert session.warm("p11") == 11
    for old, new in zip(live, session.memory.find(path), strict=True):
        assert old is not None and new is not None
        assert torch.equal(old.keys, new.keys)
        assert torch.equal(old.values, new.values)


def test_a_reopened_story_goes_on_with_the_identical_panel(
    store: SessionStore, tiny_config: StudioConfig
) -> None:
    session = begin(store, 10)
    live = turn(session, "p10", request(99))

    # As after a restart: models, archive and sessions are all built anew.
    archive = StoryArchive(store.archive.root)
    reopened = SessionStore(build_engine(tiny_config), archive).open(session.story_id)
    assert reopened.tree.panels == session.tree.panels
    events = list(reopened.turn("p10", request(99)))
    assert [e.done for e in events if isinstance(e, Replaying)] == list(range(1, 11))
    panel = panel_of(events)
    assert panel.text == live.text
    assert panel.token_ids == live.token_ids
    assert panel.features_sha256 == live.features_sha256 is not None
    assert np.array_equal(pixels(reopened.image(panel.id)), pixels(session.image(live.id)))


@pytest.mark.parametrize("at", [TextDelta, ImagePreview])
def test_a_cancelled_turn_leaves_no_trace(store: SessionStore, at: type, tmp_path: Path) -> None:
    session = begin(store, 2)
    panels = session.tree.panels
    files = sorted(path.name for path in tmp_path.rglob("*"))
    with pytest.raises(TurnCancelled):
        for event in session.turn("p2", request(3)):
            if isinstance(event, at):
                assert session.cancel()
    assert session.tree.panels == panels
    assert sorted(path.name for path in tmp_path.rglob("*")) == files
    assert not session.is_busy
    assert not session.cancel()
    again = turn(session, "p2", request(3))
    assert again.id == "p3"


def test_a_turn_that_is_no_longer_listened_to_frees_the_story(store: SessionStore) -> None:
    session = begin(store)
    events = session.turn("p1", request(3))
    next(events)
    assert session.is_busy
    assert isinstance(events, Generator)
    events.close()
    assert not session.is_busy
    assert len(session.tree) == 1


@pytest.mark.parametrize("step", ["_commit", "replace"])
def test_a_stop_at_the_last_moment_leaves_no_trace(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Asked for after the last event, before anything is saved."""
    session = begin(store, 2)
    panels, memory = session.tree.panels, len(session.memory)
    draw = StoryEngine._image
    keep = StorySession._commit

    def stop_then_keep(*args: Any) -> object:
        session.cancel()
        return keep(*args)

    def stop_then_draw(engine: StoryEngine, latents: torch.Tensor) -> Image.Image:
        session.cancel()
        return draw(engine, latents)

    with monkeypatch.context() as patch, pytest.raises(TurnCancelled):
        if step == "_commit":
            patch.setattr(StorySession, "_commit", stop_then_keep)
            list(session.turn("p2", request(3)))
        else:
            patch.setattr(StoryEngine, "_image", stop_then_draw)
            list(session.redraw("p2", request(3, num_inference_steps=1)))
    assert session.tree.panels == panels
    assert len(session.memory) == memory
    assert session.archive.load(session.story_id).tree.panels == panels


def test_two_stories_read_at_once_do_not_mix(store: SessionStore) -> None:
    sessions = [begin(store, 3), begin(store, 3)]
    expected = [s.memory.find(["p1", "p2", "p3"]) for s in sessions]
    for _ in range(3):
        for session in sessions:
            session.memory.drop()
        threads = [threading.Thread(target=s.warm, args=("p3",)) for s in sessions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for session, before in zip(sessions, expected, strict=True):
            after = session.memory.find(["p1", "p2", "p3"])
            for one, two in zip(before, after, strict=True):
                assert one is not None and two is not None
                assert torch.equal(one.keys, two.keys) and torch.equal(one.values, two.values)


def test_a_story_that_another_server_went_on_with_is_opened_anew(
    store: SessionStore, tiny_engine: StoryEngine
) -> None:
    session = begin(store, 2)
    elsewhere = SessionStore(tiny_engine, StoryArchive(store.archive.root))
    turn(elsewhere.open(session.story_id), "p2", request(8))
    with pytest.raises(StoryChangedError, match="Open the story again"):
        turn(session, "p2", request(9))
    again = store.open(session.story_id)
    assert [panel.id for panel in again.tree] == ["p1", "p2", "p3"]
    assert turn(again, "p3", request(9)).id == "p4"


def test_a_story_is_renamed_while_it_works(store: SessionStore) -> None:
    session = begin(store)
    events = session.turn("p1", request(3))
    next(events)
    session.rename("The kite")
    list(events)
    assert store.archive.load(session.story_id).tree.title == "The kite"
    assert len(session.tree) == 2


def test_a_panel_records_the_numbers_it_was_drawn_with(store: SessionStore) -> None:
    session = begin(store)
    config = store.engine.config.detokenizer
    drawn = session.tree.panel("p1").settings
    assert drawn["num_inference_steps"] == config.num_inference_steps
    assert drawn["guidance_scale"] == config.guidance_scale
    list(session.redraw("p1", request(5, num_inference_steps=3)))
    assert session.tree.panel("p1").settings["num_inference_steps"] == 3
    assert session.archive.load(session.story_id).tree.panel("p1") == session.tree.panel("p1")


def test_more_signs_than_fit_are_refused(store: SessionStore) -> None:
    session = begin(store)
    with pytest.raises(InputError, match="word pieces"):
        turn(session, "p1", request(1, reader_text="Mira waves. " + "🦊" * 500))
    assert len(session.tree) == 1


def test_a_second_turn_on_a_busy_story_is_refused(store: SessionStore) -> None:
    session = begin(store)
    events = session.turn("p1", request(3))
    next(events)
    with pytest.raises(BusyError, match="still working"):
        next(session.turn("p1", request(4)))
    assert isinstance(events, Generator)
    events.close()


def test_a_full_disk_loses_nothing(store: SessionStore, monkeypatch: pytest.MonkeyPatch) -> None:
    session = begin(store)

    def full(*_: object, **__: object) -> Panel:
        raise StorageError("The disk is full; panel p2 was not saved. The story so far is safe.")

    with monkeypatch.context() as patch:
        patch.setattr(StoryArchive, "append", full)
        with pytest.raises(StorageError, match="disk is full"):
            turn(session, "p1", request(3))
    assert len(session.tree) == 1
    assert "p2" not in session.memory
    assert turn(session, "p1", request(3)).id == "p2"


def test_redrawing_changes_the_image_and_nothing_that_is_remembered(
    store: SessionStore,
) -> None:
    session = begin(store, 3)
    old, segment = session.tree.panel("p2"), session.memory.find(["p2"])[0]
    before = pixels(session.image("p2"))
    list(session.redraw("p2", request(77)))
    new = session.tree.panel("p2")
    assert (new.text, new.token_ids, new.parent) == (old.text, old.token_ids, old.parent)
    assert new.features_sha256 == old.features_sha256 is not None
    assert new.image_seed == 77
    assert not np.array_equal(pixels(session.image("p2")), before)
    assert session.memory.find(["p2"])[0] is segment


def test_a_readers_image_is_kept_as_it_is_and_read_by_the_model(store: SessionStore) -> None:
    session = store.create()
    own = Image.new("RGB", (300, 200), (200, 40, 40))
    first = turn(session, None, request(0, reader_image=own))
    assert first.text == ""
    assert first.image_source == "reader"
    assert pixels(session.image("p1")).shape == (200, 300, 3)
    other = turn(session, None, request(0, reader_image=Image.new("RGB", (300, 200), "white")))
    assert first.features_sha256 != other.features_sha256
    assert turn(session, "p1", request(4)).parent == "p1"
    with pytest.raises(InputError, match="your own"):
        list(session.redraw("p1", request(1)))


def test_a_story_needs_something_to_begin_with(store: SessionStore) -> None:
    with pytest.raises(InputError, match="begins with a picture or a sentence"):
        turn(store.create(), None, request())


def test_a_readers_line_break_is_kept_and_is_no_separator_to_the_model(store: SessionStore) -> None:
    session = begin(store)
    words = "Mira waves.\nThe moon rises."
    told = turn(session, "p1", request(1, reader_text=words))
    assert told.text.startswith(words)
    read = store.engine.tokenizer.decode_text(told.token_ids)
    assert store.config.tokenizer.separator not in read


def test_unknown_panels_and_stories_are_named(store: SessionStore) -> None:
    session = begin(store)
    with pytest.raises(StoryNotFoundError, match="no page p9"):
        turn(session, "p9", request())
    for story_id in ("nothing-like-this", "../../etc", "", "a" * 5000, "\0"):
        with pytest.raises(StoryNotFoundError):
            store.open(story_id)


def test_removing_a_branch_forgets_its_panels_only(store: SessionStore) -> None:
    session = begin(store, 3)
    branch = turn(session, "p1", request(60)).id
    session.remove_branch("p2")
    assert [panel.id for panel in session.tree.panels] == ["p1", branch]
    assert "p2" not in session.memory
    assert branch in session.memory
    reopened = session.archive.load(session.story_id).tree
    assert [panel.id for panel in reopened.panels] == ["p1", branch]


def test_panels_told_by_other_weights_are_read_anew(
    store: SessionStore, tiny_engine: StoryEngine
) -> None:
    session = begin(store, 2)
    old = session.tree.panel("p2")
    settings = {**old.settings, "fingerprint": "other weights"}
    session.tree.replace(dataclasses.replace(old, settings=settings))
    session.memory.drop()
    assert session.warm("p2") == 2
    segment = session.memory.find(["p2"])[0]
    assert segment is not None
    record = session._record(session.tree.panel("p2"), threading.Event())
    expected = tiny_engine.encode_image(session.image("p2"))
    assert torch.equal(record.visual_features, expected)


def test_idle_and_excess_stories_are_closed_but_not_lost(store: SessionStore) -> None:
    session = begin(store)
    session.last_used -= 1e6
    assert store.close_idle() == 1
    assert len(store) == 0
    assert store.open(session.story_id).tree.panels == session.tree.panels


def test_rewriting_keeps_the_image_and_adds_a_sibling(store: SessionStore) -> None:
    session = begin(store, 3)
    old = session.tree.panel("p2")
    new = panel_of(session.rewrite("p2", "Mira found a drum."))
    assert (new.id, new.parent, new.text, new.author) == (
        "p4",
        "p1",
        "Mira found a drum.",
        "reader",
    )
    assert new.token_ids == tuple(store.engine.tokenizer.encode_text("Mira found a drum."))
    assert np.array_equal(pixels(session.image("p4")), pixels(session.image("p2")))
    assert session.tree.panel("p2") == old
    assert turn(session, "p4", request(3)).parent == "p4"
    for words, reason in (("  ", "nothing to read"), (old.text, "has these words already")):
        with pytest.raises(InputError, match=reason):
            list(session.rewrite("p2", words))


def test_an_own_image_takes_the_place_of_the_painted_one_in_a_sibling(
    store: SessionStore,
) -> None:
    session = begin(store, 2)
    own = Image.new("RGB", (300, 200), (200, 40, 40))
    new = panel_of(session.replace_image("p2", own, ("It was turned.",)))
    assert (new.parent, new.text, new.image_source) == (
        "p1",
        session.tree.panel("p2").text,
        "reader",
    )
    assert new.notes == ("It was turned.",)
    assert pixels(session.image(new.id)).shape == (200, 300, 3)
    assert turn(session, new.id, request(3)).parent == new.id


def test_a_story_remembers_how_it_forgets(store: SessionStore) -> None:
    session = begin(store, 2)
    session.set_policy("window", window_panels=3)
    session.pin("p1")
    reopened = SessionStore(store.engine, StoryArchive(store.archive.root)).open(session.story_id)
    assert (reopened.policy.policy, reopened.policy.window_panels) == ("window", 3)
    assert reopened.pinned == {"p1"}
    told = turn(reopened, "p2", request(5))
    assert told.settings["memory"]["policy"] == "window"
    assert told.settings["memory"]["pinned_panels"] == [0]
    reopened.pin("p1", False)
    assert reopened.pinned == frozenset()
    for wrong in ({"policy": "all"}, {"policy": "window", "windows": 3}):
        with pytest.raises(InputError, match="memory setting is impossible"):
            reopened.set_policy(**wrong)


def test_pinned_panels_leave_room_for_the_story(store: SessionStore) -> None:
    session = begin(store, 3)
    session.set_policy("capped_multimodal_attention_sink", max_rows=120)
    session.pin("p1")
    with pytest.raises(InputError, match="half of the rows must stay free"):
        session.pin("p2")
    assert session.pinned == {"p1"}
    session.set_policy("dense")
    session.pin("p2")
    with pytest.raises(InputError, match="Let one go"):
        session.set_policy("capped_multimodal_attention_sink", max_rows=120)


def test_damaged_settings_of_a_story_do_not_keep_it_from_being_read(store: SessionStore) -> None:
    session = begin(store, 2)
    store.archive.set_settings(session.story_id, {"memory": {"window_panels": -3}, "pinned": "p1"})
    reopened = SessionStore(store.engine, StoryArchive(store.archive.root)).open(session.story_id)
    assert reopened.policy == store.engine.policy
    assert reopened.pinned == frozenset()
    assert turn(reopened, "p2", request(5)).parent == "p2"


def test_a_resting_story_goes_on_as_if_nothing_had_been(store: SessionStore) -> None:
    session = begin(store, 3)
    session.last_used -= store.engine.config.runtime.rest_seconds + 1
    assert store.close_idle() == 0
    assert session.memory.context is None
    events = list(session.turn("p3", request(5)))
    assert not any(isinstance(event, Replaying) for event in events)


def test_a_story_is_opened_while_another_goes_to_rest(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, other = begin(store, 1), store.create()
    session.last_used -= store.engine.config.runtime.rest_seconds + 1
    opened: list[StorySession] = []

    def rest(**options: Any) -> None:
        thread = threading.Thread(target=lambda: opened.append(store.open(other.story_id)))
        thread.start()
        thread.join(10)

    monkeypatch.setattr(session, "rest", rest)
    store.close_idle()
    assert opened == [other]


def test_alternatives_are_what_each_would_have_been_alone(store: SessionStore) -> None:
    session = begin(store, 3)
    wishes = [request(seed) for seed in (20, 21, 22)]
    events = list(session.alternatives("p3", wishes))
    added = [event.panel for _, event in events if isinstance(event, PanelAdded)]
    assert [panel.id for panel in added] == ["p4", "p5", "p6"]
    assert {number for number, event in events if isinstance(event, TextDelta)} == {0, 1, 2}
    assert [panel.parent for panel in added] == ["p3"] * 3
    assert len({panel.text for panel in added}) > 1
    for wish, panel in zip(wishes, added, strict=True):
        assert turn(session, "p3", wish).text == panel.text
    assert turn(session, "p5", request(9)).parent == "p5"


def test_a_sibling_is_another_panel_unless_a_seed_is_wanted(store: SessionStore) -> None:
    session = begin(store, 2)
    told = [turn(session, "p2", request(40))]
    assert turn(session, "p2", request(40)).text == told[0].text
    # With the seed left open the very same seed may not give the same panel again.
    for _ in range(2):
        told.append(turn(session, "p2", request(40, any_seed=True)))
        assert len({panel.text for panel in told}) == len(told)
    # Several at once keep away from them, too, and from each other.
    wishes = [request(40, any_seed=True), request(41, any_seed=True)]
    events = session.alternatives("p2", wishes)
    added = [event.panel for _, event in events if isinstance(event, PanelAdded)]
    assert len({*(panel.text for panel in (*added, *told))}) == 2 + len(told)
    # A record alone says how a panel came about, whatever becomes of those it kept away from.
    session.remove_branch(told[1].id)
    for panel in (told[-1], *added):
        names = {field.name for field in dataclasses.fields(Sampling)}
        sampling = Sampling(**{k: v for k, v in panel.settings.items() if k in names})
        assert sampling.seed == panel.seed
        again = turn(session, "p2", TurnRequest(sampling=sampling, image_seed=panel.image_seed))
        assert again.text == panel.text


def test_stopped_or_unsaved_alternatives_leave_no_trace(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(store, 2)
    panels, memory = session.tree.panels, len(session.memory)
    wishes = [request(seed) for seed in (20, 21)]
    with pytest.raises(TurnCancelled):
        for _, event in session.alternatives("p2", wishes):
            if isinstance(event, ImagePreview):
                session.cancel()

    def full(*args: Any, **options: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(StorageError, match="The disk is full"):
        patch.setattr(session.archive, "_write_new", full)
        list(session.alternatives("p2", wishes))
    assert session.tree.panels == panels
    assert len(session.memory) == memory
    assert session.archive.load(session.story_id).tree.panels == panels


def test_a_whole_turn_takes_a_pass_per_token_and_two_more(store: SessionStore) -> None:
    session = begin(store, 3)
    calls: list[int] = []
    handle = store.engine.story_lm.decoder.register_forward_hook(lambda *_: calls.append(1))
    try:
        told = turn(session, "p3", request(5))
        assert len(calls) == len(told.token_ids) + 2
        calls.clear()
        own = turn(session, told.id, request(6, reader_text="Then it rains on Mira"))
        given = len(store.engine.tokenizer.encode_text("Then it rains on Mira"))
        assert len(calls) == 1 + len(own.token_ids) - given + 2  # the reader's words at once
    finally:
        handle.remove()


def test_a_prefetched_panel_only_has_to_be_painted(store: SessionStore) -> None:
    session, same = begin(store, 3), begin(store, 3)
    expected = turn(same, "p3", request(50))
    session.prefetch("p3", request(50, any_seed=True)).join(60)
    calls: list[int] = []
    handle = store.engine.story_lm.decoder.register_forward_hook(lambda *_: calls.append(1))
    try:
        told = turn(session, "p3", request(51, any_seed=True))
    finally:
        handle.remove()
    assert calls == []
    assert (told.text, told.token_ids, told.seed) == (expected.text, expected.token_ids, 50)
    assert told.image_seed == 51
    (one,), (other,) = same.memory.find([expected.id]), session.memory.find([told.id])
    assert one is not None and other is not None
    assert torch.equal(one.keys, other.keys)
    assert turn(session, told.id, request(52)).parent == told.id


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"any_seed": True, "reader_text": "Then it rains."},
        {"any_seed": True, "sampling": Sampling(temperature=0.1)},
    ],
    ids=["a seed of its own", "own words", "another temperature"],
)
def test_a_prefetch_that_is_not_wanted_leaves_no_trace(
    store: SessionStore, wish: dict[str, Any]
) -> None:
    session, same = begin(store, 3), begin(store, 3)
    wanted = dataclasses.replace(request(60), **wish)
    expected = turn(same, "p3", wanted)
    panels, memory = session.tree.panels, len(session.memory)
    session.prefetch("p3", request(50, any_seed=True)).join(60)
    assert session.tree.panels == panels
    assert len(session.memory) == memory + 1  # the draft counts, too
    assert not session.is_busy
    told = turn(session, "p3", wanted)
    assert (told.text, told.seed) == (expected.text, expected.seed)
    (one,), (other,) = same.memory.find([expected.id]), session.memory.find([told.id])
    assert one is not None and other is not None
    assert torch.equal(one.keys, other.keys)


def test_nobody_waits_for_a_running_prefetch(store: SessionStore) -> None:
    session = begin(store, 3)
    thread = session.prefetch("p3", request(50))
    told = turn(session, "p3", request(51))
    assert not thread.is_alive()
    assert told.seed == 51
    session.prefetch("p3", request(50))
    session.remove_branch(told.id)
    assert told.id not in session.tree


def test_a_prefetch_keeps_no_context_beyond_the_budget(store: SessionStore) -> None:
    session = begin(store, 3)
    session.prefetch("p3", request(50)).join(60)
    assert session._prefetch.draft is not None
    assert session._prefetch.draft.past == Past()
    session.memory.drop()  # as the budget of all stories may
    told = turn(session, "p3", request(51, any_seed=True))
    assert told.seed == 50
    assert turn(session, told.id, request(52)).parent == told.id
    session.prefetch(told.id, request(50)).join(60)
    session.rest()
    assert session._prefetch.draft is None
    assert turn(session, told.id, request(51, any_seed=True)).seed >= 51


def test_a_hint_is_read_before_the_panel_and_is_no_part_of_it(store: SessionStore) -> None:
    session = begin(store)
    plain = turn(session, "p1", request(1))
    hinted = turn(session, "p1", request(1, hint="they [should] meet the owl"))
    assert hinted.hint == "they [should] meet the owl"
    assert hinted.hint not in hinted.text and hinted.reader_text == ""
    found = session.memory.find([plain.id, hinted.id])
    rows = {
        panel.id: segment.num_rows
        for panel, segment in zip((plain, hinted), found, strict=True)
        if segment is not None
    }
    extra = len(store.engine.tokenizer.encode_hint(hinted.hint))
    assert rows[hinted.id] - len(hinted.token_ids) == rows[plain.id] - len(plain.token_ids) + extra


def test_a_reopened_story_still_knows_its_hints(store: SessionStore, tmp_path: Path) -> None:
    session = begin(store)
    second = turn(session, "p1", request(1, hint="it begins to rain"))
    third = turn(session, second.id, request(2))
    again = SessionStore(store.engine, StoryArchive(str(tmp_path / "stories"))).open(
        session.story_id
    )
    assert again.tree.panel(second.id).hint == "it begins to rain"
    repeated = turn(again, second.id, request(2))
    assert repeated.text == third.text


def test_other_words_for_a_panel_leave_its_hint_behind(store: SessionStore) -> None:
    session = begin(store)
    second = turn(session, "p1", request(1, hint="it begins to rain"))
    *_, added = session.rewrite(second.id, "The sun came out.")
    assert isinstance(added, PanelAdded)
    assert added.panel.hint == ""


def test_a_policy_whose_view_outgrows_the_model_says_so(store: SessionStore) -> None:
    session = begin(store, 3)
    assert session.set_policy("window") == ""
    note = session.set_policy("dense", max_rows=150)
    assert "more and more of the story" in note or "nonsense from here on" in note
    told = turn(session, "p3", request(5))
    while not any("nonsense from here on" in words for words in told.notes):
        told = turn(session, told.id, request(5))
        assert session.tree.depth(told.id) < 12
    assert "nonsense from here on" in session.set_policy("multimodal_attention_sink", max_rows=150)
    assert session.set_policy("capped_multimodal_attention_sink", max_rows=150) == ""
    calm = turn(session, told.id, request(6))
    assert not any("nonsense" in words for words in calm.notes)
