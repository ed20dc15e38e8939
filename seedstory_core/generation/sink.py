"""Which rows of a story stay in the language model's context: pure functions over positions.

A story is a row of panels: caption, picture, caption, picture … Before a panel is written, a policy
chooses which rows of the earlier panels the model still sees. Nothing is cut here: a context is
assembled from the chosen rows and the panels' segments stay whole (see `kv.py`).

Positions count from the beginning of the story; a picture lies between its begin mark `boi` and its
end mark `eoi`, both included.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from seedstory_core.config import POLICIES

Policy = Literal[
    "dense",
    "window",
    "attention_sink",
    "multimodal_attention_sink",
    "capped_multimodal_attention_sink",
]
"""The same as `config.POLICIES`."""


@dataclass(frozen=True)
class SinkRule:
    """How a story forgets.

    Attributes:
        policy: `dense` keeps everything. `window` keeps the recent panels. `attention_sink` adds
            the first positions (StreamingLLM). `multimodal_attention_sink` also keeps the rows
            around the begin and end marks of every evicted picture. The capped one does so for as
            many of them as `max_rows` allows, and is the same rule until it is full.
        window_panels: Recent panels kept whole.
        sink_positions: Rows kept at the very beginning of the story.
        before_boi: Rows kept before an evicted picture's begin mark.
        after_boi: Rows kept from the begin mark on, the mark included.
        before_eoi: Rows kept before an evicted picture's end mark.
        after_eoi: Rows kept from the end mark on, the mark included.
        max_rows: Most rows that the capped policy keeps of a story of any length.
        pinned_panels: Panels, counted from 0 along the path, that are never evicted.

    Raises:
        ValueError: A count is negative, there is no window, or the policy is not known.

    Source: SEED-Story (arXiv:2407.08683), section 3.4; StreamingLLM (arXiv:2309.17453).
    """

    policy: Policy = "multimodal_attention_sink"
    window_panels: int = 8
    sink_positions: int = 4
    before_boi: int = 4
    after_boi: int = 8
    before_eoi: int = 8
    after_eoi: int = 4
    max_rows: int = 1024
    pinned_panels: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        counts = (
            self.sink_positions,
            self.before_boi,
            self.after_boi,
            self.before_eoi,
            self.after_eoi,
            *self.pinned_panels,
        )
        if self.policy not in POLICIES:
            raise ValueError(f"The policy is '{self.policy}'; there are {', '.join(POLICIES)}.")
        if min(counts) < 0 or self.window_panels < 1 or self.max_rows < 1:
            raise ValueError(f"{self} has a count that is too small.")


def rule_from(record: Any, otherwise: SinkRule) -> SinkRule:
    """Read a rule that was written down; what is missing or damaged is taken from another one."""
    if not isinstance(record, Mapping):
        return otherwise
    known = {
        field.name: record[field.name]
        for field in dataclasses.fields(SinkRule)
        if field.name in record
    }
    try:
        pinned = tuple(int(number) for number in known.pop("pinned_panels", ()))
        return dataclasses.replace(otherwise, pinned_panels=pinned, **known)
    except (TypeError, ValueError):
        return otherwise


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
    evicted picture and, before that, what the policy says and the pinned panels; ranges never
    overlap and ascend.

    Under the capped policy panels also leave the window, the oldest first, where it alone has more
    than `max_rows`. The newest panel and the pinned ones stay in any case, so who pins decides
    whether the cap holds.

    Args:
        spans: The panels of the path so far, in order.
        rule: The policy and its counts.

    Returns:
        Disjoint ascending ranges of absolute positions.
    """
    if not spans:
        return []
    total = spans[-1].end
    if rule.policy == "dense":
        return [range(total)]
    always = [(spans[p].start, spans[p].end) for p in rule.pinned_panels if p < len(spans)]
    if rule.policy != "window":
        always.append((0, rule.sink_positions))
    is_capped = rule.policy == "capped_multimodal_attention_sink"
    num_windowed = min(rule.window_panels, len(spans))

    def keep(num_windowed: int, sinks: Sequence[PanelSpan]) -> list[range]:
        start = spans[-num_windowed - 1].eoi + 1 if num_windowed < len(spans) else 0
        around = [piece for span in sinks for piece in _around_marks(span, rule)]
        return _merge([*always, *around, (start, total)], total)

    if not is_capped:
        has_sinks = rule.policy == "multimodal_attention_sink"
        return keep(num_windowed, spans[:-num_windowed] if has_sinks else [])
    while num_windowed > 1 and _count(keep(num_windowed, [])) > rule.max_rows:
        num_windowed -= 1
    sinks: list[PanelSpan] = []
    kept = keep(num_windowed, sinks)
    for span in _most_wanted(spans[:-num_windowed]):
        more = keep(num_windowed, [*sinks, span])
        if _count(more) > rule.max_rows:
            break
        kept, sinks = more, [*sinks, span]
    return kept


def _around_marks(span: PanelSpan, rule: SinkRule) -> tuple[tuple[int, int], tuple[int, int]]:
    return (
        (span.boi - rule.before_boi, span.boi + rule.after_boi),
        (span.eoi - rule.before_eoi, span.eoi + rule.after_eoi),
    )


def _most_wanted(evicted: Sequence[PanelSpan]) -> list[PanelSpan]:
    """Evicted panels in the order in which a capped story keeps their sinks.

    From both ends: the story's beginning, which is what sinks are about, and what was forgotten
    last. No order did better on held-out stories (docs/notebook.md, 13), and half of the kept rows
    stay where they are from turn to turn.
    """
    ends = (span for pair in zip(evicted, reversed(evicted), strict=True) for span in pair)
    return list(dict.fromkeys(ends))


def _count(ranges: Sequence[range]) -> int:
    return sum(len(rows) for rows in ranges)


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
