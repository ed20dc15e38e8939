"""Which of several beginnings tell different things.

Two pages that differ in their adjectives are the same page to a reader. What tells them apart are
the words that not every page has: weighted by how few of the texts at hand hold them, a hero's name
weighs nothing and what happens weighs most.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

STEM = 5
"""Letters of a word that count: "jumped" and "jumping" are one word."""


def stems(text: str) -> frozenset[str]:
    """The words of a text, lower case and cut to their stems."""
    return frozenset(word[:STEM] for word in re.findall(r"\w+", text.lower()))


def choose_differing(
    candidates: Sequence[str], count: int, *, unlike: Sequence[str] = (), story: Sequence[str] = ()
) -> list[int]:
    """Choose texts that tell other things than each other and than those there already.

    Each next one is the candidate whose nearest neighbour among those chosen is farthest; nearness
    is the weight of the words that two texts share, over that of the shorter one.

    Args:
        candidates: What there is to choose from.
        count: How many are wanted; at most as many as there are.
        unlike: Texts that the chosen ones are to differ from.
        story: Sentences of the same story, whose words say little.

    Returns:
        Numbers of the chosen candidates, in the order they were chosen.
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
