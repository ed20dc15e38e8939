"""Where somebody new comes into a story.

Who may come is anybody but those who are there already: one choice in four hundred tokens, and
nearly all that a window has to say about it. A model that has learned to copy names copies the
hero's here, too, and then the hero meets herself. So training weighs these few tokens more
(`docs/notebook.md`, 14), and `evaluation newcomers` looks at them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from seedstory_core.data.world import CHARACTERS, Character


@cache
def _mention(character: Character) -> re.Pattern[str]:
    """How somebody is named: `a curious fox called Mira`, `Mira the fox`, `Mira`, `the fox`."""
    manner, species, name = character.manner, character.species, character.name
    first = rf"(?:{manner} )?(?:{species}|{name})"
    return re.compile(rf"\b{first}\b(?: called {name}| the (?:{manner} )?{species})?")


def first_mentions(captions: Sequence[str]) -> list[list[tuple[range, Character]]]:
    """Everybody who is named for the first time in each caption, and by which characters of it."""
    found: list[list[tuple[range, Character]]] = []
    known: set[str] = set()
    for caption in captions:
        new = []
        for character in CHARACTERS.values():
            match = _mention(character).search(caption)
            if match is not None and character.name not in known:
                new.append((range(match.start(), match.end()), character))
        new.sort(key=lambda mention: mention[0].start)
        known.update(character.name for _, character in new)
        found.append(new)
    return found


def introductions(captions: Sequence[str]) -> list[list[range]]:
    """Characters of each caption with which somebody is first named, but for the very first one."""
    found = [[rows for rows, _ in new] for new in first_mentions(captions)]
    for new in found:
        if new:
            new.pop(0)
            break
    return found
