"""Checks of the multimodal attention sink: the paper's contract, and the release's deviations.

The released visualisation assembles a cache of sinks and recent panels, and then generates without
it. The folder records the cache that it assembles, and the one that it would assemble if it used
the cache. `released` computes both, errors included; the studio follows the contract
(`generation/policies.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from seedstory_core.generation.policies import MemoryPolicy, PanelSpan, select_rows
from seedstory_core.weights.verify.comparison import Row, compare_exactly
from seedstory_core.weights.verify.folder import ReferenceFolder


def attention_sink(folder: ReferenceFolder) -> Iterator[Row]:
    """Check the kept positions in every turn of every recorded case."""
    for name, case in folder.document("attention_sink").items():
        if not isinstance(case, dict):
            continue
        yield compare_exactly(
            f"attention_sink.json: {name}, contract", contract(case), case["paper_semantics"]
        )
        for key, is_carried in (("as_executed", False), ("if_cache_were_carried", True)):
            own = released(case, is_carried=is_carried)
            yield compare_exactly(f"attention_sink.json: {name}, {key}", own, case["released"][key])


def contract(case: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the turns by our policy; `retained` includes the caption that is being written."""
    window = case["window_size"]
    policy = MemoryPolicy(policy="multimodal_attention_sink", window_panels=window)
    turns = []
    pairs = zip(case["image_spans_boi_eoi"], case["context_length_per_turn"], strict=True)
    spans: list[PanelSpan] = []
    for turn, ((boi, eoi), total) in enumerate(pairs, start=1):
        spans.append(PanelSpan(spans[-1].end if spans else 0, boi, eoi, eoi + 1))
        evicted = max(0, turn - window)
        kept = [row for rows in select_rows(spans, policy) for row in rows]
        turns.append(
            {
                "turn": turn,
                "total_tokens": total,
                "images_in_context": turn,
                "images_evicted": evicted,
                "window_start": spans[evicted].start,
                "retained": kept + list(range(spans[-1].end, total)),
            }
        )
    return turns


def released(case: dict[str, Any], *, is_carried: bool) -> list[dict[str, Any]]:
    """Return the turns of the released visualisation, errors included.

    Args:
        case: A recorded case.
        is_carried: Whether the next turn uses the assembled cache, which it does not as released.
    """
    images, totals = case["image_spans_boi_eoi"], case["context_length_per_turn"]
    turns: list[dict[str, Any]] = []
    sink: list[int] = []
    seen: list[int] = []  # positions of the rows that the previous turn saw
    start = oldest = 0  # where the window begins, and its first image
    for turn, total in enumerate(totals, start=1):
        cache: list[int] | None = None
        if turn > case["window_size"]:
            boi, eoi = (mark - start for mark in images[oldest])
            if not sink:
                sink = _rows(seen, 0, 4)
            sink = sink + _rows(seen, boi - 4, boi + 8) + _rows(seen, eoi - 8, eoi + 4)
            # An error: after the image, as many rows of the window are skipped as the sink has.
            cache = sink + seen[eoi + 1 + len(sink) :]
            start, oldest = images[oldest][1] + 1, oldest + 1
        elif turn > 1:
            cache = list(seen)
        fresh = list(range(totals[turn - 2] if turn > 1 else 0, total))
        carried = (cache or []) + fresh
        executed = list(range(start, total))
        inside = images[oldest:turn]
        if is_carried:
            entry = {"turn": turn, "cache_assembled": cache, "sink_list": sink, "context": carried}
        else:
            entry = {
                "turn": turn,
                "images_in_context": len(inside),
                "total_tokens": total,
                "trimmed_input_start": start,
                "context_executed": executed,
                "sink_list": sink,
                "cache_assembled": cache,
                "context_if_carried": None,
                "boi_in_input": [boi for boi, _ in inside],
                "eoi_in_input": [eoi for _, eoi in inside],
            }
        # The length that the cache should have; it does until the sinks outgrow the window.
        turns.append(entry | {"kv_cache_head": totals[turn - 2] - start if turn > 1 else None})
        seen = carried if is_carried else executed
    return turns


def _rows(seen: Sequence[int], start: int, stop: int) -> list[int]:
    """Slice as the released code does: with a negative start the result is empty."""
    return list(seen[start:stop]) if start >= 0 else []
