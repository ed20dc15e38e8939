"""Before stage 2: teach the decoder the language of the stories, without their pictures.

The released model begins with a language model that has read for months; ours begins with nothing.
Words alone are cheap: a window without its pictures costs less than half, so the decoder meets
twice as many names, pronouns and promises in the same time before it has to see and paint.

Windows have at most ten panels here, too, and every word stands at the position that it has beside
its pictures, so that stage 2 goes on from here without relearning distances.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seedstory_core.config import StudioConfig
from seedstory_core.data.storystream import StreamStory
from seedstory_core.generation.tokens import StoryTokenizer
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.training.loop import Batch
from seedstory_core.training.precision import fast_autocast
from seedstory_core.training.story_lm import IGNORED, Row, choose_stories, cut_window


class LanguageStage:
    """Next-token loss over the captions of windows."""

    name = "language"

    def __init__(
        self,
        config: StudioConfig,
        tokenizer: StoryTokenizer,
        stories: Sequence[StreamStory],
        validation: Sequence[StreamStory],
    ) -> None:
        """Prepare the stage.

        Args:
            config: The model's numbers.
            tokenizer: Trained on the same stories.
            stories: To learn from; only their captions are used.
            validation: That training does not see.
        """
        torch.manual_seed(15)
        self.config = config
        self.tokenizer = tokenizer
        self.stories = stories
        self.validation = validation
        model = StoryLM(config.decoder, config.input_resampler, config.output_resampler)
        model.input_resampler.requires_grad_(False)
        model.output_resampler.requires_grad_(False)
        self.model: nn.Module = model

    def make_batch(self, number: int, size: int) -> Batch:
        """Cut `size` windows out of stories."""
        chosen = choose_stories(len(self.stories), number, size)
        rng = np.random.default_rng((4000, number))
        return self._batch([self.stories[index] for index in chosen], rng)

    def loss(self, model: nn.Module, batch: Batch, step: int) -> tuple[Tensor, dict[str, float]]:
        """Language loss."""
        hidden = read_words(model, batch)  # type: ignore[arg-type]
        learned = batch["labels"] != IGNORED
        labels = batch["labels"][learned]
        scores = model.score(hidden[learned])  # type: ignore[operator]
        loss = F.cross_entropy(scores.float(), labels)
        right = (scores.argmax(-1) == labels).float().mean()
        return loss, {"lm_loss": float(loss.detach()), "token_accuracy": float(right)}

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
        separator = self.config.tokenizer.separator
        rows = [
            cut_window(self.tokenizer, separator, told, rng, with_pictures=False)[0]
            for told in stories
        ]
        return collate(rows, self.tokenizer.pad_id)


def collate(rows: Sequence[Row], pad_id: int) -> Batch:
    """Lay rows without pictures out as one batch, `[B, S]` each: ids, labels, positions."""
    shape = (len(rows), max(len(row.ids) for row in rows))
    batch = {
        "input_ids": torch.full(shape, pad_id),
        "labels": torch.full(shape, IGNORED),
        "positions": torch.zeros(shape, dtype=torch.long),
    }
    for index, row in enumerate(rows):
        length = len(row.ids)
        batch["input_ids"][index, :length] = torch.tensor(row.ids)
        batch["labels"][index, :length] = torch.tensor(row.labels)
        batch["positions"][index, :length] = torch.tensor(row.positions)
    return batch


def read_words(model: StoryLM, batch: Batch) -> Tensor:
    """Final states `[B, S, D]` of a batch of rows without pictures."""
    ids = batch["input_ids"]
    size = ids.shape[1]
    # Said outright: from jumping positions alone transformers would infer packed sequences.
    # Padding comes last, so that looking back alone keeps it out of sight.
    causal = torch.ones(1, 1, size, size, dtype=torch.bool, device=ids.device).tril()
    return model.decoder(
        input_ids=ids,
        position_ids=batch["positions"],
        attention_mask=causal.expand(len(ids), -1, -1, -1),
        use_cache=False,
    ).last_hidden_state
