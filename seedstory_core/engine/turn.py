"""What goes into a turn and what comes out of it.

Of torch it knows only what things are called: a page can ask for turns before the models are there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from seedstory_core.generation.sampling import Sampling

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

    from seedstory_core.generation.kv import KVContext, KVSegment
    from seedstory_core.generation.policies import MemoryPolicy


@dataclass(frozen=True)
class PanelRecord:
    """What the model reads of a finished panel.

    Attributes:
        token_ids: The caption's tokens, without begin of story or separator.
        visual_features: `[V, C]`, float32.
        hint_ids: Tokens of the reader's hint, which stand before the caption's.
    """

    token_ids: tuple[int, ...]
    visual_features: Tensor
    hint_ids: tuple[int, ...] = ()

    @property
    def text_ids(self) -> tuple[int, ...]:
        """All tokens before the picture: hint and caption."""
        return self.hint_ids + self.token_ids


@dataclass(frozen=True)
class Past:
    """The story so far, as the model sees it.

    Attributes:
        segments: The path's panels from the story's start.
        story_ids: Their caption tokens, for the rule against repetition.
        policy: Which of their rows stay in view; None takes the configured one.
        context: That of an earlier turn of the story, which is used up; None assembles a new one.
    """

    segments: tuple[KVSegment, ...] = ()
    story_ids: tuple[int, ...] = ()
    policy: MemoryPolicy | None = None
    context: KVContext | None = None

    def and_then(self, record: PanelRecord, segment: KVSegment, context: KVContext) -> Past:
        """The story so far, with one more panel."""
        return replace(
            self,
            segments=(*self.segments, segment),
            story_ids=self.story_ids + record.token_ids,
            context=context,
        )


@dataclass(frozen=True)
class TurnRequest:
    """What a reader wants of the next panel.

    Attributes:
        reader_text: The reader's words, which the caption begins with; empty lets the model begin.
        hint: What the reader wishes to happen, without its being part of the caption.
        reader_image: The reader's picture, shown as it is; None lets the model draw.
        notes: What the panel is to note already, as what was done to that picture.
        complete_text: Whether the model may go on after the reader's words.
        sampling: How words are chosen.
        image_seed: Of the drawing's starting noise.
        num_inference_steps: Denoising steps; None takes the config's.
        guidance_scale: None takes the config's.
        any_seed: Whether the sampling's seed was left open, so that any other will do.
        unlike: Captions that this one is to tell another thing than; of those that are begun with
            several seeds the one that differs most is told.
    """

    reader_text: str = ""
    hint: str = ""
    reader_image: Image.Image | None = None
    notes: tuple[str, ...] = ()
    complete_text: bool = True
    sampling: Sampling = field(default_factory=Sampling)
    image_seed: int = 0
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    any_seed: bool = False
    unlike: tuple[str, ...] = ()

    @property
    def may_choose(self) -> bool:
        """Whether there are words to write, and any seed's will do."""
        return self.any_seed and self.is_written

    @property
    def is_written(self) -> bool:
        """Whether the model writes, be it only the rest."""
        has_words = self.reader_text or self.hint or self.reader_image is None
        return self.complete_text and bool(has_words)


@dataclass(frozen=True)
class TextDelta:
    """The caption grew, or a sentence was taken back; `text` is all of it so far."""

    text: str


@dataclass(frozen=True)
class ImagePreview:
    """The picture took shape: `step` of `num_steps` are done. `image` is None between previews."""

    step: int
    num_steps: int
    image: Image.Image | None


@dataclass(frozen=True)
class TurnResult:
    """A finished panel and its place in memory.

    Attributes:
        text: The whole caption.
        reader_text: What of it the reader wrote.
        hint: What the reader wished for beside it.
        sampling: How its words were chosen.
        record: What the model read of it.
        image: The picture.
        past: The story so far; ends with this one's segment.
        is_end: Whether the tale ended.
        notes: What the reader should know.
    """

    text: str
    reader_text: str
    hint: str
    sampling: Sampling
    record: PanelRecord
    image: Image.Image
    past: Past
    is_end: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Draft:
    """A panel that is written and read back, and not yet painted.

    Attributes:
        request: What it was written for.
        text: The whole caption.
        record: What the model read of it.
        past: The story so far.
        notes: What the reader should know.
    """

    request: TurnRequest
    text: str
    record: PanelRecord
    past: Past
    notes: tuple[str, ...]


TurnEvent = TextDelta | ImagePreview | TurnResult
