"""Keys and values of a story: one frozen segment per panel, assembled into a context for a turn.

Segments hold keys *before* rotation. A context copies the kept rows of a path, numbers them 0, 1, 2
… (positions count inside the context, as in StreamingLLM) and rotates the copy once; decoding then
runs on unmodified transformers modules. Segments are never edited, so branches share them; one that
a story no longer sees whole is cut: replaced by another with fewer rows.

A context records which rows it was assembled from. The next turn reuses those that stay at the same
places and appends the others, so that simply continuing a story only appends.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from transformers.cache_utils import Cache, CacheLayerMixin

from seedstory_core.generation.policies import (
    MemoryPolicy,
    PanelSpan,
    Rows,
    merge,
    overlap,
    rows_by_panel,
)

Decoder = Any
"""A transformers decoder (`LlamaModel`, `Qwen2Model` …); `nn.Module` would hide its attributes."""


@dataclass(frozen=True)
class Cut:
    """The length of a panel whose segment is not whole, and the rows that are held, ascending."""

    num_rows: int
    held: Rows


@dataclass(frozen=True, eq=False)
class KVSegment:
    """Keys and values of one panel, or of those of its rows that are still needed.

    Attributes:
        keys: `[L, H, R, head_dim]`, before rotation.
        values: `[L, H, R, head_dim]`.
        boi: Row of BOI.
        eoi: Row of EOI; after it come the rows of the separator, with which the next panel begins.
        next_scores: `[vocab]`, float32: scores of the next panel's first token, which therefore
            needs no pass; None once they are dropped.
        cut: Which rows of the panel these are; None if it is whole.
        key: Identifies the pass that made the segment; it is the same after cutting.
    """

    keys: Tensor
    values: Tensor
    boi: int
    eoi: int
    next_scores: Tensor | None
    cut: Cut | None = None
    key: object = field(default_factory=object, repr=False)

    @property
    def num_rows(self) -> int:
        """S, the panel's length in tokens, whether the rows are held or not."""
        return self.cut.num_rows if self.cut else self.keys.shape[2]

    @property
    def device(self) -> torch.device:
        """Where its rows are."""
        return self.keys.device

    @property
    def is_whole(self) -> bool:
        """Whether it has all rows of its panel and the scores of the next one's first token."""
        return self.held == (range(self.num_rows),) and self.next_scores is not None

    @property
    def held(self) -> Rows:
        """The rows that it holds."""
        return self.cut.held if self.cut else (range(self.num_rows),)

    @property
    def num_bytes(self) -> int:
        """Bytes of all tensors."""
        scores = self.next_scores.nbytes if self.next_scores is not None else 0
        return self.keys.nbytes + self.values.nbytes + scores

    def holds(self, rows: Iterable[range]) -> bool:
        """Return whether it holds all these rows."""
        return all(
            any(one.start <= wanted.start and wanted.stop <= one.stop for one in self.held)
            for wanted in rows
        )

    def read(self, rows: range) -> tuple[Tensor, Tensor]:
        """Return keys and values of consecutive rows, as views.

        Raises:
            ValueError: It does not hold them.
        """
        begin = 0
        for one in self.held:
            if one.start <= rows.start and rows.stop <= one.stop:
                at = slice(begin + rows.start - one.start, begin + rows.stop - one.start)
                return self.keys[:, :, at], self.values[:, :, at]
            begin += len(one)
        raise ValueError(f"The segment holds the rows {self.held}, not {rows}.")

    def keep(self, rows: Iterable[range], *, scores: bool = False) -> KVSegment:
        """Return the segment with those of these rows that it holds, in memory of its own.

        Args:
            rows: Rows of the panel.
            scores: Whether to keep `next_scores`, too.
        """
        held = overlap(self.held, merge(rows))
        next_scores = self.next_scores if scores else None
        if held == self.held:
            return (
                self if next_scores is self.next_scores else replace(self, next_scores=next_scores)
            )
        parts = [self.read(one) for one in held]
        none = self.keys[:, :, :0]
        return replace(
            self,
            keys=torch.cat([none, *(keys for keys, _ in parts)], dim=2),
            values=torch.cat([none, *(values for _, values in parts)], dim=2),
            next_scores=next_scores,
            cut=Cut(self.num_rows, held),
        )

    def to(self, device: torch.device | str) -> KVSegment:
        """Return the segment on a device; itself if it is there already."""
        if self.device == torch.device(device):
            return self
        scores = self.next_scores
        return replace(
            self,
            keys=self.keys.to(device),
            values=self.values.to(device),
            next_scores=scores.to(device) if scores is not None else None,
        )


Piece = tuple[KVSegment, range]
"""Consecutive rows of one segment."""
_Noted = tuple[object, range]
"""Rows that a context holds, and the key of their segment; a context keeps no segment alive."""


def unread(num_rows: int, boi: int, eoi: int) -> KVSegment:
    """Return the segment of a panel of which no rows are held; the arguments are its attributes."""
    none = torch.empty(0, 0, 0, 0)
    return KVSegment(none, none, boi, eoi, None, Cut(num_rows, ()))


def panel_spans(segments: Sequence[KVSegment]) -> list[PanelSpan]:
    """Lay segments end to end and return the positions of each panel and its image."""
    spans, start = [], 0
    for segment in segments:
        end = start + segment.num_rows
        spans.append(PanelSpan(start, start + segment.boi, start + segment.eoi, end))
        start = end
    return spans


class KVContext(Cache):
    """The rows that one turn sees, in preallocated buffers to which decoding appends.

    A transformers `Cache` of batch size one; pass it as `cache` (formerly `past_key_values`).
    """

    def __init__(self, decoder: Decoder, capacity: int) -> None:
        """Create an empty context.

        Args:
            decoder: A transformers decoder (`LlamaModel`, `Qwen2Model` …) with `rotary_emb`.
            capacity: Most rows it can hold.
        """
        self.decoder = decoder
        self._make_buffers(capacity)
        super().__init__(layers=list(self._rows))

    def _make_buffers(self, capacity: int) -> None:
        config = self.decoder.config
        weight = next(self.decoder.parameters())
        num_layers = config.num_hidden_layers
        shape = (num_layers, 1, config.num_key_value_heads, capacity, _head_dim(config))
        self.keys = torch.zeros(shape, dtype=weight.dtype, device=weight.device)
        self.values = torch.zeros_like(self.keys)
        self._rows = [_ContextLayer(self.keys[i], self.values[i]) for i in range(num_layers)]
        self.layers = list(self._rows)
        self._pieces: list[_Noted] = []
        self.capacity = capacity

    def resize(self, capacity: int) -> None:
        """Drop all rows and make buffers of another size; both are never in memory at once."""
        self._make_buffers(0)
        self._make_buffers(capacity)

    @property
    def num_rows(self) -> int:
        """Rows in use."""
        return self._rows[0].length

    @property
    def num_bytes(self) -> int:
        """Bytes of the buffers, used or not."""
        return self.keys.nbytes + self.values.nbytes

    def truncate(self, num_rows: int) -> None:
        """Drop every row from `num_rows` on."""
        for layer in self._rows:
            layer.length = min(num_rows, layer.length)
        self._pieces = _first_rows(self._pieces, self.num_rows)

    def append(self, keys: Tensor, values: Tensor) -> None:
        """Append one row from another cache: rotated keys and values, `[L, H, head_dim]`.

        If it raises, the context has as many rows as before.

        Raises:
            ValueError: The context is full.
        """
        row = self.num_rows
        self._require(row + 1)
        self.keys[:, 0, :, row], self.values[:, 0, :, row] = keys, values
        for layer in self._rows:
            layer.length = row + 1

    def cut_off(self, num_rows: int) -> tuple[Tensor, Tensor]:
        """Drop every row from `num_rows` on, and return copies of them for `put_back`."""
        rows = slice(num_rows, self.num_rows)
        cut = self.keys[:, 0, :, rows].clone(), self.values[:, 0, :, rows].clone()
        self.truncate(num_rows)
        return cut

    def put_back(self, keys: Tensor, values: Tensor) -> None:
        """Append rows that were cut off, `[L, H, S, head_dim]`; the rows before must be the same.

        Raises:
            ValueError: The context is full.
        """
        begin, stop = self.num_rows, self.num_rows + keys.shape[2]
        self._require(stop)
        self.keys[:, 0, :, begin:stop], self.values[:, 0, :, begin:stop] = keys, values
        for layer in self._rows:
            layer.length = stop

    def note(self, segment: KVSegment) -> None:
        """Record that the last rows, which a pass has just appended, are those of a segment.

        Raises:
            ValueError: Not every row before them came from a segment.
        """
        if _num_rows(self._pieces) + segment.num_rows != self.num_rows:
            raise ValueError(
                f"{_num_rows(self._pieces)} rows came from segments, the noted one has "
                f"{segment.num_rows}, and the context has {self.num_rows}; they must add up."
            )
        self._pieces.append((segment.key, range(segment.num_rows)))

    def become(self, pieces: Sequence[Piece]) -> int:
        """Hold exactly these rows, laid end to end.

        Rows that are already at the right place stay as they are.

        Returns:
            The number of rows that were copied and rotated.
        """
        self.truncate(_num_in_common(self._pieces, [(one.key, rows) for one, rows in pieces]))
        return self.extend(_last_rows(pieces, self.num_rows))

    def extend(self, pieces: Sequence[Piece]) -> int:
        """Append rows of segments, rotated to their new positions; return their number."""
        begin, count = self.num_rows, _num_rows(pieces)
        if not count:
            return 0
        self._require(begin + count)
        row = begin
        for segment, rows in pieces:
            stop = row + len(rows)
            self.keys[:, 0, :, row:stop], self.values[:, 0, :, row:stop] = segment.read(rows)
            row = stop
        rotate(self.decoder, self.keys[:, 0, :, begin:row], begin)
        for layer in self._rows:
            layer.length = row
        self._pieces += [(segment.key, rows) for segment, rows in pieces]
        return count

    def causal_mask(self, num_new: int) -> Tensor:
        """Return a causal mask, boolean `[1, 1, num_new, rows + num_new]`, for new tokens."""
        past = self.num_rows
        mask = torch.ones(num_new, past + num_new, dtype=torch.bool, device=self.keys.device)
        return mask.tril(past)[None, None]

    def _require(self, num_rows: int) -> None:
        if num_rows > self.capacity:
            raise ValueError(f"The context has room for {self.capacity} rows and needs {num_rows}.")


class _ContextLayer(CacheLayerMixin):
    """One layer's view of the context's buffers."""

    keys: Tensor
    values: Tensor

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        super().__init__()
        self.keys, self.values = keys, values
        self.length = 0
        self.is_initialized = True

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Nothing to do: the buffers exist."""

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """Append rotated keys and their values; return all rows."""
        stop = self.length + key_states.shape[-2]
        if stop > self.get_max_length():
            raise ValueError(
                f"The context has room for {self.get_max_length()} rows and needs {stop}."
            )
        self.keys[:, :, self.length : stop] = key_states
        self.values[:, :, self.length : stop] = value_states
        self.length = stop
        return self.keys[:, :, :stop], self.values[:, :, :stop]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Return length and offset of the rows that a query attends to."""
        return self.length + query_length, 0

    def get_seq_length(self) -> int:
        """Return the rows in use."""
        return self.length

    def get_max_length(self) -> int:
        """Return the rows that the buffers have room for."""
        return self.keys.shape[-2]


SPARE_ROWS = 256
"""Rows of room beyond the turn's need, so that the next turns can use the same buffers."""


def assemble(
    decoder: Decoder,
    segments: Sequence[KVSegment],
    policy: MemoryPolicy,
    *,
    room: int,
    reuse: KVContext | None = None,
) -> KVContext:
    """Build the context for the next turn of a path.

    Args:
        decoder: The transformers decoder that will use it.
        segments: Segments of the path's panels, from the root.
        policy: The memory policy.
        room: Rows to keep free for the turn.
        reuse: The context of an earlier turn, which becomes the new one; if it is too small, it
            gets larger buffers.
    """
    pieces = kept_pieces(segments, policy)
    needed = _num_rows(pieces) + room
    if reuse is None:
        reuse = KVContext(decoder, needed + SPARE_ROWS)
    elif reuse.capacity < needed:
        reuse.resize(needed + SPARE_ROWS)
    reuse.become(pieces)
    return reuse


def kept_pieces(segments: Sequence[KVSegment], policy: MemoryPolicy) -> list[Piece]:
    """Return the rows of a path that a policy keeps, segment by segment."""
    kept = rows_by_panel(panel_spans(segments), policy)
    return [(segments[number], rows) for number, rows in kept]


def rotate(decoder: Decoder, keys: Tensor, begin: int) -> None:
    """Rotate keys to the positions from `begin` on, in place.

    Uses the decoder's own tables and function, layer by layer: the intermediate results then fit
    the processor's cache, which is faster than all layers at once.

    Args:
        decoder: A transformers decoder; its module defines `apply_rotary_pos_emb`.
        keys: `[L, H, S, head_dim]`, not rotated yet.
        begin: Position of the first row.

    Source: RoPE (arXiv:2104.09864).
    """
    positions = torch.arange(begin, begin + keys.shape[2], device=keys.device)[None]
    cos, sin = decoder.rotary_emb(keys, positions)
    apply_rotary = sys.modules[type(decoder).__module__].apply_rotary_pos_emb
    for layer in keys.split(1):
        rotated, _ = apply_rotary(layer, layer[:, :1], cos, sin)
        layer.copy_(rotated)


@contextmanager
def capture_keys(decoder: Decoder) -> Iterator[list[Tensor]]:
    """Collect every layer's keys before rotation during a forward pass inside the block.

    Only passes of the calling thread count: two engines may share one decoder.

    The hook is on the module whose output is rotated: `k_norm` if the architecture has it (Qwen3),
    else `k_proj` (Llama, Mistral, Qwen2).

    Yields:
        A list to which each layer, in order, adds its keys `[H, S, head_dim]`.
    """
    captured: list[Tensor] = []
    reader = threading.get_ident()

    def keep(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if threading.get_ident() != reader:
            return
        rows = output.shape[1]
        keys = output.reshape(rows, -1, head_dim)
        captured.append(keys.transpose(0, 1))

    head_dim = _head_dim(decoder.config)
    handles = []
    for layer in decoder.layers:
        attention = layer.self_attn
        handles.append(getattr(attention, "k_norm", attention.k_proj).register_forward_hook(keep))
    try:
        yield captured
    finally:
        for handle in handles:
            handle.remove()


def _head_dim(config: Any) -> int:
    """Return the channels of one head, which some architectures' configs do not contain."""
    return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads


def row_bytes(decoder: Decoder) -> int:
    """Return the bytes of one row: its keys and values in all layers."""
    config, weight = decoder.config, next(decoder.parameters())
    per_layer = 2 * config.num_key_value_heads * _head_dim(config)
    return int(config.num_hidden_layers * per_layer * weight.element_size())


def _num_rows(pieces: Sequence[tuple[object, range]]) -> int:
    return sum(len(rows) for _, rows in pieces)


def _first_rows(pieces: Sequence[_Noted], count: int) -> list[_Noted]:
    kept = []
    for key, rows in pieces:
        if rows[:count]:
            kept.append((key, rows[:count]))
        count = max(0, count - len(rows))
    return kept


def _last_rows(pieces: Sequence[Piece], begin: int) -> list[Piece]:
    kept = []
    for segment, rows in pieces:
        if rows[begin:]:
            kept.append((segment, rows[begin:]))
        begin = max(0, begin - len(rows))
    return kept


def _num_in_common(held: Sequence[_Noted], wanted: Sequence[_Noted]) -> int:
    """Return the number of equal rows at the beginning."""
    count = 0
    for (one, rows), (other, wanted_rows) in zip(held, wanted, strict=False):
        if one is not other or rows.start != wanted_rows.start:
            break
        count += min(len(rows), len(wanted_rows))
        if len(rows) != len(wanted_rows):
            break
    return count
