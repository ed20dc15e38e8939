"""Pre-train the image encoder: visual features from which an image can be described and redrawn.

The published encoder comes ready-made from Qwen-VL. Ours learns two tasks at once, through
throw-away heads: answer every question about the image, and redraw it small. The heads see each
token scaled to unit length and turned by random noise, as the language model's regressed features
will be. So the encoder learns features that survive such noise, and small things (a mouth, a prop)
take a larger share of them than of the pixels.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seedstory_core.config import VisionConfig
from seedstory_core.evaluation.classifier import accuracies, question_losses
from seedstory_core.models.vision import VisionEncoder
from seedstory_core.training.features import turn_away
from seedstory_core.training.images import (
    HELD_OUT,
    detail_weights,
    labels,
    pixels,
    scene_number,
)
from seedstory_core.training.plan import Plan
from seedstory_core.training.runs import Runs
from seedstory_core.training.sheets import save_rows
from seedstory_core.training.stage import Batch, Stage
from storyworld.attributes import QUESTIONS

SEED = 1_000_000_000
THING_WEIGHT = 4.0
"""How much a question about a thing weighs: they are small, and of many more kinds than actors."""
REDRAWN_PER_TOKEN = 16
"""Side in pixels of the square that the heads redraw per visual token."""
LARGEST_DRAWN = 256
"""Side in pixels of the largest images that are drawn for it."""


def clip_normalize(pixel_values: Tensor, config: VisionConfig) -> Tensor:
    """Return pixels in -1 … 1 of any size as the image encoder reads them."""
    if pixel_values.shape[-1] != config.image_size:
        size = (config.image_size, config.image_size)
        pixel_values = F.interpolate(pixel_values, size, mode="bilinear", antialias=True)
    mean = torch.tensor(config.normalize_mean, device=pixel_values.device).view(1, 3, 1, 1)
    std = torch.tensor(config.normalize_std, device=pixel_values.device).view(1, 3, 1, 1)
    return (pixel_values / 2 + 0.5 - mean) / std


class VisionTeacher(nn.Module):
    """The encoder and its throw-away heads."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.encoder = VisionEncoder(config)
        dim = config.output_dim
        self.grid = math.isqrt(config.n_queries)
        self.places = nn.Parameter(torch.randn(config.n_queries, dim) * 0.02)
        self.mix = nn.TransformerEncoderLayer(
            dim, 4, 2 * dim, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.queries = nn.Parameter(torch.randn(len(QUESTIONS), dim) * 0.02)
        self.attention = nn.MultiheadAttention(dim, 4, batch_first=True)
        self.norm = nn.LayerNorm(dim)
        self.answers = nn.ModuleDict(
            {name: nn.Linear(dim, len(answers)) for name, answers in QUESTIONS.items()}
        )
        self.redraw = nn.Sequential(
            nn.LayerNorm(dim),
            nn.Linear(dim, 2 * dim),
            nn.GELU(),
            nn.Linear(2 * dim, 3 * REDRAWN_PER_TOKEN**2),
        )

    def read(self, features: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Return answers from features `[B, V, C]`, and the image `[B, 3, 16·grid, 16·grid]`."""
        tokens = self.mix(features * features.shape[-1] ** 0.5 + self.places)
        queries = self.queries.expand(features.shape[0], -1, -1)
        found, _ = self.attention(queries, tokens, tokens, need_weights=False)
        found = self.norm(queries + found)
        scores = {
            name: head(found[:, index]) for index, (name, head) in enumerate(self.answers.items())
        }
        squares = self.redraw(tokens).transpose(1, 2)
        side = self.grid * REDRAWN_PER_TOKEN
        image = F.fold(squares, (side, side), REDRAWN_PER_TOKEN, stride=REDRAWN_PER_TOKEN)
        return scores, image


class VisionStage(Stage):
    """Questions and redrawing, through noisy features."""

    name = "vision"

    def __init__(self, config: VisionConfig, image_size: int) -> None:
        torch.manual_seed(13)
        self.config = config
        self.image_size = image_size
        self.model: nn.Module = VisionTeacher(config)

    def make_batch(self, number: int, size: int) -> Batch:
        """Draw `size` images with labels and weights."""
        scenes = [scene_number(SEED + number * size + row) for row in range(size)]
        side = math.isqrt(self.config.n_queries) * REDRAWN_PER_TOKEN
        return {
            "pixel_values": pixels(scenes, self.image_size),
            "weights": detail_weights(scenes, side, face=4.0, thing=4.0),
            **labels(scenes),
        }

    def loss(self, model: nn.Module, batch: Batch, step: int) -> tuple[Tensor, dict[str, float]]:
        """Return the questions' cross entropy plus the redrawing's weighted absolute error."""
        real = batch["pixel_values"]
        shown = real + torch.randn_like(real) * torch.rand(len(real), 1, 1, 1).to(real) * 0.08
        features = model.encoder(clip_normalize(shown, self.config))  # type: ignore[operator]
        # A third of the samples has almost no noise, the rest a cosine down to 0.7.
        cosine = torch.empty(len(real), 1, 1, device=real.device).uniform_(0.7, 1.15).clamp(max=1)
        scores, image = model.read(turn_away(features, cosine))  # type: ignore[operator]
        side = image.shape[-1]
        small = F.interpolate(real, (side, side), mode="bilinear", antialias=True)
        weights = batch["weights"] / batch["weights"].mean()
        redraw = ((image.float() - small).abs() * weights).mean()
        losses = question_losses(scores, batch)
        weighed = [
            (loss, THING_WEIGHT if name.startswith(("thing", "state", "where")) else 1.0)
            for name, loss in losses.items()
        ]
        asked = sum(weight for _, weight in weighed)
        questions = torch.stack([weight * loss for loss, weight in weighed]).sum() / asked
        right = accuracies(scores, batch)
        names = ("place", "weather", "framing", "thing0", "where0", "character0", "pose0", "pose1")
        figures = {name: right[name] for name in (*names, "expression0", "expression2")}
        return questions + 3.0 * redraw, {"redraw": float(redraw.detach()), **figures}

    @property
    def trained(self) -> nn.Module:
        """The encoder without its heads."""
        return self.model.encoder  # type: ignore[return-value]

    @torch.no_grad()
    def draw_sheet(self, model: nn.Module, path: Path) -> None:
        """Write real images above the redrawn ones, and the accuracies as text."""
        scenes = [scene_number(HELD_OUT + row) for row in range(256)]
        device = next(model.parameters()).device
        real = pixels(scenes, self.image_size)
        scores: dict[str, list[Tensor]] = {}
        first = torch.empty(0)
        for start in range(0, len(scenes), 64):
            shown = clip_normalize(real[start : start + 64].to(device), self.config)
            features = F.normalize(model.encoder(shown), dim=-1)  # type: ignore[operator]
            answer, image = model.read(features)  # type: ignore[operator]
            first = image[:10].cpu() if start == 0 else first
            for name, score in answer.items():
                scores.setdefault(name, []).append(score.cpu())
        right = accuracies({n: torch.cat(parts) for n, parts in scores.items()}, labels(scenes))
        lines = [f"{name:14s} {100 * value:5.1f} %" for name, value in right.items()]
        path.with_suffix(".txt").write_text("\n".join(lines) + "\n")
        small = F.interpolate(real[:10], first.shape[-2:], mode="bilinear", antialias=True)
        save_rows([small, first.float()], path)


def build(runs: Runs, plan: Plan) -> Stage:
    """Build the stage with untrained weights; large images are drawn at `LARGEST_DRAWN`."""
    size = min(runs.config.detokenizer.image_size, LARGEST_DRAWN)
    return VisionStage(runs.config.vision, size)
