"""Lets the model tell, for the figures: captions and visual features, without painting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image

from seedstory_core.engine import Past, StoryEngine, TurnRequest
from seedstory_core.evaluation.telling import sampling_of
from storyworld.parsing import read_caption


@dataclass(frozen=True)
class Page:
    """One page as it was told.

    Attributes:
        text: The whole caption.
        given: What of it the reader wrote.
        is_end: Whether the tale ended.
    """

    text: str
    given: str
    is_end: bool

    @property
    def own(self) -> str:
        """What the storyteller wrote."""
        return self.text[len(self.given) :].strip()


@dataclass(frozen=True)
class Turn:
    """What a reader does before a page: words, a picture, or nothing."""

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
) -> tuple[list[Page], list[Past]]:
    """Tell a page per turn, until the tale ends.

    Args:
        engine: The models.
        turns: What the reader does before each page.
        seed: Of the words.
        past: What the first page follows; the beginning by default.
        past_end: Whether to go on when a tale ended.

    Returns:
        The pages, and what follows each of them.
    """
    pages: list[Page] = []
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
        # Written and read back as in a turn, and never painted: nothing here looks at pictures.
        draft = engine.make_draft(now, request)
        now, is_end = draft.past, engine.is_end(draft.text)
        given = draft.request.reader_text
        pages.append(Page(draft.text, given, is_end))
        pasts.append(replace(now, context=None))
        if is_end and not past_end:
            break
    return pages, pasts


def events_of(text: str) -> frozenset[str]:
    """Groups of the events that a page tells, as far as it is understood."""
    found = {match.name for match in read_caption(text)}
    return frozenset(name if " " in name else name.split(".")[0] for name in found)
