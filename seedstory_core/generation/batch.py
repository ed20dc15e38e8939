"""Decoding for several stories at once: one pass of the language model scores all next tokens.

Contexts have different lengths, so the batch holds copies of them side by side, each from row 0 on,
and masks the rows beyond their ends. Every new row is also written to its own context at once, so
that a story may leave the batch at any moment.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin

from seedstory_core.generation.decode import read_text
from seedstory_core.generation.kv import KVContext
from seedstory_core.models.story_lm import StoryLM

GROWTH_ROWS = 256
"""Rows of room beyond the longest context when the batch's buffers are made."""


class TextBatch:
    """Contexts that are decoded together."""

    def __init__(self, model: StoryLM) -> None:
        """Create an empty batch."""
        self._model = model
        self._contexts: list[KVContext] = []
        self._cache: _RaggedCache | None = None

    @torch.no_grad()
    def next_scores(self, contexts: Sequence[KVContext], tokens: Sequence[int]) -> list[Tensor]:
        """Append one token to each context and return the scores `[vocab]` of the next ones.

        One context alone is decoded without a batch. In a batch the scores differ by rounding
        (about 1e-6 in float32), because matrices of other shapes are multiplied.

        If it raises, every context is as it was before, so that each may be tried again alone.
        """
        lengths = [context.num_rows for context in contexts]
        try:
            if len(contexts) == 1:
                self.clear()
                return [read_text(self._model, contexts[0], [tokens[0]])]
            return self._next_scores(contexts, tokens)
        except BaseException:
            self.clear()
            for context, num_rows in zip(contexts, lengths, strict=True):
                context.truncate(num_rows)
            raise

    def _next_scores(self, contexts: Sequence[KVContext], tokens: Sequence[int]) -> list[Tensor]:
        cache = self._join(contexts)
        model, device = self._model, self._model.device
        lengths = torch.tensor([context.num_rows for context in contexts], device=device)
        cache.begin(lengths)
        ids = torch.tensor([[token] for token in tokens], device=device)
        hidden = model.decoder(
            inputs_embeds=model.embed_tokens(ids),
            position_ids=lengths[:, None],
            cache=cache,
            attention_mask=cache.mask(),
            use_cache=True,
        ).last_hidden_state
        for slot, context in enumerate(contexts):
            row = context.num_rows
            context.append(cache.keys[:, slot, :, row], cache.values[:, slot, :, row])
        return list(model.score(hidden[:, -1]).float())

    def leave(self, context: KVContext) -> None:
        """Remove a context from the batch; its rows may change afterwards."""
        if any(context is member for member in self._contexts):
            self.clear()

    def clear(self) -> None:
        """Forget all contexts, and free their copies; the next pass copies them again."""
        self._contexts, self._cache = [], None

    def _join(self, contexts: Sequence[KVContext]) -> _RaggedCache:
        is_same = len(contexts) == len(self._contexts) and all(
            one is other for one, other in zip(contexts, self._contexts, strict=True)
        )
        longest = max(context.num_rows for context in contexts)
        if self._cache is None or not is_same or longest >= self._cache.capacity:
            self._contexts, self._cache = [], None  # the old copies go before the new ones come
            self._cache = _RaggedCache(contexts, longest + GROWTH_ROWS)
            self._contexts = list(contexts)
        return self._cache


class _RaggedCache(Cache):
    """Copies of contexts in one buffer, `[L, B, H, capacity, head_dim]`."""

    def __init__(self, contexts: Sequence[KVContext], capacity: int) -> None:
        like = contexts[0].keys
        num_layers, _, heads, _, head_dim = like.shape
        self.capacity = capacity
        # Rows beyond a context's end are masked, but zero times uninitialised memory may be NaN.
        self.keys = like.new_zeros(num_layers, len(contexts), heads, capacity, head_dim)
        self.values = torch.zeros_like(self.keys)
        for slot, context in enumerate(contexts):
            rows = context.num_rows
            self.keys[:, slot, :, :rows] = context.keys[:, 0, :, :rows]
            self.values[:, slot, :, :rows] = context.values[:, 0, :, :rows]
        self._rows = [_RaggedLayer(self.keys[i], self.values[i]) for i in range(num_layers)]
        super().__init__(layers=list(self._rows))

    def begin(self, lengths: Tensor) -> None:
        """Set the number of rows `[B]` that each context has before the pass."""
        self.lengths = lengths
        longest = int(lengths.max())
        for layer in self._rows:
            layer.lengths, layer.longest = lengths, longest

    def mask(self) -> Tensor:
        """Return a boolean mask `[B, 1, 1, rows]`: a new token sees its own context and itself."""
        rows = torch.arange(int(self.lengths.max()) + 1, device=self.lengths.device)
        return (rows <= self.lengths[:, None])[:, None, None]


class _RaggedLayer(CacheLayerMixin):
    """One layer's view of the buffers."""

    keys: Tensor
    values: Tensor

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        super().__init__()
        self.keys, self.values = keys, values
        self.lengths = torch.zeros(len(keys), dtype=torch.long)
        self.longest = 0
        self.is_initialized = True

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Nothing to do: the buffers exist."""

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """Append each new row to its own context; return all rows."""
        slots = torch.arange(len(self.keys), device=self.keys.device)
        self.keys[slots, :, self.lengths] = key_states[:, :, 0]
        self.values[slots, :, self.lengths] = value_states[:, :, 0]
        rows = self.longest + 1
        return self.keys[:, :, :rows], self.values[:, :, :rows]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Return length and offset of the rows that a query attends to."""
        return self.longest + query_length, 0

    def get_seq_length(self) -> int:
        """Return the rows of the longest context."""
        return self.longest

    def get_max_length(self) -> int:
        """Return the rows that the buffers have room for."""
        return self.keys.shape[-2]
