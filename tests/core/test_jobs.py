"""Whatever is raised wherever: every job ends with an outcome, and the next ones run."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from seedstory_core import jobs as jobs_module
from seedstory_core.engine import StoryEngine, TurnRequest
from seedstory_core.engine import scheduler as scheduler_module
from seedstory_core.engine.scheduler import Scheduler
from seedstory_core.errors import LimitError, TurnCancelled, UnconfirmedError
from seedstory_core.generation.batch import TextBatch
from seedstory_core.generation.sampling import Sampling
from seedstory_core.jobs import Job, JobQueue
from seedstory_core.models.detokenizer import Drawing
from seedstory_core.session import SessionStore, StorySession
from seedstory_core.session.prefetch import Prefetch
from seedstory_core.story.archive import StoryArchive
from seedstory_core.story.tree import StoryTree
from tests.helpers.failing import Trap, each_error_at

WAIT_SECONDS = 60


@pytest.fixture
def store(small_engine: StoryEngine, tmp_path: Path) -> SessionStore:
    return SessionStore(small_engine, StoryArchive(str(tmp_path / "stories")))


@pytest.fixture
def queue(store: SessionStore, monkeypatch: pytest.MonkeyPatch) -> JobQueue:
    monkeypatch.setattr(jobs_module, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(scheduler_module, "LOOK_SECONDS", 0.02)
    return JobQueue(store)


def request(text: str = "Mira waves.", seed: int = 1, **options: Any) -> TurnRequest:
    return TurnRequest(text, sampling=Sampling(seed=seed), image_seed=seed, **options)


def opened(queue: JobQueue, **options: Any) -> Job:
    """Submit the first turn of a new story."""
    return queue.submit("turn", queue.store.create().story_id, None, request(**options))


def outcome(job: Job) -> str:
    assert job.ended.wait(WAIT_SECONDS), f"It stays at {job.progress.phase!r}."
    assert job.progress.has_ended
    return job.progress.phase


PLACES: list[tuple[Any, str]] = [
    (SessionStore, "open"),
    (Job, "report"),
    (Job, "end"),
    (StorySession, "turn"),
    (StorySession, "_path"),
    (StoryArchive, "append"),
    (StorySession, "_commit"),
    (StorySession, "_add"),
    (StorySession, "_remember"),
    (StoryTree, "add"),
    (StoryTree, "next_id"),
    (JobQueue, "_prefetch"),
    (StorySession, "prefetch"),
    (Prefetch, "begin"),
    (Prefetch, "drop"),
    (JobQueue, "_tell_positions"),
    (JobQueue, "_see_through"),
    (StoryEngine, "turn"),
    (StoryEngine, "_understand"),
    (StoryEngine, "_compose"),
    (StoryEngine, "_draw"),
    (StoryEngine, "_read_back"),
    (TextBatch, "next_scores"),
    (Drawing, "step"),
    (Scheduler, "_next_batch"),
    (Scheduler, "_tick"),
    (Scheduler, "_go_on"),
    (TextBatch, "leave"),
]


@pytest.mark.parametrize(
    ("owner", "name", "after", "error"),
    each_error_at(*((*place, after) for place in PLACES for after in (False, True))),
)
def test_a_job_ends_and_the_next_ones_run_whatever_is_raised(
    queue: JobQueue,
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    after: bool,
    error: BaseException,
) -> None:
    if name in ("append", "_add", "add") and isinstance(error, TurnCancelled):
        pytest.skip("Nothing stops a turn while it is saved.")
    first = opened(queue)
    assert outcome(first) == "done"
    story_id, panel_id = first.story_id, first.progress.panel_id
    trap = Trap(error, after=after)
    with monkeypatch.context() as patch:
        trap.set_on(patch, owner, name)
        try:
            job = queue.submit("turn", story_id, panel_id, request())
        except BaseException as refused:
            assert refused is error  # a job that is refused is not in the queue
            job = None
        if job is not None:
            phase = outcome(job)
            # A page that was saved is never answered as an error.
            saved = queue.store.archive.load(story_id).tree
            assert (len(saved) == 2) == (phase == "done")
            if phase == "failed":
                assert job.progress.error
        assert trap.has_sprung
    assert queue.running(story_id) is None
    assert not queue.stop(story_id)
    again, other = queue.submit("turn", story_id, panel_id, request(seed=2)), opened(queue)
    assert outcome(again) == outcome(other) == "done"
    assert queue.store.open(story_id).tree.panels == queue.store.archive.load(story_id).tree.panels
    assert queue._workers and all(worker.is_alive() for worker in queue._workers)


COMMITS: list[tuple[Any, Any, str]] = [
    ("turn", StoryArchive, "append"),
    ("turn", StorySession, "_commit"),
    ("alternatives", StoryArchive, "append_group"),
    ("alternatives", StorySession, "_add"),
    ("redraw", StoryArchive, "replace"),
    ("redraw", StoryTree, "replace"),
    ("rewrite", StoryArchive, "append"),
    ("rewrite", StorySession, "_add"),
    ("image", StoryArchive, "append"),
    ("image", StorySession, "_commit"),
]


@pytest.mark.parametrize(
    "error",
    [
        UnconfirmedError("The page was saved; only the disk did not confirm it."),
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        OSError(28, "No space left on device"),
        RuntimeError("a bug"),
        KeyboardInterrupt(),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize(("kind", "owner", "name"), COMMITS)
def test_what_was_saved_is_the_outcome_and_is_made_once(
    queue: JobQueue,
    monkeypatch: pytest.MonkeyPatch,
    kind: Any,
    owner: Any,
    name: str,
    error: BaseException,
) -> None:
    first = opened(queue)
    assert outcome(first) == "done"
    story_id, panel_id = first.story_id, first.progress.panel_id
    before = queue.store.open(story_id).tree.panel(panel_id)
    asked = request("It rains.", seed=2)
    if kind == "image":
        asked = replace(asked, reader_image=Image.new("RGB", (64, 64)))
    trap = Trap(error, after=True)
    with monkeypatch.context() as patch:
        trap.set_on(patch, owner, name)
        count = 2 if kind == "alternatives" else 1
        job = queue.submit(kind, story_id, panel_id, asked, count)
        assert outcome(job) == "done"
    assert trap.has_sprung
    saved = queue.store.archive.load(story_id).tree
    assert queue.store.open(story_id).tree.panels == saved.panels
    if kind == "redraw":
        assert job.progress.panel_id == panel_id and len(saved) == 1
        assert saved.panel(panel_id).image_name != before.image_name
    else:
        assert job.progress.panel_id == "p2" and len(saved) == 1 + count


def test_a_redrawing_that_was_not_saved_has_failed(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = opened(queue)
    assert outcome(first) == "done"
    with monkeypatch.context() as patch:
        Trap(RuntimeError("a bug")).set_on(patch, StoryArchive, "replace")
        job = queue.submit("redraw", first.story_id, "p1", request(seed=2))
        assert outcome(job) == "failed" and job.progress.error


def test_a_visitor_has_a_few_jobs_at_a_time_over_all_stories(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.config.runtime, "visitor_turns", 2)
    visitor = ["one"]
    queue = JobQueue(store, lambda: visitor[0])
    queue._num_places = 1
    runs = opened(queue, num_inference_steps=2000)
    while runs.progress.phase != "painting":
        time.sleep(0.005)
    waits = opened(queue)
    with pytest.raises(LimitError, match=r"ask for at a time \(2\) .* or stop it; then ask again"):
        opened(queue)
    visitor[0] = "other"
    others = [opened(queue), opened(queue)]
    with pytest.raises(LimitError):
        opened(queue)
    visitor[0] = ""
    others += [opened(queue) for _ in range(4)]
    visitor[0] = "one"
    with pytest.raises(LimitError):
        opened(queue)
    assert queue.stop(waits.story_id), "a place in line is given away at once"
    again = opened(queue)
    assert queue.stop(runs.story_id)
    assert {outcome(job) for job in (runs, waits)} == {"stopped"}
    assert {outcome(job) for job in (*others, again)} == {"done"}
    assert outcome(opened(queue)) == "done", "no turn that has ended is counted"


@pytest.mark.parametrize(
    ("owner", "name", "error"),
    each_error_at(
        (JobQueue, "_forget_if_empty"),
        (SessionStore, "discard"),
        (StoryArchive, "delete"),
        (Job, "end"),
        (JobQueue, "_tell_positions"),
    ),
)
def test_stop_ends_a_job_that_waits_and_one_that_runs(
    queue: JobQueue,
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    error: BaseException,
) -> None:
    queue._num_places = 1
    runs = opened(queue, num_inference_steps=2000)
    while runs.progress.phase != "painting":
        time.sleep(0.005)
    waits = opened(queue)
    for job in (waits, runs):
        with monkeypatch.context() as patch:
            Trap(error).set_on(patch, owner, name)
            assert queue.stop(job.story_id)
            assert outcome(job) in ("stopped", "failed")
    assert outcome(opened(queue)) == "done"
    assert all(worker.is_alive() for worker in queue._workers)


@pytest.mark.parametrize(("at", "error"), each_error_at(1, 2, 5))
def test_any_report_may_fail(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch, at: int, error: BaseException
) -> None:
    with monkeypatch.context() as patch:
        Trap(error, at=at).set_on(patch, Job, "report")
        assert outcome(opened(queue)) in ("done", "failed", "stopped")
    assert outcome(opened(queue)) == "done"


def test_an_outcome_that_cannot_be_reported_is_still_the_outcome(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = Job.report

    def refuse_outcome(self: Job, **changes: Any) -> None:
        if "panel_id" in changes:
            raise MemoryError
        report(self, **changes)

    monkeypatch.setattr(Job, "report", refuse_outcome)
    job = opened(queue)
    assert outcome(job) == "done" and job.progress.panel_id == "p1"


@pytest.mark.parametrize(("kind", "error"), each_error_at("idle"))
def test_closing_idle_stories_may_fail(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch, kind: str, error: BaseException
) -> None:
    closed = threading.Event()

    def fail(self: SessionStore) -> int:
        closed.set()
        raise error

    assert outcome(opened(queue)) == "done"
    (worker,) = queue._workers
    with monkeypatch.context() as patch:
        patch.setattr(jobs_module, "IDLE_SECONDS", 0.01)
        patch.setattr(SessionStore, "close_idle", fail)
        queue._workers[:] = []  # the old one still waits its minute
        patch.setattr(SessionStore, "_register", lambda self, session: session)
        with queue._changed:
            queue._changed.notify_all()
        story = queue.store.archive.create("", "").id
        assert outcome(queue.submit("turn", story, None, request())) == "done"
        assert closed.wait(WAIT_SECONDS)
        time.sleep(0.05)
    assert worker.is_alive() and all(one.is_alive() for one in queue._workers)
    assert outcome(opened(queue)) == "done"


def test_a_worker_that_is_gone_is_replaced(queue: JobQueue) -> None:
    queue._num_places = 1
    gone = threading.Thread(target=lambda: None)
    gone.start()
    gone.join()
    queue._workers.append(gone)
    assert outcome(opened(queue)) == "done"
    assert gone not in queue._workers


def test_a_job_is_refused_if_no_worker_can_be_started(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    story_id = queue.store.create().story_id
    with monkeypatch.context() as patch:
        Trap(RuntimeError("can't start new thread")).set_on(patch, threading.Thread, "start")
        with pytest.raises(RuntimeError, match="new thread"):
            queue.submit("turn", story_id, None, request())
    assert queue.running(story_id) is None
    assert outcome(queue.submit("turn", story_id, None, request())) == "done"


@pytest.mark.parametrize("num_threads", [1, 2])
def test_a_turn_ends_if_no_thread_can_be_started(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch, num_threads: int
) -> None:
    """The second thread is the one that prefetches, or the scheduler's."""
    scheduler = queue.store.engine._scheduler
    scheduler.close()
    scheduler._is_closed = False
    assert scheduler._thread is None
    with monkeypatch.context() as patch:
        Trap(RuntimeError("can't start new thread"), at=num_threads).set_on(
            patch, threading.Thread, "start"
        )
        story_id = queue.store.archive.create("", "").id
        try:
            assert outcome(queue.submit("turn", story_id, None, request())) == "failed"
        except RuntimeError:
            assert num_threads == 1
    assert outcome(opened(queue)) == "done"


def test_jobs_have_ids_of_their_own_also_after_a_restart(store: SessionStore) -> None:
    ids = {opened(JobQueue(store)).id for _ in range(3)}
    assert len(ids) == 3


def test_stop_in_the_last_moment_of_a_turn_leaves_it_done(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was saved already; only what is prefetched after it is stopped."""
    prefetch = StorySession.prefetch

    def stopped(self: StorySession, *values: Any) -> threading.Thread:
        queue.stop(self.story_id)
        with monkeypatch.context() as patch:
            patch.setattr(self.memory, "find", lambda ids: [self.cancel(), None][1:] * len(ids))
            return prefetch(self, *values)

    monkeypatch.setattr(StorySession, "prefetch", stopped)
    job = opened(queue)
    assert outcome(job) == "done" and job.progress.panel_id == "p1"
    assert outcome(opened(queue)) == "done"


# Panels in a row


def test_a_run_makes_its_panels_in_a_row_and_says_how_many_are_saved(queue: JobQueue) -> None:
    job = opened(queue, complete_text=False)
    assert outcome(job) == "done"
    run = queue.submit("run", job.story_id, "p1", request("It rains.", complete_text=False), 3)
    assert outcome(run) == "done"
    tree = queue.store.open(job.story_id).tree
    assert [panel.id for panel in tree.path("p4")] == ["p1", "p2", "p3", "p4"]
    assert tree.panel("p2").text == "It rains." and tree.panel("p3").author == "model"
    assert (run.progress.panel_id, run.progress.num_made) == ("p4", 3)


def test_a_run_that_is_stopped_keeps_what_it_has_made(queue: JobQueue) -> None:
    job = opened(queue, complete_text=False)
    assert outcome(job) == "done"
    run = queue.submit("run", job.story_id, "p1", request("", complete_text=True), 25)
    deadline = time.monotonic() + WAIT_SECONDS
    while run.progress.num_made < 2:
        assert time.monotonic() < deadline and not run.ended.is_set()
        time.sleep(0.01)
    assert queue.stop(job.story_id)
    assert outcome(run) == "done"
    tree = queue.store.open(job.story_id).tree
    assert run.progress.panel_id == tree.panels[-1].id
    assert 3 <= len(tree) < 26


def test_seconds_left_are_learned_from_this_machines_own_jobs(queue: JobQueue) -> None:
    job = opened(queue, complete_text=False)
    assert outcome(job) == "done" and job.begun_at is not None
    left = queue.seconds_left(job)
    assert left is not None and left >= 0
    now = time.monotonic()
    job.begun_at = now
    fresh = queue.seconds_left(job)
    assert fresh is not None and 0 < fresh < WAIT_SECONDS
    job.kind, job.num_panels = "run", 4
    assert queue.seconds_left(job) is None, "of this kind none has ended yet"
    queue._pace["run"] = 2.0
    assert queue.seconds_left(job) == pytest.approx(8.0, abs=0.5)
    job.begun_at = now - 100
    assert queue.seconds_left(job) == 0.0
