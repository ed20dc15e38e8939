"""Make true visual features resemble regressed ones, whose direction is a little off."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def turn_away(features: Tensor, cosine: Tensor) -> Tensor:
    """Scale tokens to unit length and rotate each by a random direction to the given cosine.

    Args:
        features: `[B, V, C]`.
        cosine: `[B, 1, 1]`, between the token before and after.
    """
    unit = F.normalize(features.float(), dim=-1)
    noise = torch.randn_like(unit)
    noise = F.normalize(noise - (noise * unit).sum(-1, keepdim=True) * unit, dim=-1)
    return cosine * unit + (1 - cosine**2).clamp(min=0).sqrt() * noise


def jitter(features: Tensor, share: float = 0.5, lowest: float = 0.93) -> Tensor:
    """Turn the tokens of a share of the images away a little, as regression will.

    Args:
        features: `[B, V, C]`.
        share: Share of the images that are changed.
        lowest: Smallest cosine between a token before and after.
    """
    batch = features.shape[0]
    cosine = torch.empty(batch, 1, 1, device=features.device).uniform_(lowest, 1.0)
    turned = turn_away(features, cosine) * features.norm(dim=-1, keepdim=True)
    touched = (torch.rand(batch, 1, 1, device=features.device) < share).float()
    return touched * turned + (1 - touched) * features


def features_of(regressed: Tensor, like: Tensor) -> Tensor:
    """Return regressed features, scaled to the token lengths of true ones."""
    return F.normalize(regressed, dim=-1) * like.norm(dim=-1, keepdim=True)
