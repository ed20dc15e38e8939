"""Chooses candidate captions that differ most.

To a reader, two panels that differ only in adjectives are the same. Words that few of the texts
have tell them apart, so words are weighted by their rarity: a hero's name weighs nothing, and the
words for what happens weigh most.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

STEM = 5
"""Letters of a word that are compared: "jumped" and "jumping" count as one word."""


def stems(text: str) -> frozenset[str]:
    """Return the words of a text in lower case, cut to their stems."""
    return frozenset(word[:STEM] for word in re.findall(r"\w+", text.lower()))


def choose_differing(
    candidates: Sequence[str], count: int, *, unlike: Sequence[str] = (), story: Sequence[str] = ()
) -> list[int]:
    """Choose texts that differ from each other and from `unlike`.

    Each next one is the candidate whose greatest likeness to `unlike` and to the chosen ones is
    least. The likeness of two texts is the weight of the words that they share, divided by that of
    the lighter text.

    Args:
        candidates: The texts to choose from.
        count: Number of texts to choose; at most as many as there are candidates.
        unlike: Texts from which the chosen ones should differ.
        story: Sentences of the same story, whose words therefore weigh less.

    Returns:
        Indices of the chosen candidates, in the order of choice.
    """
    words = [stems(text) for text in candidates]
    taken = [stems(text) for text in unlike]
    texts = [*words, *taken, *(stems(text) for text in story)]
    known = Counter(word for text in texts for word in text)
    weights = {word: math.log(len(texts) / number) for word, number in known.items()}

    def weight(some: frozenset[str]) -> float:
        return sum(weights[word] for word in some)

    def likeness(one: frozenset[str], other: frozenset[str]) -> float:
        if one == other:
            return 1.0
        least = min(weight(one), weight(other))
        return weight(one & other) / least if least else 1.0

    chosen: list[int] = []
    while len(chosen) < count:
        left = [index for index in range(len(words)) if index not in chosen]
        best = min(left, key=lambda i: max((likeness(words[i], t) for t in taken), default=0.0))
        chosen.append(best)
        taken.append(words[best])
    return chosen
