"""Patterns: one line of text that stands for many sentences.

`{A} [ran|hurried] to {Q.the}` has two readings. `[a|b]` is a choice and nests, `{A}` a slot that
the caller fills, `*run` a verb in base form that the caller inflects. A pattern can be read out
(`expand`) and its readings counted (`num_readings`); `parsing.py` recognises patterns.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from storyworld.language.inflect import article


@dataclass(frozen=True)
class Slot:
    """A place for a word that depends on the story: `{A.his}` is role `A` in form `his`."""

    role: str
    form: str = ""


@dataclass(frozen=True)
class Verb:
    """A verb in base form, to be inflected."""

    base: str


@dataclass(frozen=True)
class Choice:
    """One of several patterns."""

    options: tuple[Pattern, ...]


Node = str | Slot | Verb | Choice
FillSlot = Callable[[Slot], str]
InflectVerb = Callable[[str], str]


@dataclass(frozen=True)
class Pattern:
    """A line with choices, slots and verbs.

    Attributes:
        source: The line as it was written.
        nodes: Its parts in order.
    """

    source: str
    nodes: tuple[Node, ...]

    def __deepcopy__(self, memo: object) -> Pattern:
        """Return the pattern itself: it is immutable, so copies may share it."""
        return self

    @cached_property
    def num_readings(self) -> int:
        """Return the number of readings, slots not counted."""
        total = 1
        for node in self.nodes:
            if isinstance(node, Choice):
                total *= sum(option.num_readings for option in node.options)
        return total

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """Return every slot in it, choices included."""
        return tuple(self._slots())

    def _slots(self) -> Iterator[Slot]:
        for node in self.nodes:
            if isinstance(node, Slot):
                yield node
            elif isinstance(node, Choice):
                for option in node.options:
                    yield from option._slots()

    @property
    def roles(self) -> frozenset[str]:
        """Return the letters of its roles."""
        return frozenset(slot.role for slot in self.slots if len(slot.role) == 1)

    def expand(self, rng: random.Random, fill: FillSlot, inflect: InflectVerb) -> str:
        """Return one reading; every option of a choice is equally likely."""
        parts: list[str] = []
        for node in self.nodes:
            if isinstance(node, str):
                parts.append(node)
            elif isinstance(node, Slot):
                word = fill(node)
                if node.form == "noun" and article(word) == "an":
                    # The article of `a {T.noun}` depends on T.
                    parts = [re.sub(r"\b([Aa]) $", r"\1n ", "".join(parts))]
                parts.append(word)
            elif isinstance(node, Verb):
                parts.append(inflect(node.base))
            else:
                weights = [option.num_readings**0.5 for option in node.options]
                option = rng.choices(node.options, weights)[0]
                parts.append(option.expand(rng, fill, inflect))
        return "".join(parts)


_SLOT = re.compile(r"\{([A-Za-z]+)(?:\.([A-Za-z]+))?\}")
_VERB = re.compile(r"\*([a-z]+(?:-[a-z]+)?)")


def parse_pattern(source: str) -> Pattern:
    """Parse a line.

    Raises:
        ValueError: A bracket or a slot is not closed.
    """
    nodes, end = _sequence(source, 0, nested=False)
    if end != len(source):
        raise ValueError(f"There is a ] or | too many: {source!r}")
    return Pattern(source, nodes)


def _sequence(source: str, at: int, *, nested: bool) -> tuple[tuple[Node, ...], int]:
    nodes: list[Node] = []
    text: list[str] = []

    def end_text() -> None:
        if text:
            nodes.append("".join(text))
            text.clear()

    while at < len(source):
        letter = source[at]
        if letter == "[":
            end_text()
            choice, at = _choice(source, at + 1)
            nodes.append(choice)
        elif letter in "]|":
            if not nested:
                raise ValueError(f"There is a {letter} too many: {source!r}")
            break
        elif letter == "{":
            match = _SLOT.match(source, at)
            if not match:
                raise ValueError(f"This is no slot: {source[at : at + 12]!r} in {source!r}")
            end_text()
            nodes.append(Slot(match[1], match[2] or ""))
            at = match.end()
        elif source.startswith("*[", at):
            end_text()
            choice, at = _choice(source, at + 2)
            nodes.append(Choice(tuple(_starred(option) for option in choice.options)))
        elif letter == "*" and (match := _VERB.match(source, at)):
            end_text()
            nodes.append(Verb(match[1]))
            at = match.end()
        else:
            text.append(letter)
            at += 1
    end_text()
    return tuple(nodes), at


def _choice(source: str, at: int) -> tuple[Choice, int]:
    options: list[Pattern] = []
    while True:
        start = at
        nodes, at = _sequence(source, at, nested=True)
        options.append(Pattern(source[start:at], nodes))
        if at >= len(source):
            raise ValueError(f"A [ is not closed: {source!r}")
        at += 1
        if source[at - 1] == "]":
            return Choice(tuple(options)), at


def _starred(option: Pattern) -> Pattern:
    """Return an option with its first word as a verb: `*[take|bring]` is `[*take|*bring]`."""
    first = option.nodes[0] if option.nodes else ""
    if not isinstance(first, str) or not (match := re.match("[a-z]+", first)):
        raise ValueError(f"A verb should follow the star: {option.source!r}")
    rest = (first[match.end() :],) if first[match.end() :] else ()
    return Pattern(option.source, (Verb(match[0]), *rest, *option.nodes[1:]))


def tidy(text: str) -> str:
    """Remove blanks and stops that an empty option left doubled."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\s+([,.!?;:])", r"\1", text)
    text = re.sub(r",+([,.!?;:])", r"\1", text)
    return re.sub(r"([.!?…][\"”])[.,](?=$| )", r"\1", text)


def sentence(text: str) -> str:
    """Return a text with a capital at its beginning and a stop at its end."""
    text = tidy(text).rstrip(",")
    # After `!"` and `?"` the speaker follows in small letters: `"Oh!" said Mira.`
    text = re.sub(r"(^|[.!?…] |\.[\"”] )([a-z])", lambda m: m[1] + m[2].upper(), text)
    if text and text[-1] not in ".!?\"'”":
        text += "."
    return text
