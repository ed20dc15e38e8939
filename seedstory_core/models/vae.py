"""The image codec: pixels to latents and back, diffusers' `AutoencoderKL` behind a stem.

The stem folds squares of `patch_size` by `patch_size` pixels into channels, so that a small codec
needs fewer resolutions and less work. With `patch_size` 1 it is the published SDXL codec.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from torch import Tensor, nn

from seedstory_core.config import VaeConfig


class ImageVae(nn.Module):
    """Encodes pixel values, -1 to 1, to latents and decodes latents to pixels."""

    def __init__(self, config: VaeConfig) -> None:
        super().__init__()
        self.config = config
        levels = len(config.block_out_channels)
        channels = 3 * config.patch_size**2
        self.autoencoder = AutoencoderKL(
            in_channels=channels,
            out_channels=channels,
            down_block_types=("DownEncoderBlock2D",) * levels,
            up_block_types=("UpDecoderBlock2D",) * levels,
            block_out_channels=tuple(config.block_out_channels),
            layers_per_block=config.layers_per_block,
            latent_channels=config.latent_channels,
            norm_num_groups=config.norm_num_groups,
            mid_block_add_attention=config.mid_block_add_attention,
            scaling_factor=config.scaling_factor,
            shift_factor=config.shift_factor or None,
            force_upcast=config.force_upcast,
        )
        if config.tile_size:
            # Tile sizes are in pixels after the stem; diffusers would take its own config's.
            self.autoencoder.enable_tiling()
            self.autoencoder.tile_sample_min_size = config.tile_size // config.patch_size
            self.autoencoder.tile_latent_min_size = config.tile_size // config.downscale_factor

    def posterior(self, pixel_values: Tensor) -> DiagonalGaussianDistribution:
        """Return the distribution of the raw latents (`mean`, `logvar`, `sample()`, `kl()`).

        Args:
            pixel_values: `[B, 3, height, width]`, -1 to 1.
        """
        folded = F.pixel_unshuffle(pixel_values.to(self.autoencoder.dtype), self.config.patch_size)
        return self.autoencoder.encode(folded).latent_dist

    def reconstruct(self, raw_latents: Tensor) -> Tensor:
        """Decode raw latents, as from the posterior, to pixels of about -1 to 1."""
        folded = self.autoencoder.decode(raw_latents.to(self.autoencoder.dtype)).sample
        return F.pixel_shuffle(folded, self.config.patch_size)

    def encode(
        self,
        pixel_values: Tensor,
        *,
        sample: bool = False,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Encode pixel values to normalised latents `[B, latent_channels, height / f, width / f]`.

        Args:
            pixel_values: `[B, 3, height, width]`, -1 to 1.
            sample: Whether to sample from the posterior instead of taking its mean.
            generator: Source of randomness when sampling.
        """
        posterior = self.posterior(pixel_values)
        raw = posterior.sample(generator) if sample else posterior.mode()
        return (raw - self.config.shift_factor) * self.config.scaling_factor

    def decode(self, latents: Tensor) -> Tensor:
        """Decode normalised latents to pixels `[B, 3, height, width]`, clamped to 0 to 1."""
        raw = latents.to(self.autoencoder.dtype) / self.config.scaling_factor
        return (self.reconstruct(raw + self.config.shift_factor) / 2 + 0.5).clamp(0, 1)
