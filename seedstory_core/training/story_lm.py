"""Stage 2: train the story model on windows of at most ten panels.

One pass trains every panel of a window (`rows.py`). With `loss_panels="last"` only the last panel
carries loss, as in the release.

Two things prepare a ten-panel model for longer stories: windows begin anywhere in a story, and in
some of them panels beyond a random window are reduced to their sink rows and pushed further away,
as the multimodal attention sink will do it.

The stage `language` comes before: the base language model reads the stories' words alone, which
cost less than half. Every word stands at the position that it has beside its pictures, so that both
kinds teach the same model; stage 2 goes on reading some windows of words beside its own.

Source: SEED-Story (arXiv:2407.08683), sections 3.2 and 3.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seedstory_core.config import StudioConfig
from seedstory_core.generation.policies import MemoryPolicy
from seedstory_core.generation.tokens import StoryTokenizer
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.training.cache import PictureCache, take
from seedstory_core.training.loop import Batch, Plan
from seedstory_core.training.precision import fast_autocast
from seedstory_core.training.rows import (
    IGNORED,
    MOST_PANELS,
    Row,
    Weigh,
    attention_mask,
    choose_stories,
    collate,
    cut_window,
    next_token_loss,
    read_words,
    run_rows,
)
from seedstory_core.training.story_data import StreamStory

DEALT_TOGETHER = 8
"""Batches whose windows are cut together and dealt out by length."""


@dataclass(frozen=True)
class StoryPlan(Plan):
    """What reading stories needs to know beyond every plan.

    Attributes:
        num_word_windows: Windows of words alone that every step reads beside its batch.
        rec_loss_scale: Weight of the pictures' loss; the language loss weighs 1. The release has 1
            and trains far longer; the tiny model's pictures are the harder task.
        compile_layers: Whether torch compiles the decoder's layers. A step then takes four fifths
            of the time on a CPU; it needs a C++ compiler.
        loss_panels: `all`, or `last` as in the release.
    """

    num_word_windows: int = 0
    rec_loss_scale: float = 4.0
    loss_panels: str = "all"
    compile_layers: bool = False


class LanguageStage:
    """Next-token loss over windows of words."""

    name = "language"

    def __init__(
        self,
        config: StudioConfig,
        tokenizer: StoryTokenizer,
        stories: Sequence[StreamStory],
        validation: Sequence[StreamStory],
        plan: StoryPlan,
        weigh: Weigh | None = None,
    ) -> None:
        """Prepare the stage.

        Args:
            config: The model's numbers.
            tokenizer: Of the base language model.
            stories: What is read.
            validation: What training does not see.
            plan: How much is read.
            weigh: Parts of captions that weigh more, by the data set.
        """
        torch.manual_seed(15)
        self.config, self.tokenizer, self.plan, self.weigh = config, tokenizer, plan, weigh
        self.stories, self.held_out = stories, validation
        model = StoryLM(config.decoder, config.input_resampler, config.output_resampler)
        if plan.compile_layers:
            for layer in cast(nn.ModuleList, model.decoder.layers):
                layer.compile(dynamic=True)
        self.model: nn.Module = model

    def make_batch(self, number: int, size: int) -> Batch:
        """Cut `size` windows of words out of stories."""
        windows = self.windows(self.stories, number, size, seed=5000, with_pictures=False)
        return collate([row for _, row, _ in windows], self.tokenizer.pad_id)

    def windows(
        self,
        stories: Sequence[StreamStory],
        number: int,
        size: int,
        *,
        seed: int,
        with_pictures: bool,
    ) -> list[tuple[int, Row, int]]:
        """The windows of batch `number`, all about as long, so that little of it is padding.

        They are cut for several batches at once and dealt out by length: a batch of eight is
        padding to a thirtieth instead of a seventh.

        Returns:
            Of each window the number of its story, its row and its first panel.
        """
        group, place = divmod(number, DEALT_TOGETHER)
        rng = np.random.default_rng((seed, group))
        cut = [
            (story, *self.window(stories[story], rng, with_pictures=with_pictures))
            for story in choose_stories(len(stories), group, size * DEALT_TOGETHER)
        ]
        cut.sort(key=lambda window: len(window[1].ids))
        first = int(rng.permutation(DEALT_TOGETHER)[place]) * size
        return cut[first : first + size]

    def window(
        self, told: StreamStory, rng: np.random.Generator, *, with_pictures: bool
    ) -> tuple[Row, int]:
        """A window of a story, and its first panel."""
        return cut_window(
            *(self.tokenizer, self.config.tokenizer.separator, told, rng),
            with_pictures=with_pictures,
            weigh=self.weigh,
        )

    def loss(self, model: nn.Module, batch: Batch, step: int) -> tuple[Tensor, dict[str, float]]:
        """Language loss."""
        return self.language_loss(model, [(read_words(model, batch), batch)])  # type: ignore[arg-type]

    @staticmethod
    def language_loss(
        model: nn.Module, parts: Sequence[tuple[Tensor, Batch]]
    ) -> tuple[Tensor, dict[str, float]]:
        """Loss of all learned tokens of several batches, from their final states `[B, S, D]`."""
        masks = [part["labels"] != IGNORED for _, part in parts]
        states, labels, weights = (
            torch.cat([values[mask] for values, mask in zip(tensors, masks, strict=True)])
            for tensors in (
                [states for states, _ in parts],
                [part["labels"] for _, part in parts],
                [part["weights"] for _, part in parts],
            )
        )
        return next_token_loss(model.score(states), labels, weights)  # type: ignore[operator]

    @torch.no_grad()
    def draw_sheet(self, model: nn.Module, path: Path) -> None:
        """Write the figures of windows that training does not see as text."""
        device = next(model.parameters()).device
        sums: dict[str, float] = {}
        count = min(48, len(self.held_out))
        for first in range(0, count, 4):
            size = min(4, count - first)
            batch = self.validation_batch(first, size)
            batch = {name: tensor.to(device) for name, tensor in batch.items()}
            with fast_autocast(device):
                _, figures = self.loss(model, batch, 0)
            for name, value in figures.items():
                sums[name] = sums.get(name, 0.0) + value * size / count
        lines = [f"{name:14s} {value:.4f}" for name, value in sums.items()]
        path.with_suffix(".txt").write_text("\n".join(lines) + "\n")

    def validation_batch(self, first: int, size: int) -> Batch:
        """Windows of the stories from `first` on that training does not see."""
        rng = np.random.default_rng(first)
        chosen = self.held_out[first : first + size]
        rows = [self.window(told, rng, with_pictures=False)[0] for told in chosen]
        return collate(rows, self.tokenizer.pad_id)


class StoryStage(LanguageStage):
    """Next-token loss and cosine regression over windows of stories with their pictures."""

    name = "story_lm"

    def __init__(
        self,
        config: StudioConfig,
        tokenizer: StoryTokenizer,
        cache: PictureCache,
        validation: PictureCache,
        words: Sequence[StreamStory],
        plan: StoryPlan,
        weigh: Weigh | None = None,
    ) -> None:
        """Prepare the stage.

        Args:
            config: The model's numbers.
            tokenizer: Of the base language model.
            cache: Stories with the features of their pictures.
            validation: The same of stories that training does not see.
            words: Stories without pictures; none are needed while the plan reads none.
            plan: How the losses are weighed.
            weigh: Parts of captions that weigh more, by the data set.
        """
        super().__init__(config, tokenizer, words, validation.stories, plan, weigh)
        self.cache, self.validation = cache, validation

    def make_batch(self, number: int, size: int) -> Batch:
        """Cut `size` windows out of stories, and those of words alone (`words_…`)."""
        stories = self.cache.stories
        windows = self.windows(stories, number, size, seed=3000, with_pictures=True)
        batch = self._batch(self.cache, windows, np.random.default_rng((3001, number)))
        if self.plan.num_word_windows:
            words = super().make_batch(number, self.plan.num_word_windows)
            batch |= {f"words_{name}": tensor for name, tensor in words.items()}
        return batch

    def validation_batch(self, first: int, size: int) -> Batch:
        """Windows of the stories from `first` on that training does not see."""
        rng, stories = np.random.default_rng(first), self.validation.stories
        windows = [
            (story, *self.window(stories[story], rng, with_pictures=True))
            for story in range(first, min(first + size, len(stories)))
        ]
        return self._batch(self.validation, windows, rng)

    def loss(self, model: nn.Module, batch: Batch, step: int) -> tuple[Tensor, dict[str, float]]:
        """Language loss plus scaled regression loss."""
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
        cache: PictureCache,
        windows: Sequence[tuple[int, Row, int]],
        rng: np.random.Generator,
    ) -> Batch:
        rows, masks, pictures = [], [], []
        for story, row, first in windows:
            rule = None
            if rng.random() < 0.4:
                rule = MemoryPolicy(
                    policy="multimodal_attention_sink",
                    window_panels=int(rng.integers(2, MOST_PANELS)),
                )
            rows.append(row)
            masks.append(attention_mask(row, rule))
            begin = int(cache.first[story]) + first
            pictures.append(np.arange(begin, begin + len(row.spans)))
        return self._collate(rows, masks, take(cache.features, np.concatenate(pictures)))

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
        # Padding looks at itself, since a softmax over nothing is not a number.
        mask |= torch.eye(size, dtype=torch.bool)
        return batch | {
            "mask": mask,
            "image_places": image_places,
            "query_places": query_places,
            "features": features,
            "regress": torch.tensor(regress),
        }
