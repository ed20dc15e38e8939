"""The attribute classifier: looks at an image and answers every question about it.

It is for measuring only. Its architecture (convolutions), data seed and augmentation differ from
the image encoder's, so that an image that fools one need not fool the other. Its accuracy on
real images is printed beside the scores as their ceiling.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seedstory_core.data.attributes import QUESTIONS, UNASKED

INPUT_SIZE = 192
"""Side in pixels of the classifier's input; other images are resized."""


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.GroupNorm(8, channels),
            nn.SiLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.GroupNorm(8, channels),
            nn.SiLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
        )

    def forward(self, maps: Tensor) -> Tensor:
        return maps + self.body(maps)


class AttributeClassifier(nn.Module):
    """A small residual network with one attention query per question.

    Args:
        width: Channels of the first layers.
        questions: Every question and its answers.
    """

    def __init__(
        self, width: int = 20, questions: Mapping[str, tuple[str, ...]] = QUESTIONS
    ) -> None:
        super().__init__()
        channels = (width, 2 * width, 4 * width, 6 * width)
        layers: list[nn.Module] = [nn.Conv2d(3, channels[0], 5, stride=2, padding=2)]
        for level, (before, after) in enumerate(zip(channels, channels[1:], strict=False)):
            layers.append(nn.Conv2d(before, after, 3, stride=2, padding=1))
            layers += [_Residual(after) for _ in range(1 if level == 0 else 2)]
        self.body = nn.Sequential(*layers, nn.GroupNorm(8, channels[-1]), nn.SiLU())
        dim, grid = channels[-1], INPUT_SIZE // 16
        self.positions = nn.Parameter(torch.randn(grid * grid, dim) * 0.02)
        self.queries = nn.Parameter(torch.randn(len(questions), dim) * 0.02)
        self.attention = nn.MultiheadAttention(dim, 4, batch_first=True)
        self.norm = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.SiLU(), nn.Linear(2 * dim, dim))
        self.answers = nn.ModuleDict(
            {name: nn.Linear(dim, len(answers)) for name, answers in questions.items()}
        )

    def forward(self, pixel_values: Tensor) -> dict[str, Tensor]:
        """Return a score for every answer.

        Args:
            pixel_values: `[B, 3, height, width]` in -1 … 1, any size.

        Returns:
            Per question, scores `[B, answers]`.
        """
        if pixel_values.shape[-1] != INPUT_SIZE:
            pixel_values = F.interpolate(
                pixel_values.float(), (INPUT_SIZE, INPUT_SIZE), mode="bilinear", antialias=True
            )
        tokens = self.body(pixel_values).flatten(2).transpose(1, 2)
        queries = self.queries.expand(tokens.shape[0], -1, -1)
        found, _ = self.attention(queries, tokens + self.positions, tokens, need_weights=False)
        found = self.norm(queries + found)
        found = found + self.mlp(found)
        return {
            name: head(found[:, index]) for index, (name, head) in enumerate(self.answers.items())
        }


def question_losses(
    scores: Mapping[str, Tensor], labels: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Return cross entropy per question, over the images where it applies (0 without any)."""
    losses = {}
    for name, score in scores.items():
        asked = labels[name] != UNASKED
        loss = F.cross_entropy(score.float(), labels[name].clamp(min=0), reduction="none")
        losses[name] = (loss * asked).sum() / asked.sum().clamp(min=1)
    return losses


def accuracies(scores: Mapping[str, Tensor], labels: Mapping[str, Tensor]) -> dict[str, float]:
    """Return the share of right answers per question, over the images where it applies."""
    right = {}
    for name, score in scores.items():
        asked = labels[name] != UNASKED
        hits = (score.argmax(-1) == labels[name]) & asked
        right[name] = float(hits.sum() / asked.sum().clamp(min=1))
    return right
