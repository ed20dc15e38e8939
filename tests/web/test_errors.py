"""One boundary turns every exception into a sentence and a status."""

from __future__ import annotations

import logging

import pytest

from demo.errors import Problem, explain
from seedstory_core import (
    OUR_FAULT,
    STOPPED,
    BusyError,
    ConfigError,
    DeviceFullError,
    FileMissingError,
    InputError,
    LimitError,
    SeedStoryError,
    StorageError,
    StoryChangedError,
    StoryNotFoundError,
    TurnCancelled,
    UnconfirmedError,
    WeightsError,
)

SENTENCE = "The kite is torn. Mend it."


KINDS = [
    (StoryNotFoundError, 404),
    (FileMissingError, 404),
    (InputError, 400),
    (LimitError, 429),
    (BusyError, 409),
    (StoryChangedError, 409),
    (DeviceFullError, 503),
    (StorageError, 503),
    (UnconfirmedError, 503),
    (WeightsError, 503),
    (ConfigError, 503),
    (SeedStoryError, 503),
]


def test_every_kind_of_error_has_a_status_here() -> None:
    def family(kind: type[Exception]) -> set[type[Exception]]:
        return {kind}.union(*(family(one) for one in kind.__subclasses__()))

    ours = {kind for kind in family(SeedStoryError) if kind.__module__ == "seedstory_core.errors"}
    assert ours == {kind for kind, _ in KINDS}


@pytest.mark.parametrize(("kind", "status"), KINDS)
def test_an_error_for_people_is_told_in_its_own_words(
    kind: type[SeedStoryError], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    problem = explain(kind(SENTENCE), "The event begin")
    assert problem == Problem(SENTENCE, status, kind.__name__)
    # What somebody has to mend is in the log; what a reader can mend is not.
    assert bool(caplog.records) == (status == 503)


def test_a_stopped_turn_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    problem = explain(TurnCancelled(), "The endpoint begin")
    assert problem == Problem(STOPPED, 409, "TurnCancelled") and not caplog.records


def test_any_other_exception_is_logged_in_full_and_told_without_details(
    caplog: pytest.LogCaptureFixture,
) -> None:
    try:
        raise RuntimeError("a secret detail")
    except RuntimeError as error:
        problem = explain(error, "The address /take/x")
    assert problem == Problem(OUR_FAULT, 500, "Error")
    (record,) = caplog.records
    assert record.levelno == logging.ERROR and "/take/x failed" in record.getMessage()
    assert "a secret detail" in (record.exc_text or "")
