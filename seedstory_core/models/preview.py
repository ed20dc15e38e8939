"""A small decoder that shows an image while it is being drawn.

Decoding with the codec takes as long as a denoising step or longer. diffusers' `DecoderTiny`, the
decoder of TAESD, turns the same normalised latents into a rougher image in a fraction of the time.
The published model uses TAESDXL's weights, the tiny one its own.
"""

from __future__ import annotations

from diffusers.models.autoencoders.vae import DecoderTiny
from torch import Tensor, nn

from seedstory_core.config import PreviewConfig


class PreviewDecoder(nn.Module):
    """Decodes normalised latents to a rough image."""

    def __init__(self, config: PreviewConfig, latent_channels: int) -> None:
        super().__init__()
        self.decoder = DecoderTiny(
            in_channels=latent_channels,
            out_channels=3,
            num_blocks=tuple(config.num_blocks),
            block_out_channels=tuple(config.block_out_channels),
            upsampling_scaling_factor=2,
            act_fn="relu",
            upsample_fn="nearest",
        )

    def forward(self, latents: Tensor) -> Tensor:
        """Decode normalised latents `[B, C, h, w]` to pixels `[B, 3, f h, f w]`, about 0 to 1.

        Every block but the last doubles height and width, so f is
        `2 ** (len(block_out_channels) - 1)`.
        """
        # DecoderTiny's output ranges from -1 to 1.
        return self.decoder(latents.to(next(self.parameters()).dtype)) / 2 + 0.5
