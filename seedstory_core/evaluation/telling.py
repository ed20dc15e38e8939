"""Stories told by the engine for measuring: no session, no disk, fixed seeds.

The model never sees pixels, so turns here paint a single step; `paint` draws the images later
from the regressed features, many at once, as the turns would have painted them.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from seedstory_core.data.stories import StoryPanel, parse, tell
from seedstory_core.data.world import Scene
from seedstory_core.engine import PanelRecord, Past, StoryEngine, TurnRequest, TurnResult
from seedstory_core.generation.policies import MemoryPolicy
from seedstory_core.generation.sampling import Sampling
from seedstory_core.models.transforms import to_images

PAINTED_AT_ONCE = 16


@dataclass(frozen=True)
class ToldPanel:
    """One panel, and the scene that its words describe.

    Attributes:
        scene: Scene of the caption; None if the grammar does not understand it.
    """

    text: str
    image: Image.Image
    scene: Scene | None
    is_end: bool


def sampling_of(engine: StoryEngine, seed: int) -> Sampling:
    """Return the configured sampling with a seed."""
    return Sampling.of(engine.config.sampling, seed)


def take_turn(engine: StoryEngine, past: Past, request: TurnRequest) -> TurnResult:
    """Run one turn to its end; its image is painted in one step."""
    sketch = dataclasses.replace(request, num_inference_steps=1)
    for event in engine.turn(past, sketch):
        if isinstance(event, TurnResult):
            return event
    raise RuntimeError("The engine ended a turn without a result.")


def paint(
    engine: StoryEngine, features: Sequence[Tensor], seeds: Sequence[int]
) -> list[Image.Image]:
    """Paint visual features, each `[V, C]`, as turns with these image seeds would."""
    device = engine.story_lm.device

    def paint_some(rows: slice) -> list[Image.Image]:
        pixels = engine.detokenizer.draw(
            torch.stack(list(features[rows])).to(device),
            negative_visual_features=engine.negative_features,
            seed=seeds[rows],
        )
        return to_images(pixels)

    starts = range(0, len(features), PAINTED_AT_ONCE)
    parts = [slice(start, start + PAINTED_AT_ONCE) for start in starts]
    return [image for rows in parts for image in engine.run(functools.partial(paint_some, rows))]


def opening(number: int) -> StoryPanel:
    """Return the first panel of held-out story `number`, told without readers."""
    return tell(number, "test", reader_share=0.0).panels[0]


def tell_story(
    engine: StoryEngine,
    first: StoryPanel,
    num_panels: int,
    seed: int,
    *,
    past_end: bool = False,
    policy: MemoryPolicy | None = None,
) -> list[ToldPanel]:
    """Let the model continue an opening it never saw, and return all panels.

    Args:
        engine: The models.
        first: The opening; its words are given, its image is the model's.
        num_panels: Number of panels at most, the opening included.
        seed: Seed of words and images.
        past_end: Whether to continue after the story's end, as a reader may.
        policy: Memory policy; None takes the configured one.
    """
    past = Past(policy=policy)
    results: list[TurnResult] = []
    scenes: list[Scene | None] = []
    scene: Scene | None = None
    for number in range(num_panels):
        request = TurnRequest(
            reader_text=first.text if number == 0 else "",
            complete_text=number > 0,
            sampling=sampling_of(engine, seed * 1000 + number),
            image_seed=seed * 1000 + number,
        )
        result = take_turn(engine, past, request)
        past = result.past
        read = first.scene if number == 0 else parse(result.text, scene)
        scene = read or scene
        results.append(result)
        scenes.append(read)
        if result.is_end and not past_end:
            break
    features = [result.record.visual_features for result in results]
    images = paint(engine, features, [seed * 1000 + number for number in range(len(results))])
    return [
        ToldPanel(result.text, image, read, result.is_end)
        for result, image, read in zip(results, images, scenes, strict=True)
    ]


def read_context(
    engine: StoryEngine, panels: Sequence[StoryPanel], images: Sequence[Image.Image]
) -> Past:
    """Let the engine read given panels and images; return the story so far, as it sees it."""
    past = Past()
    for panel, image in zip(panels, images, strict=True):
        ids = tuple(engine.tokenizer.encode_text(panel.text))
        record = PanelRecord(ids, engine.encode_image(image))
        past = engine.read(past, record)
    # Several turns may follow, and a context serves only one.
    return dataclasses.replace(past, context=None)
