"""The perceiver, which replaces SDXL's text encoders: visual features in, prompt embeddings out.

Built like those of Flamingo (arXiv:2204.14198) and IP-Adapter (arXiv:2308.06721), with the weight
names and the normalisation of the published de-tokenizer.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seedstory_core.config import PerceiverConfig


def _attend(query: Tensor, key: Tensor, value: Tensor, heads: int) -> Tensor:
    """Multi-head attention over `[B, S, heads * dim_head]` with the softmax in float32."""
    query, key, value = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (query, key, value))
    # Scaling both sides by the fourth root keeps half precision in range.
    scale = query.shape[-1] ** -0.25
    scores = (query * scale) @ (key * scale).transpose(-2, -1)
    mixed = scores.float().softmax(dim=-1).to(value.dtype) @ value
    return mixed.transpose(1, 2).flatten(2)


class PerceiverAttention(nn.Module):
    """Attention of the latents to the features and to themselves."""

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__()
        self.heads = config.heads
        inner = config.dim_head * config.heads
        self.norm1 = nn.LayerNorm(config.dim)
        self.norm2 = nn.LayerNorm(config.dim)
        self.to_q = nn.Linear(config.dim, inner, bias=False)
        self.to_kv = nn.Linear(config.dim, 2 * inner, bias=False)
        self.to_out = nn.Linear(inner, config.dim, bias=False)

    def forward(self, features: Tensor, latents: Tensor) -> Tensor:
        """Return the update of `latents` `[B, N, dim]` from `features` `[B, V, dim]`."""
        latents = self.norm2(latents)
        key, value = self.to_kv(torch.cat([self.norm1(features), latents], dim=1)).chunk(2, dim=-1)
        return self.to_out(_attend(self.to_q(latents), key, value, self.heads))


class PooledAttention(nn.Module):
    """Pools latents to one vector: their mean attends to itself and them (as in CLIP's ResNet)."""

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__()
        dim = config.dim
        self.heads = config.heads
        self.positional_embedding = nn.Parameter(
            torch.randn(config.num_queries + 1, dim) / dim**0.5
        )
        self.k_proj = nn.Linear(dim, dim)
        self.q_proj = nn.Linear(dim, dim)
        self.v_proj = nn.Linear(dim, dim)
        self.c_proj = nn.Linear(dim, config.output2_dim)

    def forward(self, latents: Tensor) -> Tensor:
        """Pool `[B, N, dim]` to `[B, output2_dim]`."""
        tokens = torch.cat([latents.mean(dim=1, keepdim=True), latents], dim=1)
        tokens = tokens + self.positional_embedding
        mixed = _attend(
            self.q_proj(tokens[:, :1]), self.k_proj(tokens), self.v_proj(tokens), self.heads
        )
        return self.c_proj(mixed[:, 0])


def _feed_forward(dim: int, mult: int) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(dim),
        nn.Linear(dim, dim * mult, bias=False),
        nn.GELU(),
        nn.Linear(dim * mult, dim, bias=False),
    )


class PerceiverResampler(nn.Module):
    """Learned latents that attend to the visual features, projected to prompt embeddings."""

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__()
        dim = config.dim
        self.latents = nn.Parameter(torch.randn(1, config.num_queries, dim) / dim**0.5)
        self.proj_in = nn.Linear(config.embedding_dim, dim)
        self.layers = nn.ModuleList(
            nn.ModuleList([PerceiverAttention(config), _feed_forward(dim, config.ff_mult)])
            for _ in range(config.depth)
        )
        self.norm_out = nn.LayerNorm(dim)
        self.unet_proj_1 = nn.Linear(dim, config.output1_dim)
        self.unet_proj_2 = nn.Linear(dim, config.output2_dim)
        self.unet_attnpool = PooledAttention(config)

    def forward(self, visual_features: Tensor) -> tuple[Tensor, Tensor]:
        """Turn `[B, V, C]` into prompt embeds `[B, N, E]` and pooled prompt embeds `[B, P]`."""
        # The released weights were trained with this normalisation over the token axis; keep it.
        features = self.proj_in(F.normalize(visual_features, dim=1))
        latents = self.latents.expand(features.shape[0], -1, -1)
        for layer in self.layers:
            attention, feed_forward = layer.children()
            latents = latents + attention(features, latents)
            latents = latents + feed_forward(latents)
        latents = self.norm_out(latents)
        prompt_embeds = torch.cat([self.unet_proj_1(latents), self.unet_proj_2(latents)], dim=-1)
        return prompt_embeds, self.unet_attnpool(latents)
