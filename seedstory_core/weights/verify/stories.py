"""Whole stories, as the released scripts continue them turn by turn.

Prompts are cut as the scripts cut them. Within a turn our own decoding runs: the prompt in one
pass, token after token on kept keys and values, all image queries at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seedstory_core.generation.decode import ImageMarks, query_image, read_embeds, read_text
from seedstory_core.generation.image_scores import released_image_scores
from seedstory_core.generation.kv import KVContext
from seedstory_core.generation.tokens import StoryTokenizer, clean_text
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.weights.verify.folder import ReferenceFolder
from seedstory_core.weights.verify.language import picture_text
from seedstory_core.weights.verify.rows import Row, compare, compare_exactly

MARGIN_TOLERANCE = 1e-3
"""Twice that of scores and a little; margins are recorded with four decimals."""


@dataclass
class Prompt:
    """What the released scripts send to the model in one turn, and how it grows.

    Attributes:
        text: All panels of the window; pictures are spelled out as image tokens.
        features: `[1, V, C]` of each picture in it.
        has_bos: Whether the begin of story stands before it.
    """

    text: str
    features: list[Tensor]
    has_bos: bool = True

    def ids(self, tokens: StoryTokenizer) -> list[int]:
        """Encode it anew, as the scripts do in every turn."""
        return tokens.encode(self.text, add_bos=self.has_bos)

    def embed(self, model: StoryLM, tokens: StoryTokenizer) -> tuple[int, Tensor]:
        """Give its last token and its `inputs_embeds`, `[1, S, D]`."""
        ids = torch.tensor([self.ids(tokens)], device=model.device)
        is_image = torch.isin(ids, torch.tensor(tokens.image_query_ids, device=model.device))
        return int(ids[0, -1]), model.embed(ids, torch.cat(self.features), is_image)

    def append_picture(self, tokens: StoryTokenizer, features: Tensor) -> None:
        """Put a picture at the end."""
        self.text += picture_text(tokens)
        self.features.append(features)

    def cut(self, window_size: int, *, separator: str, keeps_bos: bool) -> None:
        """Forget the oldest panel once there are more pictures than the window holds.

        Args:
            window_size: Pictures to keep.
            separator: Of panels; the continuation script removes as many characters after the
                picture, whatever they are. The visualisation has none.
            keeps_bos: The continuation script puts the begin of story back in front; the
                visualisation forgets it with the first panel.
        """
        if len(self.features) <= window_size:
            return
        end = self.text.index("</img>") + len("</img>") + len(separator)
        self.text = self.text[end:]
        self.features = self.features[1:]
        self.has_bos = keeps_bos


@dataclass(frozen=True)
class Generated:
    """What the model answers to one prompt.

    Attributes:
        ids: Caption, picture, end token.
        features: `[1, V, C]`, regressed.
        raw_scores: `[ids, vocab]`, before image tokens are steered.
        margin: Smallest gap between the best and the second best score.
    """

    ids: list[int]
    features: Tensor
    raw_scores: Tensor
    margin: float


def marks_of(tokens: StoryTokenizer) -> ImageMarks:
    """Ids around and inside a picture."""
    return ImageMarks(tokens.boi_id, tokens.eoi_id, tokens.image_query_ids)


@torch.no_grad()
def generate(
    model: StoryLM, tokens: StoryTokenizer, prompt: Prompt, max_new_tokens: int
) -> Generated:
    """Continue a prompt greedily until the end token, as the release steers it."""
    marks = marks_of(tokens)
    image_ids = [marks.boi, *marks.queries, marks.eoi]
    begun, embeds = prompt.embed(model, tokens)
    context = KVContext(model.decoder, embeds.shape[1] + max_new_tokens + len(image_ids))
    scores = model.score(read_embeds(model, context, embeds)[:, -1])
    features = embeds.new_zeros(0)
    written: list[int] = []
    rows: list[Tensor] = []
    last = begun
    while len(written) < max_new_tokens and last != tokens.eos_id:
        rows.append(scores)
        last = int(released_image_scores(scores, torch.tensor([last]), image_ids).argmax())
        written.append(last)
        if last == marks.boi:
            features = query_image(model, context, marks)
            # Whatever the scores are, image tokens and end mark follow each other.
            picture = model.embed_tokens(torch.tensor([image_ids]))
            following = model.score(read_embeds(model, context, picture)[0])
            rows.append(following[:-1])
            written += image_ids[1:]
            last, scores = marks.eoi, following[-1:]
        elif last != tokens.eos_id:
            scores = read_text(model, context, [last])[None]
    raw_scores = torch.cat(rows).float()
    before = torch.tensor([begun, *written[:-1]])
    best = released_image_scores(raw_scores, before, image_ids).topk(2, dim=1).values
    return Generated(written, features, raw_scores, float((best[:, 0] - best[:, 1]).min()))


Answer = Callable[[StoryLM, StoryTokenizer, Prompt, int], Generated]


def continue_story(
    folder: ReferenceFolder, case: dict[str, Any], answer: Answer
) -> Iterator[tuple[Prompt, Generated]]:
    """Run one recorded case, turn by turn; its script follows from whether captions are given."""
    tokens, given = folder.tokenizer, case["given_texts"]
    separator = "" if given else folder.config.tokenizer.separator
    image = folder.picture(Path(case["start_image"]).stem)
    prompt = Prompt(case["start_caption"], [])
    prompt.append_picture(tokens, folder.vision(folder.pixels(image)))
    for turn in range(len(case["turns"])):
        prompt.cut(case["window_size"], separator=separator, keeps_bos=not given)
        if given:
            prompt.text += given[turn]
        generated = answer(folder.story_lm, tokens, prompt, case["max_new_tokens"])
        yield copy(prompt), generated
        # Regressed features, not those of the drawn picture, are what later turns see.
        prompt.text += clean_text(tokens.decode(generated.ids))
        prompt.append_picture(tokens, generated.features)


@torch.no_grad()
def stories(folder: ReferenceFolder, answer: Answer = generate) -> Iterator[Row]:
    """Every recorded continuation, with all that is recorded of it.

    Args:
        folder: Of the reference.
        answer: Continues a prompt; another schedule has to give the same.
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
    """Describe a turn as the recorded document does."""
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
