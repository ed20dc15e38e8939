"""Which number format is fast here.

bfloat16 at least doubles the speed where the hardware has it. Where it has not, it is emulated,
many times more slowly than float32.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether matrix products in bfloat16 are fast on a device."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


def fast_autocast(device: torch.device) -> AbstractContextManager[object]:
    """Autocast to bfloat16 where that is fast, else nothing."""
    if has_fast_bfloat16(device):
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()
