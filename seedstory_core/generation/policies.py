"""Which rows of a story stay in the language model's context: pure functions over positions.

A story is a row of panels: caption, picture, caption, picture … Before a panel is written, a policy
chooses which rows of the earlier panels the model still sees. Nothing is cut here: a context is
assembled from the chosen rows and the panels' segments stay whole (see `kv.py`).

Positions count from the beginning of the story; a picture lies between its begin mark `boi` and its
end mark `eoi`, both included.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seedstory_core.config import MemoryConfig
from seedstory_core.config.fields import check_one_of, check_settings


@dataclass(frozen=True)
class MemoryPolicy(MemoryConfig):
    """How a story forgets: the configured counts, and what its reader pinned.

    Raises:
        ValueError: A count is out of range.

    Source: SEED-Story (arXiv:2407.08683), section 3.4; StreamingLLM (arXiv:2309.17453).
    """

    pinned_panels: tuple[int, ...] = ()
    """Panels, counted from 0 along the path, that are never evicted."""

    def __post_init__(self) -> None:
        """Refuse counts out of range, and policies that there are not."""
        check_settings("", self, ValueError)
        if min(self.pinned_panels, default=0) < 0:
            raise ValueError(f"pinned_panels is {self.pinned_panels}; panels count from 0.")
        if self.policy not in POLICIES:
            raise ValueError(f"The policy is '{self.policy}'; there are {', '.join(POLICIES)}.")


def configured(config: MemoryConfig) -> MemoryPolicy:
    """The policy that a configuration names.

    Raises:
        ConfigError: There is no such policy.
    """
    check_one_of("memory.policy", config.policy, list(POLICIES))
    return MemoryPolicy(**dataclasses.asdict(config))


def policy_from(record: Any, otherwise: MemoryPolicy) -> MemoryPolicy:
    """Read a policy that was written down; what is missing or damaged is taken from another one."""
    if not isinstance(record, Mapping):
        return otherwise
    known = {
        field.name: record[field.name]
        for field in dataclasses.fields(MemoryPolicy)
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


def select_rows(spans: Sequence[PanelSpan], policy: MemoryPolicy) -> list[range]:
    """Choose the rows that the next turn sees.

    Args:
        spans: The panels of the path so far, in order.
        policy: The policy and its counts.

    Returns:
        Disjoint ascending ranges of absolute positions.
    """
    return POLICIES[policy.policy].rows(spans, policy) if spans else []


def _dense(spans: Sequence[PanelSpan], policy: MemoryPolicy) -> list[range]:
    """Everything."""
    return [range(spans[-1].end)]


def _window(spans: Sequence[PanelSpan], policy: MemoryPolicy) -> list[range]:
    """All rows after the last evicted picture, and the pinned panels."""
    return _keep(spans, policy, policy.window_panels, positions=0)


def _attention_sink(spans: Sequence[PanelSpan], policy: MemoryPolicy) -> list[range]:
    """The window and the first positions, as in StreamingLLM."""
    return _keep(spans, policy, policy.window_panels)


def _multimodal(spans: Sequence[PanelSpan], policy: MemoryPolicy) -> list[range]:
    """Also the rows around the begin and end marks of every evicted picture."""
    return _keep(spans, policy, policy.window_panels, sinks=spans[: -policy.window_panels])


def _capped_multimodal(spans: Sequence[PanelSpan], policy: MemoryPolicy) -> list[range]:
    """The multimodal sink for as many evicted pictures as `max_rows` has room for.

    Panels also leave the window, the oldest first, where it alone has more rows. The newest panel
    and the pinned ones stay in any case, so who pins decides whether the cap holds.
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


@dataclass(frozen=True)
class Policy:
    """A way to forget.

    Attributes:
        label: What stays, in the reader's words.
        rows: Chooses them.
        is_capped: Whether `max_rows` bounds them.
    """

    label: str
    rows: Callable[[Sequence[PanelSpan], MemoryPolicy], list[range]]
    is_capped: bool = False


POLICIES: dict[str, Policy] = {
    "capped_multimodal_attention_sink": Policy(
        "As much as there is room for: beginning, pictures, last pages",
        _capped_multimodal,
        is_capped=True,
    ),
    "multimodal_attention_sink": Policy(
        "The beginning, every picture in short, the last pages", _multimodal
    ),
    "attention_sink": Policy("The first words and the last pages", _attention_sink),
    "window": Policy("The last pages", _window),
    "dense": Policy("Everything", _dense),
}
"""All policies by name, as the page offers them; the only place where one is added."""


def _keep(
    spans: Sequence[PanelSpan],
    policy: MemoryPolicy,
    num_windowed: int,
    *,
    sinks: Sequence[PanelSpan] = (),
    positions: int | None = None,
) -> list[range]:
    """Rows of so many last panels, of the first positions, of pinned panels and of some sinks."""
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
    """Evicted panels in the order in which a capped story keeps their sinks.

    From both ends: the story's beginning, which is what sinks are about, and what was forgotten
    last. Half of the kept rows stay where they are from turn to turn.
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
