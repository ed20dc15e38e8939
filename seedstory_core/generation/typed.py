"""The lexicon, which tidies a reader's text for the model and finds words that the model lacks.

A panel keeps a reader's words exactly as typed. The model reads them as its training texts are
written, because SHOUTED, hasty or decorated words would be other tokens. The lexicon lists the
words of those texts, each in its usual spelling.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

LEXICON_FILE = "lexicon.txt"
"""File beside the tokenizer with one word per line."""
SHOUTED = 0.7
"""Share of capitals above which a text counts as shouted."""
FOREIGN = 0.4
"""Share of known words below which a text counts as foreign."""
FEWEST_WORDS = 3
"""Least words of a text to which `FOREIGN` applies; a shorter one needs one known word."""
MANY_WORDS = 4
"""A text of at least so many words that are all the same is no sentence."""
MOST_NAMED = 3
"""Most unknown words that a note names."""
LIKENESS = 0.7
"""Least likeness of two spellings of one word (`difflib`: 1 is equal)."""

_PLAIN = str.maketrans(
    {"‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"'}
    | {"–": "-", "—": "-", "…": "...", "\u00a0": " ", "\u202f": " "}
)
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_BEFORE_NOUN = re.compile(
    "a|an|the|this|that|these|those|my|your|his|her|its|our|their|some|any|no|every|another|one|two"
    "|three|four|five|six|seven|eight|nine|ten|many|several|with|by|of|named|called"
)
"""Words that a noun or a name follows, with at most one word in between."""
_ENDINGS = ("", "s", "es", "d", "ed", "ing", "ly", "er", "est", "y", "'s")
"""Endings that a known word may have."""
NOT_DRAWN = "-"
"""Prefix of a word that the training texts have but no image shows."""


class Lexicon:
    """The words of a model's training texts, each in its usual spelling."""

    def __init__(self, words: Iterable[str]) -> None:
        """Create a lexicon; an empty one knows every word and changes no text.

        Args:
            words: Each in its usual spelling, after `NOT_DRAWN` if no image shows it.
        """
        self._usual: dict[str, str] = {}
        self._not_drawn: set[str] = set()
        for word in words:
            plain = word.removeprefix(NOT_DRAWN)
            self._usual.setdefault(plain.lower(), plain)
            if plain != word:
                self._not_drawn.add(plain.lower())

    @classmethod
    def from_file(cls, path: Path) -> Lexicon:
        """Read a list with one word per line; a missing file counts as an empty list."""
        return cls(path.read_text(encoding="utf-8-sig").split() if path.is_file() else ())

    def tidy(self, text: str) -> str:
        """Return a typed text in the spelling of the training texts.

        Quotes and dashes become plain, shouted and stretched words get their usual spelling, names
        and sentences begin with a capital, and repeated marks become one.
        """
        if not self._usual:
            return text
        text = " ".join(text.translate(_PLAIN).split())
        letters = [letter for letter in text if letter.isalpha()]
        if len(letters) > 3 and sum(map(str.isupper, letters)) > SHOUTED * len(letters):
            text = text.lower()
        text = re.sub(r"([!?,;])\1+", r"\1", text)
        text = _WORD.sub(lambda match: self._usual_word(match[0]), text)
        return re.sub(r"(^|[.!?] +)(\W?)(\w)", lambda m: m[1] + m[2] + m[3].upper(), text)

    def _usual_word(self, word: str) -> str:
        known = self._usual.get(word.lower())
        if known is None:
            for fewer in (r"\1\1", r"\1"):
                short = re.sub(r"(\w)\1{2,}", fewer, word.lower())
                if short != word.lower() and short in self._usual:
                    return self._usual[short]
        is_odd = word.isupper() and len(word) > 1
        return known if known is not None and (is_odd or not known.islower()) else word

    def _is_known(self, word: str) -> bool:
        plain = word.lower()
        stems = [plain.removesuffix(ending) for ending in _ENDINGS if plain.endswith(ending)]
        stems += [stem + "e" for stem in stems] + [stem[:-1] for stem in stems[1:]]
        return any(stem in self._usual for stem in (*stems, *plain.split("-")))

    def _is_drawn(self, word: str) -> bool:
        plain = word.lower()
        return not {plain, plain.removesuffix("s"), plain.removesuffix("es")} & self._not_drawn

    def is_readable(self, text: str) -> bool:
        """Whether a text can be a sentence of the story: it has words, and enough known ones.

        Only marks and digits, one repeated word, a held key and other languages cannot.
        """
        if not self._usual:
            return True
        words = [word.lower() for word in _WORD.findall(text)]
        known = sum(self._is_known(word) for word in words)
        is_said_over = len(words) >= MANY_WORDS and len(set(words)) == 1
        few = 1 if len(words) < FEWEST_WORDS else FOREIGN * len(words)
        return known >= few and not is_said_over

    def unknown(self, text: str) -> list[str]:
        """Return the words of a text that the model's images cannot show, in order.

        These are words that no training image shows, and names and nouns that the training texts
        lack. Nouns are recognised by the words before them. Other unknown words do not count,
        because the model understands them from their context.
        """
        if not self._usual:
            return []
        text, found = self.tidy(text), []
        for sentence in re.split(r"[.!?,;:]+", text):
            words = _WORD.findall(sentence)
            for index, word in enumerate(words):
                # The verb's ending tells "the boat breaks" from "a purple whale".
                reach = 1 if word.endswith(("s", "ed", "ing")) else 2
                before = [word.lower() for word in words[max(0, index - reach) : index]]
                is_name = not word.islower() and index > 0
                is_noun = is_name or any(map(_BEFORE_NOUN.fullmatch, before))
                is_unknown = is_noun and not self._is_known(word)
                if (is_unknown or not self._is_drawn(word)) and word not in found:
                    found.append(word)
        return found

    def explain(self, typed: str, written: str) -> str:
        """Return a note on a reader's unknown words and their replacements; '' if there are none.

        Args:
            typed: The reader's text.
            written: The model's text after it.
        """
        typed_words = {word.lower() for word in _WORD.findall(typed)}
        own = [w for w in _WORD.findall(written) if w.lower() not in typed_words]
        taken, kept = [], []
        for word in self.unknown(typed):
            near = difflib.get_close_matches(word, own, n=1, cutoff=LIKENESS)
            if near:
                taken.append(f'"{word}" was read as "{near[0]}".')
            else:
                kept.append(f'"{word}"')
        if kept:
            named = _and(kept[:MOST_NAMED])
            stays = "they stay" if len(kept) > 1 else "it stays"
            taken.insert(0, f"This book's pictures do not know {named}: {stays} in the words.")
        return " ".join(taken)


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def count_words(texts: Iterable[str], least: int) -> list[str]:
    """Return the words that occur at least `least` times, each in its most frequent spelling.

    Only spellings inside sentences count, because a sentence's first word has a capital anyway.
    """
    number: dict[str, int] = {}
    inside: dict[str, dict[str, int]] = {}
    for text in texts:
        for match in _WORD.finditer(text):
            word, before = match[0].removesuffix("'s"), text[: match.start()].rstrip()
            plain = word.lower()
            number[plain] = number.get(plain, 0) + 1
            if before and before[-1] not in ".!?\"'":
                spellings = inside.setdefault(plain, {})
                spellings[word] = spellings.get(word, 0) + 1

    def usual(plain: str) -> str:
        spellings = inside.get(plain, {plain: 1})
        return max(spellings, key=lambda word: spellings[word])

    return sorted(usual(plain) for plain, times in number.items() if times >= least)
