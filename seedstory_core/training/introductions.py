"""Where somebody new comes into a story.

Who may come is anybody but those who are there already: one choice in four hundred tokens, and
nearly all that a window has to say about it. A model that has learned to copy names copies the
hero's here, too, and then the hero meets herself. So these few tokens weigh more
(`docs/notebook.md`, 14).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from seedstory_core.data.world import CHARACTERS, Character
from seedstory_core.generation.tokens import StoryTokenizer


@cache
def _mention(character: Character) -> re.Pattern[str]:
    """How somebody is named: `a curious fox called Mira`, `Mira the fox`, `Mira`, `the fox`."""
    manner, species, name = character.manner, character.species, character.name
    first = rf"(?:{manner} )?(?:{species}|{name})"
    return re.compile(rf"\b{first}\b(?: called {name}| the (?:{manner} )?{species})?")


def introductions(captions: Sequence[str]) -> list[list[range]]:
    """Characters of each caption with which somebody is first named, but for the very first one."""
    found: list[list[range]] = []
    known: set[str] = set()
    for caption in captions:
        new = []
        for character in CHARACTERS.values():
            match = _mention(character).search(caption)
            if match is not None and character.name not in known:
                new.append((match.start(), match.end(), character.name))
        new.sort()
        if not known and new:
            known.add(new.pop(0)[2])
        known.update(name for _, _, name in new)
        found.append([range(start, end) for start, end, _ in new])
    return found


def tokens_in(tokenizer: StoryTokenizer, ids: Sequence[int], ranges: Sequence[range]) -> list[bool]:
    """Whether each token of a caption spells one of its characters in `ranges`."""
    if not ranges:
        return [False] * len(ids)
    inside, begin = [], 0
    for count in range(1, len(ids) + 1):
        end = len(tokenizer.decode_text(ids[:count]))
        inside.append(any(begin < rows.stop and rows.start < end for rows in ranges))
        begin = end
    return inside
