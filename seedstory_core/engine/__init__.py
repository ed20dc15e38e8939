"""One turn of a story: what goes in and comes out, the models, and several turns at once."""

from seedstory_core.engine.engine import StoryEngine
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
