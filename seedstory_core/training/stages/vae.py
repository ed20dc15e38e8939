"""Train the image codec on crops of drawn images.

Loss: absolute error, in which faces and props weigh more, and a small KL term that keeps the
latents from growing without bound. A loss on image gradients was tried and slowed training down.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seedstory_core.config import VaeConfig
from seedstory_core.models.vae import ImageVae
from seedstory_core.training.images import HELD_OUT, detail_weights, pixels, scene_number
from seedstory_core.training.plan import Plan
from seedstory_core.training.runs import Runs
from seedstory_core.training.sheets import save_rows
from seedstory_core.training.stage import Batch, Stage
from storyworld.drawing.compose import Box, layout

CROP = 128
"""Side of a training crop in pixels; the codec is convolutional, so crops are enough."""
CROPS = 4
"""Crops of one image: one at a face, one at a thing, the others anywhere."""


class VaeStage(Stage):
    """Reconstruction of images, crop by crop."""

    name = "vae"

    def __init__(self, config: VaeConfig, image_size: int, *, kl_weight: float = 1e-4) -> None:
        torch.manual_seed(12)
        # On a CPU, convolutions are faster with channels last.
        self.model: nn.Module = ImageVae(config).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        # Begin with little noise on the latents: with unit noise the first thousands of steps only
        # make the latents larger than the noise.
        moments = self.model.autoencoder.quant_conv
        nn.init.constant_(moments.bias[config.latent_channels :], -5.0)
        self.image_size, self.fold = image_size, config.patch_size
        self.kl_weight = kl_weight

    def make_batch(self, number: int, size: int) -> Batch:
        """Draw `size / CROPS` images and cut crops out of each."""
        count = -(-size // CROPS)
        scenes = [scene_number(number * size + row) for row in range(count)]
        drawn = pixels(scenes, self.image_size)
        weights = detail_weights(scenes, self.image_size, face=3.0, thing=3.0)
        rng = random.Random(number)
        crops, crop_weights = [], []
        for row, scene in enumerate(scenes):
            plan = layout(scene)
            targets = [rng.choice(plan.heads)]
            targets += [rng.choice(plan.things)] if plan.things else []
            for index in range(CROPS):
                left, top = self._corner(targets[index] if index < len(targets) else None, rng)
                area = (slice(top, top + CROP), slice(left, left + CROP))
                crops.append(drawn[row][:, *area])
                crop_weights.append(weights[row][:, *area])
        pixel_values, weights = torch.stack(crops[:size]), torch.stack(crop_weights[:size])
        return {"pixel_values": pixel_values, "weights": weights}

    def _corner(self, target: Box | None, rng: random.Random) -> tuple[int, int]:
        """Return left and top of a crop: around a box, or anywhere.

        Both are multiples of the stem's fold, so that the stem folds the same squares as in whole
        images, while latent cells may begin at any of them.
        """
        limit = self.image_size - CROP
        if target is None:
            corner = [rng.randint(0, limit) for _ in range(2)]
        else:
            scale, spread = self.image_size / 256, CROP // 4
            middle = [(target[side] + target[side + 2]) / 2 * scale for side in (0, 1)]
            corner = [int(m) - CROP // 2 + rng.randint(-spread, spread) for m in middle]
        left, top = (min(max(0, c), limit) // self.fold * self.fold for c in corner)
        return left, top

    def loss(self, model: nn.Module, batch: Batch, step: int) -> tuple[Tensor, dict[str, float]]:
        """Return the weighted reconstruction error plus a small KL term."""
        real, weights = batch["pixel_values"], batch["weights"]
        posterior = model.posterior(real)  # type: ignore[operator]
        drawn = model.reconstruct(posterior.sample()).float()  # type: ignore[operator]
        weights = weights / weights.mean()
        pixel = ((drawn - real).abs() * weights).mean()
        mean = posterior.mean.float().detach()
        kl = posterior.kl().float().mean() / mean[0].numel()
        psnr = -10 * torch.log10(F.mse_loss(drawn.detach(), real) / 4)
        return pixel + self.kl_weight * kl, {
            "pixel": float(pixel.detach()),
            "kl": float(kl.detach()),
            "psnr": float(psnr),
            "latent_std": float(mean.std()),
        }

    @torch.no_grad()
    def draw_sheet(self, model: nn.Module, path: Path) -> None:
        """Write real images above their round trips."""
        scenes = [scene_number(HELD_OUT + row) for row in range(10)]
        real = pixels(scenes, self.image_size).to(next(model.parameters()).device)
        drawn = model.reconstruct(model.posterior(real).mode())  # type: ignore[operator]
        save_rows([real[:5], drawn[:5], real[5:], drawn[5:]], path)

    def finish(self, folder: Path) -> None:
        """Save the codec, and the numbers that scale its latents to unit variance."""
        super().finish(folder)
        shift, scale = latent_statistics(self.model, self.image_size)
        numbers = {"shift_factor": round(shift, 4), "scaling_factor": round(1 / scale, 4)}
        (folder / "statistics.json").write_text(json.dumps(numbers) + "\n")


@torch.no_grad()
def latent_statistics(model: nn.Module, image_size: int, count: int = 256) -> tuple[float, float]:
    """Return mean and standard deviation of raw latents over drawn images."""
    device = next(model.parameters()).device
    parts = []
    for start in range(0, count, 16):
        scenes = [scene_number(HELD_OUT // 2 + start + row) for row in range(16)]
        latents = model.posterior(pixels(scenes, image_size).to(device)).mode()  # type: ignore[operator]
        parts.append(latents.float())
    together = torch.cat(parts)
    return float(together.mean()), float(together.std())


def build(runs: Runs, plan: Plan) -> Stage:
    """Build the stage with untrained weights."""
    detokenizer = runs.config.detokenizer
    return VaeStage(detokenizer.vae, detokenizer.image_size)
