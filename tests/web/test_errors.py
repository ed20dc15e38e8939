"""One boundary turns every exception into a sentence and a status."""

from __future__ import annotations

import logging

import pytest

from demo.errors import explain
from seedstory_core import (
    OUR_FAULT,
    STOPPED,
    BusyError,
    ConfigError,
    DeviceFullError,
    FileMissingError,
    InputError,
    SeedStoryError,
    StorageError,
    StoryChangedError,
    StoryNotFoundError,
    TurnCancelled,
    UnconfirmedError,
    WeightsError,
)

SENTENCE = "The kite is torn. Mend it."


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (StoryNotFoundError, 404),
        (FileMissingError, 404),
        (InputError, 400),
        (BusyError, 409),
        (StoryChangedError, 409),
        (DeviceFullError, 503),
        (StorageError, 503),
        (UnconfirmedError, 503),
        (WeightsError, 503),
        (ConfigError, 503),
        (SeedStoryError, 503),
    ],
)
def test_an_error_for_people_is_told_in_its_own_words(
    kind: type[SeedStoryError], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    problem = explain(kind(SENTENCE), "The event begin")
    assert (problem.sentence, problem.status) == (SENTENCE, status)
    # What somebody has to mend is in the log; what a reader can mend is not.
    assert bool(caplog.records) == (status == 503)


def test_a_stopped_turn_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    problem = explain(TurnCancelled(), "The endpoint begin")
    assert (problem.sentence, problem.status) == (STOPPED, 409) and not caplog.records


def test_any_other_exception_is_logged_in_full_and_told_without_details(
    caplog: pytest.LogCaptureFixture,
) -> None:
    try:
        raise RuntimeError("a secret detail")
    except RuntimeError as error:
        problem = explain(error, "The address /take/x")
    assert (problem.sentence, problem.status) == (OUR_FAULT, 500)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR and "/take/x failed" in record.getMessage()
    assert "a secret detail" in (record.exc_text or "")
