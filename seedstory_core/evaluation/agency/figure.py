"""A line of the agency table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image

from seedstory_core.evaluation.scores import Share, wilson


@dataclass
class Figure:
    """One line of the table.

    Attributes:
        name: What it says.
        value: Share with its interval, or None where `number` says it.
        number: A number that is no share.
        wanted: The goal, as it is printed.
        is_met: Whether the goal is reached.
        texts: What was told, to be read.
        images: What was painted, to be looked at.
    """

    name: str
    wanted: str
    is_met: bool
    value: Share | None = None
    number: float | None = None
    texts: list[str] = field(default_factory=list)
    images: list[Image.Image] = field(default_factory=list)

    def shown(self) -> str:
        """The figure as it is printed."""
        if self.value is None:
            return f"{self.number:.1f}"
        low, high = 100 * self.value.low, 100 * self.value.high
        return f"{100 * self.value.value:.1f} % ({low:.0f}–{high:.0f})"


def share(
    name: str,
    hits: Sequence[bool],
    least: float,
    texts: list[str],
    images: Sequence[Image.Image] = (),
) -> Figure:
    """How many of the inputs hit, which should be at least so many."""
    value = wilson(hits)
    goal = f"≥ {100 * least:.0f} %"
    return Figure(name, goal, value.value >= least, value, texts=texts, images=list(images))


def few(name: str, hits: Sequence[bool], most: float, texts: list[str]) -> Figure:
    """How many of the inputs hit, which should be at most so many."""
    value = wilson(hits)
    return Figure(name, f"≤ {100 * most:g} %", value.value <= most, value, texts=texts)
