"""The story engine: one turn, from text to image.

The engine holds the models and nothing about anyone. It takes the past of a story and gives back
events; sessions own trees and memories.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import torch
from PIL import Image
from torch import Tensor

from seedstory_core.conductor import Conductor, NextStep, NextToken
from seedstory_core.config import StudioConfig
from seedstory_core.errors import InputError
from seedstory_core.generation import decode
from seedstory_core.generation.decode import ImageMarks
from seedstory_core.generation.kv import KVContext, KVSegment, assemble
from seedstory_core.generation.sampling import Sampler, Sampling
from seedstory_core.generation.sink import SinkRule
from seedstory_core.generation.tokens import StoryTokenizer, TextStream, clean_text
from seedstory_core.models.detokenizer import Condition, DeTokenizer, DrawStep
from seedstory_core.models.preview import PreviewDecoder
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.models.transforms import clip_pixels, to_images
from seedstory_core.models.vision import VisionEncoder

"""Denoising steps between two previews."""
MAX_READER_TOKENS = 640
"""A sentence of 600 letters has fewer; the same number of emoji has four times as many."""
END_TOKENS = 64
"""More than the last words of a tale have."""


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
    """What a panel follows.

    Attributes:
        segments: The path's panels from the story's start.
        story_ids: Their caption tokens, for the rule against repetition.
        rule: Which of their rows stay in view; None takes the configured rule.
        context: That of an earlier turn of the story, which is used up; None assembles a new one.
    """

    segments: tuple[KVSegment, ...] = ()
    story_ids: tuple[int, ...] = ()
    rule: SinkRule | None = None
    context: KVContext | None = None

    def and_then(self, record: PanelRecord, segment: KVSegment, context: KVContext) -> Past:
        """What the next panel follows."""
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
        image_notes: What was done to that picture, for the panel's notes.
        complete_text: Whether the model may go on after the reader's words.
        sampling: How words are chosen.
        image_seed: Of the drawing's starting noise.
        num_inference_steps: Denoising steps; None takes the config's.
        guidance_scale: None takes the config's.
        any_seed: Whether the sampling's seed was left open, so that any other will do.
        unlike: Captions that this one is not to repeat, as token ids.
    """

    reader_text: str = ""
    hint: str = ""
    reader_image: Image.Image | None = None
    image_notes: tuple[str, ...] = ()
    complete_text: bool = True
    sampling: Sampling = field(default_factory=Sampling)
    image_seed: int = 0
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    any_seed: bool = False
    unlike: tuple[tuple[int, ...], ...] = ()


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
        record: What the model read of it.
        image: The picture.
        past: What the next panel follows; ends with this one's segment.
        is_end: Whether the tale ended.
        notes: What the reader should know.
    """

    text: str
    reader_text: str
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
        past: What the next panel follows.
        notes: What the reader should know.
    """

    request: TurnRequest
    text: str
    record: PanelRecord
    past: Past
    notes: tuple[str, ...]


TurnEvent = TextDelta | ImagePreview | TurnResult


Playing = Generator[TurnEvent | Draft | NextToken | NextStep, Any, None]
"""A turn on its way; see `conductor.py`."""


Result = TypeVar("Result")


class StoryEngine:
    """The models, and one turn with them."""

    def __init__(
        self,
        config: StudioConfig,
        tokenizer: StoryTokenizer,
        vision: VisionEncoder,
        story_lm: StoryLM,
        detokenizer: DeTokenizer,
        preview: PreviewDecoder | None = None,
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
            preview: Shows pictures while they are painted; without it the codec does.
            fingerprint: Names these very weights; panels told by others are read anew.
        """
        self.config = config
        self.tokenizer = tokenizer
        self.vision = vision.eval()
        self.story_lm = story_lm.eval()
        self.detokenizer = detokenizer.eval()
        self.preview = preview.eval() if preview is not None else None
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
            max_rows=generation.sink_max_rows,
        )
        self._separator_ids = tuple(tokenizer.encode_text(config.tokenizer.separator))
        self._stop_ids = (tokenizer.boi_id, tokenizer.eos_id)
        self._sentence_ends = tokenizer.sentence_ends()
        self._forbidden_ids = [i for i in tokenizer.mark_ids() if i not in self._stop_ids]
        # The unconditional branch of guidance, `[1, V, C]`; it changes only with the weights.
        self.negative_features = self.vision.zero_picture_features()
        self._conductor = Conductor(story_lm, detokenizer, max_parts=config.runtime.turns_at_once)

    def turn(
        self,
        past: Past,
        request: TurnRequest,
        cancel: threading.Event | None = None,
        *,
        draft: Draft | None = None,
    ) -> Iterator[TurnEvent]:
        """Write, draw and read back one panel.

        Turns that are asked for at the same time, from other threads, are played together.

        Args:
            past: What it follows.
            request: What the reader wants.
            cancel: Set it to stop within a token or a denoising step.
            draft: What `write_ahead` wrote after this past; only the picture is left to do.

        Yields:
            `TextDelta`s, `ImagePreview`s, then one `TurnResult`.

        Raises:
            TurnCancelled: `cancel` was set; nothing needs to be undone.
            InputError: The reader's text cannot be read.
        """
        yield from self._conductor.play(self._turn(past, request, draft), cancel)

    def write_ahead(
        self, past: Past, request: TurnRequest, cancel: threading.Event | None = None
    ) -> Draft:
        """Write a panel that nobody has asked for yet, whenever nobody's turn wants words.

        Raises:
            As `turn`.
        """

        def part() -> Playing:
            draft = yield from self._compose(past, request)
            yield draft

        *_, draft = self._conductor.play(part(), cancel, is_background=True)
        assert isinstance(draft, Draft)
        return draft

    def alternatives(
        self, past: Past, requests: Sequence[TurnRequest], cancel: threading.Event | None = None
    ) -> Iterator[tuple[int, TurnEvent]]:
        """Tell several next panels at once, over one past; gives events with the request's number.

        Raises:
            As `turn`; the first that fails stops the others.
        """
        # A context serves one turn.
        pasts = [past, *(replace(past, context=None) for _ in requests[1:])]
        turns = [self._turn(*each) for each in zip(pasts, requests, strict=True)]
        yield from self._conductor.play_all(turns, cancel)

    def redraw(
        self,
        record: PanelRecord,
        request: TurnRequest,
        cancel: threading.Event | None = None,
    ) -> Iterator[ImagePreview]:
        """Draw a panel's picture again, with another seed; the last event carries the picture."""
        yield from self._conductor.play(self._draw(record, request), cancel)

    def prepare(self, past: Past) -> KVContext:
        """Assemble the context of a turn."""
        return self._conductor.call(lambda: self._context(past, room=0))

    def read(self, past: Past, record: PanelRecord, cancel: threading.Event | None = None) -> Past:
        """Read a panel from its record; gives what the next one follows.

        Its segment is bit for bit the one that the turn gave when the panel was told (same machine,
        same segments before it, same rule).

        Raises:
            TurnCancelled: `cancel` was set while others had their turn.
        """

        def read() -> Past:
            ids = self._before_caption(past) + record.text_ids
            context = self._context(past, room=self._num_rows(len(ids)))
            return self._read_back(past, context, ids, record)

        return self._conductor.call(read, cancel)

    def run(self, function: Callable[[], Result]) -> Result:
        """Let something else be computed with the models, on their thread.

        On a CPU nothing is to be computed on any other (`build.py` says why).
        """
        return self._conductor.call(function)

    def encode_text(self, text: str) -> list[int]:
        """Encode a reader's words, as the model reads them.

        Raises:
            InputError: They are too long, or hold the separator.
        """
        separator = self.config.tokenizer.separator
        if separator in text:
            mark = separator.strip() or "A line break"
            raise InputError(
                f"{mark} is a mark that the storyteller uses itself. Write the sentence without it."
            )
        ids = list(self.tokenizer.encode_text(text)) if text else []
        if len(ids) > MAX_READER_TOKENS:
            raise InputError(
                f"These are {len(ids):,} word pieces to the storyteller and "
                f"{MAX_READER_TOKENS} fit on a page. Write it shorter, in plain words."
            )
        return ids

    def encode_hint(self, hint: str) -> tuple[int, ...]:
        """Encode what a reader wishes for beside the text.

        Raises:
            InputError: As `encode_text`.
        """
        self.encode_text(hint)
        return tuple(self.tokenizer.encode_hint(hint))

    def is_end(self, text: str) -> bool:
        """Whether a tale ends with this caption."""
        phrase = self.config.generation.end_phrase
        return bool(phrase) and text.rstrip().endswith(phrase)

    def num_rows(self, token_ids: Sequence[int], hint: str = "") -> int:
        """Rows of memory that a panel with this caption and hint takes."""
        return self._num_rows(len(token_ids) + len(self.tokenizer.encode_hint(hint)))

    def encode_image(self, image: Image.Image, cancel: threading.Event | None = None) -> Tensor:
        """Give the visual features `[V, C]` of a picture, float32 on the CPU.

        Raises:
            TurnCancelled: `cancel` was set while others had their turn.
        """
        return self._conductor.call(lambda: self._encode_image(image), cancel)

    @torch.no_grad()
    def _encode_image(self, image: Image.Image) -> Tensor:
        weight = self.vision.conv1.weight
        pixel_values = clip_pixels(image, self.config.vision)[None].to(weight)
        return self.vision(pixel_values)[0].float().cpu()

    def _turn(self, past: Past, request: TurnRequest, draft: Draft | None = None) -> Playing:
        if draft is None:
            draft = yield from self._compose(past, request)
        else:
            yield TextDelta(draft.text)
        image = request.reader_image
        if image is None:
            image = yield from self._draw(draft.record, request)
        yield TurnResult(
            text=draft.text,
            reader_text=request.reader_text,
            record=draft.record,
            image=image,
            past=draft.past,
            is_end=self.is_end(draft.text),
            notes=draft.notes,
        )

    def _compose(
        self, past: Past, request: TurnRequest
    ) -> Generator[TextDelta | NextToken, Any, Draft]:
        """Write a panel, regress its picture, read it back."""
        caption_ids = self.encode_text(request.reader_text)
        hint_ids = self.encode_hint(request.hint)
        begin_ids = self._before_caption(past) + hint_ids
        most = len(begin_ids) + len(caption_ids) + self.config.generation.max_new_tokens
        context = self._context(past, room=self._num_rows(most))
        base = context.num_rows
        given_ids = [*begin_ids, *caption_ids]
        notes = list(request.image_notes)

        text = request.reader_text
        if request.complete_text and (request.reader_text or request.reader_image is None):
            scores = past.segments[-1].next_scores if past.segments else None
            if given_ids or scores is None:
                scores = decode.read_text(self.story_lm, context, given_ids)
            sampler = Sampler(
                self._sampling(past, request),
                forbidden_ids=self._forbidden_ids,
                story_ids=past.story_ids,
                caption_ids=caption_ids,
                unlike=request.unlike,
                sentence_ends=self._sentence_ends,
            )
            num_given = len(caption_ids)
            text = yield from self._write(context, scores, sampler, caption_ids, text)
            if len(caption_ids) - num_given >= self.config.generation.max_new_tokens:
                notes.append(
                    "The storyteller went on and on without asking for a picture, so this page was "
                    "closed where it stood."
                )
        elif request.reader_image is None and given_ids:
            # Nothing was written, so the words themselves still have to be read.
            decode.read_text(self.story_lm, context, given_ids)

        if request.reader_image is not None:
            features = self._encode_image(request.reader_image)
        else:
            features = decode.query_image(self.story_lm, context, self.marks)[0].float().cpu()
        # From here on the record is what counts: the panel is read exactly as a replay reads it.
        record = PanelRecord(tuple(caption_ids), features, hint_ids)
        context.truncate(base)
        past = self._read_back(past, context, [*begin_ids, *caption_ids], record)

        return Draft(request, text, record, past, tuple(notes))

    def _sampling(self, past: Past, request: TurnRequest) -> Sampling:
        """The sampling asked for; a tale that follows another is chosen more freely.

        A low temperature keeps sentences right, but it would make the few likeliest plots follow
        all others (`docs/notebook.md`, 27). A reader who begins the page has chosen already.
        """
        asked, least = request.sampling, self.config.generation.next_tale_temperature
        if request.reader_text or not 0 < asked.temperature < least:
            return asked
        last_words = self.tokenizer.decode_text(past.story_ids[-END_TOKENS:])
        return replace(asked, temperature=least) if self.is_end(last_words) else asked

    def _write(
        self,
        context: KVContext,
        scores: Tensor,
        sampler: Sampler,
        caption_ids: list[int],
        reader_text: str,
    ) -> Generator[TextDelta | NextToken, Tensor, str]:
        """Let the model go on with a caption until it wants its picture; gives the whole text.

        Tokens are added to `caption_ids` and to the context, and taken from both where the sampler
        takes a sentence back. Scores are what the panel before left
        (`KVSegment.next_scores`), or what reading the words before gave.
        """
        num_given = len(caption_ids)
        stream, written = TextStream(self.tokenizer, caption_ids), ""
        seen: list[Tensor] = []
        while len(caption_ids) - num_given < self.config.generation.max_new_tokens:
            token = sampler.choose(scores)
            if token in self._stop_ids:
                break
            seen.append(scores)
            caption_ids.append(token)
            if (kept := sampler.take_back()) is not None:
                # The last token was not put into the context yet.
                context.truncate(context.num_rows - (len(caption_ids) - 1 - kept))
                del caption_ids[kept:]
                scores = seen[kept - num_given]
                del seen[kept - num_given :]
                stream = TextStream(self.tokenizer, caption_ids[:num_given])
                written = "".join(stream.push(token) for token in caption_ids[num_given:])
                yield TextDelta(_join(reader_text, written))
                continue
            if new := stream.push(token):
                written += new
                yield TextDelta(_join(reader_text, written))
            scores = yield NextToken(context, token)
        if rest := stream.finish():
            written += rest
            yield TextDelta(_join(reader_text, written))
        return _join(reader_text, written)

    def _context(self, past: Past, *, room: int) -> KVContext:
        rule = past.rule or self.rule
        decoder = self.story_lm.decoder
        return assemble(decoder, past.segments, rule, room=room, reuse=past.context)

    def _num_rows(self, num_ids: int) -> int:
        """Rows of a panel whose caption, with what stands before it, has so many tokens."""
        return num_ids + len(self.marks.queries) + 2 + len(self._separator_ids)

    def _read_back(
        self, past: Past, context: KVContext, ids: Sequence[int], record: PanelRecord
    ) -> Past:
        features = record.visual_features[None].to(self.story_lm.device)
        segment = decode.read_back(
            self.story_lm, context, ids, features, self.marks, self._separator_ids
        )
        return past.and_then(record, segment, context)

    def _draw(
        self, record: PanelRecord, request: TurnRequest
    ) -> Generator[ImagePreview | NextStep, DrawStep, Image.Image]:
        """Yield a preview per step, the last one with the finished picture, which is returned."""
        drawing = self.detokenizer.begin(
            record.visual_features[None].to(self.story_lm.device),
            negative_visual_features=self._negative,
            num_inference_steps=request.num_inference_steps,
            guidance_scale=request.guidance_scale,
            seed=request.image_seed,
        )
        while not drawing.is_done:
            done = yield NextStep(drawing)
            if not drawing.is_done:
                is_shown = done.step % self.config.detokenizer.preview.every == 0
                image = self._preview(done.predicted) if is_shown else None
                yield ImagePreview(done.step, done.num_steps, image)
        image = self._image(drawing.latents)
        yield ImagePreview(drawing.num_done, drawing.num_steps, image)
        return image

    @cached_property
    def _negative(self) -> Condition:
        """What the painter is told of the zero picture; the same for every picture."""
        with torch.no_grad():
            return self.detokenizer.condition(self.negative_features)

    def _preview(self, latents: Tensor) -> Image.Image:
        if self.preview is None:
            return self._image(latents)
        with torch.no_grad():
            return to_images(self.preview(latents).float().clamp(0, 1))[0]

    def _image(self, latents: Tensor) -> Image.Image:
        with torch.no_grad():
            return to_images(self.detokenizer.decode(latents))[0]

    def _before_caption(self, past: Past) -> tuple[int, ...]:
        """The begin of a story; later panels begin with the separator, which was read before."""
        return () if past.segments else (self.tokenizer.bos_id,)


def _join(reader_text: str, written: str) -> str:
    """Put the model's words behind the reader's, with the space that the model put there."""
    space = " " if reader_text and written[:1].isspace() else ""
    return f"{reader_text}{space}{clean_text(written)}".strip()
