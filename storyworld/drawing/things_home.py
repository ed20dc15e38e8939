"""Things of the house: clothes, presents, lights and the contents of a room."""

from __future__ import annotations

from storyworld.drawing.pen import Pen
from storyworld.drawing.things_base import (
    DARK,
    GOLD,
    Shape,
    Shapes,
    around,
    crack,
    flame,
    smoke,
)


def _lantern(pen: Pen) -> None:
    pen.unlit().glow(0, 3, 27, "ffe27a", 0.75)
    pen.stroke("M -8 -11 Q 0 -27 8 -11", 2.6)
    pen.box(-13, -8, 26, 24, "ffd83a", corner=4)
    pen.unlit().shape("M 0 -4 Q 9 7 0 12 Q -9 7 0 -4 Z", "fff6c4", line=0)
    pen.unlit().shape("M 0 1 Q 5 8 0 11 Q -5 8 0 1 Z", "ff9a2e", line=0)
    pen.box(-11, -14, 22, 7, "7a4d2b", corner=2)
    pen.box(-15, 14, 30, 7, "7a4d2b", corner=2)


def _lantern_out(pen: Pen) -> None:
    pen.stroke("M -8 -11 Q 0 -27 8 -11", 2.6)
    pen.box(-13, -8, 26, 24, "6f7a8c", corner=4)
    pen.box(-9, -4, 4, 13, "a9b4c4", line=0, corner=2)
    pen.stroke("M 1 14 L 1 8 Q 1 5 3 4", 2.4)
    pen.box(-11, -14, 22, 7, "7a4d2b", corner=2)
    pen.box(-15, 14, 30, 7, "7a4d2b", corner=2)


def _candle_stand(pen: Pen) -> None:
    """The brass dish with its ring, and the red candle on it."""
    pen.arc(17, 15, 5, 5, 0, 359.9, 2.6 + 2 * min(pen.line, 2.0))
    pen.arc(17, 15, 5, 5, 0, 359.9, 2.4, GOLD)
    pen.shape("M -19 13 L 17 13 Q 15 21 6 21 L -8 21 Q -17 21 -19 13 Z", GOLD)
    pen.box(-8, -8, 14, 22, "e0302f", corner=2)
    pen.box(-5.4, -4, 3, 14, "ff7a6e", line=0, corner=1.5)
    pen.shape(
        "M -8 -6 Q -8 -10 -1 -10 Q 6 -10 6 -6 Q 5 0 2.5 -2 Q 0 -5 -3 -3 Q -6 -1 -8 -6 Z",
        "f7766b",
        1.6,
    )


def _candle(pen: Pen) -> None:
    pen.unlit().glow(-1, -16, 28, "ffe27a", 0.75)
    _candle_stand(pen)
    pen.stroke("M -1 -9 L -1 -13", 2)
    flame(pen, -1, -11, 17)


def _candle_out(pen: Pen) -> None:
    _candle_stand(pen)
    pen.stroke("M -1 -9 Q -1 -13 1 -14", 2.4)
    smoke(pen, 1, -17, 12)


def _umbrella(pen: Pen) -> None:
    pen.stroke("M 0 -12 L 0 16 Q 0 21 5 21 Q 9 21 9 16", 5.4)
    pen.stroke("M 0 -12 L 0 16 Q 0 21 5 21 Q 9 21 9 16", 2.2, "b5793f")
    canopy = "M -18 2 C -18 -26 18 -26 18 2 Q 12 -4 6 2 Q 0 -4 -6 2 Q -12 -4 -18 2 Z"
    pen.shape(canopy, "1fa9a0")
    pen.shape("M -6 2 C -7 -10 -4 -18 0 -19 C 4 -18 7 -10 6 2 Q 0 -4 -6 2 Z", "7fe0d4", line=1.6)
    pen.stroke("M 0 -19 L 0 -22", 3)


def _umbrella_broken(pen: Pen) -> None:
    pen.stroke("M 0 -4 L 0 16 Q 0 21 5 21 Q 9 21 9 16", 5.4)
    pen.stroke("M 0 -4 L 0 16 Q 0 21 5 21 Q 9 21 9 16", 2.2, "b5793f")
    pen.stroke("M 0 0 L -19 -21 M 0 0 L -6 -24 M 0 0 L 9 -23 M 0 0 L 20 -15", 2.2)
    pen.shape("M 0 0 C -10 -1 -17 -8 -19 -18 Q -13 -13 -6 -20 Q -2 -15 0 -10 L -3 -6 Z", "1fa9a0")
    pen.shape("M 0 0 L 1 -7 L 4 -11 L 6 -15 L 9 -19 Q 12 -13 20 -15 C 17 -6 10 -1 0 0 Z", "7fe0d4")
    pen.stroke("M -1 -1 L -8 -17", 1.6)
    pen.stroke("M 1 -1 L 12 -15", 1.6)
    pen.polygon([(13, -1), (18, 2), (14, 7)], "1fa9a0", line=2)


def _key(pen: Pen) -> None:
    pen.stroke("M -4 0 L 16 0 M 8 0 L 8 8 M 15 0 L 15 9", 8.6)
    pen.oval(-9, 0, 10, 10, "f7b718")
    pen.stroke("M -2 0 L 16 0 M 8 0 L 8 8 M 15 0 L 15 9", 4, "f7b718")
    pen.oval(-9, 0, 4, 4, "fff3c4", line=2)


def _gift(pen: Pen) -> None:
    pen.box(-15, -4, 30, 21, "3fae4a", corner=2)
    _gift_lid(pen)


def _gift_lid(pen: Pen) -> None:
    pen.box(-18, -10, 36, 9, "56c75f", corner=2)
    pen.box(-4, -10, 8, 27, "ffe04a", line=1.6)
    pen.shape("M 0 -10 Q -16 -12 -11 -20 Q -3 -21 0 -10 Z", "ffe04a", line=2)
    pen.shape("M 0 -10 Q 16 -12 11 -20 Q 3 -21 0 -10 Z", "ffe04a", line=2)


def _gift_open(pen: Pen) -> None:
    pen.polygon([(-15, -2), (-11, -9), (11, -9), (15, -2)], DARK)
    pen.box(-15, -3, 30, 21, "3fae4a", corner=2)
    pen.box(-4, -3, 8, 21, "ffe04a", line=1.6)
    with pen.moved(9, -15, angle=24):
        pen.box(-17, -4, 34, 8, "56c75f", corner=2)
        pen.box(-4, -4, 8, 8, "ffe04a", line=1.6)
        pen.shape("M 0 -4 Q -14 -6 -10 -13 Q -3 -14 0 -4 Z", "ffe04a", line=2)
        pen.shape("M 0 -4 Q 14 -6 10 -13 Q 3 -14 0 -4 Z", "ffe04a", line=2)


def _hat(pen: Pen) -> None:
    pen.oval(0, 7, 22, 7.5, "f0cd78")
    crown = "M -12 7 C -13 -15 13 -15 12 7 Q 0 12 -12 7 Z"
    pen.shape(crown, "f7dc92", line=0)
    with pen.clipped(crown):
        pen.stroke("M -4 -12 Q -6 -4 -6 2 M 4 -12 Q 6 -4 6 2 M -12 -5 Q 0 -1 12 -5", 1.4, "d2a64c")
        pen.shape("M -14 1 Q 0 7 14 1 L 14 8 Q 0 14 -14 8 Z", "e5493f", line=1.8)
    pen.shape(crown, None)
    pen.stroke("M -18 8 Q -16 11 -11 12.5 M 18 8 Q 16 11 11 12.5", 1.4, "c4963c")


def _hat_torn(pen: Pen) -> None:
    brim = (
        "M -22 7 C -22 2 -12 0 0 0 C 12 0 22 2 22 7 L 17 7 L 18 11 L 12 8 L 10 13 Q 4 15 -2 14.5 "
    )
    brim += "L -4 11 L -8 14 C -16 13 -22 11 -22 7 Z"
    pen.shape(brim, "f0cd78")
    pen.stroke("M -4 -9 L -7 -17 M 0 -7 L 1 -18 M 4 -8 L 9 -15", 3.6)
    pen.stroke("M -4 -9 L -7 -17 M 0 -7 L 1 -18 M 4 -8 L 9 -15", 1.6, "f0cd78")
    crown = (
        "M -12 7 C -12 -4 -9 -9 -6 -9.5 L -4 -5 L 0 -8 L 2 -3 L 6 -9 C 10 -7 12 -2 12 7 "
        "Q 0 12 -12 7 Z"
    )
    pen.shape(crown, "f7dc92", line=0)
    with pen.clipped(crown):
        pen.shape("M -14 1 Q 0 7 14 1 L 14 8 Q 0 14 -14 8 Z", "e5493f", line=1.8)
        pen.polygon([(-6, -9.5), (-4, -5), (0, -8), (2, -3), (6, -9), (0, -14)], DARK, line=1.6)
    pen.shape(crown, None)
    pen.shape("M 11 4 Q 19 2 20 9 L 16 8 L 14 12 Q 12 8 11 8 Z", "e5493f", line=1.8)


def _crown(pen: Pen) -> None:
    crown = "M -17 13 L -19 -7 L -9 1 L 0 -14 L 9 1 L 19 -7 L 17 13 Q 0 17 -17 13 Z"
    pen.shape(crown, GOLD, line=0)
    with pen.clipped(crown):
        pen.shape("M -20 5 Q 0 9 20 5 L 20 20 L -20 20 Z", "e39a10", line=0)
        pen.stroke("M -20 5 Q 0 9 20 5", 1.8)
    pen.shape(crown, None)
    for x, y in ((-19, -8), (0, -15), (19, -8)):
        pen.oval(x, y, 3.4, 3.4, "ffe48a", line=2)
    pen.oval(0, 1, 3.6, 4.4, "e0302f", line=1.8)
    for side in (-10.5, 10.5):
        pen.oval(side, 10.6, 2.6, 2.4, "3f86e0", line=1.4)
    pen.oval(0, 11.6, 2.6, 2.4, "3fae4a", line=1.4)


def _crown_broken(pen: Pen) -> None:
    with pen.moved(-3, 1, angle=-10):
        left = "M -15 13 L -17 -7 L -7 1 L 2 -14 L 6 -6 L 3 -1 L 7 4 L 3 8 L 6 15 Q -6 16 -15 13 Z"
        pen.shape(left, GOLD, line=0)
        with pen.clipped(left):
            pen.shape("M -18 5 Q 0 9 18 6 L 18 20 L -18 20 Z", "e39a10", line=0)
            pen.stroke("M -18 5 Q -4 8 8 7", 1.8)
        pen.shape(left, None)
        pen.oval(-17, -8, 3.4, 3.4, "ffe48a", line=2)
        pen.oval(2, -15, 3.4, 3.4, "ffe48a", line=2)
        pen.oval(-1, 1, 3, 3.8, DARK, line=1.8)
        pen.oval(-8.5, 10.6, 2.6, 2.4, "3f86e0", line=1.4)
    with pen.moved(12, 8, angle=26):
        right = "M -6 8 L -3 3 L -7 -2 L -3 -6 L -4 -10 L 1 -7 L 8 -14 L 7 8 Z"
        pen.shape(right, GOLD)
        pen.oval(8, -15, 3.4, 3.4, "ffe48a", line=2)
    pen.oval(1, 19, 3.4, 2.8, "e0302f", line=1.7)


_BLANKET = "M -20 -14 Q -10 -18 0 -14 Q 10 -10 20 -14 L 20 11 Q 10 15 0 11 Q -10 7 -20 11 Z"


def _checks(pen: Pen, path: str) -> None:
    """Red and cream checks inside a path."""
    pen.shape(path, "fff3dc", line=0)
    with pen.clipped(path):
        for x in (-20, -4, 12):
            pen.box(x, -24, 8, 48, "e5493f", line=0, alpha=0.55)
        for y in (-16, 0):
            pen.box(-26, y, 52, 8, "e5493f", line=0, alpha=0.55)
    pen.shape(path, None)


def _fringe(pen: Pen, *places: tuple[float, float]) -> None:
    for x, y in places:
        pen.stroke(f"M {x} {y} L {x} {y + 5}", 2 + min(pen.line, 2.2))
        pen.stroke(f"M {x} {y} L {x} {y + 5}", 1.8, "e5493f")


def _blanket(pen: Pen) -> None:
    _fringe(pen, (-17, 11), (-11, 10), (-5, 10), (1, 12), (7, 13), (13, 13), (18, 12))
    _checks(pen, _BLANKET)


def _blanket_torn(pen: Pen) -> None:
    _fringe(pen, (-19, 12), (-13, 11), (15, 13), (20, 12))
    torn = (
        "M -20 -14 Q -10 -18 0 -14 Q 10 -10 20 -14 L 22 11 L 17 12 L 14 7 L 12 13 L 8 10 L 5 0 "
        "L 6 -3 L 2 -6 "
    )
    torn += "L 1 -10 L -1 -6 L -4 -3 L -2 1 L -6 4 L -5 9 L -10 8 L -11 12 L -16 9 L -22 11 Z"
    _checks(pen, torn)
    pen.stroke("M -4 -3 L 1 -3 M 5 0 L 2 2", 1.4, "c23a31")
    pen.polygon([(-15, -8), (-10, -10), (-9, -5), (-13, -3)], DARK, line=1.6)


_CARD, _CARD_DARK, _CARD_LIGHT = "c98f52", "a8733b", "dba869"


def _box(pen: Pen) -> None:
    pen.polygon([(-18, -5), (-13, -14), (13, -14), (18, -5)], _CARD_LIGHT)
    pen.box(-18, -5, 36, 22, _CARD)
    pen.polygon([(-4, -5), (-3, -14), (3, -14), (4, -5)], "f0dcae", line=1.4)
    pen.box(-4, -5, 8, 7, "f0dcae", line=1.4)
    pen.stroke("M 8 12 L 14 12 M 11 12 L 11 7 M 9 9 L 11 6.5 L 13 9", 1.5, "7d4a20")
    pen.box(-18, -5, 36, 22, None)


def _box_open(pen: Pen) -> None:
    pen.polygon([(-13, -14), (13, -14), (16, -22), (-16, -22)], _CARD_DARK)
    pen.polygon([(-18, -5), (-13, -14), (13, -14), (18, -5)], DARK)
    pen.polygon([(-18, -5), (-13, -14), (-19, -19), (-24, -10)], _CARD_LIGHT)
    pen.polygon([(18, -5), (13, -14), (19, -19), (24, -10)], _CARD_LIGHT)
    pen.box(-18, -5, 36, 22, _CARD)
    pen.polygon([(-18, -5), (18, -5), (20, 4), (-20, 4)], _CARD_LIGHT)


def _mirror_frame(pen: Pen, glass: str) -> None:
    pen.stroke("M 0 8 L 0 21", 5 + 2 * pen.line)
    pen.stroke("M 0 8 L 0 21", 5, "c45fb0")
    pen.oval(0, -7, 17, 17, "e07fce")
    pen.oval(0, -7, 12.5, 12.5, glass, line=1.8)


def _mirror(pen: Pen) -> None:
    _mirror_frame(pen, "c9ecfb")
    pen.stroke("M -6 -4 L 2 -13", 3.2, "ffffff")
    pen.stroke("M -2 0 L 7 -10", 2, "ffffff")


def _mirror_broken(pen: Pen) -> None:
    _mirror_frame(pen, "a8cfe2")
    pen.polygon([(1, -8), (6, -18), (10.5, -14), (12, -7), (7, -5)], DARK, line=1.6)
    crack(
        pen,
        "M 1 -8 L -4 -12 L -6 -18 M 1 -8 L -6 -6 L -12 -8 M 1 -8 L -2 -1 L -6 3 M 1 -8 "
        "L 4 -1 L 4 5",
        1.8,
    )
    pen.polygon([(10, 9), (18, 6), (16, 15)], "c9ecfb", line=1.9)
    pen.polygon([(-13, 14), (-7, 15), (-12, 20)], "c9ecfb", line=1.9)


def _clock_case(pen: Pen) -> None:
    for side in (-1, 1):
        pen.stroke(f"M {side * 9} 13 L {side * 13} 19", 3 + 2 * min(pen.line, 2.2))
        pen.stroke(f"M {side * 9} 13 L {side * 13} 19", 3, "5a44b8")
    pen.oval(0, 2, 18, 18, "7a5fe0")
    pen.oval(0, 2, 13, 13, "fffdf2", line=1.9)
    for x, y in ((0, -8), (10, 2), (0, 12), (-10, 2)):
        pen.oval(x, y, 1.3, 1.3, "2b1f2e", line=0)


def _clock(pen: Pen) -> None:
    pen.stroke("M 0 -16 L 0 -21", 3)
    for side in (-1, 1):
        with pen.moved(side * 11, -15, angle=side * 34):
            pen.shape("M -8 3 C -8 -8 8 -8 8 3 Z", GOLD)
    pen.oval(0, -21, 3, 2.4, "ffe48a", line=1.8)
    _clock_case(pen)
    pen.stroke("M 0 2 L 0 -6 M 0 2 L 6 5", 2.6)
    pen.oval(0, 2, 2, 2, "e0302f", line=0)


def _clock_broken(pen: Pen) -> None:
    with pen.moved(-11, -15, angle=-34):
        pen.shape("M -8 3 C -8 -8 8 -8 8 3 Z", GOLD)
    spring = "M 9 -12 L 16 -14 L 9 -19 L 18 -20 L 12 -26 L 20 -27"
    pen.stroke(spring, 5.4)
    pen.stroke(spring, 2.4, "dde4ec")
    _clock_case(pen)
    pen.polygon([(0, 2), (3, -3), (9, -8), (12, -1), (6, 0)], DARK, line=1.5)
    crack(pen, "M 0 2 L -5 -3 L -4 -10 M 0 2 L -6 4 L -8 10", 1.7)
    pen.stroke("M 0 3 L -2 10 M 0 3 L 4 9", 2.6)
    pen.oval(0, 2, 2, 2, "e0302f", line=0)
    with pen.moved(19, 17, angle=150):
        pen.shape("M -6 2 C -6 -6 6 -6 6 2 Z", GOLD, line=2)


_PILLOW = (
    "M -20 -12 Q -16 -16 -12 -13 Q 0 -17 12 -13 Q 16 -16 20 -12 Q 18 0 21 11 Q 17 16 12 13 "
    "Q 0 16 -12 13 "
)
_PILLOW += "Q -17 16 -21 11 Q -18 0 -20 -12 Z"


def _pillow_stripes(pen: Pen, path: str) -> None:
    pen.shape(path, "ffffff", line=0)
    with pen.clipped(path):
        for x in (-13, 13):
            pen.box(x - 2, -18, 4, 36, "8fb4f0", line=0)
        pen.shape("M -22 8 Q 0 12 22 8 L 22 18 L -22 18 Z", "d6def0", line=0, alpha=0.7)
    pen.shape(path, None)


def _pillow(pen: Pen) -> None:
    _pillow_stripes(pen, _PILLOW)
    pen.stroke("M -4 -4 Q 0 -2 4 -4", 1.8, "9fb0cf")


def _fluff(pen: Pen, x: float, y: float, angle: float) -> None:
    """A small white feather."""
    with pen.moved(x, y, angle=angle):
        pen.shape("M 0 -7 Q 5 -2 0 6 Q -5 -2 0 -7 Z", "ffffff", line=1.7)
        pen.stroke("M 0 -2 L 0 8", 1.3)


def _pillow_torn(pen: Pen) -> None:
    _fluff(pen, 2, -20, 20)
    _fluff(pen, 15, -21, 60)
    _fluff(pen, -12, -19, -40)
    torn = _PILLOW.replace(
        "Q 0 -17 12 -13", "L -8 -14 L -6 -6 L -2 -2 L 1 -7 L 5 -1 L 7 -7 L 10 -10 L 12 -13"
    )
    pen.polygon([(-10, -13), (12, -13), (8, 0), (-6, 0)], DARK, line=0)
    pen.oval(-3, -10, 5, 5, "ffffff", line=1.7)
    pen.oval(5, -10, 5, 4.6, "ffffff", line=1.7)
    _pillow_stripes(pen, torn)
    _fluff(pen, 19, 14, 100)


SHAPES: Shapes = {
    ("lantern", "lit"): Shape(33, 43, (0, -19), _lantern),
    ("lantern", "out"): Shape(33, 43, (0, -19), _lantern_out),
    ("candle", "lit"): around(-20, -29, 25, 23.5, _candle, (-12, 16)),
    ("candle", "out"): around(-20, -32, 25, 23.5, _candle_out, (-12, 16)),
    ("umbrella", "whole"): Shape(38, 46, (0, 11), _umbrella),
    ("umbrella", "broken"): around(-20, -25, 21, 24, _umbrella_broken, (0, 11)),
    ("key", "whole"): Shape(41, 23, (-11, 3), _key),
    ("gift", "shut"): Shape(39, 41, (-12, 14), _gift),
    ("gift", "open"): around(-16, -32, 27, 19, _gift_open, (-12, 15)),
    ("hat", "whole"): around(-23, -11, 23, 16, _hat, (-17, 9)),
    ("hat", "broken"): around(-23, -20, 23, 16, _hat_torn, (-17, 9)),
    ("crown", "whole"): around(-23.5, -19.5, 23.5, 16, _crown, (-14, 10)),
    ("crown", "broken"): around(-25.5, -18.5, 30, 23, _crown_broken, (-14, 12)),
    ("blanket", "whole"): around(-21, -17, 21, 20, _blanket, (-17, -10)),
    ("blanket", "broken"): around(-23, -17, 23, 20, _blanket_torn, (-17, -10)),
    ("box", "shut"): around(-19, -15, 19, 18, _box, (-15, 13)),
    ("box", "open"): around(-25, -23, 25, 18, _box_open, (-15, 13)),
    ("mirror", "whole"): around(-18, -25, 18, 26, _mirror, (0, 17)),
    ("mirror", "broken"): around(-18, -25, 19, 26, _mirror_broken, (0, 17)),
    ("clock", "whole"): around(-19, -24.5, 19, 23, _clock, (-14, 12)),
    ("clock", "broken"): around(-19, -30, 25, 23, _clock_broken, (-14, 12)),
    ("pillow", "whole"): around(-22, -16, 22, 16, _pillow, (-18, 9)),
    ("pillow", "broken"): around(-22, -27.5, 27, 18, _pillow_torn, (-18, 9)),
}
"""Clothes, presents, lights and the contents of a room."""
