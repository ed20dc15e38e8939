"""Memory policies: they choose the rows of a story that the language model sees.

A story is a sequence of panels: caption, image, caption, image … Before a panel is written, a
policy chooses the rows of the earlier panels that stay in the context. Policies are pure functions
of positions: a context is assembled from the chosen rows, which segments hold (see `kv.py`).

Positions count from the story's start; an image extends from `boi` to `eoi`, both included.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seedstory_core.config import MemoryConfig
from seedstory_core.config.fields import check_one_of, check_settings


@dataclass(frozen=True)
class MemoryPolicy(MemoryConfig):
    """A memory policy with its counts and the panels that its reader pinned.

    Raises:
        ValueError: The policy is unknown or a count is out of range.

    Source: SEED-Story (arXiv:2407.08683), section 3.4; StreamingLLM (arXiv:2309.17453).
    """

    pinned_panels: tuple[int, ...] = ()
    """Panels, counted from 0 along the path, that are never evicted."""

    def __post_init__(self) -> None:
        """Refuse unknown policies and counts out of range."""
        check_settings("", self, ValueError)
        if min(self.pinned_panels, default=0) < 0:
            raise ValueError(f"pinned_panels is {self.pinned_panels}; each must be 0 or more.")
        if self.policy not in POLICIES:
            raise ValueError(f"policy is '{self.policy}'; it must be one of {', '.join(POLICIES)}.")


def configured(config: MemoryConfig) -> MemoryPolicy:
    """Return the policy of a configuration.

    Raises:
        ConfigError: The policy is unknown.
    """
    check_one_of("memory.policy", config.policy, list(POLICIES))
    return MemoryPolicy(**dataclasses.asdict(config))


def policy_from(record: Any, otherwise: MemoryPolicy) -> MemoryPolicy:
    """Read a saved policy: missing fields come from `otherwise`, for a damaged one all of them."""
    if not isinstance(record, Mapping):
        return otherwise
    known = {
        field.name: record[field.name]
        for field in dataclasses.fields(MemoryPolicy)
        if field.name in record
    }
    try:
        pinned = tuple(int(number) for number in known.pop("pinned_panels", ()))
        for name, value in known.items():
            if type(value) is not type(getattr(otherwise, name)):
                return otherwise  # 2.5 is in range, but no number of panels
        return dataclasses.replace(otherwise, pinned_panels=pinned, **known)
    except (TypeError, ValueError, OverflowError):
        return otherwise


POLICY_CHOICE = "What the storyteller remembers of this story"
"""Name of the choice among the policies, for readers."""
SLACK = 1.25
"""Rows that a capped policy may show later, as a multiple of `max_rows`."""


@dataclass(frozen=True)
class PanelSpan:
    """Positions of one panel in its story: rows `[start, end)`, BOI at `boi`, EOI at `eoi`."""

    start: int
    boi: int
    eoi: int
    end: int


def growth_note(policy: MemoryPolicy, num_rows: int) -> str:
    """Return what a reader should know about a policy whose rows grow with the story, else ''.

    Args:
        policy: The memory policy.
        num_rows: Rows that the next turn of the story sees.
    """
    if num_rows > policy.max_rows:
        return (
            f"The storyteller now looks at {num_rows:,} pieces of this story at once, and it can "
            f"keep about {policy.max_rows:,} apart. Its words may turn to nonsense from here on. "
            f"Choose “{next(iter(POLICIES.values())).label}” under “{POLICY_CHOICE}”."
        )
    if POLICIES[policy.policy].grows:
        return (
            f"With this choice the storyteller looks at more and more of the story: "
            f"{num_rows:,} pieces now, and beyond about {policy.max_rows:,} its words turn to "
            "nonsense. A warning will stand under the page."
        )
    return ""


def select_rows(spans: Sequence[PanelSpan], policy: MemoryPolicy) -> list[range]:
    """Choose the rows that the next turn sees.

    Args:
        spans: Positions of the path's panels, in order.
        policy: The memory policy.

    Returns:
        Disjoint ascending ranges of positions.
    """
    return POLICIES[policy.policy].rows(spans, policy) if spans else []


def rows_by_panel(spans: Sequence[PanelSpan], policy: MemoryPolicy) -> list[tuple[int, range]]:
    """Return the rows that the next turn sees, panel by panel: its number and rows of its own."""
    return _by_panel(spans, select_rows(spans, policy))


def later_rows_by_panel(
    spans: Sequence[PanelSpan], policy: MemoryPolicy
) -> list[tuple[int, range]]:
    """Return the rows that the next turn or a later one may see, as `rows_by_panel` does."""
    choose = POLICIES[policy.policy].later or POLICIES[policy.policy].rows
    return _by_panel(spans, choose(spans, policy) if spans else [])


def _by_panel(spans: Sequence[PanelSpan], chosen: Sequence[range]) -> list[tuple[int, range]]:
    starts = [span.start for span in spans]
    kept = []
    for rows in chosen:
        number = bisect_right(starts, rows.start) - 1
        while number < len(spans) and spans[number].start < rows.stop:
            start, stop = max(rows.start, starts[number]), min(rows.stop, spans[number].end)
            if start < stop:
                kept.append((number, range(start - starts[number], stop - starts[number])))
            number += 1
    return kept


def _dense(spans: Sequence[PanelSpan], policy: MemoryPolicy) -> list[range]:
    """Keep everything."""
    return [range(spans[-1].end)]


def _window(spans: Sequence[PanelSpan], policy: MemoryPolicy) -> list[range]:
    """Keep all rows after the last evicted image, and the pinned panels."""
    return _keep(spans, policy, policy.window_panels, positions=0)


def _attention_sink(spans: Sequence[PanelSpan], policy: MemoryPolicy) -> list[range]:
    """Keep the window and the first positions, as in StreamingLLM."""
    return _keep(spans, policy, policy.window_panels)


def _multimodal(spans: Sequence[PanelSpan], policy: MemoryPolicy) -> list[range]:
    """Keep those of `_attention_sink` and the rows around BOI and EOI of every evicted image."""
    return _keep(spans, policy, policy.window_panels, sinks=spans[: -policy.window_panels])


def _capped_multimodal(spans: Sequence[PanelSpan], policy: MemoryPolicy) -> list[range]:
    """Keep those of `_multimodal`, for as many evicted images as `max_rows` has room for.

    If the window alone has more rows, its oldest panels are evicted too. The newest panel and the
    pinned ones always stay, even if they exceed the cap.
    """
    num_windowed = min(policy.window_panels, len(spans))
    while num_windowed > 1 and _count(_keep(spans, policy, num_windowed)) > policy.max_rows:
        num_windowed -= 1
    sinks: list[PanelSpan] = []
    kept = _keep(spans, policy, num_windowed)
    for span in _most_wanted(spans[:-num_windowed]):
        more = _keep(spans, policy, num_windowed, sinks=[*sinks, span])
        if _count(more) > policy.max_rows:
            break
        kept, sinks = more, [*sinks, span]
    return kept


def _capped_multimodal_later(spans: Sequence[PanelSpan], policy: MemoryPolicy) -> list[range]:
    """Keep the whole window, and the sinks that would fit if the window took no rows.

    How many sinks `_capped_multimodal` has room for depends on the captions in the window, so some
    that are out of view now come back after shorter ones. `SLACK` is for neighbouring images, whose
    rows overlap more or less.
    """
    pinned = [(spans[p].start, spans[p].end) for p in policy.pinned_panels if p < len(spans)]
    always = [(0, policy.sink_positions), *pinned]
    around: list[tuple[int, int]] = []
    sinks = []
    for span in _most_wanted(spans[: -policy.window_panels]):
        around += _around_marks(span, policy)
        if _count(_merge([*always, *around], spans[-1].end)) > SLACK * policy.max_rows:
            break
        sinks.append(span)
    return _keep(spans, policy, policy.window_panels, sinks=sinks)


@dataclass(frozen=True)
class Policy:
    """A rule for choosing rows.

    Attributes:
        label: What stays, in words for the reader.
        rows: Chooses the rows that the next turn sees.
        is_capped: Whether `max_rows` limits them.
        later: Chooses the rows that the next turn or a later one of the same path may see; None if
            no row comes back into view once it is out of it.
        grows: Whether the rows grow with the story, in the end beyond what the model learned to
            keep apart.
    """

    label: str
    rows: Callable[[Sequence[PanelSpan], MemoryPolicy], list[range]]
    is_capped: bool = False
    later: Callable[[Sequence[PanelSpan], MemoryPolicy], list[range]] | None = None
    grows: bool = False


POLICIES: dict[str, Policy] = {
    "capped_multimodal_attention_sink": Policy(
        "As much as there is room for: beginning, pictures, last pages",
        _capped_multimodal,
        is_capped=True,
        later=_capped_multimodal_later,
    ),
    "multimodal_attention_sink": Policy(
        "The beginning, every picture in short, the last pages (not for long tales)",
        _multimodal,
        grows=True,
    ),
    "attention_sink": Policy("The first words and the last pages", _attention_sink),
    "window": Policy("The last pages", _window),
    "dense": Policy("Everything (for short tales only)", _dense, grows=True),
}
"""All policies by name, in the order of the page; a new one is added here only."""


Rows = tuple[range, ...]
"""Disjoint ascending ranges of rows."""


def merge(rows: Iterable[range]) -> Rows:
    """Return the same rows as disjoint ascending ranges, without empty ones."""
    ends = [(one.start, one.stop) for one in rows]
    return tuple(_merge(ends, max((stop for _, stop in ends), default=0)))


def overlap(one: Rows, other: Rows) -> Rows:
    """Return the rows that two lots of ranges have in common."""
    both = (range(max(a.start, b.start), min(a.stop, b.stop)) for a in one for b in other)
    return merge(both)


def _keep(
    spans: Sequence[PanelSpan],
    policy: MemoryPolicy,
    num_windowed: int,
    *,
    sinks: Sequence[PanelSpan] = (),
    positions: int | None = None,
) -> list[range]:
    """Return the first `positions`, the pinned panels, the sinks and the last `num_windowed`."""
    total = spans[-1].end
    start = spans[-num_windowed - 1].eoi + 1 if num_windowed < len(spans) else 0
    pinned = [(spans[p].start, spans[p].end) for p in policy.pinned_panels if p < len(spans)]
    around = [piece for span in sinks for piece in _around_marks(span, policy)]
    first = policy.sink_positions if positions is None else positions
    return _merge([(0, first), *pinned, *around, (start, total)], total)


def _around_marks(span: PanelSpan, policy: MemoryPolicy) -> tuple[tuple[int, int], tuple[int, int]]:
    return (
        (span.boi - policy.before_boi, span.boi + policy.after_boi),
        (span.eoi - policy.before_eoi, span.eoi + policy.after_eoi),
    )


def _most_wanted(evicted: Sequence[PanelSpan]) -> list[PanelSpan]:
    """Return evicted panels in the order in which the capped policy keeps their sinks.

    Alternately from both ends: the story's first panels, as is the idea of sinks, and those evicted
    last. The first half of the kept rows thus stays in place from turn to turn.
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
