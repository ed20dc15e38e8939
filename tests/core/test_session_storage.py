"""A story in use whose folder is damaged, or that another server changes meanwhile."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from PIL import Image

from seedstory_core.engine import StoryEngine
from seedstory_core.errors import InputError, StorageError, StoryChangedError, UnconfirmedError
from seedstory_core.session import SessionStore, StorySession
from seedstory_core.story.archive import StoryArchive
from tests.core.test_session import OPENING, begin, request, turn


@pytest.fixture
def store(small_engine: StoryEngine, tmp_path: Path) -> SessionStore:
    return SessionStore(small_engine, StoryArchive(str(tmp_path / "stories")))


def reopened(session: StorySession) -> StorySession:
    """The story as another server opens it."""
    archive = StoryArchive(session.archive.root)
    return SessionStore(session.engine, archive).open(session.story_id)


def test_a_story_goes_on_below_a_page_that_cannot_be_read(store: SessionStore) -> None:
    session = begin(store, 3)
    store.archive._files.write(f"{session.story_id}/p2.json", b"")
    again = reopened(session)
    lost = again.tree.panel("p2")
    assert lost.is_placeholder and again.tree.panel("p3").parent == "p2"
    added = turn(again, "p3", request(9))
    assert added.parent == "p3" and added.id == "p4"
    assert turn(again, "p2", request(10)).parent == "p2"
    for change in (
        lambda: list(again.redraw("p2", request(11))),
        lambda: list(again.rewrite("p2", "Other words.")),
        lambda: list(again.replace_image("p2", Image.new("RGB", (64, 64)))),
        lambda: again.pin("p2"),
    ):
        with pytest.raises(InputError, match="This page could not be read, so it cannot be"):
            change()
    again.remove_branch("p2")
    assert [panel.id for panel in reopened(session).tree] == ["p1"]


def test_a_story_goes_on_below_a_page_without_features_and_picture(store: SessionStore) -> None:
    session = begin(store, 2)
    for name in store.archive._files.names(session.story_id):
        if name.startswith("p2-"):
            store.archive._files.write(f"{session.story_id}/{name}", b"")
    again = reopened(session)
    assert again.tree.panel("p2").text == session.tree.panel("p2").text
    assert turn(again, "p2", request(9)).parent == "p2"


def test_features_that_are_damaged_in_an_open_story_are_encoded_again(store: SessionStore) -> None:
    session = begin(store, 2)
    damage(session, session.tree.panel("p1").features_name)
    session.memory.drop()
    again = turn(session, "p2", request(9))
    assert again.parent == "p2" and again.text
    damage(session, session.tree.panel("p1").image_name)
    session.memory.drop()
    with pytest.raises(StorageError, match="is damaged"):
        turn(session, "p2", request(10))
    assert turn(session, "p2", request(10)).parent == "p2"


def damage(session: StorySession, name: str | None) -> None:
    session.archive._files.write(f"{session.story_id}/{name}", b"")


def test_a_story_whose_first_page_is_lost_goes_on_with_a_readers_words(store: SessionStore) -> None:
    session = begin(store, 1)
    store.archive._files.write(f"{session.story_id}/p1.json", b"{")
    again = reopened(session)
    with pytest.raises(InputError, match="has nothing to go on from"):
        turn(again, "p1", request(9))
    assert turn(again, "p1", request(9, reader_text=OPENING)).parent == "p1"


def test_a_pin_is_set_although_this_server_does_not_know_that_another_took_it_away(
    store: SessionStore,
) -> None:
    one = begin(store)
    two = SessionStore(store.engine, store.archive).open(one.story_id)
    for is_pinned in (True, False):
        one.pin("p1", is_pinned)
        again = SessionStore(store.engine, store.archive).open(one.story_id)
        two.pin("p1", not is_pinned)
        assert ("p1" in two.pinned) is not is_pinned
        again.pin("p1", is_pinned)
        assert ("p1" in again.pinned) is is_pinned
        two = SessionStore(store.engine, store.archive).open(one.story_id)
        one = SessionStore(store.engine, store.archive).open(one.story_id)


def test_two_servers_keep_each_others_pins_and_titles(store: SessionStore) -> None:
    session = begin(store, 2)
    other = reopened(session)
    session.pin("p1")
    other.pin("p2")
    assert other.pinned == {"p1", "p2"}
    session.rename("The kite")
    with pytest.raises(StoryChangedError, match="was renamed to “The kite”"):
        other.rename("The ball")
    assert other.is_stale
    assert reopened(session).tree.title == "The kite"
    assert reopened(session).pinned == {"p1", "p2"}


def test_a_pin_on_a_page_that_this_server_has_not_heard_of_is_kept(store: SessionStore) -> None:
    session = begin(store, 2)
    other = reopened(session)
    added = turn(session, "p2", request(9))
    session.pin(added.id)
    for page in ("p1", "p2"):
        other.pin(page)
    other.pin("p1", False)
    assert reopened(session).pinned == {"p2", added.id}


def test_a_header_that_is_lost_while_the_story_is_open_is_nobodys_change(
    store: SessionStore,
) -> None:
    session = begin(store, 2)
    session.rename("The kite")
    lose_header(session)
    session.set_policy("window", window_panels=2)
    turn(session, "p2", request(9))
    lose_header(session)
    session.set_policy("attention_sink")
    lose_header(session)
    session.rename("The ball")
    again = reopened(session)
    assert again.tree.title == "The ball" and again.warnings == ()
    # Somebody else took the title away, which is a change.
    again.rename("")
    with pytest.raises(StoryChangedError, match="This story lost its title in another window"):
        session.rename("The drum")


def test_a_story_opens_although_another_one_cannot_be_put_to_rest(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = begin(store), begin(store)
    first.last_used -= 200

    def fail(**_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(first.memory, "rest", fail)
    second.is_stale = True
    assert store.open(second.story_id).tree.panels == second.tree.panels
    assert not first.is_busy


def lose_header(session: StorySession) -> None:
    files = session.archive._files
    for name in files.names(session.story_id):
        if name.startswith("story"):
            files.remove(f"{session.story_id}/{name}")


def test_a_page_below_a_branch_that_another_server_removed_is_kept(store: SessionStore) -> None:
    session = begin(store, 3)
    other = reopened(session)
    session.remove_branch("p3")
    orphan = turn(other, "p3", request(9))
    again = reopened(session)
    assert again.tree.panel(orphan.id).text == orphan.text
    assert [panel.id for panel in again.tree.path(orphan.id)] == ["p1", "p2", "p3", "p4"]
    assert "This page was removed in another window or by another server" in again.warnings[0]


def test_a_change_that_was_not_confirmed_is_read_again(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(store, 2)
    failed: list[str] = []

    def settle(folder: str) -> None:
        failed.append(folder)
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(store.archive._files, "settle", settle)
        with pytest.raises(UnconfirmedError, match="but the branch at p2 was removed"):
            session.remove_branch("p2")
    assert failed and session.is_stale
    assert [panel.id for panel in store.open(session.story_id).tree] == ["p1"]


def test_alternatives_are_saved_together(store: SessionStore) -> None:
    session = begin(store, 2)
    added = [e for _, e in session.alternatives("p2", [request(20), request(21), request(22)])]
    panels = {one.panel.id for one in added if hasattr(one, "panel")}
    assert panels == {"p3", "p4", "p5"}
    found = reopened(session)
    assert found.tree == session.tree and found.warnings == ()
    assert "p3.group" in store.archive._files.names(session.story_id)
    assert turn(session, "p4", request(30)).id == "p6"
