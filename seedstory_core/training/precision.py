"""Choose the number format that is fast on this hardware.

bfloat16 is faster than float32 where the hardware has it, and much slower where it is emulated.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch


def has_fast_bfloat16(device: torch.device) -> bool:
    """Return whether matrix products in bfloat16 are fast on a device."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


def fast_autocast(device: torch.device) -> AbstractContextManager[object]:
    """Return autocast to bfloat16 where that is fast, otherwise a context that does nothing."""
    if has_fast_bfloat16(device):
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()
