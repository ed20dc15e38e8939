"""The released schedule, on our modules: what performance is compared with.

Every turn encodes its whole prompt anew, image tokens go through the model one by one, the window
moves by cutting the prompt (`seedstory_core/weights/verify/stories.py`), and the picture that
guidance pushes away from is encoded again for every panel. It gives what the release gives; the
studio gives the same words and pictures with fewer passes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.schedules import new_cache
from seedstory_core.generation.image_scores import released_image_scores
from seedstory_core.generation.tokens import StoryTokenizer
from seedstory_core.models.detokenizer import DeTokenizer
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.models.vision import VisionEncoder
from seedstory_core.weights.verify.stories import Generated, Prompt, marks_of

SEED = 42
"""Of every picture, as in the released script."""


@torch.no_grad()
def generate(
    model: StoryLM, tokens: StoryTokenizer, prompt: Prompt, max_new_tokens: int
) -> Generated:
    """Continue a prompt greedily, one token a pass, until the end token."""
    marks = marks_of(tokens)
    image_ids = [marks.boi, *marks.queries, marks.eoi]
    last, embeds = prompt.embed(model, tokens)
    cache = new_cache(model)
    written: list[int] = []
    states: list[Tensor] = []
    scores: list[Tensor] = []
    margin = float("inf")
    while len(written) < max_new_tokens and last != tokens.eos_id:
        output = model.decoder(inputs_embeds=embeds, cache=cache, use_cache=True)
        hidden = output.last_hidden_state[:, -1:]
        states.append(hidden)
        scores.append(model.score(hidden[:, 0]).float())
        steered = released_image_scores(scores[-1], torch.tensor([last]), image_ids)
        best = steered.topk(2, dim=1).values[0]
        margin = min(margin, float(best[0] - best[1]))
        last = int(steered.argmax())
        written.append(last)
        embeds = model.embed_tokens(torch.tensor([[last]], device=model.device))
    if marks.eoi in written:
        # The state after a token is at hand one pass later, where the next token was chosen.
        end = len(written) - 1 - written[::-1].index(marks.eoi)
        queries = torch.cat(states[end - len(marks.queries) + 1 : end + 1], dim=1)
        features = model.reconstruct(queries)
    else:
        features = torch.zeros(0)
    return Generated(written, features, torch.cat(scores), margin)


@torch.no_grad()
def draw(
    vision: VisionEncoder,
    detokenizer: DeTokenizer,
    visual_features: Tensor,
    *,
    num_inference_steps: int = 50,
    guidance_scale: float = 7.5,
) -> Tensor:
    """Draw one panel as the released script does; pixels `[1, 3, height, width]`, 0 to 1."""
    return detokenizer.draw(
        visual_features,
        negative_visual_features=vision.zero_picture_features(),
        num_inference_steps=num_inference_steps,
        guidance_scale=guidance_scale,
        seed=SEED,
    )
