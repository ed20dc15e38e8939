"""The one boundary from an exception to what the person outside is told.

Page events, endpoints and addresses all ask `explain`; nothing else turns errors into sentences.
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
"""Errors that whoever asked can mend, by HTTP status; every other one is the server's."""
STOPPED = "The turn was stopped. The story is as it was."


@dataclass(frozen=True)
class Problem:
    """What is told of an error.

    Attributes:
        sentence: What happened and what to do.
        status: The HTTP status it is.
    """

    sentence: str
    status: int


def explain(error: Exception, what: str) -> Problem:
    """Put an error into a sentence, and log what somebody has to mend.

    Args:
        error: Any exception; only a `SeedStoryError` is told in its own words. That a turn was
            stopped is no error, but the end of what was asked for.
        what: What failed, for the log: the name of an event or endpoint, or an address.
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
