"""A small decoder that shows a picture while it is being painted.

The codec takes as long as a step of painting or longer. Diffusers' `DecoderTiny`, the decoder of
TAESD, turns the same normalised latents into a rougher and smaller picture in a fraction of that;
the published model takes TAESDXL's weights, the tiny one its own.
"""

from __future__ import annotations

from diffusers.models.autoencoders.vae import DecoderTiny
from torch import Tensor, nn

from seedstory_core.config import PreviewConfig


class PreviewDecoder(nn.Module):
    """Decodes normalised latents roughly."""

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
        """Give pixels `[B, 3, f h, f w]`, about 0 to 1, of normalised latents `[B, C, h, w]`.

        Every block but the last doubles the sides: f is `2 ** (len(block_out_channels) - 1)`.
        """
        # diffusers' own output is from -1 to 1.
        return self.decoder(latents.to(next(self.parameters()).dtype)) / 2 + 0.5
