"""Sample sheets: rows of images in one PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor


def save_rows(rows: Sequence[Tensor], path: Path) -> None:
    """Write rows of images, each `[B, 3, height, width]` in -1 … 1, one row below the other."""
    strips = [torch.cat(list(row.detach().float().cpu()), dim=-1) for row in rows]
    sheet = torch.cat(strips, dim=-2)
    values = ((sheet + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    Image.fromarray(values.permute(1, 2, 0).numpy()).save(path)
