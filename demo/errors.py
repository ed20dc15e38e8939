"""The one boundary where an exception gets an HTTP status beside its sentence, and is logged.

Page events, endpoints and routes all call `explain`; the sentences are those of `message_for`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from seedstory_core import (
    BusyError,
    FileMissingError,
    InputError,
    LimitError,
    StoryChangedError,
    StoryNotFoundError,
    TurnCancelled,
    UnconfirmedError,
    message_for,
)

log = logging.getLogger(__name__)

STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (StoryNotFoundError, 404),
    (FileMissingError, 404),
    (InputError, 400),
    (LimitError, 429),
    (BusyError, 409),
    (UnconfirmedError, 503),
    (StoryChangedError, 409),
    (TurnCancelled, 409),
)
"""HTTP status by the first kind that fits; 503 is what only those who run the server can mend."""


@dataclass(frozen=True)
class Problem:
    """An error as the client sees it.

    Attributes:
        sentence: What happened and what to do.
        status: HTTP status.
        kind: Name of its kind, for programs: a stream of events has no status.
    """

    sentence: str
    status: int
    kind: str


def explain_saved(error: Exception, what: str) -> str:
    """Return what is said if something fails after a panel was saved; log it as `explain` does."""
    problem = explain(error, what)
    why = "" if problem.status == 500 else f" {problem.sentence}"
    return (
        f"The page is saved, but it cannot be shown just now.{why} Open the story again to see it."
    )


def explain(error: Exception, what: str) -> Problem:
    """Return an error's sentence and status; log it if the server is at fault.

    Args:
        error: Any exception.
        what: Subject of the log line: an event, an endpoint or an address.
    """
    message = message_for(error)
    if message.is_bug:
        log.error("%s failed.", what, exc_info=error)
        return Problem(message.sentence, 500, message.kind)
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), 503)
    if status == 503:
        log.warning("%s failed. %s", what, message.sentence)
    return Problem(message.sentence, status, message.kind)
