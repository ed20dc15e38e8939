"""Shared by all drawings of things: the `Shape`, and flames, cracks, leaves and the like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from storyworld.drawing.pen import INK, Pen, Point

DARK = "3b2a3a"
"""Colour inside open things and behind holes."""
WOOD, WOOD_DARK = "b8743a", "7d4a20"
GOLD = "f7b718"
LEAF = "58b947"
STEM = "3f9a3f"


@dataclass(frozen=True)
class Shape:
    """The drawing of one thing in one state, and where a hand holds it.

    Attributes:
        width: Width at scale 1, with the outline and without a glow around it.
        height: Likewise.
        grip: Position of one hand, from the centre of the drawing.
        draw: Draws it around (0, 0) at scale 1.
    """

    width: float
    height: float
    grip: Point
    draw: Callable[[Pen], None]


Shapes = dict[tuple[str, str], Shape]
"""By kind and state."""


def around(
    left: float,
    top: float,
    right: float,
    bottom: float,
    draw: Callable[[Pen], None],
    grip: Point,
) -> Shape:
    """Return a shape whose drawing fills a box; box and `grip` are in the drawing's own units."""
    x, y = (left + right) / 2, (top + bottom) / 2

    def centred(pen: Pen) -> None:
        with pen.moved(-x, -y):
            draw(pen)

    return Shape(right - left, bottom - top, (grip[0] - x, grip[1] - y), centred)


def flame(pen: Pen, x: float, y: float, size: float) -> None:
    """A flame that stands on (x, y) and is `size` high."""
    pen = pen.unlit()
    unit = size / 20
    with pen.moved(x, y, scale=unit):
        outer = (
            "M 1 -20 Q 9 -9 8 -4 Q 7 0 0 0 Q -7 0 -8 -5 Q -8 -9 -5 -12 Q -4 -9 -3 -9 "
            "Q 0 -13 1 -20 Z"
        )
        pen.shape(outer, "ff8a1f", line=min(pen.line, 2.0) / unit)
        pen.shape("M 1 -12 Q 6 -6 5 -3 Q 4 -1 0 -1 Q -4 -1 -5 -4 Q 0 -6 1 -12 Z", "ffe04a", line=0)


def smoke(pen: Pen, x: float, y: float, size: float = 14) -> None:
    """A thin curl of smoke that rises from (x, y)."""
    unit = size / 14
    curl = f"M {x} {y} Q {x + 5 * unit} {y - 4 * unit} {x} {y - 7 * unit} "
    curl += f"Q {x - 5 * unit} {y - 10 * unit} {x + 1 * unit} {y - 14 * unit}"
    pen.stroke(curl, 5.2, "77727f")
    pen.stroke(curl, 2.6, "d6d4dc")


def crack(pen: Pen, path: str, width: float = 1.9) -> None:
    """A jagged dark line."""
    pen.stroke(path, width, INK)


def leaf(pen: Pen, x: float, y: float, angle: float, length: float, fill: str = LEAF) -> None:
    """A pointed leaf from its stalk at (x, y); 0 degrees points right, negative ones upwards."""
    half = length * 0.3
    with pen.moved(x, y, angle=angle):
        path = f"M 0 0 Q {length * 0.45} {-half * 1.7} {length} 0 "
        path += f"Q {length * 0.45} {half * 1.7} 0 0 Z"
        pen.shape(path, fill, line=min(pen.line, 2.0))
        pen.stroke(f"M {length * 0.2} 0 L {length * 0.72} 0", 1.2, "2f7d36")


def crumbs(pen: Pen, fill: str, *places: Point) -> None:
    """Small round bits."""
    for x, y in places:
        pen.oval(x, y, 1.9, 1.7, fill, line=1.3)
