"""Forward passes of a turn: read text, query the image, read the panel back.

All work on a `KVContext` and know no panels, sessions or pixels. A turn has one pass per text
token, one for all image queries together, and one that reads the panel back and also scores the
next panel's first token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seedstory_core.generation.kv import KVContext, KVSegment, capture_keys
from seedstory_core.models.story_lm import StoryLM


@dataclass(frozen=True)
class ImageMarks:
    """Token ids around and inside an image.

    Attributes:
        boi: Begin of image.
        eoi: End of image.
        queries: Ids of all image queries, in order.
    """

    boi: int
    eoi: int
    queries: tuple[int, ...]


@torch.no_grad()
def read_text(model: StoryLM, context: KVContext, ids: Sequence[int]) -> Tensor:
    """Append tokens to the context in one pass and return the scores `[vocab]` of the next one."""
    hidden = read_embeds(model, context, model.embed_tokens(_tensor(model, ids)))
    return model.score(hidden[:, -1])[0].float()


@torch.no_grad()
def query_image(model: StoryLM, context: KVContext, marks: ImageMarks) -> Tensor:
    """Regress the image of the caption in the context, with all image queries in one pass.

    Attention among image queries is causal, so the result is that of feeding them one by one. Their
    rows are dropped again; the image is read back later.

    Returns:
        Visual features `[1, V, C]`.
    """
    num_rows = context.num_rows
    ids = [marks.boi, *marks.queries]
    hidden = read_embeds(model, context, model.embed_tokens(_tensor(model, ids)))
    context.truncate(num_rows)
    return model.reconstruct(hidden[:, -len(marks.queries) :])


@torch.no_grad()
def read_back(
    model: StoryLM,
    context: KVContext,
    caption_ids: Sequence[int],
    visual_features: Tensor,
    marks: ImageMarks,
    separator_ids: Sequence[int] = (),
) -> KVSegment:
    """Read a whole panel, caption and image, in one pass and return its segment.

    The caption is read again although decoding has just written it: a replay from the record goes
    through exactly the same pass, so a rebuilt memory equals the live one bit for bit.

    Args:
        model: The story model.
        context: All rows before the panel; the panel's rows are appended.
        caption_ids: All tokens before the image: the caption's, and before them the hint's and a
            first panel's BOS.
        visual_features: `[1, V, C]`.
        marks: Ids around and inside an image.
        separator_ids: Tokens with which every next panel begins; read here, so that the segment
            holds the scores of the next caption's first token.
    """
    begin = context.num_rows
    before = model.embed_tokens(_tensor(model, [*caption_ids, marks.boi]))
    after = model.embed_tokens(_tensor(model, [marks.eoi, *separator_ids]))
    image_embeds = model.input_resampler(visual_features.to(before))
    with capture_keys(model.decoder) as captured:
        hidden = read_embeds(model, context, torch.cat([before, image_embeds, after], dim=1))
    segment = KVSegment(
        keys=torch.stack(captured),
        values=context.values[:, 0, :, begin : context.num_rows].clone(),
        boi=len(caption_ids),
        eoi=len(caption_ids) + 1 + image_embeds.shape[1],
        next_scores=model.score(hidden[:, -1])[0].float(),
    )
    context.note(segment)
    return segment


@torch.no_grad()
def read_embeds(model: StoryLM, context: KVContext, inputs_embeds: Tensor) -> Tensor:
    """Append embedded tokens `[1, S, D]` to the context in one pass; return their final states."""
    begin, count = context.num_rows, inputs_embeds.shape[1]
    position_ids = torch.arange(begin, begin + count, device=inputs_embeds.device)[None]
    outputs = model.decoder(
        inputs_embeds=inputs_embeds,
        position_ids=position_ids,
        cache=context,  # called past_key_values before transformers 5.24
        attention_mask=context.causal_mask(count) if count > 1 else None,
        use_cache=True,
    )
    return outputs.last_hidden_state


def _tensor(model: StoryLM, ids: Sequence[int]) -> Tensor:
    return torch.tensor([list(ids)], device=model.device)
