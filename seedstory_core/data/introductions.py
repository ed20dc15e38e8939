"""Where a story names somebody who must be another one.

Who may come into a story is anybody but those who are there already: one choice in four hundred
tokens, and nearly all that a window has to say about it. A model that has learned to copy names
copies the hero's here, too, and then the hero meets herself. The same happens in small wherever a
sentence names a second one ("Otto ran, and Otto let go"). So training weighs these few tokens more
and pushes the wrong ones away (`docs/notebook.md`, 14, 17 and 20), and `evaluation newcomers` looks
at them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from seedstory_core.data.world import CHARACTERS, Character
from seedstory_core.generation.tokens import StoryTokenizer

_SENTENCE_END = re.compile(r"[.!?]\"?\s")


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


def introductions(captions: Sequence[str]) -> list[list[tuple[range, tuple[str, ...]]]]:
    """Where somebody comes in who was not there yet, caption by caption.

    Returns:
        Characters of the caption, and the species of those who are there by then. The very first
        one, who comes into an empty story, is left out.
    """
    found = []
    present: tuple[str, ...] = ()
    for new in first_mentions(captions):
        entries = []
        for rows, character in new:
            if present:
                entries.append((rows, present))
            present = (*present, character.species)
        found.append(entries)
    return found


def mentions(caption: str) -> list[tuple[range, str]]:
    """Where a caption names somebody, in order: characters of it, and the species."""
    found = [
        (range(match.start(), match.end()), character.species)
        for character in CHARACTERS.values()
        for match in _mention(character).finditer(caption)
    ]
    return sorted(found, key=lambda mention: mention[0].start)


def partners(caption: str) -> list[tuple[range, tuple[str, ...]]]:
    """Where a sentence that has named one names a second one.

    Returns:
        Characters of the second mention, and the species of the first. Sentences whose second
        mention is the first one again are left out, and so is whoever comes third.
    """
    found: list[tuple[range, tuple[str, ...]]] = []
    sentence = -1
    first = ""
    for rows, species in mentions(caption):
        number = len(_SENTENCE_END.findall(caption[: rows.start]))
        if number != sentence:
            sentence, first = number, species
        elif first:
            if species != first:
                found.append((rows, (first,)))
            first = ""
    return found


@cache
def first_tokens(tokenizer: StoryTokenizer) -> dict[str, tuple[int, ...]]:
    """The tokens with which a mention of each species may begin: name, manner, kind."""
    return {
        species: tuple(
            tokenizer.encode_text(word)[0]
            for word in (character.name, character.manner, character.species)
        )
        for species, character in CHARACTERS.items()
    }
