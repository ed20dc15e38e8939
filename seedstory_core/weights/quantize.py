"""Quantizes the language model's weights to 8 or 4 bits with bitsandbytes."""

from __future__ import annotations

import torch
from torch import nn

from seedstory_core.errors import ConfigError

OUTLIER = 6.0
"""Activations beyond this are multiplied in half precision; the default of LLM.int8."""
CPU_ROWS, CPU_COLUMNS = 32, 64
"""On CPUs with bfloat16 units, bitsandbytes packs only 4-bit matrices of multiples of these."""


def quantize_linears(module: nn.Module, kind: str, device: torch.device) -> None:
    """Replace every `nn.Linear` in a module by a quantized layer on a device, one after the other.

    Args:
        module: A module on the CPU, such as a decoder's layers.
        kind: `int8` (LLM.int8, arXiv:2208.07339) or `nf4` (QLoRA's 4 bits, arXiv:2305.14314).
        device: Device of the quantized weights.

    Raises:
        ConfigError: bitsandbytes is not installed.
    """
    try:
        import bitsandbytes
    except ImportError as error:
        raise ConfigError(
            f"runtime.quantize is {kind}, which needs the package bitsandbytes. Run `pip install "
            "bitsandbytes`, or set runtime.quantize=none."
        ) from error
    layers = bitsandbytes.nn
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is not nn.Linear:
                continue
            sizes = child.in_features, child.out_features, child.bias is not None
            quantized: nn.Linear
            if kind == "int8":
                quantized = layers.Linear8bitLt(
                    *sizes, has_fp16_weights=False, threshold=OUTLIER, device="meta"
                )
                quantized.weight = layers.Int8Params(
                    child.weight.data, requires_grad=False, has_fp16_weights=False
                )
            else:
                quantized = layers.Linear4bit(
                    *sizes, compute_dtype=child.weight.dtype, quant_type="nf4", device="meta"
                )
                quantized.weight = layers.Params4bit(
                    child.weight.data, requires_grad=False, quant_type="nf4"
                )
                if child.out_features % CPU_ROWS or child.in_features % CPU_COLUMNS:
                    quantized.support_avx512bf16_for_cpu = False
            quantized.bias = child.bias
            # bitsandbytes quantizes a layer when it is moved to a device.
            setattr(parent, name, quantized.to(device).eval())
