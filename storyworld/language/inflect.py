"""Forms of English words: tenses of verbs, articles of nouns.

`verbs.txt` and `doubled.txt` hold the exceptions.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path


@cache
def _words(name: str) -> tuple[str, ...]:
    """Return the words of a file beside this one."""
    lines = (Path(__file__).parent / name).read_text(encoding="utf-8").splitlines()
    return tuple(word for line in lines if line[:1] != "#" for word in line.split())


@cache
def _irregular() -> dict[str, str]:
    """Return irregular pasts by base form."""
    words = _words("verbs.txt")
    return dict(zip(words[::2], words[1::2], strict=True))


@cache
def _doubled() -> frozenset[str]:
    return frozenset(_words("doubled.txt"))


def _stem(base: str) -> str:
    """Return the stem of `ed` and `ing`: `hopp` of `hop`, `picnick` of `picnic`."""
    if base in _doubled() or re.search(r"[^aeiou][aeiou]l$", base):
        return base + base[-1]
    return base + "k" if base.endswith("c") else base


def past(base: str) -> str:
    """Return the past: `run` → `ran`, `hop` → `hopped`."""
    if base in _irregular():
        return _irregular()[base]
    if base.endswith("e"):
        return base + "d"
    if re.search(r"[^aeiou]y$", base):
        return base[:-1] + "ied"
    return _stem(base) + "ed"


def third(base: str) -> str:
    """Return the third person: `go` → `goes`, `carry` → `carries`."""
    if base in ("be", "have"):
        return {"be": "is", "have": "has"}[base]
    if re.search(r"(s|x|z|ch|sh|[^o]o)$", base):
        return base + "es"
    if re.search(r"[^aeiou]y$", base):
        return base[:-1] + "ies"
    return base + "s"


def ing(base: str) -> str:
    """Return the present participle: `run` → `running`."""
    if base == "be" or re.search(r"[eoy]e$", base):
        return base + "ing"
    if base in ("lie", "tie", "die"):
        return base[:-2] + "ying"
    if base.endswith("e"):
        return base[:-1] + "ing"
    return _stem(base) + "ing"


def plural_past(base: str) -> str:
    """Return the past for several subjects."""
    return "were" if base == "be" else past(base)


def article(word: str) -> str:
    """Return `a` or `an` by a word's sound: `a unicorn`, `an uninvited guest`."""
    lower = word.lower()
    if re.match(r"(uni(?![nmd])|us[eu]|uke|ukulele|uten|eu|one\b|once)", lower):
        return "a"
    if re.match(r"(hour|honest|heir|hono)", lower):
        return "an"
    return "an" if lower[:1] in "aeiou" else "a"
