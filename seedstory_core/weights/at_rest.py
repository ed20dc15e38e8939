"""Weights in 8 bits while they lie on disk, and exactly the numbers that these stand for.

Every row of a matrix is cut into groups of 64 weights; a group is stored as whole numbers from -127
to 127 and one half-precision scale. Seven bits times eleven fit into the 24 bits of a float32, so
that reading back is exact: the same file gives the same weights on every machine, and packing them
again gives the same file.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from seedstory_core.errors import WeightsError

CODES, SCALES = ".codes", ".scales"
"""Ends of the two names that stand for one packed weight."""
GROUP = 64
MOST = 127
FEWEST_WEIGHTS = 1 << 14
"""Smaller matrices stay as they are: they cost little and are often the delicate ones."""


def can_pack(weight: Tensor) -> bool:
    """Whether a weight is a matrix that is large enough and splits into whole groups."""
    return (
        weight.ndim == 2
        and weight.is_floating_point()
        and weight.shape[1] % GROUP == 0
        and weight.numel() >= FEWEST_WEIGHTS
    )


def pack(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Round a matrix to 8 bits.

    Args:
        weight: `[rows, columns]`, columns a multiple of 64.

    Returns:
        Codes `[rows, columns]` int8 and scales `[rows, columns / 64]` float16. No weight is off by
        more than half a scale, apart from what rounding the scale itself adds.
    """
    groups = weight.detach().float().cpu().unflatten(1, (-1, GROUP))
    scales = (groups.abs().amax(-1) / MOST).half()
    # A scale that half precision rounds down would push the largest weight past 127.
    finite = scales.float().clamp(min=torch.finfo(torch.float16).tiny)
    codes = (groups / finite[..., None]).round().clamp(-MOST, MOST)
    return codes.flatten(1).to(torch.int8), finite.half()


def unpack(codes: Tensor, scales: Tensor) -> Tensor:
    """The float32 matrix that codes and scales stand for, exactly."""
    groups = codes.float().unflatten(1, (-1, GROUP))
    return (groups * scales.float()[..., None]).flatten(1)


def unpack_all(weights: Mapping[str, Tensor], source: object) -> dict[str, Tensor]:
    """Put the weights in the place of their codes and scales.

    Raises:
        WeightsError: Codes without scales, or of another shape.
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
                f"{source} has the codes of {own} without scales that fit. Fetch the file again."
            )
        plain[own] = unpack(tensor, scales)
    return plain
