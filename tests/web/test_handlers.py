"""The page's events without a browser: a real engine, a real queue, a real story folder."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from demo.handlers import Handlers
from demo.openings import load_openings
from demo.state import SAME, Click, PageState
from demo.wiring import answer
from seedstory_core.engine import TurnRequest
from seedstory_core.errors import BusyError, InputError, StorageError
from seedstory_core.jobs import MAX_WAITING, JobQueue
from seedstory_core.requests import make_request
from seedstory_core.session import SessionStore
from tests.helpers.told_stories import branched_story

KNOBS = {"temperature": 0.8, "top_p": 0.9, "seed": "5", "steps": 1, "guidance": 1.0}
SLOW = {**KNOBS, "steps": 50}
START = PageState()
OPENINGS = load_openings("assets/openings")
SENTENCE = "Late one evening, Mira the fox found a golden key."


@pytest.fixture
def queue(store: SessionStore) -> JobQueue:
    return JobQueue(store)


@pytest.fixture
def on(store: SessionStore, queue: JobQueue) -> Handlers:
    return Handlers(store, queue, OPENINGS)


def answered(handler: Callable[..., Any], *values: Any) -> Any:
    """Return a handler's update as the wiring makes it."""
    return answer(handler, **inspect.signature(handler).bind(*values).arguments)


def press(
    on: Handlers, state: PageState, do: str, knobs: dict[str, Any] = KNOBS, **data: str
) -> Any:
    """Click on a button of the page."""
    return answered(on.click, state, Click(do=do, **data), knobs)


def page(update: Any, panel_id: str) -> dict[str, Any]:
    """Return a page that an update sends."""
    found: dict[str, Any] = update.manuscript["pages"][panel_id]
    return found


def wait(queue: JobQueue, story_id: str) -> None:
    deadline = time.monotonic() + 60
    while queue.running(story_id) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.02)


def begin(on: Handlers, sentence: str = SENTENCE, *, card: str = "") -> Any:
    """Begin a story, wait, and return the state that the page ends with."""
    state = answered(on.begin, START, {"opening": card}, None, sentence, True, KNOBS).state
    wait(on.queue, state.story)
    return answered(on.finish, state, SENTENCE, "It snows.").state


def test_a_story_is_begun_followed_and_shown(on: Handlers) -> None:
    state = answered(on.begin, START, {}, None, SENTENCE, False, KNOBS).state
    assert state.view == "story" and state.busy and state.live == "turn"

    async def watch() -> list[Any]:
        return [value async for value in on.follow(state)]

    seen = [update.live for update in asyncio.run(watch())]
    assert seen and "page-live" in seen[-1]
    shown = answered(on.finish, state, SENTENCE, "It snows.")
    assert shown.state.panel == "p1" and not shown.state.busy
    assert SENTENCE in page(shown, "p1")["html"] and shown.live == ""
    assert shown.sentence == "", "the start page is empty again"


def test_a_cards_first_panel_is_kept_and_the_storyteller_goes_on(on: Handlers) -> None:
    card = OPENINGS[0]
    state = begin(on, card.sentence, card=card.id)
    assert state.then
    follows = press(on, state, "go-on", KNOBS).state
    assert follows.busy and not follows.then
    wait(on.queue, state.story)
    tree = on.store.open(state.story).tree
    assert [panel.text for panel in tree][0] == card.sentence and len(tree) == 2


def test_going_back_and_on_makes_a_branch_and_loses_nothing(on: Handlers) -> None:
    state = begin(on)
    for _ in range(2):
        state = press(on, state, "go-on", KNOBS).state
        wait(on.queue, state.story)
        state = answered(on.finish, state, SENTENCE, "It snows.").state
    assert state.panel == "p3"
    state = replace(state, panel="p1")
    state = answered(on.write, state, "It snows.", True, KNOBS).state
    wait(on.queue, state.story)
    shown = answered(on.finish, state, SENTENCE, "It snows.")
    assert shown.state.panel == "p4" and shown.line == ""
    tree = on.store.open(state.story).tree
    assert [panel.id for panel in tree.children("p1")] == ["p2", "p4"]
    assert tree.panel("p4").text == "It snows."


def test_telling_it_again_makes_a_sibling(on: Handlers) -> None:
    state = begin(on)
    state = answered(on.write, state, "It snows", False, KNOBS).state
    wait(on.queue, state.story)
    state = answered(on.finish, state, SENTENCE, "It snows.").state
    state = press(on, state, "again", {**KNOBS, "seed": "6"}).state
    wait(on.queue, state.story)
    assert answered(on.finish, state, SENTENCE, "It snows.").state.panel == "p3"
    tree = on.store.open(state.story).tree
    assert [panel.reader_text for panel in tree.children("p1")] == ["It snows", "It snows"]
    assert tree.panel("p2").seed != tree.panel("p3").seed
    same = press(on, replace(state, panel="p3"), "again", {**KNOBS, "seed": "6"})
    assert "seed 6 already" in same.notice and len(tree) == 3


def test_three_ways_are_told_at_once_and_chosen_from_the_panel_before(on: Handlers) -> None:
    state = press(on, begin(on), "three-ways", KNOBS).state
    assert state.live == "alternatives"

    async def watch() -> list[Any]:
        return [value async for value in on.follow(state)]

    seen = [update.live for update in asyncio.run(watch())]
    assert seen[-1].count('class="sketch"') == 3
    wait(on.queue, state.story)
    shown = answered(on.finish, state, SENTENCE, "")
    assert shown.state.panel == "p1" and shown.live == ""
    tree = on.store.open(state.story).tree
    ways = tree.children("p1")
    assert len({panel.seed for panel in ways}) == 3 and min(panel.seed for panel in ways) >= 5
    assert len({panel.text for panel in ways}) == 3
    fork = page(shown, "p1")["html"].split('class="ways"')[1]
    assert all(f'data-panel="{panel.id}"' in fork for panel in ways)


def test_a_panel_gets_other_words_and_the_old_one_stays(on: Handlers) -> None:
    state = begin(on)
    refused = press(on, state, "reword", words="<img>")
    assert "is a mark" in refused.notice and refused.state is SAME
    state = press(on, state, "reword", words="Mira the fox found a silver key.").state
    wait(on.queue, state.story)
    shown = answered(on.finish, state, "", "")
    assert shown.state.panel == "p2" and "silver key" in page(shown, "p2")["text"]
    tree = on.store.open(state.story).tree
    assert [panel.text for panel in tree] == [SENTENCE, "Mira the fox found a silver key."]


def test_a_panel_gets_the_readers_own_image(on: Handlers, tmp_path: Path) -> None:
    state = begin(on)
    file = tmp_path / "red.png"
    Image.new("RGB", (300, 200), "red").save(file)
    state = answered(on.repaint, state, str(file)).state
    wait(on.queue, state.story)
    shown = answered(on.finish, state, "", "")
    session = on.store.open(state.story)
    assert shown.state.panel == "p2" and not page(shown, "p2")["redraw"]
    assert session.image("p2").getpixel((128, 128)) == (255, 0, 0)
    (tmp_path / "no.png").write_text("no picture")
    assert "picture" in answered(on.repaint, state, str(tmp_path / "no.png")).notice


def test_a_panel_is_kept_in_mind_and_let_go(on: Handlers) -> None:
    state = begin(on)
    session = on.store.open(state.story)
    shown = press(on, state, "pin")
    assert session.pinned == {"p1"} and page(shown, "p1")["pinned"]
    assert not page(press(on, shown.state, "pin"), "p1")["pinned"] and not session.pinned


def test_a_branch_gets_a_name_and_a_star(on: Handlers) -> None:
    state = begin(on)
    shown = press(on, state, "name", panel="p1", name="The golden way")
    assert page(shown, "p1")["name"] == "The golden way"
    starred = press(on, shown.state, "star", panel="p1")
    assert page(starred, "p1")["star"] and page(starred, "p1")["name"] == "The golden way"
    assert not page(press(on, starred.state, "star", panel="p1"), "p1")["star"]


def test_several_pages_are_told_in_a_row(on: Handlers) -> None:
    state = begin(on)
    assert "number of pages" in press(on, state, "run", count="many").notice
    running = press(on, state, "run", count="2").state
    assert running.live == "run" and running.at == "p1"
    wait(on.queue, state.story)
    assert answered(on.finish, running, "", "").state.panel == "p3"
    assert "cannot be given hints" in press(on, state, "run", count="2", words="an owl").notice


def test_only_what_changed_is_sent(on: Handlers) -> None:
    state = begin(on)
    everything = answered(on.arrive, reloaded(state))
    assert set(everything.manuscript["pages"]) == {"p1"} and everything.manuscript["base"] == ""
    held = everything.state
    assert answered(on.arrive, held).manuscript is SAME, "the page holds it already"
    named = press(on, held, "rename", title="Mine")
    assert named.manuscript["title"] == "Mine" and named.manuscript["pages"] == {}
    assert named.manuscript["base"] == held.seal and named.state.seal == named.manuscript["seal"]
    asked = press(on, named.state, "go-on").state
    wait(on.queue, state.story)
    shown = answered(on.finish, asked, "", "")
    assert "p2" in shown.manuscript["pages"] and shown.manuscript["base"] == asked.seal
    lost = press(on, replace(shown.state, seal="of-another-server"), "look")
    assert set(lost.manuscript["pages"]) == {"p1", "p2"} and lost.manuscript["base"] == ""


def test_a_card_begins_its_story_at_one_click(on: Handlers) -> None:
    state = press(on, START, "begin", opening=OPENINGS[1].id).state
    wait(on.queue, state.story)
    assert on.store.open(state.story).tree.panel("p1").text == OPENINGS[1].sentence
    surprise = press(on, START, "begin").state
    wait(on.queue, surprise.story)
    begun = on.store.open(surprise.story).tree.panel("p1").text
    assert begun in {opening.sentence for opening in OPENINGS}


def test_what_a_story_remembers_is_chosen_story_by_story(on: Handlers) -> None:
    assert "Begin a story first" in answered(on.set_policy, START, "window").notice
    state = begin(on)
    assert answered(on.set_policy, state, "window").policy == "window"
    assert on.store.open(state.story).policy.policy == "window"
    assert answered(on.arrive, state).policy == "window"
    refused = answered(on.set_policy, state, "elephant")
    assert "memory setting is impossible" in refused.notice and refused.policy == "window"


def test_the_page_shows_what_was_typed_and_empties_its_field(on: Handlers) -> None:
    typed = "“Wait…” said Mira —\nhalf past ½ \U0001f469\u200d\U0001f680"
    state = begin(on)
    state = answered(on.write, state, f" {typed}\n", True, KNOBS).state
    wait(on.queue, state.story)
    shown = answered(on.finish, state, "", f" {typed}\n")
    assert page(shown, "p2")["text"] == typed and shown.line == ""


def test_words_typed_in_another_window_stay_there(on: Handlers) -> None:
    state = begin(on)
    asked = answered(on.write, state, "It snows", True, KNOBS).state
    wait(on.queue, state.story)
    shown = answered(on.finish, asked, "My next opening.", "A long line of mine")
    assert shown.state.panel == "p2" and shown.line is SAME
    assert shown.sentence is SAME


def test_a_window_whose_story_was_stopped_elsewhere_comes_back(on: Handlers) -> None:
    state = answered(on.begin, START, {}, None, SENTENCE, False, SLOW).state
    other = state
    press(on, state, "stop")
    wait(on.queue, state.story)
    for window in (state, other):
        shown = answered(on.finish, window, "", "")
        assert shown.state.view == "start" and not shown.state.busy
    assert press(on, other, "stop").state.view == "start"


def test_a_window_that_shows_a_removed_panel_goes_to_the_newest(on: Handlers) -> None:
    state = begin(on)
    for _ in range(2):
        state = press(on, state, "go-on", KNOBS).state
        wait(on.queue, state.story)
        state = answered(on.finish, state, "", "").state
    other = replace(state, panel="p2")
    running = press(on, replace(state, panel="p1"), "go-on")
    wait(on.queue, state.story)
    on.store.open(state.story).remove_branch("p2")
    shown = answered(on.finish, replace(other, job=running.state.job), "", "")
    assert shown.state.panel == "p4" and not shown.state.busy


def test_a_turn_asked_for_before_the_server_restarted_is_not_waited_for(on: Handlers) -> None:
    state = begin(on)
    shown = answered(on.finish, replace(state, job="12345", busy=True), "", "")
    assert shown.state.panel == "p1" and not shown.state.busy


def reloaded(state: PageState) -> PageState:
    """What a browser sends with the first event after a reload."""
    names = ("story", "panel", "job", "due", "live")
    return PageState.from_json({name: getattr(state, name) for name in names})


def test_a_page_reloaded_when_its_turn_has_just_ended_shows_the_new_panel(on: Handlers) -> None:
    state = begin(on)
    asked = answered(on.write, state, "It snows.", True, KNOBS).state
    wait(on.queue, state.story)
    arrived = answered(on.arrive, reloaded(asked)).state
    # No button makes a branch before the outcome is shown.
    assert arrived.panel == "p1" and arrived.busy and arrived.watch == asked.job
    shown = answered(on.finish, arrived, "", "It snows.")
    assert shown.state.panel == "p2" and not shown.state.busy and shown.line == ""
    # Another visit to the same address is where it says, and free.
    visit = answered(on.arrive, PageState(story=state.story, panel="p1")).state
    assert visit.panel == "p1" and not visit.busy


def test_a_page_reloaded_elsewhere_stays_there_and_is_told(on: Handlers) -> None:
    state = begin(on)
    state = answered(on.finish, told(on, state), "", "").state
    asked = told(on, state)
    elsewhere = answered(on.arrive, replace(reloaded(asked), panel="p1")).state
    shown = answered(on.finish, elsewhere, "", "")
    assert shown.state.panel == "p1" and "Page 3 of the story is ready" in shown.notice


def told(on: Handlers, state: PageState) -> PageState:
    asked: PageState = press(on, state, "go-on", KNOBS).state
    wait(on.queue, state.story)
    return asked


def test_a_page_reloaded_after_a_failed_turn_says_why(
    on: Handlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = begin(on)
    monkeypatch.setattr(on.store.archive, "append", lambda *_, **__: full())
    shown = answered(on.arrive, reloaded(told(on, state)))
    assert "The disk is full" in shown.notice and not shown.state.busy
    monkeypatch.undo()
    first = answered(on.begin, START, {}, None, SENTENCE, False, SLOW).state
    press(on, first, "stop")
    wait(on.queue, first.story)
    shown = answered(on.arrive, reloaded(first))
    assert shown.state.view == "start" and "Stopped" in shown.notice


def full() -> None:
    raise StorageError("The disk is full.")


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("turn", "Page 2 was lost"),
        ("alternatives", "Page 2 was lost"),
        ("redraw", "The new picture of page 1 was lost"),
        ("rewrite", "The other page 1 was lost"),
        ("image", "The other page 1 was lost"),
        ("", "The page that was being told was lost"),
    ],
)
def test_a_turn_lost_with_its_server_is_named(on: Handlers, kind: str, named: str) -> None:
    state = begin(on)
    waits = replace(state, job="of-another-server", live=kind, busy=True)
    for shown in (answered(on.arrive, reloaded(waits)), answered(on.finish, waits, "", "")):
        assert named in shown.notice and "still in its field" in shown.notice
        assert "or another server of the studio is still telling it" in shown.notice
        assert shown.state.panel == "p1" and not shown.state.busy and shown.state.job == ""
        assert shown.line is SAME


def test_a_turn_that_another_server_tells_is_no_restart(on: Handlers, store: SessionStore) -> None:
    state = begin(on)
    elsewhere = SessionStore(store.engine, store.archive)
    elsewhere.open(state.story)
    other = Handlers(elsewhere, JobQueue(elsewhere), OPENINGS)
    asked = press(on, state, "go-on", SLOW).state
    shown = answered(other.finish, asked, "", "")
    assert "another server of the studio is still telling it" in shown.notice
    press(on, asked, "stop")
    wait(on.queue, state.story)
    # Once it is saved, the other one shows it as well.
    asked = told(on, state)
    assert answered(other.finish, asked, "", "").state.panel == asked.due


def test_a_first_turn_lost_with_its_server_is_named(on: Handlers) -> None:
    session = on.store.create()
    waits = PageState(story=session.story_id, job="of-another-server", live="turn", due="p1")
    shown = answered(on.arrive, waits)
    assert shown.state.view == "start" and "Your first page was lost" in shown.notice


@pytest.mark.parametrize("kind", ["turn", "alternatives", "rewrite"])
def test_a_panel_saved_before_its_server_stopped_is_shown(on: Handlers, kind: str) -> None:
    state = begin(on)
    asked = told(on, state)
    lost = replace(reloaded(asked), job="of-another-server", live=kind)
    shown = answered(on.arrive, lost)
    assert "lost" not in shown.notice and not shown.state.busy
    assert shown.state.panel == ("p1" if kind == "alternatives" else "p2")
    elsewhere = answered(on.arrive, replace(lost, panel="p2", due="p2", live=""))
    assert elsewhere.state.panel == "p2" and "Page 2 of the story is ready" in elsewhere.notice


def test_a_page_that_missed_the_reply_to_its_click_looks_for_the_turn(on: Handlers) -> None:
    state = begin(on)
    asked = told(on, state)
    looked = press(on, state, "look", job=asked.job).state
    assert looked.busy and looked.watch == asked.job
    assert answered(on.finish, looked, "", "").state.panel == "p2"
    running = press(on, looked, "go-on", SLOW).state
    looked = press(on, replace(looked, job=""), "look", job=running.job).state
    assert looked.live == "turn" and looked.watch == running.job
    press(on, looked, "stop")
    wait(on.queue, state.story)


@pytest.mark.parametrize("card", ["", OPENINGS[0].id])
@pytest.mark.parametrize("way", ["look", "reload"])
def test_a_page_that_missed_the_reply_to_its_beginning_finds_the_story(
    on: Handlers, card: str, way: str
) -> None:
    page = answered(on.arrive, PageState(ticket="of-this-page")).state
    assert page.ticket == "of-this-page", "it comes along with every event"
    answered(on.begin, page, {"opening": card}, None, OPENINGS[0].sentence, True, KNOBS)
    job = on.queue.latest("of-this-page")
    assert job is not None and job.ended.wait(60)
    if way == "look":
        click = Click(do="look", job=job.id, story=job.story_id)
        found = answered(on.click, page, click, KNOBS).state
    else:
        found = answered(on.arrive, replace(page, story=job.story_id, job=job.id)).state
    assert found.view == "story" and found.busy and found.watch == job.id
    shown = answered(on.finish, found, OPENINGS[0].sentence, "")
    assert shown.state.panel == "p1" and not shown.state.busy and shown.sentence == ""
    assert shown.state.then == bool(card), "the storyteller goes on after a card"
    assert shown.state.ticket == page.ticket
    assert on.queue.latest("") is None and on.queue.latest("of-nobody") is None


def test_a_turn_of_another_story_is_not_waited_for(on: Handlers) -> None:
    one, other = begin(on), begin(on)
    asked = told(on, one)
    shown = press(on, asked, "open", story=other.story).state
    assert shown.story == other.story and not shown.busy and shown.job == ""


def test_an_address_that_cannot_be_opened_just_now_is_kept(
    on: Handlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> Any:
        raise StorageError("The disk is away.")

    monkeypatch.setattr(on.store, "open", away)
    shown = answered(on.arrive, PageState(story="x" * 20))
    assert shown.state.stay and "disk is away" in shown.notice


def test_a_stopped_turn_leaves_the_story_and_the_typed_words(on: Handlers) -> None:
    state = begin(on)
    state = answered(on.write, state, "It snows", False, SLOW).state
    job = on.queue.job(state.job)
    assert job is not None
    while job.progress.phase != "painting":
        time.sleep(0.01)
    press(on, state, "stop")
    wait(on.queue, state.story)
    shown = answered(on.finish, state, SENTENCE, "It snows.")
    assert "Stopped" in shown.notice and shown.line is SAME
    assert len(on.store.open(state.story).tree) == 1
    assert shown.state.panel == "p1" and not shown.state.busy


def test_a_story_stopped_before_its_first_panel_leads_back_to_the_start_page(on: Handlers) -> None:
    state = answered(on.begin, START, {}, None, SENTENCE, False, SLOW).state
    press(on, state, "stop")
    wait(on.queue, state.story)
    shown = answered(on.finish, state, SENTENCE, "It snows.")
    assert shown.state.view == "start" and shown.sentence is SAME
    assert on.store.archive.list() == ()


def test_a_turn_that_ends_while_the_reader_is_elsewhere_is_announced(on: Handlers) -> None:
    state = begin(on)
    state = press(on, state, "go-on", KNOBS).state
    wait(on.queue, state.story)
    state = answered(on.finish, state, SENTENCE, "It snows.").state
    state = press(on, state, "go-on", SLOW).state
    assert state.live == "turn" and state.at == "p2", "the browser shows it at that page alone"
    wait(on.queue, state.story)
    moved = replace(state, panel="p1", steps=state.steps + 1)
    shown = answered(on.finish, moved, SENTENCE, "It snows.")
    assert shown.state.steps == moved.steps
    assert shown.state.panel == "p1" and "Page 3 of the story is ready" in shown.notice


def test_a_page_that_arrives_during_a_turn_watches_it(on: Handlers) -> None:
    state = begin(on)
    running = press(on, state, "go-on", SLOW).state
    arrived = answered(on.arrive, PageState(story=state.story))
    assert arrived.state.live == "turn" and arrived.state.watch == running.job
    again = press(on, arrived.state, "go-on", KNOBS)
    assert "still working" in again.notice and again.state.watch == running.job
    press(on, state, "stop")
    wait(on.queue, state.story)


def test_an_unknown_address_leads_to_the_start_page_with_a_sentence(on: Handlers) -> None:
    for story_id in ("x", "../../etc/passwd", "A" * 22):
        shown = answered(on.arrive, PageState(story=story_id, panel="p1"))
        assert shown.state.view == "start" and "no story under this address" in shown.notice


def test_a_removed_panel_in_the_address_opens_the_newest_panel(on: Handlers) -> None:
    shelf = branched_story(on.store.archive)
    shown = answered(on.arrive, PageState(story=shelf.story_id, panel="p99"))
    assert shelf.tree.newest is not None
    assert shown.state.panel == shelf.tree.newest.id
    assert "no page p99" in shown.notice


def test_what_was_done_on_the_page_can_be_undone_there(on: Handlers) -> None:
    state = begin(on)
    state = press(on, state, "go-on", KNOBS).state
    wait(on.queue, state.story)
    state = answered(on.finish, state, "", "").state
    assert state.panel == "p2"
    painted = press(on, state, "redraw", {**KNOBS, "seed": "77"}).state
    wait(on.queue, state.story)
    shown = answered(on.finish, painted, "", "")
    assert "Picture 2 of 2" in page(shown, "p2")["html"]
    removed = press(on, shown.state, "remove")
    assert removed.state.panel == "p1" and "in the bin" in removed.notice
    assert 'data-do="restore" data-panel="p2"' in removed.manuscript["bin"]
    back = press(on, removed.state, "undo")
    assert back.state.panel == "p2" and "Undone: removing pages." in back.notice
    first = press(on, back.state, "undo")
    assert "Picture 1 of 2" in page(first, "p2")["html"] and first.state.panel == "p2"
    gone = press(on, first.state, "undo")
    assert gone.state.panel == "p1" and "Undone: the new page." in gone.notice
    assert gone.manuscript["undo"] == ""
    assert "nothing to undo" in press(on, gone.state, "undo").notice
    again = press(on, gone.state, "redo")
    assert again.state.panel == "p2"
    names = [picture.name for picture in on.store.open(state.story).tree.panel("p2").pictures]
    chosen = press(on, again.state, "picture", name=names[1])
    assert "Picture 2 of 2" in page(chosen, "p2")["html"]
    assert "no such picture" in press(on, chosen.state, "picture", name="p1-00000000.png").notice


def test_the_last_page_left_stays(on: Handlers) -> None:
    state = begin(on)
    assert "keeps at least one page" in press(on, state, "remove").notice
    assert len(on.store.open(state.story).tree) == 1


@pytest.mark.parametrize(
    "sent",
    [{}, {"story": 7, "panel": ["p1"], "mine": "x"}, {"story": None}, {"mine": [1, None, "a"]}],
    ids=str,
)
def test_a_mangled_state_is_answered_like_none(on: Handlers, sent: dict[str, Any]) -> None:
    state = PageState.from_json(sent)
    assert answered(on.arrive, state).state.view == "start"
    press(on, state, "stop")
    answered(on.finish, state, None, None)
    assert "no story under this address" in press(on, state, "go-on", KNOBS).notice


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[INST] x", "mark that only the storyteller uses"),
        ("   ", "begins with a picture or a sentence"),
        ("y" * 10_000, "10,000 characters"),
    ],
)
def test_refused_words_change_nothing_but_the_notice(on: Handlers, text: str, said: str) -> None:
    shown = answered(on.begin, START, {}, None, text, False, KNOBS)
    assert said in shown.notice
    assert list(shown.changes()) == ["notice"]
    assert on.store.archive.list() == ()


def test_a_refused_image_is_put_away_and_the_sentence_stays(on: Handlers, tmp_path: Path) -> None:
    path = tmp_path / "letter.png"
    path.write_bytes(b"no picture")
    shown = answered(on.bring, str(path), "Mine.")
    assert "could not be read" in shown.notice
    assert shown.own_image is None and shown.sentence is SAME
    Image.new("RGB", (40, 30)).save(path)
    shown = answered(on.bring, str(path), OPENINGS[0].sentence)
    assert shown.sentence == "", "a card's sentence goes with its card"
    assert "data:image/webp" in shown.slot


def test_choosing_a_card_never_overwrites_own_words(on: Handlers) -> None:
    mine = answered(on.choose, "My own words.", Click(do="choose", opening="mira"))
    assert mine.sentence is SAME and mine.draft == {"opening": "mira"}
    other = OPENINGS[0].sentence
    swapped = answered(on.choose, other, Click(do="choose", opening="mira"))
    assert swapped.sentence.startswith("One quiet evening, Mira")


def test_a_full_disk_is_told_and_the_words_stay(
    on: Handlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise StorageError("The disk is full, so the new story was not created.")

    monkeypatch.setattr(on.store.archive, "create", full)
    shown = answered(on.begin, START, {}, None, SENTENCE, False, KNOBS)
    assert "The disk is full" in shown.notice and shown.sentence is SAME


def test_a_fault_of_ours_is_logged_and_told_without_details(
    on: Handlers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(on.store, "open", broken)
    shown = press(on, PageState(story="x"), "go-on", KNOBS)
    assert "went wrong on our side" in shown.notice and "secret" not in shown.notice
    assert "a secret detail" in (caplog.records[-1].exc_text or "")


def test_the_line_is_served_in_order_and_places_move_up(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.engine.config.runtime, "max_turns", 1)
    queue = JobQueue(store)
    request = make_request(store.engine.config, text=SENTENCE, knobs={"steps": 20})
    jobs = [queue.submit("turn", store.create().story_id, None, request) for _ in range(3)]
    assert [job.progress.position for job in jobs[1:]] == [1, 2]
    assert queue.stop(jobs[1].story_id)
    assert jobs[1].progress.phase == "stopped" and jobs[2].progress.position == 1
    jobs[2].ended.wait(60)
    assert [job.progress.phase for job in jobs] == ["done", "stopped", "done"]


def test_a_few_stories_are_told_at_once_and_the_next_one_waits(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.engine.config.runtime, "max_turns", 2)
    queue = JobQueue(store)
    requests = [
        make_request(store.engine.config, text=SENTENCE, knobs={"steps": n}) for n in (50, 2, 2)
    ]
    slow, quick, next_one = (
        queue.submit("turn", store.create().story_id, None, request) for request in requests
    )
    assert next_one.progress.position == 1
    assert quick.ended.wait(60) and next_one.ended.wait(60)
    assert not slow.ended.is_set()
    assert slow.ended.wait(120)
    assert [job.progress.phase for job in (slow, quick, next_one)] == ["done"] * 3


def test_a_story_has_one_turn_at_a_time_and_the_line_has_an_end(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = JobQueue(store)
    monkeypatch.setattr(queue, "_work", lambda: None)
    queue.submit("turn", "a", None, TurnRequest(reader_text="x"))
    with pytest.raises(BusyError, match="still working"):
        queue.submit("turn", "a", None, TurnRequest(reader_text="x"))
    for number in range(MAX_WAITING - 1):
        queue.submit("turn", f"s{number}", None, TurnRequest(reader_text="x"))
    with pytest.raises(BusyError, match=f"{MAX_WAITING} stories are already waiting"):
        queue.submit("turn", "late", None, TurnRequest(reader_text="x"))


def test_settings_left_open_take_the_models_own(store: SessionStore) -> None:
    config = store.engine.config
    request = make_request(config, text="Mira waves.")
    assert request.sampling.temperature == config.sampling.temperature
    assert request.num_inference_steps is None and request.guidance_scale is None
    other = make_request(config, text="Mira waves.")
    assert request.sampling.seed != other.sampling.seed
    fixed = make_request(config, knobs={"seed": "12"})
    assert fixed.sampling.seed == fixed.image_seed == 12
    value: Any
    for value in (float("nan"), float("inf"), True, [], {}, "1e999"):
        with pytest.raises(InputError, match="temperature is"):
            make_request(config, knobs={"temperature": value})
