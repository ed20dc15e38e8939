"""Segments, contexts and decoding: what is cached equals what is computed afresh."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from seedstory_core.config import DecoderConfig, ResamplerConfig
from seedstory_core.generation import decode
from seedstory_core.generation.decode import ImageMarks
from seedstory_core.generation.kv import KVContext, KVSegment, assemble, panel_spans
from seedstory_core.generation.sampling import Sampler, Sampling
from seedstory_core.generation.sink import SinkRule, kept_ranges
from seedstory_core.models.story_lm import StoryLM

MARKS = ImageMarks(boi=80, eoi=81, queries=tuple(range(82, 91)))
DENSE = SinkRule(policy="dense")


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


def features(number: int) -> Tensor:
    return torch.randn(1, 16, 32, generator=torch.Generator().manual_seed(number))


def caption(number: int) -> list[int]:
    generator = torch.Generator().manual_seed(100 + number)
    length = int(torch.randint(3, 9, (), generator=generator))
    return torch.randint(3, 80, (length,), generator=generator).tolist()


def tell(model: StoryLM, count: int, rule: SinkRule) -> list[KVSegment]:
    segments: list[KVSegment] = []
    for number in range(count):
        context = assemble(model.decoder, segments, rule, room=40)
        segment, _ = decode.read_back(model, context, caption(number), features(number), MARKS)
        segments.append(segment)
    return segments


@torch.no_grad()
def read_whole_story(model: StoryLM, count: int) -> Tensor:
    """Final states of all panels in one pass, by transformers alone."""
    parts = []
    for number in range(count):
        before = model.embed_tokens(torch.tensor([[*caption(number), MARKS.boi]]))
        after = model.embed_tokens(torch.tensor([[MARKS.eoi]]))
        parts += [before, model.input_resampler(features(number)), after]
    return model.decoder(inputs_embeds=torch.cat(parts, 1), use_cache=False).last_hidden_state


def test_cached_reading_equals_reading_the_whole_story_at_once(model: StoryLM) -> None:
    segments = tell(model, 5, DENSE)
    context = assemble(model.decoder, segments[:4], DENSE, room=40)
    _, scores = decode.read_back(model, context, caption(4), features(4), MARKS)
    whole = model.score(read_whole_story(model, 5)[:, -1])[0]
    assert torch.allclose(scores, whole, atol=2e-5)


def test_captured_keys_are_those_before_rotation(model: StoryLM) -> None:
    segments = tell(model, 3, DENSE)
    context = assemble(model.decoder, segments, DENSE, room=0)
    parts = []
    for number in range(3):
        before = model.embed_tokens(torch.tensor([[*caption(number), MARKS.boi]]))
        after = model.embed_tokens(torch.tensor([[MARKS.eoi]]))
        parts += [before, model.input_resampler(features(number)), after]
    with torch.no_grad():
        outputs = model.decoder(inputs_embeds=torch.cat(parts, 1), use_cache=True)
    for layer, cached in enumerate(outputs.cache.layers):
        assert torch.allclose(context.keys[layer], cached.keys, atol=2e-5)
        assert torch.allclose(context.values[layer], cached.values, atol=2e-5)


@pytest.mark.parametrize("rule", [DENSE, SinkRule(window_panels=2)], ids=["dense", "sink"])
def test_one_pass_of_image_queries_equals_one_by_one(model: StoryLM, rule: SinkRule) -> None:
    segments = tell(model, 5, rule)

    def context() -> KVContext:
        made = assemble(model.decoder, segments, rule, room=40)
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
    rule = SinkRule(window_panels=2)
    segments = tell(model, 6, rule)
    kept = [row for rows in kept_ranges(panel_spans(segments), rule) for row in rows]
    context = assemble(model.decoder, segments, rule, room=0)
    assert context.num_rows == len(kept)
    all_values = torch.cat([segment.values for segment in segments], dim=2)
    assert torch.equal(context.values[:, 0], all_values[:, :, kept])
    # Positions count inside the context: the same rows as a story of their own give the same keys.
    all_keys = torch.cat([segment.keys for segment in segments], dim=2)
    alone = KVSegment(all_keys[:, :, kept], all_values[:, :, kept], boi=0, eoi=1)
    again = KVContext(model.decoder, len(kept))
    again.extend([alone], [range(len(kept))])
    assert torch.equal(again.keys, context.keys)


def test_telling_on_one_branch_leaves_its_sibling_untouched(model: StoryLM) -> None:
    past = tell(model, 3, DENSE)
    copies = [(segment.keys.clone(), segment.values.clone()) for segment in past]
    ends = []
    for number in (20, 30, 20):
        context = assemble(model.decoder, past, DENSE, room=40)
        segment, _ = decode.read_back(model, context, caption(number), features(number), MARKS)
        ends.append(segment)
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
    written = list(decode.write_text(model, context, [5, 6], sampler, (80,), 6))
    decode.query_image(model, context, MARKS)
    context.truncate(base)
    live, _ = decode.read_back(model, context, [5, 6, *written], features(3), MARKS)

    fresh = assemble(model.decoder, past, DENSE, room=40)
    replayed, _ = decode.read_back(model, fresh, [5, 6, *written], features(3), MARKS)
    assert torch.equal(live.keys, replayed.keys)
    assert torch.equal(live.values, replayed.values)


def test_a_turn_takes_one_forward_per_text_token_and_two_more(model: StoryLM) -> None:
    context = assemble(model.decoder, tell(model, 2, DENSE), DENSE, room=60)
    base = context.num_rows
    calls = []
    handle = model.decoder.register_forward_hook(lambda *_: calls.append(1))
    try:
        sampler = Sampler(Sampling(seed=5), forbidden_ids=range(80, 91))
        written = list(decode.write_text(model, context, [7], sampler, (), 9))
        decode.query_image(model, context, MARKS)
        context.truncate(base)
        decode.read_back(model, context, [7, *written], features(2), MARKS)
    finally:
        handle.remove()
    assert len(written) == 9
    assert len(calls) == 1 + 9 + 2  # the given token, the nine written, picture and reading back


def test_a_full_context_says_so(model: StoryLM) -> None:
    context = assemble(model.decoder, [], DENSE, room=3)
    with pytest.raises(ValueError, match="holds 3 rows, 5 are needed"):
        decode.read_text(model, context, [1, 2, 3, 4, 5])
