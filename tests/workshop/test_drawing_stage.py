"""Stage 3 draws the features it should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from seedstory_core.config import load_config
from seedstory_core.models.vae import ImageVae
from seedstory_core.models.vision import VisionEncoder
from seedstory_core.training.cache import (
    ImageCache,
    cache_features,
    cache_latents,
    open_cache,
)
from seedstory_core.training.stages.detokenizer import DeTokenizerStage
from seedstory_core.training.story_data import StreamStory
from tests.helpers.small import SMALL


def test_stage_three_draws_stories_from_both_features_and_loose_scenes_from_true_ones() -> None:
    config = load_config(None, SMALL)
    size = config.detokenizer.latent_size
    shape = (config.vision.n_queries, config.vision.output_dim)
    count = 20
    words = ("",) * count

    def cache(value: float) -> ImageCache:
        return ImageCache(
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
    # Each image once before any comes again.
    assert (values == 2.0).sum() == count


def test_a_data_set_without_loose_scenes_has_an_empty_cache(tmp_path: Path) -> None:
    config = load_config(None, SMALL)
    data, folder = tmp_path / "scenes.jsonl", tmp_path / "cache"
    data.write_text("")
    codec = ImageVae(config.detokenizer.vae).eval()
    for _ in range(2):
        cache_features(data, folder, config.vision, VisionEncoder(config.vision).eval())
        cache_latents(data, folder, config.detokenizer, codec, most=9)
    empty = open_cache(data, folder, with_latents=True)
    assert len(empty.features) == len(empty.latents) == len(empty.stories) == 0
