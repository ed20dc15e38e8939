"""Readers: how they write, and what they put into a story on their own."""

from __future__ import annotations

import contextlib
import random
import re
from typing import TYPE_CHECKING

from seedstory_core.data import library
from seedstory_core.data.grammar import DoesNotFitError, slips
from seedstory_core.data.world import CHARACTERS, PLACES

if TYPE_CHECKING:
    from seedstory_core.data.teller import Teller

_NEIGHBOURS = {
    a: near
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    for i, a in enumerate(row)
    for near in [row[max(0, i - 1) : i] + row[i + 1 : i + 2]]
}


def in_a_hurry(text: str, rng: random.Random, *, plain: bool = False) -> str:
    """The text as a reader may type it: without capitals or a full stop, now and then with a slip.

    Args:
        text: Right as a book.
        rng: Decides what goes wrong.
        plain: A whole caption, which people type with more care.
    """
    if text[:1].islower() and rng.random() < 0.3:
        text = text[0].upper() + text[1:]
    if text[-1:].isalpha() and rng.random() < 0.3:
        text += "."
    if rng.random() < 0.35:
        text = _slip(text, rng)
        if len(text) > 60 and rng.random() < 0.4:
            text = _slip(text, rng)
    if not plain:
        if rng.random() < 0.4:
            text = text.lower()
        if rng.random() < 0.3:
            text = re.sub(r"[.!,]$", "", text)
    elif rng.random() < 0.25:
        text = text.replace('"', "")
    return text


def _slip(text: str, rng: random.Random) -> str:
    """One word with one letter wrong, such that the word can still be told."""
    known = library.caption_reader().vocabulary
    places = [m for m in re.finditer(r"[A-Za-z]{4,}", text)]
    places = [m for m in places if "'" not in text[m.start() - 1 : m.end() + 1]]
    if not places:
        return text
    match = rng.choice(places)
    word = match.group()
    i = rng.randrange(1, len(word) - 1)
    letter = word[i].lower()
    wrong = rng.choice(
        (
            word[:i] + word[i + 1 :],
            word[:i] + word[i] + word[i:],
            word[:i] + word[i + 1] + word[i] + word[i + 2 :],
            word[:i] + rng.choice(_NEIGHBOURS.get(letter) or "e") + word[i + 1 :],
        )
    )
    lower = wrong.lower()
    if lower in known or slips(lower) & known != {word.lower()}:
        return text
    return text[: match.start()] + wrong + text[match.end() :]


FIRST_PANELS = 0.5
"""How often a reader begins a story with a panel of its own: a part of how much readers write."""


def first_panel(t: Teller) -> None:
    """Perhaps let a reader fill the first panel before the tale itself begins."""
    if not t.reader_share or t.rng.random() > t.reader_share * FIRST_PANELS:
        return
    kinds = ["alone"] * 5 + ["company"] * 5 + ["plan"] * 5 + ["stranger"] * 3 + ["nickname"]
    if "owner" in t.flags:
        kinds += ["owner"] * 5 + ["shared"] * 4
    kind = t.rng.choice(kinds)
    cast = dict(t.cast)
    if kind not in ("company", "plan", "shared"):
        t.cast = {"A": cast["A"]}
    hold = "A" if kind in ("owner", "shared") else None
    t.tell(f"begin.{kind}", hold=hold, by_reader=True)
    t.cast = cast


def detour(t: Teller) -> None:
    """Perhaps let a reader turn the story aside for one panel."""
    if t.rng.random() > t.reader_share * 1.2 or t.panels[-1].event.startswith("begin."):
        return
    here = [role for role in "ABC" if t.cast.get(role) in t.on_stage]
    if not here:
        return
    cast = dict(t.cast)
    role = t.rng.choice(here)
    t.cast["A"], t.cast[role] = t.cast[role], t.cast["A"]
    others = [r for r in "BC" if t.cast.get(r) in t.on_stage]
    if others:
        other = t.rng.choice(others)
        t.cast["B"], t.cast[other] = t.cast[other], t.cast["B"]
    else:
        del t.cast["B"]
    with contextlib.suppress(DoesNotFitError):
        _one_detour(t, bool(others), t.cast.get("B") == cast["B"])
    t.cast = cast


def _one_detour(t: Teller, in_company: bool, usual: bool) -> None:
    kinds = ["sad", "happy", "cross", "sleepy", "surprised", "wish", "wish", "doing", "doing"]
    kinds += ["sit", "jump", "point", "wave" if in_company else "wave1", "join", "join"]
    if "weather" not in t.fixed:
        kinds += ["rain", "snow"] if t.weather == "clear" else ["clear"] * 3
    if "time" not in t.fixed:
        kinds += {"day": ["dusk", "night"], "dusk": ["night"], "night": ["day"]}[t.time] * 2
    held = t.holders.get(t.prop) if t.prop else None
    if "place" not in t.fixed and held not in ("ground", "high"):
        kinds += ["go2" if in_company else "go1"] * 6
    if "give" not in t.fixed and in_company and held == t.cast["A"] and usual:
        kinds += ["give"] * 9
    kind = t.rng.choice(kinds)
    name = f"detour.{kind}"
    if kind in ("rain", "snow", "clear"):
        t.tell(name, weather=kind, free=False, by_reader=True)
    elif kind in ("dusk", "night", "day"):
        t.tell(name, time=kind, free=False, by_reader=True)
    elif kind.startswith("go"):
        place = t.rng.choice([p for p in PLACES if p != t.place])
        t.tell(name, place=place, free=False, by_reader=True)
    elif kind == "give":
        t.tell(name, hold="B", free=False, by_reader=True)
    elif kind == "join":
        t.cast["D"] = t.rng.choice([s for s in CHARACTERS if s not in t.cast.values()])
        t.tell(name, free=False, by_reader=True)
    else:
        t.tell(name, free=False, by_reader=True)
