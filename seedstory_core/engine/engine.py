"""The story engine: one turn, from text to image.

The engine holds the models and no state of any story. It takes the story so far and yields events;
sessions own trees and memories.
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

from seedstory_core.config import StudioConfig
from seedstory_core.engine.scheduler import DecodeRequest, DenoiseRequest, Scheduler
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
from seedstory_core.errors import OWN_MARK, InputError
from seedstory_core.generation import decode
from seedstory_core.generation.decode import ImageMarks
from seedstory_core.generation.differing import choose_differing
from seedstory_core.generation.kindness import is_unkind
from seedstory_core.generation.kv import KVContext, KVSegment, assemble, unread
from seedstory_core.generation.policies import configured
from seedstory_core.generation.sampler import Sampler, split_sentences
from seedstory_core.generation.sampling import Sampling
from seedstory_core.generation.tokens import (
    MAX_READER_TOKENS,
    StoryTokenizer,
    TextStream,
    clean_text,
)
from seedstory_core.generation.typed import Lexicon
from seedstory_core.models.detokenizer import Condition, DeTokenizer, DrawStep
from seedstory_core.models.preview import PreviewDecoder
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.models.transforms import clip_pixels, to_images
from seedstory_core.models.vision import VisionEncoder
from seedstory_core.story.upload import tidy_text

END_TOKENS = 64
"""Last tokens of a story in which its end phrase is looked for; more than the phrase has."""
UNKIND = "This book does not say such things, so the storyteller answered in its own words."
UNREADABLE = "The storyteller could not make a sentence of this, so it answered in its own words."
BEGUN_TOKENS = 16
"""Least tokens of a candidate caption, which ends with a sentence: it then says what happens."""
LEAST_TEMPERATURE = 0.7
"""Lowest temperature of candidate captions; below it, all seeds begin alike."""
LAST_SENTENCES = 40
"""Last sentences of a story whose words count little when candidates are compared."""


def _num_begun(count: int) -> int:
    """Return the number of candidates from which `count` different captions are chosen."""
    return 2 * count + 1


@dataclass
class _Caption:
    """A caption while it is written.

    Attributes:
        request: The request that it answers.
        context: The model's view of the story, with all tokens of the caption that it has read;
            None while the caption is set aside and once its panel is read back.
        num_before: Rows of the context before the panel.
        begin_ids: Tokens of the panel before its caption.
        ids: Tokens of the caption so far, the reader's first.
        num_given: Number of the reader's tokens among them.
        scores: `[vocab]`, scores of the next token; None if the model writes nothing.
        sampler: Chooses the tokens.
        stream: Decodes them to text.
        written: The model's text so far.
        seen: The scores from which each of the model's tokens was chosen.
        is_open: Whether the model has more to write.
        set_aside: While it is set aside, the rows of its tokens.
    """

    request: TurnRequest
    context: KVContext | None
    num_before: int
    begin_ids: tuple[int, ...]
    ids: list[int]
    num_given: int
    scores: Tensor | None
    sampler: Sampler
    stream: TextStream
    written: str = ""
    seen: list[Tensor] = field(default_factory=list)
    is_open: bool = True
    set_aside: tuple[Tensor, Tensor] | None = None

    @property
    def text(self) -> str:
        """The whole caption so far."""
        return _join(self.request.reader_text, self.written)

    def give_up_context(self) -> KVContext:
        """Set the caption aside, and return its context for others to use."""
        assert self.context is not None
        context, self.context = self.context, None
        self.set_aside = context.cut_off(self.num_before)
        return context

    def take_up(self, context: KVContext) -> None:
        """Go on in a context with the same rows before the panel."""
        assert self.set_aside is not None and context.num_rows == self.num_before
        context.put_back(*self.set_aside)
        self.context, self.set_aside = context, None


class _SpareContexts:
    """Contexts that the captions of one request use in turn.

    A caption takes one when it goes on, and gives it back when it is set aside or its panel is read
    back. So there are never more contexts than captions that run at once, however many there are.
    """

    def __init__(self, first: KVContext | None) -> None:
        """Begin with the context of the story's last turn, if there is one; it is kept longest."""
        self._first = first
        self._contexts = [first] if first is not None else []

    def take(self) -> KVContext | None:
        """Return a context, or None if all are in use: then a new one has to be made."""
        return self._contexts.pop(0) if self._contexts else None

    def give(self, context: KVContext) -> None:
        """Take a context back."""
        self._contexts.insert(0 if context is self._first else len(self._contexts), context)

    def keep(self, count: int) -> None:
        """Free all but so many."""
        del self._contexts[count:]


Task = Generator[TurnEvent | Draft | _Caption | DecodeRequest | DenoiseRequest, Any, None]
"""A turn as a generator, which the scheduler runs."""


Result = TypeVar("Result")


class StoryEngine:
    """The models, and the methods that run turns with them."""

    def __init__(
        self,
        config: StudioConfig,
        tokenizer: StoryTokenizer,
        vision: VisionEncoder,
        story_lm: StoryLM,
        detokenizer: DeTokenizer,
        preview: PreviewDecoder | None = None,
        *,
        lexicon: Lexicon | None = None,
        fingerprint: str = "",
    ) -> None:
        """Create an engine from its models; `build.py` does it from a config.

        Args:
            config: The configuration from which the models were built.
            tokenizer: Encodes text to ids and decodes them.
            vision: The image encoder.
            story_lm: The story model.
            detokenizer: The de-tokenizer.
            preview: Decodes images while they are drawn; without it the codec does.
            lexicon: The words of the model's training texts; without it, the model reads a
                reader's words as typed.
            fingerprint: Identifies these weights; panels made with others are encoded again.
        """
        self.config = config
        self.tokenizer = tokenizer
        self.vision = vision.eval()
        self.story_lm = story_lm.eval()
        self.detokenizer = detokenizer.eval()
        self.preview = preview.eval() if preview is not None else None
        self.lexicon = lexicon or Lexicon(())
        self.fingerprint = fingerprint
        self.marks = ImageMarks(
            boi=tokenizer.boi_id, eoi=tokenizer.eoi_id, queries=tokenizer.image_query_ids
        )
        self.policy = configured(config.memory)
        self._separator_ids = tuple(tokenizer.encode_text(config.tokenizer.separator))
        self._stop_ids = (tokenizer.boi_id, tokenizer.eos_id)
        self._sentence_ends = tokenizer.sentence_ends()
        self._mark_ids = frozenset(tokenizer.mark_ids())
        self._forbidden_ids = sorted(self._mark_ids.difference(self._stop_ids))
        # The unconditional branch of guidance, `[1, V, C]`; it changes only with the weights.
        self.negative_features = self.vision.zero_image_features()
        self._scheduler = Scheduler(story_lm, detokenizer, max_batch=config.runtime.turns_at_once)

    def turn(
        self,
        past: Past,
        request: TurnRequest,
        cancel: threading.Event | None = None,
        *,
        draft: Draft | None = None,
    ) -> Iterator[TurnEvent]:
        """Write, draw and read back one panel.

        Turns requested at the same time from several threads run as one batch.

        Args:
            past: The story so far.
            request: The reader's request.
            cancel: Set it to stop within a token or a denoising step.
            draft: Result of `make_draft` for this past; then only the image is drawn.

        Yields:
            `TextDelta`s, `ImagePreview`s, then one `TurnResult`.

        Raises:
            TurnCancelled: `cancel` was set; nothing needs to be undone.
            InputError: The reader's text cannot be read.
        """
        request, caption = self._understand(request), None
        if draft is None and request.unlike and request.may_choose:
            spare = _SpareContexts(past.context)
            (caption,) = self._begin_differing(past, [request], spare, cancel)
            past = replace(past, context=spare.take())
        yield from self._scheduler.run(self._turn(past, request, draft, caption), cancel)

    def make_draft(
        self, past: Past, request: TurnRequest, cancel: threading.Event | None = None
    ) -> Draft:
        """Write a panel in the background, while no turn needs the language model.

        Raises:
            As `turn`.
        """
        request, caption = self._understand(request), None
        if request.unlike and request.may_choose:
            spare = _SpareContexts(past.context)
            (caption,) = self._begin_differing(past, [request], spare, cancel, is_background=True)
            past = replace(past, context=spare.take())

        def write() -> Task:
            draft = yield from self._compose(past, request, caption)
            yield draft

        *_, draft = self._scheduler.run(write(), cancel, is_background=True)
        assert isinstance(draft, Draft)
        return draft

    def alternatives(
        self, past: Past, requests: Sequence[TurnRequest], cancel: threading.Event | None = None
    ) -> Iterator[tuple[int, TurnEvent]]:
        """Make several alternatives for the next panel; yields events with their request's number.

        If all requests have the same text and hint and an open seed, more captions are begun than
        requested, and those that differ most are kept. The past of a result has no context: one
        serves several captions.

        Raises:
            As `turn`; the first that fails stops the others.
        """
        requests = [self._understand(request) for request in requests]
        captions: Sequence[_Caption | None] = [None] * len(requests)
        is_same = len({(request.reader_text, request.hint) for request in requests}) == 1
        spare = _SpareContexts(past.context)
        if is_same and all(request.may_choose for request in requests):
            captions = self._begin_differing(past, requests, spare, cancel)
        num_unread = len(requests)

        def tell(request: TurnRequest, caption: _Caption | None) -> Task:
            nonlocal num_unread
            own = replace(past, context=spare.take())
            draft = yield from self._compose(own, request, caption)
            assert draft.past.context is not None
            spare.give(draft.past.context)
            num_unread -= 1
            spare.keep(num_unread)
            del own
            draft = replace(draft, past=replace(draft.past, context=None))
            yield from self._finish(draft, request)

        turns = [tell(*each) for each in zip(requests, captions, strict=True)]
        yield from self._scheduler.run_all(turns, cancel)

    def _begin_differing(
        self,
        past: Past,
        requests: Sequence[TurnRequest],
        spare: _SpareContexts,
        cancel: threading.Event | None,
        *,
        is_background: bool = False,
    ) -> list[_Caption]:
        """Begin captions with several seeds and return those that differ most, set aside.

        A caption mostly says in its first sentence what happens, so no candidate is written further
        than that; the chosen ones are then continued.

        Args:
            past: The story so far.
            requests: One per caption to return; they differ only in what concerns the image.
            spare: Contexts to use; that of the past is left.
            cancel: Set it to stop.
            is_background: As for `Scheduler.run`.
        """
        asked = requests[0].sampling
        warmth = max(asked.temperature, LEAST_TEMPERATURE)

        def begin(number: int) -> Task:
            sampling = replace(asked, seed=asked.seed + number, temperature=warmth)
            own = replace(past, context=spare.take())
            caption = self._open(own, replace(requests[0], sampling=sampling))
            yield from self._write(caption, is_begun_at=BEGUN_TOKENS)
            spare.give(caption.give_up_context())
            yield caption

        tasks = [begin(number) for number in range(_num_begun(len(requests)))]
        events = self._scheduler.run_all(tasks, cancel, is_background=is_background)
        begun = dict(event for event in events if isinstance(event[1], _Caption))
        # Others may run before these go on, and need room.
        spare.keep(1 if past.context is not None else 0)
        told = split_sentences(past.story_ids, self._sentence_ends)[-LAST_SENTENCES:]
        chosen = choose_differing(
            [begun[number].text for number in range(len(tasks))],
            len(requests),
            unlike=requests[0].unlike,
            story=[self.tokenizer.decode_text(ids) for ids in told],
        )
        for request, number in zip(requests, chosen, strict=True):
            begun[number].request = replace(request, sampling=begun[number].request.sampling)
        return [begun[number] for number in chosen]

    def redraw(
        self,
        record: PanelRecord,
        request: TurnRequest,
        cancel: threading.Event | None = None,
    ) -> Iterator[ImagePreview]:
        """Draw a panel's image with the request's image seed; the last event holds the image."""
        yield from self._scheduler.run(self._draw(record, request), cancel)

    def prepare(self, past: Past) -> KVContext:
        """Assemble the context for the next turn."""
        return self._scheduler.call(lambda: self._context(past, room=0))

    def read(self, past: Past, record: PanelRecord, cancel: threading.Event | None = None) -> Past:
        """Replay a panel from its record and return the story so far with it.

        On the same machine, with the same segments before it and the same policy, its segment
        equals the original turn's bit for bit.

        Raises:
            TurnCancelled: `cancel` was set before the scheduler came to it.
        """

        def read() -> Past:
            ids = self._before_caption(past) + record.text_ids
            context = self._context(past, room=self._num_rows(len(ids)))
            return self._read_back(past, context, ids, record)

        return self._scheduler.call(read, cancel)

    def run(self, function: Callable[[], Result]) -> Result:
        """Run a function on the scheduler's thread and return its result.

        Everything that computes with torch belongs there (`build.py` says why).
        """
        return self._scheduler.call(function)

    def free_memory(self) -> None:
        """Give memory that nothing uses back to the device."""
        self._scheduler.free_memory()

    def encode_text(self, text: str) -> list[int]:
        """Return the token ids of a reader's text, as the model reads it.

        A panel keeps the text as it was typed; the model reads the tidied one.

        Raises:
            InputError: The text is too long or contains the separator.
        """
        separator = self.config.tokenizer.separator
        if separator in self.lexicon.tidy(tidy_text(text)):
            mark = separator.strip() or "A line break"
            raise InputError(OWN_MARK.format(mark=mark))
        ids = self.read_ids(text, typed=text)
        if len(ids) > MAX_READER_TOKENS:
            raise InputError(
                f"The storyteller reads this as {len(ids):,} word pieces, and a page holds "
                f"{MAX_READER_TOKENS}. Write it shorter, in plain words."
            )
        return ids

    def read_ids(self, text: str, *, typed: str = "") -> list[int]:
        """Return the token ids of a caption of any length, as the model reads it.

        Args:
            text: The caption.
            typed: The part that its reader typed, with which it begins.
        """
        if typed and text.startswith(typed):
            text = tidy_text(typed) + text[len(typed) :]
        return self.tokenizer.encode_text(self.lexicon.tidy(text)) if text else []

    def can_read(self, token_ids: Sequence[int]) -> bool:
        """Whether these may be a caption's tokens: they are in the vocabulary, and none is a mark.

        Those of a story from elsewhere are as its writer wanted them.
        """
        in_vocabulary = all(0 <= token < self.config.decoder.vocab_size for token in token_ids)
        return in_vocabulary and self._mark_ids.isdisjoint(token_ids)

    def encode_hint(self, hint: str) -> tuple[int, ...]:
        """Return the token ids of a hint: a reader's wish, which is no part of the caption.

        Raises:
            InputError: As `encode_text`.
        """
        self.encode_text(hint)
        return self.hint_ids(hint)

    def hint_ids(self, hint: str) -> tuple[int, ...]:
        """Return the token ids of a hint of any length, as the model reads it."""
        return tuple(self.tokenizer.encode_hint(self.lexicon.tidy(tidy_text(hint))))

    def is_end(self, text: str) -> bool:
        """Whether this caption ends a tale."""
        phrase = self.config.generation.end_phrase
        return bool(phrase) and text.rstrip().endswith(phrase)

    def num_rows(self, token_ids: Sequence[int], hint: str = "") -> int:
        """Return the number of rows of a panel with this caption and hint."""
        return self._num_rows(len(token_ids) + len(self.hint_ids(hint)))

    def unread(self, text_ids: Sequence[int], *, is_first: bool) -> KVSegment:
        """Return the segment, without any rows, of a panel that has not been read.

        Args:
            text_ids: Tokens of its hint and its caption.
            is_first: Whether it opens its story.
        """
        boi = len(text_ids) + is_first  # BOS
        num_rows = self._num_rows(boi)
        return unread(num_rows, boi, num_rows - len(self._separator_ids) - 1)

    def encode_image(self, image: Image.Image, cancel: threading.Event | None = None) -> Tensor:
        """Return the visual features `[V, C]` of an image, float32 on the CPU.

        Raises:
            TurnCancelled: `cancel` was set before the scheduler came to it.
        """
        return self._scheduler.call(lambda: self._encode_image(image), cancel)

    @torch.no_grad()
    def _encode_image(self, image: Image.Image) -> Tensor:
        weight = self.vision.conv1.weight
        pixel_values = clip_pixels(image, self.config.vision)[None].to(weight)
        return self.vision(pixel_values)[0].float().cpu()

    def _turn(
        self, past: Past, request: TurnRequest, draft: Draft | None, caption: _Caption | None
    ) -> Task:
        if draft is None:
            draft = yield from self._compose(past, request, caption)
        else:
            yield TextDelta(draft.text)
        yield from self._finish(draft, request)

    def _finish(self, draft: Draft, request: TurnRequest) -> Task:
        """Draw the image of a panel and return its result."""
        image = request.reader_image
        if image is None:
            image = yield from self._draw(draft.record, request)
        yield TurnResult(
            text=draft.text,
            reader_text=draft.request.reader_text,
            hint=draft.request.hint,
            sampling=draft.request.sampling,
            record=draft.record,
            image=image,
            past=draft.past,
            is_end=self.is_end(draft.text),
            notes=draft.notes,
        )

    def _compose(
        self, past: Past, request: TurnRequest, caption: _Caption | None
    ) -> Generator[TextDelta | DecodeRequest, Any, Draft]:
        """Write a panel or finish a begun caption, regress its image, and read the panel back."""
        if caption is None:
            caption = self._open(past, request)
        else:
            caption.take_up(
                self._context(past, room=self._room(caption.begin_ids, caption.num_given))
            )
            yield TextDelta(caption.text)
        yield from self._write(caption)
        request, context, caption.context = caption.request, caption.context, None
        assert context is not None
        notes = list(request.notes)
        if len(caption.ids) - caption.num_given >= self.config.generation.max_new_tokens:
            notes.append(
                "The storyteller went on and on without asking for a picture, so this page was "
                "closed where it stood."
            )
        if unknown := self.lexicon.explain(tidy_text(request.reader_text), caption.written):
            notes.append(unknown)
        if request.reader_image is not None:
            features = self._encode_image(request.reader_image)
        else:
            features = decode.query_image(self.story_lm, context, self.marks)[0].float().cpu()
        # Drop the caption's rows and read the whole panel from its record, just as a replay does.
        hint_ids = self.encode_hint(request.hint)
        record = PanelRecord(tuple(caption.ids), features, hint_ids)
        context.truncate(caption.num_before)
        past = self._read_back(past, context, [*caption.begin_ids, *caption.ids], record)
        return Draft(request, caption.text, record, past, tuple(notes))

    def _open(self, past: Past, request: TurnRequest) -> _Caption:
        """Read the given part of a panel and prepare to write the rest.

        Raises:
            InputError: As `encode_text`.
        """
        ids = self.encode_text(request.reader_text)
        begin_ids = self._before_caption(past) + self.encode_hint(request.hint)
        context = self._context(past, room=self._room(begin_ids, len(ids)))
        num_before, given_ids = context.num_rows, [*begin_ids, *ids]
        scores = past.segments[-1].next_scores if past.segments else None
        # Even if the model writes nothing, it must read the words to regress the image.
        if given_ids and (request.is_written or request.reader_image is None):
            scores = decode.read_text(self.story_lm, context, given_ids)
        return _Caption(
            request=request,
            context=context,
            num_before=num_before,
            begin_ids=begin_ids,
            ids=ids,
            num_given=len(ids),
            scores=scores,
            sampler=Sampler(
                self._sampling(past, request),
                forbidden_ids=self._forbidden_ids,
                story_ids=past.story_ids,
                caption_ids=ids,
                sentence_ends=self._sentence_ends,
            ),
            stream=TextStream(self.tokenizer, ids),
            is_open=request.is_written,
        )

    def _understand(self, request: TurnRequest) -> TurnRequest:
        """Turn a reader's text that cannot stand in the panel into a hint, and note why.

        That is a text that no picture book says, or that the model cannot read as a sentence. The
        model then answers it in its own words.
        """
        text = tidy_text(request.reader_text)
        if not (text and self.config.generation.answers_wishes):
            return request
        if is_unkind(text):
            note = UNKIND
        elif not self.lexicon.is_readable(text):
            note = UNREADABLE
        else:
            return request
        hint = " ".join(words for words in (request.hint, request.reader_text) if words)
        notes = (*request.notes, note)
        return replace(request, reader_text="", hint=hint, complete_text=True, notes=notes)

    def check_kind(self, text: str) -> None:
        """Refuse a text that would stand in the panel unchanged and is unkind.

        Raises:
            InputError: It contains something that no picture book says.
        """
        if self.config.generation.answers_wishes and is_unkind(tidy_text(text)):
            raise InputError(
                "A picture book does not say this. Find kinder words, and the page takes them."
            )

    def _sampling(self, past: Past, request: TurnRequest) -> Sampling:
        """Return the requested sampling, with a higher temperature for a tale after another's end.

        A low temperature keeps sentences correct, but the next tale would nearly always have one of
        the few likeliest plots (`docs/notebook.md`, 27). A reader's text has chosen one already.
        """
        asked, least = request.sampling, self.config.generation.next_tale_temperature
        if request.reader_text or not 0 < asked.temperature < least:
            return asked
        last_words = self.tokenizer.decode_text(past.story_ids[-END_TOKENS:])
        return replace(asked, temperature=least) if self.is_end(last_words) else asked

    def _write(
        self, caption: _Caption, *, is_begun_at: int = 0
    ) -> Generator[TextDelta | DecodeRequest, Tensor, None]:
        """Continue a caption until the model asks for its image.

        Tokens are added to the caption and to its context, and removed from both when the sampler
        takes a sentence back.

        Args:
            caption: The caption so far; it is changed.
            is_begun_at: Pause at the end of a sentence once so many tokens are written; 0 does not
                pause.
        """
        context, ids = caption.context, caption.ids
        assert context is not None
        while caption.is_open:
            assert caption.scores is not None
            token = caption.sampler.choose(caption.scores)
            if token in self._stop_ids:
                break
            caption.seen.append(caption.scores)
            ids.append(token)
            if (kept := caption.sampler.take_back()) is not None:
                # The context does not hold the last token yet.
                context.truncate(context.num_rows - (len(ids) - 1 - kept))
                del ids[kept:]
                caption.scores = caption.seen[kept - caption.num_given]
                del caption.seen[kept - caption.num_given :]
                caption.stream = TextStream(self.tokenizer, ids[: caption.num_given])
                caption.written = "".join(caption.stream.push(t) for t in ids[caption.num_given :])
                yield TextDelta(caption.text)
                continue
            if new := caption.stream.push(token):
                caption.written += new
                yield TextDelta(caption.text)
            caption.scores = yield DecodeRequest(context, token)
            num_written = len(ids) - caption.num_given
            if num_written >= self.config.generation.max_new_tokens:
                break
            if is_begun_at and num_written >= is_begun_at and token in self._sentence_ends:
                return
        caption.is_open = False
        if rest := caption.stream.finish():
            caption.written += rest
            yield TextDelta(caption.text)

    def _context(self, past: Past, *, room: int) -> KVContext:
        policy = past.policy or self.policy
        decoder = self.story_lm.decoder
        return assemble(decoder, past.segments, policy, room=room, reuse=past.context)

    def _room(self, begin_ids: Sequence[int], num_given: int) -> int:
        """Return the most rows of a panel whose caption begins with `num_given` tokens."""
        return self._num_rows(len(begin_ids) + num_given + self.config.generation.max_new_tokens)

    def _num_rows(self, num_ids: int) -> int:
        """Return the rows of a panel with `num_ids` tokens before its image."""
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
    ) -> Generator[ImagePreview | DenoiseRequest, DrawStep, Image.Image]:
        """Yield an event per step and return the finished image, which the last event holds too."""
        drawing = self.detokenizer.begin(
            record.visual_features[None].to(self.story_lm.device),
            negative_visual_features=self._negative,
            num_inference_steps=request.num_inference_steps,
            guidance_scale=request.guidance_scale,
            seed=request.image_seed,
        )
        while not drawing.is_done:
            done = yield DenoiseRequest(drawing)
            if not drawing.is_done:
                is_shown = done.step % self.config.detokenizer.preview.every == 0
                image = self._preview(done.predicted) if is_shown else None
                yield ImagePreview(done.step, done.num_steps, image)
        image = self._image(drawing.latents)
        yield ImagePreview(drawing.num_done, drawing.num_steps, image)
        return image

    @cached_property
    def _negative(self) -> Condition:
        """The zero image's condition, the unconditional branch of guidance for every image."""
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
        """Return BOS for a story's first panel; the separator before later ones is already read."""
        return () if past.segments else (self.tokenizer.bos_id,)


def _join(reader_text: str, written: str) -> str:
    """Append the model's text to the reader's; a space in between only if the model wrote one."""
    space = " " if reader_text and written[:1].isspace() else ""
    return f"{reader_text}{space}{clean_text(written)}".strip()
