"""Batches of drawn images with their labels and weights."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from storyworld.attributes import QUESTIONS, encode
from storyworld.drawing.compose import layout, random_scene, render
from storyworld.scene import Scene

# Different models train on different images; held-out images have numbers beyond any run's.
HELD_OUT = 1 << 40


def scene_number(number: int) -> Scene:
    """Return scene `number` of the endless series of training images."""
    return random_scene(random.Random(number))


def labels(scenes: Sequence[Scene]) -> dict[str, Tensor]:
    """Return class numbers per question, each `[B]`."""
    rows = [encode(scene) for scene in scenes]
    return {name: torch.tensor([row[name] for row in rows]) for name in QUESTIONS}


def pixels(scenes: Sequence[Scene], size: int) -> Tensor:
    """Draw scenes as `[B, 3, size, size]` in -1 … 1."""
    drawn = np.stack([render(scene, size) for scene in scenes])
    return torch.from_numpy(drawn).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def detail_weights(scenes: Sequence[Scene], size: int, face: float, thing: float) -> Tensor:
    """Return weights `[B, 1, size, size]`: 1, and more on faces and things, which are small."""
    weights = torch.ones(len(scenes), 1, size, size)
    scale = size / 256
    for row, scene in enumerate(scenes):
        plan = layout(scene)
        boxes = [(head, face) for head in plan.heads]
        boxes += [(box, thing) for box in plan.things]
        for (left, top, right, bottom), weight in boxes:
            area = weights[
                row,
                0,
                max(0, int(top * scale)) : max(0, int(bottom * scale) + 1),
                max(0, int(left * scale)) : max(0, int(right * scale) + 1),
            ]
            area.clamp_(min=weight)
    return weights
