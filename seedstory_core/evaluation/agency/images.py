"""The figures about images: whether they show what their text names, and who is there twice.

An attribute classifier looks at the images. Its errors are part of the figures, so a sheet of the
images is written beside them, to be looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image

from seedstory_core.config import project_path
from seedstory_core.engine import Past, StoryEngine, TurnRequest, TurnResult
from seedstory_core.evaluation.agency import inputs
from seedstory_core.evaluation.agency.figure import Figure, few, share
from seedstory_core.evaluation.classifier import AttributeClassifier
from seedstory_core.evaluation.telling import sampling_of
from seedstory_core.generation.typed import Lexicon
from seedstory_core.models.transforms import sd_pixels
from seedstory_core.weights.checkpoint import load_weights, read_weights
from storyworld.attributes import QUESTIONS
from storyworld.parsing import mentioned
from storyworld.scene import MAX_ACTORS, MAX_THINGS
from storyworld.world import THINGS

PANELS = 10
"""Panels painted per story."""
SHEET_COLUMNS, SHEET_PIXELS = 10, 256


@dataclass(frozen=True)
class Painted:
    """A panel with its image.

    Attributes:
        text: The whole caption.
        image: Its painted image.
        answers: The classifier's answers, by the names of `QUESTIONS`.
    """

    text: str
    image: Image.Image
    answers: dict[str, str]


def painted(engine: StoryEngine, count: int) -> list[Figure]:
    """Paint the panels of `count` stories and measure their images."""
    classifier = _classifier(engine)
    panels = [
        Painted(text, image, _answers(classifier, image))
        for number, opening in enumerate(inputs.openings()[:count])
        for text, image in _tell(engine, opening.text, number)
    ]
    return compared(panels, engine.lexicon)


def compared(panels: Sequence[Painted], lexicon: Lexicon) -> list[Figure]:
    """Compare the things that panels name with those seen on their images."""
    shown: list[bool] = []
    doubled: list[bool] = []
    texts: list[str] = []
    for number, panel in enumerate(panels):
        seen = {panel.answers[f"thing{slot}"] for slot in range(MAX_THINGS)}
        named = sorted(mentioned(panel.text) & set(THINGS)) + lexicon.unknown(panel.text)
        missed = [word for word in named if word not in seen]
        shown += [word in seen for word in named]
        who = [panel.answers[f"character{slot}"] for slot in range(MAX_ACTORS)]
        there = [species for species in who if species != "absent"]
        doubled.append(len(there) > len(set(there)))
        remark = f"  [not seen: {', '.join(missed)}]" if missed else ""
        texts.append(f"{number:3d}. {panel.text}{remark}{'  [twice]' * doubled[-1]}")
    images = [panel.image for panel in panels]
    return [
        share("things named that the image shows", shown, 0.9, texts, images),
        few("panels where somebody is there twice", doubled, 0.002, []),
    ]


def sheet(images: Sequence[Image.Image]) -> Image.Image:
    """Return images in rows, in the order of their panels."""
    size, columns = SHEET_PIXELS, SHEET_COLUMNS
    canvas = Image.new("RGB", (columns * size, -(-len(images) // columns) * size), "white")
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        canvas.paste(image.convert("RGB").resize((size, size)), (column * size, row * size))
    return canvas


def _tell(engine: StoryEngine, opening: str, seed: int) -> list[tuple[str, Image.Image]]:
    past, panels = Past(), []
    for number in range(PANELS):
        request = TurnRequest(
            reader_text="" if number else opening,
            sampling=sampling_of(engine, seed * 1000 + number),
            image_seed=seed * 1000 + number,
        )
        *_, result = engine.turn(past, request)
        assert isinstance(result, TurnResult)
        panels.append((result.text, result.image))
        past = result.past
    return panels


def _classifier(engine: StoryEngine) -> AttributeClassifier:
    path = project_path(engine.config.runtime.weights_folder) / "classifier.safetensors"
    classifier = AttributeClassifier(questions=QUESTIONS)
    load_weights(classifier, read_weights(path), path)
    return classifier.eval()


@torch.no_grad()
def _answers(classifier: AttributeClassifier, image: Image.Image) -> dict[str, str]:
    scores = classifier(sd_pixels(image, image.width)[None])
    return {name: QUESTIONS[name][int(score.argmax())] for name, score in scores.items()}
