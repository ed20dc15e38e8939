"""Train the small decoder that shows images while they are being painted.

It learns to turn the frozen codec's latents into the image at its own, smaller size. A little
noise on the latents stands for the noise of an unfinished image.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seedstory_core.config import DeTokenizerConfig
from seedstory_core.models.preview import PreviewDecoder
from seedstory_core.models.vae import ImageVae
from seedstory_core.training.images import HELD_OUT, detail_weights, pixels, scene_number
from seedstory_core.training.plan import Plan
from seedstory_core.training.runs import Runs
from seedstory_core.training.sheets import save_rows
from seedstory_core.training.stage import Batch, Stage

SEED = 4_000_000_000
NOISE = 0.3
"""Largest noise on the latents, which have unit variance."""


class PreviewStage(Stage):
    """Small images from latents."""

    name = "preview"

    def __init__(self, config: DeTokenizerConfig, vae: ImageVae, device: torch.device) -> None:
        torch.manual_seed(19)
        self.model: nn.Module = PreviewDecoder(config.preview, config.vae.latent_channels)
        self.config = config
        self.vae = vae.to(device)

    def make_batch(self, number: int, size: int) -> Batch:
        """Draw `size` images."""
        scenes = [scene_number(SEED + number * size + row) for row in range(size)]
        image_size = self.config.image_size
        return {
            "pixel_values": pixels(scenes, image_size),
            "weights": detail_weights(scenes, image_size, face=3.0, thing=3.0),
        }

    def loss(self, model: nn.Module, batch: Batch, step: int) -> tuple[Tensor, dict[str, float]]:
        """Return the weighted absolute error."""
        with torch.no_grad():
            latents = self.vae.encode(batch["pixel_values"]).float()
        noise = torch.rand(len(latents), 1, 1, 1, device=latents.device) * NOISE
        shown = model(latents + noise * torch.randn_like(latents)).float()
        real, weights = (
            F.interpolate(part, shown.shape[-2:], mode="area")
            for part in (batch["pixel_values"] / 2 + 0.5, batch["weights"])
        )
        error = ((shown - real).abs() * (weights / weights.mean())).mean()
        psnr = -10 * torch.log10(F.mse_loss(shown.detach(), real))
        return error, {"psnr": float(psnr)}

    @torch.no_grad()
    def draw_sheet(self, model: nn.Module, path: Path) -> None:
        """Write real images above the small decoder's images of their latents."""
        scenes = [scene_number(HELD_OUT + row) for row in range(5)]
        real = pixels(scenes, self.config.image_size).to(next(model.parameters()).device)
        shown = model(self.vae.encode(real)).float().clamp(0, 1) * 2 - 1
        small = F.interpolate(real, shown.shape[-2:], mode="area")
        save_rows([small, shown], path)


def build(runs: Runs, plan: Plan) -> Stage:
    """Build the stage, with the trained codec."""
    return PreviewStage(runs.config.detokenizer, runs.vae(), runs.device)
