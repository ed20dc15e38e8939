"""What a training is made of, whatever it trains; `loop.py` runs it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from safetensors.torch import save_model
from torch import Tensor, nn

Batch = dict[str, Tensor]


class Stage(ABC):
    """One training stage: a model, its batches and its loss.

    Attributes:
        name: Name of its step in the recipe.
        model: Everything that has weights to train.
    """

    name: str
    model: nn.Module

    @abstractmethod
    def make_batch(self, number: int, size: int) -> Batch:
        """Make batch `number` (a pure function of number and size)."""

    @abstractmethod
    def loss(self, model: nn.Module, batch: Batch, step: int) -> tuple[Tensor, dict[str, float]]:
        """Return the mean loss of a batch, and figures for the log."""

    @abstractmethod
    def draw_sheet(self, model: nn.Module, path: Path) -> None:
        """Write a sample sheet that shows how the model is doing."""

    @property
    def trained(self) -> nn.Module:
        """The part of the model that is saved after training."""
        return self.model

    def finish(self, folder: Path) -> None:
        """Save the trained part as `weights.safetensors` (float32)."""
        save_model(self.trained, str(folder / "weights.safetensors"))
