"""Training reads the rows that a turn reads: same tokens, same positions, same visibility."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seedstory_core.config import DecoderConfig, ResamplerConfig, load_config
from seedstory_core.generation import decode
from seedstory_core.generation.decode import ImageMarks
from seedstory_core.generation.kv import KVSegment, assemble
from seedstory_core.generation.policies import MemoryPolicy
from seedstory_core.generation.tokens import StoryTokenizer
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.training.rows import (
    IGNORED,
    Row,
    attention_mask,
    collate,
    cut_window,
    next_token_loss,
    pack,
    read_words,
    run_rows,
)
from seedstory_core.training.stages.language import LanguageStage
from seedstory_core.training.story_data import StreamStory
from tests.helpers.reference import COPY

CAPTIONS = ["Mina found a kite.", "The wind pulled.", "She ran home and laughed.", "Good night."]
SEPARATOR = "[INST]"


@pytest.fixture(scope="module")
def tokenizer() -> StoryTokenizer:
    return StoryTokenizer.from_folder(COPY / "pretrained" / "cvlm_llama2_tokenizer")


@pytest.fixture(scope="module")
def model(tokenizer: StoryTokenizer) -> StoryLM:
    torch.manual_seed(0)
    decoder = DecoderConfig(
        vocab_size=tokenizer.vocab_size,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=4,
    )
    into = ResamplerConfig(num_queries=16, embed_dim=64, kv_dim=32, num_heads=4)
    out = ResamplerConfig(num_queries=9, embed_dim=32, kv_dim=64, num_heads=4)
    return StoryLM(decoder, into, out).eval()


def batch_of(
    row: Row, features: torch.Tensor, policy: MemoryPolicy | None
) -> dict[str, torch.Tensor]:
    return {
        "input_ids": torch.tensor([row.ids]),
        "positions": torch.tensor([row.positions]),
        "mask": attention_mask(row, policy)[None, None],
        "image_places": torch.tensor([row.image_of]) >= 0,
        "query_places": torch.tensor([row.query_of]) >= 0,
        "features": features,
    }


@pytest.mark.parametrize("window", [None, 2], ids=["dense", "window"])
@torch.no_grad()
def test_training_regresses_what_turns_regress(
    model: StoryLM, tokenizer: StoryTokenizer, window: int | None
) -> None:
    features = torch.randn(4, 9, 32, generator=torch.Generator().manual_seed(1))
    row = pack(tokenizer, SEPARATOR, CAPTIONS, [""] * 4)
    # A window without sinks and a context that keeps absolute positions is what a mask can express.
    policy = None if window is None else MemoryPolicy(policy="window", window_panels=window)
    _, regressed, _ = run_rows(model, batch_of(row, features, policy))

    marks = ImageMarks(tokenizer.boi_id, tokenizer.eoi_id, tokenizer.image_query_ids)
    segments: list[KVSegment] = []
    turn_rule = MemoryPolicy(policy="dense")
    for panel, caption in enumerate(CAPTIONS):
        if window is not None and panel > window:
            break  # evicted rows move the positions, which a mask alone does not
        ids = [*([tokenizer.bos_id] if panel == 0 else []), *tokenizer.encode_text(caption)]
        context = assemble(model.decoder, segments, turn_rule, room=80)
        base = context.num_rows
        decode.read_text(model, context, ids)
        asked = decode.query_image(model, context, marks)
        assert torch.allclose(asked[0], regressed[panel], atol=2e-5)
        context.truncate(base)
        shown, separator = features[panel : panel + 1], tokenizer.encode_text(SEPARATOR)
        segments.append(decode.read_back(model, context, ids, shown, marks, separator))


def test_queries_are_seen_by_nothing_else(tokenizer: StoryTokenizer) -> None:
    row = pack(tokenizer, SEPARATOR, CAPTIONS, [""] * 4)
    mask = attention_mask(row)
    query_of = torch.tensor(row.query_of)
    for panel in range(4):
        own = query_of == panel
        assert not mask[~own][:, own].any()
        assert mask[own][:, own].equal(torch.ones(16, 16, dtype=torch.bool).tril())


def test_queries_and_the_image_read_back_stand_at_the_same_positions(
    tokenizer: StoryTokenizer,
) -> None:
    row = pack(tokenizer, SEPARATOR, CAPTIONS, [""] * 4)
    positions = torch.tensor(row.positions)
    for panel in range(4):
        asked = positions[torch.tensor(row.query_of) == panel]
        read = positions[torch.tensor(row.image_of) == panel]
        assert asked.equal(read)
    story = positions[torch.tensor(row.query_of) < 0]
    assert story.equal(torch.arange(len(story)))


def test_labels_are_the_next_story_token(tokenizer: StoryTokenizer) -> None:
    row = pack(tokenizer, SEPARATOR, CAPTIONS, [""] * 4, ends=True)
    story = [i for i, query in enumerate(row.query_of) if query < 0]
    for here, after in zip(story, story[1:], strict=False):
        label = row.labels[here]
        assert label in (IGNORED, row.ids[after])
        is_text = row.image_of[after] < 0 and row.ids[after] != tokenizer.eoi_id
        assert (label != IGNORED) == is_text
    assert row.labels[story[-1]] == tokenizer.eos_id


def test_a_readers_words_carry_no_language_loss(tokenizer: StoryTokenizer) -> None:
    given = "Mina found"
    row = pack(tokenizer, SEPARATOR, CAPTIONS, [given, "", "", ""])
    num_given = len(tokenizer.encode_text(given))
    assert row.labels[:num_given] == [IGNORED] * num_given
    assert row.labels[num_given] == row.ids[num_given + 1]


def test_an_image_without_words_is_read_but_not_asked_for(tokenizer: StoryTokenizer) -> None:
    row = pack(tokenizer, SEPARATOR, ["", *CAPTIONS[1:]], [""] * 4)
    assert row.regress == [False, True, True, True]
    assert row.ids[0] == tokenizer.bos_id
    assert row.ids[1] == tokenizer.boi_id
    assert row.labels[0] == IGNORED


def test_an_evicted_panel_is_seen_through_its_sinks_only(tokenizer: StoryTokenizer) -> None:
    row = pack(tokenizer, SEPARATOR, CAPTIONS, [""] * 4)
    mask = attention_mask(row, MemoryPolicy(policy="multimodal_attention_sink", window_panels=1))
    last = torch.tensor(row.panel_of) == 3
    first = [i for i in range(len(row.ids)) if row.panel_of[i] == 0 and row.query_of[i] < 0]
    seen = [i for i in first if mask[last][:, i].any()]
    span = row.spans[0]
    rows = [row.story_row[i] for i in seen]
    expected = {0, 1, 2, 3}
    expected |= set(range(span.boi - 4, span.boi + 8)) | set(range(span.eoi - 8, span.eoi + 1))
    assert rows == sorted(expected)


def test_words_without_images_stand_where_they_stand_beside_them(
    tokenizer: StoryTokenizer,
) -> None:
    readers = ["", "The wind", "", ""]
    full, bare = (
        pack(
            *(tokenizer, SEPARATOR, CAPTIONS, readers),
            gap_before=2,
            gap=50,
            ends=True,
            with_images=with_images,
        )
        for with_images in (True, False)
    )
    words = [i for i in range(len(full.ids)) if full.query_of[i] < 0 and full.image_of[i] < 0]
    for name in ("ids", "positions", "labels", "panel_of"):
        both = getattr(full, name), getattr(bare, name)
        assert [both[0][i] for i in words] == both[1]
    assert not any(bare.regress)


@torch.no_grad()
def test_reading_words_alone_looks_across_the_places_of_images(
    model: StoryLM, tokenizer: StoryTokenizer
) -> None:
    def last_state(captions: list[str]) -> torch.Tensor:
        row = pack(tokenizer, SEPARATOR, captions, [""] * 4, with_images=False)
        batch = collate([row], tokenizer.pad_id)
        return read_words(model, batch)[0, -1]

    changed = ["Mina lost a kite.", *CAPTIONS[1:]]
    assert not torch.allclose(last_state(CAPTIONS), last_state(changed), atol=1e-4)


@torch.no_grad()
def test_padding_changes_nothing_that_is_read(model: StoryLM, tokenizer: StoryTokenizer) -> None:
    rows = [
        pack(tokenizer, SEPARATOR, captions, [""] * len(captions), with_images=False)
        for captions in (CAPTIONS[:2], CAPTIONS)
    ]
    together = read_words(model, collate(rows, tokenizer.pad_id))
    for index, row in enumerate(rows):
        size = len(row.ids)
        batch = collate([row], tokenizer.pad_id)
        alone = read_words(model, {name: part[:, :size] for name, part in batch.items()})[0]
        assert torch.allclose(together[index, :size], alone, atol=1e-5)


def test_a_hint_stands_before_its_caption_and_carries_no_loss(tokenizer: StoryTokenizer) -> None:
    hint = "they meet the owl"
    plain = pack(tokenizer, SEPARATOR, CAPTIONS, [""] * 4)
    hinted = pack(tokenizer, SEPARATOR, CAPTIONS, [""] * 4, hints=["", hint, "", ""])
    ids = tokenizer.encode_hint(hint)
    start = plain.spans[0].end + len(tokenizer.encode_text(SEPARATOR))
    story = [i for i in range(len(hinted.ids)) if hinted.query_of[i] < 0]
    assert [hinted.ids[i] for i in story[start : start + len(ids)]] == ids
    learned = [label for label in hinted.labels if label != IGNORED]
    assert learned == [label for label in plain.labels if label != IGNORED]


def test_a_window_from_the_middle_does_not_begin_as_a_story_does(
    tokenizer: StoryTokenizer,
) -> None:
    separator = tokenizer.encode_text(SEPARATOR)
    first, later = (
        pack(tokenizer, SEPARATOR, CAPTIONS, [""] * 4, from_middle=from_middle)
        for from_middle in (False, True)
    )
    assert first.ids[0] == later.ids[0] == tokenizer.bos_id
    assert later.ids[1 : 1 + len(separator)] == separator
    assert first.ids[1:] == later.ids[1 + len(separator) :]


def story(num_panels: int, shared: int = 0) -> StreamStory:
    captions = tuple(f"Page {number}." for number in range(num_panels))
    nothing = ("",) * num_panels
    return StreamStory("s", (), captions, nothing, nothing, shared=shared)


def test_windows_of_a_branch_hold_what_is_its_own(tokenizer: StoryTokenizer) -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        row, first = cut_window(tokenizer, SEPARATOR, story(20, shared=15), rng)
        assert first + len(row.spans) > 16


def test_some_windows_have_a_panel_whose_words_are_lost(tokenizer: StoryTokenizer) -> None:
    rng = np.random.default_rng(0)
    rows = [cut_window(tokenizer, SEPARATOR, story(8), rng)[0] for _ in range(200)]
    mute = [row.regress.index(False) for row in rows if False in row.regress]
    assert 20 < len(mute) < 60
    assert 0 in mute and any(panel > 0 for panel in mute)


def test_the_data_set_says_what_weighs_more(tokenizer: StoryTokenizer) -> None:
    def weigh(caption: str) -> list[tuple[range, float]]:
        start = caption.find("kite")
        return [(range(start, start + 4), 3.0)] if start >= 0 else []

    row = pack(tokenizer, SEPARATOR, CAPTIONS, [""] * 4, weigh=weigh)
    heavy = [label for label, w in zip(row.labels, row.weights, strict=True) if w == 3.0]
    assert tokenizer.decode_text(heavy).strip() == "kite"
    assert set(pack(tokenizer, SEPARATOR, CAPTIONS, [""] * 4).weights) == {1.0}


def test_what_weighs_more_counts_more_in_the_loss() -> None:
    scores = torch.tensor([[2.0, 0.0], [0.0, 0.0]])
    labels = torch.tensor([0, 0])
    even, figures = next_token_loss(scores, labels, torch.ones(2))
    heavy, same = next_token_loss(scores, labels, torch.tensor([1.0, 3.0]))
    assert float(heavy) > float(even)
    assert figures["lm_loss"] == same["lm_loss"] == pytest.approx(float(even))


def test_batches_hold_windows_of_one_length_and_every_story_once(tokenizer: StoryTokenizer) -> None:
    stories = [
        StreamStory(f"{count}", (), ("It rained.",) * count, ("",) * count, ("",) * count)
        for count in range(1, 10)
    ] * 16
    stage = LanguageStage.__new__(LanguageStage)  # its windows need no model
    stage.tokenizer, stage.weigh = tokenizer, None
    stage.config = load_config(None)
    seen: list[int] = []
    tokens, places = 0, 0
    for number in range(9):
        windows = stage.windows(stories, number, 2, seed=1, with_images=False)
        again = stage.windows(stories, number, 2, seed=1, with_images=False)
        assert [row.ids for _, row, _ in windows] == [row.ids for _, row, _ in again]
        seen += [story for story, _, _ in windows]
        lengths = [len(row.ids) for _, row, _ in windows]
        tokens, places = tokens + sum(lengths), places + 2 * max(lengths)
    assert len(set(seen)) == 18
    assert tokens > 0.9 * places
