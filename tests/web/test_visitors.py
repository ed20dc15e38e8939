"""What one visitor of a public studio may ask for, and who counts as one."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio.route_utils
import httpx
import pytest
from gradio.utils import get_upload_folder
from gradio_client import Client
from gradio_client.exceptions import AppError
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.testclient import TestClient
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from demo import visitors as visitors_module
from demo.build import make_visitors
from demo.handlers import Handlers
from demo.routes import routes
from demo.state import SAME, PageState
from demo.surroundings import trust_proxies
from demo.visitors import Visitors
from demo.wiring import answer
from seedstory_core import (
    FORMATS,
    KNOBS,
    JobQueue,
    LimitError,
    SessionStore,
    StoryArchive,
    StudioConfig,
)
from seedstory_core.engine import StoryEngine
from seedstory_core.story.export import Format
from tests.helpers.studio import served
from tests.helpers.told_stories import branched_story

KB = 2**10
ONE, OTHER = "203.0.113.9", "198.51.100.7"


@pytest.fixture(scope="module", autouse=True)
def limits(tiny_config: StudioConfig) -> Iterator[None]:
    """A public studio with small limits."""
    small = {
        "public": True,
        "visitor_turns": 1,
        "visitor_uploads": 3,
        "visitor_upload_bytes": 900 * KB,
        "visitor_exports": 2,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in small.items():
            patch.setattr(tiny_config.runtime, name, value)
        yield


@pytest.fixture(scope="module")
def url(
    limits: None, tiny_engine: StoryEngine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        store = SessionStore(tiny_engine, StoryArchive(str(tmp_path_factory.mktemp("public"))))
        with served(store) as address:
            yield address


@pytest.fixture
def visitors(tiny_config: StudioConfig) -> Visitors:
    return make_visitors(tiny_config)


new_address = iter(f"192.0.2.{number}" for number in range(1, 255))


def upload(url: str, *sizes: int, address: str, **more: Any) -> httpx.Response:
    """Upload files as a visitor; the studio trusts what a proxy on this machine forwards."""
    files = [("files", (f"{number}.png", b"x" * size)) for number, size in enumerate(sizes)]
    headers = {"X-Forwarded-For": address}
    return httpx.post(f"{url}gradio_api/upload", files=files, headers=headers, timeout=30, **more)


def unfinished() -> list[Path]:
    return list(Path(get_upload_folder()).glob("tmp*"))


# Who is a visitor


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (ONE, ONE),
        ("::ffff:203.0.113.9", ONE),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::99", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::99", "2001:db8:1:3::/64"),
        ("::1", "::/64"),
        ("testclient", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_visitor_is_a_network_address(visitors: Visitors, address: str | None, name: str) -> None:
    assert visitors.name(address) == name


@pytest.mark.parametrize(
    ("public", "space", "limited"),
    [
        (None, "", False),
        (None, "me/studio", True),
        (True, "", True),
        (False, "me/studio", False),
    ],
)
def test_one_setting_limits_visitors_and_a_space_does_so_by_itself(
    tiny_config: StudioConfig,
    monkeypatch: pytest.MonkeyPatch,
    public: bool | None,
    space: str,
    limited: bool,
) -> None:
    monkeypatch.setattr(tiny_config.runtime, "public", public)
    monkeypatch.setenv("SPACE_ID", space)
    assert bool(make_visitors(tiny_config).name(ONE)) == limited
    visitors = make_visitors(tiny_config)
    if not limited:
        for _ in range(9):
            visitors.count_upload(visitors.name(ONE), num_files=1, num_bytes=2**30)


@pytest.mark.parametrize(
    ("space", "client", "forwarded", "visitor"),
    [
        # On a Space its proxies tell the address; the last one that is not theirs counts.
        ("me/studio", "10.16.3.80", f"{ONE}, 10.20.1.1", ONE),
        ("me/studio", "10.16.3.80", f"{OTHER}, {ONE}", ONE),
        ("me/studio", OTHER, ONE, OTHER),
        # Elsewhere only a proxy on this machine does.
        ("", "127.0.0.1", f"{OTHER}, {ONE}", ONE),
        ("", "10.16.3.80", ONE, "10.16.3.80"),
        ("", OTHER, ONE, OTHER),
    ],
)
def test_a_header_that_anybody_can_write_is_nobody(
    monkeypatch: pytest.MonkeyPatch, space: str, client: str, forwarded: str, visitor: str
) -> None:
    monkeypatch.setenv("SPACE_ID", space)
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "127.0.0.1,::1")  # so that it is restored
    monkeypatch.delenv("FORWARDED_ALLOW_IPS")
    trust_proxies()
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["client"][0])

    import uvicorn

    config = uvicorn.Config(app, log_config=None)
    trusting = ProxyHeadersMiddleware(app, config.forwarded_allow_ips)
    headers = [(b"x-forwarded-for", forwarded.encode())]
    scope: Any = {"type": "http", "client": (client, 5), "headers": headers, "scheme": "http"}
    asyncio.run(trusting(scope, None, None))  # type: ignore[arg-type]
    assert seen == [visitor]


def test_counts_need_bounded_memory(visitors: Visitors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors_module, "KEPT_VISITORS", 50)
    for number in range(2000):
        name = visitors.name(f"10.1.{number // 256}.{number % 256}")
        visitors.count_upload(name, num_files=1)
        with visitors.exporting(name):
            pass
    assert len(visitors._uploaded) == 50 and not visitors._exporting


def test_threads_count_together(visitors: Visitors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors.runtime, "visitor_uploads", 500)
    refused = []

    def send() -> None:
        for _ in range(200):
            try:
                visitors.count_upload(ONE, num_files=1)
            except LimitError:
                refused.append(1)

    threads = [threading.Thread(target=send) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 500


def test_a_visitor_may_upload_again_after_ten_minutes(
    visitors: Visitors, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(visitors_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    for _ in range(3):
        visitors.count_upload(ONE, num_files=1)
    now[0] += 500
    with pytest.raises(LimitError, match=r"up to 3 files and 0\.\d+ MB .* Try again in 2 minutes"):
        visitors.count_upload(ONE, num_files=1)
    now[0] += 100
    visitors.count_upload(ONE, num_files=1)


# Uploads


def test_uploads_have_a_number(url: str) -> None:
    address = next(new_address)
    assert [upload(url, 10, address=address).status_code for _ in range(3)] == [200] * 3
    refused = upload(url, 10, address=address)
    assert refused.status_code == 429
    assert refused.headers["content-type"].startswith("text/plain")
    assert "up to 3 files" in refused.text and "Try again in 10 minutes." in refused.text
    assert upload(url, 10, address=next(new_address)).status_code == 200


def test_files_of_one_request_are_counted_one_by_one(url: str) -> None:
    assert upload(url, 10, 10, 10, address=next(new_address)).status_code == 200
    refused = upload(url, *[10] * 5, address=next(new_address))
    assert refused.status_code == 429 and "up to 3 files" in refused.text
    assert not unfinished()


@pytest.mark.parametrize("size", [910 * KB, 30_000 * KB])
def test_uploads_have_a_size(url: str, size: int) -> None:
    address = next(new_address)
    assert upload(url, 400 * KB, address=address).status_code == 200
    refused = upload(url, size, address=address)
    assert refused.status_code == 429 and "0.878906 MB" in refused.text
    assert not unfinished()
    # Nothing is read for nobody: the next one is refused at once.
    assert upload(url, 1, address=address).status_code == 429


def test_a_size_that_is_not_announced_counts_as_well(url: str) -> None:
    def body() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
        for _ in range(40):
            yield b"x" * 50 * KB
        yield b"\r\n--x--\r\n"

    answer = httpx.post(
        f"{url}gradio_api/upload",
        content=body(),
        headers={
            "Content-Type": "multipart/form-data; boundary=x",
            "X-Forwarded-For": next(new_address),
        },
    )
    assert answer.status_code == 429
    assert not unfinished()


def _no_room(*_: Any, **__: Any) -> Any:
    raise OSError(28, "No space left on device")


def _not_allowed(*_: Any, **__: Any) -> Any:
    raise OSError(13, "Permission denied")


@pytest.mark.parametrize(
    ("fail", "status", "said"),
    [(_no_room, 507, "has no room left"), (_not_allowed, 503, "could not store your file")],
)
@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (gradio.route_utils, "NamedTemporaryFile"),
        (UploadFile, "write"),
        (UploadFile, "seek"),
        (Path, "mkdir"),
    ],
)
def test_a_full_upload_folder_is_a_sentence(
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    owner: Any,
    name: str,
    fail: Callable[..., Any],
    status: int,
    said: str,
) -> None:
    address = next(new_address)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, fail)
        refused = upload(url, 200 * KB, address=address)
    assert refused.status_code == status and said in refused.text
    assert refused.headers["content-type"].startswith("text/plain")
    assert "x-content-type-options" in refused.headers
    assert not unfinished(), "half a file fills the disk"
    assert "An upload could not be stored" in caplog.text
    assert "Traceback" not in capfd.readouterr().err + caplog.text
    assert upload(url, 200 * KB, address=address).status_code == 200


def test_an_upload_that_is_broken_off_leaves_nothing(url: str) -> None:
    def body() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
        yield b"x" * 100 * KB
        deadline = time.monotonic() + 10
        while not unfinished():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        raise ConnectionError

    headers = {
        "Content-Type": "multipart/form-data; boundary=x",
        "X-Forwarded-For": next(new_address),
    }
    with pytest.raises(ConnectionError):
        httpx.post(f"{url}gradio_api/upload", content=body(), headers=headers)
    deadline = time.monotonic() + 10
    while unfinished():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# Exports


def test_one_visitor_has_a_few_exports_made_at_a_time(
    tiny_engine: StoryEngine,
    visitors: Visitors,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = SessionStore(tiny_engine, StoryArchive(str(tmp_path)))
    shelf = branched_story(store.archive)
    begun, go_on = threading.Semaphore(0), threading.Event()

    def write(*_: Any) -> bytes:
        begun.release()
        assert go_on.wait(30)
        return b"a book"

    monkeypatch.setitem(FORMATS, "html", Format("Book", "text/html", write))
    app = Starlette(routes=routes(store, JobQueue(store), visitors))
    address = f"/take/{shelf.story_id}/p1.html"
    one, other = (TestClient(app, client=(host, 1)) for host in (ONE, OTHER))
    answers: list[int] = []
    clients = [one, one, other]
    threads = [
        threading.Thread(target=lambda c=client: answers.append(c.get(address).status_code))
        for client in clients
    ]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert begun.acquire(timeout=30)
    refused = one.get(address)
    assert refused.status_code == 429
    assert refused.text.startswith("2 downloads are already being made for your network address")
    go_on.set()
    for thread in threads:
        thread.join()
    assert answers == [200] * 3
    assert one.get(address).status_code == 200


def test_an_export_that_fails_gives_its_place_away(visitors: Visitors) -> None:
    for _ in range(5):
        with pytest.raises(RuntimeError), visitors.exporting(ONE):
            raise RuntimeError
    with visitors.exporting(ONE), visitors.exporting(ONE):
        pass


# Places in line


def test_a_visitor_with_a_turn_is_refused_another_one_and_loses_no_words(
    tiny_engine: StoryEngine, tmp_path: Path
) -> None:
    store = SessionStore(tiny_engine, StoryArchive(str(tmp_path)))
    queue = JobQueue(store, lambda: ONE)
    on = Handlers(store, queue, ())
    knobs = {"steps": 1, "seed": "5"}

    def begin(sentence: str, **more: Any) -> Any:
        values = {"state": PageState(), "draft": {}, "path": None, "sentence": sentence}
        return answer(on.begin, **values, keep_words=True, knobs={**knobs, **more})

    first: Any = begin("Mira waves.").state
    job = queue.job(first.job)
    assert job is not None and job.ended.wait(60)
    shown: Any = answer(on.finish, state=first, sentence="", line="")
    first = shown.state
    slow = begin("Pip waves.", steps=50).state
    rains = {"state": first, "line": "It rains.", "keep_words": True, "knobs": knobs}
    refused: Any = answer(on.write, **rains)
    said = "As many pages as one network address may ask for at a time (1)"
    assert said in refused.notice
    assert refused.line is SAME, "the typed words stay"
    assert refused.state.panel == "p1" and not refused.state.busy
    assert len(store.archive.list([first.story])) == 1
    folders = set(tmp_path.iterdir())
    refused = begin("Otto waves.")
    assert said in refused.notice
    assert refused.sentence is SAME and refused.state is SAME
    assert set(tmp_path.iterdir()) == folders, "a story that was not begun leaves no folder"
    assert queue.stop(slow.story)
    job = queue.job(slow.job)
    assert job is not None and job.ended.wait(60)
    again: Any = answer(on.write, **rains)
    assert again.state.busy
    job = queue.job(again.state.job)
    assert job is not None and job.ended.wait(60) and job.progress.phase == "done"


def test_programs_have_places_in_line_by_their_address(url: str) -> None:
    one, other = (
        Client(url, verbose=False, headers={"X-Forwarded-For": next(new_address)}) for _ in range(2)
    )
    running = one.submit("Mira waves.", steps=50, api_name="/begin")
    deadline = time.monotonic() + 60
    while not running.outputs():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with pytest.raises(AppError, match="As many pages as one network address may"):
        one.predict("Pip waves.", steps=1, api_name="/begin")
    panel, _ = other.predict("Pip waves.", keep_words=True, steps=1, api_name="/begin")
    assert panel["state"] == "done"
    one.predict(running.outputs()[0][0]["story_id"], api_name="/stop")
    with pytest.raises(AppError, match="Stopped"):
        running.result()
    panel, _ = one.predict("Pip waves.", keep_words=True, steps=1, api_name="/begin")
    assert panel["state"] == "done"


def test_the_pages_events_know_their_visitor(url: str) -> None:
    """The event of a button is answered in another task than its request."""
    config = httpx.get(f"{url}config").json()
    parts = {part["id"]: part["props"] for part in config["components"]}

    def names(inputs: list[int]) -> list[str]:
        return [parts[number].get("elem_id") or "" for number in inputs]

    (found,) = (one for one in config["dependencies"] if "keep-first" in names(one["inputs"]))
    values = [parts[number].get("value") for number in found["inputs"]]
    values[names(found["inputs"]).index("sentence")] = "Mira waves."
    labels = [parts[number].get("label") for number in found["inputs"]]
    values[labels.index(KNOBS["steps"].setting.label)] = 50

    def begin(address: str) -> str:
        session = f"s{address.replace('.', '')}"
        body = {
            "data": values,
            "fn_index": found["id"],
            "session_hash": session,
            "trigger_id": None,
        }
        headers = {"X-Forwarded-For": address}
        httpx.post(f"{url}gradio_api/queue/join", json=body, headers=headers).raise_for_status()
        events = f"{url}gradio_api/queue/data?session_hash={session}"
        return httpx.get(events, headers=headers, timeout=60).text

    one = next(new_address)
    said = "As many pages as one network address may ask for"
    assert said not in begin(one)
    assert said in begin(one)
    assert said not in begin(next(new_address))
