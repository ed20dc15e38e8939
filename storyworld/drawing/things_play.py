"""Toys, instruments, and things to read and to paint."""

from __future__ import annotations

from storyworld.drawing.pen import Pen
from storyworld.drawing.things_base import (
    DARK,
    GOLD,
    WOOD,
    WOOD_DARK,
    Shape,
    Shapes,
    around,
    crack,
)


def _ball(pen: Pen) -> None:
    pen.oval(0, 0, 16, 16, "e8382f", line=0)
    pen.shape("M -16 -4 Q 0 4 16 -4 L 16 4 Q 0 12 -16 4 Z", "ffffff", line=0)
    pen.shape("M -16 -4 Q 0 4 16 -4 L 16 4 Q 0 12 -16 4 Z", None, line=1.6)
    pen.oval(0, 0, 16, 16, None)
    pen.oval(-6, -9, 4, 3, "ffffff", line=0, alpha=0.85)


def _ball_flat(pen: Pen) -> None:
    body = "M -21 8 C -22 0 -16 -7 -10 -7 Q -6 -7 -4 -3 Q 0 2 4 -2 Q 8 -9 13 -7 C 18 -5 22 1 21 8 "
    body += "Q 20 12 14 12 L -14 12 Q -20 12 -21 8 Z"
    pen.shape(body, "e8382f", line=0)
    with pen.clipped(body):
        band = "M -24 0 Q -10 6 -2 5 Q 8 6 24 0 L 24 6 Q 8 11 -2 10 Q -12 11 -24 6 Z"
        pen.shape(band, "ffffff", line=1.6)
    pen.shape(body, None)
    pen.stroke("M -2 0 Q -7 2 -10 0 M 3 0 Q 7 2 9 -1", 1.6)
    pen.polygon(
        [(11, -5), (13, -1), (17, -1), (14, 1.5), (15, 5), (11.5, 2), (8, 4), (9, 0)], DARK, 1.2
    )
    for path in ("M 12 -12 L 12 -16", "M 18 -10 L 21 -14", "M 6 -11 L 4 -15"):
        pen.stroke(path, 4)
        pen.stroke(path, 1.8, "ffffff")


def _balloon(pen: Pen) -> None:
    pen.stroke("M 0 10 Q 5 15 0 21", 2.2)
    pen.polygon([(0, 8), (-5, 14), (5, 14)], "f0559e")
    pen.oval(0, -6, 16, 16, "ff6fb1")
    pen.oval(-6, -12, 3.5, 5, "ffffff", line=0, alpha=0.85)


def _balloon_burst(pen: Pen) -> None:
    pen.stroke("M 0 -8 Q 7 -13 1 -17 Q -6 -21 2 -23", 2.2)
    rag = "M -2 -7 C -6 -2 -13 1 -17 10 L -11 8 L -13 17 L -6 11 L -4 20 L 1 11 L 7 18 L 8 9 "
    rag += "L 16 12 C 12 2 6 -1 2 -7 Z"
    pen.shape(rag, "ff6fb1")
    pen.stroke("M -2 -2 Q -6 3 -7 6 M 1 -2 L 1 5 M 4 0 Q 7 3 8 5", 1.6, "b8336f")
    pen.polygon([(0, -5), (-5, -11), (5, -11)], "f0559e")
    pen.polygon([(-18, -9), (-11, -12), (-12, -4)], "ff6fb1", line=2)
    pen.polygon([(12, -11), (19, -7), (13, -3)], "ff6fb1", line=2)


def _book(pen: Pen) -> None:
    pen.polygon([(-18, -9), (0, -5), (18, -9), (18, 11), (0, 15), (-18, 11)], "2f62d0")
    pen.polygon([(-15, -13), (0, -8), (0, 9), (-15, 5)], "fffbe6", line=1.8)
    pen.polygon([(15, -13), (0, -8), (0, 9), (15, 5)], "fffbe6", line=1.8)
    for x in (-11, 4):
        slope = 2 if x < 0 else -2
        pen.stroke(f"M {x} {-6 - slope / 2} L {x + 7} {-6 + slope / 2}", 2, "8fa3c8")
        pen.stroke(f"M {x} {-slope / 2} L {x + 7} {slope / 2}", 2, "8fa3c8")


def _book_torn(pen: Pen) -> None:
    with pen.moved(3, 0, angle=14):
        pen.polygon([(5, -6), (20, -9), (20, 11), (2, 15), (5, 8), (1, 2)], "2f62d0")
        pen.polygon(
            [(4, -9), (17, -13), (17, 5), (3, 9), (6, 4), (2, 0), (6, -4)], "fffbe6", line=1.8
        )
        pen.stroke("M 9 -5 L 14 -6 M 9 1 L 14 0", 2, "8fa3c8")
    with pen.moved(-4, 0, angle=-12):
        pen.polygon([(-18, -9), (-3, -5), (-6, 1), (-1, 6), (-4, 14), (-18, 11)], "2f62d0")
        pen.polygon(
            [(-15, -13), (-2, -8), (-5, -3), (-1, 1), (-5, 8), (-15, 5)], "fffbe6", line=1.8
        )
        pen.stroke("M -11 -6 L -7 -5 M -11 0 L -6 1", 2, "8fa3c8")
    with pen.moved(0, -15, angle=-20):
        pen.polygon([(-5, -5), (5, -5), (6, 0), (3, 3), (4, 6), (-5, 6)], "fffbe6", line=1.8)


def _kite_tail(pen: Pen, path: str, *bows: tuple[float, float]) -> None:
    """The string with its red bows."""
    pen.stroke(path, 2)
    for x, y in bows:
        pen.polygon([(x - 5, y - 2), (x - 5, y + 4), (x + 5, y - 2), (x + 5, y + 4)], "e8382f", 1.4)


_DIAMOND = [(2.0, -22.0), (17.0, -7.0), (2.0, 9.0), (-15.0, -7.0)]


def _kite_sail(pen: Pen) -> None:
    pen.polygon(_DIAMOND, "ffd62e")
    pen.polygon([(2, -22), (17, -7), (2, -7)], "ff8a2b", line=0)
    pen.polygon([(2, 9), (-15, -7), (2, -7)], "ff8a2b", line=0)
    pen.stroke("M 2 -22 L 2 9 M -15 -7 L 17 -7", 1.8)
    pen.polygon(_DIAMOND, None)


def _kite(pen: Pen) -> None:
    _kite_tail(pen, "M 2 8 Q -9 14 0 21", (-3, 13), (-1, 20))
    _kite_sail(pen)


def _kite_flying(pen: Pen) -> None:
    with pen.moved(3, -3, angle=24, scale=1.05):
        tail = "M 2 8 C -6 12 8 18 0 24 C -8 30 6 34 2 40"
        _kite_tail(pen, tail, (0, 15), (0, 25), (1, 36))
        _kite_sail(pen)


def _kite_torn(pen: Pen) -> None:
    _kite_tail(pen, "M 2 8 Q -8 12 -5 17", (-6, 15))
    left = [(2.0, -22.0), (3, -15), (0, -11), (3, -6), (0, -1), (4, 3), (2.0, 9.0), (-15.0, -7.0)]
    pen.polygon(left, "ffd62e")
    pen.polygon([(1, -7), (-15, -7), (2, 9)], "ff8a2b", line=0)
    pen.stroke("M -15 -7 L 2 -7", 1.8)
    pen.polygon(left, None)
    with pen.moved(8, 2, angle=32):
        scrap = [(0.0, -12.0), (11, -2), (5, 6), (3, 2), (0, 5), (-1, 0), (-5, -2), (-1, -6)]
        pen.polygon(scrap, "ff8a2b")
        pen.stroke("M -3 -2 L 11 -2", 1.8)
    pen.stroke("M 3 -7 L 9 -9 M 5 -5 L 8 -12", 1.5)


def _drum(pen: Pen) -> None:
    pen.shape("M -17 -7 L -17 11 Q 0 21 17 11 L 17 -7 Z", "e0302f")
    pen.stroke("M -17 -4 L -8.5 14 L 0 0 L 8.5 14 L 17 -4", 2.4, "ffd23c")
    pen.shape("M -17 -7 L -17 11 Q 0 21 17 11 L 17 -7 Z", None)
    pen.oval(0, -7, 17, 7, "fff3dc")
    pen.stroke("M -3 -8 L -13 -17", 3, "8a5a2e")
    pen.stroke("M 5 -8 L 14 -17", 3, "8a5a2e")


def _drum_torn(pen: Pen) -> None:
    pen.shape("M -17 -7 L -17 11 Q 0 21 17 11 L 17 -7 Z", "e0302f")
    pen.stroke("M -17 -4 L -8.5 14 L -3 4 M 5 9 L 8.5 14 L 17 -4", 2.4, "ffd23c")
    pen.stroke("M -3 4 Q 2 6 0 11", 2, "ffd23c")
    pen.shape("M -17 -7 L -17 11 Q 0 21 17 11 L 17 -7 Z", None)
    pen.oval(0, -7, 17, 8, "fff3dc")
    hole = [
        (-12, -7),
        (-7, -8.5),
        (-8, -12),
        (-2, -10),
        (2, -13),
        (4, -9.5),
        (11, -10),
        (8, -6.5),
        (12, -4),
        (5, -4),
        (3, -1),
        (-2, -3.6),
        (-7, -1.5),
        (-7, -5),
    ]
    pen.polygon(hole, DARK, line=1.6)
    pen.stroke("M 6 -6 L 16 -19", 3 + 1.4)
    pen.stroke("M 6 -6 L 16 -19", 2.6, "b87a45")
    pen.polygon([(-8.5, -12), (-11, -18), (-6, -15), (-3, -20), (-2, -10)], "fff3dc", line=1.6)


def _boat(pen: Pen) -> None:
    pen.stroke("M 0 6 L 0 -20", 3.6, "6b4424")
    pen.shape("M 2 -20 L 2 2 L 17 2 Z", "ffffff")
    pen.shape("M -3 -15 L -3 2 L -14 2 Z", "cfe6f7")
    pen.shape("M -18 6 L 18 6 L 12 18 L -12 18 Z", "b8743a")
    pen.stroke("M -15 11 L 15 11", 2, "7d4a20")


def _boat_broken(pen: Pen) -> None:
    pen.stroke("M -1 6 L -1 -6", 6, "2b1f2e")
    pen.stroke("M -1 6 L -1 -6", 3.4, "6b4424")
    with pen.moved(0, -8, angle=58):
        pen.stroke("M 0 2 L 0 -22", 5.6)
        pen.stroke("M 0 2 L 0 -22", 3, "8a5a30")
        sail = [
            (2, -21),
            (2, 1),
            (6, -3),
            (8, 1),
            (11, -4),
            (15, -1),
            (10, -8),
            (11, -12),
            (6, -13),
        ]
        pen.polygon(sail, "ffffff")
    hull = "M -19 6 L -6 6 L -3 10 L 0 6 L 19 6 L 13 18 L -13 18 Z"
    pen.shape(hull, WOOD)
    pen.stroke("M -16 11 L -7 11 M 12 11 L 15 11", 2, WOOD_DARK)
    pen.polygon(
        [(0, 9), (4, 11), (8, 8.5), (8, 12), (11, 15), (6, 15), (3, 17), (2, 14), (-2, 13)],
        DARK,
        1.5,
    )


def _flute_holes(pen: Pen, *places: float) -> None:
    for x in places:
        pen.oval(x, 0, 1.6, 1.6, "4a2a18", line=0)


def _flute(pen: Pen) -> None:
    with pen.moved(0, 0, angle=-36):
        pen.box(-23, -4.5, 42, 9, "c98a4a", corner=3)
        pen.shape("M 14 -4.5 L 19 -4.5 Q 24 -3 24 0 L 24 4.5 L 14 4.5 Z", "8a5526")
        pen.box(-24, -5.5, 6, 11, "8a5526", corner=2)
        pen.box(8, -5, 4, 10, "e9c58f", line=1.5)
        _flute_holes(pen, -14, -9, -4, 1, 6)
        pen.box(15.5, -4.5, 4, 4, "3b2415", line=0)


def _flute_broken(pen: Pen) -> None:
    with pen.moved(6, -7, angle=-52):
        piece = "M -10 -4.5 L 14 -4.5 Q 19 -3 19 0 L 19 4.5 L -6 4.5 L -9 2 L -4 0 Z"
        pen.shape(piece, "c98a4a")
        pen.shape("M 9 -4.5 L 14 -4.5 Q 19 -3 19 0 L 19 4.5 L 9 4.5 Z", "8a5526")
        _flute_holes(pen, 0, 5)
        pen.box(10.5, -4.5, 4, 4, "3b2415", line=0)
    with pen.moved(-6, 9, angle=8):
        pen.shape("M -16 -4.5 L 8 -4.5 L 4 -1 L 11 0 L 6 4.5 L -16 4.5 Z", "c98a4a")
        pen.box(-17, -5.5, 6, 11, "8a5526", corner=2)
        _flute_holes(pen, -6, -1)
    pen.stroke("M 11 9 L 15 8 M 9 15 L 12 17", 2.2, WOOD_DARK)


_BELL = (
    "M -15 9 Q -10 6 -10 -3 C -10 -16 10 -16 10 -3 Q 10 6 15 9 Q 18 13 14 13 L -14 13 "
    "Q -18 13 -15 9 Z"
)


def _bell(pen: Pen) -> None:
    pen.oval(0, 15, 4.5, 4.5, "c98a12")
    pen.oval(0, -16, 4, 4, None, line=3.2 + pen.line)
    pen.oval(0, -16, 4, 4, None, line=0)
    pen.arc(0, -16, 4, 4, 0, 359.9, 2.6, GOLD)
    pen.shape(_BELL, GOLD, line=0)
    with pen.clipped(_BELL):
        pen.box(-7, -10, 4, 15, "ffe48a", line=0, corner=2)
    pen.stroke("M -11 5.5 L 11 5.5", 1.8, "b8790c")
    pen.shape(_BELL, None)


def _bell_broken(pen: Pen) -> None:
    pen.oval(0, -16, 4, 4, None, line=3.2 + pen.line)
    pen.arc(0, -16, 4, 4, 0, 359.9, 2.6, GOLD)
    bell = "M -15 9 Q -10 6 -10 -3 C -10 -16 10 -16 10 -3 Q 10 2 11 5 L 7 4 L 8 8 L 3 7 L 4 13 "
    bell += "L -14 13 Q -18 13 -15 9 Z"
    pen.shape(bell, GOLD, line=0)
    with pen.clipped(bell):
        pen.box(-7, -10, 3.5, 13, "ffe48a", line=0, corner=2)
    pen.shape(bell, None)
    crack(pen, "M 5 6 L 2 1 L 5 -3 L 1 -8", 2)
    pen.polygon([(10, 16), (16, 9), (21, 14), (19, 18)], GOLD)
    pen.oval(3, 18, 3.8, 3.8, "c98a12", line=2)


def _brush(pen: Pen) -> None:
    with pen.moved(0, 0, angle=42):
        pen.shape("M -2.6 -4 Q -4 10 -1 25 Q 0 27 1 25 Q 4 10 2.6 -4 Z", "f08a3c")
        pen.shape("M -5 -8 Q -8 -15 0 -25 Q 8 -15 5 -8 Z", "f4e3c0")
        pen.shape(
            "M -5.6 -14 Q -4 -20 0 -25 Q 4 -20 5.6 -14 Q 3 -11 0 -14 Q -3 -11 -5.6 -14 Z",
            "8d4fe0",
            1.8,
        )
        pen.box(-4.6, -9, 9.2, 8, "cfd6df", line=2, corner=1.5)


def _map(pen: Pen) -> None:
    sheet = (
        "M -19 -13 Q -10 -17 0 -13 Q 10 -10 19 -14 L 18 0 L 19 13 Q 10 16 0 13 Q -10 10 -19 14 "
        "L -18 2 Z"
    )
    pen.shape(sheet, "ecd4a0", line=0)
    _map_marks(pen, sheet)
    pen.shape(sheet, None)


def _map_marks(pen: Pen, sheet: str) -> None:
    """River, hills, the dotted way and its cross."""
    with pen.clipped(sheet):
        pen.stroke("M 8 -18 Q 3 -8 9 -3 Q 14 2 8 18", 4, "69b7dd")
        pen.polygon([(-16, -3), (-11, -10), (-6, -3)], "a98352", line=1.4)
        pen.polygon([(-10, -3), (-6, -8), (-2, -3)], "bf9a66", line=1.4)
        for x, y in ((-15, 8), (-10, 6), (-5, 6.5), (0, 5), (4.5, 2)):
            pen.oval(x, y, 1.6, 1.4, "7a3b22", line=0)
        pen.stroke("M 11 -8 L 16 -2 M 16 -8 L 11 -2", 2.8, "d8261f")


def _map_torn(pen: Pen) -> None:
    with pen.moved(-5, 1, angle=-9):
        left = (
            "M -16 -13 Q -8 -17 0 -14 L 3 -8 L -1 -4 L 3 1 L -1 6 L 2 12 Q -8 10 -16 14 L -15 2 Z"
        )
        pen.shape(left, "ecd4a0", line=0)
        with pen.clipped(left):
            pen.polygon([(-13, -3), (-8, -10), (-3, -3)], "a98352", line=1.4)
            for x, y in ((-12, 8), (-7, 6), (-2, 6.5)):
                pen.oval(x, y, 1.6, 1.4, "7a3b22", line=0)
        pen.shape(left, None)
    with pen.moved(5, 1, angle=13):
        right = "M 3 -14 Q 10 -11 18 -15 L 17 0 L 18 13 Q 11 16 4 13 L 1 7 L 5 2 L 1 -3 L 5 -8 Z"
        pen.shape(right, "ecd4a0", line=0)
        with pen.clipped(right):
            pen.stroke("M 8 -18 Q 3 -8 9 -3 Q 14 2 8 18", 4, "69b7dd")
            pen.stroke("M 10 -9 L 15 -3 M 15 -9 L 10 -3", 2.8, "d8261f")
        pen.shape(right, None)


def _heart(pen: Pen, x: float, y: float, size: float, fill: str, line: float = 1.6) -> None:
    with pen.moved(x, y, scale=size / 10):
        pen.shape("M 0 8 C -14 -1 -8 -10 0 -4 C 8 -10 14 -1 0 8 Z", fill, line=line * 10 / size)


def _letter(pen: Pen) -> None:
    pen.box(-20, -13, 40, 27, "ffffff", corner=2)
    pen.stroke("M -19 13 L -5 1 M 19 13 L 5 1", 1.6, "8b96a8")
    pen.shape(
        "M -20 -12 L 0 5 L 20 -12 Q 19 -13 18 -13 L -18 -13 Q -19 -13 -20 -12 Z", "eef2f8", line=2
    )
    pen.oval(0, 3, 6.4, 6.4, "e0302f", line=2)
    _heart(pen, 0, 3.4, 4, "ffd9d6", line=0)


def _letter_open(pen: Pen) -> None:
    pen.polygon([(-20, -2), (0, -19), (20, -2)], "d9e0ea")
    pen.box(-14, -24, 28, 30, "fffdf2", corner=1.5)
    for y, right in ((-18, 9), (-13, 9), (-8, 4)):
        pen.stroke(f"M -9 {y} L {right} {y}", 2.2, "7f93c2")
    _heart(pen, 8, -7.5, 3.4, "e0302f", line=0)
    pen.shape("M -20 -3 L 0 10 L 20 -3 L 20 18 Q 20 20 18 20 L -18 20 Q -20 20 -20 18 Z", "ffffff")
    pen.stroke("M -18 19 L -5 7.6 M 18 19 L 5 7.6", 1.6, "8b96a8")


def _paper(pen: Pen) -> None:
    pen.polygon([(-2, -20), (17, -15), (17, 17), (-2, 19)], "d8cfb4")
    front = [(-2, -20), (-2, 19), (-17, 15), (-17, -16)]
    pen.polygon([(-2, -20), (15, -17), (15, 14), (-2, 19)], "fff8e3")
    pen.polygon(front, "fffdf4")
    pen.oval(6.5, -8, 4, 4, "ffc21f", line=0)
    pen.stroke("M 2 6 Q 5 1 7 6 Q 10 10 12 4", 2.4, "3fae4a")
    pen.stroke("M -13 -8 L -6 -9 M -13 -2 L -6 -2.4 M -13 4 L -8 4", 2, "8fa3c8")
    pen.stroke("M -2 -20 L -2 19", 2)


def _picture_canvas(pen: Pen) -> None:
    pen.box(-15, -12, 30, 24, "8fd3f7", line=0)
    with pen.clipped("M -15 -12 L 15 -12 L 15 12 L -15 12 Z"):
        pen.oval(8, -6, 4.5, 4.5, "ffd62e", line=0)
        pen.oval(-7, 14, 16, 11, "58b947", line=0)
        pen.oval(12, 15, 12, 9, "3f9a3f", line=0)
        pen.box(-9, -3, 9, 8, "ffffff", line=1.4)
        pen.polygon([(-11, -3), (-4.5, -9), (2, -3)], "e8382f", line=1.4)
    pen.box(-15, -12, 30, 24, None, line=1.8)


def _picture(pen: Pen) -> None:
    pen.box(-20, -17, 40, 34, "f0b23a", corner=2)
    _picture_canvas(pen)
    for x in (-17.5, 17.5):
        for y in (-14.5, 14.5):
            pen.oval(x, y, 1.3, 1.3, "b8790c", line=0)


def _picture_torn(pen: Pen) -> None:
    pen.shape(
        "M -20 -15 Q -20 -17 -18 -17 L 10 -17 L 13 -13 L 16 -17 L 18 -17 Q 20 -17 20 -15 "
        "L 20 15 Q 20 17 18 17 "
        "L -18 17 Q -20 17 -20 15 Z",
        "f0b23a",
    )
    _picture_canvas(pen)
    gap = [
        (6, -12),
        (14.5, -12),
        (10, -7),
        (8, -2),
        (4, 0),
        (3, 6),
        (-3, 11),
        (-1, 4),
        (-4, 3),
        (1, -2),
        (0, -5),
        (5, -7),
    ]
    pen.polygon(gap, DARK, line=1.6)
    with pen.moved(9, 3, angle=24):
        pen.polygon(
            [(-4, -7), (3, -10), (5, -2), (9, 4), (3, 4), (1, 8), (-2, 2)], "f5ecd8", line=1.6
        )
    crack(pen, "M 13 -13 L 11 -10", 2)


SHAPES: Shapes = {
    ("ball", "whole"): Shape(35, 35, (-10, 11), _ball),
    ("ball", "broken"): around(-22.5, -18, 23, 13, _ball_flat, (-13, 9)),
    ("balloon", "whole"): Shape(35, 46, (0, 19), _balloon),
    ("balloon", "broken"): around(-19, -24, 20, 21, _balloon_burst, (0, -9)),
    ("book", "whole"): Shape(39, 31, (-14, 10), _book),
    ("book", "broken"): around(-25, -22, 26, 17, _book_torn, (-15, 10)),
    ("kite", "whole"): Shape(35, 47, (-9, 0), _kite),
    ("kite", "broken"): around(-16, -23, 20, 20, _kite_torn, (-9, -3)),
    ("drum", "whole"): Shape(37, 38, (-15, 9), _drum),
    ("drum", "broken"): around(-18, -21, 18, 17, _drum_torn, (-15, 9)),
    ("boat", "whole"): Shape(38, 42, (-10, 15), _boat),
    ("boat", "broken"): around(-20, -22.5, 21.5, 19, _boat_broken, (-10, 15)),
    ("flute", "whole"): around(-23, -17, 23, 19, _flute, (-10, 7)),
    ("flute", "broken"): around(-24.5, -24, 22.5, 18, _flute_broken, (-15, 9)),
    ("bell", "whole"): around(-17.5, -23, 17.5, 21, _bell, (0, -16)),
    ("bell", "broken"): around(-17.5, -23, 22, 23, _bell_broken, (0, -16)),
    ("brush", "whole"): around(-19, -20, 18, 21, _brush, (-8, 9)),
    ("map", "whole"): around(-20, -16, 20, 16, _map, (-17, 9)),
    ("map", "broken"): around(-24, -14.5, 27, 19, _map_torn, (-17, 9)),
    ("letter", "shut"): around(-21, -14, 21, 15, _letter, (-17, 10)),
    ("letter", "open"): around(-21, -25, 21, 21, _letter_open, (-17, 15)),
    ("paper", "whole"): around(-18, -21, 18, 20, _paper, (-15, 11)),
    ("picture", "whole"): around(-21, -18, 21, 18, _picture, (-18, 10)),
    ("picture", "broken"): around(-21, -18, 21, 18, _picture_torn, (-18, 10)),
}
"""Toys, instruments, and things to read and to paint."""

FLYING: Shapes = {
    ("kite", "whole"): around(-19, -24.5, 24, 39, _kite_flying, (3, -10)),
}
"""In the sky: a string is tied to the grip."""
