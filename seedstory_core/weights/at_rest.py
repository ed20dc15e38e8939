"""Weights packed into 8 bits on disk, which unpack to the same float32 numbers everywhere.

Every row of a matrix is cut into groups of 64 weights; a group is stored as whole numbers from -127
to 127 and one half-precision scale. The product of 7 and 11 significant bits fits into the 24 of a
float32, so unpacking is exact: a file gives the same weights on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from seedstory_core.errors import WeightsError

CODES, SCALES = ".codes", ".scales"
"""Suffixes of the two names under which a packed weight is stored."""
GROUP = 64
MOST = 127
FEWEST_WEIGHTS = 1 << 14
"""Least size of a packed matrix; smaller ones cost little and are often sensitive to rounding."""


def can_pack(weight: Tensor) -> bool:
    """Whether a weight is a large enough matrix with whole groups."""
    return (
        weight.ndim == 2
        and weight.is_floating_point()
        and weight.shape[1] % GROUP == 0
        and weight.numel() >= FEWEST_WEIGHTS
    )


def pack(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Pack a matrix into 8 bits.

    Args:
        weight: `[rows, columns]`, columns a multiple of 64.

    Returns:
        Codes `[rows, columns]` int8 and scales `[rows, columns / 64]` float16. The error of a
        weight is at most half a scale, plus that of rounding the scale itself.
    """
    groups = weight.detach().float().cpu().unflatten(1, (-1, GROUP))
    scales = (groups.abs().amax(-1) / MOST).half()
    # The clamps: no scale is 0, and one that was rounded down gives no code beyond 127.
    finite = scales.float().clamp(min=torch.finfo(torch.float16).tiny)
    codes = (groups / finite[..., None]).round().clamp(-MOST, MOST)
    return codes.flatten(1).to(torch.int8), finite.half()


def unpack(codes: Tensor, scales: Tensor) -> Tensor:
    """Return the float32 matrix of codes and scales."""
    groups = codes.float().unflatten(1, (-1, GROUP))
    return (groups * scales.float()[..., None]).flatten(1)


def unpack_all(weights: Mapping[str, Tensor], source: object) -> dict[str, Tensor]:
    """Replace codes and scales by the weights that they stand for.

    Args:
        weights: Weights, codes and scales by name.
        source: The file or folder, for messages.

    Raises:
        WeightsError: Codes have no scales, or scales of another shape.
    """
    plain: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        if name.endswith(SCALES):
            continue
        if not name.endswith(CODES):
            plain[name] = tensor
            continue
        own = name.removesuffix(CODES)
        scales = weights.get(own + SCALES)
        if scales is None or list(scales.shape) != [tensor.shape[0], tensor.shape[1] // GROUP]:
            raise WeightsError(
                f"{source} has codes of {own} without matching scales. Fetch the file again."
            )
        plain[own] = unpack(tensor, scales)
    return plain
