"""What a story does when the memory of its device runs out.

All stories' segments and contexts are a cache. So they are dropped, and what was asked for is tried
once more: it reads again what it needs. This module does not import torch, so that stories can be
used before the models are loaded.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from seedstory_core.errors import DeviceFullError

if TYPE_CHECKING:
    from seedstory_core.engine import StoryEngine
    from seedstory_core.generation.memory import MemoryPool

log = logging.getLogger(__name__)

Event = TypeVar("Event")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out: Python's, a GPU's, or torch's on a CPU."""
    if isinstance(error, MemoryError):
        return True
    if not isinstance(error, RuntimeError):
        return False
    torch = sys.modules.get("torch")
    is_of_gpu = torch is not None and isinstance(error, torch.OutOfMemoryError)
    return is_of_gpu or "DefaultCPUAllocator" in str(error)


def make_room(engine: StoryEngine, pool: MemoryPool) -> None:
    """Drop what all stories can read again, and give the memory back to the device."""
    pool.drop()
    engine.free_memory()


def twice(
    attempt: Callable[[], Iterator[Event]],
    engine: StoryEngine,
    pool: MemoryPool,
    is_saved: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Yield the events of a change of a story; if memory runs out, make room and try once more.

    Args:
        attempt: Makes the change, and leaves the story as it was if it fails.
        engine: The engine, and
        pool: the pool of all stories, of which room is made.
        is_saved: Whether an attempt that failed has saved its change all the same; then it is not
            made again, and the error is raised as it is.

    Raises:
        DeviceFullError: Memory ran out again; the message names settings that need less.
    """
    for number in (1, 2):
        try:
            yield from attempt()
            return
        except Exception as error:
            if not is_out_of_memory(error) or is_saved():
                raise
            log.warning("Memory ran out, attempt %d of 2: %s", number, error)
        # Not before the error is gone: its traceback keeps the tensors of the attempt.
        make_room(engine, pool)
    raise DeviceFullError(
        "The storyteller ran out of memory, even after letting go of all that it can read again. "
        f"The story is as it was. {_advice(engine)}"
    )


def _advice(engine: StoryEngine) -> str:
    from seedstory_core.weights.memory_estimate import advise  # imports torch

    return advise(engine.config, engine.story_lm.device)
