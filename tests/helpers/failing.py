"""Failures of every kind, thrown into methods of the studio."""

from __future__ import annotations

import functools
import threading
from typing import Any

import pytest
import torch

from seedstory_core.errors import SeedStoryError, TurnCancelled


class OwnBaseError(BaseException):
    """Of nobody's family."""


ERRORS = [
    SeedStoryError("A sentence."),
    TurnCancelled(),
    MemoryError(),
    OSError(28, "No space left on device"),
    torch.OutOfMemoryError("CUDA out of memory"),
    RuntimeError("a bug"),
    KeyboardInterrupt(),
    SystemExit(1),
    OwnBaseError(),
    GeneratorExit(),
    StopIteration(),
]


def each_error_at(*places: Any) -> list[Any]:
    """Every error at every place; all but one at each place are slow, another one at each place."""
    return [
        pytest.param(
            *(place if isinstance(place, tuple) else (place,)),
            error,
            id="-".join(map(str, (*_names(place), type(error).__name__))),
            marks=[] if (3 * index + 1) % len(ERRORS) == number else [pytest.mark.slow],
        )
        for index, place in enumerate(places)
        for number, error in enumerate(ERRORS)
    ]


def _names(place: Any) -> list[str]:
    parts = place if isinstance(place, tuple) else (place,)
    return [getattr(part, "__name__", str(part)) for part in parts]


class Trap:
    """Raises an error at a method's n-th call, or after it has done its work; then never again."""

    def __init__(self, error: BaseException, *, after: bool = False, at: int = 1) -> None:
        self.error = error
        self.after = after
        self.left = at
        self.lock = threading.Lock()

    def set_on(self, patch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
        real = getattr(owner, name)

        @functools.wraps(real)
        def call(*args: Any, **named: Any) -> Any:
            with self.lock:
                self.left -= 1
                is_due = self.left == 0
            if is_due and not self.after:
                raise self.error
            found = real(*args, **named)
            if is_due:
                raise self.error
            return found

        patch.setattr(owner, name, call)

    @property
    def has_sprung(self) -> bool:
        return self.left <= 0
