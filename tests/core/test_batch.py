"""A pass of several stories is all or nothing: if it fails, each is taken again from before it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from seedstory_core.engine import ImagePreview, Past, StoryEngine, TurnRequest, TurnResult
from seedstory_core.generation.batch import TextBatch
from seedstory_core.generation.kv import KVContext
from seedstory_core.generation.sampling import Sampling
from seedstory_core.models.detokenizer import Drawing
from tests.helpers.failing import OwnBaseError, Trap


def request(text: str = "Mira waves.", seed: int = 1, **options: Any) -> TurnRequest:
    return TurnRequest(text, sampling=Sampling(seed=seed), image_seed=seed, **options)


def rows(context: KVContext) -> list[torch.Tensor]:
    assert len({layer.length for layer in context._rows}) == 1
    count = context.num_rows
    return [context.keys[..., :count, :].clone(), context.values[..., :count, :].clone()]


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA"), MemoryError(), OwnBaseError()])
@pytest.mark.parametrize("at", range(1, 13))
def test_a_failed_batch_of_words_leaves_every_context_as_it_was(
    small_engine: StoryEngine, monkeypatch: pytest.MonkeyPatch, error: BaseException, at: int
) -> None:
    """At the n-th append: three stories, four tokens. Then, alone, each gets the same tokens."""

    def contexts() -> list[KVContext]:
        drafts = [
            small_engine._open(Past(), request("Mira waves to the moon." * n)) for n in (1, 2, 3)
        ]
        return [draft.context for draft in drafts if draft.context is not None]

    def decode(batch: TextBatch, held: list[KVContext], step: int) -> list[torch.Tensor]:
        return batch.next_scores(held, [20 + step, 30 + step, 40 + step])

    calm, held = contexts(), contexts()
    batch, undisturbed = TextBatch(small_engine.story_lm), TextBatch(small_engine.story_lm)
    trap = Trap(error, at=at)
    with monkeypatch.context() as patch:
        trap_batch = KVContext.append
        count = 0

        def append(self: KVContext, keys: torch.Tensor, values: torch.Tensor) -> None:
            nonlocal count
            count += any(self is one for one in held)
            if count == at and not trap.has_sprung:
                trap.left = 0
                self.keys[:, 0, :, self.num_rows] = keys  # torn in the middle
                self._rows[0].length += 1
                raise error
            trap_batch(self, keys, values)

        patch.setattr(KVContext, "append", append)
        for step in range(4):
            expected = decode(undisturbed, calm, step)
            before = [rows(context) for context in held]
            try:
                found = decode(batch, held, step)
            except BaseException as failure:
                assert failure is error
                for context, kept in zip(held, before, strict=True):
                    assert all(map(torch.equal, rows(context), kept))
                found = [
                    batch.next_scores([context], [token + step])[0]
                    for context, token in zip(held, (20, 30, 40), strict=True)
                ]
            for one, other in zip(found, expected, strict=True):
                assert int(one.argmax()) == int(other.argmax())
                assert torch.allclose(one, other, atol=1e-4)
    assert trap.has_sprung
    assert [one.num_rows for one in held] == [one.num_rows for one in calm]


@pytest.mark.parametrize("at", [1, 2, 3, 5, 8])
def test_turns_of_a_batch_that_failed_are_those_of_an_undisturbed_run(
    small_engine: StoryEngine, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    requests = [request("Mira waves." * n, seed=n) for n in (1, 2, 3)]
    calm = dict(small_engine.alternatives(Past(), requests))
    with monkeypatch.context() as patch:
        trap = Trap(torch.OutOfMemoryError("CUDA out of memory"), at=at)
        trap.set_on(patch, KVContext, "append")
        found = dict(small_engine.alternatives(Past(), requests))
        assert trap.has_sprung
    for number, turn in calm.items():
        assert isinstance(turn, TurnResult) and isinstance(found[number], TurnResult)
        assert found[number].record.text_ids == turn.record.text_ids  # type: ignore[union-attr]


@pytest.mark.parametrize("at", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_failed_step_of_several_drawings_is_taken_again_by_none(
    small_engine: StoryEngine, monkeypatch: pytest.MonkeyPatch, at: int, after: bool
) -> None:
    """The sampler of the tiny model remembers its last step; none may be counted twice."""
    requests = [request(seed=n, num_inference_steps=4) for n in (1, 2, 3)]
    calm = dict(small_engine.alternatives(Past(), requests))
    with monkeypatch.context() as patch:
        trap = Trap(torch.OutOfMemoryError("CUDA out of memory"), at=at, after=after)
        trap.set_on(patch, Drawing, "step")
        events = list(small_engine.alternatives(Past(), requests))
        assert trap.has_sprung
    found = dict(events)
    for number, turn in calm.items():
        other = found[number]
        assert isinstance(turn, TurnResult) and isinstance(other, TurnResult)
        one, two = (np.asarray(result.image).astype(int) for result in (turn, other))
        assert int(np.abs(one - two).max()) <= 2
        steps = [e.step for n, e in events if n == number and isinstance(e, ImagePreview)]
        assert steps == [1, 2, 3, 4]
