"""Stage 2: train the story model on windows of at most ten panels.

One pass trains every panel of a window. Each picture stands there twice: as image queries, from
which its features are regressed, and as the picture read back, which later panels see. A mask
keeps the two apart, and both stand at the same positions, so that training reads the very rows
that a turn reads (`generation/decode.py`). With `loss_panels="last"` only the last panel carries
loss, as in the release.

Two things prepare a ten-panel model for longer stories: windows begin anywhere in a story, and in
some of them panels beyond a random window are reduced to their sink rows and pushed further away,
as the multimodal attention sink will do it.

Source: SEED-Story (arXiv:2407.08683), sections 3.2 and 3.4; position gaps: PoSE (arXiv:2309.10400).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seedstory_core.config import StudioConfig
from seedstory_core.data.storystream import StreamStory
from seedstory_core.generation.sink import PanelSpan, SinkRule, kept_ranges
from seedstory_core.generation.tokens import StoryTokenizer
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.training.cache import PictureCache, take
from seedstory_core.training.introductions import introductions, tokens_in
from seedstory_core.training.loop import Batch
from seedstory_core.training.precision import fast_autocast

IGNORED = -100
MOST_PANELS = 10


@dataclass
class Row:
    """One window as a row of tokens.

    Attributes:
        ids: Token ids; image queries and pictures read back both use the image tokens' ids.
        positions: Rotary positions; a picture's queries and its reading stand at the same ones.
        labels: The token that each token should predict, or `IGNORED`.
        weights: How much each label's loss weighs.
        query_of: Panel whose image queries a token belongs to, else -1.
        image_of: Panel whose read-back picture a token belongs to, else -1.
        panel_of: Panel of every token.
        spans: Where each panel's rows lie when its queries are left out.
        story_row: Index of a token among those rows, -1 for queries.
        regress: Whether each panel's picture is to be regressed.
    """

    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    query_of: list[int] = field(default_factory=list)
    image_of: list[int] = field(default_factory=list)
    panel_of: list[int] = field(default_factory=list)
    story_row: list[int] = field(default_factory=list)
    spans: list[PanelSpan] = field(default_factory=list)
    regress: list[bool] = field(default_factory=list)


def pack(
    tokenizer: StoryTokenizer,
    separator: str,
    captions: Sequence[str],
    reader_texts: Sequence[str],
    *,
    gap_before: int = -1,
    gap: int = 0,
    ends: bool = False,
    with_pictures: bool = True,
    introduction_weight: float = 1.0,
) -> Row:
    """Lay a window of panels out as one row.

    Args:
        tokenizer: Of the story model.
        separator: Text before every caption but the first.
        captions: One per panel; an empty one is a picture without words, which is only read.
        reader_texts: Beginning of each caption that carries no language loss.
        gap_before: Panel before which positions jump, or -1.
        gap: By how many positions.
        ends: Whether the end token follows the last picture.
        with_pictures: Without, the rows of the pictures are left out; the words stand where they
            stand with them, and between the marks of a picture the positions jump.
        introduction_weight: Of the tokens with which somebody new is named.
    """
    row = Row()
    new_names = introductions(captions)
    separator_ids = tokenizer.encode_text(separator)
    position = 0

    def put(
        token: int,
        panel: int,
        *,
        learn: bool,
        query: int = -1,
        image: int = -1,
        weight: float = 1.0,
    ) -> None:
        row.ids.append(token)
        row.positions.append(position)
        row.panel_of.append(panel)
        row.query_of.append(query)
        row.image_of.append(image)
        row.story_row.append(-1 if query >= 0 else num_rows)
        # The label of a token is put on the token before it in the story (queries are aside).
        if learn and previous >= 0:
            row.labels[previous], row.weights[previous] = token, weight
        row.labels.append(IGNORED)
        row.weights.append(1.0)

    num_rows = 0
    previous = -1
    for panel, (caption, reader_text) in enumerate(zip(captions, reader_texts, strict=True)):
        if panel == gap_before:
            position += gap
        start = num_rows
        opening = [tokenizer.bos_id] if panel == 0 else separator_ids
        caption_ids = tokenizer.encode_text(caption) if caption else []
        num_given = len(tokenizer.encode_text(reader_text)) if reader_text else 0
        tokens = [*opening, *caption_ids, tokenizer.boi_id]
        first_learned = len(opening) + num_given
        is_new = tokens_in(tokenizer, caption_ids, new_names[panel])
        is_new = [False] * len(opening) + is_new + [False]
        for index, token in enumerate(tokens):
            is_separator = panel > 0 and index < len(opening)
            learn = bool(caption_ids) and (index >= first_learned or is_separator)
            weight = introduction_weight if is_new[index] else 1.0
            put(token, panel, learn=learn, weight=weight)
            previous = len(row.ids) - 1
            num_rows += 1
            position += 1
        boi = num_rows - 1
        if with_pictures:
            for offset, token in enumerate(tokenizer.image_query_ids):
                position += offset
                put(token, panel, learn=False, query=panel)
                position -= offset
            for token in tokenizer.image_query_ids:
                put(token, panel, learn=False, image=panel)
                num_rows += 1
                position += 1
        else:
            position += len(tokenizer.image_query_ids)
        put(tokenizer.eoi_id, panel, learn=False)
        previous = len(row.ids) - 1
        eoi = num_rows
        num_rows += 1
        position += 1
        row.spans.append(PanelSpan(start, boi, eoi, num_rows))
        row.regress.append(bool(caption_ids) and with_pictures)
    if ends:
        row.labels[previous] = tokenizer.eos_id
    return row


def attention_mask(row: Row, rule: SinkRule | None = None) -> Tensor:
    """Boolean `[S, S]`: what every token of a row may look at.

    Causal; image queries are seen by nothing but themselves. With a rule, every panel sees of the
    panels before it only what the rule keeps.
    """
    size = len(row.ids)
    query_of = torch.tensor(row.query_of)
    mask = torch.ones(size, size, dtype=torch.bool).tril()
    is_query = query_of >= 0
    mask &= ~is_query[None, :] | (query_of[None, :] == query_of[:, None])
    if rule is not None:
        panel_of, story_row = torch.tensor(row.panel_of), torch.tensor(row.story_row)
        for panel in range(rule.window_panels + 1, len(row.spans)):
            kept = torch.zeros(row.spans[-1].end, dtype=torch.bool)
            for rows in kept_ranges(row.spans[:panel], rule):
                kept[rows.start : rows.stop] = True
            lost = (panel_of < panel) & ~is_query & ~kept[story_row.clamp(min=0)]
            mask[(panel_of == panel)[:, None] & lost[None, :]] = False
    return mask


def choose_stories(count: int, number: int, size: int) -> list[int]:
    """Which stories batch `number` draws on; every story comes once before any comes again."""
    epoch, place = divmod(number * size, count)
    order = np.random.default_rng(2000 + epoch).permutation(count)
    return [int(order[(place + offset) % count]) for offset in range(size)]


def cut_window(
    tokenizer: StoryTokenizer,
    separator: str,
    told: StreamStory,
    rng: np.random.Generator,
    *,
    with_pictures: bool = True,
    introduction_weight: float = 1.0,
) -> tuple[Row, int]:
    """Cut a window of at most ten panels out of a story, anywhere.

    Returns:
        The window, and the panel of the story that is its first.
    """
    count = len(told.captions)
    length = min(count, MOST_PANELS)
    # Half of the windows begin where the story begins, the others anywhere.
    first = 0 if rng.random() < 0.5 else int(rng.integers(0, count - length + 1))
    captions = list(told.captions[first : first + length])
    readers = list(told.reader_texts[first : first + length])
    if with_pictures and rng.random() < 0.1:
        captions[0] = readers[0] = ""
    gap_before, gap = -1, 0
    if rng.random() < 0.3:
        gap_before, gap = int(rng.integers(1, length)), int(rng.integers(1, 800))
    row = pack(
        tokenizer,
        separator,
        captions,
        readers,
        gap_before=gap_before,
        gap=gap,
        ends=first + length == count,
        with_pictures=with_pictures,
        introduction_weight=introduction_weight,
    )
    return row, first


class StoryStage:
    """Next-token loss and cosine regression over windows of stories."""

    name = "story_lm"

    def __init__(
        self,
        config: StudioConfig,
        tokenizer: StoryTokenizer,
        cache: PictureCache,
        validation: PictureCache,
        *,
        rec_loss_scale: float = 4.0,
        loss_panels: str = "all",
        introduction_weight: float = 8.0,
        introductions_from: int = 2980,
    ) -> None:
        """Prepare the stage.

        Args:
            config: The model's numbers.
            tokenizer: Trained on the same stories.
            cache: Stories with the features of their pictures.
            validation: The same of stories that training does not see.
            rec_loss_scale: Weight of the pictures' loss; the language loss weighs 1. The release
                has 1 and trains far longer; the tiny model's pictures are the harder task.
            loss_panels: `all`, or `last` as in the release.
            introduction_weight: Of the loss of the few tokens that bring somebody new into a story;
                1 in the release.
            introductions_from: The first step that weighs them so.
        """
        torch.manual_seed(15)
        self.config = config
        self.tokenizer = tokenizer
        self.cache = cache
        self.validation = validation
        self.rec_loss_scale = rec_loss_scale
        self.loss_panels = loss_panels
        self.introduction_weight = introduction_weight
        self.introductions_from = introductions_from
        self.model: nn.Module = StoryLM(
            config.decoder, config.input_resampler, config.output_resampler
        )

    def make_batch(self, number: int, size: int) -> Batch:
        """Cut `size` windows out of stories."""
        chosen = choose_stories(len(self.cache.stories), number, size)
        weight = self.introduction_weight if number >= self.introductions_from else 1.0
        return self._batch(self.cache, chosen, np.random.default_rng((3000, number)), weight)

    def loss(self, model: nn.Module, batch: Batch, step: int) -> tuple[Tensor, dict[str, float]]:
        """Language loss plus scaled regression loss."""
        hidden, regressed, targets = run_rows(model, batch)  # type: ignore[arg-type]
        learned = batch["labels"] != IGNORED
        scores = model.score(hidden[learned])  # type: ignore[operator]
        losses = F.cross_entropy(scores.float(), batch["labels"][learned], reduction="none")
        weights = batch["weights"][learned]
        lm_loss = losses.mean()
        wanted = batch["regress"]
        similarity = F.cosine_similarity(regressed.float(), targets.float(), dim=-1)
        rec_loss = 1 - similarity[wanted].mean()
        right = (scores.argmax(-1) == batch["labels"][learned]).float().mean()
        is_new = weights > 1
        figures = {
            "lm_loss": float(lm_loss.detach()),
            "rec_loss": float(rec_loss.detach()),
            "token_accuracy": float(right),
            "new_name_loss": float(losses[is_new].mean().detach()) if is_new.any() else 0.0,
        }
        return (weights * losses).mean() + self.rec_loss_scale * rec_loss, figures

    @torch.no_grad()
    def draw_sheet(self, model: nn.Module, path: Path) -> None:
        """Write the figures of windows that training does not see as text."""
        device = next(model.parameters()).device
        sums: dict[str, float] = {}
        count = min(64, len(self.validation.stories))
        for first in range(0, count, 4):
            chosen = list(range(first, min(first + 4, count)))
            rng = np.random.default_rng(first)
            batch = self._batch(self.validation, chosen, rng, self.introduction_weight)
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
        introduction_weight: float = 1.0,
    ) -> Batch:
        rows, masks, pictures = [], [], []
        for story in chosen:
            row, first, rule = self._window(cache.stories[story], rng, introduction_weight)
            rows.append(row)
            masks.append(attention_mask(row, rule))
            begin = int(cache.first[story]) + first
            pictures.append(np.arange(begin, begin + len(row.spans)))
        return self._collate(rows, masks, take(cache.features, np.concatenate(pictures)))

    def _window(
        self, told: StreamStory, rng: np.random.Generator, introduction_weight: float
    ) -> tuple[Row, int, SinkRule | None]:
        row, first = cut_window(
            self.tokenizer,
            self.config.tokenizer.separator,
            told,
            rng,
            introduction_weight=introduction_weight,
        )
        rule = None
        if rng.random() < 0.4:
            rule = SinkRule(window_panels=int(rng.integers(2, MOST_PANELS)))
        return row, first, rule

    def _collate(self, rows: list[Row], masks: list[Tensor], features: Tensor) -> Batch:
        size = max(len(row.ids) for row in rows)
        count = len(rows)
        ids = torch.full((count, size), self.tokenizer.pad_id)
        labels = torch.full((count, size), IGNORED)
        weights = torch.ones(count, size)
        positions = torch.zeros(count, size, dtype=torch.long)
        mask = torch.zeros(count, 1, size, size, dtype=torch.bool)
        image_places = torch.zeros(count, size, dtype=torch.bool)
        query_places = torch.zeros(count, size, dtype=torch.bool)
        regress = []
        for index, row in enumerate(rows):
            length = len(row.ids)
            ids[index, :length] = torch.tensor(row.ids)
            labels[index, :length] = torch.tensor(row.labels)
            weights[index, :length] = torch.tensor(row.weights)
            positions[index, :length] = torch.tensor(row.positions)
            mask[index, 0, :length, :length] = masks[index]
            image_places[index, :length] = torch.tensor(row.image_of) >= 0
            query_places[index, :length] = torch.tensor(row.query_of) >= 0
            wanted = list(row.regress)
            if self.loss_panels == "last":
                wanted = [False] * (len(wanted) - 1) + wanted[-1:]
                last = torch.tensor(row.panel_of) < len(row.spans) - 1
                # The separator that opens the last panel is predicted by the panel before.
                labels[index, :length][last] = IGNORED
            regress += wanted
        # Padding looks at itself, since a softmax over nothing is not a number.
        mask |= torch.eye(size, dtype=torch.bool)
        return {
            "input_ids": ids,
            "labels": labels,
            "weights": weights,
            "positions": positions,
            "mask": mask,
            "image_places": image_places,
            "query_places": query_places,
            "features": features,
            "regress": torch.tensor(regress),
        }


def run_rows(model: StoryLM, batch: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Read a batch of rows.

    Returns:
        Final states `[B, S, D]`, regressed features and true features, both `[pictures, V, C]`.
    """
    embeds = model.embed(batch["input_ids"], batch["features"], batch["image_places"])
    hidden = model.decoder(
        inputs_embeds=embeds,
        position_ids=batch["positions"],
        attention_mask=batch["mask"],
        use_cache=False,
    ).last_hidden_state
    states = hidden[batch["query_places"]].view(len(batch["features"]), -1, hidden.shape[-1])
    return hidden, model.reconstruct(states), batch["features"]
