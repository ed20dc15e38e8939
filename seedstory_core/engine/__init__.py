"""One turn of a story: its input and output, the engine, and the scheduler for several turns.

`StoryEngine` is imported on first use, because it imports torch and the models.
"""

from typing import TYPE_CHECKING, Any

from seedstory_core.engine.turn import (
    Draft,
    ImagePreview,
    PanelRecord,
    Past,
    TextDelta,
    TurnEvent,
    TurnRequest,
    TurnResult,
)

if TYPE_CHECKING:
    from seedstory_core.engine.engine import StoryEngine

__all__ = [
    "Draft",
    "ImagePreview",
    "PanelRecord",
    "Past",
    "StoryEngine",
    "TextDelta",
    "TurnEvent",
    "TurnRequest",
    "TurnResult",
]


def __getattr__(name: str) -> Any:
    if name != "StoryEngine":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from seedstory_core.engine.engine import StoryEngine

    return StoryEngine
