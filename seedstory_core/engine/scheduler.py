"""Runs several turns at once on one set of models.

A task is a generator that runs a turn. When it needs the next token or the next denoising step, it
yields a request; everything else that it yields is an event for its caller. The scheduler collects
the requests of all tasks and answers those of one kind with one pass of the model: tokens of
different stories are decoded together, images of different stories are denoised together, each at
its own length and step. Waiting is the job queue's business: a task here runs. Only if there are
more tasks than fit a batch (a turn may bring several), the first ones run first.

All models run on the scheduler's single thread, so they need no lock, and any turn can be stopped
between two passes.

Nothing that is raised ends that thread: what a task raises ends the task, what a pass raises is
raised in the tasks that asked for it, and what is raised in between ends the tasks concerned. A
caller that waits looks after the thread as well, and starts another one if it is gone.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import logging
import queue
import threading
import time
import weakref
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from seedstory_core.engine import heap
from seedstory_core.errors import TurnCancelled
from seedstory_core.generation.batch import TextBatch
from seedstory_core.generation.kv import KVContext
from seedstory_core.models.detokenizer import DeTokenizer, Drawing
from seedstory_core.models.story_lm import StoryLM

log = logging.getLogger(__name__)

IDLE_SECONDS = 1.0
"""Seconds without work after which the thread ends, so that unused models can be freed."""

LOOK_SECONDS = 0.5
"""Seconds that a caller waits for an event before it looks whether its task and the thread live."""
PAUSE_SECONDS = 0.1
"""Seconds without a pass after a failure that concerns no turn, which might come again at once."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class DecodeRequest:
    """Asks to append a token to a context; the answer is the scores `[vocab]` of the next one."""

    context: KVContext
    token: int


@dataclass(frozen=True)
class DenoiseRequest:
    """Asks to take a drawing one step further; the answer is a `DrawStep`."""

    drawing: Drawing


Request = DecodeRequest | DenoiseRequest
Task = Generator[Any, Any, Any]
"""A turn as a generator: it yields events and requests, and is sent the answers to requests."""


def clock_of(device: torch.device) -> Callable[[], float]:
    """Return a clock, in seconds, that is read when a device has computed all that was launched.

    On CUDA a pass returns when it is launched, long before it is computed.
    """
    if device.type != "cuda":
        return time.perf_counter

    def now() -> float:
        torch.cuda.synchronize(device)
        return time.perf_counter()

    return now


_open: weakref.WeakSet[Scheduler] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    # A thread that is inside torch when the interpreter exits would crash the process.
    for scheduler in list(_open):
        scheduler.close()


class Scheduler:
    """Runs tasks; may be called from any thread."""

    def __init__(
        self,
        story_lm: StoryLM,
        detokenizer: DeTokenizer,
        *,
        max_batch: int,
        now: Callable[[], float] | None = None,
    ) -> None:
        """Create a scheduler; its thread starts with the first task.

        Args:
            story_lm: Answers `DecodeRequest`s.
            detokenizer: Answers `DenoiseRequest`s.
            max_batch: Most tasks that one pass answers.
            now: The clock by which words and images share the time; None takes the device's.
        """
        self._now = now or clock_of(story_lm.device)
        self._story_lm = story_lm
        self._batch = TextBatch(story_lm)
        self._detokenizer = detokenizer
        self.max_batch = max_batch
        self._changed = threading.Condition()
        self._running: list[_Running] = []
        self._thread: threading.Thread | None = None
        self._is_closed = False
        _open.add(self)
        # Seconds spent on tokens since the last denoising step, and the seconds of that step.
        self._words_took = self._step_took = 0.0

    def run(
        self, task: Task, cancel: threading.Event | None = None, *, is_background: bool = False
    ) -> Iterator[Any]:
        """Run a turn and yield its events as they come.

        When this iterator returns or raises, the turn has ended. Closing it, or letting it go, ends
        the turn before the next pass, and before whatever is called from then on.

        Args:
            task: The turn.
            cancel: Set it to stop before the next pass.
            is_background: Whether the turn runs only while no other one needs tokens, and while
                others draw only one token between two denoising steps.

        Raises:
            TurnCancelled: `cancel` was set.
        """
        for _, event in self._events([task], cancel, is_background=is_background):
            yield event

    def run_all(
        self,
        tasks: Sequence[Task],
        cancel: threading.Event | None = None,
        *,
        is_background: bool = False,
    ) -> Iterator[tuple[int, Any]]:
        """Run several tasks together and yield their events, each with the number of its task.

        The first failure stops all of them. Arguments and errors as for `run`.
        """
        return self._events(tasks, cancel, is_background=is_background)

    def _events(
        self,
        tasks: Sequence[Task],
        cancel: threading.Event | None,
        *,
        is_call: bool = False,
        is_background: bool = False,
    ) -> Iterator[tuple[int, Any]]:
        events: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
        running = [
            _Running(number, task, cancel, events, is_call=is_call, is_background=is_background)
            for number, task in enumerate(tasks)
        ]
        waited_for = {one.number: one for one in running}
        is_closed = False
        try:
            self._enter(running)
            while waited_for:
                for number, event in self._look(events, waited_for.values()):
                    if not isinstance(event, _Ended):
                        yield number, event
                    elif waited_for.pop(number, None) and event.error is not None:
                        raise event.error
        except GeneratorExit:
            # Perhaps the garbage collector's. It works on any thread, also on the scheduler's own
            # or on one that holds a lock for which a turn waits, so nothing may be waited for.
            is_closed = True
            raise
        finally:
            for one in running:
                one.is_dropped.set()
            for one in () if is_closed else running:
                while not one.ended.wait(LOOK_SECONDS):
                    self._look_after_thread()

    def _look(
        self, events: queue.SimpleQueue[tuple[int, Any]], running: Iterable[_Running]
    ) -> list[tuple[int, Any]]:
        """Return the next event; if none comes, the ends of tasks, whose event may be lost."""
        with contextlib.suppress(queue.Empty):
            return [events.get(timeout=LOOK_SECONDS)]
        self._look_after_thread()
        ended = [one for one in running if one.ended.is_set()]
        # What was put before the task ended comes first.
        late = [events.get() for _ in range(events.qsize())]
        return late + [(one.number, _Ended(one.outcome)) for one in ended]

    def call(self, function: Callable[[], Result], cancel: threading.Event | None = None) -> Result:
        """Run a function on the scheduler's thread, between two passes, and return its result.

        Raises:
            TurnCancelled: `cancel` was set before the scheduler came to it.
        """
        if threading.current_thread() is self._thread:
            return function()

        def task() -> Generator[Result, None, None]:
            yield function()

        ((_, result),) = self._events([task()], cancel, is_call=True)
        return result

    def free_memory(self) -> None:
        """Free the copies of contexts, and give unused memory back to the device."""

        def free() -> None:
            self._batch.clear()
            gc.collect()  # an error keeps the tensors of the frames that raised it
            torch.cuda.empty_cache()

        self.call(free)

    def _enter(self, running: Sequence[_Running]) -> None:
        with self._changed:
            if self._is_closed:
                for one in running:
                    one.stop()
                return
            self._running.extend(running)
            try:
                self._start_thread()
            except BaseException as error:
                # No thread could be started: nobody would ever come to these.
                for one in running:
                    self._running.remove(one)
                    one.end_with(error)
                return
            self._changed.notify_all()

    def _start_thread(self) -> None:
        """Start the thread, unless it lives; call it with the lock."""
        if self._thread is not None and self._thread.is_alive():
            return
        thread = threading.Thread(target=self._loop, name="scheduler", daemon=True)
        thread.start()
        self._thread = thread

    def _look_after_thread(self) -> None:
        """Start the thread again if it died with tasks left."""
        with self._changed:
            if self._running and not (self._thread is not None and self._thread.is_alive()):
                log.error("The scheduler's thread died; another one takes over.")
                self._batch = TextBatch(self._story_lm)
                self._start_thread()

    def close(self) -> None:
        """Stop all tasks and end the thread."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _loop(self) -> None:
        while True:
            batch: Sequence[_Running] | None = ()
            try:
                batch = self._wait_for_batch()
                if batch is None:
                    return
                self._tick(batch)
                self._tidy(batch)
            except BaseException as error:
                self._recover(batch or (), error)

    def _tidy(self, batch: Sequence[_Running]) -> None:
        """Give memory back to the system when the last of several turns has ended."""
        is_after_turn = any(not one.is_call and one.ended.is_set() for one in batch)
        if is_after_turn and all(one.ended.is_set() for one in self._running):
            heap.trim()

    def _wait_for_batch(self) -> Sequence[_Running] | None:
        """Return the tasks of the next tick; None after a while without one, and once closed."""
        with self._changed:
            self._running = [one for one in self._running if not one.ended.is_set()]
            while not self._running and not self._is_closed:
                if not self._changed.wait(IDLE_SECONDS):
                    self._thread = None
                    return None
            if self._is_closed:
                for one in self._running:
                    one.stop()
                self._running, self._thread = [], None
                return None
            return self._next_batch()

    def _recover(self, batch: Sequence[_Running], error: BaseException) -> None:
        """End the tasks that a failure between two passes concerns, so that the others go on.

        Args:
            batch: The tasks of the tick that failed; empty if they were still being chosen.
            error: What was raised.
        """
        with self._changed:
            concerned = list(batch or self._running)
        log.error("The scheduler failed, and %d turns with it.", len(concerned), exc_info=error)
        # Its buffers may not be what its contexts are.
        self._batch = TextBatch(self._story_lm)
        for one in concerned:
            one.end_with(error)
        if not concerned:
            time.sleep(PAUSE_SECONDS)

    def _next_batch(self) -> list[_Running]:
        """Return the tasks of this tick: turns and prefetches that fit a batch, and all calls.

        Calls are short. The others hold a context each once they have begun, so those beyond a
        batch do not begin.
        """
        batch, counts = [], {False: 0, True: 0}
        for one in self._running:
            is_counted = not (one.is_call or one.must_stop)
            counts[one.is_background] += is_counted
            if not is_counted or counts[one.is_background] <= self.max_batch:
                batch.append(one)
        return batch

    def _tick(self, batch: Sequence[_Running]) -> None:
        """Let every task run to its next request, then answer the requests of one kind."""
        for one in batch:
            if one.is_ready or one.must_stop:
                self._go_on(one)
        batch = [one for one in batch if not one.ended.is_set()]
        wanted = [one for one in batch if isinstance(one.request, DecodeRequest)]
        words = [one for one in wanted if not one.is_background]
        ahead = [one for one in wanted if one.is_background]
        images = [one for one in batch if isinstance(one.request, DenoiseRequest)]
        started = self._now()
        # Tokens and images share the time equally: a denoising step takes as long as many tokens.
        if images and (not words or self._words_took >= self._step_took):
            self._answer(images, self._next_steps)
            self._step_took, self._words_took = self._now() - started, 0.0
            if ahead and not words:
                self._answer(ahead, self._next_tokens)
        elif words or (words := ahead):
            self._answer(words, self._next_tokens)
            self._words_took += self._now() - started

    def _go_on(self, one: _Running) -> None:
        """Let a task run to its next request; what is raised here ends this task alone."""
        try:
            had = one.request
            one.go_on()
            if isinstance(had, DecodeRequest) and not isinstance(one.request, DecodeRequest):
                self._batch.leave(had.context)
        except BaseException as error:
            self._recover([one], error)

    def _answer(
        self, running: Sequence[_Running], together: Callable[[Sequence[Any]], Sequence[Any]]
    ) -> None:
        """Answer requests with one pass; if it fails, with one pass each.

        A pass that raises leaves contexts and drawings as they were, so it can be taken again.
        """
        requests = [one.request for one in running]
        try:
            answers: Sequence[Any] = together(requests)
        except BaseException as error:
            if len(running) > 1:
                # One of them fails, or they cannot share a batch: answer them one by one.
                log.warning("%d turns could not run in one batch: %s", len(running), error)
                for one in running:
                    self._answer([one], together)
                return
            running[0].fail(error)
            return
        for one, answer in zip(running, answers, strict=True):
            one.give(answer)

    def _next_tokens(self, requests: Sequence[DecodeRequest]) -> Sequence[Tensor]:
        contexts = [request.context for request in requests]
        return self._batch.next_scores(contexts, [request.token for request in requests])

    def _next_steps(self, requests: Sequence[DenoiseRequest]) -> Sequence[Any]:
        return self._detokenizer.advance([request.drawing for request in requests])


@dataclass(frozen=True)
class _Ended:
    error: BaseException | None = None


class _Running:
    """A running task and its state."""

    def __init__(
        self,
        number: int,
        task: Task,
        cancel: threading.Event | None,
        events: queue.SimpleQueue[tuple[int, Any]],
        *,
        is_call: bool = False,
        is_background: bool = False,
    ) -> None:
        self.is_call = is_call
        self.is_background = is_background
        self.number = number
        self.task = task
        self.cancel = cancel
        self.events = events
        self.is_dropped = threading.Event()
        self.ended = threading.Event()
        self.request: Request | None = None
        self.answer: Any = None
        self.error: BaseException | None = None
        self.outcome: BaseException | None = None
        """Once it has ended: what it raised."""
        self.is_ready = True
        """Whether the task can go on: it has no open request."""

    @property
    def must_stop(self) -> bool:
        """Whether the task was cancelled or its caller stopped listening."""
        return self.is_dropped.is_set() or (self.cancel is not None and self.cancel.is_set())

    def give(self, answer: Any) -> None:
        """Store the answer to its request."""
        self.answer, self.is_ready = answer, True

    def fail(self, error: BaseException) -> None:
        """Store the failure of its request; `go_on` raises it inside the task."""
        self.error, self.is_ready = error, True

    def stop(self) -> None:
        """End the task where it stands."""
        self.end_with(TurnCancelled())

    def end_with(self, error: BaseException) -> None:
        """Close the task, unless it has ended, and raise the error in its caller."""
        if self.ended.is_set():
            return
        try:
            self.task.close()
        except BaseException:
            log.exception("A turn could not be closed.")
        self._end(error)

    def go_on(self) -> None:
        """Run to the next request or to the end, and pass on the events in between."""
        if self.must_stop:
            self.stop()
            return
        answer, self.answer, self.request = self.answer, None, None
        error, self.error = self.error, None
        try:
            found = self.task.throw(error) if error is not None else self.task.send(answer)
            while not isinstance(found, DecodeRequest | DenoiseRequest):
                self.events.put((self.number, found))
                if self.must_stop:
                    self.stop()
                    return
                found = next(self.task)
        except StopIteration:
            self._end(None)
        except BaseException as failure:
            self.end_with(failure)
        else:
            self.request, self.is_ready = found, False

    def _end(self, error: BaseException | None) -> None:
        if error is not None and not isinstance(error, Exception):
            # What ends a thread or the program where it is raised is here the failure of a turn.
            error = _caused_by(error)
        self.request, self.outcome = None, error
        self.ended.set()
        try:
            self.events.put((self.number, _Ended(error)))
        except BaseException:
            log.exception("The end of a turn could not be told; its caller will look.")


def _caused_by(error: BaseException) -> RuntimeError:
    failure = RuntimeError(f"A turn ended with {error!r}.")
    failure.__cause__ = error
    return failure
