"""The one queue of turns: served in the order they came, a few at once.

A turn belongs to the queue, not to the browser tab that asked for it: it runs to its end when the
page is reloaded or closed, and any number of pages may watch it. Gradio's own queue only carries
the watchers, so looking around never waits behind somebody's turn.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from PIL import Image

from seedstory_core.engine import ImagePreview, TextDelta, TurnRequest
from seedstory_core.errors import OUR_FAULT, STILL_WORKING, BusyError, SeedStoryError, TurnCancelled
from seedstory_core.generation.sampling import new_seed
from seedstory_core.session import PanelAdded, Replaying, SessionEvent, SessionStore, StorySession

log = logging.getLogger(__name__)

MAX_WAITING = 100
"""Jobs that may wait; beyond that nobody would stay to see theirs."""
IDLE_SECONDS = 60.0
"""How often a queue without jobs looks for stories that nobody uses any more."""
KEPT_JOBS = 500
"""Finished turns whose outcome is still told to a page that asks late."""

Kind = Literal["turn", "alternatives", "redraw", "rewrite", "picture"]
"""A new panel; several of them to choose from; a new picture; a sibling with other words; a sibling
with a reader's picture."""
Phase = Literal[
    "waiting", "opening", "remembering", "writing", "painting", "done", "stopped", "failed"
]
MAKES_PANELS: tuple[Kind, ...] = ("turn", "alternatives")
"""What adds panels after another."""
ENDED: tuple[Phase, ...] = ("done", "stopped", "failed")


@dataclass(frozen=True)
class Alternative:
    """One of several panels that are being made together."""

    text: str = ""
    preview: Image.Image | None = None


@dataclass(frozen=True)
class Progress:
    """How far a turn is; a new object for every step, so it can be read from any thread."""

    phase: Phase = "waiting"
    version: int = 0
    """Grows with every change."""
    position: int = 0
    """While waiting: how many turns come before this one."""
    done: int = 0
    total: int = 0
    """While remembering: pages read again; while painting: steps."""
    text: str = ""
    preview: Image.Image | None = None
    alternatives: tuple[Alternative, ...] = ()
    """Of several pages, how far each is."""
    panel_id: str = ""
    """The finished panel; the first of several."""
    error: str = ""
    """Why it failed, in a sentence for the reader."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.phase in ENDED


class Job:
    """One asked-for turn or redrawing."""

    def __init__(
        self,
        number: int,
        kind: Kind,
        story_id: str,
        panel_id: str | None,
        request: TurnRequest,
        num_alternatives: int = 1,
    ) -> None:
        """Describe what is asked for; `JobQueue.submit` puts it in the queue.

        Args:
            number: Unique in this queue.
            kind: What is asked for.
            story_id: Of a story that exists.
            panel_id: The panel to continue from (None begins), or the one to change.
            request: What the reader wants; its picture is let go when the job has ended.
            num_alternatives: How many panels to choose from.
        """
        self.id = str(number)
        self.kind = kind
        self.story_id = story_id
        self.panel_id = panel_id
        self.request: TurnRequest = request
        self.num_alternatives = num_alternatives
        self.is_given = _is_given(request)
        self.progress = Progress(
            text=request.reader_text if kind in MAKES_PANELS else "",
            alternatives=(Alternative(request.reader_text),) * num_alternatives
            if kind == "alternatives"
            else (),
        )
        self.stop_asked = threading.Event()
        self.ended = threading.Event()

    def report(self, **changes: object) -> None:
        """Move the progress on."""
        self.progress = replace(
            self.progress,
            version=self.progress.version + 1,
            **changes,  # type: ignore[arg-type]
        )
        if self.progress.has_ended:
            # Ended jobs are kept for a while, their pictures are not.
            self.request = replace(self.request, reader_image=None)
            self.progress = replace(self.progress, preview=None, alternatives=())
            self.ended.set()


def _is_given(request: TurnRequest) -> bool:
    """Whether the page is wholly the reader's, so that nothing of it is left to the storyteller."""
    has_words = not request.complete_text or not request.reader_text
    return request.reader_image is not None and has_words


def _events(session: StorySession, job: Job) -> Iterator[tuple[int, SessionEvent]]:
    """The events of a job, each with the number of its page among several."""
    request, panel_id = job.request, job.panel_id or ""
    if job.kind == "alternatives":
        seeds = range(request.image_seed, request.image_seed + job.num_alternatives)
        requests = [replace(request, image_seed=seed, any_seed=True) for seed in seeds]
        return session.alternatives(job.panel_id, requests)
    if job.kind == "turn":
        events = session.turn(job.panel_id, request)
    elif job.kind == "redraw":
        events = session.redraw(panel_id, request)
    elif job.kind == "rewrite":
        events = session.rewrite(panel_id, request.reader_text)
    else:
        assert request.reader_image is not None
        events = session.replace_picture(panel_id, request.reader_image, request.notes)
    return ((0, event) for event in events)


def _moved(
    alternatives: tuple[Alternative, ...], number: int, **changes: Any
) -> tuple[Alternative, ...]:
    """Move one of several panels on; a single one is no alternative."""
    return tuple(
        replace(one, **changes) if index == number else one
        for index, one in enumerate(alternatives)
    )


class JobQueue:
    """Takes jobs and runs them, as many at once as the engine runs together."""

    def __init__(self, store: SessionStore) -> None:
        """Serve the stories of a store."""
        self.store = store
        self._numbers = itertools.count(1)
        self._waiting: deque[Job] = deque()
        self._working: list[Job] = []
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._changed = threading.Condition()
        self._num_places = store.config.runtime.turns_at_once
        self._workers: list[threading.Thread] = []

    def submit(
        self,
        kind: Kind,
        story_id: str,
        panel_id: str | None,
        request: TurnRequest,
        num_alternatives: int = 1,
    ) -> Job:
        """Put a job in the queue; arguments as for `Job`.

        Raises:
            BusyError: The story already has one waiting or running, or the queue is full.
        """
        with self._changed:
            if self._running(story_id) is not None:
                raise BusyError(STILL_WORKING)
            if len(self._waiting) >= MAX_WAITING:
                raise BusyError(
                    f"{len(self._waiting)} stories are waiting for the storyteller already. "
                    "Please come back in a few minutes."
                )
            job = Job(next(self._numbers), kind, story_id, panel_id, request, num_alternatives)
            self._waiting.append(job)
            self._jobs[job.id] = job
            while len(self._jobs) > KEPT_JOBS and next(iter(self._jobs.values())).ended.is_set():
                self._jobs.popitem(last=False)
            self._tell_positions()
            if len(self._workers) < min(len(self._working) + len(self._waiting), self._num_places):
                worker = threading.Thread(target=self._work, name="jobs", daemon=True)
                self._workers.append(worker)
                worker.start()
            self._changed.notify_all()
        return job

    def job(self, job_id: str) -> Job | None:
        """The job with this id, running or ended."""
        return self._jobs.get(job_id)

    def running(self, story_id: str) -> Job | None:
        """The job that this story has waiting or running."""
        with self._changed:
            return self._running(story_id)

    def stop(self, story_id: str) -> bool:
        """Take the story's job out of the queue, or stop it within a word or a step."""
        with self._changed:
            job = self._running(story_id)
            if job is None:
                return False
            job.stop_asked.set()
            if job in self._waiting:
                self._waiting.remove(job)
                self._tell_positions()
                self._forget_if_empty(job)
                job.report(phase="stopped")
                return True
        self.store.open(story_id).cancel()
        return True

    def _running(self, story_id: str) -> Job | None:
        jobs = [*self._waiting, *self._working]
        return next((job for job in jobs if job.story_id == story_id), None)

    def _tell_positions(self) -> None:
        # A running job has to end before the first that waits can begin.
        ahead = 1 if len(self._working) >= self._num_places else 0
        for position, job in enumerate(self._waiting, start=ahead):
            if job.progress.position != position or not job.progress.version:
                job.report(position=position)

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    if not self._changed.wait(IDLE_SECONDS):
                        self.store.close_idle()
                job = self._waiting.popleft()
                self._working.append(job)
                self._tell_positions()
            outcome = self._take_turn(job)
            if outcome["phase"] != "done":
                self._forget_if_empty(job)
            elif job.kind == "turn":
                # Before the story is free again, so that nobody's request finds it busy with this.
                self._prefetch(job, str(outcome["panel_id"]))
            with self._changed:
                # Out of the queue first: whoever sees the outcome may ask for the next at once.
                self._working.remove(job)
                self._tell_positions()
            job.report(**outcome)

    def _prefetch(self, job: Job, panel_id: str) -> None:
        """While the page is looked at: write the next one, as it would be asked for."""
        if not self.store.config.runtime.prefetches:
            return
        sampling = replace(job.request.sampling, seed=new_seed())
        try:
            session = self.store.open(job.story_id)
            if not session.tree.panel(panel_id).is_end:
                session.prefetch(panel_id, TurnRequest(sampling=sampling, any_seed=True))
        except SeedStoryError as error:
            log.info("Nothing is prefetched in story %s: %s", job.story_id, error)

    def _forget_if_empty(self, job: Job) -> None:
        """A first page that came to nothing leaves no story behind."""
        try:
            if job.panel_id is None and not len(self.store.open(job.story_id).tree):
                self.store.discard(job.story_id)
        except SeedStoryError as error:
            log.warning("The empty story %s stays: %s", job.story_id, error)

    def _take_turn(self, job: Job) -> dict[str, object]:
        job.report(phase="opening")
        added = ""
        try:
            session = self.store.open(job.story_id)
            events = _events(session, job)
            if job.stop_asked.is_set():
                raise TurnCancelled
            for number, event in events:
                if isinstance(event, PanelAdded):
                    added = added or event.panel.id
                    continue
                if job.stop_asked.is_set():
                    # Asked before the session listened: tell it again.
                    session.cancel()
                if isinstance(event, Replaying):
                    job.report(phase="remembering", done=event.done, total=event.total)
                elif isinstance(event, TextDelta):
                    alternatives = _moved(job.progress.alternatives, number, text=event.text)
                    job.report(phase="writing", text=event.text, alternatives=alternatives)
                elif isinstance(event, ImagePreview):
                    shown = {"preview": event.image} if event.image is not None else {}
                    job.report(
                        phase="painting",
                        done=event.step,
                        total=event.num_steps,
                        alternatives=_moved(job.progress.alternatives, number, **shown),
                        **shown,
                    )
        except TurnCancelled:
            return {"phase": "stopped"}
        except SeedStoryError as error:
            return {"phase": "failed", "error": str(error)}
        except Exception:
            log.exception("A turn of story %s failed.", job.story_id)
            return {"phase": "failed", "error": OUR_FAULT}
        return {"phase": "done", "panel_id": added}
