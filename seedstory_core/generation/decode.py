"""The language model's part of a turn: read words, ask for the picture, read it back.

All three work on a `KVContext`; none knows panels, sessions or pixels. Per turn there are as many
forward passes as text tokens, one for all image queries together and one for the reading back,
which also tells the next panel's first token.
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
    """Token ids around and inside a picture.

    Attributes:
        boi: Begin of image.
        eoi: End of image.
        queries: The placeholder of every image query, in order.
    """

    boi: int
    eoi: int
    queries: tuple[int, ...]


@torch.no_grad()
def read_text(model: StoryLM, context: KVContext, ids: Sequence[int]) -> Tensor:
    """Put tokens into the context in one pass; gives the scores `[vocab]` of what would follow."""
    hidden = read_embeds(model, context, model.embed_tokens(_tensor(model, ids)))
    return model.score(hidden[:, -1])[0].float()


@torch.no_grad()
def query_image(model: StoryLM, context: KVContext, marks: ImageMarks) -> Tensor:
    """Ask for the picture of the caption in the context: all image queries in one pass.

    Image queries see each other causally, so one pass gives what feeding them one by one gives.
    Their rows are dropped again; the picture itself is read back later.

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
    """Read a whole panel, caption and picture, in one pass and cut its segment.

    The caption is read again although decoding just wrote it: a panel read from its record then
    goes through exactly the same pass, so that a rebuilt memory is bit-equal to the live one.

    Args:
        model: The story model.
        context: Everything before the panel; grows by the panel.
        caption_ids: The caption's tokens; those of a story's first panel have its begin before
            them.
        visual_features: `[1, V, C]`.
        marks: Ids around and inside a picture.
        separator_ids: What every next panel begins with; read here, so that the segment can say
            what comes after it.
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
    """Put embedded rows `[1, S, D]` into the context in one pass; gives their final states."""
    begin, count = context.num_rows, inputs_embeds.shape[1]
    position_ids = torch.arange(begin, begin + count, device=inputs_embeds.device)[None]
    outputs = model.decoder(
        inputs_embeds=inputs_embeds,
        position_ids=position_ids,
        cache=context,  # past_key_values, until transformers 5.24
        attention_mask=context.causal_mask(count) if count > 1 else None,
        use_cache=True,
    )
    return outputs.last_hidden_state


def _tensor(model: StoryLM, ids: Sequence[int]) -> Tensor:
    return torch.tensor([list(ids)], device=model.device)
