"""Positions kept of a long story, by the paper's rule and by the released visualisation.

Both are followed on token ids, with a cache whose rows are their own absolute positions, as the
miniature's README describes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.helpers.plain_release import PlainTokens


def follow_long_story(
    tokens: PlainTokens, *, captions: list[str], num_img_tokens: int, window_size: int
) -> dict[str, Any]:
    """Positions kept turn by turn: a cache whose rows are their own absolute positions."""
    image = [tokens.boi, *([tokens.queries[0]] * num_img_tokens), tokens.eoi]
    ids, totals = [tokens.bos, *tokens.encode(captions[0])], []
    for caption in captions[1:]:
        ids += image + tokens.encode(caption)
        totals.append(len(ids))
    begins = [place for place, token in enumerate(ids) if token == tokens.boi]
    ends = [place for place, token in enumerate(ids) if token == tokens.eoi]
    kept = []
    for turn, total in enumerate(totals, 1):
        gone = max(0, turn - window_size)
        start = ends[gone - 1] + 1 if gone else 0
        wanted = {0, 1, 2, 3}
        for boi, eoi in zip(begins[:gone], ends[:gone], strict=True):
            wanted |= {*range(boi - 4, boi + 8), *range(eoi - 8, eoi + 4)}
        kept.append(
            {
                "turn": turn,
                "total_tokens": total,
                "images_in_context": turn,
                "images_evicted": gone,
                "window_start": start,
                "retained": [p for p in range(total) if p >= start or p in wanted],
            }
        )
    return {
        "window_size": window_size,
        "num_img_tokens": num_img_tokens,
        "turns": len(totals),
        "captions": captions,
        "image_spans_boi_eoi": [list(span) for span in zip(begins, ends, strict=True)],
        "context_length_per_turn": totals,
        "released": {
            "as_executed": list(released_turns(tokens, ids, totals, window_size, False)),
            "if_cache_were_carried": list(released_turns(tokens, ids, totals, window_size, True)),
        },
        "paper_semantics": kept,
    }


def released_turns(
    tokens: PlainTokens, ids: list[int], totals: list[int], window: int, is_carried: bool
) -> Iterator[dict[str, Any]]:
    """The visualisation's own bookkeeping, slice by slice, on the ids it has not cut off."""
    cut = 0
    cache: list[int] = []  # keys and values the last turn left behind
    sink: list[int] = []
    for turn, total in enumerate(totals, 1):
        old = totals[turn - 2] if turn > 1 else 0
        trimmed = ids[cut:total]
        assembled = cache if turn > 1 else None
        if trimmed.count(tokens.boi) > window:
            boi, eoi = trimmed.index(tokens.boi), trimmed.index(tokens.eoi)
            sink = (sink or cache[:4]) + cache[boi - 4 : boi + 8] + cache[eoi - 8 : eoi + 4]
            assembled = sink + cache[eoi + len(sink) + 1 :]
            cut, trimmed = cut + eoi + 1, trimmed[eoi + 1 :]
        context = (assembled or []) + list(range(old, total))
        executed = list(range(cut, total))
        entry = {
            "turn": turn,
            "kv_cache_head": len(trimmed) - (total - old) if turn > 1 else None,
            "sink_list": sink,
            "cache_assembled": assembled,
        }
        if is_carried:
            yield entry | {"context": context}
        else:
            marks = {
                f"{name}_in_input": [cut + at for at, t in enumerate(trimmed) if t == mark]
                for name, mark in (("boi", tokens.boi), ("eoi", tokens.eoi))
            }
            yield (
                entry
                | marks
                | {
                    "images_in_context": trimmed.count(tokens.boi),
                    "total_tokens": total,
                    "trimmed_input_start": cut,
                    "context_executed": executed,
                    "context_if_carried": None,
                }
            )
        cache = context if is_carried else executed
