"""Regress training images from the stories so far with the story model, for stage 3."""

from __future__ import annotations

import numpy as np
import torch

from seedstory_core.training.cache import take
from seedstory_core.training.features import features_of
from seedstory_core.training.plan import DataPlan
from seedstory_core.training.precision import fast_autocast
from seedstory_core.training.rows import MOST_PANELS, attention_mask, pack, run_rows
from seedstory_core.training.runs import Runs


@torch.no_grad()
def regress(runs: Runs, plan: DataPlan) -> None:
    """Regress the images that stage 3 learns to draw.

    Reads windows of at most ten panels, one after the other, as stage 2 does. Token lengths are
    those of the true features, since the cosine loss leaves them open.
    """
    cache, tokenizer, model = runs.cache("train"), runs.tokenizer(), runs.story_lm()
    folder = runs.folder / "regress"
    folder.mkdir(parents=True, exist_ok=True)
    target = np.lib.format.open_memmap(
        folder / "features.npy", mode="w+", dtype=np.float16, shape=cache.features.shape
    )
    for number, story in enumerate(cache.stories):
        begin = int(cache.first[number])
        if begin >= plan.drawn_pictures:
            break
        for first in range(0, len(story.captions), MOST_PANELS):
            captions = story.captions[first : first + MOST_PANELS]
            row = pack(
                *(tokenizer, runs.config.tokenizer.separator, captions, [""] * len(captions)),
                hints=story.hints[first : first + MOST_PANELS],
                from_middle=first > 0,
            )
            rows = np.arange(begin + first, begin + first + len(captions))
            batch = {
                "input_ids": torch.tensor([row.ids]),
                "positions": torch.tensor([row.positions]),
                "mask": attention_mask(row)[None, None],
                "image_places": torch.tensor([row.image_of]) >= 0,
                "query_places": torch.tensor([row.query_of]) >= 0,
                "features": take(cache.features, rows),
            }
            batch = {key: value.to(runs.device) for key, value in batch.items()}
            with fast_autocast(runs.device):
                _, regressed, true = run_rows(model, batch)
            target[rows] = features_of(regressed.float(), true).cpu().numpy()
    target.flush()
