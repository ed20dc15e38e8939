"""The image encoder: a vision transformer whose patches are pooled into visual features.

Architecture and weight names are those of Qwen-VL's encoder (arXiv:2308.12966), which the release
uses. Its input comes from `transforms.clip_pixels`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seedstory_core.config import ResamplerConfig, VisionConfig
from seedstory_core.models.resampler import Resampler, resize_positions


class VisionAttention(nn.Module):
    """Self-attention with a fused projection, laid out head by head as query, key, value."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj = nn.Linear(width, 3 * width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Let every token of `[B, S, width]` attend to all tokens."""
        batch, length, width = tokens.shape
        # [head][query|key|value], not the usual [query|key|value][head].
        mixed = self.in_proj(tokens).view(batch, length, self.heads, -1).transpose(1, 2)
        query, key, value = mixed.chunk(3, dim=-1)
        mixed = F.scaled_dot_product_attention(query, key, value)
        return self.out_proj(mixed.transpose(1, 2).reshape(batch, length, width))


class VisionMlp(nn.Module):
    """Two linear layers around an exact (erf) GELU."""

    def __init__(self, width: int, mlp_width: int) -> None:
        super().__init__()
        self.c_fc = nn.Linear(width, mlp_width)
        self.c_proj = nn.Linear(mlp_width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Transform each token of `[B, S, width]` by itself."""
        return self.c_proj(F.gelu(self.c_fc(tokens)))


class VisionBlock(nn.Module):
    """One pre-norm transformer block."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.width, eps=config.layer_norm_eps)
        self.ln_2 = nn.LayerNorm(config.width, eps=config.layer_norm_eps)
        self.attn = VisionAttention(config.width, config.heads)
        self.mlp = VisionMlp(config.width, config.mlp_width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Apply attention and MLP to `[B, S, width]`, each with its residual."""
        tokens = tokens + self.attn(self.ln_1(tokens))
        return tokens + self.mlp(self.ln_2(tokens))


class VisionTransformer(nn.Module):
    """The blocks, in a module of their own to match the published weight names."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(VisionBlock(config) for _ in range(config.layers))

    def forward(self, tokens: Tensor) -> Tensor:
        """Pass `[B, S, width]` through all blocks."""
        for block in self.resblocks:
            tokens = block(tokens)
        return tokens


class VisionEncoder(nn.Module):
    """Encodes images into visual features."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.config = config
        width, dim, eps = config.width, config.output_dim, config.layer_norm_eps
        self.conv1 = nn.Conv2d(3, width, config.patch_size, config.patch_size, bias=False)
        grid = config.positional_embedding_grid
        self.positional_embedding = nn.Parameter(width**-0.5 * torch.randn(grid**2, width))
        self.ln_pre = nn.LayerNorm(width, eps=eps)
        self.transformer = VisionTransformer(config)
        self.attn_pool = Resampler(
            ResamplerConfig(
                num_queries=config.n_queries,
                embed_dim=dim,
                kv_dim=width,
                num_heads=config.attn_pool_num_heads,
                layer_norm_eps=eps,
            )
        )
        self.ln_post = nn.LayerNorm(dim, eps=eps)
        self.proj = nn.Parameter(dim**-0.5 * torch.randn(dim, dim))

    def patch_tokens(self, pixel_values: Tensor) -> Tensor:
        """Return the input tokens of the first block, `[B, patches, width]`."""
        tokens = self.conv1(pixel_values).flatten(2).transpose(1, 2)
        return self.ln_pre(tokens + resize_positions(self.positional_embedding, tokens.shape[1]))

    def pool(self, tokens: Tensor) -> Tensor:
        """Pool the last block's tokens `[B, patches, width]` into visual features `[B, V, C]`."""
        return self.ln_post(self.attn_pool(tokens)) @ self.proj

    def forward(self, pixel_values: Tensor) -> Tensor:
        """Encode square images `[B, 3, height, width]` into visual features `[B, V, C]`."""
        return self.pool(self.transformer(self.patch_tokens(pixel_values)))

    @torch.no_grad()
    def zero_image_features(self, image_size: int | None = None) -> Tensor:
        """Return the features `[1, V, C]` of the zero image: the de-tokenizer's null condition.

        Its pixel values are zero after normalisation: an image of the mean colour. The features
        change only with the weights, so callers compute them once and keep them.

        Args:
            image_size: Height and width in pixels; None takes the config's.
        """
        size = image_size or self.config.image_size
        weight = self.conv1.weight
        return self(torch.zeros(1, 3, size, size, dtype=weight.dtype, device=weight.device))
