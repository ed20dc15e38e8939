"""Which rows of a story stay in the language model's context: pure functions over positions.

A story is a row of panels: caption, picture, caption, picture … Before a panel is written, a policy
chooses which rows of the earlier panels the model still sees. Nothing is cut here: a context is
assembled from the chosen rows and the panels' segments stay whole (see `kv.py`).

Positions count from the beginning of the story; a picture lies between its begin mark `boi` and its
end mark `eoi`, both included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Policy = Literal["dense", "window", "attention_sink", "multimodal_attention_sink"]


@dataclass(frozen=True)
class SinkRule:
    """How a story forgets.

    Attributes:
        policy: `dense` keeps everything. `window` keeps the recent panels. `attention_sink` adds
            the first positions (StreamingLLM). `multimodal_attention_sink` also keeps the rows
            around the begin and end marks of every evicted picture.
        window_panels: Recent panels kept whole.
        sink_positions: Rows kept at the very beginning of the story.
        before_boi: Rows kept before an evicted picture's begin mark.
        after_boi: Rows kept from the begin mark on, the mark included.
        before_eoi: Rows kept before an evicted picture's end mark.
        after_eoi: Rows kept from the end mark on, the mark included.

    Source: SEED-Story (arXiv:2407.08683), section 3.4; StreamingLLM (arXiv:2309.17453).
    """

    policy: Policy = "multimodal_attention_sink"
    window_panels: int = 8
    sink_positions: int = 4
    before_boi: int = 4
    after_boi: int = 8
    before_eoi: int = 8
    after_eoi: int = 4


@dataclass(frozen=True)
class PanelSpan:
    """Where one panel lies in its story: rows `[start, end)`, marks at `boi` and `eoi`."""

    start: int
    boi: int
    eoi: int
    end: int


def kept_ranges(spans: Sequence[PanelSpan], rule: SinkRule) -> list[range]:
    """Choose the rows that the next turn sees.

    With `n` pictures, the oldest `n - window_panels` are evicted. Kept are all rows after the last
    evicted picture and, before that, what the policy says; ranges never overlap and ascend.

    Args:
        spans: The panels of the path so far, in order.
        rule: The policy and its counts.

    Returns:
        Disjoint ascending ranges of absolute positions.
    """
    if not spans:
        return []
    total = spans[-1].end
    evicted = spans[: max(0, len(spans) - rule.window_panels)]
    if rule.policy == "dense" or not evicted:
        return [range(total)]
    window_start = evicted[-1].eoi + 1
    wanted = []
    if rule.policy != "window":
        wanted.append((0, rule.sink_positions))
    if rule.policy == "multimodal_attention_sink":
        for span in evicted:
            wanted.append((span.boi - rule.before_boi, span.boi + rule.after_boi))
            wanted.append((span.eoi - rule.before_eoi, span.eoi + rule.after_eoi))
    wanted.append((window_start, total))
    return _merge(wanted, total)


def _merge(wanted: list[tuple[int, int]], total: int) -> list[range]:
    merged: list[range] = []
    for start, stop in sorted((max(0, start), min(stop, total)) for start, stop in wanted):
        if start >= stop:
            continue
        if merged and start <= merged[-1].stop:
            merged[-1] = range(merged[-1].start, max(merged[-1].stop, stop))
        else:
            merged.append(range(start, stop))
    return merged
