"""Food and drink, and their containers."""

from __future__ import annotations

from storyworld.drawing.pen import Pen
from storyworld.drawing.things_base import DARK, WOOD_DARK, Shape, Shapes, around, crack, crumbs

_CRUST, _CRUMB = "c9843f", "ffe9bf"


def _cake(pen: Pen) -> None:
    pen.box(-17, 0, 34, 16, "f6d3a0", corner=3)
    cream = "M -17 6 L -17 -3 Q -17 -7 -12 -7 L 12 -7 Q 17 -7 17 -3 L 17 6 Q 13 11 9 5 Q 4 12 0 5"
    pen.shape(cream + " Q -4 12 -9 5 Q -13 11 -17 6 Z", "ffffff")
    pen.box(-2.5, -15, 5, 9, "59b7f0", line=1.6)
    pen.shape("M 0 -22 Q 6 -16 0 -14 Q -6 -16 0 -22 Z", "ffb01f", line=1.4)
    for x in (-10, 10):
        pen.oval(x, -8, 4, 4, "e8384f", line=1.6)


def _cake_half(pen: Pen) -> None:
    pen.oval(0, 15, 20, 4.5, "b9d3ea")
    rest = "M -17 -5 Q -17 -9 -12 -9 L 2 -9 Q -3 -4 2 -1 Q 8 0 5 5 Q 3 9 8 10 Q 11 11 10 15 "
    rest += "L -13 15 Q -17 15 -17 11 Z"
    pen.shape(rest, "f6d3a0", line=0)
    with pen.clipped(rest):
        pen.box(-20, 6.5, 40, 3.5, "e8507a", line=0)
        cream = "M -19 -12 L 10 -12 L 10 -3 Q -1 -1 0 2 Q -4 8 -8 2 Q -12 8 -19 3 Z"
        pen.shape(cream, "ffffff", line=1.8)
    pen.shape(rest, None)
    pen.oval(-9, -10, 4, 4, "e8384f", line=1.6)
    crumbs(pen, "f6d3a0", (14, 13), (17.5, 10.5), (13, 8.5))


def _apple(pen: Pen) -> None:
    apple = (
        "M 0 -7 C 5 -12 17 -11 17 2 C 17 11 8 18 0 15 C -8 18 -17 11 -17 2 C -17 -11 -5 -12 0 -7 Z"
    )
    pen.stroke("M 0 -7 Q 0 -13 4 -16", 3.6, "5a3a22")
    pen.shape("M 3 -12 Q 9 -20 17 -16 Q 12 -8 3 -12 Z", "58b947", line=1.8)
    pen.shape(apple, "e02a2a")
    pen.oval(-8, -2, 3, 5, "ffffff", line=0, alpha=0.85)


def _apple_core(pen: Pen) -> None:
    pen.stroke("M 0 -8 Q 0 -14 4 -17", 3.6, "5a3a22")
    core = "M 0 -9 C 5 -14 15 -13 17 -5 Q 10 -5 9 -1 Q 4 1 6 5 Q 5 9 9 10 Q 10 13 13 13 "
    core += "C 9 19 4 18 0 16 C -4 18 -9 19 -13 13 Q -9 13 -9 10 Q -5 9 -6 5 Q -4 1 -9 -1 "
    core += "Q -10 -5 -17 -5 C -15 -13 -5 -14 0 -9 Z"
    pen.shape(core, "fff0c0", line=0)
    with pen.clipped(core):
        pen.shape("M -20 -16 L 20 -16 L 20 -4 Q 0 -1 -20 -4 Z", "e02a2a", line=0)
        pen.shape("M -20 20 L 20 20 L 20 12 Q 0 10 -20 12 Z", "e02a2a", line=0)
    pen.shape(core, None)
    for x in (-2.2, 2.4):
        pen.oval(x, 5, 1.3, 2.4, "5a3320", line=0)


def _bread(pen: Pen) -> None:
    loaf = "M -20 5 C -22 -7 -12 -13 0 -13 C 12 -13 22 -7 20 5 Q 19 12 11 12 L -11 12 "
    loaf += "Q -19 12 -20 5 Z"
    pen.shape(loaf, _CRUST, line=0)
    with pen.clipped(loaf):
        pen.oval(-1, -6, 19, 9, "dfa257", line=0)
    for x in (-11, 0, 11):
        pen.shape(f"M {x - 3} -9 Q {x + 4} -5 {x + 3} 4 Q {x - 3} 0 {x - 3} -9 Z", _CRUMB, 1.5)
    pen.shape(loaf, None)


def _bread_half(pen: Pen) -> None:
    loaf = (
        "M -20 5 C -22 -7 -14 -13 -3 -13 L 6 -13 Q 4 -8 9 -6 Q 13 -3 9 1 Q 8 5 12 7 Q 13 10 10 12 "
    )
    loaf += "L -11 12 Q -19 12 -20 5 Z"
    pen.shape(loaf, _CRUMB, line=0)
    with pen.clipped(loaf):
        crust = "M -22 -15 L -1 -15 Q -3 -8 1 -5 Q 5 -2 2 1 Q 1 5 5 7 Q 6 10 4 14 L -22 14 Z"
        pen.shape(crust, _CRUST, line=1.6)
        pen.oval(-13, -7, 7, 5, "dfa257", line=0)
    pen.shape("M -12 -8 Q -6 -5 -6 4 Q -12 0 -12 -8 Z", _CRUMB, 1.5)
    pen.shape(loaf, None)
    crumbs(pen, _CRUMB, (16, 10.5), (19, 6), (15.5, 3))


_JAR = (
    "M -13 -9 Q -17 -7 -17 -1 L -17 12 Q -17 18 -11 18 L 11 18 Q 17 18 17 12 L 17 -1 "
    "Q 17 -7 13 -9 Z"
)


def _label(pen: Pen) -> None:
    """A bee on paper."""
    pen.box(-10, -1, 20, 14, "fff6df", line=1.7, corner=3)
    pen.oval(-3, 3, 3, 3, "cfe9fa", line=1.2)
    pen.oval(2, 3, 3, 3, "cfe9fa", line=1.2)
    pen.oval(0, 7, 6, 3.8, "ffcf2e", line=1.4)
    pen.stroke("M -1.6 4.4 L -1.6 9.6 M 1.8 4.4 L 1.8 9.6", 1.6)


def _honey(pen: Pen) -> None:
    pen.shape(_JAR, "ffab1f", line=0)
    with pen.clipped(_JAR):
        pen.box(-14.5, -6, 4, 22, "ffd777", line=0, corner=2)
    pen.shape(_JAR, None)
    pen.shape(
        "M -14 -13 L 14 -13 Q 19 -8 15 -6 Q 11 -9 8 -6 Q 4 -9 0 -6 Q -4 -9 -8 -6 Q -11 -9 -15 -6 "
        "Q -19 -8 -14 -13 Z",
        "e5493f",
        line=1.9,
    )
    pen.shape("M -13 -13 Q -13 -20 0 -20 Q 13 -20 13 -13 Z", "f47766", line=1.9)
    _label(pen)


def _honey_empty(pen: Pen) -> None:
    pen.shape(_JAR, "dcecf3", line=0)
    with pen.clipped(_JAR):
        pen.shape("M -18 15 Q -8 13 0 15 Q 9 16 18 12 L 18 20 L -18 20 Z", "ffab1f", line=0)
        pen.box(-14, -5, 3.5, 16, "ffffff", line=0, corner=1.7)
        pen.stroke("M 13 -6 L 13 2", 2.6, "ffab1f")
    pen.shape(_JAR, None)
    pen.oval(0, -11, 14, 4.5, "eef7fb")
    pen.oval(0, -10.6, 10.5, 2.4, "8fa6b4", line=0)
    _label(pen)


_CUP = "M -14 -8 L -12 11 Q -11 16 -5 16 L 5 16 Q 11 16 12 11 L 14 -8 Z"


def _cup_body(pen: Pen, inside: str) -> None:
    pen.stroke("M 13 -3 Q 22 -4 20 4 Q 18 10 11 9", 3.4 + 2 * pen.line)
    pen.stroke("M 13 -3 Q 22 -4 20 4 Q 18 10 11 9", 3.4, "3f86e0")
    pen.shape(_CUP, "3f86e0", line=0)
    with pen.clipped(_CUP):
        pen.box(-16, 2, 32, 5, "ffffff", line=0)
    pen.shape(_CUP, None)
    pen.oval(0, -8, 14, 5, "eaf3ff")
    pen.oval(0, -7.4, 11, 3.2, inside, line=0)


def _cup_full(pen: Pen) -> None:
    for x in (-5, 4):
        steam = f"M {x} -12 Q {x + 5} -15 {x} -18 Q {x - 4} -21 {x + 1} -24"
        pen.stroke(steam, 4.6, "8d99ab")
        pen.stroke(steam, 2.4, "ffffff")
    _cup_body(pen, "8a4a26")
    pen.oval(0, -8.4, 10.5, 3.4, "8a4a26", line=0)
    pen.oval(-3, -8.8, 3.4, 1.2, "c98a55", line=0)


def _cup_empty(pen: Pen) -> None:
    _cup_body(pen, "9db4d2")
    pen.shape("M -11 -8 Q 0 -13 11 -8 Q 0 -9.5 -11 -8 Z", "6d87ad", line=0)


def _cup_broken(pen: Pen) -> None:
    pen.stroke("M 15 -9 Q 24 -8 21 0 Q 18 5 12 3", 3.4 + 2 * pen.line)
    pen.stroke("M 15 -9 Q 24 -8 21 0 Q 18 5 12 3", 3.4, "3f86e0")
    with pen.moved(9, 0, angle=16):
        pen.polygon([(6, -13), (6, 6), (1, 13), (2, 4), (-3, -1), (1, -6), (-2, -12)], "3f86e0")
    low = "M -20 -6 L -14 -1 L -11 -7 L -6 2 L -2 -3 L 2 5 L -1 9 L 2 16 L -11 16 Q -17 16 -18 11 Z"
    pen.shape(low, "3f86e0", line=0)
    with pen.clipped(low):
        pen.box(-24, 4, 32, 5, "ffffff", line=0)
    pen.shape(low, None)
    pen.polygon([(-14, -15), (-7, -17), (-9, -10)], "3f86e0")
    pen.polygon([(12, 16), (20, 16), (16, 10)], "3f86e0")


def _weave(pen: Pen, path: str) -> None:
    """Wickerwork inside a path."""
    with pen.clipped(path):
        for row, y in enumerate((2, 8, 14)):
            for column in range(-4, 5):
                x = column * 9 + (4.5 if row % 2 else 0)
                pen.box(x - 4.5, y - 3, 9, 6, "e0a75e" if row % 2 else "cf9048", 1.2, 2.5)


_BASKET = "M -18 -2 L -14 15 Q -13 18 -10 18 L 10 18 Q 13 18 14 15 L 18 -2 Z"


def _basket_handle(pen: Pen) -> None:
    handle = "M -15 -3 C -15 -28 15 -28 15 -3"
    pen.stroke(handle, 3.6 + 2 * pen.line)
    pen.stroke(handle, 3.6, "b87a38")


def _basket_full(pen: Pen) -> None:
    _basket_handle(pen)
    for x, y, fill in (
        (-10, -6, "e8382f"),
        (10, -6, "7c54c9"),
        (0, -10, "ffb92e"),
        (-4, -3, "7cc24a"),
        (6, -3, "e8382f"),
    ):
        pen.oval(x, y, 6.4, 6.4, fill, line=1.9)
        pen.oval(x - 2, y - 2.4, 1.6, 1.3, "ffffff", line=0, alpha=0.8)
    pen.shape(_BASKET, "cf9048", line=0)
    _weave(pen, _BASKET)
    pen.shape(_BASKET, None)
    pen.box(-20, -4, 40, 6, "e0a75e", corner=3)


def _basket_empty(pen: Pen) -> None:
    _basket_handle(pen)
    pen.shape(_BASKET, "cf9048", line=0)
    _weave(pen, _BASKET)
    pen.shape(_BASKET, None)
    pen.oval(0, -3, 19, 6.5, "e0a75e")
    pen.oval(0, -2.4, 14.5, 3.8, "54351f", line=1.6)


_BUCKET = "M -16 -8 L -12 14 Q -11 18 0 18 Q 11 18 12 14 L 16 -8 Z"


def _bucket_body(pen: Pen) -> None:
    pen.shape(_BUCKET, "2f77d6", line=0)
    with pen.clipped(_BUCKET):
        pen.box(-11, -4, 4, 20, "6aa8f0", line=0, corner=2)
    pen.shape(_BUCKET, None)


def _bucket_full(pen: Pen) -> None:
    pen.stroke("M -15 -8 C -15 -27 15 -27 15 -8", 3.4 + 1.4)
    pen.stroke("M -15 -8 C -15 -27 15 -27 15 -8", 2, "c9d2de")
    _bucket_body(pen)
    pen.oval(0, -8, 17, 5.5, "8fc0f7")
    pen.shape(
        "M -14 -8 Q -12 -13 -6 -12 Q 0 -15 6 -12 Q 12 -13 14 -8 Q 0 -2 -14 -8 Z", "c4f0ff", 1.8
    )
    pen.shape("M 13 -5 Q 17 0 13 4 Q 9 0 13 -5 Z", "c4f0ff", line=1.6)
    pen.oval(-3, -9.6, 5, 1.3, "ffffff", line=0)


def _bucket_empty(pen: Pen) -> None:
    _bucket_body(pen)
    pen.oval(0, -8, 17, 6.5, "8fc0f7")
    pen.oval(0, -7.2, 13, 4, "1b2f57", line=1.6)
    pen.stroke("M -15 -7 C -14 13 14 13 15 -7", 3.4 + 1.4)
    pen.stroke("M -15 -7 C -14 13 14 13 15 -7", 2, "c9d2de")


def _sack_full(pen: Pen) -> None:
    pen.shape("M -5 -11 Q -13 -22 -9 -21 Q -4 -18 0 -22 Q 4 -18 9 -21 Q 13 -22 5 -11 Z", "c29a66")
    body = "M -6 -11 C -22 -4 -24 14 -15 20 Q 0 23 15 20 C 24 14 22 -4 6 -11 Z"
    pen.shape(body, "c29a66", line=0)
    with pen.clipped(body):
        pen.oval(-8, 4, 8, 11, "d5b283", line=0)
    pen.shape(body, None)
    pen.stroke("M 2 -8 Q 6 -3 6 1 M -4 -8 Q -7 -4 -8 0", 1.6, WOOD_DARK)
    pen.box(6, 6, 8, 8, "a9713c", line=1.6)
    pen.stroke("M 8 6 L 8 8 M 12 12 L 12 14", 1.2)
    pen.stroke("M -6 -11 L 6 -11", 7.6)
    pen.stroke("M -6 -11 L 6 -11", 3.4, "f3e3b8")


def _sack_empty(pen: Pen) -> None:
    body = "M -17 -2 Q -19 7 -21 14 Q -21 18 -16 17 Q 0 15 16 17 Q 21 18 21 14 Q 17 8 18 2 "
    body += "Q 10 -6 3 -1 Q -8 -8 -17 -2 Z"
    pen.shape(body, "c29a66")
    pen.shape("M -17 -2 Q -8 -9 3 -2 Q 11 -7 18 2 Q 10 7 2 3 Q -9 6 -17 -2 Z", DARK, line=1.9)
    pen.stroke("M -11 6 Q -9 10 -13 14 M 1 7 Q -1 11 2 14 M 12 8 Q 10 11 12 14", 1.6, WOOD_DARK)
    pen.stroke("M 18 2 Q 24 4 22 9", 4.4)
    pen.stroke("M 18 2 Q 24 4 22 9", 2, "f3e3b8")


def _egg(pen: Pen) -> None:
    egg = (
        "M 0 -19 C 10 -19 15 -3 15 5 C 15 14 8 19 0 19 C -8 19 -15 14 -15 5 "
        "C -15 -3 -10 -19 0 -19 Z"
    )
    pen.shape(egg, "dff0e6", line=0)
    for x, y, size in (
        (-6, -7, 2.2),
        (4, -11, 1.7),
        (7, -2, 2.4),
        (-2, 1, 1.8),
        (-9, 5, 2),
        (3, 8, 2.6),
        (-5, 13, 2.2),
        (10, 9, 1.6),
        (6, 15, 1.6),
    ):
        pen.oval(x, y, size, size * 0.85, "9a6a4a", line=0)
    pen.oval(-7, -2, 2.4, 4, "ffffff", line=0, alpha=0.8)
    pen.shape(egg, None)


def _egg_broken(pen: Pen) -> None:
    pen.oval(-2, 3, 14, 4, "b7cdbf")
    low = (
        "M -17 1 L -12 6 L -8 1 L -3 6 L 2 1 L 7 6 L 11 1 C 13 12 6 19 -3 19 "
        "C -12 19 -19 12 -17 1 Z"
    )
    pen.shape(low, "dff0e6", line=0)
    for x, y, size in ((-12, 9, 2), (-3, 10, 2.4), (4, 12, 2), (-7, 15, 1.8)):
        pen.oval(x, y, size, size * 0.85, "9a6a4a", line=0)
    pen.shape(low, None)
    with pen.moved(11, -7, angle=38):
        cap = (
            "M -13 5 L -9 1 L -4 6 L 0 1 L 4 6 L 9 1 L 13 5 C 12 -6 7 -15 0 -15 "
            "C -7 -15 -12 -6 -13 5 Z"
        )
        pen.shape(cap, "dff0e6", line=0)
        for x, y, size in ((-4, -5, 2.2), (4, -7, 1.7), (6, -1, 2)):
            pen.oval(x, y, size, size * 0.85, "9a6a4a", line=0)
        pen.shape(cap, None)
    crack(pen, "M 3 19 L 4 15 L 1 13", 1.5)


SHAPES: Shapes = {
    ("cake", "whole"): Shape(37, 40, (-8, 16), _cake),
    ("cake", "half-eaten"): around(-21, -15, 21, 21, _cake_half, (-10, 14)),
    ("apple", "whole"): Shape(37, 38, (-10, 12), _apple),
    ("apple", "half-eaten"): around(-18, -19, 18, 19, _apple_core, (-8, 13)),
    ("bread", "whole"): around(-21.5, -14, 21.5, 13, _bread, (-11, 10)),
    ("bread", "half-eaten"): around(-21.5, -14, 21.5, 13, _bread_half, (-11, 10)),
    ("honey", "full"): around(-18, -21, 18, 19, _honey, (-15, 9)),
    ("honey", "empty"): around(-18, -17, 18, 19, _honey_empty, (-15, 9)),
    ("cup", "full"): around(-15, -26.5, 24.5, 17, _cup_full, (-12, 6)),
    ("cup", "empty"): around(-15, -14, 24.5, 17, _cup_empty, (-12, 6)),
    ("cup", "broken"): around(-21, -18, 26, 17, _cup_broken, (-10, 13)),
    ("basket", "full"): around(-21, -26, 21, 19, _basket_full, (0, -21)),
    ("basket", "empty"): around(-20, -26, 20, 19, _basket_empty, (0, -21)),
    ("bucket", "full"): around(-18, -25, 18, 19, _bucket_full, (0, -21)),
    ("bucket", "empty"): around(-18, -16, 18, 19, _bucket_empty, (-14, -6)),
    ("sack", "full"): around(-21.5, -23, 21.5, 23, _sack_full, (0, -13)),
    ("sack", "empty"): around(-22, -6.5, 25, 18.5, _sack_empty, (-14, 3)),
    ("egg", "whole"): around(-16, -20, 16, 20, _egg, (-10, 12)),
    ("egg", "broken"): around(-19, -22, 25, 20, _egg_broken, (-10, 13)),
}
"""Food and drink, and their containers."""
