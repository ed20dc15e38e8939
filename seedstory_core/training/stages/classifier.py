"""Train the attribute classifier on drawn images, blurred and noisy, with their labels."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seedstory_core.evaluation.classifier import (
    INPUT_SIZE,
    AttributeClassifier,
    accuracies,
    question_losses,
)
from seedstory_core.training.images import HELD_OUT, labels, pixels, scene_number
from seedstory_core.training.plan import Plan
from seedstory_core.training.runs import Runs
from seedstory_core.training.stage import Batch, Stage
from storyworld.attributes import QUESTIONS

SEED = 2_000_000_000
"""Start of the classifier's own series of images, apart from those of the models it judges."""


def damage(pixel_values: Tensor) -> Tensor:
    """Blur, dim, shift and add noise, differently for every half of the batch."""
    size = pixel_values.shape[-1]
    pieces = []
    for piece in pixel_values.chunk(4):
        if torch.rand(()) < 0.6:
            small = int(size * float(torch.empty(()).uniform_(0.4, 1.0)))
            piece = F.interpolate(piece, (small, small), mode="bilinear", antialias=True)
            piece = F.interpolate(piece, (size, size), mode="bilinear", antialias=True)
        if torch.rand(()) < 0.5:
            contrast = torch.empty(piece.shape[0], 1, 1, 1).uniform_(0.85, 1.1)
            piece = piece * contrast + torch.empty(piece.shape[0], 3, 1, 1).uniform_(-0.08, 0.08)
        if torch.rand(()) < 0.5:
            dx, dy = (int(d) for d in torch.randint(-4, 5, (2,)))
            piece = torch.roll(piece, (dy, dx), (2, 3))
        noise = torch.randn_like(piece) * torch.rand(piece.shape[0], 1, 1, 1) * 0.15
        pieces.append(piece + noise)
    return torch.cat(pieces)


class ClassifierStage(Stage):
    """Cross entropy on every question."""

    name = "classifier"

    def __init__(self) -> None:
        torch.manual_seed(11)
        self.model: nn.Module = AttributeClassifier(questions=QUESTIONS)

    def make_batch(self, number: int, size: int) -> Batch:
        """Draw `size` images with their labels."""
        scenes = [scene_number(SEED + number * size + row) for row in range(size)]
        return {"pixel_values": pixels(scenes, INPUT_SIZE), **labels(scenes)}

    def loss(self, model: nn.Module, batch: Batch, step: int) -> tuple[Tensor, dict[str, float]]:
        """Return the mean cross entropy; actors weigh as much as the place."""
        scores = model(damage(batch["pixel_values"]))
        losses = question_losses(scores, batch)
        right = accuracies(scores, batch)
        figures = {
            name: right[name] for name in ("place", "weather", "thing0", "where0", "character0")
        } | {name: right[name] for name in ("pose0", "pose1", "expression0", "expression2")}
        return torch.stack(list(losses.values())).mean(), figures

    @torch.no_grad()
    def draw_sheet(self, model: nn.Module, path: Path) -> None:
        """Write the accuracies on 512 clean held-out images as text."""
        scenes = [scene_number(HELD_OUT + row) for row in range(512)]
        device = next(model.parameters()).device
        scores: dict[str, list[Tensor]] = {}
        for start in range(0, len(scenes), 64):
            answer = model(pixels(scenes[start : start + 64], INPUT_SIZE).to(device))
            for name, score in answer.items():
                scores.setdefault(name, []).append(score.cpu())
        right = accuracies({n: torch.cat(parts) for n, parts in scores.items()}, labels(scenes))
        lines = [f"{name:14s} {100 * value:5.1f} %" for name, value in right.items()]
        path.with_suffix(".txt").write_text("\n".join(lines) + "\n")


def build(runs: Runs, plan: Plan) -> Stage:
    """Build the stage with untrained weights."""
    return ClassifierStage()
