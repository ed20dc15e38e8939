"""Stage 2: train the story model on windows of at most ten panels.

One pass trains every panel of a window (`rows.py`). With `loss_panels="last"` only the last panel
carries loss, as in the release. Every step also reads some windows of words alone.

Two things prepare a ten-panel model for longer stories: windows begin anywhere in a story, and in
some of them panels before a random window are reduced to their sink rows and moved further away, as
the multimodal attention sink does it.

Source: SEED-Story (arXiv:2407.08683), sections 3.2 and 3.4.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seedstory_core.config import StudioConfig
from seedstory_core.generation.policies import MemoryPolicy
from seedstory_core.generation.tokens import StoryTokenizer
from seedstory_core.training.cache import ImageCache, take
from seedstory_core.training.plan import Plan
from seedstory_core.training.rows import (
    IGNORED,
    MOST_PANELS,
    Row,
    Weigh,
    attention_mask,
    collate,
    read_words,
    run_rows,
)
from seedstory_core.training.runs import Runs
from seedstory_core.training.stage import Batch, Stage
from seedstory_core.training.stages.language import LanguageStage, StoryPlan, words_of
from seedstory_core.training.story_data import StreamStory

SINK_SHARE = 0.4
"""Share of the windows that are read as the multimodal attention sink leaves them."""


class StoryStage(LanguageStage):
    """Next-token loss and cosine regression over windows of stories with their images."""

    name = "story_lm"

    def __init__(
        self,
        config: StudioConfig,
        tokenizer: StoryTokenizer,
        cache: ImageCache,
        validation: ImageCache,
        words: Sequence[StreamStory],
        plan: StoryPlan,
        weigh: Weigh | None = None,
    ) -> None:
        """Prepare the stage.

        Args:
            config: The model's numbers.
            tokenizer: Tokenizer of the base language model.
            cache: Training stories with the features of their images.
            validation: Likewise, stories that training does not see.
            words: Stories without images; needed only if the plan reads windows of words.
            plan: Its plan.
            weigh: Returns parts of captions with another loss weight, by the data set.
        """
        super().__init__(config, tokenizer, words, validation.stories, plan, weigh)
        self.cache, self.validation = cache, validation

    def make_batch(self, number: int, size: int) -> Batch:
        """Cut `size` windows out of stories, and those of words alone (`words_…`)."""
        stories = self.cache.stories
        windows = self.windows(stories, number, size, seed=3000, with_images=True)
        batch = self._batch(self.cache, windows, np.random.default_rng((3001, number)))
        if self.plan.num_word_windows:
            words = super().make_batch(number, self.plan.num_word_windows)
            batch |= {f"words_{name}": tensor for name, tensor in words.items()}
        return batch

    def validation_batch(self, first: int, size: int) -> Batch:
        """Return windows of `size` validation stories from `first` on."""
        rng, stories = np.random.default_rng(first), self.validation.stories
        windows = [
            (story, *self.window(stories[story], rng, with_images=True))
            for story in range(first, min(first + size, len(stories)))
        ]
        return self._batch(self.validation, windows, rng)

    def loss(self, model: nn.Module, batch: Batch, step: int) -> tuple[Tensor, dict[str, float]]:
        """Return the language loss plus the scaled regression loss."""
        hidden, regressed, targets = run_rows(model, batch)  # type: ignore[arg-type]
        parts = [(hidden, batch)]
        words = {
            name.removeprefix("words_"): tensor
            for name, tensor in batch.items()
            if name.startswith("words_")
        }
        if words:
            parts.append((read_words(model, words), words))  # type: ignore[arg-type]
        lm_loss, figures = self.language_loss(model, parts)
        similarity = F.cosine_similarity(regressed.float(), targets.float(), dim=-1)
        rec_loss = 1 - similarity[batch["regress"]].mean()
        figures["rec_loss"] = float(rec_loss.detach())
        return lm_loss + self.plan.rec_loss_scale * rec_loss, figures

    def _batch(
        self,
        cache: ImageCache,
        windows: Sequence[tuple[int, Row, int]],
        rng: np.random.Generator,
    ) -> Batch:
        rows, masks, images = [], [], []
        for story, row, first in windows:
            policy = None
            if rng.random() < SINK_SHARE:
                policy = MemoryPolicy(
                    policy="multimodal_attention_sink",
                    window_panels=int(rng.integers(2, MOST_PANELS)),
                )
            rows.append(row)
            masks.append(attention_mask(row, policy))
            begin = int(cache.first[story]) + first
            images.append(np.arange(begin, begin + len(row.spans)))
        return self._collate(rows, masks, take(cache.features, np.concatenate(images)))

    def _collate(self, rows: list[Row], masks: list[Tensor], features: Tensor) -> Batch:
        batch = collate(rows, self.tokenizer.pad_id)
        count, size = batch["input_ids"].shape
        mask = torch.zeros(count, 1, size, size, dtype=torch.bool)
        image_places = torch.zeros(count, size, dtype=torch.bool)
        query_places = torch.zeros(count, size, dtype=torch.bool)
        regress = []
        for index, row in enumerate(rows):
            length = len(row.ids)
            mask[index, 0, :length, :length] = masks[index]
            image_places[index, :length] = torch.tensor(row.image_of) >= 0
            query_places[index, :length] = torch.tensor(row.query_of) >= 0
            wanted = list(row.regress)
            if self.plan.loss_panels == "last":
                wanted = [False] * (len(wanted) - 1) + wanted[-1:]
                last = torch.tensor(row.panel_of) < len(row.spans) - 1
                # The separator that opens the last panel is predicted by the panel before.
                batch["labels"][index, :length][last] = IGNORED
            regress += wanted
        # Padding sees itself, since a softmax over nothing is NaN.
        mask |= torch.eye(size, dtype=torch.bool)
        return batch | {
            "mask": mask,
            "image_places": image_places,
            "query_places": query_places,
            "features": features,
            "regress": torch.tensor(regress),
        }


def build(runs: Runs, plan: Plan) -> Stage:
    """Build the stage, with the weights of `language`."""
    assert isinstance(plan, StoryPlan)
    caches = runs.cache("train"), runs.cache("validation")
    stage = StoryStage(runs.config, runs.tokenizer(), *caches, words_of(runs), plan)
    runs.start("language", stage.model)
    return stage
