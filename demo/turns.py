"""Shared by the page and the endpoints: begin a story, watch a job."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from seedstory_core import (
    NO_BEGINNING,
    InputError,
    Job,
    JobQueue,
    Progress,
    SessionStore,
    StorySession,
    TurnRequest,
)

LOOK_SECONDS = 0.08
"""Time between a watcher's looks at its job; nobody reads more than a dozen new words a second."""


def begin_story(
    store: SessionStore, queue: JobQueue, request: TurnRequest, ticket: str = ""
) -> tuple[StorySession, Job]:
    """Create a story and submit its first turn.

    Raises:
        InputError: There is neither a sentence nor an image.
        BusyError: The queue is full; no folder is left behind.
    """
    if not request.reader_text and request.reader_image is None:
        raise InputError(NO_BEGINNING)
    session = store.create()
    try:
        return session, queue.submit("turn", session.story_id, None, request, ticket=ticket)
    except BaseException:
        store.discard(session.story_id)
        raise


async def watch(job: Job) -> AsyncIterator[Progress]:
    """Yield a job's progress whenever it changed, until the job has ended."""
    seen = -1
    while not job.ended.is_set():
        progress = job.progress
        if progress.version != seen and not progress.has_ended:
            seen = progress.version
            yield progress
        await asyncio.sleep(LOOK_SECONDS)
