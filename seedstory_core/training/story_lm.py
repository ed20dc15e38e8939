"""Stage 2: train the story model on windows of at most ten panels.

One pass trains every panel of a window (`rows.py`). With `loss_panels="last"` only the last panel
carries loss, as in the release.

Two things prepare a ten-panel model for longer stories: windows begin anywhere in a story, and in
some of them panels beyond a random window are reduced to their sink rows and pushed further away,
as the multimodal attention sink will do it.

Beside them every step may read windows of words alone, of stories that nobody drew. The release
begins with a language model that has read for months; ours begins with nothing, and would learn a
few thousand stories by heart. Words alone cost less than half, and every word stands at the
position that it has beside its pictures, so that both kinds teach the same model.

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
from seedstory_core.data.storystream import StreamStory
from seedstory_core.generation.sink import SinkRule
from seedstory_core.generation.tokens import StoryTokenizer
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.training.cache import PictureCache, take
from seedstory_core.training.loop import Batch, Plan
from seedstory_core.training.precision import fast_autocast
from seedstory_core.training.rows import (
    IGNORED,
    MOST_PANELS,
    Row,
    attention_mask,
    choose_stories,
    collate,
    cut_window,
    next_token_loss,
    read_words,
    run_rows,
)


@dataclass(frozen=True)
class StoryPlan(Plan):
    """What stage 2 needs to know beyond every plan.

    Attributes:
        num_word_windows: Windows of words alone that every step reads beside its batch.
        mention_weight: Of the loss of the tokens that name somebody; 1 in the release.
        introduction_weight: Of the loss of the few tokens that bring somebody new into a story
            (`data/introductions.py`); 1 in the release.
        unlikelihood: Weight of the loss that pushes those away who are there already; 0 in the
            release.
        names_from: The first step at which these three count.
        rec_loss_scale: Weight of the pictures' loss; the language loss weighs 1. The release has 1
            and trains far longer; the tiny model's pictures are the harder task.
        compile_layers: Whether torch compiles the decoder's layers. A step then takes four fifths
            of the time on a CPU; it needs a C++ compiler.
        loss_panels: `all`, or `last` as in the release.
    """

    num_word_windows: int = 0
    mention_weight: float = 1.0
    introduction_weight: float = 1.0
    unlikelihood: float = 0.0
    names_from: int = 0
    rec_loss_scale: float = 4.0
    loss_panels: str = "all"
    compile_layers: bool = False


class StoryStage:
    """Next-token loss and cosine regression over windows of stories."""

    name = "story_lm"

    def __init__(
        self,
        config: StudioConfig,
        tokenizer: StoryTokenizer,
        cache: PictureCache,
        validation: PictureCache,
        words: Sequence[StreamStory],
        plan: StoryPlan,
    ) -> None:
        """Prepare the stage.

        Args:
            config: The model's numbers.
            tokenizer: Trained on the same stories.
            cache: Stories with the features of their pictures.
            validation: The same of stories that training does not see.
            words: Stories without pictures; none are needed while the plan reads none.
            plan: How the losses are weighed.
        """
        torch.manual_seed(15)
        self.config = config
        self.tokenizer = tokenizer
        self.cache = cache
        self.validation = validation
        self.words = words
        self.plan = plan
        model = StoryLM(config.decoder, config.input_resampler, config.output_resampler)
        if plan.compile_layers:
            for layer in cast(nn.ModuleList, model.decoder.layers):
                layer.compile(dynamic=True)
        self.model: nn.Module = model

    def make_batch(self, number: int, size: int) -> Batch:
        """Cut `size` windows out of stories, and those of words alone (`words_…`)."""
        plan = self.plan
        weights = (1.0, 1.0)
        if number >= plan.names_from:
            weights = (plan.mention_weight, plan.introduction_weight)
        chosen = choose_stories(len(self.cache.stories), number, size)
        rng = np.random.default_rng((3000, number))
        batch = self._batch(self.cache, chosen, rng, weights)
        if plan.num_word_windows:
            chosen = choose_stories(len(self.words), number, plan.num_word_windows)
            stories = [self.words[index] for index in chosen]
            rng = np.random.default_rng((5000, number))
            rows = [self._window(told, rng, weights, with_pictures=False)[0] for told in stories]
            words = collate(rows, self.tokenizer.pad_id)
            batch |= {f"words_{name}": tensor for name, tensor in words.items()}
        return batch

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
            hidden = read_words(model, words)  # type: ignore[arg-type]
            parts.append((hidden, words))
        learned = [part["labels"] != IGNORED for _, part in parts]
        states = torch.cat([s[mask] for (s, _), mask in zip(parts, learned, strict=True)])
        labels, weights, unlikely = (
            torch.cat([part[name][mask] for (_, part), mask in zip(parts, learned, strict=True)])
            for name in ("labels", "weights", "unlikely")
        )
        scores = model.score(states)  # type: ignore[operator]
        unlikelihood = self.plan.unlikelihood if step >= self.plan.names_from else 0.0
        lm_loss, figures = next_token_loss(scores, labels, weights, unlikely, unlikelihood)
        similarity = F.cosine_similarity(regressed.float(), targets.float(), dim=-1)
        rec_loss = 1 - similarity[batch["regress"]].mean()
        figures["rec_loss"] = float(rec_loss.detach())
        return lm_loss + self.plan.rec_loss_scale * rec_loss, figures

    @torch.no_grad()
    def draw_sheet(self, model: nn.Module, path: Path) -> None:
        """Write the figures of windows that training does not see as text."""
        device = next(model.parameters()).device
        sums: dict[str, float] = {}
        weights = self.plan.mention_weight, self.plan.introduction_weight
        count = min(64, len(self.validation.stories))
        for first in range(0, count, 4):
            chosen = list(range(first, min(first + 4, count)))
            rng = np.random.default_rng(first)
            batch = self._batch(self.validation, chosen, rng, weights)
            batch = {name: tensor.to(device) for name, tensor in batch.items()}
            with fast_autocast(device):
                _, figures = self.loss(model, batch, 0)
            for name, value in figures.items():
                sums[name] = sums.get(name, 0.0) + value * len(chosen) / count
        lines = [f"{name:14s} {value:.4f}" for name, value in sums.items()]
        path.with_suffix(".txt").write_text("\n".join(lines) + "\n")

    def _batch(
        self,
        cache: PictureCache,
        chosen: Sequence[int],
        rng: np.random.Generator,
        weights: tuple[float, float],
    ) -> Batch:
        rows, masks, pictures = [], [], []
        for story in chosen:
            row, first = self._window(cache.stories[story], rng, weights)
            rule = None
            if rng.random() < 0.4:
                rule = SinkRule(window_panels=int(rng.integers(2, MOST_PANELS)))
            rows.append(row)
            masks.append(attention_mask(row, rule))
            begin = int(cache.first[story]) + first
            pictures.append(np.arange(begin, begin + len(row.spans)))
        return self._collate(rows, masks, take(cache.features, np.concatenate(pictures)))

    def _window(
        self,
        told: StreamStory,
        rng: np.random.Generator,
        weights: tuple[float, float],
        *,
        with_pictures: bool = True,
    ) -> tuple[Row, int]:
        return cut_window(
            self.tokenizer,
            self.config.tokenizer.separator,
            told,
            rng,
            with_pictures=with_pictures,
            mention_weight=weights[0],
            introduction_weight=weights[1],
        )

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
