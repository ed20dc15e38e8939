"""What the next turn sees of a story: panel by panel, and token by token within one.

Source: SEED-Story (arXiv:2407.08683), section 3.4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from seedstory_core.generation.policies import MemoryPolicy, rows_by_panel
from seedstory_core.story.tree import Panel

if TYPE_CHECKING:
    from seedstory_core.engine import StoryEngine
    from seedstory_core.generation.kv import KVSegment

Sight = Literal["whole", "sink", "forgotten"]
"""All rows of a panel are seen, some, or none."""


@dataclass(frozen=True)
class PanelSight:
    """What the next turn sees of a panel."""

    panel_id: str
    num_rows: int
    num_seen: int
    is_pinned: bool = False

    @property
    def sight(self) -> Sight:
        """How much is seen."""
        if self.num_seen == self.num_rows:
            return "whole"
        return "sink" if self.num_seen else "forgotten"


@dataclass(frozen=True)
class Lens:
    """One panel as the next turn sees it.

    Attributes:
        words: The caption in runs of neighbouring tokens, each with whether they are seen.
        num_image_rows: Rows of the image, its begin and end marks included.
        num_image_seen: Those of them that are seen.
        row_bytes: Bytes of one row in all layers.
    """

    words: tuple[tuple[str, bool], ...]
    num_image_rows: int
    num_image_seen: int
    row_bytes: int


@dataclass(frozen=True)
class Outlook:
    """What a turn keeps in view.

    Attributes:
        num_rows: Rows of the whole path.
        row_bytes: Bytes of one row in all layers.
        seen: Rows in view by policy.
    """

    num_rows: int
    row_bytes: int
    seen: Mapping[str, int]


def look_over(
    path: Sequence[Panel],
    segments: Sequence[KVSegment],
    policy: MemoryPolicy,
) -> tuple[PanelSight, ...]:
    """Return what the turn after a path sees of each of its panels."""
    counts = [0] * len(path)
    for number, rows in _rows(segments, policy):
        counts[number] += len(rows)
    return tuple(
        PanelSight(panel.id, segment.num_rows, count, number in policy.pinned_panels)
        for number, (panel, segment, count) in enumerate(zip(path, segments, counts, strict=True))
    )


def look_ahead(segments: Sequence[KVSegment], policy: MemoryPolicy, num_more: int) -> int:
    """Return how many rows are seen after a path, and after more panels like its last one."""
    longer = [*segments, *list(segments[-1:]) * num_more]
    return sum(len(rows) for _, rows in _rows(longer, policy))


def look_into(
    engine: StoryEngine,
    number: int,
    token_ids: Sequence[int],
    segments: Sequence[KVSegment],
    policy: MemoryPolicy,
) -> Lens:
    """Return panel `number` of a path as the turn after the path sees it.

    Args:
        engine: The engine.
        number: The panel's number, from 0.
        token_ids: Tokens of its caption.
        segments: Segments of the path's panels; they need no rows.
        policy: The policy of the next turn.
    """
    segment = segments[number]
    seen = {row for panel, rows in _rows(segments, policy) if panel == number for row in rows}
    first = segment.boi - len(token_ids)  # after BOS and hint
    runs: list[tuple[list[int], bool]] = []
    for offset, token in enumerate(token_ids):
        is_seen = first + offset in seen
        # A token may end inside a character; the rest of it goes with it.
        inside = bool(runs) and engine.tokenizer.ends_inside_character(runs[-1][0])
        if runs and (runs[-1][1] == is_seen or inside):
            runs[-1][0].append(token)
        else:
            runs.append(([token], is_seen))
    words = []
    for index, (_, is_seen) in enumerate(runs):
        before = engine.tokenizer.decode([t for ids, _ in runs[:index] for t in ids])
        so_far = engine.tokenizer.decode([t for ids, _ in runs[: index + 1] for t in ids])
        words.append((so_far[len(before) :], is_seen))
    image = range(segment.boi, segment.eoi + 1)
    return Lens(
        words=tuple(words),
        num_image_rows=len(image),
        num_image_seen=len(seen.intersection(image)),
        row_bytes=row_bytes_of(engine),
    )


def row_bytes_of(engine: StoryEngine) -> int:
    """Return the bytes of one row in all layers."""
    from seedstory_core.generation.kv import row_bytes  # imports torch

    return row_bytes(engine.story_lm.decoder)


def _rows(segments: Sequence[KVSegment], policy: MemoryPolicy) -> Sequence[tuple[int, range]]:
    from seedstory_core.generation.kv import panel_spans  # imports torch

    return rows_by_panel(panel_spans(segments), policy)
