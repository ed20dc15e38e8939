"""The page in other languages: every text has its translation, and nothing is lost in it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from demo import render
from demo.books import load_books
from demo.build import load_languages
from seedstory_core.story.export import FORMATS

LANGUAGES = load_languages()
PLACE = re.compile(r"\{(\d)\}")
OURS = {
    "SEED-Story",
    "Studio",
    "SEED-Story Studio",
    "Space",
    "Home",
    "End",
    "Esc",
    "Ctrl+Z",
    "Ctrl+Y",
}
"""Names and keys, which are the same everywhere."""


class Texts(HTMLParser):
    """Collects what a markup says."""

    def __init__(self, *markups: str) -> None:
        super().__init__()
        self.found: list[str] = []
        for markup in markups:
            self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        says = (named.get(name) for name in ("aria-label", "title", "placeholder", "alt"))
        self.found += [text for text in says if text]

    def handle_data(self, data: str) -> None:
        self.found.append(data.strip())


def fixed_texts() -> list[str]:
    values = {"has_shelf": True, "can_wish": True, "max_run": 25, "formats": FORMATS}
    names = ("masthead", "story_head", "book", "page_acts", "welcome", "composer", "dialogs")
    markups = [render.fill(name, **values) for name in (*names, "page_one", "foot")]
    markups += [render.waking(True), render.waking(False), render.first_image()]
    found = Texts(*markups).found
    return sorted({text for text in found if len(text) > 1 and text not in OURS})


def test_there_are_the_languages_that_were_promised() -> None:
    assert set(LANGUAGES) == {"de", "es", "fr", "ja", "zh"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_every_text_of_the_page(language: str) -> None:
    assert [text for text in fixed_texts() if text not in LANGUAGES[language]] == []
    assert list(LANGUAGES[language]) == list(LANGUAGES["de"]), "the first that fits is taken"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_varies_stays_in_a_translation(language: str) -> None:
    for text, translation in LANGUAGES[language].items():
        assert translation.strip(), text
        assert set(PLACE.findall(text)) == set(PLACE.findall(translation)), text


def test_no_pattern_takes_what_another_one_is_for() -> None:
    """The first key that fits is taken, so a general one must come after the others."""
    keys = list(LANGUAGES["de"])
    filled = {key: PLACE.sub("7", key) for key in keys if PLACE.search(key)}
    for key, text in filled.items():
        matcher = (one for one in keys if PLACE.search(one) and _fits(one, text))
        assert next(matcher) == key, text


def _fits(key: str, text: str) -> bool:
    parts = [re.escape(part) for part in PLACE.sub("\0", key).split("\0")]
    return re.fullmatch("(.+?)".join(parts), text, re.S) is not None


def test_the_books_titles_are_no_texts_of_the_page() -> None:
    titles = {book.book.tree.title for book in load_books().values()}
    assert not titles & set(LANGUAGES["de"])
