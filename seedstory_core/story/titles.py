"""A title from the tale itself: its hero and the thing it is about, as in "Lulu and the Kite"."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|[.!?\"“”]")
ARTICLES = {"a", "an", "the", "his", "her", "its", "their"}
NOT_NAMES = {"I", "Then", "But", "And", "So", "Now", "Once", "One", "Late", "When", "That"}
NOT_THINGS = {
    *("day", "morning", "evening", "night", "afternoon", "moment", "time", "way", "end", "ground"),
    *("air", "sky", "sun", "side", "middle", "place", "world", "next", "first", "last", "whole"),
    *(
        "other",
        "same",
        "hand",
        "hands",
        "paw",
        "paws",
        "head",
        "friend",
        "friends",
        "little",
        "big",
    ),
}
OF_PLACES = {"in", "at", "by", "on", "to", "through", "across", "over", "into", "from", "under"}
FEWEST_PAGES = 3


def suggest_title(texts: Sequence[str]) -> str:
    """Return a title for a tale, or '' if none can be found.

    The hero is the first name that is on many pages; the thing is the noun after an article that
    most of the pages have. Both must be on more than one page.

    Args:
        texts: The captions of its pages, in English.
    """
    if len(texts) < FEWEST_PAGES:
        return ""
    names: Counter[str] = Counter()
    things: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for text in texts:
        words = WORD.findall(text)
        names.update(_names(words))
        found = _things(words)
        things.update({first for first, _ in found})
        pairs.update({pair for pair in found if pair[1]})
    known = {name.lower() for name in names}
    # The hero is there from the beginning; others may be named as often.
    most = max(names.values(), default=0)
    hero = next((name for name, pages in names.items() if pages > 1 and pages > most / 2), "")
    thing = next((one for one, pages in things.most_common() if pages > 1 and one not in known), "")
    # "The magic plum" again and again is a plum, if it is never anything else, or also "the plum".
    for (first, second), pages in pairs.most_common(1):
        is_one_word = pages == things[first] or (pages > things[first] / 2 and things[second])
        if first == thing and pages > 1 and is_one_word:
            thing = second
    return f"{hero} and the {thing.capitalize()}" if hero and thing else ""


def _names(words: Sequence[str]) -> set[str]:
    """Return the words that have a capital letter in the middle of a sentence, too."""
    inside = {
        word
        for before, word in zip(words, words[1:], strict=False)
        if before[-1].isalpha() and word[0].isupper() and word not in NOT_NAMES
    }
    return {word.removesuffix("'s").removesuffix("’s") for word in inside}


def _things(words: Sequence[str]) -> set[tuple[str, str]]:
    """Return the two words after each article, the second one '' if the sentence ends there.

    What stands after "in the" and its like is a place.
    """
    found = set()
    for at, word in enumerate(words[:-1]):
        before = words[at - 1].lower() if at else ""
        first = words[at + 1]
        if word.lower() not in ARTICLES or before in OF_PLACES or not first.islower():
            continue
        if first in NOT_THINGS or len(first) < 3 or not first.isalpha():
            continue
        second = words[at + 2] if at + 2 < len(words) else ""
        found.add((first, second if second.islower() else ""))
    return found
