"""A tale with all its branches, and a printed book, in a real browser: files, without a server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from seedstory_core.story.archive import StoryArchive
from seedstory_core.story.export import to_html, to_tale
from tests.helpers.studio import CHROMIUM
from tests.helpers.told_stories import branched_story

playwright_api = pytest.importorskip("playwright.sync_api")
expect = playwright_api.expect

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"There is no {CHROMIUM} here."),
]
SHEET = {"width": 688, "height": 1017}
"""Of a sheet of A4, in CSS pixels, without the margins of 14 mm."""
SHEET_WIDTH = 794


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Addresses of a story as `tale` and as `book`."""
    folder = tmp_path_factory.mktemp("taken-home")
    shelf = branched_story(StoryArchive(str(folder / "stories")))
    args = shelf.tree, shelf.archive, shelf.story_id, "p13"
    for name, write in (("tale", to_tale), ("book", to_html)):
        (folder / f"{name}.html").write_text(write(*args), "utf-8")
    return {name: (folder / f"{name}.html").as_uri() for name in ("tale", "book")}


def shown(page: Any) -> list[str]:
    """Return the ids of the sections that can be seen."""
    sections = page.locator("main > section:visible")
    return [str(sections.nth(at).get_attribute("id")) for at in range(sections.count())]


@pytest.mark.parametrize(
    ("width", "motion"),
    [(1440, "no-preference"), (1024, "reduce"), (390, "no-preference"), (360, "reduce")],
)
def test_a_tale_is_played_without_javascript(
    browser: Any, files: dict[str, str], width: int, motion: str
) -> None:
    with browser.new_context(
        viewport={"width": width, "height": 800}, java_script_enabled=False, reduced_motion=motion
    ) as context:
        page = context.new_page()
        page.goto(files["tale"])
        assert shown(page) == ["p1"]
        for number in (2, 3, 4):
            page.get_by_role("link", name="Turn the page").click()
            assert shown(page) == [f"p{number}"]
            # Also while the page is being turned.
            room = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert page.evaluate(room) == 0
            assert page.evaluate("scrollY") == 0
        expect(page.get_by_role("heading", name="What happens next?")).to_be_visible()
        ways = page.locator(".ways:visible a")
        assert ways.count() == 2
        ways.nth(1).click()
        assert shown(page) == ["p14"]
        page.get_by_role("link", name="The next way").click()
        assert shown(page) == ["p5"]
        page.get_by_role("link", name="Back to page 4").click()
        page.get_by_role("link", name="Map of the tale").click()
        page.get_by_role("link", name=re.compile("^Page 13, The End")).click()
        expect(page.get_by_text("The End", exact=True)).to_be_visible()
        page.get_by_role("link", name="Back to the last fork").click()
        assert shown(page) == ["p6"]
        page.go_back()
        page.get_by_role("link", name="Read again from the beginning").click()
        assert shown(page) == ["p1"]


def test_the_keyboard_turns_pages(browser: Any, files: dict[str, str]) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(files["tale"])
        for number in (2, 3):
            page.keyboard.press("Tab")
            page.keyboard.press("Enter")
            assert shown(page) == [f"p{number}"]


@pytest.mark.parametrize("name", ["tale", "book"])
def test_every_page_prints_its_picture_large(
    browser: Any, files: dict[str, str], name: str
) -> None:
    with browser.new_context(viewport=SHEET) as context:
        page = context.new_page()
        page.goto(files[name])
        assert page.locator("html").get_attribute("lang") == "en"
        page.emulate_media(media="print", color_scheme="dark")
        sections = page.locator("main > section:not(.chart)")
        assert sections.count() > 12
        for at in range(sections.count()):
            section = sections.nth(at)
            section.scroll_into_view_if_needed()
            assert section.bounding_box()["height"] <= SHEET["height"]
            picture = section.locator("img").first
            box = picture.bounding_box()
            ratio = picture.evaluate("image => image.naturalWidth / image.naturalHeight")
            assert min(box["width"], box["height"] * ratio) >= 0.6 * SHEET_WIDTH
        dark = page.evaluate("getComputedStyle(document.body).color")
        assert dark == "rgb(58, 47, 40)"  # ink, also where screens are dark
