"""The released generation loop on our models; its only copy.

The released scripts keep a story as one text in which images are written as tokens. In every turn
they drop panels beyond the window, encode the whole text again, and send token after token through
the model, image tokens too. `stories.py` proves with these prompts that the studio's faster
schedule gives the same results; benchmarks compare the times, and tests use the loop too.

The attention sinks that the released visualisation assembles but does not use are in `memory.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedConfig

from seedstory_core.generation.decode import ImageMarks
from seedstory_core.generation.tokens import (
    BOI_TOKEN,
    EOI_TOKEN,
    StoryTokenizer,
    clean_text,
    image_token,
)
from seedstory_core.models.detokenizer import DeTokenizer
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.models.vision import VisionEncoder

SEED = 42
"""Seed of every image, as in the released script."""


@dataclass(frozen=True)
class Prompt:
    """The prompt that the released scripts send to the model in one turn.

    Attributes:
        text: All panels of the window; images are written as image tokens.
        features: `[1, V, C]` for each image in the text.
        has_bos: Whether BOS comes first.
    """

    text: str
    features: tuple[Tensor, ...]
    has_bos: bool = True

    def ids(self, tokens: StoryTokenizer) -> list[int]:
        """Return the token ids of the whole prompt."""
        return tokens.encode(self.text, add_bos=self.has_bos)

    def embed(self, model: StoryLM, tokens: StoryTokenizer) -> tuple[int, Tensor]:
        """Return the prompt's last token and its `inputs_embeds`, `[1, S, D]`."""
        ids = torch.tensor([self.ids(tokens)], device=model.device)
        is_image = torch.isin(ids, torch.tensor(tokens.image_query_ids, device=model.device))
        return int(ids[0, -1]), model.embed(ids, torch.cat(self.features), is_image)


class ReleasedStory:
    """A story in one of the released scripts, with one prompt per turn.

    In the continuation script the model writes the captions; the visualisation script gets captions
    and puts no separator between panels.
    """

    def __init__(
        self, case: Mapping[str, Any], features: Tensor, *, image_text: str, separator: str
    ) -> None:
        """Begin a story.

        Args:
            case: A recorded case: `start_caption`, `window_size`, and `given_texts` for the
                visualisation.
            features: `[1, V, C]`, those of its first image.
            image_text: The text of an image (`image_text`).
            separator: Text between panels. After an image that it drops, the continuation script
                removes as many characters, whatever they are.
        """
        self._window_size: int = case["window_size"]
        self._is_given = bool(case["given_texts"])
        self._captions = iter(case["given_texts"] or ())
        self._image_text = image_text
        self._num_skipped = 0 if self._is_given else len(separator)
        self._text: str = case["start_caption"] + image_text
        self._features: tuple[Tensor, ...] = (features,)
        self._has_bos = True

    def next_prompt(self) -> Prompt:
        """Return the next prompt, without the oldest panel if the window has too many images."""
        if len(self._features) > self._window_size:
            end = self._text.index(EOI_TOKEN) + len(EOI_TOKEN) + self._num_skipped
            self._text, self._features = self._text[end:], self._features[1:]
            # The continuation puts BOS in front again; the visualisation drops it with the first
            # panel.
            self._has_bos = not self._is_given
        self._text += next(self._captions, "")
        return Prompt(self._text, self._features, self._has_bos)

    def add(self, text: str, features: Tensor) -> None:
        """Append the model's text and the regressed features of its image.

        Later turns see the regressed features, not those of the drawn image.
        """
        self._text += clean_text(text) + self._image_text
        self._features = (*self._features, features)


@dataclass(frozen=True)
class Generated:
    """The model's answer to one prompt.

    Attributes:
        ids: Tokens of caption, image and end.
        features: `[1, V, C]`, regressed; empty without an image.
        raw_scores: `[ids, vocab]`, before image tokens are steered.
        margin: Smallest difference between the best and the second best steered score.
    """

    ids: list[int]
    features: Tensor
    raw_scores: Tensor
    margin: float


def image_text(tokens: StoryTokenizer) -> str:
    """Return the text of one whole image: BOI, all image queries, EOI."""
    queries = "".join(image_token(index) for index in range(len(tokens.image_query_ids)))
    return f"{BOI_TOKEN}{queries}{EOI_TOKEN}"


def marks_of(tokens: StoryTokenizer) -> ImageMarks:
    """Return the ids around and inside an image."""
    return ImageMarks(tokens.boi_id, tokens.eoi_id, tokens.image_query_ids)


def image_ids(marks: ImageMarks) -> list[int]:
    """Return the ids of a whole image, in order."""
    return [marks.boi, *marks.queries, marks.eoi]


def steered(scores: Tensor, last_ids: Tensor, image_sequence: Sequence[int]) -> Tensor:
    """Adjust next-token scores as the released image-token processor does.

    Inside an image, the next token of the sequence gets the maximum plus 10. Elsewhere, every image
    query and EOI (but not BOI) gets a score of 0.0, not minus infinity: if all other scores are
    negative, such a token wins, which happens in the released outputs. The studio places image
    tokens itself and never samples them.

    Args:
        scores: `[B, vocab]`.
        last_ids: `[B]`, the token before the one to choose.
        image_sequence: BOI, all image queries in order, EOI.

    Returns:
        New scores, `[B, vocab]`.
    """
    adjusted = scores.clone()
    successor = dict(zip(image_sequence[:-1], image_sequence[1:], strict=True))
    silenced = torch.tensor(list(image_sequence[1:]), device=scores.device)
    for row, last_id in enumerate(last_ids.tolist()):
        if last_id in successor:
            adjusted[row, successor[last_id]] = scores[row].max() + 10
        else:
            adjusted[row, silenced] = 0.0
    return adjusted


def smallest_margin(
    raw_scores: Tensor, begun: int, ids: Sequence[int], image_sequence: Sequence[int]
) -> float:
    """Return the smallest difference between the best and the second best steered score.

    Args:
        raw_scores: `[ids, vocab]`.
        begun: The prompt's last token.
        ids: The tokens written after it.
        image_sequence: As for `steered`.
    """
    before = torch.tensor([begun, *ids[:-1]])
    best = steered(raw_scores, before, image_sequence).topk(2, dim=1).values
    return float((best[:, 0] - best[:, 1]).min())


@torch.no_grad()
def write(
    model: StoryLM,
    inputs_embeds: Tensor,
    choose: Callable[[Tensor], int],
    *,
    most: int,
    end: int | None = None,
) -> tuple[list[int], Tensor]:
    """Write token after token, one pass each.

    As in the released code, every pass scores all of its rows, the prompt's included.

    Args:
        model: The story model.
        inputs_embeds: The prompt, `[1, S, D]`.
        choose: Returns the next token from its scores `[1, vocab]`.
        most: Most tokens to write.
        end: The token that ends the text.

    Returns:
        The tokens, and the states `[1, tokens, D]` from which they were chosen.
    """
    cache = new_cache(model)
    written: list[int] = []
    states: list[Tensor] = []
    while len(written) < most and written[-1:] != [end]:
        output = model.decoder(inputs_embeds=inputs_embeds, cache=cache, use_cache=True)
        states.append(output.last_hidden_state[:, -1:])
        written.append(choose(model.score(output.last_hidden_state)[:, -1]))
        inputs_embeds = model.embed_tokens(torch.tensor([written[-1:]], device=model.device))
    return written, torch.cat(states, dim=1)


@torch.no_grad()
def generate(
    model: StoryLM, tokens: StoryTokenizer, prompt: Prompt, max_new_tokens: int
) -> Generated:
    """Continue a prompt greedily until the end token, as the release does."""
    marks = marks_of(tokens)
    image_sequence = image_ids(marks)
    begun, embeds = prompt.embed(model, tokens)
    last, rows = begun, []

    def choose(scores: Tensor) -> int:
        nonlocal last
        rows.append(scores.float())
        last = int(steered(rows[-1], torch.tensor([last]), image_sequence).argmax())
        return last

    written, states = write(model, embeds, choose, most=max_new_tokens, end=tokens.eos_id)
    features = torch.zeros(0)
    if marks.eoi in written:
        # A token's own state is computed one pass later, when the next token is chosen.
        end = len(written) - 1 - written[::-1].index(marks.eoi)
        features = model.reconstruct(states[:, end - len(marks.queries) + 1 : end + 1])
    raw_scores = torch.cat(rows)
    margin = smallest_margin(raw_scores, begun, written, image_sequence)
    return Generated(written, features, raw_scores, margin)


@torch.no_grad()
def draw(
    vision: VisionEncoder,
    detokenizer: DeTokenizer,
    visual_features: Tensor,
    *,
    num_inference_steps: int = 50,
    guidance_scale: float = 7.5,
) -> Tensor:
    """Draw one panel as the released script does, which encodes the zero image for every panel.

    Returns:
        Pixels `[1, 3, height, width]`, 0 to 1.
    """
    return detokenizer.draw(
        visual_features,
        negative_visual_features=vision.zero_image_features(),
        num_inference_steps=num_inference_steps,
        guidance_scale=guidance_scale,
        seed=SEED,
    )


def new_cache(model: StoryLM) -> DynamicCache:
    """Return an empty cache of transformers, which the released code's generation uses."""
    config = model.decoder.config
    assert isinstance(config, PreTrainedConfig)
    return DynamicCache(config=config)
