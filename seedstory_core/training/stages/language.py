"""Train the base language model on the stories' words alone, before stage 2.

That is cheaper than with the images. Every word has the position that it has beside the images, so
that both trainings teach the same model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from seedstory_core.config import StudioConfig
from seedstory_core.generation.tokens import StoryTokenizer
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.training.plan import Plan
from seedstory_core.training.precision import fast_autocast
from seedstory_core.training.rows import (
    IGNORED,
    Row,
    Weigh,
    choose_stories,
    collate,
    cut_window,
    next_token_loss,
    read_words,
)
from seedstory_core.training.runs import Runs
from seedstory_core.training.stage import Batch, Stage
from seedstory_core.training.story_data import StreamStory, read_stories

DEALT_TOGETHER = 8
"""Batches whose windows are cut together and divided by length."""


@dataclass(frozen=True)
class StoryPlan(Plan):
    """The plan of a language training.

    Attributes:
        num_word_windows: Windows of words alone that every step reads beside its batch.
        rec_loss_scale: Weight of the regression loss; the language loss weighs 1. The release has
            1 and trains far longer; for the tiny model images are the harder task.
        compile_layers: Whether torch compiles the decoder's layers, which is faster and needs a
            C++ compiler.
        loss_panels: `all`, or `last` as in the release.
    """

    num_word_windows: int = 0
    rec_loss_scale: float = 4.0
    loss_panels: str = "all"
    compile_layers: bool = False


class LanguageStage(Stage):
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
            tokenizer: Tokenizer of the base language model.
            stories: Training stories.
            validation: Stories that training does not see.
            plan: Its plan.
            weigh: Returns parts of captions with another loss weight, by the data set.
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
        windows = self.windows(self.stories, number, size, seed=5000, with_images=False)
        return collate([row for _, row, _ in windows], self.tokenizer.pad_id)

    def windows(
        self,
        stories: Sequence[StreamStory],
        number: int,
        size: int,
        *,
        seed: int,
        with_images: bool,
    ) -> list[tuple[int, Row, int]]:
        """Return the windows of batch `number`, of similar length, so that it has little padding.

        They are cut for several batches at once and divided by length.

        Returns:
            For each window the number of its story, its row and its first panel.
        """
        group, place = divmod(number, DEALT_TOGETHER)
        rng = np.random.default_rng((seed, group))
        cut = [
            (story, *self.window(stories[story], rng, with_images=with_images))
            for story in choose_stories(len(stories), group, size * DEALT_TOGETHER)
        ]
        cut.sort(key=lambda window: len(window[1].ids))
        first = int(rng.permutation(DEALT_TOGETHER)[place]) * size
        return cut[first : first + size]

    def window(
        self, told: StreamStory, rng: np.random.Generator, *, with_images: bool
    ) -> tuple[Row, int]:
        """Return a window of a story as a row, and its first panel."""
        return cut_window(
            *(self.tokenizer, self.config.tokenizer.separator, told, rng),
            with_images=with_images,
            weigh=self.weigh,
        )

    def loss(self, model: nn.Module, batch: Batch, step: int) -> tuple[Tensor, dict[str, float]]:
        """Return the language loss."""
        return self.language_loss(model, [(read_words(model, batch), batch)])  # type: ignore[arg-type]

    @staticmethod
    def language_loss(
        model: nn.Module, parts: Sequence[tuple[Tensor, Batch]]
    ) -> tuple[Tensor, dict[str, float]]:
        """Return the loss of all learned tokens of batches, from their final states `[B, S, D]`."""
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
        """Write the figures of validation windows as text."""
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
        """Return windows of `size` validation stories from `first` on."""
        rng = np.random.default_rng(first)
        chosen = self.held_out[first : first + size]
        rows = [self.window(told, rng, with_images=False)[0] for told in chosen]
        return collate(rows, self.tokenizer.pad_id)


def build(runs: Runs, plan: Plan) -> Stage:
    """Build the stage, with the weights of `base`."""
    assert isinstance(plan, StoryPlan)
    held_out = list(read_stories(runs.data / "validation.jsonl"))
    stage = LanguageStage(runs.config, runs.tokenizer(), words_of(runs), held_out, plan)
    runs.start("base", stage.model)
    return stage


def words_of(runs: Runs) -> list[StreamStory]:
    """Return every training story that can be read without its images."""
    return [s for part in ("train", "words") for s in read_stories(runs.data / f"{part}.jsonl")]
