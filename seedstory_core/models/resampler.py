"""One layer of cross-attention that turns a square grid of tokens into another one.

The image encoder pools its patches with it; the story model reads and regresses visual features
through it. The design and the weight names are Qwen-VL's (arXiv:2308.12966), as the published
SEED-Story weights need them.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seedstory_core.config import ResamplerConfig


def sincos_positions(grid_size: int, dim: int) -> Tensor:
    """Return the fixed table `[grid_size**2, dim]`: sine and cosine of column, then of row.

    Source: the two-dimensional table of MAE (arXiv:2111.06377), with the column first.
    """
    frequencies = 10000.0 ** (-torch.arange(dim // 4, dtype=torch.float64) / (dim // 4))
    angles = torch.outer(torch.arange(grid_size, dtype=torch.float64), frequencies)
    per_line = torch.cat([angles.sin(), angles.cos()], dim=1)  # [grid_size, dim / 2]
    columns = per_line.repeat(grid_size, 1)
    rows = per_line.repeat_interleave(grid_size, dim=0)
    return torch.cat([columns, rows], dim=1).float()


def resize_positions(table: Tensor, num_positions: int) -> Tensor:
    """Resize a square position table `[S, C]` to `num_positions` rows, also a square.

    Bicubic with `align_corners=False`, without antialiasing, in float32, as the released weights
    were trained. A table of the right size is returned unchanged.

    Raises:
        ValueError: `num_positions` is no square number.
    """
    source, target = math.isqrt(table.shape[0]), math.isqrt(num_positions)
    if source == target:
        return table
    if target**2 != num_positions:
        raise ValueError(f"num_positions is {num_positions}; it must be a square number.")
    grid = table.float().reshape(1, source, source, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=(target, target), mode="bicubic", align_corners=False)
    return grid.permute(0, 2, 3, 1).flatten(0, 2).to(table.dtype)


class Resampler(nn.Module):
    """Learned queries that attend to all tokens once."""

    def __init__(self, config: ResamplerConfig) -> None:
        super().__init__()
        dim, eps = config.embed_dim, config.layer_norm_eps
        positions = sincos_positions(math.isqrt(config.num_queries), dim)
        # A parameter because the published files contain it; it is never trained.
        self.pos_embed = nn.Parameter(positions, requires_grad=False)
        self.query = nn.Parameter(torch.empty(config.num_queries, dim))
        nn.init.trunc_normal_(self.query, std=0.02)
        same_width = config.kv_dim == dim
        self.kv_proj = nn.Identity() if same_width else nn.Linear(config.kv_dim, dim, bias=False)
        self.attn = nn.MultiheadAttention(dim, config.num_heads, batch_first=True)
        self.ln_q = nn.LayerNorm(dim, eps=eps)
        self.ln_kv = nn.LayerNorm(dim, eps=eps)

    def forward(self, tokens: Tensor) -> Tensor:
        """Resample `[B, S, kv_dim]` (S a square number) to `[B, num_queries, embed_dim]`."""
        tokens = self.ln_kv(self.kv_proj(tokens))
        # Positions are added to queries and keys, not to values.
        queries = (self.ln_q(self.query) + self.pos_embed).expand(tokens.shape[0], -1, -1)
        keys = tokens + resize_positions(self.pos_embed, tokens.shape[1])
        return self.attn(queries, keys, tokens, need_weights=False)[0]
