"""Nothing that a reader does destroys anything, and every act can be undone and done again."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from seedstory_core.engine import StoryEngine
from seedstory_core.errors import BusyError, InputError, StorageError, StoryNotFoundError
from seedstory_core.session import SessionStore, StorySession
from seedstory_core.session.history import MOST_ACTS
from seedstory_core.story.archive import StoryArchive
from tests.core.test_session import panel_of, request, turn

BEGINNING = "Mira the fox waves."


@pytest.fixture
def store(small_engine: StoryEngine, tmp_path: Path) -> SessionStore:
    return SessionStore(small_engine, StoryArchive(str(tmp_path / "stories")))


@pytest.fixture
def session(store: SessionStore) -> StorySession:
    """A story of p1, p2, p3, and p4 beside p3."""
    session = store.create()
    turn(session, None, request(reader_text=BEGINNING))
    for seed, parent in enumerate(("p1", "p2", "p2"), 1):
        turn(session, parent, request(seed))
    return session


def again(session: StorySession) -> StorySession:
    """Return the story as another server opens it."""
    archive = StoryArchive(session.archive.root)
    return SessionStore(session.engine, archive).open(session.story_id)


def look(session: StorySession) -> object:
    """Return all that a reader sees of a story; images that are not shown do not count."""
    tree = session.tree
    marks = [session.mark(panel.id) for panel in tree]
    panels = [dataclasses.replace(panel, pictures=()) for panel in tree]
    return panels, tree.title, session.pinned, session.policy, marks


Acting = Callable[[StorySession], object]
ACTS: dict[str, Acting] = {
    "tell": lambda s: turn(s, "p3", request(9)),
    "three ways": lambda s: list(s.alternatives("p3", [request(7), request(8)])),
    "remove": lambda s: s.remove_branch("p2"),
    "rename": lambda s: s.rename("The Kite"),
    "pin": lambda s: s.pin("p2"),
    "policy": lambda s: s.set_policy("window"),
    "paint again": lambda s: panel_of(s.redraw("p2", request(50))),
    "other words": lambda s: panel_of(s.rewrite("p3", "Mira has a kite.")),
    "name": lambda s: s.set_name("p3", "  the kite\n flies "),
    "star": lambda s: s.set_star("p3", True),
}


@pytest.mark.parametrize("name", ACTS)
def test_every_act_can_be_undone_and_done_again(session: StorySession, name: str) -> None:
    before = look(session)
    ACTS[name](session)
    after = look(session)
    assert after != before
    session = again(session)
    session.undo()
    assert look(session) == before
    session = again(session)
    assert look(session) == before
    session.redo()
    assert look(session) == after == look(again(session))
    session.undo()
    assert look(session) == before


def test_acts_are_undone_in_order_of_time(session: StorySession) -> None:
    looks = [look(session)]
    for act in ACTS.values():
        if act is not ACTS["other words"]:  # p3 lies in the bin by then
            if act is ACTS["pin"]:
                session.restore_branch("p2")
                looks.append(look(session))
            act(session)
            looks.append(look(session))
    for earlier in reversed(looks[:-1]):
        session.undo()
        assert look(session) == earlier
    for later in looks[1:]:
        session.redo()
        assert look(session) == later
    with pytest.raises(InputError, match="nothing to do again"):
        session.redo()


def test_a_new_act_takes_the_place_of_what_was_undone(session: StorySession) -> None:
    session.rename("The Kite")
    session.undo()
    turn(session, "p4", request(11))
    assert session.history.next is None
    with pytest.raises(InputError):
        session.redo()
    session.undo()
    assert "p5" not in session.tree
    session.rename("The Boat")
    assert session.history.next is None


def test_the_first_page_is_not_undone(session: StorySession) -> None:
    for _ in range(3):
        session.undo()
    assert [panel.id for panel in session.tree] == ["p1"]
    with pytest.raises(InputError, match="nothing to undo"):
        session.undo()


def test_painting_again_keeps_every_picture(session: StorySession) -> None:
    first = session.image("p2").tobytes()
    for seed in (60, 61):
        panel_of(session.redraw("p2", request(seed)))
    panel = again(session).tree.panel("p2")
    names = [picture.name for picture in panel.pictures]
    assert len(names) == 3 and panel.image_name == names[2]
    assert [picture.seed for picture in panel.pictures] == [1, 60, 61]
    session.show_picture("p2", names[0])
    assert session.image("p2").tobytes() == first
    shown = again(session).tree.panel("p2")
    assert shown.image_seed == 1 and len(shown.pictures) == 3
    # A picture painted while an older one is shown comes last, too.
    panel_of(session.redraw("p2", request(62)))
    assert [picture.seed for picture in session.tree.panel("p2").pictures] == [1, 60, 61, 62]
    with pytest.raises(StoryNotFoundError, match="no such picture"):
        session.show_picture("p2", session.tree.panel("p1").image_name or "")


def test_a_page_with_other_words_begins_with_the_picture_that_is_shown(
    session: StorySession,
) -> None:
    """The other pictures stay with the page that they were painted for."""
    panel_of(session.redraw("p2", request(60)))
    told = panel_of(session.rewrite("p2", "Mira sings."))
    assert session.image(told.id).tobytes() == session.image("p2").tobytes()
    assert [picture.name for picture in told.all_pictures] == [told.image_name]
    assert len(session.tree.panel("p2").pictures) == 2
    panel_of(session.redraw(told.id, request(61)))
    painted = again(session).tree.panel(told.id)
    assert len(painted.pictures) == 2 and painted.image_name == painted.pictures[1].name


def test_the_bin_holds_branches_inside_each_other(session: StorySession) -> None:
    session.remove_branch("p4")
    session.remove_branch("p2")
    assert [one.top.id for one in session.removed()] == ["p2"]
    with pytest.raises(StoryNotFoundError, match="put them back"):
        session.restore_branch("p4")
    session.restore_branch("p2")
    assert [panel.id for panel in session.tree] == ["p1", "p2", "p3"]
    assert [(one.top.id, one.num_panels) for one in again(session).removed()] == [("p4", 1)]
    session.restore_branch("p4")
    assert len(session.tree) == 4 and not session.removed()
    with pytest.raises(StoryNotFoundError, match="not in the bin"):
        session.restore_branch("p4")


def test_a_branch_that_was_put_back_goes_on_identically(session: StorySession) -> None:
    wanted = turn(session, "p3", request(21))
    session.undo()
    session.remove_branch("p2")
    session.restore_branch("p2")
    told = turn(session, "p3", request(21))
    assert told.id == "p6"
    assert (told.text, told.features_sha256) == (wanted.text, wanted.features_sha256)


def test_nothing_is_undone_while_a_page_is_told(session: StorySession) -> None:
    events = session.turn("p3", request(31))
    next(events)
    with pytest.raises(BusyError):
        session.undo()
    with pytest.raises(BusyError):
        session.restore_branch("p3")
    for _ in events:
        pass
    assert len(session.tree) == 5


def test_the_notes_of_acts_stay_few(session: StorySession) -> None:
    for number in range(MOST_ACTS + 5):
        session.rename(f"Title {number}")
    noted = again(session).history.done
    assert len([act for act in noted if act.kind == "title"]) == MOST_ACTS
    session.undo()
    assert session.tree.title == f"Title {MOST_ACTS + 3}"


@pytest.mark.parametrize("noise", [None, 7, [7], [{}], [{"kind": "tell"}], {"a": 1}])
def test_notes_that_somebody_else_wrote_are_passed_over(
    session: StorySession, noise: object
) -> None:
    session.archive.set_settings(session.story_id, {"undo": noise, "redo": noise})
    opened = again(session)
    assert opened.history.next is None
    opened.undo()
    assert len(opened.tree) == 3


def test_an_undo_that_cannot_be_noted_holds_and_is_no_error(
    session: StorySession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*values: object, **named: object) -> None:
        raise StorageError("The disk is full.")

    monkeypatch.setattr(session.archive, "set_settings", full)
    session.undo()  # puts p4 into the bin
    assert "p4" not in session.tree and "p4" not in again(session).tree
    monkeypatch.undo()
    session.restore_branch("p4")
    assert len(again(session).tree) == 4
