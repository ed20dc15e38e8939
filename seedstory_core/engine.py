"""The story engine: one turn, from text to image.

The engine holds the models and nothing about anyone. It takes the segments of a path and gives back
events; sessions own trees and memories.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from PIL import Image
from torch import Tensor

from seedstory_core.config import StudioConfig
from seedstory_core.errors import InputError, TurnCancelled
from seedstory_core.generation import decode
from seedstory_core.generation.decode import ImageMarks
from seedstory_core.generation.kv import KVSegment, assemble
from seedstory_core.generation.sampling import Sampler, Sampling
from seedstory_core.generation.sink import SinkRule
from seedstory_core.generation.tokens import StoryTokenizer, TextStream, clean_text
from seedstory_core.models.detokenizer import DeTokenizer, DrawStep
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.models.transforms import clip_pixels, to_images
from seedstory_core.models.vision import VisionEncoder

PREVIEW_EVERY = 2
"""Denoising steps between two previews."""
MAX_READER_TOKENS = 640
"""A sentence of 600 letters has fewer; the same number of emoji has four times as many."""


@dataclass(frozen=True)
class PanelRecord:
    """What the model reads of a finished panel.

    Attributes:
        token_ids: The caption's tokens, without begin of story or separator.
        visual_features: `[V, C]`, float32.
    """

    token_ids: tuple[int, ...]
    visual_features: Tensor


@dataclass(frozen=True)
class TurnRequest:
    """What a reader wants of the next panel.

    Attributes:
        reader_text: The reader's words, which the caption begins with; empty lets the model begin.
        reader_image: The reader's picture, shown as it is; None lets the model draw.
        image_notes: What was done to that picture, for the panel's notes.
        complete_text: Whether the model may go on after the reader's words.
        sampling: How words are chosen.
        image_seed: Of the drawing's starting noise.
        num_inference_steps: Denoising steps; None takes the config's.
        guidance_scale: None takes the config's.
    """

    reader_text: str = ""
    reader_image: Image.Image | None = None
    image_notes: tuple[str, ...] = ()
    complete_text: bool = True
    sampling: Sampling = field(default_factory=Sampling)
    image_seed: int = 0
    num_inference_steps: int | None = None
    guidance_scale: float | None = None


@dataclass(frozen=True)
class TextDelta:
    """The caption grew; `text` is all of it so far."""

    text: str


@dataclass(frozen=True)
class ImagePreview:
    """The picture took shape: `step` of `num_steps` are done. `image` is None between previews."""

    step: int
    num_steps: int
    image: Image.Image | None


@dataclass(frozen=True)
class TurnResult:
    """A finished panel and its place in memory."""

    text: str
    reader_text: str
    record: PanelRecord
    image: Image.Image
    segment: KVSegment
    is_end: bool
    notes: tuple[str, ...]


TurnEvent = TextDelta | ImagePreview | TurnResult


class Turnstile:
    """A lock that lets waiters through in the order they came, and lets them leave the line."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._line: deque[object] = deque()

    @property
    def num_waiting(self) -> int:
        """How many stand in line behind the holder."""
        return max(0, len(self._line) - 1)

    @contextmanager
    def turn(self, cancel: threading.Event | None = None) -> Iterator[None]:
        """Wait in line, then hold the lock.

        Raises:
            TurnCancelled: `cancel` was set while waiting.
        """
        ticket = object()
        with self._changed:
            self._line.append(ticket)
            try:
                while self._line[0] is not ticket:
                    self._changed.wait(0.1)
                    _check_cancel(cancel)
            except BaseException:
                self._line.remove(ticket)
                self._changed.notify_all()
                raise
        try:
            yield
        finally:
            with self._changed:
                self._line.remove(ticket)
                self._changed.notify_all()


class StoryEngine:
    """The models, and one turn with them."""

    def __init__(
        self,
        config: StudioConfig,
        tokenizer: StoryTokenizer,
        vision: VisionEncoder,
        story_lm: StoryLM,
        detokenizer: DeTokenizer,
        *,
        fingerprint: str = "",
    ) -> None:
        """Bring the parts together; `build.py` does it from a config.

        Args:
            config: The numbers the parts were built from.
            tokenizer: Text to ids and back.
            vision: The picture encoder.
            story_lm: The multimodal language model.
            detokenizer: The picture decoder.
            fingerprint: Names these very weights; panels told by others are read anew.
        """
        self.config = config
        self.tokenizer = tokenizer
        self.vision = vision.eval()
        self.story_lm = story_lm.eval()
        self.detokenizer = detokenizer.eval()
        self.fingerprint = fingerprint
        self.marks = ImageMarks(
            boi=tokenizer.boi_id, eoi=tokenizer.eoi_id, queries=tokenizer.image_query_ids
        )
        generation = config.generation
        self.rule = SinkRule(
            policy=generation.policy,  # type: ignore[arg-type]  # the config checked it
            window_panels=generation.window_panels,
            sink_positions=generation.sink_positions,
            before_boi=generation.sink_before_boi,
            after_boi=generation.sink_after_boi,
            before_eoi=generation.sink_before_eoi,
            after_eoi=generation.sink_after_eoi,
        )
        self._separator_ids = tuple(tokenizer.encode_text(config.tokenizer.separator))
        self._stop_ids = (tokenizer.boi_id, tokenizer.eos_id)
        self._forbidden_ids = [i for i in tokenizer.mark_ids() if i not in self._stop_ids]
        # The unconditional branch of guidance, `[1, V, C]`; it changes only with the weights.
        self.negative_features = self.vision.zero_picture_features()
        self._turnstile = Turnstile()

    def turn(
        self,
        segments: Sequence[KVSegment],
        story_ids: Sequence[int],
        request: TurnRequest,
        cancel: threading.Event | None = None,
    ) -> Iterator[TurnEvent]:
        """Write, draw and read back one panel.

        Args:
            segments: The path so far, from the story's start.
            story_ids: Caption tokens of the path, for the rule against repetition.
            request: What the reader wants.
            cancel: Set it to stop within a token or a denoising step.

        Yields:
            `TextDelta`s, `ImagePreview`s, then one `TurnResult`.

        Raises:
            TurnCancelled: `cancel` was set; nothing needs to be undone.
            InputError: The reader's text cannot be read.
        """
        with self._turnstile.turn(cancel):
            yield from self._turn(segments, story_ids, request, cancel)

    def redraw(
        self,
        record: PanelRecord,
        request: TurnRequest,
        cancel: threading.Event | None = None,
    ) -> Iterator[ImagePreview]:
        """Draw a panel's picture again, with another seed; the last event carries the picture."""
        with self._turnstile.turn(cancel):
            features = record.visual_features[None].to(self.story_lm.device)
            yield from self._draw(features, request, cancel)

    def prepare(self, segments: Sequence[KVSegment]) -> int:
        """Assemble the context of a turn after `segments`; returns how many rows it holds."""
        return assemble(self.story_lm.decoder, segments, self.rule, room=0).num_rows

    def read(
        self,
        segments: Sequence[KVSegment],
        record: PanelRecord,
        cancel: threading.Event | None = None,
    ) -> KVSegment:
        """Read a panel from its record, after the segments of everything before it.

        Gives bit for bit the segment that the turn gave when the panel was told (same machine,
        same segments before it).

        Raises:
            TurnCancelled: `cancel` was set while others had their turn.
        """
        ids = self._before_caption(segments) + record.token_ids
        room = len(ids) + len(self.marks.queries) + 2
        # Keys are captured by hooks on the decoder, which serves one at a time.
        with self._turnstile.turn(cancel), torch.no_grad():
            context = assemble(self.story_lm.decoder, segments, self.rule, room=room)
            features = record.visual_features[None].to(self.story_lm.device)
            segment, _ = decode.read_back(self.story_lm, context, ids, features, self.marks)
        return segment

    def encode_image(self, image: Image.Image, cancel: threading.Event | None = None) -> Tensor:
        """Give the visual features `[V, C]` of a picture, float32 on the CPU.

        Raises:
            TurnCancelled: `cancel` was set while others had their turn.
        """
        # An offloaded encoder takes the place of a model that somebody's turn may be using.
        with self._turnstile.turn(cancel):
            return self._encode_image(image)

    @torch.no_grad()
    def _encode_image(self, image: Image.Image) -> Tensor:
        weight = self.vision.conv1.weight
        pixel_values = clip_pixels(image, self.config.vision)[None].to(weight)
        return self.vision(pixel_values)[0].float().cpu()

    def _turn(
        self,
        segments: Sequence[KVSegment],
        story_ids: Sequence[int],
        request: TurnRequest,
        cancel: threading.Event | None,
    ) -> Iterator[TurnEvent]:
        _check_cancel(cancel)
        generation = self.config.generation
        separator = self.config.tokenizer.separator
        if separator in request.reader_text:
            mark = separator.strip() or "A line break"
            raise InputError(
                f"{mark} is a mark that the storyteller uses itself. Write the sentence without it."
            )
        begin_ids = self._before_caption(segments)
        caption_ids = (
            list(self.tokenizer.encode_text(request.reader_text)) if request.reader_text else []
        )
        if len(caption_ids) > MAX_READER_TOKENS:
            raise InputError(
                f"These are {len(caption_ids):,} word pieces to the storyteller and "
                f"{MAX_READER_TOKENS} fit on a page. Write it shorter, in plain words."
            )
        room = (
            len(begin_ids)
            + len(caption_ids)
            + generation.max_new_tokens
            + len(self.marks.queries)
            + 3
        )
        context = assemble(self.story_lm.decoder, segments, self.rule, room=room)
        base = context.num_rows
        notes = list(request.image_notes)

        writes = request.complete_text and not (request.reader_image and not request.reader_text)
        if writes:
            sampler = Sampler(
                request.sampling,
                forbidden_ids=self._forbidden_ids,
                story_ids=story_ids,
                caption_ids=caption_ids,
            )
            tokens = decode.write_text(
                self.story_lm,
                context,
                [*begin_ids, *caption_ids],
                sampler,
                self._stop_ids,
                generation.max_new_tokens,
            )
            num_given, written = len(caption_ids), ""
            stream = TextStream(self.tokenizer, caption_ids)
            for token in tokens:
                _check_cancel(cancel)
                caption_ids.append(token)
                if new := stream.push(token):
                    written += new
                    yield TextDelta(_join(request.reader_text, written))
            written += stream.finish()
            if len(caption_ids) - num_given >= generation.max_new_tokens:
                notes.append(
                    "The storyteller went on and on without asking for a picture, so this page was "
                    "closed where it stood."
                )
            text = _join(request.reader_text, written)
        else:
            text = request.reader_text
            if request.reader_image is None:
                # Nothing was written, so the words themselves still have to be read.
                decode.read_text(self.story_lm, context, [*begin_ids, *caption_ids])
        _check_cancel(cancel)

        if request.reader_image is not None:
            image = request.reader_image
            features = self._encode_image(image)[None].to(self.story_lm.device)
        else:
            features = decode.query_image(self.story_lm, context, self.marks)
            for preview in self._draw(features, request, cancel):
                yield preview
                if preview.image is not None:
                    image = preview.image
        _check_cancel(cancel)

        # From here on the record is what counts: the panel is read exactly as a replay reads it.
        record = PanelRecord(tuple(caption_ids), features[0].float().cpu())
        context.truncate(base)
        segment, _ = decode.read_back(
            self.story_lm,
            context,
            [*begin_ids, *caption_ids],
            record.visual_features[None].to(features.device),
            self.marks,
        )
        _check_cancel(cancel)
        end_phrase = generation.end_phrase
        yield TurnResult(
            text=text,
            reader_text=request.reader_text,
            record=record,
            image=image,
            segment=segment,
            is_end=bool(end_phrase) and text.rstrip().endswith(end_phrase),
            notes=tuple(notes),
        )

    def _draw(
        self, features: Tensor, request: TurnRequest, cancel: threading.Event | None
    ) -> Iterator[ImagePreview]:
        """Yield a preview per step; the last one carries the finished picture."""
        steps = self.detokenizer.draw_steps(
            features,
            negative_visual_features=self.negative_features,
            num_inference_steps=request.num_inference_steps,
            guidance_scale=request.guidance_scale,
            seed=request.image_seed,
        )
        last: DrawStep | None = None
        for last in steps:
            _check_cancel(cancel)
            is_last = last.step == last.num_steps
            shown = last.step % PREVIEW_EVERY == 0 and not is_last
            image = self._image(last.predicted) if shown else None
            if not is_last:
                yield ImagePreview(last.step, last.num_steps, image)
        assert last is not None
        yield ImagePreview(last.step, last.num_steps, self._image(last.latents))

    def _image(self, latents: Tensor) -> Image.Image:
        with torch.no_grad():
            return to_images(self.detokenizer.decode(latents))[0]

    def _before_caption(self, segments: Sequence[KVSegment]) -> tuple[int, ...]:
        return self._separator_ids if segments else (self.tokenizer.bos_id,)


def _join(reader_text: str, written: str) -> str:
    """Put the model's words behind the reader's, with the space that the model put there."""
    space = " " if reader_text and written[:1].isspace() else ""
    return f"{reader_text}{space}{clean_text(written)}".strip()


def _check_cancel(cancel: threading.Event | None) -> None:
    if cancel is not None and cancel.is_set():
        raise TurnCancelled
