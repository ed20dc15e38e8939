"""Settings are written down once: the page, the API and requests are made of their fields."""

from __future__ import annotations

import inspect

import pytest
import torch

from demo.api import Api, _with_knobs
from seedstory_core.config import DeTokenizerConfig, SamplingConfig, StudioConfig
from seedstory_core.config.fields import settings_of
from seedstory_core.errors import InputError
from seedstory_core.requests import FIRST, KNOBS, make_request


def test_every_labelled_setting_can_be_asked_for() -> None:
    labelled = {
        setting.key or name
        for kind in (SamplingConfig, DeTokenizerConfig)
        for name, setting in settings_of(kind).items()
        if setting.label
    }
    assert set(KNOBS) == {*labelled, "seed"}
    assert tuple(KNOBS)[: len(FIRST)] == FIRST
    assert all(knob.setting.meaning for knob in KNOBS.values())


def test_programs_name_every_knob() -> None:
    for endpoint in (Api.begin, Api.continue_story, Api.alternatives):
        names = list(inspect.signature(_with_knobs(endpoint)).parameters)
        assert names[-len(KNOBS) :] == list(KNOBS)


def test_what_is_asked_for_arrives(tiny_config: StudioConfig) -> None:
    asked = {"temperature": "0.5", "top_k": 7, "seed": 12, "steps": 3.0, "guidance": None}
    request = make_request(tiny_config, text="Mira waits.", knobs=asked)
    assert (request.sampling.temperature, request.sampling.top_k) == (0.5, 7)
    assert request.sampling.top_p == tiny_config.sampling.top_p
    assert (request.sampling.seed, request.image_seed, request.any_seed) == (12, 12, False)
    assert (request.num_inference_steps, request.guidance_scale) == (3, None)


@pytest.mark.parametrize(
    ("key", "value"),
    [("temperature", 5.5), ("top_p", 0), ("top_k", 1.5), ("steps", 51), ("seed", -2)],
)
def test_what_is_out_of_range_is_named(tiny_config: StudioConfig, key: str, value: float) -> None:
    with pytest.raises(InputError, match=rf"^{key} is .*must be"):
        make_request(tiny_config, knobs={key: value})


@pytest.mark.parametrize("seed", [-1, "-1", " -1 ", -1.0, "", "  ", None])
def test_minus_one_and_nothing_are_a_new_seed(tiny_config: StudioConfig, seed: object) -> None:
    first, second = (make_request(tiny_config, knobs={"seed": seed}) for _ in range(2))
    assert first.any_seed and first.image_seed != second.image_seed


@pytest.mark.parametrize(
    ("seed", "taken"),
    [(2**32 - 1, 2**32 - 1), ("4294967296", 2**32), (str(2**63 - 1), 2**63 - 1), (7.0, 7)],
)
def test_a_seed_of_another_program_is_taken_to_the_last_digit(
    tiny_config: StudioConfig, seed: object, taken: int
) -> None:
    request = make_request(tiny_config, knobs={"seed": seed})
    assert request.sampling.seed == request.image_seed == taken and not request.any_seed
    torch.Generator().manual_seed(taken)


@pytest.mark.parametrize("seed", [-2, 2**63, 10**400, "9" * 5000, 1.5, "x", True, [1], {}, "nan"])
def test_an_impossible_seed_is_refused_with_a_sentence(
    tiny_config: StudioConfig, seed: object
) -> None:
    with pytest.raises(InputError, match="seed is .*; it must be"):
        make_request(tiny_config, knobs={"seed": seed})
