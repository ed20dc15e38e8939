"""Several turns at once: each gives the same result as alone, and none blocks another."""

from __future__ import annotations

import functools
import gc
import threading
import time
import weakref
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch

from seedstory_core.engine import (
    ImagePreview,
    Past,
    StoryEngine,
    TextDelta,
    TurnRequest,
    TurnResult,
)
from seedstory_core.engine import scheduler as module
from seedstory_core.engine.scheduler import Scheduler, Task
from seedstory_core.errors import InputError, TurnCancelled
from seedstory_core.generation import batch
from seedstory_core.generation.decode import read_text
from seedstory_core.generation.kv import KVContext, assemble
from seedstory_core.generation.sampling import Sampling
from seedstory_core.weights.memory_estimate import need_of
from tests.helpers.engines import engine_with

OPENINGS = ("Mira the fox waves.", "Bruno found a drum by the lake.", "It rains.", "Ella sings.")


def request(number: int, **options: Any) -> TurnRequest:
    text = OPENINGS[number % len(OPENINGS)]
    return TurnRequest(text, sampling=Sampling(seed=number), image_seed=number, **options)


def result_of(turn: Iterator[Any]) -> TurnResult:
    *_, result = turn
    assert isinstance(result, TurnResult)
    return result


def equal(one: TurnResult, other: TurnResult) -> bool:
    """Compare words exactly, and numbers up to the rounding of matrices of other shapes."""
    images = (np.asarray(result.image).astype(int) for result in (one, other))
    return (
        one.text == other.text
        and torch.allclose(one.record.visual_features, other.record.visual_features, atol=1e-4)
        and int(np.abs(np.subtract(*images)).max()) <= 2
    )


class Passes:
    """Counts how many rows go through the models in one pass."""

    def __init__(self, engine: StoryEngine) -> None:
        self.words: list[int] = []
        self.images: list[int] = []
        self.handles = [
            engine.story_lm.decoder.register_forward_pre_hook(self.read, with_kwargs=True),
            engine.detokenizer.unet.register_forward_pre_hook(
                lambda _, inputs: self.images.append(len(inputs[0]))
            ),
        ]

    def read(self, model: Any, inputs: Any, named: dict[str, Any]) -> None:
        rows, tokens, _ = named["inputs_embeds"].shape
        if tokens == 1:
            self.words.append(rows)

    def close(self) -> None:
        for handle in self.handles:
            handle.remove()


@pytest.fixture
def passes(small_engine: StoryEngine) -> Iterator[Passes]:
    passes = Passes(small_engine)
    yield passes
    passes.close()


def test_stories_told_at_once_are_those_told_alone(
    small_engine: StoryEngine, passes: Passes
) -> None:
    alone = [result_of(small_engine.turn(Past(), request(n))) for n in range(4)]
    passes.words.clear()
    passes.images.clear()
    together = dict(small_engine.alternatives(Past(), [request(n) for n in range(4)]))
    for number, one in enumerate(alone):
        other = together[number]
        assert isinstance(other, TurnResult) and equal(one, other)
    assert max(passes.words) == 4
    assert max(passes.images) == 4
    # As many passes as the longest one needs alone.
    assert len(passes.words) <= small_engine.config.generation.max_new_tokens


def hold(engine: StoryEngine, until: threading.Event) -> threading.Thread:
    """Keep the scheduler's thread busy; when this returns, it is."""
    is_held = threading.Event()

    def wait() -> None:
        is_held.set()
        until.wait()

    blocker = threading.Thread(target=engine._scheduler.call, args=(wait,))
    blocker.start()
    is_held.wait()
    return blocker


def test_turns_of_several_threads_run_together(small_engine: StoryEngine, passes: Passes) -> None:
    alone = [result_of(small_engine.turn(Past(), request(n))) for n in range(4)]
    passes.words.clear()
    told: dict[int, TurnResult] = {}
    held = threading.Event()
    # All four are there before the first one goes on.
    blocker = hold(small_engine, held)

    def tell(number: int) -> None:
        told[number] = result_of(small_engine.turn(Past(), request(number)))

    threads = [threading.Thread(target=tell, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    while len(small_engine._scheduler._running) < 5:
        time.sleep(0.01)
    held.set()
    for thread in (blocker, *threads):
        thread.join(60)
    assert max(passes.words) == 4
    assert all(equal(alone[number], told[number]) for number in range(4))


def test_of_more_turns_than_fit_a_batch_the_first_go_first(
    small_engine: StoryEngine, passes: Passes
) -> None:
    scheduler = Scheduler(small_engine.story_lm, small_engine.detokenizer, max_batch=2)
    turns = [small_engine._turn(Past(), request(number), None, None) for number in range(4)]
    ended = [n for n, event in scheduler.run_all(turns) if isinstance(event, TurnResult)]
    assert sorted(ended) == [0, 1, 2, 3]
    assert set(ended[:2]) == {0, 1}
    assert max(passes.words) == max(passes.images) == 2


class Contexts:
    """Counts the contexts that exist, whenever one is made, and with batches their bytes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.most = self.most_bytes = 0
        self._alive: weakref.WeakSet[Any] = weakref.WeakSet()
        self._monkeypatch = monkeypatch

    def watch(self) -> None:
        """Count from now on."""
        gc.collect()
        gc.freeze()  # so that each count looks at what the test makes, not at all of torch
        for kind, name in (
            (KVContext, "__init__"),
            (KVContext, "resize"),
            (batch._RaggedCache, "__init__"),
        ):
            self._monkeypatch.setattr(kind, name, self._noting(getattr(kind, name)))

    def _noting(self, make: Callable[..., None]) -> Callable[..., None]:
        def note(cache: Any, *args: Any) -> None:
            make(cache, *args)
            self._alive.add(cache)
            self.most = max(self.most, self.num_alive)
            num_bytes = sum(one.keys.nbytes + one.values.nbytes for one in self._alive)
            self.most_bytes = max(self.most_bytes, num_bytes)

        return note

    @property
    def num_alive(self) -> int:
        gc.collect()
        return sum(isinstance(one, KVContext) for one in self._alive)


@pytest.fixture
def contexts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Contexts]:
    yield Contexts(monkeypatch)
    gc.unfreeze()


@pytest.mark.parametrize("at_once", [1, 3, 8])
@pytest.mark.parametrize("is_open", [True, False])
def test_alternatives_never_hold_more_contexts_than_captions_are_written_at_once(
    small_engine: StoryEngine, contexts: Contexts, at_once: int, is_open: bool
) -> None:
    engine = engine_with(small_engine, "runtime.max_turns", at_once)
    past = result_of(engine.turn(Past(), request(0))).past
    asked = [TurnRequest(sampling=Sampling(seed=n), any_seed=is_open) for n in (20, 30, 40)]
    contexts.watch()
    for _, event in engine.alternatives(replace(past, context=None), asked):
        # Once all are read back, they are painted without contexts.
        assert not isinstance(event, TurnResult) or event.past.context is None
    # Of open seeds seven are begun.
    assert contexts.most <= min(at_once, 7 if is_open else 3)
    assert contexts.num_alive == 0
    # The context of the turn before is one of them, so none is made for one caption at a time.
    contexts.most = 0
    list(engine.alternatives(past, asked))
    assert contexts.most < max(at_once, 2)
    if is_open:
        one = replace(asked[0], unlike=("It rains.",))
        assert result_of(engine.turn(past, one)).past.context is past.context


def test_the_memory_estimate_counts_all_contexts_that_there_are(
    small_engine: StoryEngine, contexts: Contexts
) -> None:
    engine = engine_with(small_engine, "runtime.max_turns", 2)
    first = result_of(engine.turn(Past(), request(0)))
    past, record = first.past, first.record
    # Each of the readers has a context of the turn before, which is too small for the next one.
    pasts = [engine.read(replace(past, context=None), record) for _ in range(4)]
    contexts.watch()
    for one in pasts:
        assert one.context is not None
        one.context.resize(1)
    held, asked = threading.Event(), TurnRequest(sampling=Sampling(seed=1), any_seed=True)
    blocker = hold(engine, held)
    other = replace(asked, unlike=("It rains.",))
    jobs: list[Callable[[], Any]] = [
        lambda: list(engine.alternatives(pasts[0], [asked] * 3)),
        lambda: list(engine.turn(pasts[1], other)),
        lambda: engine.make_draft(pasts[2], other),
        lambda: engine.make_draft(pasts[3], other),
    ]
    threads = [threading.Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    while len(engine._scheduler._running) < 1 + 7 + 3 + 3 + 3:
        time.sleep(0.01)
    held.set()
    for thread in (blocker, *threads):
        thread.join(120)
    # Two captions and two prefetches run at once; each story keeps its own context meanwhile, and
    # memory counts that of a waiting prefetch.
    assert 4 < contexts.most <= 2 + 1 + 2 + 1
    assert contexts.most_bytes <= need_of(engine.config).contexts


def test_of_more_prefetches_than_fit_a_batch_the_first_go_first(
    small_engine: StoryEngine, passes: Passes, contexts: Contexts
) -> None:
    contexts.watch()
    scheduler = Scheduler(small_engine.story_lm, small_engine.detokenizer, max_batch=2)

    def write(number: int) -> Task:
        draft = yield from small_engine._compose(Past(), request(number), None)
        yield len(draft.record.token_ids)

    tasks = [write(number) for number in range(5)]
    assert len(list(scheduler.run_all(tasks, is_background=True))) > 5
    assert max(passes.words) == 2
    assert contexts.most <= 3  # one may end before the next tick


def test_words_and_images_of_different_stories_go_on_side_by_side(
    small_engine: StoryEngine,
) -> None:
    """One is painted while the other is written, and each gets the answers to its own requests."""
    alone = [
        result_of(small_engine.turn(Past(), request(0, num_inference_steps=60))),
        result_of(small_engine.turn(Past(), request(1))),
    ]
    first = small_engine.turn(Past(), request(0, num_inference_steps=60))
    while not isinstance(next(first), ImagePreview):
        pass
    second = result_of(small_engine.turn(Past(), request(1)))
    assert equal(second, alone[1])
    assert equal(result_of(first), alone[0])


def test_one_slow_image_does_not_keep_others_waiting(
    small_engine: StoryEngine, passes: Passes
) -> None:
    slow = small_engine.turn(Past(), request(0, num_inference_steps=400))
    while not isinstance(next(slow), ImagePreview):
        pass
    quick = result_of(small_engine.turn(Past(), request(1, num_inference_steps=2)))
    assert quick.text
    assert len(passes.images) < 400  # the slow one is still at it
    assert isinstance(slow, Generator)
    slow.close()


@pytest.mark.parametrize("at", [TextDelta, ImagePreview])
def test_a_stopped_turn_takes_no_further_pass(
    small_engine: StoryEngine, passes: Passes, at: type
) -> None:
    cancel = threading.Event()
    turn = small_engine.turn(Past(), request(0, num_inference_steps=300), cancel)
    with pytest.raises(TurnCancelled):
        for event in turn:
            if isinstance(event, at):
                cancel.set()
    done = len(passes.words) + len(passes.images)
    assert len(passes.images) < 300
    time.sleep(0.1)
    assert len(passes.words) + len(passes.images) == done


def test_stopping_one_leaves_the_others_alone(small_engine: StoryEngine) -> None:
    alone = result_of(small_engine.turn(Past(), request(1)))
    cancel = threading.Event()
    stopped = small_engine.turn(Past(), request(0, num_inference_steps=300), cancel)
    next(stopped)
    other = small_engine.turn(Past(), request(1))
    next(other)
    cancel.set()
    assert equal(result_of(other), alone)
    with pytest.raises(TurnCancelled):
        list(stopped)


def test_a_failing_turn_fails_alone(
    small_engine: StoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the failure only shows in the common pass."""
    alone = result_of(small_engine.turn(Past(), request(1)))
    advance = small_engine.detokenizer.advance

    def break_on_noise(drawings: Any) -> Any:
        if any(len(drawing.scheduler.timesteps) == 7 for drawing in drawings):
            raise RuntimeError("out of memory")
        return advance(drawings)

    monkeypatch.setattr(small_engine.detokenizer, "advance", break_on_noise)
    outcome: list[BaseException] = []

    def fail() -> None:
        try:
            list(small_engine.turn(Past(), request(0, num_inference_steps=7)))
        except RuntimeError as error:
            outcome.append(error)

    thread = threading.Thread(target=fail)
    thread.start()
    told = result_of(small_engine.turn(Past(), request(1)))
    thread.join(30)
    assert equal(told, alone)
    assert [str(error) for error in outcome] == ["out of memory"]


def test_a_refused_request_is_refused_and_nothing_else(small_engine: StoryEngine) -> None:
    with pytest.raises(InputError, match="word pieces"):
        list(small_engine.turn(Past(), TurnRequest("Mira waves. " * 400)))
    assert result_of(small_engine.turn(Past(), request(1))).text


def test_a_call_is_done_in_the_middle_of_others_turns(small_engine: StoryEngine) -> None:
    scheduler = small_engine._scheduler
    turns = [
        small_engine.turn(Past(), request(number, num_inference_steps=300))
        for number in range(scheduler.max_batch)
    ]
    for turn in turns:
        next(turn)
    thread = scheduler.call(threading.current_thread)
    assert thread.name == "scheduler"
    assert scheduler.call(lambda: scheduler.call(threading.current_thread)) is thread
    for turn in turns:
        assert isinstance(turn, Generator)
        turn.close()


def test_models_nobody_uses_are_let_go(
    small_engine: StoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.05)
    scheduler = Scheduler(small_engine.story_lm, small_engine.detokenizer, max_batch=2)
    assert scheduler.call(lambda: 5) == 5
    thread = scheduler._thread
    assert thread is not None
    thread.join(5)
    assert not thread.is_alive()
    assert scheduler.call(lambda: 6) == 6  # and it starts again
    if scheduler._thread is not None:
        scheduler._thread.join(5)
    gone = weakref.ref(scheduler)
    del scheduler, thread
    gc.collect()
    assert gone() is None


def test_a_prefetch_gives_way_to_turns(small_engine: StoryEngine) -> None:
    """While others decode it pauses; while others paint it gets a token per step."""
    order: list[str] = []
    handle = small_engine.story_lm.decoder.register_forward_pre_hook(
        lambda *_, **__: order.append("word")
    )
    paint = small_engine.detokenizer.unet.register_forward_pre_hook(lambda *_: order.append("step"))
    turn = small_engine.turn(Past(), request(0, num_inference_steps=40))
    while not isinstance(next(turn), ImagePreview):
        pass
    order.clear()
    draft = small_engine.make_draft(Past(), request(1))
    handle.remove()
    paint.remove()
    assert isinstance(turn, Generator)
    turn.close()
    assert draft.text == result_of(small_engine.turn(Past(), request(1))).text
    words = [index for index, kind in enumerate(order) if kind == "word"]
    # Its first pass reads the words given, its last two ask for the image and read it back.
    between = words[1:-2]
    assert between
    assert all(order[index - 1] == "step" for index in between)


def test_the_zero_image_is_prepared_once_for_all_images(small_engine: StoryEngine) -> None:
    passes: list[int] = []
    resampler = small_engine.detokenizer.resampler
    handle = resampler.register_forward_hook(lambda _, given, __: passes.append(len(given[0])))
    small_engine.__dict__.pop("_negative", None)
    try:
        for number in range(3):
            result_of(small_engine.turn(Past(), request(number, guidance_scale=3.0)))
    finally:
        handle.remove()
    assert passes == [1, 1, 1, 1]  # of the zero image, and of three images


def test_words_and_images_share_what_the_device_computes_not_what_is_launched(
    small_engine: StoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched, computed, order = 0.0, 0.0, ""

    def now() -> float:
        nonlocal launched, computed
        computed, launched = computed + launched, 0.0
        return computed

    scheduler = Scheduler(small_engine.story_lm, small_engine.detokenizer, max_batch=2, now=now)

    def launch(kind: str, seconds: float) -> Callable[[Any], Any]:
        def answer(requests: Any) -> Any:
            nonlocal launched, order
            launched, order = launched + seconds, order + kind
            return [None] * len(requests)

        return answer

    monkeypatch.setattr(scheduler, "_next_tokens", launch("w", 1.0))
    monkeypatch.setattr(scheduler, "_next_steps", launch("i", 4.0))

    def task(request: Any) -> Task:
        for _ in range(12):
            yield request

    context = assemble(small_engine.story_lm.decoder, (), small_engine.policy, room=1)
    word, step = module.DecodeRequest(context, 0), module.DenoiseRequest(cast(Any, None))
    list(scheduler.run_all([task(word), task(step)]))
    assert "wwww".join("iiii") in order  # a step takes as long as four words


def test_contexts_of_stopped_tasks_may_be_changed_and_decoded_together_again(
    small_engine: StoryEngine,
) -> None:
    """In the same order, with as many rows as before: only their content is another."""
    model = small_engine.story_lm
    scheduler = Scheduler(model, small_engine.detokenizer, max_batch=2)

    def task(context: KVContext, tokens: Sequence[int], scores: list[torch.Tensor]) -> Task:
        for token in tokens:
            scores.append((yield module.DecodeRequest(context, token)))
        yield "read"
        while True:
            yield module.DecodeRequest(context, 5)

    def together(contexts: Sequence[KVContext], tokens: Sequence[int]) -> list[torch.Tensor]:
        scores: list[list[torch.Tensor]] = [[] for _ in contexts]
        events = scheduler.run_all(
            [task(*each) for each in zip(contexts, [tokens] * len(contexts), scores, strict=True)]
        )
        assert next(events)[1] == "read"
        events.close()  # type: ignore[attr-defined]
        scheduler.call(lambda: None)  # what is called after that comes after the tasks' end
        return [each[len(tokens) - 1] for each in scores]

    contexts = [assemble(model.decoder, (), small_engine.policy, room=40) for _ in range(2)]
    for context in contexts:
        small_engine._scheduler.call(functools.partial(read_text, model, context, [1, 2, 3]))
    together(contexts, [10, 11])
    for context in contexts:
        had = context.num_rows
        context.truncate(0)
        small_engine._scheduler.call(functools.partial(read_text, model, context, [9] * had))
    expected = [10, 11]
    alone = assemble(model.decoder, (), small_engine.policy, room=40)
    read_text(model, alone, [9] * had)
    for token in expected:
        wanted = read_text(model, alone, [token])
    for scores in together(contexts, expected):
        assert torch.allclose(scores, wanted, atol=1e-4)


def test_the_clock_waits_for_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[object] = []
    monkeypatch.setattr(torch.cuda, "synchronize", waited.append)
    gpu = torch.device("cuda", 1)
    assert module.clock_of(gpu)() > 0 and waited == [gpu]
    assert module.clock_of(torch.device("cpu"))() > 0 and waited == [gpu]
