"""Sampling of tokens."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from seedstory_core.errors import InputError
from seedstory_core.generation.sampler import Sampler, split_sentences
from seedstory_core.generation.sampling import Sampling

SCORES = torch.tensor([3.0, 2.5, 2.0, 1.0, 0.0, -1.0])


def draws(count: int = 200, **rules: Any) -> list[int]:
    """The first token of many captions that differ in their seeds."""
    rules = {"temperature": 1.0, "top_p": 1.0, **rules}
    return [
        Sampler(Sampling(seed=seed, **rules), forbidden_ids=[]).choose(SCORES)
        for seed in range(count)
    ]


def test_every_token_may_come_unless_something_forbids_it() -> None:
    assert set(draws(2000)) == set(range(6))
    sampler = Sampler(Sampling(temperature=1.0, top_p=1.0), forbidden_ids=[0, 1])
    assert not {sampler.choose(SCORES) for _ in range(100)} & {0, 1}


def test_top_k_leaves_the_likeliest() -> None:
    assert set(draws(top_k=2)) == {0, 1}
    assert set(draws(top_k=1)) == {0}


def test_top_p_leaves_the_smallest_set_of_that_mass() -> None:
    assert set(draws(top_p=0.6)) == {0, 1}


def test_temperature_0_takes_the_best() -> None:
    assert set(draws(temperature=0.0)) == {0}


def test_a_seed_chooses_the_same_again() -> None:
    def caption(seed: int) -> list[int]:
        sampler = Sampler(Sampling(temperature=1.0, seed=seed), forbidden_ids=[])
        return [sampler.choose(SCORES) for _ in range(20)]

    assert caption(4) == caption(4)
    assert caption(4) != caption(5)


def test_a_repetition_penalty_makes_the_captions_own_words_rarer() -> None:
    rules = Sampling(temperature=0.0, repetition_penalty=2.0)
    sampler = Sampler(rules, forbidden_ids=[], caption_ids=[0])
    assert sampler.choose(SCORES) == 1
    assert sampler.choose(SCORES) == 2


def test_no_run_of_words_stands_in_the_story_twice() -> None:
    rules = Sampling(temperature=0.0, no_repeat_ngram_size=2)
    sampler = Sampler(rules, forbidden_ids=[], story_ids=[4, 0, 5, 4])
    assert sampler.choose(SCORES) == 1  # "4 0" stands there already


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": -1},
        {"top_p": 0},
        {"top_k": -1},
        {"repetition_penalty": 0},
        {"no_repeat_ngram_size": -2},
    ],
)
def test_impossible_rules_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Sampling(**wrong)


STOP = 4
"""The token that ends a sentence below."""


SURE = torch.tensor([9.0, 0.0, 0.0, 0.0, 0.0])
EITHER = torch.tensor([5.0, 4.0, -9.0, -9.0, -9.0])
RATHER = torch.tensor([5.0, 2.0, -9.0, -9.0, -9.0])
HARDLY = torch.tensor([5.0, 1.0, -9.0, -9.0, -9.0])
END = torch.tensor([0.0, 0.0, 0.0, 0.0, 9.0])
TOLD = (3, 3, STOP, 0, 0, 0, 0, 0, 0, STOP)
AGAIN = [0, 0, 0, 0, 0, 0, STOP]


def caption_of(
    *row: torch.Tensor, told: tuple[int, ...] = TOLD, given: tuple[int, ...] = (), on: bool = True
) -> list[int]:
    """Return the caption of a row of scores, with the same scores again after it goes back."""
    rules = Sampling(temperature=0.0, no_repeat_sentences=on)
    sampler = Sampler(
        rules, forbidden_ids=[], story_ids=told, caption_ids=given, sentence_ends=[STOP]
    )
    caption = list(given)
    while len(caption) < len(given) + len(row):
        caption.append(sampler.choose(row[len(caption) - len(given)]))
        kept = sampler.take_back()
        if kept is not None:
            assert len(given) <= kept < len(caption)
            del caption[kept:]
    return caption


def test_a_sentence_of_the_story_is_taken_back_to_where_another_way_was_likeliest() -> None:
    row = (EITHER, SURE, HARDLY, RATHER, SURE, SURE, END)
    assert caption_of(*row, told=()) == AGAIN
    assert caption_of(*row, on=False) == AGAIN
    assert caption_of(*row) == [0, 0, 0, 1, 0, 0, STOP]
    # The first token stays whatever it is, for whoever acted before may act again.
    assert caption_of(EITHER, RATHER, SURE, SURE, SURE, SURE, END) == [0, 1, 0, 0, 0, 0, STOP]


def test_rather_a_sentence_twice_than_one_that_makes_no_sense() -> None:
    assert caption_of(EITHER, SURE, SURE, HARDLY, SURE, SURE, END) == AGAIN


def test_a_sentence_that_comes_of_going_back_may_have_to_go_back_itself() -> None:
    told = (*TOLD, 0, 0, 0, 1, 0, 0, STOP)
    row = (SURE, RATHER, SURE, EITHER, SURE, SURE, END)
    assert caption_of(*row, told=told) == [0, 1, 0, 0, 0, 0, STOP]


def test_short_sentences_may_come_again() -> None:
    assert caption_of(EITHER, EITHER, EITHER, END, told=(0, 0, 0, STOP)) == [0, 0, 0, STOP]


def test_a_sentence_of_this_very_caption_is_not_said_again() -> None:
    row = (SURE, SURE, SURE, RATHER, SURE, SURE, END)
    assert caption_of(*row, *row, told=()) == [*AGAIN, 0, 0, 0, 1, 0, 0, STOP]
    assert caption_of(*row, told=(), given=tuple(AGAIN)) == [*AGAIN, 0, 0, 0, 1, 0, 0, STOP]


def test_a_readers_own_words_are_never_taken_back() -> None:
    given = (0, 0, 0, 0)
    assert caption_of(RATHER, SURE, END, given=given) == [*given, 1, 0, STOP]
    assert caption_of(SURE, SURE, END, given=given) == AGAIN


def test_sentences_are_cut_behind_what_ends_them() -> None:
    assert split_sentences([1, 2, STOP, 3], [STOP]) == [(1, 2, STOP), (3,)]
    assert split_sentences([1, STOP], [STOP]) == [(1, STOP)]
    assert split_sentences([], [STOP]) == []
