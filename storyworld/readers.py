"""Simulated readers: the words in which they tell or ask for a deed, and how they type them.

A deed is put into a frame (told, asked, commanded, hinted, wished …) and typed with a reader's
habits (no capitals, all capitals, slips, no stop).
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from storyworld.language.inflect import ing, past, plural_past, third
from storyworld.language.pattern import Choice, FillSlot, Pattern, Slot, Verb, tidy
from storyworld.naming import Namer
from storyworld.state import State
from storyworld.wordlists import other_words
from storyworld.world import CHARACTERS, PLACES, THINGS

_TOLD = (
    ("past", "{}"),
    ("past", "then {}"),
    ("past", "and then {}"),
    ("past", "suddenly {}"),
    ("past", "but {}"),
    ("past", "one day {}"),
    ("past", "after that {}"),
    ("past", "in the end {}"),
    ("present", "{}"),
    ("present", "{}"),
    ("present", "now {}"),
    ("present", "then {}"),
    ("present", "suddenly {}"),
    ("present", "oh no, {}"),
    ("present", "but {}"),
    ("present", "next {}"),
    ("ing", "{}"),
    ("ing", "now {}"),
    ("ing", "look, {}"),
)
"""Frames that become part of the tale as they are."""
_ASKED = (
    ("base", "let {}"),
    ("base", "please let {}"),
    ("base", "can {}?"),
    ("base", "could {} please?"),
    ("base", "{subject} should {rest}"),
    ("base", "maybe {subject} could {rest}"),
    ("base", "i want {subject} to {rest}"),
    ("base", "i would like {subject} to {rest}"),
    ("base", "i wish {subject} would {rest}"),
    ("base", "make {}"),
    ("base", "it would be nice if {subject} could {rest}"),
    ("base", "{subject} has to {rest}"),
    ("base", "tell us how {subject} managed to {rest}"),
    ("base", "why doesn't {subject} just {rest}?"),
    ("base", "{subject}, {rest}"),
    ("base", "{rest}"),
    ("base", "{rest}, {subject}"),
    ("base", "time for {subject} to {rest}"),
    ("present", "what if {}?"),
    ("present", "what happens when {}?"),
    ("present", "i want that {}"),
    ("present", "the part where {}"),
    ("present", "now comes the bit where {}"),
    ("past", "how about {} here"),
    ("ing", "show me {} please"),
)
"""Frames that ask for the deed; the storyteller then tells it."""


@dataclass(frozen=True)
class Line:
    """A line that a reader types.

    Attributes:
        text: The line as it is typed.
        asked: Whether it asks for the deed instead of telling it.
    """

    text: str
    asked: bool


class Reader:
    """One reader with their habits.

    Args:
        rng: The only source of chance.
        namer: Namer of the story; names in a reader's words count as named in the panel.
        test: Whether to use words that training never sees.
    """

    def __init__(self, rng: random.Random, namer: Namer, *, test: bool = False) -> None:
        self.rng, self.namer, self.test = rng, namer, test

    def line(
        self,
        pattern: Pattern,
        roles: Mapping[str, str],
        state: State,
        *,
        asked: bool | None = None,
    ) -> Line:
        """Say a deed (an event's `do` pattern)."""
        if asked is None:
            asked = self.rng.random() < 0.45
        tense, frame = self.rng.choice(_ASKED if asked else _TOLD)
        plural = _is_plural(pattern) or self._are_many(pattern, roles)
        whole = tidy(pattern.expand(self.rng, self._fill(roles, state), _marked))
        whole = _inflected(whole, tense, plural)
        subject, rest = _divide(pattern, whole)
        if "{rest}" in frame and not subject:
            frame = "{}" if frame != "{rest}" else "{rest}"
        text = frame.format(whole, subject=subject, rest=rest or whole)
        if tense == "ing" and subject:
            text = text.replace(subject, f"{subject} {'are' if plural else 'is'}", 1)
        return Line(self.typed(text), asked)

    def _are_many(self, pattern: Pattern, roles: Mapping[str, str]) -> bool:
        """Return whether the subject is one word for several: the twins."""
        first = pattern.nodes[0]
        stranger = self.namer.foreign.get(roles[first.role]) if isinstance(first, Slot) else None
        return stranger is not None and stranger.pronoun == "they"

    def words(self, pattern: Pattern, roles: Mapping[str, str], state: State) -> str:
        """Return a pattern in this reader's words, before typing."""
        return tidy(pattern.expand(self.rng, self._fill(roles, state), past))

    def _fill(self, roles: Mapping[str, str], state: State) -> FillSlot:
        def fill(slot: Slot) -> str:
            words = self.namer.fill(slot, roles, state)
            return self._reword(slot, roles, words)

        return fill

    def _reword(self, slot: Slot, roles: Mapping[str, str], words: str) -> str:
        """Return another word for a character, a thing or a place, as a reader may say it."""
        entity, rng = roles.get(slot.role, ""), self.rng
        if entity in CHARACTERS and slot.form in ("", "name"):
            character = CHARACTERS[entity]
            chance = rng.random()
            if chance < 0.6:
                return character.name
            if chance < 0.7:
                return f"{character.name} the {entity}"
            # The storyteller will explain who that is.
            self.namer.introduced.discard(entity)
            if chance < 0.82:
                return f"the {entity}"
            return rng.choice(other_words("species", self.test).get(entity, (f"the {entity}",)))
        if entity in THINGS and slot.form in ("", "a", "noun"):
            others = other_words("synonyms", self.test).get(entity)
            if others and rng.random() < (0.6 if self.test else 0.15):
                words = re.sub(rf"\b{entity}\b", rng.choice(others), words)
                # A `speckled egg` may have been speckled before.
                return re.sub(r"\b(\w+) \1\b", r"\1", words)
        if entity in PLACES:
            others = other_words("place-synonyms", self.test).get(entity)
            noun = "windmill hill" if entity == "hill" else entity
            if others and noun in words and rng.random() < (0.6 if self.test else 0.15):
                return words.replace(noun, rng.choice(others))
        return words

    # --- typing ---------------------------------------------------------------------------------

    def typed(self, text: str) -> str:
        """Return the text as this reader types it."""
        rng = self.rng
        style = rng.random()
        text = text.strip()
        if style < 0.4:
            text = text[:1].upper() + text[1:]
            if text[-1:].isalnum():
                text += rng.choice((".", ".", ".", "!", "!!", "", "...", " :)"))
        elif style < 0.75:
            if rng.random() < 0.6:
                text = text.lower()
            if rng.random() < 0.3 and text[-1:].isalnum():
                text += rng.choice((".", "!", "!!!", "..", " please"))
        elif style < 0.85:
            text = text.upper()
            if rng.random() < 0.6:
                text = text.rstrip("?.") + rng.choice(("!", "!!", "!!!", "?!"))
        elif style < 0.9:
            text = f'"{text[:1].upper() + text[1:]}"' if '"' not in text else text
        if rng.random() < 0.22:
            text = slip(text, rng)
            if len(text) > 40 and rng.random() < 0.35:
                text = slip(text, rng)
        if rng.random() < 0.06:
            text = text.replace(",", "").replace("'", "")
        if rng.random() < 0.03:
            text = text.replace(" and ", rng.choice((" n ", " & ", " + ")))
        return text


_NEIGHBOURS = {
    letter: near
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    for index, letter in enumerate(row)
    for near in [row[max(0, index - 1) : index] + row[index + 1 : index + 2]]
}


def slip(text: str, rng: random.Random) -> str:
    """Mistype one letter of one longer word: left out, doubled, swapped or the next key."""
    places = list(re.finditer(r"[A-Za-z]{4,}", text))
    if not places:
        return text
    match = rng.choice(places)
    word = match.group()
    i = rng.randrange(1, len(word) - 1)
    near = _NEIGHBOURS.get(word[i].lower(), "e")
    wrong = rng.choice(
        (
            word[:i] + word[i + 1 :],
            word[:i] + word[i] + word[i:],
            word[:i] + word[i + 1] + word[i] + word[i + 2 :],
            word[:i] + rng.choice(near) + word[i + 1 :],
        )
    )
    return text[: match.start()] + wrong + text[match.end() :]


def _marked(base: str) -> str:
    return f"\0{base}\0"


_MANY = re.compile(r"\b(?<!it )(they|all|both)( both| all| \w+ly)? $")
_CLAUSE = re.compile(
    r"\b(until|till|when|while|because|since|so|who|that|which|what|where|as|if|before|after)"
    r" [^,;.!?]*$"
)
"""Text before a verb whose clause has a subject of its own."""
_SAME = re.compile(r"(^|[,;] |\b(and|but|or|then) )(\w+ly )?$")
"""Text before a verb that shares a plural subject with the verb before."""


def _inflected(text: str, tense: str, plural: bool) -> str:
    """Return a text with its marked verbs inflected; `plural` is about the first verb's subject."""
    parts = text.split("\0")
    for at in range(1, len(parts), 2):
        before = parts[at - 1]
        if _MANY.search(before):
            plural = True
        elif at > 1 and not _SAME.search(before):
            plural = False
        if at > 1 and tense in ("base", "ing") and _CLAUSE.search(before):
            # "Let her wait until it comes": the clause has a tense of its own.
            tense = "present"
        parts[at] = _verb(parts[at], tense, plural)
    return "".join(parts)


def _verb(base: str, tense: str, plural: bool) -> str:
    if tense == "past":
        return plural_past(base) if plural else past(base)
    if tense == "present":
        singular = third(base)
        return ("are" if base == "be" else base) if plural else singular
    return ing(base) if tense == "ing" else base


def _is_plural(pattern: Pattern) -> bool:
    nodes = pattern.nodes
    return (
        len(nodes) > 2
        and isinstance(nodes[0], Slot)
        and nodes[1] in (" and ", ", ")
        and isinstance(nodes[2], Slot)
    )


def _divide(pattern: Pattern, whole: str) -> tuple[str, str]:
    """Return subject and rest of a deed that begins with its subject; otherwise ''."""
    nodes = pattern.nodes
    start = 0
    joints = (" ", " and ", ", ")
    while start < len(nodes) and (isinstance(nodes[start], Slot) or nodes[start] in joints):
        start += 1
    if not start or not isinstance(nodes[0], Slot) or nodes[0].role not in "ABCDX":
        return "", ""
    return _split_at_verb(whole, nodes, start)


def _split_at_verb(whole: str, nodes: tuple[object, ...], start: int) -> tuple[str, str]:
    bases = _first_verbs(nodes[start:])
    forms = {f for base in bases for f in (base, past(base), third(base), ing(base), "were", "are")}
    words = whole.split(" ")
    for index in range(1, len(words)):
        if words[index].strip(",.!?") in forms:
            start = index
            if _is_adverb(words[index - 1]):
                start -= 1
            return (" ".join(words[:start]), " ".join(words[start:])) if start else ("", "")
    return "", ""


def _is_adverb(word: str) -> bool:
    """Return whether a word may stand between a subject and its verb."""
    return word.endswith("ly") or word in ("both", "just", "only", "soon")


def _first_verbs(nodes: tuple[object, ...]) -> set[str]:
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, Verb):
            return found | {node.base}
        if isinstance(node, Choice):
            inner = [_first_verbs(option.nodes) for option in node.options]
            found |= set().union(*inner)
            if all(inner):
                return found
        elif isinstance(node, Slot) or not all(map(_is_adverb, str(node).split())):
            return found
    return found
