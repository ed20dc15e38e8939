"""What the page costs a browser: `python -m benchmarks.page`.

Opens stories of 40 and of 300 panels (60 branches) in Chromium with an empty cache, as a book and
as a scroll, and prints seconds until the page is shown, requests and bytes (all, and those that are
not Gradio's own files), the bytes of a page turn, seconds of a reload, and the time of a frame
while scrolling. Then a story is begun and told on: seconds of a turn until its page is shown.
Browser and models share the machine's cores. Needs what `benchmarks.screenshots` needs.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import torch

from benchmarks.report import machine
from benchmarks.screenshots import DESK, SHOWN, command_line, studio
from demo.books import load_books
from seedstory_core import Panel, StoryArchive

NUM_TURNS = 4
FRAMES = """async () => {
  const times = [];
  let last = performance.now();
  for (let n = 0; n < 90; n++) {
    await new Promise((resolve) => requestAnimationFrame(resolve));
    times.push(performance.now() - last);
    last = performance.now();
    window.scrollBy(0, -60);
  }
  return times.sort((one, other) => one - other)[45];
}"""


def main() -> None:
    """Measure and print."""
    arguments = command_line("python -m benchmarks.page", __doc__)
    from playwright.sync_api import sync_playwright

    print(machine(torch.device("cpu")))
    with studio() as (url, stories), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=arguments.chromium, args=["--no-sandbox"]
        )
        archive = StoryArchive(str(stories))
        for size, branches in ((40, 1), (300, 60)):
            address = f"{url}?story={long_story(archive, size, branches)}"
            for view in ("book", "scroll"):
                print(f"{size} panels, {view}: {_opened(browser, address, view)}")
        print(f"turns: {_turns(browser, url)} s")
        browser.close()


def long_story(archive: StoryArchive, size: int, branches: int) -> str:
    """Save a story with the words and images of a finished book, and return its id."""
    book = next(iter(load_books().values())).book
    told = list(book.tree)
    story_id = archive.create(f"{size} pages").id
    source = archive.load(book.copy_to(archive))
    ends = ["p1"] * branches
    for number in range(size):
        panel = told[number % len(told)]
        here = f"p{number + 1}"
        parent = ends[number % branches] if number else None
        page = Panel(id=here, parent=parent, text=panel.text, created_at=float(number + 1))
        image = archive.image(source.header.id, source.tree.panel(panel.id))
        archive.append(story_id, page, image)
        if number:
            ends[number % branches] = here
    return story_id


def _opened(browser: Any, address: str, view: str) -> str:
    context = browser.new_context(viewport=DESK)
    page = context.new_page()
    page.add_init_script(f"localStorage.setItem('seedstory-view', JSON.stringify('{view}'))")
    files: dict[str, str] = {}
    sizes: list[tuple[str, float]] = []
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    network.on(
        "Network.requestWillBeSent",
        lambda event: files.update({event["requestId"]: event["request"]["url"]}),
    )
    network.on(
        "Network.loadingFinished",
        lambda event: sizes.append((files.get(event["requestId"], ""), event["encodedDataLength"])),
    )
    begun = time.monotonic()
    page.goto(address)
    page.wait_for_selector(SHOWN)
    opened = time.monotonic() - begun
    page.wait_for_timeout(4000)
    ours = [size for url, size in sizes if "/assets/" not in url and "/static/" not in url]
    total = sum(size for _, size in sizes)
    count = len(sizes)
    sizes.clear()
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(1500)
    turned = sum(size for _, size in sizes)
    begun = time.monotonic()
    page.reload()
    page.wait_for_selector(SHOWN)
    again = time.monotonic() - begun
    page.wait_for_timeout(1500)
    frame = page.evaluate(FRAMES)
    context.close()
    return (
        f"shown after {opened:.1f} s, {count} requests of {total / 1e6:.2f} MB, of these "
        f"{len(ours)} of {sum(ours) / 1e6:.2f} MB not Gradio's; a turn {turned / 1e3:.1f} KB; "
        f"again after {again:.1f} s; a frame {frame:.1f} ms"
    )


def _turns(browser: Any, url: str) -> str:
    page = browser.new_context(viewport=DESK).new_page()
    page.set_default_timeout(120_000)
    page.goto(url)
    page.wait_for_selector(".lantern-lit")
    page.click("#shelf .card-begin >> nth=0")
    seconds = []
    for number in range(2, 3 + NUM_TURNS):
        begun = time.monotonic()
        if number > 2:
            page.click("#go-on")
        page.wait_for_selector(f"#page-p{number}.page-current")
        page.wait_for_selector(SHOWN)
        seconds.append(time.monotonic() - begun)
    told = seconds[1:]
    return f"{statistics.median(told):.1f} ({min(told):.1f}–{max(told):.1f})"


if __name__ == "__main__":
    main()
