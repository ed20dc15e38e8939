"""Linear layers whose weights lie in memory as the CPU's matrix kernels want them.

`nn.Linear` hands MKL the matrix as it was trained. oneDNN reads a blocked copy of it faster, above
all for the few rows of several stories that are decoded together (`benchmarks linears`). The copy
takes the place of the original: nothing can be trained, moved or saved afterwards.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PackedLinear(nn.Module):
    """`nn.Linear` with its weights packed by oneDNN; for inference on a CPU."""

    def __init__(self, linear: nn.Linear) -> None:
        """Take over the weights of a layer."""
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        # Not a buffer: its layout is opaque to everything that copies modules about.
        self.packed = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), None)
        self.bias = linear.bias

    def forward(self, x: Tensor) -> Tensor:
        """Multiply `[..., in_features]`: `[..., out_features]`."""
        return torch.ops.mkldnn._linear_pointwise(x, self.packed, self.bias, "none", [], "")

    def extra_repr(self) -> str:
        """Say the sizes, as `nn.Linear` does."""
        return f"{self.in_features}, {self.out_features}, bias={self.bias is not None}"


def can_pack(dtype: torch.dtype) -> bool:
    """Whether this build of torch packs weights of that kind."""
    if not torch.backends.mkldnn.is_available() or not hasattr(
        torch.ops.mkldnn, "_linear_pointwise"
    ):
        return False
    if dtype == torch.bfloat16:
        return torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return dtype == torch.float32


def pack_linears(model: nn.Module) -> None:
    """Pack every plain `nn.Linear` of a model on the CPU in place, where torch can.

    Subclasses are left alone: quantized ones have weights of their own, and those of
    `nn.MultiheadAttention` are read past the layer.
    """
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Linear and can_pack(child.weight.dtype):
                setattr(parent, name, PackedLinear(child))


def num_weights(model: nn.Module) -> int:
    """How many weights a model has, packed ones included."""
    packed = [layer for layer in model.modules() if isinstance(layer, PackedLinear)]
    return sum(weight.numel() for weight in model.parameters()) + sum(
        layer.in_features * layer.out_features for layer in packed
    )
