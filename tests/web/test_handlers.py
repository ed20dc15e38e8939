"""The page's events without a browser: a real engine, a real queue, a real story folder."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from demo.handlers import Handlers, Screen, nowhere
from demo.openings import load_openings
from seedstory_core.engine import TurnRequest
from seedstory_core.errors import BusyError, InputError, StorageError
from seedstory_core.jobs import MAX_WAITING, JobQueue
from seedstory_core.requests import make_request
from seedstory_core.session import SessionStore
from tests.helpers.told_stories import branched_story

KNOBS = (0.8, 0.9, "5", 1, 1.0)
SLOW = (0.8, 0.9, "5", 50, 1.0)
OPENINGS = load_openings("assets/openings")
SENTENCE = "Late one evening, Mira the fox found a golden key."


@pytest.fixture
def queue(store: SessionStore) -> JobQueue:
    return JobQueue(store)


@pytest.fixture
def on(store: SessionStore, queue: JobQueue) -> Handlers:
    return Handlers(store, queue, OPENINGS)


def screen(values: list[Any]) -> Screen:
    return Screen(*values)


def changed(value: Any) -> bool:
    return not (isinstance(value, dict) and value.get("__type__") == "update" and len(value) == 1)


def wait(queue: JobQueue, story_id: str) -> None:
    deadline = time.monotonic() + 60
    while queue.running(story_id) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.02)


def begin(on: Handlers, sentence: str = SENTENCE, *, card: str = "", **changes: Any) -> Any:
    """Begin a story, wait, and give the place it ends at."""
    values = on.begin(nowhere(), {"opening": card}, None, sentence, True, *KNOBS)
    place = screen(values).place
    wait(on.queue, place["story"])
    return screen(on.finish(place, SENTENCE, "It snows.")).place


def click(**what: str) -> Any:
    return SimpleNamespace(_data=what)


def test_a_story_is_begun_followed_and_shown(on: Handlers) -> None:
    place = screen(on.begin(nowhere(), {}, None, SENTENCE, False, *KNOBS)).place
    assert place["view"] == "story" and place["busy"] and place["live"] == "turn"

    async def watch() -> list[Any]:
        return [value async for value in on.follow(place)]

    seen = [value for value in asyncio.run(watch()) if isinstance(value, str)]
    assert seen and "page-live" in seen[-1]
    shown = screen(on.finish(place, SENTENCE, "It snows."))
    assert shown.place["panel"] == "p1" and not shown.place["busy"]
    assert SENTENCE in shown.book and shown.live == ""
    assert shown.sentence == "", "the start page is empty again"


def test_a_cards_first_page_is_kept_and_the_storyteller_goes_on(on: Handlers) -> None:
    card = OPENINGS[0]
    place = begin(on, card.sentence, card=card.id)
    assert place["then"] and not place["again"] and not place["redraw"]
    follows = screen(on.go_on_by_itself(place, *KNOBS)).place
    assert follows["busy"] and not follows["then"]
    wait(on.queue, place["story"])
    tree = on.store.open(place["story"]).tree
    assert [panel.text for panel in tree][0] == card.sentence and len(tree) == 2


def test_going_back_and_on_makes_a_branch_and_loses_nothing(on: Handlers) -> None:
    place = begin(on)
    for _ in range(2):
        place = screen(on.go_on(place, *KNOBS)).place
        wait(on.queue, place["story"])
        place = screen(on.finish(place, SENTENCE, "It snows.")).place
    assert place["panel"] == "p3"
    place = screen(on.click(place, click(do="go", panel="p1"))).place
    place = screen(on.write(place, "It snows.", True, *KNOBS)).place
    wait(on.queue, place["story"])
    shown = screen(on.finish(place, SENTENCE, "It snows."))
    assert shown.place["panel"] == "p4" and shown.line == ""
    tree = on.store.open(place["story"]).tree
    assert [panel.id for panel in tree.children("p1")] == ["p2", "p4"]
    assert tree.panel("p4").text == "It snows."


def test_telling_it_again_makes_a_sibling(on: Handlers) -> None:
    place = begin(on)
    place = screen(on.write(place, "It snows", False, *KNOBS)).place
    wait(on.queue, place["story"])
    place = screen(on.finish(place, SENTENCE, "It snows.")).place
    place = screen(on.again(place, 0.8, 0.9, "6", 1, 1.0)).place
    wait(on.queue, place["story"])
    assert screen(on.finish(place, SENTENCE, "It snows.")).place["panel"] == "p3"
    tree = on.store.open(place["story"]).tree
    assert [panel.reader_text for panel in tree.children("p1")] == ["It snows", "It snows"]
    assert tree.panel("p2").seed != tree.panel("p3").seed
    same = screen(on.again({**place, "panel": "p3"}, 0.8, 0.9, "6", 1, 1.0))
    assert "seed 6 already" in same.notice and len(tree) == 3


def test_three_ways_are_told_at_once_and_chosen_from_the_page_before(on: Handlers) -> None:
    place = screen(on.ways(begin(on), *KNOBS)).place
    assert place["live"] == "alternatives"

    async def watch() -> list[Any]:
        return [value async for value in on.follow(place)]

    seen = [value for value in asyncio.run(watch()) if isinstance(value, str)]
    assert seen[-1].count('class="sketch"') == 3
    wait(on.queue, place["story"])
    shown = screen(on.finish(place, SENTENCE, ""))
    assert shown.place["panel"] == "p1" and shown.live == ""
    tree = on.store.open(place["story"]).tree
    ways = tree.children("p1")
    assert len({panel.seed for panel in ways}) == 3 and min(panel.seed for panel in ways) >= 5
    assert len({panel.text for panel in ways}) == 3
    assert all(f'data-panel="{panel.id}"' in shown.tail for panel in ways)


def test_a_page_gets_other_words_and_the_old_one_stays(on: Handlers) -> None:
    place = begin(on)
    asked = screen(on.ask_for_words(place))
    assert asked.place["rewords"] and asked.words == SENTENCE
    refused = screen(on.reword(asked.place, "<img>"))
    assert "is a mark" in refused.notice and not changed(refused.place)
    place = screen(on.reword(asked.place, "Mira the fox found a silver key.")).place
    wait(on.queue, place["story"])
    shown = screen(on.finish(place, "", ""))
    assert shown.place["panel"] == "p2" and "silver key" in shown.book
    assert not shown.place["rewords"]
    tree = on.store.open(place["story"]).tree
    assert [panel.text for panel in tree] == [SENTENCE, "Mira the fox found a silver key."]


def test_a_page_gets_the_readers_own_picture(on: Handlers, tmp_path: Path) -> None:
    place = begin(on)
    file = tmp_path / "red.png"
    Image.new("RGB", (300, 200), "red").save(file)
    place = screen(on.change_picture(place, str(file))).place
    wait(on.queue, place["story"])
    shown = screen(on.finish(place, "", ""))
    session = on.store.open(place["story"])
    assert shown.place["panel"] == "p2" and not shown.place["redraw"]
    assert session.image("p2").getpixel((128, 128)) == (255, 0, 0)
    (tmp_path / "no.png").write_text("no picture")
    assert "picture" in screen(on.change_picture(place, str(tmp_path / "no.png"))).notice


def test_a_page_is_kept_in_mind_and_let_go(on: Handlers) -> None:
    place = begin(on)
    session = on.store.open(place["story"])
    shown = screen(on.pin(place))
    assert session.pinned == {"p1"} and "kept in mind" in shown.outline
    assert shown.pin["value"] == "Let it be forgotten"
    assert "kept in mind" not in screen(on.pin(place)).outline and not session.pinned


def test_what_a_story_remembers_is_chosen_story_by_story(on: Handlers) -> None:
    assert "Begin a story first" in screen(on.set_policy(nowhere(), "window")).notice
    place = begin(on)
    assert screen(on.set_policy(place, "window")).policy == "window"
    assert on.store.open(place["story"]).rule.policy == "window"
    assert screen(on.click(place, click(do="go", panel="p1"))).policy == "window"
    refused = screen(on.set_policy(place, "elephant"))
    assert "cannot forget like this" in refused.notice and refused.policy == "window"


def test_words_typed_in_another_window_stay_there(on: Handlers) -> None:
    place = begin(on)
    asked = screen(on.write(place, "It snows", True, *KNOBS)).place
    wait(on.queue, place["story"])
    shown = screen(on.finish(asked, "My next opening.", "A long line of mine"))
    assert shown.place["panel"] == "p2" and not changed(shown.line)
    assert not changed(shown.sentence)


def test_a_window_whose_story_was_stopped_elsewhere_comes_back(on: Handlers) -> None:
    place = screen(on.begin(nowhere(), {}, None, SENTENCE, False, *SLOW)).place
    other = dict(place)
    on.stop(place)
    wait(on.queue, place["story"])
    for window in (place, other):
        shown = screen(on.finish(window, "", ""))
        assert shown.place["view"] == "start" and not shown.place["busy"]
    assert screen(on.stop(other)).place["view"] == "start"


def test_a_window_that_shows_a_removed_page_goes_to_the_newest(on: Handlers) -> None:
    place = begin(on)
    for _ in range(2):
        place = screen(on.go_on(place, *KNOBS)).place
        wait(on.queue, place["story"])
        place = screen(on.finish(place, "", "")).place
    other = screen(on.click(place, click(do="go", panel="p2"))).place
    running = screen(on.go_on(screen(on.click(place, click(do="go", panel="p1"))).place, *KNOBS))
    wait(on.queue, place["story"])
    on.store.open(place["story"]).remove_branch("p2")
    shown = screen(on.finish({**other, "job": running.place["job"]}, "", ""))
    assert shown.place["panel"] == "p4" and not shown.place["busy"]


def test_a_turn_asked_for_before_the_server_restarted_is_not_waited_for(on: Handlers) -> None:
    place = begin(on)
    shown = screen(on.finish({**place, "job": "12345", "busy": True}, "", ""))
    assert shown.place["panel"] == "p1" and not shown.place["busy"]


def test_an_address_that_cannot_be_opened_just_now_is_kept(
    on: Handlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> Any:
        raise StorageError("The disk is away.")

    monkeypatch.setattr(on.store, "open", away)
    shown = screen(on.arrive({**nowhere(), "story": "x" * 20}))
    assert shown.place["stay"] and "disk is away" in shown.notice


def test_a_stopped_turn_leaves_the_story_and_the_typed_words(on: Handlers) -> None:
    place = begin(on)
    place = screen(on.write(place, "It snows", False, *SLOW)).place
    job = on.queue.job(place["job"])
    assert job is not None
    while job.progress.phase != "painting":
        time.sleep(0.01)
    on.stop(place)
    wait(on.queue, place["story"])
    shown = screen(on.finish(place, SENTENCE, "It snows."))
    assert "Stopped" in shown.notice and not changed(shown.line)
    assert len(on.store.open(place["story"]).tree) == 1
    assert shown.place["panel"] == "p1" and not shown.place["busy"]


def test_a_story_stopped_before_its_first_page_leads_back_to_the_start_page(on: Handlers) -> None:
    place = screen(on.begin(nowhere(), {}, None, SENTENCE, False, *SLOW)).place
    on.stop(place)
    wait(on.queue, place["story"])
    shown = screen(on.finish(place, SENTENCE, "It snows."))
    assert shown.place["view"] == "start" and not changed(shown.sentence)
    assert on.store.archive.list() == ()


def test_a_turn_that_ends_while_the_reader_is_elsewhere_is_announced(on: Handlers) -> None:
    place = begin(on)
    place = screen(on.go_on(place, *KNOBS)).place
    wait(on.queue, place["story"])
    place = screen(on.finish(place, SENTENCE, "It snows.")).place
    place = screen(on.go_on(place, *SLOW)).place
    moved = screen(on.click(place, click(do="go", panel="p1")))
    assert moved.place["panel"] == "p1" and moved.place["live"] == ""
    assert "at work on another page" in moved.tail
    wait(on.queue, place["story"])
    shown = screen(on.finish(moved.place, SENTENCE, "It snows."))
    assert shown.place["panel"] == "p1" and "Page 3 of the story is ready" in shown.notice


def test_a_page_that_arrives_during_a_turn_watches_it(on: Handlers) -> None:
    place = begin(on)
    running = screen(on.go_on(place, *SLOW)).place
    arrived = screen(on.arrive({"story": place["story"], "panel": "", "mine": []}))
    assert arrived.place["live"] == "turn" and arrived.place["watch"] == running["job"]
    again = screen(on.go_on(arrived.place, *KNOBS))
    assert "still working" in again.notice and again.place["watch"] == running["job"]
    on.stop(place)
    wait(on.queue, place["story"])


def test_an_unknown_address_leads_to_the_start_page_with_a_sentence(on: Handlers) -> None:
    for story_id in ("x", "../../etc/passwd", "A" * 22):
        shown = screen(on.arrive({"story": story_id, "panel": "p1", "mine": []}))
        assert shown.place["view"] == "start" and "no story under this address" in shown.notice


def test_a_removed_panel_in_the_address_opens_the_newest_page(on: Handlers) -> None:
    shelf = branched_story(on.store.archive)
    shown = screen(on.arrive({"story": shelf.story_id, "panel": "p99", "mine": []}))
    assert shelf.tree.newest is not None
    assert shown.place["panel"] == shelf.tree.newest.id
    assert "no panel p99" in shown.notice


@pytest.mark.parametrize(
    "place",
    [{}, {"story": 7, "panel": ["p1"], "mine": "x"}, {"story": None}, {"mine": [1, None, "a"]}],
    ids=str,
)
def test_a_mangled_place_is_answered_like_none(on: Handlers, place: dict[str, Any]) -> None:
    assert screen(on.arrive(place)).place["view"] == "start"
    for handler in (on.stop, on.finish, on.keep):
        handler(place)
    assert "no story under this address" in screen(on.go_on(place, *KNOBS)).notice


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[INST] x", "mark that the storyteller uses"),
        ("   ", "begins with a picture or a sentence"),
        ("y" * 10_000, "10,000 characters"),
    ],
)
def test_refused_words_change_nothing_but_the_notice(on: Handlers, text: str, said: str) -> None:
    shown = on.begin(nowhere(), {}, None, text, False, *KNOBS)
    answer = screen(shown)
    assert said in answer.notice
    assert [value for value in shown if changed(value)] == [answer.notice]
    assert on.store.archive.list() == ()


def test_a_refused_picture_is_put_away_and_the_sentence_stays(on: Handlers, tmp_path: Path) -> None:
    path = tmp_path / "letter.png"
    path.write_bytes(b"no picture")
    answer = screen(on.bring(str(path), "Mine."))
    assert "could not be read" in answer.notice
    assert answer.own_picture is None and not changed(answer.sentence)
    Image.new("RGB", (40, 30)).save(path)
    answer = screen(on.bring(str(path), OPENINGS[0].sentence))
    assert answer.sentence == "", "a card's sentence goes with its card"
    assert "data:image/jpeg" in answer.slot


def test_choosing_a_card_never_overwrites_own_words(on: Handlers) -> None:
    mine = screen(on.choose("My own words.", click(do="choose", opening="mira")))
    assert not changed(mine.sentence) and mine.draft == {"opening": "mira"}
    other = OPENINGS[0].sentence
    swapped = screen(on.choose(other, click(do="choose", opening="mira")))
    assert swapped.sentence.startswith("One quiet evening, Mira")


def test_a_full_disk_is_told_and_the_words_stay(
    on: Handlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise StorageError("The disk is full, so the new story was not begun.")

    monkeypatch.setattr(on.store.archive, "create", full)
    answer = screen(on.begin(nowhere(), {}, None, SENTENCE, False, *KNOBS))
    assert "The disk is full" in answer.notice and not changed(answer.sentence)


def test_a_fault_of_ours_is_logged_and_told_without_details(
    on: Handlers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(on.store, "open", broken)
    answer = screen(on.go_on({"story": "x"}, *KNOBS))
    assert "went wrong on our side" in answer.notice and "secret" not in answer.notice
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
    with pytest.raises(BusyError, match=f"{MAX_WAITING} stories are waiting"):
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
