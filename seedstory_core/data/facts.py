"""Where words say a place, a time, a weather or a thing.

A reader's panel goes on with the place and the thing that its reader named. A model that has read a
hundred tales of the village square goes there anyway, and the few tokens that decide it are lost
among all others. So training weighs them more (`docs/notebook.md`, 22 and 23).
"""

from __future__ import annotations

import re
from functools import cache

from seedstory_core.data import words
from seedstory_core.data.world import PROPS

_EMPTY = frozenset(
    {
        *("a", "an", "and", "as", "at", "by", "high", "in", "into", "later", "little", "of", "on"),
        *("one", "soon", "the", "to", "up", "when", "while"),
    }
)
"""Words of these phrases that any other phrase may hold, too."""


@cache
def _pattern() -> re.Pattern[str]:
    found = set(PROPS)
    for table in (words.IN_PLACE, words.TO_PLACE, words.ONCE, words.LINK):
        for phrases in table.values():
            for phrase in phrases:
                found.update(re.findall(r"[a-z]+", phrase))
    return re.compile(rf"\b(?:{'|'.join(sorted(found - _EMPTY))})\b", re.IGNORECASE)


def facts(caption: str) -> list[range]:
    """Characters of every word that says a place, a time of day, a weather or a thing."""
    return [range(match.start(), match.end()) for match in _pattern().finditer(caption)]
