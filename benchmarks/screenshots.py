"""Pictures of the page for the README: `python -m benchmarks.screenshots`.

Starts the studio with an empty story folder, opens a copy of a finished book in Chromium, and saves
the main views as WebP in `docs/images`: in daylight, by lamplight and on a phone. Needs Playwright
and Chromium (`requirements-dev.txt`, and the browser of the system or of `--chromium`).
"""

from __future__ import annotations

import argparse
import io
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from seedstory_core.config import project_path

BOOK = "book-mira"
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
SHOWN = "body[data-view=story][data-busy=''] #pages .page-current"
QUALITY = 86
FOLDER = project_path("docs/images")
PATIENCE_SECONDS = 120


def main() -> None:
    """Take all pictures."""
    arguments = command_line("python -m benchmarks.screenshots", __doc__)
    from playwright.sync_api import sync_playwright

    with studio() as (url, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=arguments.chromium, args=["--no-sandbox"]
        )
        for name, image in _views(browser, url):
            image.save(FOLDER / f"{name}.webp", "WEBP", quality=QUALITY, method=6)
        browser.close()


def command_line(program: str, description: str | None) -> argparse.Namespace:
    """Read the command line of what needs a browser."""
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    return parser.parse_args()


def _views(browser: Any, url: str) -> Iterator[tuple[str, Image.Image]]:
    page = browser.new_context(viewport=DESK).new_page()
    page.goto(url)
    page.wait_for_selector("#shelf .card")
    page.wait_for_selector(".lantern-lit")
    yield "page-start", _shot(page)
    page.goto(f"{url}?fork={BOOK}&panel=p3")
    page.wait_for_selector(SHOWN)
    page.click(".notice [data-do=dismiss]")
    yield "page-book", _shot(page)
    fork = page.evaluate(
        """() => document.querySelector('#ribbon [aria-label*="way 1 of 2"]').dataset.panel"""
    )
    page.click(f"#ribbon [data-panel={fork}]")
    page.keyboard.press("ArrowLeft")
    yield "page-fork", _shot(page)
    page.keyboard.press("m")
    yield "page-map", _shot(page)
    page.keyboard.press("Escape")
    page.click("[data-do=light]")
    yield "page-lamplight", _shot(page)
    address = page.url
    phone = browser.new_context(viewport=PHONE, device_scale_factor=2, has_touch=True).new_page()
    phone.goto(address)
    phone.wait_for_selector(SHOWN)
    phone.keyboard.press("1")
    yield "page-phone", _shot(phone)


def _shot(page: Any) -> Image.Image:
    page.mouse.move(2, 2)
    page.wait_for_timeout(2000)  # fonts, pictures, the dots of the memory
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


@contextmanager
def studio() -> Iterator[tuple[str, Path]]:
    """Start the studio with an empty story folder; yield its address and the folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory() as stories:
        process = subprocess.Popen(
            [sys.executable, "app.py", "--port", str(port)],
            cwd=project_path("."),
            env={**os.environ, "SEEDSTORY_STORIES_FOLDER": stories},
        )
        url = f"http://127.0.0.1:{port}/"
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not _answers(url):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"The studio does not answer at {url}.")
                time.sleep(0.3)
            yield url, Path(stories)
        finally:
            process.terminate()
            process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


if __name__ == "__main__":
    main()
