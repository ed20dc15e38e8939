"""Plays several turns at once on one set of models.

A turn is a generator. Where it needs the next token or the next denoising step it yields a wish;
all else it yields is an event for whoever asked for the turn. The conductor collects the wishes of
all turns and fulfils those of a kind with one pass: words of different stories are decoded
together, pictures of different stories are painted together, each at its own length and step.

All models run on the conductor's one thread. Nothing else has to be locked, and between two passes
any turn can be stopped.
"""

from __future__ import annotations

import atexit
import logging
import queue
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from torch import Tensor

from seedstory_core.errors import TurnCancelled
from seedstory_core.generation.batch import TextBatch
from seedstory_core.generation.kv import KVContext
from seedstory_core.models.detokenizer import DeTokenizer, Drawing
from seedstory_core.models.story_lm import StoryLM

log = logging.getLogger(__name__)

IDLE_SECONDS = 1.0
"""A thread without work ends after this long, so that models nobody uses can be let go."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class NextToken:
    """The wish to put a token into a context; answered with the scores `[vocab]` of the next."""

    context: KVContext
    token: int


@dataclass(frozen=True)
class NextStep:
    """The wish to take a drawing one step further; answered with a `DrawStep`."""

    drawing: Drawing


Wish = NextToken | NextStep
Part = Generator[Any, Any, Any]
"""A turn: yields events and wishes, and is sent what its wishes gave."""


_open: weakref.WeakSet[Conductor] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    # A thread that is inside torch when the interpreter goes would take the process down with it.
    for conductor in list(_open):
        conductor.close()


class Conductor:
    """Plays parts; may be called from any thread."""

    def __init__(self, story_lm: StoryLM, detokenizer: DeTokenizer, *, max_parts: int) -> None:
        """Conduct two models.

        Args:
            story_lm: Writes.
            detokenizer: Paints.
            max_parts: Most turns that are played at once; others wait in the order they came.
        """
        self._batch = TextBatch(story_lm)
        self._detokenizer = detokenizer
        self.max_parts = max_parts
        self._changed = threading.Condition()
        self._waiting: deque[_Playing] = deque()
        self._playing: list[_Playing] = []
        self._thread: threading.Thread | None = None
        self._is_closed = False
        _open.add(self)
        # Seconds that went into words since the last step of painting, and what that step took.
        self._words_took = self._step_took = 0.0

    def play(
        self, part: Part, cancel: threading.Event | None = None, *, is_background: bool = False
    ) -> Iterator[Any]:
        """Play a turn and give its events as they come.

        Whoever stops listening stops the turn; when this returns or raises, it has ended.

        Args:
            part: The turn.
            cancel: Set it to stop before the next pass.
            is_background: Whether it goes on only while no other turn wants words, and between two
                steps of painting by one token.

        Raises:
            TurnCancelled: `cancel` was set.
        """
        for _, event in self._play([part], cancel, is_background=is_background):
            yield event

    def play_all(
        self,
        parts: Sequence[Part],
        cancel: threading.Event | None = None,
        *,
        is_background: bool = False,
    ) -> Iterator[tuple[int, Any]]:
        """Play several turns together; gives their events with the number of the turn.

        The first failure stops all of them. Arguments and errors are those of `play`.
        """
        return self._play(parts, cancel, is_background=is_background)

    def _play(
        self,
        parts: Sequence[Part],
        cancel: threading.Event | None,
        *,
        is_call: bool = False,
        is_background: bool = False,
    ) -> Iterator[tuple[int, Any]]:
        events: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
        playing = [
            _Playing(number, part, cancel, events, is_call=is_call, is_background=is_background)
            for number, part in enumerate(parts)
        ]
        self._enter(playing)
        remaining = len(playing)
        try:
            while remaining:
                number, event = events.get()
                if isinstance(event, _Ended):
                    remaining -= 1
                    if event.error is not None:
                        raise event.error
                else:
                    yield number, event
        finally:
            for one in playing:
                one.is_dropped.set()
            for one in playing:
                one.ended.wait()

    def call(self, function: Callable[[], Result], cancel: threading.Event | None = None) -> Result:
        """Run a function between two passes, on the conductor's thread.

        Raises:
            TurnCancelled: `cancel` was set before its turn came.
        """
        if threading.current_thread() is self._thread:
            return function()

        def part() -> Generator[Result, None, None]:
            yield function()

        ((_, result),) = self._play([part()], cancel, is_call=True)
        return result

    def _enter(self, playing: Sequence[_Playing]) -> None:
        with self._changed:
            if self._is_closed:
                raise TurnCancelled
            self._waiting.extend(playing)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="conductor", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def close(self) -> None:
        """Stop everything that plays, and the thread."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._playing and not self._is_closed:
                    if not self._changed.wait(IDLE_SECONDS):
                        self._thread = None
                        return
                if self._is_closed:
                    for one in (*self._waiting, *self._playing):
                        one.stop()
                    self._waiting.clear()
                    self._playing, self._thread = [], None
                    return
                self._admit()
            self._beat()

    def _admit(self) -> None:
        for one in [one for one in self._waiting if one.must_stop]:
            self._waiting.remove(one)
            one.stop()
        for one in list(self._waiting):
            # A call is over in a moment, and what plays in the background gives way by itself.
            turns = [p for p in self._playing if not (p.is_call or p.is_background)]
            if one.is_call or one.is_background or len(turns) < self.max_parts:
                self._waiting.remove(one)
                self._playing.append(one)

    def _beat(self) -> None:
        """Let every turn run to its next wish, then fulfil those of one kind."""
        for one in self._playing:
            if not (one.is_ready or one.must_stop):
                continue
            had = one.wish
            one.go_on()
            if isinstance(had, NextToken) and not isinstance(one.wish, NextToken):
                self._batch.leave(had.context)
        self._playing = [one for one in self._playing if not one.ended.is_set()]
        wanted = [one for one in self._playing if isinstance(one.wish, NextToken)]
        words = [one for one in wanted if not one.is_background]
        ahead = [one for one in wanted if one.is_background][: self.max_parts]
        pictures = [one for one in self._playing if isinstance(one.wish, NextStep)]
        started = time.perf_counter()
        # Words and pictures share the time equally: a step of painting is as long as many words.
        if pictures and (not words or self._words_took >= self._step_took):
            self._fulfil(pictures, self._next_steps)
            self._step_took, self._words_took = time.perf_counter() - started, 0.0
            if ahead and not words:
                self._fulfil(ahead, self._next_tokens)
        elif words or (words := ahead):
            self._fulfil(words, self._next_tokens)
            self._words_took += time.perf_counter() - started

    def _fulfil(
        self, playing: Sequence[_Playing], together: Callable[[Sequence[Any]], Sequence[Any]]
    ) -> None:
        wishes = [one.wish for one in playing]
        try:
            answers: Sequence[Any] = together(wishes)
        except Exception as error:
            if len(playing) > 1:
                # One of them is at fault, or they do not fit together: find out one by one.
                log.warning("%d turns could not be played together: %s", len(playing), error)
                for one in playing:
                    self._fulfil([one], together)
                return
            playing[0].fail(error)
            return
        for one, answer in zip(playing, answers, strict=True):
            one.give(answer)

    def _next_tokens(self, wishes: Sequence[NextToken]) -> Sequence[Tensor]:
        contexts = [wish.context for wish in wishes]
        return self._batch.next_scores(contexts, [wish.token for wish in wishes])

    def _next_steps(self, wishes: Sequence[NextStep]) -> Sequence[Any]:
        return self._detokenizer.advance([wish.drawing for wish in wishes])


@dataclass(frozen=True)
class _Ended:
    error: BaseException | None = None


class _Playing:
    """A turn that is being played, or waits to be."""

    def __init__(
        self,
        number: int,
        part: Part,
        cancel: threading.Event | None,
        events: queue.SimpleQueue[tuple[int, Any]],
        *,
        is_call: bool = False,
        is_background: bool = False,
    ) -> None:
        self.is_call = is_call
        self.is_background = is_background
        self.number = number
        self.part = part
        self.cancel = cancel
        self.events = events
        self.is_dropped = threading.Event()
        self.ended = threading.Event()
        self.wish: Wish | None = None
        self.answer: Any = None
        self.error: Exception | None = None
        self.is_ready = True
        """Nothing is wished for, or the wish was fulfilled."""

    @property
    def must_stop(self) -> bool:
        """Whether nobody wants it any more."""
        return self.is_dropped.is_set() or (self.cancel is not None and self.cancel.is_set())

    def give(self, answer: Any) -> None:
        """Its wish was fulfilled."""
        self.answer, self.is_ready = answer, True

    def fail(self, error: Exception) -> None:
        """Its wish could not be fulfilled; the turn hears of it where it wished."""
        self.error, self.is_ready = error, True

    def stop(self) -> None:
        """End it where it stands."""
        self.part.close()
        self._end(TurnCancelled())

    def go_on(self) -> None:
        """Run to the next wish, giving away events, or to the end."""
        if self.must_stop:
            self.stop()
            return
        answer, self.answer, self.wish = self.answer, None, None
        error, self.error = self.error, None
        try:
            found = self.part.throw(error) if error is not None else self.part.send(answer)
            while not isinstance(found, NextToken | NextStep):
                self.events.put((self.number, found))
                if self.must_stop:
                    self.stop()
                    return
                found = next(self.part)
        except StopIteration:
            self._end(None)
        except BaseException as failure:
            self._end(failure)
        else:
            self.wish, self.is_ready = found, False

    def _end(self, error: BaseException | None) -> None:
        self.ended.set()
        self.events.put((self.number, _Ended(error)))
