"""Linear layers with weights in the memory layout of the CPU's matrix kernels.

`nn.Linear` passes the plain matrix to MKL. oneDNN multiplies faster with a blocked copy, above all
the few rows of several stories that are decoded together (`benchmarks linears`). The copy replaces
the original, so the layer can no longer be trained, moved or saved.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PackedLinear(nn.Module):
    """`nn.Linear` with its weights packed by oneDNN; for inference on a CPU."""

    def __init__(self, linear: nn.Linear) -> None:
        """Copy the weights of a layer in packed form."""
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        # Not a buffer: code that copies or moves modules cannot handle its opaque layout.
        self.packed = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), None)
        self.bias = linear.bias

    def forward(self, x: Tensor) -> Tensor:
        """Map `[..., in_features]` to `[..., out_features]`."""
        return torch.ops.mkldnn._linear_pointwise(x, self.packed, self.bias, "none", [], "")

    def extra_repr(self) -> str:
        """Return the sizes for `repr`, as `nn.Linear` does."""
        return f"{self.in_features}, {self.out_features}, bias={self.bias is not None}"


def can_pack(dtype: torch.dtype) -> bool:
    """Whether this build of torch can pack weights of that dtype."""
    if not torch.backends.mkldnn.is_available() or not hasattr(
        torch.ops.mkldnn, "_linear_pointwise"
    ):
        return False
    if dtype == torch.bfloat16:
        return torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return dtype == torch.float32


def pack_linears(model: nn.Module) -> None:
    """Pack every plain `nn.Linear` of a model on the CPU in place, where torch can.

    Subclasses stay as they are: quantized layers have their own weights, and
    `nn.MultiheadAttention` reads its layer's weights without calling the layer.
    """
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Linear and can_pack(child.weight.dtype):
                setattr(parent, name, PackedLinear(child))


def num_weights(model: nn.Module) -> int:
    """Return the number of weights of a model, packed ones included."""
    packed = [layer for layer in model.modules() if isinstance(layer, PackedLinear)]
    return sum(weight.numel() for weight in model.parameters()) + sum(
        layer.in_features * layer.out_features for layer in packed
    )
