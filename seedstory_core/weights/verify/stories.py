"""Checks of whole stories, continued turn by turn as by the released scripts.

The prompts are those of the scripts (`released_loop.py`). A turn runs with our decoding: the prompt
in one pass, token after token with cached keys and values, all image queries at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seedstory_core.generation.decode import query_image, read_embeds, read_text
from seedstory_core.generation.kv import KVContext
from seedstory_core.generation.tokens import StoryTokenizer, clean_text
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.weights.verify.comparison import Row, compare, compare_exactly
from seedstory_core.weights.verify.folder import ReferenceFolder
from seedstory_core.weights.verify.released_loop import (
    Generated,
    Prompt,
    ReleasedStory,
    image_ids,
    image_text,
    marks_of,
    smallest_margin,
    steered,
)

MARGIN_TOLERANCE = 1e-3
"""Tolerance of margins: twice that of scores, and a little because they have four decimals."""


@torch.no_grad()
def generate(
    model: StoryLM, tokens: StoryTokenizer, prompt: Prompt, max_new_tokens: int
) -> Generated:
    """Continue a prompt greedily until the end token, with the studio's decoding."""
    marks = marks_of(tokens)
    image_sequence = image_ids(marks)
    begun, embeds = prompt.embed(model, tokens)
    context = KVContext(model.decoder, embeds.shape[1] + max_new_tokens + len(image_sequence))
    scores = model.score(read_embeds(model, context, embeds)[:, -1])
    features = embeds.new_zeros(0)
    written: list[int] = []
    rows: list[Tensor] = []
    last = begun
    while len(written) < max_new_tokens and last != tokens.eos_id:
        rows.append(scores)
        last = int(steered(scores, torch.tensor([last]), image_sequence).argmax())
        written.append(last)
        if last == marks.boi:
            features = query_image(model, context, marks)
            # Steering makes image queries and EOI follow in order, whatever the scores are.
            image = model.embed_tokens(torch.tensor([image_sequence]))
            following = model.score(read_embeds(model, context, image)[0])
            rows.append(following[:-1])
            written += image_sequence[1:]
            last, scores = marks.eoi, following[-1:]
        elif last != tokens.eos_id:
            scores = read_text(model, context, [last])[None]
    raw_scores = torch.cat(rows).float()
    margin = smallest_margin(raw_scores, begun, written, image_sequence)
    return Generated(written, features, raw_scores, margin)


Answer = Callable[[StoryLM, StoryTokenizer, Prompt, int], Generated]


def continue_story(
    folder: ReferenceFolder, case: dict[str, Any], answer: Answer
) -> Iterator[tuple[Prompt, Generated]]:
    """Run one recorded case and yield prompt and answer of every turn."""
    tokens = folder.tokenizer
    image = folder.image(Path(case["start_image"]).stem)
    story = ReleasedStory(
        case,
        folder.vision(folder.pixels(image)),
        image_text=image_text(tokens),
        separator=folder.config.tokenizer.separator,
    )
    for _ in case["turns"]:
        prompt = story.next_prompt()
        generated = answer(folder.story_lm, tokens, prompt, case["max_new_tokens"])
        yield prompt, generated
        story.add(tokens.decode(generated.ids), generated.features)


@torch.no_grad()
def stories(folder: ReferenceFolder, answer: Answer = generate) -> Iterator[Row]:
    """Check all recorded turns of every story.

    Args:
        folder: The reference folder.
        answer: Continues a prompt; other schedules must give the same results.
    """
    for name, case in folder.document("generate").items():
        if not isinstance(case, dict):
            continue
        margins, turns = [], []
        for recorded, (prompt, generated) in zip(
            case["turns"], continue_story(folder, case, answer), strict=True
        ):
            turns.append(_turn(folder.tokenizer, prompt, generated) | {"turn": recorded["turn"]})
            margins.append(generated.margin)
            yield from _tensors(folder, recorded["tensors_prefix"], prompt, generated)
        wanted = [
            {
                key: value
                for key, value in turn.items()
                if key not in ("min_top1_top2_margin", "tensors_prefix")
            }
            for turn in case["turns"]
        ]
        yield compare_exactly(f"generate.json: {name}", turns, wanted)
        recorded_margins = [turn["min_top1_top2_margin"] for turn in case["turns"]]
        yield compare(
            f"generate.json: margins of {name}",
            torch.tensor(margins),
            torch.tensor(recorded_margins),
            MARGIN_TOLERANCE,
        )


def _turn(tokens: StoryTokenizer, prompt: Prompt, generated: Generated) -> dict[str, Any]:
    """Return a turn with the fields of the recorded document."""
    text = tokens.decode(generated.ids)
    return {
        "prompt": prompt.text,
        "input_length": len(prompt.ids(tokens)),
        "starts_with_bos": prompt.has_bos,
        "images_in_context": len(prompt.features),
        "generated_ids": generated.ids,
        "text_raw": text,
        "text_clean": clean_text(text),
        "has_img_output": tokens.eoi_id in generated.ids,
        "num_gen_imgs": generated.ids.count(tokens.eoi_id),
        "ended_with_eos": generated.ids[-1] == tokens.eos_id,
        "raw_scores_negative_maximum": bool((generated.raw_scores.amax(dim=1) < 0).any()),
    }


def _tensors(
    folder: ReferenceFolder, prefix: str, prompt: Prompt, generated: Generated
) -> Iterator[Row]:
    tokens = folder.tokenizer
    ids = torch.tensor(prompt.ids(tokens))
    for name, value in {
        "input_ids": ids,
        "ids_cmp_mask": torch.isin(ids, torch.tensor(tokens.image_query_ids)),
        "image_embeds": torch.cat(prompt.features),
        "generated_ids": torch.tensor(generated.ids),
        "raw_scores": generated.raw_scores,
        "img_gen_feat": generated.features,
    }.items():
        # Not every turn has every tensor recorded.
        if prefix + name in folder.manifest["generate"]:
            yield folder.check("generate", prefix + name, value)
