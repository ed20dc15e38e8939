"""What is rare comes more often, and stage 3 draws the features it should."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from small import SMALL

from seedstory_core.config import load_config
from seedstory_core.data.storystream import StreamStory
from seedstory_core.data.world import Actor, Scene
from seedstory_core.training.balance import repeat_factors, traits
from seedstory_core.training.cache import PictureCache
from seedstory_core.training.detokenizer import DeTokenizerStage

COMMON = Scene("garden", (Actor("fox"),))
BACK = Scene("garden", (Actor("fox", facing="left"),))
BALL = Scene("garden", (Actor("fox"),), prop="ball", holder=0)
NEAR = Scene("garden", (Actor("fox", "jump"),), camera="close")


def test_a_picture_counts_as_much_as_its_rarest_trait() -> None:
    scenes = [COMMON] * 96 + [BACK] * 4
    factors = repeat_factors(scenes, 0.25)
    assert factors[:96] == pytest.approx(np.ones(96))
    assert factors[96:] == pytest.approx(np.full(4, 2.5))  # sqrt(0.25 / 0.04)


@pytest.mark.parametrize("rare", [BACK, BALL, NEAR])
def test_facing_props_and_near_poses_are_traits(rare: Scene) -> None:
    assert traits(rare) - traits(COMMON)
    assert repeat_factors([COMMON] * 19 + [rare], 0.2)[-1] == pytest.approx(2.0)


def test_what_is_common_everywhere_stays_as_it_is() -> None:
    assert repeat_factors([COMMON, BACK], 0.2) == pytest.approx(np.ones(2))


def test_stage_three_draws_stories_from_both_features_and_loose_scenes_from_true_ones() -> None:
    config = load_config(None, SMALL)
    size = config.detokenizer.latent_size
    shape = (config.vision.n_queries, config.vision.output_dim)

    def cache(scenes: tuple[Scene, ...], value: float) -> PictureCache:
        count = len(scenes)
        return PictureCache(
            np.full((count, *shape), value, np.float16),
            np.zeros((count, config.detokenizer.vae.latent_channels, size, size), np.float16),
            np.ones((count, size, size), np.float16),
            np.array([0, count]),
            [StreamStory("s", (), ("",) * count, ("",) * count, scenes)],
        )

    caches = [cache((COMMON,) * 19 + (BACK,), 1.0), cache((BALL,) * 20, 2.0)]
    stage = DeTokenizerStage(
        "adapt",
        config.detokenizer,
        caches,
        torch.zeros(1, *shape),
        regressed=np.full((20, *shape), 3.0, np.float16),
        repeat_threshold=0.4,
    )
    batches = [stage.make_batch(number, 400) for number in (0, 0, 1)]
    values = batches[0]["features"].mean(dim=(1, 2))
    assert torch.equal(values, batches[1]["features"].mean(dim=(1, 2)))
    assert not torch.equal(values, batches[2]["features"].mean(dim=(1, 2)))
    assert set(values[::2].tolist()) == {1.0, 2.0}
    assert set(values[1::2].tolist()) == {2.0, 3.0}
    # One in forty faces left; it counts four times as much as the others.
    assert stage.shares is not None
    assert stage.shares[19] == pytest.approx(4 * stage.shares[0])

    with pytest.raises(ValueError, match="what its pictures show"):
        DeTokenizerStage(
            "adapt",
            config.detokenizer,
            [cache((), 1.0), dataclasses.replace(caches[0], stories=[])],
            torch.zeros(1, *shape),
            repeat_threshold=0.4,
        )
