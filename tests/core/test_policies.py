"""Which rows stay: the contract of the multimodal attention sink."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedstory_core.config import MemoryConfig
from seedstory_core.errors import ConfigError
from seedstory_core.generation.policies import (
    POLICIES,
    MemoryPolicy,
    PanelSpan,
    configured,
    later_rows_by_panel,
    rows_by_panel,
    select_rows,
)


def rows(ranges: list[range]) -> list[int]:
    return [row for span in ranges for row in span]


def spans_of(captions: list[int], image_tokens: int) -> list[PanelSpan]:
    spans, start = [], 0
    for length in captions:
        boi = start + length
        eoi = boi + image_tokens + 1
        spans.append(PanelSpan(start, boi, eoi, eoi + 1))
        start = eoi + 1
    return spans


LENGTHS = st.lists(st.integers(1, 40), min_size=1, max_size=30)


@given(LENGTHS, st.integers(1, 70), st.integers(1, 12))
def test_ranges_ascend_without_overlap_and_hold_the_window(
    captions: list[int], image_tokens: int, window: int
) -> None:
    spans = spans_of(captions, image_tokens)
    for policy in ("window", "attention_sink", "multimodal_attention_sink"):
        rule = MemoryPolicy(policy=policy, window_panels=window)
        ranges = select_rows(spans, rule)
        for before, after in zip(ranges, ranges[1:], strict=False):
            assert before.stop < after.start
        recent = range(spans[-min(window, len(spans))].start, spans[-1].end)
        assert set(recent) <= set(rows(ranges))


@given(LENGTHS, st.integers(1, 70), st.integers(1, 12))
def test_policies_keep_more_and_more(captions: list[int], image_tokens: int, window: int) -> None:
    spans = spans_of(captions, image_tokens)
    kept = [
        set(rows(select_rows(spans, MemoryPolicy(policy=policy, window_panels=window))))
        for policy in ("window", "attention_sink", "multimodal_attention_sink", "dense")
    ]
    for fewer, more in zip(kept, kept[1:], strict=False):
        assert fewer <= more
    assert kept[-1] == set(range(spans[-1].end))


@pytest.mark.parametrize("policy", ["window", "attention_sink", "multimodal_attention_sink"])
def test_a_story_within_the_window_is_kept_whole(policy: str) -> None:
    spans = spans_of([30, 20, 25], 16)
    rule = MemoryPolicy(policy=policy, window_panels=3)
    assert select_rows(spans, rule) == [range(spans[-1].end)]


def test_a_short_first_caption_does_not_reach_before_the_story() -> None:
    spans = spans_of([1] * 12, 16)
    kept = rows(
        select_rows(spans, MemoryPolicy(policy="multimodal_attention_sink", window_panels=2))
    )
    assert kept[0] == 0
    assert kept == sorted(set(kept))


CAPPED = "capped_multimodal_attention_sink"


@given(LENGTHS, st.integers(1, 70), st.integers(1, 12), st.integers(1, 2000))
def test_a_capped_story_of_any_length_keeps_to_its_rows(
    captions: list[int], image_tokens: int, window: int, max_rows: int
) -> None:
    spans = spans_of(captions, image_tokens)
    rule = MemoryPolicy(policy=CAPPED, window_panels=window, max_rows=max_rows)
    kept = rows(select_rows(spans, rule))
    newest = spans[-1].end - spans[-1].start
    assert len(kept) <= max(max_rows, newest + rule.sink_positions)
    assert set(range(spans[-1].start, spans[-1].end)) <= set(kept)
    assert set(range(min(4, spans[-1].end))) <= set(kept)
    everything = rows(
        select_rows(spans, MemoryPolicy(policy="multimodal_attention_sink", window_panels=window))
    )
    assert set(kept) <= set(everything)
    if len(everything) <= max_rows:
        assert kept == everything


@given(LENGTHS, st.integers(1, 12), st.sets(st.integers(0, 29), max_size=3))
def test_pinned_panels_are_never_evicted(
    captions: list[int], window: int, pinned: set[int]
) -> None:
    spans = spans_of(captions, 16)
    for policy in POLICIES:
        rule = MemoryPolicy(policy=policy, window_panels=window, max_rows=100)
        with_pins = dataclasses.replace(rule, pinned_panels=tuple(sorted(pinned)))
        kept = set(rows(select_rows(spans, with_pins)))
        for number in pinned & set(range(len(spans))):
            assert set(range(spans[number].start, spans[number].end)) <= kept
        if policy != CAPPED:  # there a pinned panel may take the place of sinks
            assert set(rows(select_rows(spans, rule))) <= kept


@given(
    st.lists(st.integers(8, 40), min_size=2, max_size=60),
    st.integers(9, 70),
    st.integers(1, 8),
    st.integers(60, 600),
    st.sampled_from(list(POLICIES)),
    st.sets(st.integers(0, 59), max_size=2),
)
def test_what_no_later_turn_sees_never_comes_back_into_view(
    captions: list[int], image_tokens: int, window: int, most: int, name: str, pinned: set[int]
) -> None:
    spans = spans_of(captions, image_tokens)
    rule = MemoryPolicy(
        policy=name, window_panels=window, max_rows=most, pinned_panels=tuple(pinned)
    )
    kept: set[tuple[int, int]] = set()
    for number in range(1, len(spans) + 1):
        path = spans[:number]
        seen = {(n, row) for n, some in rows_by_panel(path, rule) for row in some}
        new = {(number - 1, row) for row in range(path[-1].end - path[-1].start)}
        assert seen <= kept | new
        later = {(n, row) for n, some in later_rows_by_panel(path, rule) for row in some}
        assert seen <= later
        kept = (kept | new) & later


def test_the_separator_behind_an_evicted_image_belongs_to_the_window() -> None:
    """As in the contract: everything from the position right after the end mark on."""
    spans = [PanelSpan(0, 10, 27, 30), PanelSpan(30, 40, 57, 60)]
    rule = MemoryPolicy(policy="window", window_panels=1)
    assert select_rows(spans, rule) == [range(28, 60)]


@pytest.mark.parametrize(
    "wrong", [{"policy": "wndow"}, {"window_panels": 0}, {"before_boi": -1}, {"max_rows": 0}]
)
def test_an_impossible_rule_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="wndow|must be from"):
        MemoryPolicy(**wrong)


def test_a_misspelt_policy_of_the_configuration_is_named() -> None:
    with pytest.raises(ConfigError, match=r"memory.policy is 'windw'.*Did you mean 'window'"):
        configured(MemoryConfig(policy="windw"))
