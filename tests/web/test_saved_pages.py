"""A page that was saved is never answered as an error, whatever fails after that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import gradio.image_utils
import pytest
from gradio_client import Client
from starlette.applications import Starlette
from starlette.testclient import TestClient

from demo import api as api_module
from demo import manuscript, render
from demo import routes as routes_module
from demo.api import Api
from demo.build import make_visitors
from demo.handlers import Handlers
from demo.state import SAME, PageState
from demo.updates import Updates
from demo.wiring import answer
from seedstory_core import JobQueue, SessionStore, StoryTree
from seedstory_core.errors import StorageError
from seedstory_core.session import StorySession
from tests.helpers.studio import served
from tests.helpers.told_stories import branched_story

KNOBS = {"steps": 1, "seed": "5"}
ERRORS = [
    RuntimeError("a bug"),
    MemoryError(),
    OSError(28, "No space left on device"),
    StorageError("The story could not be read: Input/output error."),
]


def failing(error: Exception) -> Any:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


@pytest.fixture
def queue(store: SessionStore) -> JobQueue:
    return JobQueue(store)


@pytest.fixture
def on(store: SessionStore, queue: JobQueue) -> Handlers:
    return Handlers(store, queue, ())


def answered(handler: Any, **values: Any) -> Any:
    return answer(handler, **values)


def told(on: Handlers) -> PageState:
    """Begin a story, wait until its first panel is saved, and return the page's state."""
    values = {"state": PageState(), "draft": {}, "path": None, "sentence": "Mira waves."}
    state: PageState = answered(on.begin, **values, keep_words=True, knobs=KNOBS).state
    job = on.queue.job(state.job)
    assert job is not None and job.ended.wait(60) and job.progress.phase == "done"
    return state


@pytest.mark.parametrize(
    ("owner", "name", "error"),
    [
        (owner, name, ERRORS[number % len(ERRORS)])
        for number, (owner, name) in enumerate(
            [
                (SessionStore, "open"),
                (SessionStore, "open"),
                (Updates, "story"),
                (Updates, "story"),
                (Updates, "form"),
                (StoryTree, "path"),
                (StoryTree, "next_id"),
                (JobQueue, "running"),
                (render, "page"),
                (render, "cover"),
                (render, "bin_of"),
                (render, "fill"),
                (manuscript, "write"),
                (manuscript, "lay_out"),
            ]
        )
    ],
)
def test_a_page_that_cannot_be_shown_is_said_to_be_saved(
    on: Handlers, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, error: Exception
) -> None:
    state = told(on)
    with monkeypatch.context() as patch:
        real, calls = getattr(owner, name), []

        def once(*values: Any, **named: Any) -> Any:
            calls.append(name)
            if len(calls) == 1:
                raise error
            return real(*values, **named)

        patch.setattr(owner, name, once)
        update = answered(on.finish, state=state, sentence="Mira waves.", line="It rains.")
    assert calls
    assert "The page is saved, but it cannot be shown just now." in update.notice
    assert "notice-info" in update.notice and "try again" not in update.notice
    assert ("Input/output error" in update.notice) == isinstance(error, StorageError)
    assert not update.state.busy and update.live == "" and update.state.story == state.story
    assert update.sentence is SAME and update.line is SAME
    # The story is opened again, as the sentence says.
    again = answered(on.arrive, state=PageState(story=state.story))
    assert again.state.panel == "p1" and again.notice == ""
    assert again.manuscript["pages"]["p1"]["text"] == "Mira waves."


@pytest.mark.parametrize("error", ERRORS)
def test_a_turn_that_failed_is_still_a_failure(
    on: Handlers, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(on.store.archive, "append", failing(error))
    values = {"state": PageState(), "draft": {}, "path": None, "sentence": "Mira waves."}
    state = answered(on.begin, **values, keep_words=True, knobs=KNOBS).state
    job = on.queue.job(state.job)
    assert job is not None and job.ended.wait(60) and job.progress.phase == "failed"
    monkeypatch.setattr(on.store, "open", failing(error))
    update = answered(on.finish, state=state, sentence="Mira waves.", line="")
    assert "is saved" not in update.notice and "notice-problem" in update.notice


async def last(steps: AsyncIterator[Any]) -> Any:
    return [step async for step in steps][-1]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize(
    ("owner", "name", "has_text"),
    [
        (SessionStore, "open", False),
        (StoryTree, "panel", False),
        (api_module, "panel_as_json", False),
        (StoryTree, "children", True),
        (StorySession, "image", True),
    ],
)
def test_the_answer_to_a_program_names_the_saved_page(
    store: SessionStore,
    queue: JobQueue,
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    has_text: bool,
    error: Exception,
) -> None:
    story_id = branched_story(store.archive).story_id
    api = Api(store, queue, ())
    outcome = api._outcome

    def fail_then(*values: Any) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, failing(error))
            return outcome(*values)

    monkeypatch.setattr(api, "_outcome", fail_then)
    knobs = {"steps": 1, "seed": 5}
    as_json, image = asyncio.run(last(api.alternatives(story_id, "p1", count=2, knobs=knobs)))
    assert as_json["state"] == "done" and as_json["story_id"] == story_id and image is None
    assert "The page is saved, but it cannot be shown just now." in as_json["problem"]
    assert as_json["panel_id"] in store.open(story_id).tree
    assert bool(as_json.get("text")) == has_text


def test_progress_that_cannot_be_told_is_left_out(
    store: SessionStore, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_module, "progress_as_json", failing(RuntimeError("a bug")))
    step = asyncio.run(last(Api(store, queue, ()).begin("Mira waves.", knobs={"steps": 1})))
    assert step[0]["state"] == "done" and step[1] is not None


def test_an_answer_without_room_for_its_picture_has_its_address(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with served(store) as url:
        client = Client(url, verbose=False)
        with monkeypatch.context() as patch:
            patch.setattr(gradio.image_utils, "save_image", failing(ERRORS[2]))
            panel, image = client.predict("Mira waves.", steps=1, api_name="/begin")
        assert panel["state"] == "done" and panel["text"].startswith("Mira waves.")
        assert image is None and panel["picture"]
        _, image = client.predict(panel["story_id"], steps=1, api_name="/continue_story")
        assert Path(image).stat().st_size
        client.close()


@pytest.mark.parametrize("error", ERRORS)
def test_a_thumbnail_that_cannot_be_made_is_a_picture_that_says_so(
    store: SessionStore, queue: JobQueue, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    shelf = branched_story(store.archive)
    name = shelf.tree.panel("p1").image_name
    app = Starlette(routes=routes_module.routes(store, queue, make_visitors(store.config)))
    client = TestClient(app, headers={"accept": "image/svg+xml,image/*;q=0.8"})
    address = f"/pictures/{shelf.story_id}/{name}"
    with monkeypatch.context() as patch:
        patch.setattr(routes_module, "webp", failing(error))
        answer = client.get(f"{address}?small")
    assert answer.status_code >= 500 and "This picture could not" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert client.get(f"{address}?small").status_code == 200
