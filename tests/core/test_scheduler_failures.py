"""Whatever is raised in the scheduler's thread: it fails the turns concerned, and goes on."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from queue import Empty
from typing import Any

import pytest

from seedstory_core.engine import Past, StoryEngine, TurnRequest, TurnResult
from seedstory_core.engine import scheduler as scheduler_module
from seedstory_core.engine.handle import EngineHandle
from seedstory_core.engine.scheduler import Scheduler
from seedstory_core.generation.batch import TextBatch
from seedstory_core.generation.sampling import Sampling
from tests.helpers.failing import Trap, each_error_at


def request(text: str = "Mira waves.", seed: int = 1, **options: Any) -> TurnRequest:
    return TurnRequest(text, sampling=Sampling(seed=seed), image_seed=seed, **options)


def results(turns: Iterator[Any]) -> dict[int, TurnResult]:
    return {number: event for number, event in turns if isinstance(event, TurnResult)}


SCHEDULER_PLACES: list[tuple[Any, str]] = [
    (Scheduler, "_wait_for_batch"),
    (Scheduler, "_next_batch"),
    (Scheduler, "_tick"),
    (Scheduler, "_go_on"),
    (Scheduler, "_answer"),
    (Scheduler, "_next_tokens"),
    (Scheduler, "_next_steps"),
    (Scheduler, "_recover"),
    (scheduler_module._Running, "go_on"),
    (scheduler_module._Running, "give"),
    (scheduler_module._Running, "_end"),
    (TextBatch, "leave"),
    (TextBatch, "next_scores"),
]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(
    ("owner", "name", "at", "error"),
    each_error_at(*((*place, at) for place in SCHEDULER_PLACES for at in (1, 4))),
)
def test_the_scheduler_fails_the_turns_concerned_and_goes_on(
    small_engine: StoryEngine,
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    at: int,
    error: BaseException,
) -> None:
    monkeypatch.setattr(scheduler_module, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(scheduler_module, "PAUSE_SECONDS", 0.0)
    scheduler = Scheduler(small_engine.story_lm, small_engine.detokenizer, max_batch=2)
    with monkeypatch.context() as patch:
        Trap(error, at=at).set_on(patch, owner, name)
        turns = [small_engine._turn(Past(), request(seed=n), None, None) for n in range(3)]
        try:
            list(scheduler.run_all(turns))
        except Exception as failure:
            assert failure is error or failure.__cause__ is error or isinstance(failure, Exception)
    fresh = [small_engine._turn(Past(), request(seed=n), None, None) for n in range(3)]
    assert sorted(results(scheduler.run_all(fresh))) == [0, 1, 2]
    assert scheduler.call(lambda: 5) == 5
    scheduler.close()


@pytest.mark.parametrize(("during", "error"), each_error_at("events.put", "task.close", "task"))
def test_a_failure_of_one_task_leaves_the_others_alone(
    small_engine: StoryEngine, monkeypatch: pytest.MonkeyPatch, during: str, error: BaseException
) -> None:
    if during == "events.put" and isinstance(error, StopIteration):
        pytest.skip("It stands for the end of a task.")
    monkeypatch.setattr(scheduler_module, "LOOK_SECONDS", 0.02)
    scheduler = Scheduler(small_engine.story_lm, small_engine.detokenizer, max_batch=3)
    alone = results(scheduler.run_all([small_engine._turn(Past(), request(), None, None)]))[0]
    other = scheduler.run(small_engine._turn(Past(), request(), None, None))
    next(other)

    class Broken:
        """Tells nothing."""

        def put(self, event: Any) -> None:
            raise error

        def get(self, timeout: float) -> Any:
            time.sleep(timeout)
            raise Empty

        def qsize(self) -> int:
            return 0

    def task() -> Any:
        try:
            yield "event"
            if during == "task":
                raise error
            time.sleep(0.01)
            yield "another"
        finally:
            if during == "task.close":
                raise error

    with monkeypatch.context() as patch:
        if during == "events.put":
            patch.setattr("queue.SimpleQueue", Broken)
        run = scheduler.run(task())
        if during == "task.close":
            assert next(run) == "event"
            run.close()  # type: ignore[attr-defined]
        else:
            with pytest.raises(Exception) as failed:
                list(run)
            is_odd = isinstance(error, StopIteration) or not isinstance(error, Exception)
            assert (failed.value.__cause__ if is_odd else failed.value) is error
    *_, told = other
    assert isinstance(told, TurnResult) and told.text == alone.text
    scheduler.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_another_thread_takes_over_from_one_that_died(
    small_engine: StoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler_module, "LOOK_SECONDS", 0.02)
    scheduler = Scheduler(small_engine.story_lm, small_engine.detokenizer, max_batch=2)
    gone: list[threading.Thread] = []
    recover = Scheduler._recover

    def die(self: Scheduler, batch: Any, error: BaseException) -> None:
        if not gone:
            gone.append(threading.current_thread())
            raise SystemExit
        recover(self, batch, error)

    monkeypatch.setattr(Scheduler, "_recover", die)
    Trap(MemoryError()).set_on(monkeypatch, Scheduler, "_tick")
    task = small_engine._turn(Past(), request(), None, None)
    assert results(scheduler.run_all([task]))
    assert gone and not gone[0].is_alive() and scheduler._thread is not gone[0]
    scheduler.close()


class Holder:
    """Holds a turn in a cycle, as a traceback does, which only the garbage collector finds."""

    def __init__(self, turn: Iterator[Any]) -> None:
        self.turn, self.itself = turn, self


def test_a_turn_that_the_schedulers_own_thread_collects_as_garbage_ends(
    small_engine: StoryEngine,
) -> None:
    scheduler = Scheduler(small_engine.story_lm, small_engine.detokenizer, max_batch=2)
    is_ended = threading.Event()

    def task() -> Any:
        try:
            while True:
                yield "event"
        finally:
            is_ended.set()

    gc.collect()
    holder = Holder(scheduler.run(task()))
    assert next(holder.turn) == "event"
    del holder
    assert in_time(lambda: scheduler.call(gc.collect)) is not None
    assert is_ended.wait(10)
    scheduler.close()


def test_a_turn_is_let_go_by_a_thread_that_holds_what_another_turn_waits_for(
    small_engine: StoryEngine,
) -> None:
    scheduler = Scheduler(small_engine.story_lm, small_engine.detokenizer, max_batch=2)
    lock, is_waiting = threading.Lock(), threading.Event()

    def task() -> Any:
        yield "event"
        is_waiting.set()
        with lock:
            yield "another"

    with lock:
        run = scheduler.run(task())
        assert next(run) == "event" and is_waiting.wait(10)
        assert in_time(run.close) is None  # type: ignore[attr-defined]
    assert scheduler.call(lambda: 5) == 5
    scheduler.close()


def in_time(function: Callable[[], Any]) -> Any:
    """Call a function, on a thread of its own, that might never return."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(function()), daemon=True)
    thread.start()
    thread.join(10)
    assert results, "It hangs."
    return results[0]


def test_an_engine_whose_thread_cannot_be_started_is_built_later(
    small_engine: StoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = EngineHandle(small_engine.config, lambda: small_engine)
    with monkeypatch.context() as patch:
        Trap(RuntimeError("can't start new thread")).set_on(patch, threading.Thread, "start")
        with pytest.raises(RuntimeError):
            handle.get()
    assert handle.get() is small_engine
