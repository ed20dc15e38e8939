"""Who may ask the studio, what a request may hold, and how answers are marked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import gradio.route_utils
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from demo.build import build_page, launch_options, make_visitors
from seedstory_core.engine import StoryEngine
from seedstory_core.jobs import JobQueue
from seedstory_core.session import SessionStore
from seedstory_core.story.archive import StoryArchive
from tests.helpers.studio import served

API = "gradio_api"


@pytest.fixture(scope="module")
def store(tiny_engine: StoryEngine, tmp_path_factory: pytest.TempPathFactory) -> SessionStore:
    return SessionStore(tiny_engine, StoryArchive(str(tmp_path_factory.mktemp("guarded"))))


@pytest.fixture(scope="module")
def url(store: SessionStore) -> Iterator[str]:
    with served(store) as address:
        yield address


@pytest.fixture(scope="module")
def config(url: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{url}config").json()
    return found


@pytest.fixture(scope="module")
def functions(config: dict[str, Any]) -> list[tuple[int, int]]:
    """The number of every function, and of its inputs."""
    return [(one["id"], len(one["inputs"])) for one in config["dependencies"]]


def call(url: str, name: str, data: Any, **more: Any) -> httpx.Response:
    return httpx.post(f"{url}{API}/call/{name}", json={"data": data}, **more)


def outcome(url: str, name: str, data: Any) -> str:
    """Ask for an endpoint and return its last event."""
    asked = call(url, name, data)
    assert asked.status_code == 200, asked.text
    address = f"{url}{API}/call/{name}/{asked.json()['event_id']}"
    return httpx.get(address, timeout=60).text


def test_every_answer_says_how_it_may_be_used(url: str) -> None:
    for path in ("", "config", "studio/style.css", "pictures/x/y", f"{API}/info", "nothing"):
        headers = httpx.get(f"{url}{path}").headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["content-security-policy"] == "frame-ancestors 'self'"
        assert headers["x-frame-options"] == "SAMEORIGIN"
    assert httpx.get(url).headers["cache-control"] == "private, no-cache"


def test_a_page_may_be_framed_by_the_sites_that_are_allowed(
    tiny_engine: StoryEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SessionStore(tiny_engine, StoryArchive(str(tmp_path)))
    runtime = store.config.runtime
    monkeypatch.setattr(runtime, "frame_ancestors", ["https://example.org"])
    monkeypatch.setattr(runtime, "hosts", ["stories.example.org"])
    monkeypatch.setenv("SPACE_ID", "")
    queue = JobQueue(store)
    page = build_page(store, queue)
    visitors = make_visitors(store.config)
    guard, _ = launch_options(store, queue, page, visitors)["app_kwargs"]["middleware"]
    made = guard.cls(None, *guard.args, **guard.kwargs)
    assert made._headers["Content-Security-Policy"].endswith("'self' https://example.org")
    assert "X-Frame-Options" not in made._headers
    assert made._is_mine("stories.example.org") and not made._is_mine("x.hf.space")
    monkeypatch.setenv("SPACE_ID", "me/studio")
    made = guard.cls(None, *guard.args, **guard.kwargs)
    assert "https://huggingface.co" in made._headers["Content-Security-Policy"]
    assert made._is_mine("me-studio.hf.space")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.8.8.8", 200),
        ("localhost:7860", 200),
        ("127.0.0.1", 200),
        ("[::1]:7860", 200),
        ("192.168.1.20:7860", 200),
        ("studio.localhost", 200),
        ("rebound.example.com", 421),
        ("127.0.0.1.example.com", 421),
        ("localhost.example.com:7860", 421),
        ("[x", 421),
    ],
)
def test_only_the_studios_own_names_are_answered(url: str, host: str, status: int) -> None:
    assert httpx.get(f"{url}config", headers={"Host": host}).status_code == status


HERE = object()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": HERE}, 200),
        ({"Origin": HERE, "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "https://behind.a.proxy", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "https://evil.example", "X-Forwarded-Host": "evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://93.184.216.34"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_foreign_pages_cannot_upload_or_ask(url: str, headers: dict[str, Any], status: int) -> None:
    sent = {name: url.rstrip("/") if value is HERE else value for name, value in headers.items()}
    answer = httpx.post(f"{url}{API}/upload", files={"files": b"x"}, headers=sent)
    assert answer.status_code == status
    answer = call(url, "openings", [], headers=sent)
    assert answer.status_code == status


USED = {
    *("info", "openapi.json", "app_id", "theme.css", "startup-events", "upload", "cancel", "reset"),
    *("queue/join", "queue/data", "file={path_or_url:path}", "call/{api_name}"),
    *("call/v2/{api_name}", "call/{api_name}/{event_id}", "call/v2/{api_name}/{event_id}"),
}


def test_of_gradios_doors_only_those_that_are_used_are_open(url: str) -> None:
    with gr.Blocks() as empty:
        pass
    doors = {
        re.sub(r"{[^=}]*}", "1", str(path)).rstrip("/")
        for route in _routes(gr.routes.App.create_app(empty))
        if (path := getattr(route, "path", "")).startswith(f"/{API}/")
        and path.removeprefix(f"/{API}/").rstrip("/") not in USED
    }
    assert {f"/{API}/run/1", f"/{API}/api/1", f"/{API}/upload_progress"} <= doors
    for door in sorted(doors | {"/monitoring", "/monitoring/x", "/login", "/pwa_icon/9999"}):
        for method in ("GET", "POST"):
            answer = httpx.request(method, url.rstrip("/") + door)
            assert (answer.status_code, answer.text) == (404, "Not found."), (method, door)


def _routes(app: Any) -> Iterator[Any]:
    """The routes of an application, also those of its routers."""
    for route in app.routes:
        inside = getattr(route, "original_router", None)
        yield from _routes(inside) if inside is not None else [route]


def test_no_function_is_called_beside_the_queue(url: str) -> None:
    for door in ("run", "api"):
        answer = httpx.post(f"{url}{API}/{door}/openings", json={"data": []})
        assert answer.status_code == 404


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        ("queue/data?session_hash=nobody", '"session_not_found":true'),
        ("call/begin/nobody", "event: error"),
        ("call/v2/begin/nobody", "event: error"),
    ],
)
def test_a_stream_that_nobody_has_begun_is_not_found(
    url: str, stream: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = httpx.get(f"{url}{API}/{stream}")
    # In the form that Gradio's own script reads, and whole.
    assert answer.status_code == 404 and said in answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(
    "title", ['"session_not_found":true', 'event: error\ndata: "404: Not Found"\n\n']
)
def test_words_of_a_reader_are_no_unknown_stream(url: str, store: SessionStore, title: str) -> None:
    story_id = store.create().story_id
    asked = call(url, "rename", [story_id, title]).json()["event_id"]
    answer = httpx.get(f"{url}{API}/call/rename/{asked}", timeout=60)
    assert answer.status_code == 200 and "event: complete" in answer.text


def test_gradio_keeps_no_progress_of_uploads(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tracked: list[str] = []
    monkeypatch.setattr(
        gradio.route_utils.FileUploadProgress, "track", lambda _, name: tracked.append(name)
    )
    answer = httpx.post(f"{url}{API}/upload?upload_id=x", files={"files": b"x"})
    assert answer.status_code == 200 and not tracked


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("queue/join", b"", 404),
        ("queue/join", b"{", 400),
        ("queue/join", b"\xff\xfe", 400),
        ("queue/join", b"[]", 400),
        ("queue/join", b'{"data": [NaN], "fn_index": 0, "session_hash": "x"}', 400),
        ("queue/join", b'{"data": [1e999], "fn_index": 0, "session_hash": "x"}', 400),
        ("queue/join", b'{"data": ' + b"[" * 5000 + b"]" * 5000 + b"}", 400),
        ("queue/join", b'{"data": ' + b"[" * 10**6, 400),
        ("queue/join", b'{"data": [], "fn_index": 99999, "session_hash": "x"}', 404),
        ("queue/join", b'{"data": [], "fn_index": "0", "session_hash": "x"}', 404),
        ("queue/join", b'{"data": [], "fn_index": true, "session_hash": "x"}', 404),
        ("queue/join", b'{"data": {}, "fn_index": 0, "session_hash": "x"}', 422),
        ("queue/join", b'{"data": [], "fn_index": 0, "session_hash": ["x"]}', 422),
        ("queue/join", b'{"data": [], "fn_index": 0, "session_hash": "x", "trigger_id": 1.5}', 422),
        ("call/nothing", b'{"data": []}', 404),
        ("call/begin", b'{"data": []}', 422),
        ("call/begin", b'{"data": "all"}', 422),
        ("call/v2/nothing", b"{}", 404),
        ("call/v2/open_story", b"{}", 422),
        ("call/v2/open_story", b'{"story_id": "x", "more": 1}', 422),
        ("cancel", b'{"session_hash": 1, "fn_index": 0, "event_id": "x"}', 422),
        ("queue/join", b" " * (5 * 2**20), 413),
    ],
)
def test_a_broken_request_is_the_callers_mistake(
    url: str, path: str, body: bytes, status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = httpx.post(f"{url}{API}/{path}", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert len(answer.text) < 400
    printed = capfd.readouterr().err
    assert "Traceback" not in printed, printed


@pytest.mark.parametrize("name", ["open_story", "outline", "stop", "rename", "memory"])
@pytest.mark.parametrize("story_id", [5, ["x"], {"a": 1}, None, True, 1.5])
def test_an_id_of_a_wrong_type_is_a_sentence(
    url: str,
    config: dict[str, Any],
    name: str,
    story_id: object,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    more = {"open_story": [""], "rename": ["x"], "memory": ["", "", ""]}.get(name, [])
    said = outcome(url, name, [story_id, *more])
    assert "event: error" in said and "story_id must be a text" in said
    assert "Traceback" not in capfd.readouterr().err and not caplog.records


def test_files_are_taken_only_from_our_own_uploads(
    url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    meta = {"_type": "gradio.FileData"}
    foreign = tmp_path / "somebody-elses.png"
    Image.new("RGB", (64, 64)).save(foreign)
    files: list[Any] = [
        {"path": str(foreign), "meta": meta},
        {"path": "http://127.0.0.1:9/secret.png", "meta": meta},
        {"path": "https://example.com/cat.png", "url": "https://example.com/cat.png", "meta": meta},
        {"path": "\x00", "meta": meta},
        {"path": "x" * 5000, "meta": meta},
        {"path": 5, "meta": meta},
        {"url": "https://example.com/cat.png", "meta": meta},
        "https://example.com/cat.png",
        [1],
    ]
    for file in files:
        answer = call(url, "begin", ["", file, "", False, *[None] * 7])
        assert answer.status_code == 422 and "uploaded" in answer.text
        hidden = {"path": "https://example.com/cat.png", "meta": meta}
        assert call(url, "rename", [{"deep": [hidden]}, "x"]).status_code == 422
    printed = capfd.readouterr().err
    assert "Traceback" not in printed, printed


def test_an_uploaded_file_is_used_and_its_address_is_not(url: str) -> None:
    picture = Path(__file__).parents[2] / "assets" / "openings" / "mira.webp"
    answer = httpx.post(f"{url}{API}/upload", files={"files": ("m.webp", picture.read_bytes())})
    (path,) = answer.json()
    file = {
        "path": path,
        "url": "http://127.0.0.1:9/x.png",
        "meta": {"_type": "gradio.FileData"},
        "orig_name": "m.webp",
    }
    said = outcome(url, "begin", ["Mira waves.", file, "", True, *[None] * 7])
    assert "event: complete" in said and '"picture_author": "reader"' in said


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inside: (
        st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=6), inside, max_size=4)
    ),
    max_leaves=12,
)


# The server's threads share this process and its random state, which is not the strategies' doing.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    number=st.integers(0, 999),
    values=st.lists(JSON, min_size=14, max_size=14),
    trigger=st.sampled_from([None, 0, 1, 99999]),
)
def test_whatever_a_page_sends_it_is_no_fault_of_ours(
    url: str,
    functions: list[tuple[int, int]],
    capfd: pytest.CaptureFixture[str],
    number: int,
    values: list[Any],
    trigger: int | None,
) -> None:
    function, num_inputs = functions[number % len(functions)]
    body = {
        "data": values[:num_inputs],
        "fn_index": function,
        "session_hash": "fuzz",
        "trigger_id": trigger,
    }
    answer = httpx.post(
        f"{url}{API}/queue/join",
        content=json.dumps(body),
        headers={"Content-Type": "application/json"},
        timeout=120,
    )
    assert answer.status_code < 500, answer.text
    printed = capfd.readouterr().err
    assert "Traceback" not in printed, printed


def test_a_stream_of_events_is_kept_by_no_cache(url: str) -> None:
    asked = call(url, "openings", []).json()["event_id"]
    answer = httpx.get(f"{url}{API}/call/openings/{asked}", timeout=60)
    assert answer.headers["cache-control"] == "no-store"
