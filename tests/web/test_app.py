"""Starting the studio: every problem ends in one sentence, and nothing is served."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import gradio as gr
import gradio.networking
import httpx
import pytest

from demo import __main__ as app
from demo.handlers import Handlers
from demo.state import PageState, PageUpdate
from demo.surroundings import host_to_listen_on, keep_proxies_away, tidy_path_prefix
from seedstory_core.config import PROJECT_ROOT, load_config
from seedstory_core.engine import StoryEngine
from seedstory_core.engine.handle import EngineHandle
from seedstory_core.errors import ConfigError
from seedstory_core.jobs import JobQueue
from seedstory_core.session import SessionStore
from seedstory_core.story.archive import StoryArchive
from tests.helpers.studio import free_port


@pytest.fixture(autouse=True)
def a_machine_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEEDSTORY_STORIES_FOLDER", str(tmp_path / "stories"))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--set", "runtime.weights_folder=/not/there"], "vision.safetensors is missing"),
        (["--set", "tokenizer.folder=/not/there"], "/not/there"),
        (["--set", "generation.temprature=1"], "Similar ones: sampling.temperature"),
        (["--config", "absent.yaml"], "absent.yaml could not be read"),
        (["--set", "runtime.device=cuda:7"], "runtime.device is 'cuda:7'"),
        (["--set", "runtime.stories_folder=nowhere://x"], "runtime.stories_folder"),
    ],
)
def test_a_start_that_cannot_be_is_explained(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.main(arguments) == 1
    said = capsys.readouterr().err
    assert said.startswith("SEED-Story Studio could not start.")
    assert sentence in said and "Traceback" not in said


class Unreachable:
    """A page whose first launches fail, as on a machine that is too busy to answer itself."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.calls: list[str] = []

    def launch(self, **options: object) -> None:
        self.calls.append("launch")
        if self.calls.count("launch") <= self.failures:
            raise ValueError("When localhost is not accessible, a shareable link must be created.")

    def close(self, *, verbose: bool) -> None:
        self.calls.append("close")


def test_a_page_that_gradio_cannot_reach_is_explained() -> None:
    with pytest.raises(ConfigError, match="no_proxy"):
        app.launch(Unreachable(failures=9))  # type: ignore[arg-type]


def test_a_start_on_a_busy_machine_is_tried_again() -> None:
    page = Unreachable(failures=2)
    app.launch(page)  # type: ignore[arg-type]
    assert page.calls == ["launch", "close", "launch", "close", "launch"]


def test_a_page_can_be_launched_again_at_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([False, True])
    real = gradio.networking.url_ok
    monkeypatch.setattr(gradio.networking, "url_ok", lambda url: next(answers) and real(url))
    with gr.Blocks() as page:
        gr.HTML("Once upon a time")
    port = free_port()
    try:
        app.launch(page, server_port=port, quiet=True)
        assert httpx.get(f"http://127.0.0.1:{port}/").status_code == 200
    finally:
        page.close(verbose=False)


def no_temporary_folder() -> str:
    raise FileNotFoundError("No usable temporary directory found")


def test_uploads_find_room_in_the_story_folder_where_nothing_else_can_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GRADIO_TEMP_DIR")
    monkeypatch.setattr(tempfile, "gettempdir", no_temporary_folder)
    monkeypatch.setattr(tempfile, "tempdir", None)
    app.find_room_for_uploads(str(tmp_path / "stories"))
    assert Path(os.environ["GRADIO_TEMP_DIR"]).is_relative_to(tmp_path / "stories")
    assert Path(os.environ["GRADIO_TEMP_DIR"]).is_dir()


def test_a_machine_without_any_room_is_explained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GRADIO_TEMP_DIR")
    monkeypatch.setattr(tempfile, "gettempdir", no_temporary_folder)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match="cannot be written to"):
        app.find_room_for_uploads(str(tmp_path / "file"))
    with pytest.raises(ConfigError, match="GRADIO_TEMP_DIR"):
        app.find_room_for_uploads("s3://bucket/stories")


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="users as Unix has them")
def test_uploads_avoid_a_folder_that_is_somebody_elses(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GRADIO_TEMP_DIR")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    app.find_room_for_uploads("stories")
    assert "GRADIO_TEMP_DIR" not in os.environ  # nobody has it yet
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "gradio").symlink_to(elsewhere)
    app.find_room_for_uploads("stories")
    own = tmp_path / f"gradio-{os.getuid()}"
    assert os.environ["GRADIO_TEMP_DIR"] == str(own) and own.stat().st_mode & 0o777 == 0o700
    monkeypatch.delenv("GRADIO_TEMP_DIR")
    own.rmdir()
    own.symlink_to(elsewhere)
    app.find_room_for_uploads("stories")
    assert Path(os.environ["GRADIO_TEMP_DIR"]).is_dir()
    assert not Path(os.environ["GRADIO_TEMP_DIR"]).is_symlink()


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (None, None),
        ("0.0.0.0", "0.0.0.0"),
        ("::", "[::]"),
        ("[::1]", "[::1]"),
        ("localhost", "localhost"),
    ],
)
def test_addresses_of_ipv6_stand_in_brackets(
    monkeypatch: pytest.MonkeyPatch, given: str | None, taken: str | None
) -> None:
    monkeypatch.delenv("GRADIO_SERVER_NAME", raising=False)
    assert host_to_listen_on(given) == taken
    if given:
        monkeypatch.setenv("GRADIO_SERVER_NAME", given)
        assert host_to_listen_on(None) == taken
        assert ("GRADIO_SERVER_NAME" in os.environ) is (":" not in given)


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("studio", "/studio"),
        ("/studio/", "/studio"),
        ("a/b/", "/a/b"),
        ("/", ""),
        ("https://example.org/studio/", "https://example.org/studio"),
    ],
)
def test_a_path_prefix_needs_no_slash(
    monkeypatch: pytest.MonkeyPatch, given: str, used: str
) -> None:
    monkeypatch.setenv("GRADIO_ROOT_PATH", given)
    tidy_path_prefix()
    assert os.environ["GRADIO_ROOT_PATH"] == used


@pytest.mark.parametrize(
    "given",
    [
        {"ALL_PROXY": "socks5://127.0.0.1:9"},
        {"all_proxy": "socks4://127.0.0.1:9", "NO_PROXY": "10.0.0.0/8,fe80::/10"},
        {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"},
        {"HTTP_PROXY": "127.0.0.1:9", "no_proxy": "::1,fd00::/8,example.org"},
        {"http_proxy": "http://127.0.0.1:9", "no_proxy": "*"},
        {"NO_PROXY": "fe80::/10"},
    ],
    ids=["socks", "socks4", "dead", "networks", "star", "no proxy"],
)
def test_no_proxy_stands_before_the_own_server(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str]
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    keep_proxies_away("[::]")
    with httpx.Client() as client:  # which raises for what it does not know
        for url in ("http://127.0.0.1:7860/", "http://localhost:7860/", "http://[::]:7860/"):
            assert client._transport_for_url(httpx.URL(url)) is client._transport
    for name in ("no_proxy", "NO_PROXY"):
        os.environ.pop(name, None)


def test_gradio_is_imported_whole_and_writes_no_stubs() -> None:
    code = (
        "from demo.quick_gradio import without_stubs\n"
        "with without_stubs():\n"
        "    import gradio as gr\n"
        "from gradio import component_meta\n"
        "assert component_meta.create_or_modify_pyi(object, 'x', []) is None\n"
        "with gr.Blocks():\n"
        "    gr.Button().click(lambda: None)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT_ROOT)


async def first(updates: AsyncIterator[PageUpdate]) -> PageUpdate:
    return await anext(updates)


def test_the_page_is_there_before_the_models(tmp_path: Path) -> None:
    """Stories are read meanwhile; a turn waits, and hears of what went wrong."""
    started, failed = threading.Event(), ConfigError("There is no such device.")

    def build() -> StoryEngine:
        started.wait()
        raise failed

    store = SessionStore(EngineHandle(load_config(), build), StoryArchive(str(tmp_path)))
    handlers = Handlers(store, JobQueue(store), ())
    assert handlers.arrive(PageState()).state == PageState()
    store.handle.start()
    said = handlers.wait_for_models(PageState())
    assert "waking up" in str(asyncio.run(first(said)).waking)
    assert not started.is_set() and not store.handle.is_ready
    started.set()
    with pytest.raises(ConfigError, match="no such device"):
        store.create()
    assert store.handle.is_ready
