"""The one boundary where an exception becomes a sentence and an HTTP status.

Page events, endpoints and routes all call `explain`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from seedstory_core import (
    OUR_FAULT,
    BusyError,
    FileMissingError,
    InputError,
    SeedStoryError,
    StoryNotFoundError,
    TurnCancelled,
)

log = logging.getLogger(__name__)

STATUSES: tuple[tuple[type[SeedStoryError], int], ...] = (
    (StoryNotFoundError, 404),
    (FileMissingError, 404),
    (InputError, 400),
    (BusyError, 409),
)
"""HTTP status of errors that the client can mend; all others are the server's."""
STOPPED = "The turn was stopped. The story is as it was."


@dataclass(frozen=True)
class Problem:
    """An error as the client sees it.

    Attributes:
        sentence: What happened and what to do.
        status: HTTP status.
    """

    sentence: str
    status: int


def explain(error: Exception, what: str) -> Problem:
    """Return an error's sentence and status; log it if the server is at fault.

    Args:
        error: Any exception; only a `SeedStoryError` keeps its own text. A stopped turn is no
            fault.
        what: Subject of the log line: an event, an endpoint or an address.
    """
    if isinstance(error, TurnCancelled):
        return Problem(STOPPED, 409)
    if not isinstance(error, SeedStoryError):
        log.error("%s failed.", what, exc_info=error)
        return Problem(OUR_FAULT, 500)
    for kind, status in STATUSES:
        if isinstance(error, kind):
            return Problem(str(error), status)
    log.warning("%s failed. %s", what, error)
    return Problem(str(error), 503)
