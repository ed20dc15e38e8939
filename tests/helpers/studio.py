"""Starting the real studio for tests: inside this process, or as `python app.py` of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.build import build_page, launch_options, make_visitors
from seedstory_core.config import StudioConfig, project_path
from seedstory_core.jobs import JobQueue
from seedstory_core.session import SessionStore
from tests.helpers.held_app import HELD_BY

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--no-first-run",
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(store: SessionStore, port: int | None = None) -> Iterator[str]:
    """Serve the page over a store, and yield its address."""
    visitors = make_visitors(store.config)
    queue = JobQueue(store, visitors.current)
    page = build_page(store, queue)
    _, url, _ = page.launch(
        server_name="127.0.0.1",
        server_port=port or free_port(),
        prevent_thread_lock=True,
        quiet=True,
        **launch_options(store, queue, page, visitors),
    )
    try:
        yield url
    finally:
        page.close()


class Server:
    """`python app.py` on a story folder, which can be killed and started again.

    With `can_hold` it is `held_app.py`, whose turns can be kept in the middle.
    """

    def __init__(
        self, config: StudioConfig, stories: Path, *settings: str, can_hold: bool = False
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.log = stories.parent / "server.log"
        self.stories = stories
        self._can_hold = can_hold
        self._held_by = stories.parent / "held"
        self._settings = [
            f"runtime.weights_folder={config.runtime.weights_folder}",
            f"tokenizer.folder={config.tokenizer.folder}",
            f"generation.max_new_tokens={config.generation.max_new_tokens}",
            "runtime.num_threads=1",
            *settings,
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, timeout_seconds: float = 120) -> None:
        environment = {
            **os.environ,
            "SEEDSTORY_STORIES_FOLDER": str(self.stories),
            HELD_BY: str(self._held_by),
        }
        app = ["-m", "tests.helpers.held_app"] if self._can_hold else ["app.py"]
        command = [sys.executable, *app, "--port", str(self.port), "--set", *self._settings]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=project_path("."), env=environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self.log.read_text()
            try:
                urllib.request.urlopen(self.url, timeout=5).close()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise AssertionError(f"The studio did not answer.\n{self.log.read_text()}")

    def hold(self) -> None:
        """Keep turns at their painting until `let_go`, or until they are stopped."""
        assert self._can_hold
        self._held_by.touch()

    def let_go(self) -> None:
        self._held_by.unlink(missing_ok=True)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
