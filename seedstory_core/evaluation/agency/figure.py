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
        name: Its meaning, as it is printed.
        value: Share with its interval, or None if the figure is `number`.
        number: A number that is no share.
        wanted: The goal, as it is printed.
        is_met: Whether the goal is reached.
        texts: The stories behind it, to be read.
        images: The images behind it, to be looked at.
    """

    name: str
    wanted: str
    is_met: bool
    value: Share | None = None
    number: float | None = None
    texts: list[str] = field(default_factory=list)
    images: list[Image.Image] = field(default_factory=list)

    def shown(self) -> str:
        """Return the figure as it is printed."""
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
    """Return the share of hits as a figure, with a lower bound as its goal."""
    value = wilson(hits)
    goal = f"≥ {100 * least:.0f} %"
    return Figure(name, goal, value.value >= least, value, texts=texts, images=list(images))


def few(name: str, hits: Sequence[bool], most: float, texts: list[str]) -> Figure:
    """Return the share of hits as a figure, with an upper bound as its goal."""
    value = wilson(hits)
    return Figure(name, f"≤ {100 * most:g} %", value.value <= most, value, texts=texts)
