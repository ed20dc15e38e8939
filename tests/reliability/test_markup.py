"""Hostile words in every place where a reader's words are shown, in a real browser.

Nothing may run, and the words are shown as they were typed. A story is written with them in every
field, and looked at on the page, on the shelf and as a picture book; then they are typed and sent,
and a picture is brought whose name is one of them.
"""

from __future__ import annotations

import dataclasses
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from seedstory_core.story.archive import StoryArchive
from tests.helpers.archives import image_of, panel_of
from tests.helpers.small import SMALL_WORDS
from tests.helpers.studio import CHROMIUM, Server
from tests.helpers.visitor import plain_png

playwright_api = pytest.importorskip("playwright.sync_api")
expect = playwright_api.expect
Page = Any

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"There is no {CHROMIUM} here."),
]
PATIENCE_MS = 180_000
HIT = "window.hit=1"
HOSTILE = (
    f"<script>{HIT}</script>",
    f"<img src=x onerror={HIT}>",
    f'" onmouseover="{HIT}" autofocus onfocus="{HIT}',
    f"' onclick='{HIT}' x='",
    f"<svg/onload={HIT}>",
    f"</textarea><iframe srcdoc='<script>parent.{HIT}</script>'>",
    f"<a href='javascript:{HIT}'>here</a>",
    f"</title></style></script><script>{HIT}</script>",
    f"<template><img src=x onerror={HIT}></template><math><mi//xlink:href='data:x,{HIT}'>",
    f"{{{{constructor.constructor('{HIT}')()}}}} ${{{HIT}}} #{{{HIT}}} <%={HIT}%>",
    "&lt;b&gt;&amp;amp; &#60;script&#62; &nbsp;&copy &notanentity;",
    "<b>bold</b> <!-- gone --> <![CDATA[x]]> <?php ?>",
    "\u202ereversed\u202c \u2066isolated\u2069 \u200bnothing\ufeff",
    "\u0645\u0631\u062d\u0628\u0627 <b>\u05e9\u05dc\u05d5\u05dd</b> \U0001f469\u200d\U0001f680",
    "[x](javascript:alert(1)) ![x](http://127.0.0.1:9/x.png) **bold** `x`",
    f"<input onfocus={HIT} autofocus><details open ontoggle={HIT}>",
    "<style>@import 'http://127.0.0.1:9/x.css'</style><meta http-equiv=refresh content=0;url=//x>",
    f"<base href=http://127.0.0.1:9/><form><button formaction=javascript:{HIT}>x",
)


@pytest.fixture(scope="module")
def server(small_config: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    stories = tmp_path_factory.mktemp("markup") / "stories"
    server = Server(small_config, stories, *SMALL_WORDS)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def page(browser: Any, server: Server) -> Iterator[Page]:
    """Return a page on which nothing may run and that may fetch nothing from elsewhere."""
    context = browser.new_context(accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    strange: list[str] = []
    own = (server.url, "data:", "blob:", "file:", "about:")

    def refuse(dialog: Any) -> None:
        strange.append(dialog.message)
        dialog.dismiss()

    def look(request: Any) -> None:
        if not request.url.startswith(own):
            strange.append(request.url)

    page.on("dialog", refuse)
    page.on("pageerror", lambda error: strange.append(str(error)))
    page.on("request", look)
    yield page
    context.close()
    assert strange == []


@pytest.fixture
def texts(count: Any, chance: random.Random) -> Sequence[str]:
    """Return the texts of this run; another seed takes others first."""
    if not count("texts"):
        pytest.skip("Texts are shown where --texts or --whole asks for them.")
    return chance.sample(HOSTILE, min(count("texts"), len(HOSTILE)))


def has_run(page: Page) -> bool:
    """Whether anything has set `window.hit`, also after it was touched."""
    page.evaluate(
        """() => [...document.querySelectorAll('.page, .caption, .title, .notice, .spine, .node')]
            .forEach((e) => e.dispatchEvent(new MouseEvent('mouseover', {bubbles: true})))"""
    )
    page.wait_for_timeout(100)
    return bool(page.evaluate("window.hit === undefined ? 0 : 1"))


def plain(text: str) -> str:
    """Return words as a person compares them: without what cannot be seen, on one line."""
    return " ".join(re.sub("[\u200b\u202c\u202e\u2066\u2069\ufeff]", "", text).split())


def text_of(locator: Any) -> str:
    return plain(str(locator.first.text_content()))


def test_words_in_every_field_of_a_story_are_only_shown(
    page: Page, server: Server, tmp_path: Path, texts: Sequence[str], tally: Counter[str]
) -> None:
    archive = StoryArchive(str(server.stories))
    for number, words in enumerate(texts):
        story_id = archive.create(words).id
        for panel_number, parent in ((1, None), (2, "p1"), (3, "p1"), (4, "p2"), (5, "p2")):
            panel = dataclasses.replace(
                panel_of(panel_number, parent),
                text=words,
                reader_text=words if panel_number % 2 else "",
                hint=words,
                notes=(words,),
                author="reader",
            )
            archive.append(story_id, panel, image_of(panel_number))
        # The page as it was read, its outline, its alternatives, and the title.
        page.goto(f"{server.url}?story={story_id}&panel=p2")
        page.wait_for_selector("#page-p2.page-current")
        for place in ("#page-p1 .caption", "#page-p2 .caption", "h1.title"):
            assert text_of(page.locator(place)) == plain(words), place
            tally["words shown"] += 1
        assert page.locator("#outline .node").count() == 5
        assert page.locator("#tail .way").count() == 2
        assert not has_run(page), words
        page.click("[data-do=edit-title]")
        assert plain(page.locator(".title-input").input_value()) == plain(words)
        page.keyboard.press("Escape")
        page.click("#reword")
        page.wait_for_selector("body[data-rewords=yes]")
        field = page.locator("#new-words textarea")
        assert plain(field.input_value()) == plain(words)
        page.click("#keep-old-words")
        page.click("#remove")
        page.wait_for_selector(".bin summary")
        page.click(".bin summary")
        assert not has_run(page), words
        page.click(".notice [data-do=undo]")
        # The shelf of the start page, of which this browser now remembers the story.
        page.click(".masthead .brand")
        page.wait_for_selector("body[data-view=start] .spine")
        assert not has_run(page), words
        tally["words shown"] += 3
        # The picture book, opened from the disk as after a download.
        answer = page.request.get(f"{server.url}take/{story_id}/p4.html")
        assert answer.ok
        book = tmp_path / f"{number}.html"
        book.write_bytes(answer.body())
        page.goto(book.as_uri())
        assert text_of(page.locator("h1")) == plain(words)
        assert text_of(page.locator(".text")) == plain(words)
        assert page.locator("script, iframe, a, form, img:not([src^=data])").count() == 0
        assert not page.evaluate("window.hit === undefined ? 0 : 1")
        tally["words shown"] += 2


def test_words_that_are_typed_are_only_shown(
    page: Page, server: Server, texts: Sequence[str], tally: Counter[str]
) -> None:
    for words in texts:
        page.goto(server.url)
        page.wait_for_selector("body[data-view=start]")
        page.set_input_files(
            "#own-image input[type=file]",
            {"name": f"{words[:80]}.png", "mimeType": "image/png", "buffer": plain_png((9, 9, 99))},
        )
        expect(page.locator(".slot figcaption")).to_contain_text("Your picture")
        page.fill("#sentence textarea", words)
        page.check("#keep-first input")
        page.click("#begin")
        page.wait_for_selector("#page-p1.page-current, .notice")
        tally["words typed"] += 1
        if not page.locator("#page-p1").count():
            # Refused, in a sentence; the words stay in their field.
            assert page.locator("#sentence textarea").input_value() == words
            assert not has_run(page), words
            continue
        tally["words taken"] += 1
        page.wait_for_selector("body[data-busy='']")
        assert text_of(page.locator("#page-p1 .caption")) == plain(words)
        page.click("[data-do=edit-title]")
        page.fill(".title-input", words)
        page.keyboard.press("Enter")
        expect(page.locator(".title-bar.editing")).to_have_count(0)
        assert not has_run(page), words
    # In the page's address, and in the name of a file that is no picture.
    for words in texts:
        page.goto(f"{server.url}?story={_quoted(words)}&panel={_quoted(words)}")
        expect(page.locator(".notice")).to_contain_text("There is no story under this address")
        assert not has_run(page), words
        page.set_input_files(
            "#own-image input[type=file]",
            {"name": f"{words[:80]}.png", "mimeType": "image/png", "buffer": words.encode()},
        )
        expect(page.locator(".notice")).to_contain_text("could not be read")
        assert not has_run(page), words
        tally["words in addresses and files"] += 1


def _quoted(words: str) -> str:
    return quote(words, safe="")
