"""Windows of stories as rows of tokens, for both language trainings.

A row has each image twice: as image queries, from which its features are regressed, and as the
image read back, which later panels see. A mask keeps the two apart, and both have the same
positions, so that training reads the very rows that a turn reads (`generation/decode.py`). A window
without its images is cheaper, and its words keep their positions.

Source: SEED-Story (arXiv:2407.08683), section 3.2; position gaps: PoSE (arXiv:2309.10400).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from seedstory_core.generation.policies import MemoryPolicy, PanelSpan, select_rows
from seedstory_core.generation.tokens import StoryTokenizer
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.training.stage import Batch
from seedstory_core.training.story_data import StreamStory

IGNORED = -100
"""Label of a token that predicts nothing (PyTorch's default for cross entropy)."""
MOST_PANELS = 10
"""Panels in a window at most, as in the paper."""
ROW_MULTIPLE = 8
"""Row lengths are multiples of this, as attention kernels on a GPU need it."""
BEGINNING_SHARE = 0.5
"""Share of the windows that begin where their story begins."""
MUTE_SHARE, MUTE_FIRST_SHARE = 0.2, 0.6
"""Share of the windows with a panel without words; share of those where it is the first panel."""
GAP_SHARE, MOST_GAP = 0.3, 800
"""Share of the windows with a jump in position, as over forgotten panels; bound of the jump."""
Weigh = Callable[[str], Sequence[tuple[range, float]]]
"""From a caption to some of its parts and the loss weight of their tokens."""


@dataclass
class Row:
    """One window as a row of tokens.

    Attributes:
        ids: Token ids; image queries and images read back both use the ids of the image tokens.
        positions: Rotary positions; an image's queries and the image read back share theirs.
        labels: The token that each token should predict, or `IGNORED`.
        weights: Loss weight of each label.
        query_of: Panel whose image queries a token belongs to, else -1.
        image_of: Panel whose read-back image a token belongs to, else -1.
        panel_of: Panel of every token.
        story_row: Index of a token among the story's rows without queries; -1 for queries.
        spans: Range of each panel among those rows.
        regress: Whether each panel's image is to be regressed.
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


class _Writer:
    """Writes a row token by token.

    Attributes:
        row: The row so far.
        panel: Number of the panel that is being written.
        position: Rotary position of the next token.
        num_rows: Rows of the story so far, without queries.
    """

    def __init__(self) -> None:
        self.row = Row()
        self.panel = 0
        self.position = 0
        self.num_rows = 0
        self._previous = -1

    def text(self, token: int, *, learn: bool, weight: float = 1.0) -> None:
        """Write a token of the text, BOI or EOI; the text's token before predicts it if `learn`."""
        if learn:
            self.predict(token, weight)
        self._put(token)
        self._previous = len(self.row.ids) - 1

    def predict(self, token: int, weight: float = 1.0) -> None:
        """Make the text's last token predict another one, whatever was written between them."""
        if self._previous >= 0:
            self.row.labels[self._previous] = token
            self.row.weights[self._previous] = weight

    def image(self, tokens: Sequence[int]) -> None:
        """Write an image's queries and, at the same positions, the image read back."""
        start = self.position
        for token in tokens:
            self._put(token, query=self.panel)
        self.position = start
        for token in tokens:
            self._put(token, image=self.panel)

    def _put(self, token: int, *, query: int = -1, image: int = -1) -> None:
        row, is_query = self.row, query >= 0
        row.ids.append(token)
        row.positions.append(self.position)
        row.panel_of.append(self.panel)
        row.query_of.append(query)
        row.image_of.append(image)
        row.story_row.append(-1 if is_query else self.num_rows)
        row.labels.append(IGNORED)
        row.weights.append(1.0)
        self.position += 1
        self.num_rows += not is_query


def pack(
    tokenizer: StoryTokenizer,
    separator: str,
    captions: Sequence[str],
    reader_texts: Sequence[str],
    *,
    gap_before: int = -1,
    gap: int = 0,
    ends: bool = False,
    with_images: bool = True,
    hints: Sequence[str] = (),
    from_middle: bool = False,
    weigh: Weigh | None = None,
) -> Row:
    """Return a window of panels as one row.

    Args:
        tokenizer: Tokenizer of the story model.
        separator: Text before every caption but the first.
        captions: One per panel; an empty one is an image without words, which is only read.
        reader_texts: Beginning of each caption that carries no language loss.
        gap_before: Panel before which positions jump, or -1.
        gap: Size of the jump in positions.
        ends: Whether the end token follows the last image.
        with_images: False leaves out the rows of images; the words keep their positions, which
            jump between BOI and EOI.
        hints: A reader's hint beside each caption, or ''.
        from_middle: Whether the story has panels before the window; a separator then opens the
            row, so that it does not look like a story's beginning.
        weigh: Returns the parts of a caption whose loss has another weight, by the data set; None
            weighs all alike, as in the release.
    """
    writer = _Writer()
    separator_ids = tokenizer.encode_text(separator)
    for panel, (caption, reader_text) in enumerate(zip(captions, reader_texts, strict=True)):
        writer.panel = panel
        if panel == gap_before:
            writer.position += gap
        start = writer.num_rows
        caption_ids = tokenizer.encode_text(caption) if caption else []
        for token in () if panel else (tokenizer.bos_id,):
            writer.text(token, learn=False)
        for token in separator_ids if panel or from_middle else ():
            writer.text(token, learn=panel > 0 and bool(caption_ids))
        for token in tokenizer.encode_hint(hints[panel]) if hints and hints[panel] else ():
            writer.text(token, learn=False)
        num_given = len(tokenizer.encode_text(reader_text)) if reader_text else 0
        weights = _weights(tokenizer, caption, len(caption_ids), weigh)
        for index, (token, weight) in enumerate(zip(caption_ids, weights, strict=True)):
            writer.text(token, learn=index >= num_given, weight=weight)
        boi = writer.num_rows
        writer.text(tokenizer.boi_id, learn=bool(caption_ids))
        if with_images:
            writer.image(tokenizer.image_query_ids)
        else:
            writer.position += len(tokenizer.image_query_ids)
        eoi = writer.num_rows
        writer.text(tokenizer.eoi_id, learn=False)
        writer.row.spans.append(PanelSpan(start, boi, eoi, writer.num_rows))
        writer.row.regress.append(bool(caption_ids) and with_images)
    if ends:
        writer.predict(tokenizer.eos_id)
    return writer.row


def _weights(
    tokenizer: StoryTokenizer, caption: str, num_tokens: int, weigh: Weigh | None
) -> list[float]:
    """Return the loss weight of each token of a caption."""
    weights = [1.0] * num_tokens
    for span, weight in weigh(caption) if weigh is not None else ():
        # No token crosses the space before a word, so tokens can be counted up to there.
        before = caption[: span.start].rstrip()
        first = len(tokenizer.encode_text(before)) if before else 0
        last = min(len(tokenizer.encode_text(caption[: span.stop])), num_tokens)
        weights[first:last] = [weight] * (last - first)
    return weights


def attention_mask(row: Row, policy: MemoryPolicy | None = None) -> Tensor:
    """Return a boolean `[S, S]`: which tokens of a row each token sees.

    Causal; only image queries see image queries. With a policy, every panel sees only those rows of
    earlier panels that the policy keeps.
    """
    size = len(row.ids)
    query_of = torch.tensor(row.query_of)
    mask = torch.ones(size, size, dtype=torch.bool).tril()
    is_query = query_of >= 0
    mask &= ~is_query[None, :] | (query_of[None, :] == query_of[:, None])
    if policy is not None:
        panel_of, story_row = torch.tensor(row.panel_of), torch.tensor(row.story_row)
        for panel in range(policy.window_panels + 1, len(row.spans)):
            kept = torch.zeros(row.spans[-1].end, dtype=torch.bool)
            for rows in select_rows(row.spans[:panel], policy):
                kept[rows.start : rows.stop] = True
            lost = (panel_of < panel) & ~is_query & ~kept[story_row.clamp(min=0)]
            mask[(panel_of == panel)[:, None] & lost[None, :]] = False
    return mask


def choose_stories(count: int, number: int, size: int) -> list[int]:
    """Return the stories of batch `number`; every story comes once before any comes again."""
    epoch, place = divmod(number * size, count)
    order = np.random.default_rng(2000 + epoch).permutation(count)
    return [int(order[(place + offset) % count]) for offset in range(size)]


def cut_window(
    tokenizer: StoryTokenizer,
    separator: str,
    told: StreamStory,
    rng: np.random.Generator,
    *,
    with_images: bool = True,
    weigh: Weigh | None = None,
) -> tuple[Row, int]:
    """Cut a window of at most ten panels out of a story.

    Half of the windows begin where the story begins, the others anywhere. If a story shares its
    beginning with another one, its windows begin late enough to reach its own panels. In every
    fifth window one panel has no words: a reader may begin with an image alone or replace one,
    and the story then has to follow the image.

    Returns:
        The window, and the index of its first panel in the story.
    """
    count = len(told.captions)
    length = min(count, MOST_PANELS)
    least = max(0, min(told.shared + 2, count) - length)
    first = (
        least if rng.random() < BEGINNING_SHARE else int(rng.integers(least, count - length + 1))
    )
    panels = slice(first, first + length)
    captions, readers = list(told.captions[panels]), list(told.reader_texts[panels])
    hints = list(told.hints[panels])
    if with_images and rng.random() < MUTE_SHARE:
        mute = 0 if rng.random() < MUTE_FIRST_SHARE else int(rng.integers(0, length))
        captions[mute] = readers[mute] = hints[mute] = ""
    gap_before, gap = -1, 0
    if length > 1 and rng.random() < GAP_SHARE:
        gap_before, gap = int(rng.integers(1, length)), int(rng.integers(1, MOST_GAP))
    row = pack(
        tokenizer,
        separator,
        captions,
        readers,
        hints=hints,
        from_middle=first > 0,
        gap_before=gap_before,
        gap=gap,
        ends=first + length == count,
        with_images=with_images,
        weigh=weigh,
    )
    return row, first


def collate(rows: Sequence[Row], pad_id: int) -> Batch:
    """Return rows as one batch, `[B, S]` each: ids, labels, their weights, positions."""
    longest = max(len(row.ids) for row in rows)
    shape = (len(rows), math.ceil(longest / ROW_MULTIPLE) * ROW_MULTIPLE)
    batch = {
        "input_ids": torch.full(shape, pad_id),
        "labels": torch.full(shape, IGNORED),
        "weights": torch.ones(shape),
        "positions": torch.zeros(shape, dtype=torch.long),
    }
    for index, row in enumerate(rows):
        length = len(row.ids)
        batch["input_ids"][index, :length] = torch.tensor(row.ids)
        batch["labels"][index, :length] = torch.tensor(row.labels)
        batch["weights"][index, :length] = torch.tensor(row.weights)
        batch["positions"][index, :length] = torch.tensor(row.positions)
    return batch


def read_words(model: StoryLM, batch: Batch) -> Tensor:
    """Return final states `[B, S, D]` of a batch of rows without images."""
    ids = batch["input_ids"]
    size = ids.shape[1]
    # The mask is explicit: transformers would take jumping positions for packed sequences.
    # Padding comes last, so a causal mask hides it.
    causal = torch.ones(1, 1, size, size, dtype=torch.bool, device=ids.device).tril()
    return model.decoder(
        input_ids=ids,
        position_ids=batch["positions"],
        attention_mask=causal.expand(len(ids), -1, -1, -1),
        use_cache=False,
    ).last_hidden_state


def run_rows(model: StoryLM, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Read a batch of rows.

    Returns:
        Final states `[B, S, D]`, regressed features and true features, both `[images, V, C]`.
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


def next_token_loss(
    scores: Tensor, labels: Tensor, weights: Tensor
) -> tuple[Tensor, dict[str, float]]:
    """Return the weighted next-token loss, and figures for the log.

    Args:
        scores: `[N, vocab]`.
        labels: `[N]`.
        weights: `[N]`.

    The figure `lm_loss` is not weighted, so that trainings with other weights are comparable.
    """
    losses = F.cross_entropy(scores.float(), labels, reduction="none")
    figures = {
        "lm_loss": float(losses.mean().detach()),
        "token_accuracy": float((scores.argmax(-1) == labels).float().mean()),
    }
    return (weights * losses).sum() / weights.sum(), figures
