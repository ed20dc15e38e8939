"""Stage 3 draws the features it should."""

from __future__ import annotations

import numpy as np
import torch

from seedstory_core.config import load_config
from seedstory_core.training.cache import PictureCache
from seedstory_core.training.stages.detokenizer import DeTokenizerStage
from seedstory_core.training.story_data import StreamStory
from tests.helpers.small import SMALL


def test_stage_three_draws_stories_from_both_features_and_loose_scenes_from_true_ones() -> None:
    config = load_config(None, SMALL)
    size = config.detokenizer.latent_size
    shape = (config.vision.n_queries, config.vision.output_dim)
    count = 20
    words = ("",) * count

    def cache(value: float) -> PictureCache:
        return PictureCache(
            np.full((count, *shape), value, np.float16),
            np.zeros((count, config.detokenizer.vae.latent_channels, size, size), np.float16),
            np.ones((count, size, size), np.float16),
            np.array([0, count]),
            [StreamStory("s", (), words, words, words)],
        )

    stage = DeTokenizerStage(
        "detokenizer_stage3",
        config.detokenizer,
        [cache(1.0), cache(2.0)],
        torch.zeros(1, *shape),
        regressed=np.full((count, *shape), 3.0, np.float16),
    )
    batches = [stage.make_batch(number, 2 * count) for number in (0, 0, 1)]
    values = batches[0]["features"].mean(dim=(1, 2))
    assert torch.equal(values, batches[1]["features"].mean(dim=(1, 2)))
    assert not torch.equal(values, batches[2]["features"].mean(dim=(1, 2)))
    assert set(values[::2].tolist()) == {1.0, 2.0}
    assert set(values[1::2].tolist()) == {2.0, 3.0}
    # Each picture once before any comes again.
    assert (values == 2.0).sum() == count
