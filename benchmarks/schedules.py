"""The language model's part of a turn under three schedules, with the same weights and captions.

- `ours`: the studio's schedule. It reuses the previous turn's context, runs all image queries in
  one pass and reads the panel back.
- `released` with a window: the released schedule. It encodes the last panels again in every turn
  and runs image tokens one by one.
- `released` without one: the same with the whole story as its prompt.

Captions are given, so that all schedules do the same work: every token goes through the model and
the highest score is looked up, but the given token follows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from seedstory_core.config import DecoderConfig, ResamplerConfig
from seedstory_core.generation import decode
from seedstory_core.generation.decode import ImageMarks
from seedstory_core.generation.kv import KVContext, KVSegment, assemble
from seedstory_core.generation.policies import MemoryPolicy
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.weights.verify.released_loop import new_cache, write

CAPTION_TOKENS = 40
"""Tokens of a caption: about thirty words, as in the published stories and ours."""
SEPARATOR_TOKENS = 2
BOS = 1


@dataclass(frozen=True)
class Turn:
    """The language model's part of one turn.

    Attributes:
        seconds: Time in all.
        first_seconds: Time until the first token is known.
        num_forwards: Passes through the decoder.
        num_tokens: Rows of all these passes.
        features: The regressed visual features, `[1, V, C]`.
    """

    seconds: float
    first_seconds: float
    num_forwards: int
    num_tokens: int
    features: Tensor


@dataclass
class Bench:
    """A model, and random stories for it.

    Attributes:
        model: The story model.
        marks: Ids around and inside an image.
        num_features: Visual tokens of an image.
        width: Channels of a visual token.
    """

    model: StoryLM
    marks: ImageMarks
    num_features: int
    width: int

    def caption(self, number: int) -> list[int]:
        """Return the token ids of a caption, random with its number as seed."""
        noise = torch.Generator().manual_seed(number)
        return torch.randint(5, self.marks.boi, (CAPTION_TOKENS,), generator=noise).tolist()

    @property
    def separator(self) -> list[int]:
        """Token ids between panels."""
        return [3] * SEPARATOR_TOKENS

    def features(self, number: int) -> Tensor:
        """Return visual features `[1, V, C]` of an image, random with its number as seed."""
        noise = torch.Generator().manual_seed(number)
        shape = (1, self.num_features, self.width)
        return torch.randn(shape, generator=noise).to(self.model.device, self.model.dtype)

    @torch.no_grad()
    def segments(self, count: int, policy: MemoryPolicy) -> tuple[list[KVSegment], KVContext]:
        """Read a story of `count` panels; return its segments and the context of its last turn."""
        segments: list[KVSegment] = []
        context: KVContext | None = None
        for number in range(count):
            context = self.assemble(segments, policy, context)
            segments.append(self.read_back(context, number))
        assert context is not None
        return segments, context

    def assemble(
        self, segments: Sequence[KVSegment], policy: MemoryPolicy, reuse: KVContext | None = None
    ) -> KVContext:
        """Return the context of the next turn."""
        room = 1 + CAPTION_TOKENS + len(self.marks.queries) + 2 + SEPARATOR_TOKENS
        return assemble(self.model.decoder, segments, policy, room=room, reuse=reuse)

    def read_back(self, context: KVContext, number: int) -> KVSegment:
        """Read panel `number` and return its segment."""
        ids = [*([] if number else [BOS]), *self.caption(number)]
        features = self.features(number)
        return decode.read_back(self.model, context, ids, features, self.marks, self.separator)


def published_sizes(hidden_size: int, layers: int, heads: int, inner: int) -> Bench:
    """Return a random Llama with the published model's vocabulary and numbers of image tokens.

    As in the published model, visual tokens are as wide as the language model.
    """
    torch.manual_seed(0)
    queries, vocab = 64, 32066
    model = StoryLM(
        DecoderConfig(
            vocab_size=vocab,
            hidden_size=hidden_size,
            intermediate_size=inner,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            num_key_value_heads=heads,
        ),
        ResamplerConfig(
            num_queries=queries, embed_dim=hidden_size, kv_dim=hidden_size, num_heads=heads
        ),
        ResamplerConfig(
            num_queries=256, embed_dim=hidden_size, kv_dim=hidden_size, num_heads=heads
        ),
    ).eval()
    marks = ImageMarks(vocab - 66, vocab - 65, tuple(range(vocab - 64, vocab)))
    return Bench(model, marks, num_features=256, width=hidden_size)


@torch.no_grad()
def ours(bench: Bench, segments: list[KVSegment], context: KVContext, policy: MemoryPolicy) -> Turn:
    """Measure one turn after these panels; `context` is that of the previous turn."""
    number = len(segments)
    ids = bench.caption(number)
    with _counted(bench) as passes:
        started = time.perf_counter()
        context = bench.assemble(segments, policy, context)
        base, scores = context.num_rows, segments[-1].next_scores
        assert scores is not None  # the segments are whole
        first = 0.0
        for token in ids:
            int(scores.argmax())
            first = first or time.perf_counter() - started
            scores = decode.read_text(bench.model, context, [token])
        features = decode.query_image(bench.model, context, bench.marks)
        context.truncate(base)
        bench.read_back(context, number)
        _settle(bench)
        took = time.perf_counter() - started
    return Turn(took, first, len(passes), sum(passes), features)


@torch.no_grad()
def released(bench: Bench, num_panels: int, window: int | None) -> Turn:
    """Measure the released schedule's turn after `num_panels` panels.

    The prompt is the last `window` panels, or all of them; their visual features are given. As in
    the released code, every pass scores all of its rows, the prompt's included.
    """
    first = 0 if window is None else max(0, num_panels - window)
    model, marks = bench.model, bench.marks
    images = [bench.features(number) for number in range(first, num_panels)]
    with _counted(bench) as passes:
        started = time.perf_counter()
        prompt = [BOS]
        for number in range(first, num_panels):
            prompt += [*bench.caption(number), marks.boi, *marks.queries, marks.eoi]
            prompt += bench.separator
        ids = torch.tensor([prompt], device=model.device)
        is_image = torch.isin(ids, torch.tensor(marks.queries, device=model.device))
        embeds = model.embed(ids, torch.cat(images), is_image)
        words = [*bench.caption(num_panels), marks.boi, *marks.queries, marks.eoi]
        coming, waited = iter(words), 0.0

        def choose(scores: Tensor) -> int:
            nonlocal waited
            int(scores.argmax())
            waited = waited or time.perf_counter() - started
            return next(coming)

        _, states = write(model, embeds, choose, most=len(words))
        # A token's own state is computed one pass later, so EOI's is never computed.
        features = model.reconstruct(states[:, -len(marks.queries) :])
        _settle(bench)
        took = time.perf_counter() - started
    return Turn(took, waited, len(passes), sum(passes), features)


@torch.no_grad()
def image_queries(bench: Bench, context: KVContext) -> tuple[float, float]:
    """Return the seconds of all image queries in one pass, and one by one."""
    started = time.perf_counter()
    decode.query_image(bench.model, context, bench.marks)
    _settle(bench)
    at_once = time.perf_counter() - started
    base = context.num_rows
    started = time.perf_counter()
    states = []
    for token in (bench.marks.boi, *bench.marks.queries):
        embeds = bench.model.embed_tokens(torch.tensor([[token]], device=bench.model.device))
        states.append(decode.read_embeds(bench.model, context, embeds))
    bench.model.reconstruct(torch.cat(states[1:], dim=1))
    _settle(bench)
    one_by_one = time.perf_counter() - started
    context.truncate(base)
    return at_once, one_by_one


@torch.no_grad()
def branch(bench: Bench, segments: list[KVSegment], policy: MemoryPolicy) -> tuple[float, float]:
    """Return the seconds until a branch can continue: from segments, and by encoding its story."""
    started = time.perf_counter()
    bench.assemble(segments, policy)
    _settle(bench)
    from_segments = time.perf_counter() - started
    started = time.perf_counter()
    prompt: list[Tensor] = []
    model, marks = bench.model, bench.marks
    for number in range(len(segments)):
        ids = [*([] if number else [BOS]), *bench.caption(number), marks.boi]
        before = torch.tensor([ids], device=model.device)
        after = torch.tensor([[marks.eoi, *bench.separator]], device=model.device)
        image = model.input_resampler(bench.features(number))
        prompt += [model.embed_tokens(before), image, model.embed_tokens(after)]
    cache = new_cache(model)
    model.decoder(inputs_embeds=torch.cat(prompt, dim=1), cache=cache, use_cache=True)
    _settle(bench)
    return from_segments, time.perf_counter() - started


@torch.no_grad()
def replay(bench: Bench, segments: list[KVSegment], policy: MemoryPolicy) -> float:
    """Return the seconds of the replay of a whole story."""
    started = time.perf_counter()
    bench.segments(len(segments), policy)
    _settle(bench)
    return time.perf_counter() - started


def interleaved(rounds: int, measures: Mapping[str, Callable[[], Turn]]) -> dict[str, list[Turn]]:
    """Take every measure once per round, so that noise affects all of them alike."""
    found: dict[str, list[Turn]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            found[name].append(measure())
    return found


@contextmanager
def _counted(bench: Bench) -> Iterator[list[int]]:
    """Yield a list to which every pass through the decoder adds its number of rows."""
    passes: list[int] = []

    def note(module: object, args: object, kwargs: Mapping[str, Tensor]) -> None:
        passes.append(kwargs["inputs_embeds"].shape[1])

    handle = bench.model.decoder.register_forward_pre_hook(note, with_kwargs=True)
    try:
        yield passes
    finally:
        handle.remove()


def _settle(bench: Bench) -> None:
    if bench.model.device.type == "cuda":
        torch.cuda.synchronize()
