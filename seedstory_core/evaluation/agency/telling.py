"""Tells stories for the figures: captions and visual features, without painting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image

from seedstory_core.engine import Past, StoryEngine, TurnRequest
from seedstory_core.evaluation.telling import sampling_of
from storyworld.parsing import read_caption


@dataclass(frozen=True)
class WrittenPanel:
    """One panel as it was written; nobody paints it.

    Attributes:
        text: The whole caption.
        given: The reader's part of it.
        is_end: Whether the story ended.
    """

    text: str
    given: str
    is_end: bool

    @property
    def own(self) -> str:
        """Return the storyteller's part."""
        return self.text[len(self.given) :].strip()


@dataclass(frozen=True)
class Turn:
    """A reader's input before a panel: words, an image, or nothing."""

    text: str = ""
    image: Image.Image | None = None
    complete: bool = True


def go_on(
    engine: StoryEngine,
    turns: Sequence[Turn],
    seed: int,
    *,
    past: Past | None = None,
    past_end: bool = False,
) -> tuple[list[WrittenPanel], list[Past]]:
    """Tell a panel per turn, until the story ends.

    Args:
        engine: The models.
        turns: The reader's input before each panel.
        seed: Seed of the words.
        past: The story so far; by default empty.
        past_end: Whether to continue after the story's end.

    Returns:
        The panels, and the story so far after each of them.
    """
    panels: list[WrittenPanel] = []
    pasts: list[Past] = []
    now = past or Past()
    for number, turn in enumerate(turns):
        request = TurnRequest(
            reader_text=turn.text,
            reader_image=turn.image,
            complete_text=turn.complete,
            sampling=sampling_of(engine, seed * 1000 + number),
            image_seed=seed * 1000 + number,
        )
        # Written and read back as in a turn, but not painted: nothing here looks at images.
        draft = engine.make_draft(now, request)
        now, is_end = draft.past, engine.is_end(draft.text)
        given = draft.request.reader_text
        panels.append(WrittenPanel(draft.text, given, is_end))
        pasts.append(replace(now, context=None))
        if is_end and not past_end:
            break
    return panels, pasts


def events_of(text: str) -> frozenset[str]:
    """Return the groups of the events that a text tells, as far as it is understood."""
    found = {match.name for match in read_caption(text)}
    return frozenset(name if " " in name else name.split(".")[0] for name in found)
