"""The thirteen props, each drawn around its own centre.

A prop is at most 41 wide and 48 high at scale 1 and at least 33 wide, so that it stays above a
tenth of the image's width wherever it is. Where it goes is decided by `draw.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seedstory_core.data.draw_pen import Pen, Point


@dataclass(frozen=True)
class Prop:
    """How one prop looks and where a hand takes it.

    Attributes:
        width: Of the drawing, outline included.
        height: Likewise.
        grip: Where the hand goes, from the centre of the drawing.
        draw: Draws it around (0, 0) at scale 1.
    """

    width: float
    height: float
    grip: Point
    draw: Callable[[Pen], None]


def _ball(pen: Pen) -> None:
    pen.oval(0, 0, 16, 16, "e8382f", line=0)
    pen.shape("M -16 -4 Q 0 4 16 -4 L 16 4 Q 0 12 -16 4 Z", "ffffff", line=0)
    pen.shape("M -16 -4 Q 0 4 16 -4 L 16 4 Q 0 12 -16 4 Z", None, line=1.6)
    pen.oval(0, 0, 16, 16, None)
    pen.oval(-6, -9, 4, 3, "ffffff", line=0, alpha=0.85)


def _balloon(pen: Pen) -> None:
    pen.stroke("M 0 10 Q 5 15 0 21", 2.2)
    pen.polygon([(0, 8), (-5, 14), (5, 14)], "f0559e")
    pen.oval(0, -6, 16, 16, "ff6fb1")
    pen.oval(-6, -12, 3.5, 5, "ffffff", line=0, alpha=0.85)


def _book(pen: Pen) -> None:
    pen.polygon([(-18, -9), (0, -5), (18, -9), (18, 11), (0, 15), (-18, 11)], "2f62d0")
    pen.polygon([(-15, -13), (0, -8), (0, 9), (-15, 5)], "fffbe6", line=1.8)
    pen.polygon([(15, -13), (0, -8), (0, 9), (15, 5)], "fffbe6", line=1.8)
    for x in (-11, 4):
        slope = 2 if x < 0 else -2
        pen.stroke(f"M {x} {-6 - slope / 2} L {x + 7} {-6 + slope / 2}", 2, "8fa3c8")
        pen.stroke(f"M {x} {-slope / 2} L {x + 7} {slope / 2}", 2, "8fa3c8")


def _cake(pen: Pen) -> None:
    pen.box(-17, 0, 34, 16, "f6d3a0", corner=3)
    cream = "M -17 6 L -17 -3 Q -17 -7 -12 -7 L 12 -7 Q 17 -7 17 -3 L 17 6 Q 13 11 9 5 Q 4 12 0 5"
    pen.shape(cream + " Q -4 12 -9 5 Q -13 11 -17 6 Z", "ffffff")
    pen.box(-2.5, -15, 5, 9, "59b7f0", line=1.6)
    pen.shape("M 0 -22 Q 6 -16 0 -14 Q -6 -16 0 -22 Z", "ffb01f", line=1.4)
    for x in (-10, 10):
        pen.oval(x, -8, 4, 4, "e8384f", line=1.6)


def _lantern(pen: Pen) -> None:
    pen.unlit().glow(0, 3, 27, "ffe27a", 0.75)
    pen.stroke("M -8 -11 Q 0 -27 8 -11", 2.6)
    pen.box(-13, -8, 26, 24, "ffd83a", corner=4)
    pen.unlit().shape("M 0 -4 Q 9 7 0 12 Q -9 7 0 -4 Z", "fff6c4", line=0)
    pen.unlit().shape("M 0 1 Q 5 8 0 11 Q -5 8 0 1 Z", "ff9a2e", line=0)
    pen.box(-11, -14, 22, 7, "7a4d2b", corner=2)
    pen.box(-15, 14, 30, 7, "7a4d2b", corner=2)


def _umbrella(pen: Pen) -> None:
    pen.stroke("M 0 -12 L 0 16 Q 0 21 5 21 Q 9 21 9 16", 5.4)
    pen.stroke("M 0 -12 L 0 16 Q 0 21 5 21 Q 9 21 9 16", 2.2, "b5793f")
    canopy = "M -18 2 C -18 -26 18 -26 18 2 Q 12 -4 6 2 Q 0 -4 -6 2 Q -12 -4 -18 2 Z"
    pen.shape(canopy, "1fa9a0")
    pen.shape("M -6 2 C -7 -10 -4 -18 0 -19 C 4 -18 7 -10 6 2 Q 0 -4 -6 2 Z", "7fe0d4", line=1.6)
    pen.stroke("M 0 -19 L 0 -22", 3)


def _kite(pen: Pen) -> None:
    pen.stroke("M 2 8 Q -9 14 0 21", 2)
    for x, y, colour in ((-3, 13, "e8382f"), (-1, 20, "e8382f")):
        pen.polygon([(x - 5, y - 2), (x - 5, y + 4), (x + 5, y - 2), (x + 5, y + 4)], colour, 1.4)
    diamond = [(2, -22), (17, -7), (2, 9), (-15, -7)]
    pen.polygon(diamond, "ffd62e")
    pen.polygon([(2, -22), (17, -7), (2, -7)], "ff8a2b", line=0)
    pen.polygon([(2, 9), (-15, -7), (2, -7)], "ff8a2b", line=0)
    pen.stroke("M 2 -22 L 2 9 M -15 -7 L 17 -7", 1.8)
    pen.polygon(diamond, None)


def _apple(pen: Pen) -> None:
    apple = (
        "M 0 -7 C 5 -12 17 -11 17 2 C 17 11 8 18 0 15 C -8 18 -17 11 -17 2 C -17 -11 -5 -12 0 -7 Z"
    )
    pen.stroke("M 0 -7 Q 0 -13 4 -16", 3.6, "5a3a22")
    pen.shape("M 3 -12 Q 9 -20 17 -16 Q 12 -8 3 -12 Z", "58b947", line=1.8)
    pen.shape(apple, "e02a2a")
    pen.oval(-8, -2, 3, 5, "ffffff", line=0, alpha=0.85)


def _flower(pen: Pen) -> None:
    pen.stroke("M 0 0 Q 2 12 0 22", 6.4)
    pen.stroke("M 0 0 Q 2 12 0 22", 3, "3f9a3f")
    pen.shape("M 1 16 Q 5 6 14 8 Q 12 17 1 16 Z", "58b947", line=1.8)
    for x, y in ((0, -17), (10, -10), (6, 1), (-6, 1), (-10, -10)):
        pen.oval(x, y, 6.6, 6.6, "ffd21f")
    for x, y in ((0, -17), (10, -10), (6, 1), (-6, 1), (-10, -10)):
        pen.oval(x * 0.8, -7 + (y + 7) * 0.8, 5.6, 5.6, "ffd21f", line=0)
    pen.oval(0, -7, 6, 6, "d9682a", line=1.8)


def _drum(pen: Pen) -> None:
    pen.shape("M -17 -7 L -17 11 Q 0 21 17 11 L 17 -7 Z", "e0302f")
    pen.stroke("M -17 -4 L -8.5 14 L 0 0 L 8.5 14 L 17 -4", 2.4, "ffd23c")
    pen.shape("M -17 -7 L -17 11 Q 0 21 17 11 L 17 -7 Z", None)
    pen.oval(0, -7, 17, 7, "fff3dc")
    pen.stroke("M -3 -8 L -13 -17", 3, "8a5a2e")
    pen.stroke("M 5 -8 L 14 -17", 3, "8a5a2e")


def _boat(pen: Pen) -> None:
    pen.stroke("M 0 6 L 0 -20", 3.6, "6b4424")
    pen.shape("M 2 -20 L 2 2 L 17 2 Z", "ffffff")
    pen.shape("M -3 -15 L -3 2 L -14 2 Z", "cfe6f7")
    pen.shape("M -18 6 L 18 6 L 12 18 L -12 18 Z", "b8743a")
    pen.stroke("M -15 11 L 15 11", 2, "7d4a20")


def _key(pen: Pen) -> None:
    pen.stroke("M -4 0 L 16 0 M 8 0 L 8 8 M 15 0 L 15 9", 8.6)
    pen.oval(-9, 0, 10, 10, "f7b718")
    pen.stroke("M -2 0 L 16 0 M 8 0 L 8 8 M 15 0 L 15 9", 4, "f7b718")
    pen.oval(-9, 0, 4, 4, "fff3c4", line=2)


def _gift(pen: Pen) -> None:
    pen.box(-15, -4, 30, 21, "3fae4a", corner=2)
    pen.box(-18, -10, 36, 9, "56c75f", corner=2)
    pen.box(-4, -10, 8, 27, "ffe04a", line=1.6)
    pen.shape("M 0 -10 Q -16 -12 -11 -20 Q -3 -21 0 -10 Z", "ffe04a", line=2)
    pen.shape("M 0 -10 Q 16 -12 11 -20 Q 3 -21 0 -10 Z", "ffe04a", line=2)


SHAPES: dict[str, Prop] = {
    "ball": Prop(35, 35, (-10, 11), _ball),
    "balloon": Prop(35, 46, (0, 19), _balloon),
    "book": Prop(39, 31, (-14, 10), _book),
    "cake": Prop(37, 40, (-8, 16), _cake),
    "lantern": Prop(33, 43, (0, -19), _lantern),
    "umbrella": Prop(38, 46, (0, 11), _umbrella),
    "kite": Prop(35, 47, (-9, 0), _kite),
    "apple": Prop(37, 38, (-10, 12), _apple),
    "flower": Prop(35, 48, (0, 16), _flower),
    "drum": Prop(37, 38, (-15, 9), _drum),
    "boat": Prop(38, 42, (-10, 15), _boat),
    "key": Prop(41, 23, (-11, 3), _key),
    "gift": Prop(39, 41, (-12, 14), _gift),
}
"""By name; the colours agree with `world.PROP_COLOURS`."""
