"""The job queue: runs turns in order of arrival, a few at once.

A turn belongs to the queue, not to the browser tab that requested it: it runs to its end even if
the tab is reloaded or closed, and any number of tabs may watch it. Gradio's own queue only serves
the watching, so other actions on the page never wait for a turn.

Every job ends with an outcome, whatever is raised while it runs, and no worker is lost to it.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from PIL import Image

from seedstory_core.engine import ImagePreview, TextDelta, TurnRequest
from seedstory_core.errors import (
    OUR_FAULT,
    STILL_WORKING,
    BusyError,
    DeviceFullError,
    InputError,
    LimitError,
    SeedStoryError,
    StoryChangedError,
    StoryNotFoundError,
    TurnCancelled,
    UnconfirmedError,
    message_for,
)
from seedstory_core.generation.sampling import new_seed
from seedstory_core.session import PanelAdded, Replaying, SessionEvent, SessionStore, StorySession

log = logging.getLogger(__name__)

PACE_WEIGHT = 0.4
"""Weight of the latest job in the average duration of its kind."""
MAX_RUN = 25
"""Most panels that one job may make in a row."""
MAX_WAITING = 100
"""Most jobs that may wait; with more, nobody would stay to see the last one."""
IDLE_SECONDS = 60.0
"""Seconds after which a queue without jobs closes the stories that nobody uses."""
PAUSE_SECONDS = 0.1
"""Seconds that a worker rests after a failure outside of jobs, which might come again at once."""
KEPT_JOBS = 500
"""Jobs that are kept, so that a tab can still ask for the outcome of one that has ended."""

Kind = Literal["turn", "alternatives", "run", "redraw", "rewrite", "image"]
"""A new panel; several alternatives for it; several panels in a row; a new image; a sibling with
other words; a sibling with a reader's image."""
Phase = Literal[
    "waiting", "opening", "remembering", "writing", "painting", "done", "stopped", "failed"
]
MAKES_PANELS: tuple[Kind, ...] = ("turn", "alternatives", "run")
"""Kinds of job that add panels after an existing one, or open the story."""
ENDED: tuple[Phase, ...] = ("done", "stopped", "failed")
FAILED: Mapping[str, Any] = MappingProxyType({"phase": "failed", "error": OUR_FAULT})
"""Outcome of a job that failed for no reason that a reader could mend."""
NOTHING_SAVED = (
    InputError,
    BusyError,
    DeviceFullError,
    StoryNotFoundError,
    StoryChangedError,
)
"""Errors after which the story's folder surely has no new panel of this turn."""


@dataclass(frozen=True)
class Alternative:
    """Progress of one of several alternative panels."""

    text: str = ""
    preview: Image.Image | None = None


@dataclass(frozen=True)
class Progress:
    """Progress of a job; every change makes a new object, so any thread may read it."""

    phase: Phase = "waiting"
    version: int = 0
    """Grows with every change."""
    position: int = 0
    """While waiting: number of jobs ahead of this one."""
    done: int = 0
    total: int = 0
    """`done` of `total`: while remembering, panels read again; while painting, denoising steps."""
    text: str = ""
    preview: Image.Image | None = None
    alternatives: tuple[Alternative, ...] = ()
    """Progress of each alternative; empty if there is only one panel."""
    panel_id: str = ""
    """Id of the finished panel; of several alternatives the first one's, of several panels in a row
    the last one's, also while the job runs."""
    num_made: int = 0
    """Panels in a row that are saved already."""
    error: str = ""
    """Why the job failed, as a message for the reader."""
    error_kind: str = "Error"
    """Name of the error's class, as `message_for` tells it."""

    @property
    def has_ended(self) -> bool:
        """Whether the job is done, stopped or failed."""
        return self.phase in ENDED


class Job:
    """One requested turn, or another change of a story that needs the models."""

    def __init__(
        self,
        job_id: str,
        kind: Kind,
        story_id: str,
        panel_id: str | None,
        request: TurnRequest,
        num_panels: int = 1,
        visitor: str = "",
        ticket: str = "",
    ) -> None:
        """Create a job; `JobQueue.submit` does it and puts it in the queue.

        Args:
            job_id: Its id, which no other job ever had, also before the server was restarted.
            kind: Kind of job.
            story_id: Id of an existing story.
            panel_id: The panel to continue from (None opens the story), or the one to change.
            request: The reader's request; its image is released when the job has ended.
            num_panels: Number of panels to make.
            visitor: Who asked for it; '' is not limited.
            ticket: A secret of the page that asked, which does not know the story yet.
        """
        self.id = job_id
        self.kind = kind
        self.story_id = story_id
        self.panel_id = panel_id
        self.request: TurnRequest = request
        self.num_panels = num_panels
        self.visitor = visitor
        self.ticket = ticket
        self.is_given = _is_given(request)
        self.progress = Progress(
            text=request.reader_text if kind in MAKES_PANELS else "",
            alternatives=(Alternative(request.reader_text),) * num_panels
            if kind == "alternatives"
            else (),
        )
        self.submitted_at = time.monotonic()
        self.begun_at: float | None = None
        self.stop_asked = threading.Event()
        self.ended = threading.Event()

    def report(self, **changes: object) -> None:
        """Update the progress; a phase of `ENDED` ends the job."""
        self.progress = replace(
            self.progress,
            version=self.progress.version + 1,
            **changes,  # type: ignore[arg-type]
        )
        if self.progress.has_ended:
            # Ended jobs are kept, but not their images.
            self.request = replace(self.request, reader_image=None)
            self.progress = replace(self.progress, preview=None, alternatives=())
            self.ended.set()

    def end(self, outcome: Mapping[str, Any]) -> None:
        """Report the outcome; if that fails, at least that the job has ended."""
        try:
            self.report(**outcome)
        except BaseException:
            log.exception("The outcome of a turn of story %s was not reported.", self.story_id)
            version, text = self.progress.version + 1, self.progress.text
            self.progress = Progress(version=version, text=text, **{**FAILED, **outcome})
        finally:
            self.ended.set()


def _is_given(request: TurnRequest) -> bool:
    """Whether the reader gave the image and all words, so that the model makes nothing."""
    has_words = not request.complete_text or not request.reader_text
    return request.reader_image is not None and has_words


def _events(session: StorySession, job: Job) -> Generator[tuple[int, SessionEvent], None, None]:
    """Yield the events of a job, each with the number of its alternative (0 if there is one)."""
    request, panel_id = job.request, job.panel_id or ""
    if job.kind == "alternatives":
        seeds = range(request.image_seed, request.image_seed + job.num_panels)
        requests = [replace(request, image_seed=seed, any_seed=True) for seed in seeds]
        yield from session.alternatives(job.panel_id, requests)
        return
    if job.kind == "run":
        yield from zip(itertools.repeat(0), _run(session, job))
        return
    if job.kind == "turn":
        events = session.turn(job.panel_id, request)
    elif job.kind == "redraw":
        events = session.redraw(panel_id, request)
    elif job.kind == "rewrite":
        events = session.rewrite(panel_id, request.reader_text)
    else:
        assert request.reader_image is not None
        events = session.replace_image(panel_id, request.reader_image, request.notes)
    yield from zip(itertools.repeat(0), events)


def _run(session: StorySession, job: Job) -> Generator[SessionEvent, None, None]:
    """Make panels in a row, the first from the reader's words, until the tale ends."""
    parent, request = job.panel_id, job.request
    for _ in range(job.num_panels):
        if job.stop_asked.is_set():
            raise TurnCancelled
        for event in session.turn(parent, request):
            yield event
            if isinstance(event, PanelAdded):
                parent = event.panel.id
                if event.panel.is_end:
                    return
        seed = new_seed()
        sampling = replace(request.sampling, seed=seed)
        request = TurnRequest(
            sampling=sampling,
            image_seed=seed,
            any_seed=True,
            num_inference_steps=request.num_inference_steps,
            guidance_scale=request.guidance_scale,
        )


def _moved(
    alternatives: tuple[Alternative, ...], number: int, **changes: Any
) -> tuple[Alternative, ...]:
    """Return the alternatives with one of them changed; none if there is only one panel."""
    return tuple(
        replace(one, **changes) if index == number else one
        for index, one in enumerate(alternatives)
    )


class JobQueue:
    """Runs jobs, as many at once as the engine batches."""

    def __init__(self, store: SessionStore, who: Callable[[], str] = lambda: "") -> None:
        """Create a queue.

        Args:
            store: The stories.
            who: Names the visitor for whom the calling thread works. Each may have
                `runtime.visitor_turns` jobs that wait or run; '' is not limited.
        """
        self.store = store
        self._who = who
        self._waiting: deque[Job] = deque()
        self._working: list[Job] = []
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._changed = threading.Condition()
        self._num_places = store.config.runtime.turns_at_once
        self._workers: list[threading.Thread] = []
        self._pace: dict[Kind, float] = {}

    def submit(
        self,
        kind: Kind,
        story_id: str,
        panel_id: str | None,
        request: TurnRequest,
        num_panels: int = 1,
        ticket: str = "",
    ) -> Job:
        """Put a new job in the queue and return it; arguments as for `Job`.

        Raises:
            BusyError: The story already has a job that waits or runs, or the queue is full.
            LimitError: The visitor has as many jobs as one visitor may have.
        """
        visitor = self._who()
        with self._changed:
            if self._running(story_id) is not None:
                raise BusyError(STILL_WORKING)
            self._check_visitor(visitor)
            if len(self._waiting) >= MAX_WAITING:
                raise BusyError(
                    f"{len(self._waiting)} stories are already waiting for the storyteller. "
                    "Please come back in a few minutes."
                )
            job_id = secrets.token_urlsafe(9)
            job = Job(job_id, kind, story_id, panel_id, request, num_panels, visitor, ticket)
            self._waiting.append(job)
            try:
                self._hire()
            except BaseException:
                # Without a worker nobody would ever come to it.
                self._waiting.remove(job)
                raise
            self._jobs[job.id] = job
            while len(self._jobs) > KEPT_JOBS and next(iter(self._jobs.values())).ended.is_set():
                self._jobs.popitem(last=False)
            _survive("Telling places in line", self._tell_positions)
            self._changed.notify_all()
        return job

    def _check_visitor(self, visitor: str) -> None:
        most = self.store.config.runtime.visitor_turns
        jobs = [job for job in (*self._waiting, *self._working) if job.visitor == visitor]
        if visitor and len(jobs) >= most:
            raise LimitError(
                f"As many pages as one network address may ask for at a time ({most}) are already "
                "being told for yours. Wait until one is done, or stop it; then ask again."
            )

    def _hire(self) -> None:
        """Start a worker if a job has none and there is a place; call it with the lock.

        Raises:
            RuntimeError: There is no worker at all, and none can be started.
        """
        self._workers = [worker for worker in self._workers if worker.is_alive()]
        if len(self._workers) >= min(len(self._working) + len(self._waiting), self._num_places):
            return
        worker = threading.Thread(target=self._work, name="jobs", daemon=True)
        try:
            worker.start()
        except RuntimeError:
            if not self._workers:
                raise
            log.exception("Only %d of %d workers run.", len(self._workers), self._num_places)
        else:
            self._workers.append(worker)

    def job(self, job_id: str) -> Job | None:
        """Return the job with this id, waiting, running or ended; None if it is no longer kept."""
        return self._jobs.get(job_id)

    def latest(self, key: str) -> Job | None:
        """Return the latest job, waiting, running or ended, of a story or with a ticket.

        None if none is kept.
        """
        with self._changed:
            jobs = reversed(self._jobs.values())
            return next((job for job in jobs if key and key in (job.story_id, job.ticket)), None)

    def running(self, story_id: str) -> Job | None:
        """Return the story's job that waits or runs, if any."""
        with self._changed:
            return self._running(story_id)

    def stop(self, story_id: str) -> bool:
        """Take the story's job out of the queue, or stop it within a token or a denoising step.

        Returns:
            Whether the story had a job that waited or ran.
        """
        with self._changed:
            job = self._running(story_id)
            if job is None:
                return False
            job.stop_asked.set()
            if job in self._waiting:
                self._waiting.remove(job)
                _survive("Telling places in line", self._tell_positions)
                _survive("Discarding an empty story", self._forget_if_empty, job)
                _end(job, {"phase": "stopped"})
                return True
        try:
            self.store.open(story_id).cancel()
        except SeedStoryError as error:
            # The job looks itself, at its next event.
            log.warning("A turn of story %s could not be stopped at once: %s", story_id, error)
        return True

    def _running(self, story_id: str) -> Job | None:
        jobs = [*self._waiting, *self._working]
        return next((job for job in jobs if job.story_id == story_id), None)

    def _tell_positions(self) -> None:
        # If all places are taken, the first waiting job has one running job ahead.
        ahead = 1 if len(self._working) >= self._num_places else 0
        for position, job in enumerate(self._waiting, start=ahead):
            if job.progress.position != position or not job.progress.version:
                job.report(position=position)

    def _work(self) -> None:
        """Run jobs, one after the other; nothing that is raised ends the worker."""
        while True:
            job = None
            try:
                with self._changed:
                    if self._changed.wait_for(lambda: self._waiting, IDLE_SECONDS):
                        job = self._waiting.popleft()
                        self._working.append(job)
                        _survive("Telling places in line", self._tell_positions)
                if job is None:
                    self.store.close_idle()
                else:
                    self._see_through(job)
            except BaseException:
                log.exception("A worker failed beside its turns, and goes on.")
                if job is None:
                    time.sleep(PAUSE_SECONDS)
            if job is not None and not job.ended.is_set():
                self._end(job, FAILED)

    def seconds_left(self, job: Job) -> float | None:
        """Return how long a running job will take from now on; None while that is not known.

        It is as long as the jobs of its kind took lately on this machine.
        """
        pace = self._pace.get(job.kind)
        if pace is None or job.begun_at is None:
            return None
        passed = time.monotonic() - job.begun_at
        return max(0.0, pace * (job.num_panels if job.kind == "run" else 1) - passed)

    def _learn_pace(self, job: Job) -> None:
        """Take a job that is done into the average of its kind; the first one counts whole."""
        assert job.begun_at is not None
        passed = time.monotonic() - job.begun_at
        seconds = passed / max(1, job.progress.num_made) if job.kind == "run" else passed
        known = self._pace.get(job.kind, seconds)
        self._pace[job.kind] = known + PACE_WEIGHT * (seconds - known)

    def _see_through(self, job: Job) -> None:
        """Run a job and report its outcome, whatever is raised meanwhile."""
        outcome = FAILED
        job.begun_at = time.monotonic()
        try:
            outcome = self._take_turn(job)
            if outcome["phase"] == "done":
                self._learn_pace(job)
            if outcome["phase"] != "done":
                self._forget_if_empty(job)
            elif job.kind in ("turn", "run"):
                # Now, while the queue still refuses jobs for this story: none finds it busy.
                self._prefetch(job, str(outcome["panel_id"]))
        except BaseException:
            log.exception("After a turn of story %s something failed.", job.story_id)
        finally:
            self._end(job, outcome)

    def _end(self, job: Job, outcome: Mapping[str, Any]) -> None:
        """Give a job's place away, then report its outcome: its watcher may submit the next one."""
        with self._changed:
            self._working = [one for one in self._working if one is not job]
            _survive("Telling places in line", self._tell_positions)
        _end(job, outcome)

    def _prefetch(self, job: Job, panel_id: str) -> None:
        """Prefetch the panel after this one, with the sampling of the job and an open seed."""
        if not self.store.config.runtime.prefetches:
            return
        sampling = replace(job.request.sampling, seed=new_seed())
        try:
            session = self.store.open(job.story_id)
            if not session.tree.panel(panel_id).is_end:
                session.prefetch(panel_id, TurnRequest(sampling=sampling, any_seed=True))
        except (SeedStoryError, TurnCancelled) as error:
            # The reader may press Stop when the turn has just been saved.
            log.info("No panel is prefetched after job %s: %r", job.id, error)

    def _forget_if_empty(self, job: Job) -> None:
        """Discard the story of a job that should have opened it and added no panel."""
        try:
            if job.panel_id is None and not len(self.store.open(job.story_id).tree):
                self.store.discard(job.story_id)
        except SeedStoryError as error:
            log.warning("The empty story of job %s could not be discarded: %s", job.id, error)

    def _take_turn(self, job: Job) -> Mapping[str, Any]:
        """Run a job and return its outcome, as changes of its progress."""
        session, due, added, made, is_doubtful = None, "", "", 0, False
        was: str | None = ""
        try:
            job.report(phase="opening")
            session = self.store.open(job.story_id)
            due = session.tree.next_id()
            if job.kind == "redraw":
                due = job.panel_id or ""
                was = session.tree.panel(due).image_name
            with contextlib.closing(_events(session, job)) as events:
                if job.stop_asked.is_set():
                    raise TurnCancelled
                for number, event in events:
                    if isinstance(event, PanelAdded):
                        if job.kind == "run":
                            made, added = made + 1, event.panel.id
                            job.report(phase="opening", panel_id=added, num_made=made, text="")
                        added = added or event.panel.id
                        continue
                    if job.stop_asked.is_set():
                        # `stop` may have come before the turn could be cancelled: cancel again.
                        session.cancel()
                    _report(job, number, event)
        except TurnCancelled:
            outcome: Mapping[str, Any] = {"phase": "stopped"}
        except Exception as error:
            message = message_for(error)
            if message.is_bug:
                log.exception("The turn of job %s failed.", job.id)
            else:
                log.info("The turn of job %s failed: %s", job.id, message.sentence)
            outcome = {
                "phase": "failed",
                "error": message.sentence,
                "error_kind": message.kind,
            }
            is_doubtful = isinstance(error, UnconfirmedError) or not isinstance(
                error, NOTHING_SAVED
            )
        except BaseException:
            log.exception("The turn of job %s failed.", job.id)
            outcome, is_doubtful = FAILED, True
        else:
            return {"phase": "done", "panel_id": added}
        if session is not None and due and not added:
            added = self._find_saved(session, due, was, is_doubtful=is_doubtful)
        # A panel that was saved is the outcome, whatever came after that.
        return {"phase": "done", "panel_id": added} if added else outcome

    def _find_saved(
        self, session: StorySession, due: str, was: str | None, *, is_doubtful: bool
    ) -> str:
        """Return the id of the panel that a failed turn should have made, if it was saved; or ''.

        Args:
            session: The story's session.
            due: The id.
            was: Name of the image that the panel had before, if it should have been redrawn.
            is_doubtful: Whether only the story's folder can tell; then it is read again.
        """
        tree = session.tree
        if is_doubtful:
            session.is_stale = True
            try:
                tree = self.store.open(session.story_id).tree
            except Exception as error:
                log.warning("The story of a failed job could not be read again: %r", error)
        return due if due in tree and tree.panel(due).image_name != was else ""


def _report(job: Job, number: int, event: SessionEvent) -> None:
    """Make an event part of the job's progress."""
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


def _end(job: Job, outcome: Mapping[str, Any]) -> None:
    """End a job; once more if that fails, for otherwise its story would be busy for ever."""
    for _ in range(2):
        if not job.ended.is_set():
            _survive("Reporting an outcome", job.end, outcome)


def _survive(what: str, step: Callable[..., object], *values: object) -> None:
    """Take a step that a job does not depend on; what it raises is logged."""
    try:
        step(*values)
    except BaseException:
        log.exception("%s failed.", what)
