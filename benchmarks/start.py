"""The time from `python app.py` to the page, and to the first word of a story.

The studio runs in a process of its own; a client of its API begins a story as soon as the page has
answered. CPU seconds are those of the studio's process with all its threads; on a busy machine they
compare better than wall-clock seconds.

The page is usable when its "Begin the story" button can be pressed in a headless Chromium, or,
without Chromium, when the server answers.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psutil

from benchmarks.report import Report, spread
from seedstory_core.config import PROJECT_ROOT

MOST_SECONDS = 300.0
"""Most seconds to wait for the page, long enough for a busy machine."""
LOOK_SECONDS = 0.02
BEGINNING = "One sunny morning, Mira the fox"
"""An unfinished sentence, so that the model has to continue it."""

Found = dict[str, list[float]]
"""Values by name of the measure."""


class Studio:
    """A studio that runs in a process of its own."""

    def __init__(self, process: psutil.Popen, port: int, started: float) -> None:
        self.url = f"http://127.0.0.1:{port}/"
        self._process, self._started = process, started

    def spent(self) -> tuple[float, float]:
        """Return wall-clock seconds and CPU seconds since the start."""
        times = self._process.cpu_times()
        return time.perf_counter() - self._started, times.user + times.system

    def wait_for_first_byte(self, path: str = "") -> None:
        """Request the page until it answers.

        Raises:
            SystemExit: The studio has ended, or does not answer within `MOST_SECONDS`.
        """
        while time.perf_counter() - self._started < MOST_SECONDS:
            try:
                with urllib.request.urlopen(self.url + path, timeout=MOST_SECONDS) as answer:
                    answer.read(1)
                return
            except OSError:
                if self._process.poll() is not None:
                    raise SystemExit(
                        "The studio ended before its page answered. Run `python app.py` to see why."
                    ) from None
                time.sleep(LOOK_SECONDS)
        raise SystemExit(
            f"The page did not answer within {MOST_SECONDS:.0f} s. Run `python app.py` to see why."
        )


@contextmanager
def started(settings: Sequence[str]) -> Iterator[Studio]:
    """Run `python app.py` with these arguments on a free port, until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    begun = time.perf_counter()
    process = psutil.Popen(
        [sys.executable, "app.py", "--port", str(port), *settings],
        cwd=PROJECT_ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "GRADIO_ANALYTICS_ENABLED": "False"},
    )
    try:
        yield Studio(process, port, begun)
    finally:
        process.terminate()
        process.wait(timeout=30)


def measure(machine: str, settings: Sequence[str], rounds: int) -> Report:
    """Start the studio `rounds` times.

    Args:
        machine: Description of the machine, for the report.
        settings: Arguments of `app.py`.
        rounds: Number of starts.
    """
    report = Report("start", machine, "the studio as configured, started anew every time")
    found: Found = {}
    for _ in range(rounds):
        for what, value in one_start(settings).items():
            found.setdefault(what, []).append(value)
    report.lines = [f"{what}: {spread(values)}" for what, values in found.items()]
    return report


def one_start(settings: Sequence[str]) -> dict[str, float]:
    """Return the seconds from a start to the page's first byte and to a story's first word."""
    from gradio_client import Client  # comes with Gradio; imported before the clock runs

    found = dict(zip(_names("help shown"), _help(), strict=True))
    with started(settings) as studio:
        studio.wait_for_first_byte()
        found |= zip(_names("first byte of the page after start"), studio.spent(), strict=True)
        client = Client(studio.url, verbose=False)
        turn = client.submit(sentence=BEGINNING, seed=1, steps=1, api_name="/begin")
        for state, _ in turn:
            if len(state["text"]) > len(BEGINNING) or state["state"] == "done":
                break
        found |= zip(
            _names("first word of the first page after start"), studio.spent(), strict=True
        )
        turn.cancel()
        client.close()
    return found


def page_usable(settings: Sequence[str]) -> float:
    """Return the seconds from `python app.py` to a usable page."""
    with started(settings) as studio:
        studio.wait_for_first_byte("config")
        _wait_for_button(studio.url)
        return studio.spent()[0]


def _names(what: str) -> tuple[str, str]:
    return f"{what}, s", f"{what}, s of the processor"


def _help() -> tuple[float, float]:
    begun = time.perf_counter()
    before = os.times()
    subprocess.run(
        [sys.executable, "app.py", "--help"], cwd=PROJECT_ROOT, check=True, capture_output=True
    )
    after = os.times()
    spent = after.children_user + after.children_system
    spent -= before.children_user + before.children_system
    return time.perf_counter() - begun, spent


def _wait_for_button(url: str) -> None:
    """Open the page in Chromium, if there is one, and wait until a story can be begun."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(url)
        page.locator("#begin").click(trial=True, timeout=60_000)
        browser.close()
