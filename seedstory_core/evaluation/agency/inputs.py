"""Inputs of readers with their meaning, written from a description of the page alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from storyworld.parsing import entity_of
from storyworld.wordlists import other_words
from storyworld.world import CHARACTERS, PLACES, THINGS

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Opening:
    """A first sentence and its subject.

    Attributes:
        text: As typed.
        heroes: Species, or the text's own words for somebody the world does not know.
        thing: A kind of thing, the text's own word, or ''.
        place: A place, the text's own words, or ''.
        wish: A wish in a few words, or ''.
    """

    text: str
    heroes: tuple[str, ...]
    thing: str
    place: str
    wish: str


@dataclass(frozen=True)
class Line:
    """A reader's line in the middle of a story."""

    before: tuple[str, ...]
    text: str
    consequence: str
    reaction: str
    contradicted_by: str


@dataclass(frozen=True)
class Pair:
    """Two lines after one opening that should lead to different ends."""

    opening: str
    line_a: str
    line_b: str


def _rows(name: str) -> list[dict[str, Any]]:
    text = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line.strip()]


@cache
def openings() -> tuple[Opening, ...]:
    """Return the first sentences."""
    return tuple(
        Opening(
            row["text"],
            tuple(known(who) for who in row["who"]),
            known(row["thing"]),
            known(row["place"]),
            row["wish"],
        )
        for row in _rows("openings")
    )


@cache
def lines() -> tuple[Line, ...]:
    """Return the lines with a consequence."""
    return tuple(
        Line(tuple(r["before"]), r["line"], r["consequence"], r["reaction"], r["contradicted_by"])
        for r in _rows("lines")
    )


@cache
def pairs() -> tuple[Pair, ...]:
    """Return the pairs of lines."""
    return tuple(Pair(row["opening"], row["line_a"], row["line_b"]) for row in _rows("pairs"))


def texts(name: str) -> list[str]:
    """Return the texts of `wishes` or `hostile`."""
    return [row["text"] for row in _rows(name)]


@cache
def _meanings() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in ("species", "synonyms", "place-synonyms"):
        for test in (False, True):
            for meaning, words in other_words(name, test).items():
                found |= {word.lower(): meaning for word in words}
    return found


def known(words: str) -> str:
    """Return the character, thing or place that words mean, or the words if the world has none."""
    lower = words.lower().strip()
    if not lower:
        return ""
    bare = re.sub(r"^(?:the|an?|some) ", "", lower)
    found = (_meanings().get(word) for word in (lower, bare, f"the {bare}"))
    return entity_of(lower) or next(filter(None, found), bare)


def words_for(entity: str) -> tuple[str, ...]:
    """Return all words by which a text may name a character, thing or place."""
    if entity in CHARACTERS:
        own = [CHARACTERS[entity].name.lower(), entity]
    elif entity in PLACES:
        own = [entity, PLACES[entity].at.split(" the ", 1)[-1]]
    else:
        own = [entity]
    if entity in (*CHARACTERS, *PLACES, *THINGS):
        own += [word for word, meaning in _meanings().items() if meaning == entity]
    return tuple(dict.fromkeys(own))


def names(text: str, entity: str) -> bool:
    """Return whether a text names a character, thing or place."""
    lower = text.lower()
    return any(re.search(rf"\b{re.escape(word)}(?:'?s)?\b", lower) for word in words_for(entity))


@cache
def _empty_words() -> frozenset[str]:
    """Return the words that carry no meaning of their own."""
    return frozenset((FOLDER / "empty-words.txt").read_text(encoding="utf-8").split())


def content_words(text: str, without: Iterable[str] = ()) -> set[str]:
    """Return the beginnings of the words that carry meaning, without names."""
    left_out = {word for entity in without for word in words_for(entity)}
    found = re.findall(r"[a-z]{3,}", text.lower())
    return {word[:5] for word in found if word not in _empty_words() and word not in left_out}
