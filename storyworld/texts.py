"""The texts around events (`texts/*.txt`).

Wishes and the words for them, reactions, openings, beginnings, purposes, voices and endings.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache

from storyworld.blocks import ROOT, read_blocks
from storyworld.event import FOREIGN_ROLES, TextError, read_pattern, split_facts
from storyworld.language.pattern import Pattern
from storyworld.state import MOODS, Fact
from storyworld.world import CHARACTERS


@dataclass(frozen=True)
class WishKind:
    """A kind of wish: its roles and conditions, its goal, and its texts."""

    name: str
    roles: str
    conditions: tuple[Fact, ...]
    goal: tuple[Fact, ...]
    tell: tuple[Pattern, ...]
    say: tuple[Pattern, ...]
    met: tuple[Pattern, ...]
    up: tuple[Pattern, ...]
    title: tuple[Pattern, ...]

    @property
    def is_foreign(self) -> bool:
        """Return whether it is about a person, thing or place that no image can show."""
        return bool(set(self.roles) & set(FOREIGN_ROLES))


@cache
def wish_kinds() -> dict[str, WishKind]:
    """Return every kind of wish by name."""
    found: dict[str, WishKind] = {}
    for block in read_blocks(ROOT / "texts" / "wishes.txt"):
        lists: dict[str, list[Pattern]] = {key: [] for key in ("tell", "say", "met", "up", "title")}
        roles, conditions, goal = "", list[Fact](), list[Fact]()
        for line in block.lines:
            if line.keyword == "roles":
                roles = line.rest.replace(" ", "")
            elif line.keyword == "if":
                conditions += split_facts(line)
            elif line.keyword == "goal":
                goal += split_facts(line)
            elif line.keyword in lists:
                text = line.rest.removeprefix("A ") if line.keyword == "say" else line.rest
                lists[line.keyword].append(read_pattern(line, text))
            else:
                raise TextError(f"{line.where}: a line begins with {line.keyword!r}")
        if not goal or not roles:
            raise TextError(f"{block.where}: {block.name} has no goal or no roles")
        if block.name in found:
            raise TextError(f"{block.where}: {block.name} is there twice")
        found[block.name] = WishKind(
            *(block.name, roles, tuple(conditions), tuple(goal)),
            *(tuple(lists[key]) for key in ("tell", "say", "met", "up", "title")),
        )
    return found


@dataclass(frozen=True)
class WishWords:
    """A kind of wish as a phrase in other sentences, and as readers ask for it."""

    want: tuple[Pattern, ...]
    """A's wish as an infinitive without "to": `*get {T} back from {B}`."""
    ask: tuple[Pattern, ...]
    """A reader's words that open or turn a story with this wish."""


@cache
def wants() -> dict[str, WishWords]:
    """Return the words for every kind of wish by its name."""
    found: dict[str, WishWords] = {}
    for block in read_blocks(ROOT / "texts" / "wants.txt"):
        for line in block.lines:
            if line.keyword not in ("want", "ask"):
                raise TextError(f"{line.where}: a line begins with {line.keyword!r}")
        if block.name in found:
            raise TextError(f"{block.where}: {block.name} is there twice")
        found[block.name] = WishWords(
            *(tuple(read_pattern(line) for line in block.all(key)) for key in ("want", "ask"))
        )
    return found


@cache
def text_lists(name: str) -> dict[str, tuple[Pattern, ...]]:
    """Return the patterns of a file of `texts/` by their heading."""
    found: dict[str, list[Pattern]] = defaultdict(list)
    for block in read_blocks(ROOT / "texts" / f"{name}.txt"):
        for line in block.lines:
            if line.keyword not in ("tell", "say"):
                raise TextError(f"{line.where}: a line begins with {line.keyword!r}")
            found[block.name].append(read_pattern(line))
    return {heading: tuple(patterns) for heading, patterns in found.items()}


def reactions(mood: str, species: str) -> tuple[Pattern, ...]:
    """Return the patterns that show a mood, in anybody and in this character."""
    lists = text_lists("reactions")
    return lists.get(mood, ()) + lists.get(f"{mood} {species}", ()) * 2


def check_texts() -> list[str]:
    """Return a message for every missing or wrong text."""
    missing = []
    lists = text_lists("reactions")
    missing += [f"reactions.txt: {mood}" for mood in MOODS if mood not in lists]
    voices = text_lists("voices")
    heard = {heading.split()[-1] for heading in voices}
    missing += [
        f"voices.txt: {species} {situation}"
        for species in CHARACTERS
        for situation in heard
        if f"{species} {situation}" not in voices
    ]
    words = wants()
    missing += [f"wants.txt: {kind}" for kind in wish_kinds() if kind not in words]
    missing += [f"wants.txt: {kind} is no wish" for kind in words if kind not in wish_kinds()]
    for kind, wish in wish_kinds().items():
        for pattern in (*words[kind].want, *words[kind].ask) if kind in words else ():
            if not pattern.roles <= set(wish.roles):
                missing.append(f"wants.txt: {kind} has no such role: {pattern.source!r}")
    return missing
