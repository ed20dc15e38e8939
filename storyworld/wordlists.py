"""Words that readers type: other names for the world's things, and foreign words.

The lists are `words/*.txt`; a part of every list is held out and occurs in test stories only.
"""

from __future__ import annotations

import random
import re
import zlib
from collections import defaultdict
from functools import cache

from storyworld.blocks import ROOT
from storyworld.naming import Foreign
from storyworld.world import CHARACTERS, PLACES, THINGS

HELD_OUT = 10
"""One word in so many occurs in test stories only."""


def is_held_out(word: str) -> bool:
    """Return whether training never sees a word of the lists, decided by the word itself."""
    return zlib.crc32(word.lower().encode()) % HELD_OUT == 0


@cache
def _lines(name: str) -> tuple[tuple[str, str], ...]:
    """Return the lines of a list: a word, and the part behind the bar."""
    text = (ROOT / "words" / f"{name}.txt").read_text(encoding="utf-8")
    rows = (line.partition("|") for line in text.splitlines() if line.strip() and line[0] != "#")
    return tuple((word.strip(), rest.strip()) for word, _, rest in rows)


@cache
def _split(name: str, test: bool) -> tuple[tuple[str, str], ...]:
    return tuple(row for row in _lines(name) if is_held_out(row[0]) == test)


@cache
def other_words(name: str, test: bool) -> dict[str, tuple[str, ...]]:
    """Return other words by meaning: the list `species`, `synonyms` or `place-synonyms`."""
    found: dict[str, list[str]] = defaultdict(list)
    for word, meaning in _split(name, test):
        found[meaning].append(word)
    return {meaning: tuple(words) for meaning, words in found.items()}


def other_names() -> list[str]:
    """Return single words for the world's characters, things and places, held-out ones included."""
    lines = [row[0] for name in ("synonyms", "species", "place-synonyms") for row in _lines(name)]
    words = {word for line in lines for word in re.findall(r"[^\W\d_]+", line)}
    return sorted(words)


def not_drawn() -> list[str]:
    """Return one-word persons, things and places that no image shows, held-out ones included."""
    lines = {row[0].lower() for name in ("people", "things", "places") for row in _lines(name)}
    drawn = {word.lower() for word in (*other_names(), *_names_of_the_world())}
    return sorted(line for line in lines - drawn if line.isalpha())


def _names_of_the_world() -> set[str]:
    names = [*CHARACTERS, *PLACES, *THINGS]
    return {word for name in names for word in re.findall(r"[^\W\d_]+", name.replace("_", " "))}


def foreign_person(rng: random.Random, test: bool) -> Foreign:
    """Return a person whom no image can show."""
    if rng.random() < 0.3:
        name, pronoun = rng.choice(_split("names", test))
        if rng.random() < 0.4:
            # Avoids `Cora the daddy`.
            kinds = [kind for kind, its in _split("people", test) if its in ("it", pronoun)]
            kind = rng.choice(kinds)
            return Foreign(f"{name} the {kind}" if kind[0].islower() else name, pronoun, True)
        return Foreign(name, pronoun, True)
    noun, pronoun = rng.choice(_split("people", test))
    return Foreign(noun, pronoun or "it", noun[0].isupper())


def foreign_thing(rng: random.Random, test: bool) -> Foreign:
    """Return a thing that no image can show."""
    noun, _ = rng.choice(_split("things", test))
    if rng.random() < 0.25 and " of " not in noun:
        noun = f"{rng.choice(_lines('adjectives'))[0]} {noun}"
    return Foreign(noun, "it")


def foreign_place(rng: random.Random, test: bool) -> Foreign:
    """Return a place that no image can show."""
    noun, _ = rng.choice(_split("places", test))
    return Foreign(noun, "it")
