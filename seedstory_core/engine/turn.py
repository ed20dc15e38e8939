"""Input and output of a turn.

Imports torch for type checks only, so that a page can request turns before the models are loaded.
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
    """A finished panel as the model reads it.

    Attributes:
        token_ids: The caption's tokens, without begin of story or separator.
        visual_features: `[V, C]`, float32.
        hint_ids: Tokens of the reader's hint, which come before the caption's.
    """

    token_ids: tuple[int, ...]
    visual_features: Tensor
    hint_ids: tuple[int, ...] = ()

    @property
    def text_ids(self) -> tuple[int, ...]:
        """All tokens before the image: hint and caption."""
        return self.hint_ids + self.token_ids


@dataclass(frozen=True)
class Past:
    """The story so far, as the model sees it.

    Attributes:
        segments: Segments of the path's panels, from the root.
        story_ids: Tokens of their captions, for the rules against repetition.
        policy: The memory policy; None takes the configured one.
        context: The context of an earlier turn, which may be changed; None assembles a new one.
    """

    segments: tuple[KVSegment, ...] = ()
    story_ids: tuple[int, ...] = ()
    policy: MemoryPolicy | None = None
    context: KVContext | None = None

    def and_then(self, record: PanelRecord, segment: KVSegment, context: KVContext | None) -> Past:
        """Return the story so far with one more panel."""
        return replace(
            self,
            segments=(*self.segments, segment),
            story_ids=self.story_ids + record.token_ids,
            context=context,
        )


@dataclass(frozen=True)
class TurnRequest:
    """A reader's request for the next panel.

    Attributes:
        reader_text: The reader's words, with which the caption begins; if empty, the model begins.
        hint: The reader's wish for what happens; it is no part of the caption.
        reader_image: The reader's image, shown unchanged; None lets the model draw.
        notes: Notes for the panel that exist already, such as what was done to the reader's image.
        complete_text: Whether the model may continue the reader's words.
        sampling: How tokens are chosen.
        image_seed: Seed of the starting noise.
        num_inference_steps: Denoising steps; None takes the config's.
        guidance_scale: Scale of guidance; None takes the config's.
        any_seed: Whether the sampling's seed was left open, so that another may be used.
        unlike: Captions from which this one should differ; of several candidates, the one that
            differs most is kept.
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
        """Whether the model writes, and may choose the seed."""
        return self.any_seed and self.is_written

    @property
    def is_written(self) -> bool:
        """Whether the model writes at least a part of the caption."""
        has_words = self.reader_text or self.hint or self.reader_image is None
        return self.complete_text and bool(has_words)


@dataclass(frozen=True)
class TextDelta:
    """The caption grew, or a sentence was taken back; `text` is all of it so far."""

    text: str


@dataclass(frozen=True)
class ImagePreview:
    """`step` of `num_steps` denoising steps are done; `image` is None between previews."""

    step: int
    num_steps: int
    image: Image.Image | None


@dataclass(frozen=True)
class TurnResult:
    """A finished panel and the story so far with it.

    Attributes:
        text: The whole caption.
        reader_text: The part that the reader wrote.
        hint: The reader's wish, which is no part of the caption.
        sampling: How its tokens were chosen.
        record: The panel as the model read it.
        image: The image.
        past: The story so far; its last segment is this panel's.
        is_end: Whether the panel ends a tale.
        notes: Notes for the reader.
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
    """A panel that is written and read back, but not drawn yet.

    Attributes:
        request: The request that it answers.
        text: The whole caption.
        record: The panel as the model read it.
        past: The story so far; its last segment is this panel's.
        notes: Notes for the reader.
    """

    request: TurnRequest
    text: str
    record: PanelRecord
    past: Past
    notes: tuple[str, ...]


TurnEvent = TextDelta | ImagePreview | TurnResult
