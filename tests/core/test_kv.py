"""Segments, contexts and decoding: cached rows equal freshly computed ones."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor

from seedstory_core.config import DecoderConfig, ResamplerConfig
from seedstory_core.generation import decode
from seedstory_core.generation.batch import TextBatch
from seedstory_core.generation.decode import ImageMarks
from seedstory_core.generation.kv import (
    KVContext,
    KVSegment,
    assemble,
    capture_keys,
    kept_pieces,
    panel_spans,
)
from seedstory_core.generation.policies import MemoryPolicy, select_rows
from seedstory_core.generation.sampler import Sampler
from seedstory_core.generation.sampling import Sampling
from seedstory_core.models.story_lm import StoryLM

MARKS = ImageMarks(boi=80, eoi=81, queries=tuple(range(82, 91)))
SEPARATOR = [2, 1]
DENSE = MemoryPolicy(policy="dense")


@pytest.fixture(scope="module", params=["llama", "qwen2", "qwen3"])
def model(request: pytest.FixtureRequest) -> StoryLM:
    torch.manual_seed(0)
    decoder = DecoderConfig(
        model_type=request.param,
        vocab_size=91,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        extra={"head_dim": 16} if request.param == "qwen3" else {},
    )
    into = ResamplerConfig(num_queries=9, embed_dim=64, kv_dim=32, num_heads=4)
    out = ResamplerConfig(num_queries=16, embed_dim=32, kv_dim=64, num_heads=4)
    return StoryLM(decoder, into, out).eval()


def write(
    model: StoryLM, context: KVContext, scores: Tensor, sampler: Sampler, count: int
) -> list[int]:
    written = []
    for _ in range(count):
        written.append(sampler.choose(scores))
        scores = decode.read_text(model, context, written[-1:])
    return written


def features(number: int) -> Tensor:
    return torch.randn(1, 16, 32, generator=torch.Generator().manual_seed(number))


def caption(number: int) -> list[int]:
    generator = torch.Generator().manual_seed(100 + number)
    length = int(torch.randint(3, 9, (), generator=generator))
    return torch.randint(3, 80, (length,), generator=generator).tolist()


def tell(model: StoryLM, count: int, policy: MemoryPolicy) -> list[KVSegment]:
    segments: list[KVSegment] = []
    for number in range(count):
        context = assemble(model.decoder, segments, policy, room=40)
        segments.append(read(model, context, number))
    return segments


def read(model: StoryLM, context: KVContext, number: int) -> KVSegment:
    return decode.read_back(model, context, caption(number), features(number), MARKS, SEPARATOR)


@torch.no_grad()
def read_whole_story(model: StoryLM, count: int) -> Tensor:
    """Final states of all panels in one pass, by transformers alone."""
    embeds = embed_story(model, count)
    return model.decoder(inputs_embeds=embeds, use_cache=False).last_hidden_state


@torch.no_grad()
def embed_story(model: StoryLM, count: int) -> Tensor:
    parts = []
    for number in range(count):
        before = model.embed_tokens(torch.tensor([[*caption(number), MARKS.boi]]))
        after = model.embed_tokens(torch.tensor([[MARKS.eoi, *SEPARATOR]]))
        parts += [before, model.input_resampler(features(number)), after]
    return torch.cat(parts, 1)


def test_cached_reading_equals_reading_the_whole_story_at_once(model: StoryLM) -> None:
    segments = tell(model, 5, DENSE)
    context = assemble(model.decoder, segments[:4], DENSE, room=40)
    whole = model.score(read_whole_story(model, 5)[:, -1])[0]
    scores = read(model, context, 4).next_scores
    assert scores is not None and torch.allclose(scores, whole, atol=2e-5)


def test_captured_keys_are_those_before_rotation(model: StoryLM) -> None:
    segments = tell(model, 3, DENSE)
    context = assemble(model.decoder, segments, DENSE, room=0)
    with torch.no_grad():
        outputs = model.decoder(inputs_embeds=embed_story(model, 3), use_cache=True)
    for layer, cached in enumerate(outputs.cache.layers):
        rows = slice(context.num_rows)
        assert torch.allclose(context.keys[layer][..., rows, :], cached.keys, atol=2e-5)
        assert torch.allclose(context.values[layer][..., rows, :], cached.values, atol=2e-5)


def test_keys_of_another_thread_are_not_captured(model: StoryLM) -> None:
    with capture_keys(model.decoder) as captured, ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(read_whole_story, model, 2).result()
    assert not captured


@pytest.mark.parametrize(
    "policy",
    [DENSE, MemoryPolicy(policy="multimodal_attention_sink", window_panels=2)],
    ids=["dense", "sink"],
)
def test_one_pass_of_image_queries_equals_one_by_one(model: StoryLM, policy: MemoryPolicy) -> None:
    segments = tell(model, 5, policy)

    def context() -> KVContext:
        made = assemble(model.decoder, segments, policy, room=40)
        decode.read_text(model, made, caption(9))
        return made

    at_once = decode.query_image(model, context(), MARKS)
    slow = context()
    hidden = []
    for token in (MARKS.boi, *MARKS.queries):
        embeds = model.embed_tokens(torch.tensor([[token]]))
        hidden.append(decode.read_embeds(model, slow, embeds))
    with torch.no_grad():
        one_by_one = model.reconstruct(torch.cat(hidden[1:], 1))
    assert torch.allclose(at_once, one_by_one, atol=2e-5)


def test_image_queries_leave_no_rows(model: StoryLM) -> None:
    context = assemble(model.decoder, tell(model, 2, DENSE), DENSE, room=40)
    decode.read_text(model, context, caption(7))
    before = context.num_rows
    decode.query_image(model, context, MARKS)
    assert context.num_rows == before


def test_a_context_holds_exactly_the_kept_rows_numbered_from_zero(model: StoryLM) -> None:
    policy = MemoryPolicy(policy="multimodal_attention_sink", window_panels=2)
    segments = tell(model, 6, policy)
    kept = [row for rows in select_rows(panel_spans(segments), policy) for row in rows]
    context = assemble(model.decoder, segments, policy, room=0)
    assert context.num_rows == len(kept)
    all_values = torch.cat([segment.values for segment in segments], dim=2)
    assert torch.equal(context.values[:, 0, :, : len(kept)], all_values[:, :, kept])
    # Positions count inside the context: the same rows as a story of their own give the same keys.
    all_keys = torch.cat([segment.keys for segment in segments], dim=2)
    alone = dataclasses.replace(
        segments[0], keys=all_keys[:, :, kept], values=all_values[:, :, kept]
    )
    again = KVContext(model.decoder, len(kept))
    assert again.extend([(alone, range(len(kept)))]) == len(kept)
    assert torch.equal(again.keys, context.keys[..., : len(kept), :])


def test_telling_on_one_branch_leaves_its_sibling_untouched(model: StoryLM) -> None:
    past = tell(model, 3, DENSE)
    copies = [(segment.keys.clone(), segment.values.clone()) for segment in past]
    ends = []
    for number in (20, 30, 20):
        context = assemble(model.decoder, past, DENSE, room=40)
        ends.append(read(model, context, number))
    assert torch.equal(ends[0].keys, ends[2].keys)
    assert not torch.equal(ends[0].values[:, :, :3], ends[1].values[:, :, :3])
    for segment, (keys, values) in zip(past, copies, strict=True):
        assert torch.equal(segment.keys, keys)
        assert torch.equal(segment.values, values)


def test_a_segment_read_again_is_bit_equal_whatever_was_decoded_before(model: StoryLM) -> None:
    past = tell(model, 3, DENSE)
    context = assemble(model.decoder, past, DENSE, room=60)
    base = context.num_rows
    sampler = Sampler(Sampling(seed=3), forbidden_ids=range(80, 91))
    scores = decode.read_text(model, context, [5, 6])
    written = write(model, context, scores, sampler, 6)
    decode.query_image(model, context, MARKS)
    context.truncate(base)
    live = decode.read_back(model, context, [5, 6, *written], features(3), MARKS, SEPARATOR)

    fresh = assemble(model.decoder, past, DENSE, room=40)
    again = decode.read_back(model, fresh, [5, 6, *written], features(3), MARKS, SEPARATOR)
    for name in ("keys", "values", "next_scores"):
        assert torch.equal(getattr(live, name), getattr(again, name))


def test_going_on_appends_and_equals_a_context_assembled_anew(model: StoryLM) -> None:
    """Also where rows were evicted, and after a change to another branch."""
    policy = MemoryPolicy(policy="multimodal_attention_sink", window_panels=2)
    segments: list[KVSegment] = []
    context: KVContext | None = None
    for number in range(7):
        context = assemble(model.decoder, segments, policy, room=40, reuse=context)
        decode.read_text(model, context, [5, 6])  # what a turn leaves behind when it is stopped
        context = assemble(model.decoder, segments, policy, room=40, reuse=context)
        segments.append(read(model, context, number))
        for path in (segments, segments[:-1], segments[:-2] + segments[-1:], segments):
            context = assemble(model.decoder, path, policy, room=0, reuse=context)
            fresh = assemble(model.decoder, path, policy, room=0)
            rows = fresh.num_rows
            assert context.num_rows == rows
            assert torch.equal(context.keys[..., :rows, :], fresh.keys[..., :rows, :])
            assert torch.equal(context.values[..., :rows, :], fresh.values[..., :rows, :])


def test_simply_going_on_copies_nothing(model: StoryLM) -> None:
    segments: list[KVSegment] = []
    context = assemble(model.decoder, segments, DENSE, room=300)
    for number in range(5):
        assert context.become(kept_pieces(segments, DENSE)) == 0
        segments.append(read(model, context, number))
    # On another branch only what is not shared.
    other = segments[:2] + tell(model, 1, DENSE)
    assert context.become(kept_pieces(other, DENSE)) == other[-1].num_rows


def test_a_panel_fills_the_buffers_that_are_there(model: StoryLM) -> None:
    context = assemble(model.decoder, [], DENSE, room=40)
    segments = [read(model, context, 0)]
    place = context.keys.data_ptr()
    again = assemble(model.decoder, segments, DENSE, room=40, reuse=context)
    assert again.keys.data_ptr() == place
    larger = assemble(model.decoder, segments, DENSE, room=4000, reuse=again)
    assert larger is again and larger.capacity > 4000  # the smaller buffers are gone
    rows = slice(larger.num_rows)
    anew = assemble(model.decoder, segments, DENSE, room=40)
    assert torch.equal(larger.keys[:, :, :, rows], anew.keys[:, :, :, rows])
    assert torch.equal(larger.values[:, :, :, rows], anew.values[:, :, :, rows])


def test_a_turn_takes_one_forward_per_text_token_and_two_more(model: StoryLM) -> None:
    segments = tell(model, 2, DENSE)
    context = assemble(model.decoder, segments, DENSE, room=60)
    base = context.num_rows
    calls = []
    handle = model.decoder.register_forward_hook(lambda *_: calls.append(1))
    try:
        sampler = Sampler(Sampling(seed=5), forbidden_ids=range(80, 91))
        scores = segments[-1].next_scores
        assert scores is not None
        written = write(model, context, scores, sampler, 9)
        decode.query_image(model, context, MARKS)
        context.truncate(base)
        decode.read_back(model, context, written, features(2), MARKS, SEPARATOR)
    finally:
        handle.remove()
    assert len(written) == 9
    assert len(calls) == 9 + 2


def test_a_full_context_says_so(model: StoryLM) -> None:
    context = KVContext(model.decoder, 3)
    with pytest.raises(ValueError, match="room for 3 rows and needs 5"):
        decode.read_text(model, context, [1, 2, 3, 4, 5])


@pytest.mark.parametrize(
    "policy",
    [DENSE, MemoryPolicy(policy="multimodal_attention_sink", window_panels=2)],
    ids=["dense", "sink"],
)
def test_stories_decoded_together_get_the_scores_they_get_alone(
    model: StoryLM, policy: MemoryPolicy
) -> None:
    """Of different lengths, joining and leaving."""
    stories = [tell(model, count, policy) for count in (1, 3, 5)]

    def contexts() -> list[KVContext]:
        return [assemble(model.decoder, story, policy, room=40) for story in stories]

    alone, together = contexts(), contexts()
    batch = TextBatch(model)
    noise = torch.Generator().manual_seed(4)
    for members in ([0, 1], [0, 1], [0, 1, 2], [2, 0], [1, 2], [1], [0, 1, 2]):
        tokens = torch.randint(3, 80, (len(members),), generator=noise).tolist()
        scores = batch.next_scores([together[i] for i in members], tokens)
        for index, token, found in zip(members, tokens, scores, strict=True):
            wanted = decode.read_text(model, alone[index], [token])
            assert torch.allclose(found, wanted, atol=2e-5)
    for one, other in zip(alone, together, strict=True):
        assert one.num_rows == other.num_rows
        rows = slice(one.num_rows)
        assert torch.allclose(one.keys[..., rows, :], other.keys[..., rows, :], atol=2e-5)
        assert torch.allclose(one.values[..., rows, :], other.values[..., rows, :], atol=2e-5)


def test_stories_decoded_together_take_one_pass(model: StoryLM) -> None:
    stories = [assemble(model.decoder, tell(model, n, DENSE), DENSE, room=40) for n in (1, 2, 4)]
    calls = []
    handle = model.decoder.register_forward_hook(lambda *_: calls.append(1))
    batch = TextBatch(model)
    for _ in range(5):
        batch.next_scores(stories, [5, 6, 7])
    handle.remove()
    assert len(calls) == 5


def test_a_context_that_left_the_batch_may_change(model: StoryLM) -> None:
    one, other = (assemble(model.decoder, tell(model, n, DENSE), DENSE, room=90) for n in (1, 2))
    batch = TextBatch(model)
    batch.next_scores([one, other], [5, 6])
    batch.leave(one)
    one.truncate(one.num_rows - 3)
    decode.read_text(model, one, [7, 8, 9])
    copy = assemble(model.decoder, tell(model, 1, DENSE), DENSE, room=90)
    copy.truncate(copy.num_rows - 2)
    decode.read_text(model, copy, [7, 8, 9])
    found = batch.next_scores([one, other], [10, 11])[0]
    assert torch.allclose(found, decode.read_text(model, copy, [10]), atol=2e-5)


def test_a_batch_grows_with_its_stories(model: StoryLM, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seedstory_core.generation.batch.GROWTH_ROWS", 2)
    pairs = [
        [assemble(model.decoder, tell(model, n, DENSE), DENSE, room=40) for n in (1, 2)]
        for _ in range(2)
    ]
    batch = TextBatch(model)
    for token in range(3, 12):
        scores = batch.next_scores(pairs[0], [token, token])
        for found, context in zip(scores, pairs[1], strict=True):
            assert torch.allclose(found, decode.read_text(model, context, [token]), atol=2e-5)


def test_rows_that_were_set_aside_come_back_as_they_were(model: StoryLM) -> None:
    context = KVContext(model.decoder, 40)
    decode.read_text(model, context, [5, 6, 7, 8, 9])
    before = context.keys.clone(), context.values.clone()
    keys, values = context.cut_off(2)
    decode.read_text(model, context, [10, 11])
    context.truncate(2)
    context.put_back(keys, values)
    assert context.num_rows == 5
    for buffer, was in zip((context.keys, context.values), before, strict=True):
        assert torch.equal(buffer[:, :, :, :5], was[:, :, :, :5])
    with pytest.raises(ValueError, match="has room for 40 rows"):
        context.put_back(torch.cat([keys] * 12, dim=2), torch.cat([values] * 12, dim=2))
