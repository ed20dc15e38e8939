"""A colour is written down once, in `assets/palette.json`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from demo import render
from demo.theme import make_theme
from seedstory_core import load_palette, project_path

COLOUR = re.compile(r"#(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{3})\b")
ASSETS = project_path("assets")
ELSEWHERE = [
    "assets/style.css",
    "demo/theme.py",
    "demo/templates/head.html",
    "demo/templates/unreadable.html",
    "demo/templates/no_script.html",
    "seedstory_core/story/export/book.py",
    "seedstory_core/story/export/tale.py",
    "seedstory_core/story/export/tale.css",
]
OF_ONE_ELEMENT = {"haze", "own-picture", "ribbon", "share"}
"""What templates set for a single element."""


@pytest.mark.parametrize("name", ["page", "lamplight", "drawings", "book", "book-dark"])
def test_colours_are_whole_and_different(name: str) -> None:
    palette = load_palette(name)
    assert all(COLOUR.fullmatch(colour) and len(colour) == 7 for colour in palette.values())
    # What stands on a colour differs from one light to the other, and repeats another one's.
    own = [colour for name, colour in palette.items() if not name.startswith("on-")]
    assert len({*own}) == len(own)


@pytest.mark.parametrize("file", ELSEWHERE)
def test_no_colour_has_a_second_home(file: str) -> None:
    assert COLOUR.findall(project_path(file).read_text("utf-8")) == []


def test_the_stylesheet_uses_names_that_there_are() -> None:
    style = (ASSETS / "style.css").read_text("utf-8")
    used = set(re.findall(r"var\(--([\w-]+)\)", style))
    own = set(re.findall(r"^\s*--([\w-]+):", style, re.M))
    assert used - own - OF_ONE_ELEMENT <= set(load_palette("page"))
    assert not own & set(load_palette("page"))


@pytest.mark.parametrize("path", sorted(ASSETS.glob("*.svg")), ids=lambda path: path.name)
def test_drawings_use_the_palette(path: Path) -> None:
    # An image of its own cannot read the page's variables, so it repeats them.
    known = {*load_palette("page").values(), *load_palette("drawings").values()}
    assert set(COLOUR.findall(path.read_text("utf-8"))) <= known


def test_the_page_names_its_colours_before_they_are_used() -> None:
    head = render.head()
    assert head.index("--paper: #fffaf0;") < head.index("studio/style.css")
    assert 'name="theme-color" content="#f4e9d4"' in head
    assert vars(make_theme())["body_background_fill"] == "var(--desk)"


def test_both_lights_have_the_same_colours() -> None:
    assert set(load_palette("lamplight")) == set(load_palette("page"))
