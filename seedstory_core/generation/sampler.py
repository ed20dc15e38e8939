"""The sampler, which chooses the next token.

It applies transformers' logits processors in order, draws reproducibly from a seed, never chooses
forbidden tokens, and takes repeated sentences back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import cast

import torch
from torch import Tensor
from transformers import (
    LogitsProcessorList,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from seedstory_core.generation.sampling import Sampling

POSSIBLE = 0.03
"""Least probability of a token that may replace the chosen one."""
SHORTEST_SENTENCE = 6
"""Tokens of the shortest sentence that is taken back if it is repeated."""
MOST_RETAKES = 4
"""Most times that one caption takes a sentence back."""


class Sampler:
    """Chooses the tokens of one caption, one after the other."""

    def __init__(
        self,
        sampling: Sampling,
        *,
        forbidden_ids: Sequence[int],
        story_ids: Sequence[int] = (),
        caption_ids: Sequence[int] = (),
        sentence_ends: Collection[int] = (),
    ) -> None:
        """Start a caption.

        Args:
            sampling: The settings.
            forbidden_ids: Tokens that are never chosen.
            story_ids: Text tokens of the story so far, for `no_repeat_ngram_size` and
                `no_repeat_sentences`.
            caption_ids: Tokens of this caption that are already given.
            sentence_ends: Tokens that end a sentence, for `no_repeat_sentences`.
        """
        self._forbidden = torch.tensor(list(forbidden_ids), dtype=torch.long)
        self._story = list(story_ids)
        self._caption = list(caption_ids)
        self._ends = frozenset(sentence_ends)
        self._avoids_told = sampling.no_repeat_sentences
        self._told = frozenset(split_sentences(story_ids, self._ends))
        self._retakes_left = MOST_RETAKES
        # For each chosen token, the probability of the likeliest other one.
        self._other_ways: list[float] = []
        self._num_given = len(self._caption)
        # Tokens that were taken back, by the caption before them.
        self._taken_back: dict[tuple[int, ...], set[int]] = {}
        self._generator = torch.Generator().manual_seed(sampling.seed)
        # Dividing scores by a lower temperature overflows, and would choose the best token anyway.
        self._is_greedy = sampling.temperature < 1e-3
        self._on_caption = LogitsProcessorList()
        self._on_story = LogitsProcessorList()
        self._warp = LogitsProcessorList()
        if sampling.repetition_penalty != 1:
            self._on_caption.append(RepetitionPenaltyLogitsProcessor(sampling.repetition_penalty))
        if sampling.no_repeat_ngram_size:
            self._on_story.append(NoRepeatNGramLogitsProcessor(sampling.no_repeat_ngram_size))
        if not self._is_greedy and sampling.temperature != 1:
            self._warp.append(TemperatureLogitsWarper(sampling.temperature))
        if not self._is_greedy and sampling.top_k:
            self._warp.append(TopKLogitsWarper(sampling.top_k))
        if not self._is_greedy and sampling.top_p < 1:
            self._warp.append(TopPLogitsWarper(sampling.top_p))

    def choose(self, scores: Tensor) -> int:
        """Choose a token from scores `[vocab]` and add it to the caption."""
        # On the CPU in float32, so that a seed means the same on every device.
        scores = scores.float().cpu().clone()
        scores[self._forbidden] = -torch.inf
        row = scores[None]
        caption = _row_of_ids(self._caption)
        if self._caption:
            row = self._on_caption(caption, row)
        if self._on_story:
            row = self._on_story(_row_of_ids(self._story + self._caption), row)
        row = self._avoid_taken_back(row[0])[None]
        if self._is_greedy:
            token = int(row.argmax())
        else:
            probabilities = self._warp(caption, row).softmax(-1)
            token = int(torch.multinomial(probabilities[0], 1, generator=self._generator))
        self._note(row[0], token)
        self._caption.append(token)
        return token

    def take_back(self) -> int | None:
        """Take back the sentence that has just ended if the story already contains it.

        It goes back to the token whose likeliest replacement has the highest probability, and only
        if that is at least `POSSIBLE`: a repeated sentence is better than one without sense.

        Returns:
            The number of the caption's tokens that stay; the next one has to be chosen again from
            the same scores, and will differ. None if all stay.
        """
        if not self._avoids_told or self._caption[-1] not in self._ends or not self._retakes_left:
            return None
        *before, last = split_sentences(self._caption, self._ends)
        if len(last) < SHORTEST_SENTENCE or not (last in self._told or last in before):
            return None
        # The sentence's first token, often its subject, stays: it may act again.
        first = max(len(self._caption) - len(last) + 1, self._num_given)
        places = range(first, len(self._caption))
        place = max(places, key=lambda at: self._other_ways[at - self._num_given], default=first)
        if place == len(self._caption) or self._other_ways[place - self._num_given] < POSSIBLE:
            return None
        self._retakes_left -= 1
        self._taken_back.setdefault(tuple(self._caption[:place]), set()).add(self._caption[place])
        del self._caption[place:], self._other_ways[place - self._num_given :]
        return place

    def _avoid_taken_back(self, scores: Tensor) -> Tensor:
        """Exclude the tokens that were taken back at this place."""
        taken = self._taken_back.get(tuple(self._caption))
        return scores if taken is None else scores.index_fill(0, torch.tensor([*taken]), -torch.inf)

    def _note(self, scores: Tensor, token: int) -> None:
        """Record the probability of the likeliest other token."""
        if self._avoids_told:
            others = scores.softmax(-1)
            others[token] = 0
            self._other_ways.append(float(others.max()))


def split_sentences(ids: Iterable[int], ends: Collection[int]) -> list[tuple[int, ...]]:
    """Split token ids after every token that ends a sentence; the last part may be unfinished."""
    found: list[tuple[int, ...]] = []
    sentence: list[int] = []
    for token in ids:
        sentence.append(token)
        if token in ends:
            found.append(tuple(sentence))
            sentence = []
    return [*found, tuple(sentence)] if sentence else found


def _row_of_ids(ids: list[int]) -> torch.LongTensor:
    return cast(torch.LongTensor, torch.tensor([ids], dtype=torch.long))
