"""What the model reads of what a reader typed, and which words it had never met.

A page keeps a reader's words exactly as they were typed. The model reads them as its own texts are
written: SHOUTED, hasty or decorated words would be other tokens than those it learned from. The
lexicon, a list of the words of its training texts, says how a word is usually written.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

LEXICON_FILE = "lexicon.txt"
"""Beside the tokenizer: a word on each line."""
SHOUTED = 0.7
"""Share of capitals from which a text is shouted."""
FOREIGN = 0.4
"""Share of known words under which a text is in another language."""
FEWEST_WORDS = 3
"""Of which that can be told."""
MANY_WORDS = 4
"""So many times the same word are no sentence."""
MOST_NAMED = 3
"""Unknown words that a note names."""
LIKENESS = 0.7
"""How alike two spellings are when one is taken for the other (`difflib`: 1 is equal)."""

_PLAIN = str.maketrans(
    {"‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"'}
    | {"–": "-", "—": "-", "…": "...", "\u00a0": " ", "\u202f": " "}
)
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_BEFORE_NOUN = re.compile(
    "a|an|the|this|that|these|those|my|your|his|her|its|our|their|some|any|no|every|another|one|two"
    "|three|four|five|six|seven|eight|nine|ten|many|several|with|by|of|named|called"
)
"""Words after which, at most a word between, a noun or a name comes."""
_ENDINGS = ("", "s", "es", "d", "ed", "ing", "ly", "er", "est", "y", "'s")
"""What a known word may end in."""
NOT_DRAWN = "-"
"""Stands before a word of the list that the texts have and no picture shows."""


class Lexicon:
    """The words of a model's training texts, each as it is usually written."""

    def __init__(self, words: Iterable[str]) -> None:
        """Learn words; without any, every text is left as it is and every word is known.

        Args:
            words: Each as it is usually written, with `NOT_DRAWN` before it if no picture shows it.
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
        """Read a list of words, one on a line; a missing file is an empty list."""
        return cls(path.read_text(encoding="utf-8").split() if path.is_file() else ())

    def tidy(self, text: str) -> str:
        """Give a typed text as the model's own texts are written.

        Quotes and dashes become plain, shouted and stretched words what they usually are, names
        and sentences begin with a capital, and marks stand once.
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
        """Whether a text can be a sentence of the story: it has words, and the model knows them.

        Marks and digits alone, one word over and over, a key held down and other languages cannot.
        """
        if not self._usual:
            return True
        words = [word.lower() for word in _WORD.findall(text)]
        known = sum(self._is_known(word) for word in words)
        is_said_over = len(words) >= MANY_WORDS and len(set(words)) == 1
        few = 1 if len(words) < FEWEST_WORDS else FOREIGN * len(words)
        return known >= few and not is_said_over

    def unknown(self, text: str) -> list[str]:
        """Give what a text names and the model's pictures do not know, in order.

        These are words that no picture shows, and names and nouns that the model's texts do not
        have. What is a noun is told from the words before it; all other words a model understands
        by what stands around them.
        """
        if not self._usual:
            return []
        text, found = self.tidy(text), []
        for sentence in re.split(r"[.!?,;:]+", text):
            words = _WORD.findall(sentence)
            for index, word in enumerate(words):
                # "a purple whale" is told from "the boat breaks" by the verb's ending.
                reach = 1 if word.endswith(("s", "ed", "ing")) else 2
                before = [word.lower() for word in words[max(0, index - reach) : index]]
                is_name = not word.islower() and index > 0
                is_noun = is_name or any(map(_BEFORE_NOUN.fullmatch, before))
                is_unknown = is_noun and not self._is_known(word)
                if (is_unknown or not self._is_drawn(word)) and word not in found:
                    found.append(word)
        return found

    def explain(self, typed: str, written: str) -> str:
        """Say which of a reader's words were unknown, and what was taken instead; '' if none.

        Args:
            typed: The reader's words.
            written: What the model wrote to them.
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
    """The words that occur at least so often, each as it is mostly written inside sentences.

    Where a sentence begins, a capital says nothing.
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
