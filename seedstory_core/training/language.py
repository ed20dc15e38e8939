"""Before stage 2: teach the decoder the language of the stories, without their pictures.

The released model begins with a language model that has read for months; ours begins with nothing.
Words alone are cheap: a window without its pictures costs less than half, so the decoder meets
twice as many names, pronouns and promises in the same time before it has to see and paint.

Windows have at most ten panels here, too, and every word stands at the position that it has beside
its pictures, so that stage 2 goes on from here without relearning distances.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from seedstory_core.config import StudioConfig
from seedstory_core.data.storystream import StreamStory
from seedstory_core.generation.tokens import StoryTokenizer
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.training.loop import Batch, Plan
from seedstory_core.training.precision import fast_autocast
from seedstory_core.training.rows import (
    IGNORED,
    Row,
    choose_stories,
    collate,
    cut_window,
    next_token_loss,
    read_words,
)


@dataclass(frozen=True)
class WordsPlan(Plan):
    """What a training of language needs to know beyond every plan.

    Attributes:
        num_stories: Learn from the first so many stories; 0 is all.
        mention_weight: Of the loss of the tokens that name somebody; 1 in the release.
        introduction_weight: Of the loss of the few tokens that bring somebody new into a story
            (`data/introductions.py`); 1 in the release.
        unlikelihood: Weight of the loss that pushes those away who are there already; 0 in the
            release.
    """

    num_stories: int = 0
    mention_weight: float = 1.0
    introduction_weight: float = 1.0
    unlikelihood: float = 0.0


class LanguageStage:
    """Next-token loss over the captions of windows."""

    name = "language"

    def __init__(
        self,
        config: StudioConfig,
        tokenizer: StoryTokenizer,
        stories: Sequence[StreamStory],
        validation: Sequence[StreamStory],
        plan: WordsPlan,
    ) -> None:
        """Prepare the stage.

        Args:
            config: The model's numbers.
            tokenizer: Trained on the same stories.
            stories: To learn from; only their captions are used.
            validation: That training does not see.
            plan: How the losses are weighed.
        """
        torch.manual_seed(15)
        self.config = config
        self.tokenizer = tokenizer
        self.stories = stories
        self.validation = validation
        self.plan = plan
        model = StoryLM(config.decoder, config.input_resampler, config.output_resampler)
        model.input_resampler.requires_grad_(False)
        model.output_resampler.requires_grad_(False)
        self.model: nn.Module = model

    def make_batch(self, number: int, size: int) -> Batch:
        """Cut `size` windows out of stories."""
        count = self.plan.num_stories or len(self.stories)
        chosen = choose_stories(count, number, size)
        rng = np.random.default_rng((4000, number))
        return self._batch([self.stories[index] for index in chosen], rng)

    def loss(self, model: nn.Module, batch: Batch, step: int) -> tuple[Tensor, dict[str, float]]:
        """Language loss."""
        hidden = read_words(model, batch)  # type: ignore[arg-type]
        learned = batch["labels"] != IGNORED
        scores = model.score(hidden[learned])  # type: ignore[operator]
        return next_token_loss(
            scores,
            batch["labels"][learned],
            batch["weights"][learned],
            batch["unlikely"][learned],
            self.plan.unlikelihood,
        )

    @torch.no_grad()
    def draw_sheet(self, model: nn.Module, path: Path) -> None:
        """Write the figures of stories that training does not see as text."""
        device = next(model.parameters()).device
        batch = self._batch(self.validation[:64], np.random.default_rng(0))
        with fast_autocast(device):
            batch = {name: tensor.to(device) for name, tensor in batch.items()}
            _, figures = self.loss(model, batch, 0)
        lines = [f"{name:14s} {value:.4f}" for name, value in figures.items()]
        path.with_suffix(".txt").write_text("\n".join(lines) + "\n")

    def _batch(self, stories: Sequence[StreamStory], rng: np.random.Generator) -> Batch:
        weights = self.plan.mention_weight, self.plan.introduction_weight
        rows = word_windows(self.config, self.tokenizer, stories, rng, weights)
        return collate(rows, self.tokenizer.pad_id)


def word_windows(
    config: StudioConfig,
    tokenizer: StoryTokenizer,
    stories: Sequence[StreamStory],
    rng: np.random.Generator,
    weights: tuple[float, float],
) -> list[Row]:
    """A window of words alone out of each story; weights of mentions and of introductions."""
    return [
        cut_window(
            tokenizer,
            config.tokenizer.separator,
            told,
            rng,
            with_pictures=False,
            mention_weight=weights[0],
            introduction_weight=weights[1],
        )[0]
        for told in stories
    ]
