"""Segments packed into 8 bits, for stories at rest."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from seedstory_core.generation.kv import Cut, KVSegment


@dataclass(frozen=True, eq=False)
class PackedSegment:
    """A segment in 8 bits, about a quarter of its size in float32.

    Keys have one scale per channel, since a few channels hold their outliers; values have one per
    row.

    Attributes:
        keys: `[L, H, S, head_dim]`, int8.
        key_scales: `[L, H, 1, head_dim]`.
        values: `[L, H, S, head_dim]`, int8.
        value_scales: `[L, H, S, 1]`.
        rest: The segment with empty keys and values.

    Source: KIVI (arXiv:2402.02750), for the axes of the scales.
    """

    keys: Tensor
    key_scales: Tensor
    values: Tensor
    value_scales: Tensor
    rest: KVSegment

    @classmethod
    def pack(cls, segment: KVSegment) -> PackedSegment:
        """Pack a segment; its keys and values are rounded."""
        keys, key_scales = _to_int8(segment.keys, dim=2)
        values, value_scales = _to_int8(segment.values, dim=3)
        none = segment.keys.new_empty(0)
        cut = Cut(segment.num_rows, segment.held)
        rest = replace(segment, keys=none, values=none, cut=cut)
        return cls(keys, key_scales, values, value_scales, rest)

    def unpack(self) -> KVSegment:
        """Return the segment; each key and value is off by at most half of its scale."""
        kind = self.rest.keys.dtype
        return replace(
            self.rest,
            keys=(self.keys * self.key_scales).to(kind),
            values=(self.values * self.value_scales).to(kind),
        )

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.keys.device

    @property
    def is_whole(self) -> bool:
        """Whether the segment was whole."""
        return self.rest.is_whole

    @property
    def num_bytes(self) -> int:
        """Bytes of all tensors."""
        tensors = (self.keys, self.key_scales, self.values, self.value_scales)
        return sum(tensor.nbytes for tensor in tensors) + self.rest.num_bytes


def _to_int8(numbers: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    scales = numbers.float().abs().amax(dim, keepdim=True).clamp(min=1e-12) / 127
    return (numbers / scales).round().to(torch.int8), scales
