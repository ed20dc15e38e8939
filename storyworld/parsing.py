"""Parse captions: find the events that a text tells, and their roles.

Every pattern of the world becomes a regular expression whose slots match whatever may fill them. A
caption that recombines the choices of a pattern is recognised; one in other words is not, so
measurements report how many captions were.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from storyworld.event import CHARACTER_ROLES, PLACE_ROLES, THING_ROLES, events
from storyworld.language.inflect import ing, past, third
from storyworld.language.pattern import Choice, Pattern, Slot, Verb
from storyworld.texts import wants, wish_kinds
from storyworld.world import CHARACTERS, PLACES, THINGS

_PRONOUNS = r"(?:he|she|it|they|him|her|them|his|its|their|himself|herself|itself|themselves)"
_SPECIES = {c.name.lower(): c.species for c in CHARACTERS.values()}
_NAMES = "|".join(c.name for c in CHARACTERS.values())
_KINDS = "|".join(CHARACTERS)
_THINGS = "|".join(sorted(THINGS, key=len, reverse=True))
_LOOKS = "|".join(
    sorted({kind.looks for kind in THINGS.values()} | {"broken", "empty", "half-eaten"})
)
_STATES = "|".join(
    sorted({s for kind in THINGS.values() for s in kind.states}, key=len, reverse=True)
)
_PERSON = (
    rf"(?:(?:an? \w+ (?:{_KINDS}) called )?(?:{_NAMES})"
    rf"(?: the (?:{_KINDS})|, the \w+ (?:{_KINDS}),?)?"
    rf"|the (?:{_KINDS}))"
)
_THING = (
    rf"(?:(?:the|an?|some|his|her|its|their|(?:{_NAMES})'s) )?"
    rf"(?:(?:{_LOOKS}|{_STATES}|small|tall|full) )*"
    rf"(?:{_THINGS})|it"
)
_PLACE = r"(?:(?:in|on|at|by|to|into|from) )?the [\w' -]{3,30}?"
_OTHER = r"[\w' -]{2,40}?"
FEWEST_LETTERS = 8
"""A pattern is tried only if its longest fixed piece, of at least so many letters, occurs."""


@dataclass(frozen=True)
class Match:
    """An event that a part of a caption tells.

    Attributes:
        name: Name of the event, or `wish KIND`, `met KIND`, `up KIND`.
        roles: The roles that are named.
        start: Index in the caption where it begins.
        end: Index in the caption where it ends.
    """

    name: str
    roles: dict[str, str]
    start: int
    end: int


@dataclass(frozen=True)
class _Known:
    name: str
    key: str
    expression: str
    slots: tuple[Slot, ...]


@cache
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.IGNORECASE)


@cache
def _known() -> tuple[_Known, ...]:
    return tuple(_all_patterns())


def _all_patterns() -> Iterator[_Known]:
    for event in events().values():
        for pattern in (*event.do, *event.tell, *event.after):
            yield from _recognisable(event.name, pattern)
    for kind, wish in wish_kinds().items():
        for label, patterns in (("wish", wish.tell), ("met", wish.met), ("up", wish.up)):
            for pattern in patterns:
                yield from _recognisable(f"{label} {kind}", pattern)
        for pattern in wants()[kind].ask:
            yield from _recognisable(f"wish {kind}", pattern)


def _recognisable(name: str, pattern: Pattern) -> Iterator[_Known]:
    slots: list[Slot] = []
    expression = _expression(pattern, slots)
    pieces = [node.strip(" ,.!?\"'").lower() for node in pattern.nodes if isinstance(node, str)]
    key = max(pieces, key=len, default="")
    if len(key) >= FEWEST_LETTERS:
        yield _Known(name, key, expression, tuple(slots))


def _expression(pattern: Pattern, slots: list[Slot]) -> str:
    parts = []
    for node in pattern.nodes:
        if isinstance(node, str):
            # An empty choice may have dropped or doubled commas and blanks.
            text = re.escape(node.rstrip("."))
            parts.append(re.sub(r"(?:\\ )+", r"\\s+", text).replace(",", ",?"))
        elif isinstance(node, Verb):
            forms = {node.base, past(node.base), third(node.base), ing(node.base), "were", "are"}
            parts.append("(?:" + "|".join(sorted(map(re.escape, forms))) + ")")
        elif isinstance(node, Choice):
            options = [_expression(option, slots) for option in node.options]
            parts.append("(?:" + "|".join(options) + ")")
        else:
            parts.append(f"({_slot(node)})")
            slots.append(node)
    return "".join(parts)


def _slot(slot: Slot) -> str:
    if slot.role in CHARACTER_ROLES:
        pronoun = slot.form.lower() in ("he", "him", "his", "self")
        return _PRONOUNS if pronoun else _PERSON
    if slot.role in THING_ROLES:
        return _PRONOUNS if slot.form.lower() in ("it", "its") else _THING
    return _PLACE if slot.role in PLACE_ROLES else _OTHER


def read_caption(caption: str) -> list[Match]:
    """Return everything recognised in a caption, longest first, without overlaps."""
    lower = caption.lower()
    found = []
    for known in _known():
        if known.key not in lower:
            continue
        heard = _compiled(known.expression).search(caption)
        if heard:
            roles = _roles(known.slots, heard.groups())
            found.append(Match(known.name, roles, heard.start(), heard.end()))
    found.sort(key=lambda match: match.start - match.end)
    kept: list[Match] = []
    for match in found:
        if all(match.end <= other.start or match.start >= other.end for other in kept):
            kept.append(match)
    return kept


def _roles(slots: Sequence[Slot], groups: Sequence[str | None]) -> dict[str, str]:
    roles: dict[str, str] = {}
    for slot, text in zip(slots, groups, strict=True):
        if text is None or slot.role in roles:
            continue
        entity = entity_of(text)
        if entity:
            roles[slot.role] = entity
    return roles


def entity_of(text: str) -> str:
    """Return the character, thing or place that words name; '' if none is known."""
    lower = text.lower()
    for name, species in _SPECIES.items():
        if re.search(rf"\b{name}\b", lower):
            return species
    for table in (CHARACTERS, THINGS, PLACES):
        for word in table:
            if re.search(rf"\b{word}\b", lower):
                return word
    return ""


def mentioned(text: str) -> set[str]:
    """Return every character, thing and place that a text names."""
    lower = text.lower()
    found = {species for name, species in _SPECIES.items() if re.search(rf"\b{name}\b", lower)}
    for table in (CHARACTERS, THINGS, PLACES):
        found |= {word for word in table if re.search(rf"\b{word}s?\b", lower)}
    return found


def form(sentence: str) -> str:
    """Return a sentence without names, things and numbers, to compare it with others."""
    text = re.sub(rf"\b(?:{_NAMES})(?:'s)?\b", "N", sentence)
    text = re.sub(rf"\b(?:{_KINDS})\b", "K", text, flags=re.IGNORECASE)
    text = re.sub(rf"\b(?:{_THINGS})s?\b", "T", text, flags=re.IGNORECASE)
    text = re.sub(rf"\b{_PRONOUNS}\b", "p", text, flags=re.IGNORECASE)
    return re.sub(r"[^\w]+", " ", text).lower().strip()


def sentences(caption: str) -> list[str]:
    """Return a caption's sentences; speech stays with its speaker."""
    parts = re.split(r"(?<=[.!?…])\s+(?=[\"A-Z])|(?<=[.!?]\")\s+(?=[A-Z\"])", caption)
    return [part.strip() for part in parts if part.strip()]
