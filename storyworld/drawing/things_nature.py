"""Things found out of doors: plants, animals, stones, stars and snow."""

from __future__ import annotations

from dataclasses import replace

from storyworld.drawing.pen import Pen
from storyworld.drawing.things_base import STEM, Shape, Shapes, around, crack, leaf

_PINK = "ff9db8"


def _flower(pen: Pen) -> None:
    pen.stroke("M 0 0 Q 2 12 0 22", 6.4)
    pen.stroke("M 0 0 Q 2 12 0 22", 3, "3f9a3f")
    pen.shape("M 1 16 Q 5 6 14 8 Q 12 17 1 16 Z", "58b947", line=1.8)
    for x, y in ((0, -17), (10, -10), (6, 1), (-6, 1), (-10, -10)):
        pen.oval(x, y, 6.6, 6.6, "ffd21f")
    for x, y in ((0, -17), (10, -10), (6, 1), (-6, 1), (-10, -10)):
        pen.oval(x * 0.8, -7 + (y + 7) * 0.8, 5.6, 5.6, "ffd21f", line=0)
    pen.oval(0, -7, 6, 6, "d9682a", line=1.8)


def _flower_broken(pen: Pen) -> None:
    stem = "M -7 22 Q -8 6 -6 -8 L 6 -14 Q 11 -13 12 -6"
    pen.stroke(stem, 6.4)
    pen.stroke(stem, 3, STEM)
    pen.stroke("M -9 -8 L -4 -12 M -8 -4 L -5 -4", 1.6)
    leaf(pen, -6, 14, 130, 13)
    for x, y, angle in ((4, 1, 40), (20, 0, -40), (8, 7, 14), (16, 7, -14)):
        with pen.moved(x, y, angle=angle):
            pen.oval(0, 0, 4.6, 7.4, "ffd21f")
    pen.oval(12, -2, 6, 5.6, "d9682a", line=1.8)
    with pen.moved(8, 20, angle=70):
        pen.oval(0, 0, 3.6, 6, "ffd21f", line=2)


def _shell_ribs(pen: Pen) -> None:
    pen.stroke(
        "M 0 13 L 0 -14 M -2 13 L -8 -12 M 2 13 L 8 -12 M -4 13 L -15 -6 M 4 13 L 15 -6",
        1.7,
        "c8466f",
    )


_SHELL = (
    "M -4 13 C -12 10 -21 3 -20 -5 Q -19 -11 -13 -11 Q -10 -17 -5 -15 Q 0 -20 5 -15 "
    "Q 10 -17 13 -11 "
)
_SHELL += "Q 19 -11 20 -5 C 21 3 12 10 4 13 Z"


def _shell(pen: Pen) -> None:
    pen.shape("M -7 11 L 7 11 L 9 17 Q 0 20 -9 17 Z", "f27a9d")
    pen.shape(_SHELL, _PINK, line=0)
    with pen.clipped(_SHELL):
        pen.oval(0, -20, 24, 10, "ffd3de", line=0)
        _shell_ribs(pen)
    pen.shape(_SHELL, None)


def _shell_broken(pen: Pen) -> None:
    pen.shape("M -7 11 L 7 11 L 9 17 Q 0 20 -9 17 Z", "f27a9d")
    rest = (
        "M -4 13 C -12 10 -21 3 -20 -5 Q -19 -11 -13 -11 Q -10 -17 -5 -15 L -1 -9 L -5 -4 L 2 -2 "
        "L 1 4 L 8 3 "
    )
    rest += "L 10 9 Q 7 12 4 13 Z"
    pen.shape(rest, _PINK, line=0)
    with pen.clipped(rest):
        pen.oval(0, -20, 24, 10, "ffd3de", line=0)
        _shell_ribs(pen)
    pen.shape(rest, None)
    crack(pen, "M -5 -4 L -9 1 L -6 5")
    with pen.moved(14, -6, angle=24):
        pen.shape("M -7 -9 Q -3 -14 2 -9 Q 8 -9 9 -2 L 3 3 L -1 0 L -4 3 L -4 -3 L -9 -4 Z", _PINK)
        pen.stroke("M -2 -8 L -2 -1 M 4 -5 L 2 0", 1.6, "c8466f")


def _stone(pen: Pen) -> None:
    stone = (
        "M -19 7 C -21 -5 -11 -14 2 -13 C 15 -12 21 -2 19 7 Q 17 13 8 13 L -9 13 Q -17 13 -19 7 Z"
    )
    pen.shape(stone, "a3adba", line=0)
    with pen.clipped(stone):
        pen.shape("M -22 6 Q 0 12 22 4 L 22 16 L -22 16 Z", "7f8a99", line=0)
        pen.oval(-6, -7, 7, 3.4, "d3dae2", line=0)
    pen.shape(stone, None)
    for x, y in ((6, -3), (10, 1), (1, 2)):
        pen.oval(x, y, 1.4, 1.1, "7f8a99", line=0)


def _feather(pen: Pen) -> None:
    with pen.moved(0, 0, angle=38):
        vane = (
            "M 0 -24 C 11 -18 12 0 6 10 L 3 8 L 3 14 L 0 13 L -3 14 L -7 8 L -9 4 L -6 2 "
            "L -10 -4 C -11 -12 -7 -20 0 -24 Z"
        )
        pen.stroke("M 0 10 L 0 24", 2.4 + min(pen.line, 2.2))
        pen.shape(vane, "3f8fe8", line=0)
        with pen.clipped(vane):
            pen.shape("M 0 -26 L 20 -26 L 20 20 L 0 20 Z", "6fb4f7", line=0)
            pen.stroke(
                "M 0 -10 L 7 -15 M 0 -2 L 8 -8 M 0 6 L 7 0 M 0 -6 L -7 -10 M 0 4 L -6 0",
                1.4,
                "2a64b8",
            )
        pen.shape(vane, None)
        pen.stroke("M 0 -16 L 0 23", 2, "f2f7ff")


def _seed(pen: Pen) -> None:
    seed = (
        "M 0 -18 C 6 -10 13 -4 13 5 C 13 13 8 17 0 17 C -8 17 -13 13 -13 5 C -13 -4 -6 -10 0 -18 Z"
    )
    pen.shape(seed, "6b4226", line=0)
    with pen.clipped(seed):
        pen.stroke(
            "M 0 -16 Q -3 0 0 17 M 0 -16 C -12 0 -10 10 -5 18 M 0 -16 C 12 0 10 10 5 18",
            2.8,
            "f0d9a8",
        )
    pen.shape(seed, None)


def _pot(pen: Pen) -> None:
    """A flower pot whose earth is at (0, 0)."""
    pen.shape("M -12 3 L -9 17 Q -9 19 -7 19 L 7 19 Q 9 19 9 17 L 12 3 Z", "d9713f")
    pen.box(-15, -3, 30, 8, "ea8a55", corner=2)


def _mound(pen: Pen) -> None:
    """A heap of earth whose top is at (0, 0)."""
    heap = "M -21 9 Q -16 2 -9 1 Q 0 -4 9 1 Q 16 2 21 9 Q 20 12 12 12 L -12 12 Q -20 12 -21 9 Z"
    pen.shape(heap, "7a4f2f")
    for x, y in ((-11, 6), (-2, 4), (8, 7), (2, 8.5)):
        pen.oval(x, y, 1.6, 1.2, "55341d", line=0)


def _sprout(pen: Pen) -> None:
    pen.stroke("M 0 0 Q 1 -6 0 -11", 6)
    pen.stroke("M 0 0 Q 1 -6 0 -11", 2.8, STEM)
    leaf(pen, 0, -10, -150, 17)
    leaf(pen, 0, -10, -30, 17, "7ccf5e")


def _tall(pen: Pen) -> None:
    pen.stroke("M 0 0 Q 3 -22 0 -44", 7)
    pen.stroke("M 0 0 Q 3 -22 0 -44", 3.4, STEM)
    for y, left, right, length in ((-8, -165, -12, 20), (-20, -155, -22, 22), (-32, -145, -34, 20)):
        leaf(pen, 1, y, left, length)
        leaf(pen, 1, y, right, length, "7ccf5e")
    leaf(pen, 0, -42, -118, 18)
    leaf(pen, 0, -42, -62, 18, "7ccf5e")


def _snapped(pen: Pen) -> None:
    pen.stroke("M 0 0 Q 2 -10 -1 -20", 7)
    pen.stroke("M 0 0 Q 2 -10 -1 -20", 3.4, STEM)
    leaf(pen, 0, -8, 150, 16, "a8a94a")
    pen.stroke("M 0 -21 L 13 -22 Q 19 -18 20 -6", 7)
    pen.stroke("M 0 -21 L 13 -22 Q 19 -18 20 -6", 3.4, STEM)
    pen.polygon([(-3, -18), (-4, -25), (0, -23), (3, -27), (3, -19)], "a6d66b", line=1.6)
    leaf(pen, 13, -21, 100, 15, "a8a94a")
    leaf(pen, 18, -15, 40, 13, "a8a94a")
    leaf(pen, 20, -8, 120, 17, "a8a94a")
    leaf(pen, 20, -8, 62, 17, "bdb85a")


def _plant_small(pen: Pen) -> None:
    _sprout(pen)
    _pot(pen)


def _plant_grown(pen: Pen) -> None:
    _tall(pen)
    _pot(pen)


def _plant_broken(pen: Pen) -> None:
    _snapped(pen)
    _pot(pen)


def _bed_small(pen: Pen) -> None:
    _sprout(pen)
    _mound(pen)


def _bed_grown(pen: Pen) -> None:
    _tall(pen)
    _mound(pen)


def _bed_broken(pen: Pen) -> None:
    _snapped(pen)
    _mound(pen)


_BLUE, _BREAST = "4fb3f0", "ff9a52"


def _bird_head(pen: Pen, x: float, y: float) -> None:
    """Eye, cheek and beak of a bird that looks to the right; (x, y) is its eye."""
    pen.polygon([(x + 6, y - 1), (x + 15, y + 3), (x + 6, y + 6)], "ffc21f", line=2)
    pen.oval(x, y, 3.4, 3.8, "2b1f2e", line=0)
    pen.oval(x + 1, y - 1.3, 1.2, 1.3, "ffffff", line=0)


def _bird(pen: Pen) -> None:
    pen.stroke("M -2 13 L -3 20 M 5 13 L 5 20 M -6 20 L 0 20 M 2 20 L 8 20", 2.2, "a8571c")
    pen.polygon([(-10, 2), (-24, -4), (-22, 2), (-25, 6), (-12, 10)], "2f86c8")
    body = (
        "M -15 4 C -15 -4 -8 -4 -5 -9 C -1 -18 16 -17 16 -5 C 18 8 10 15 1 15 "
        "C -9 15 -15 11 -15 4 Z"
    )
    pen.shape(body, _BLUE, line=0)
    with pen.clipped(body):
        pen.oval(12, 6, 10, 10, _BREAST, line=0)
        pen.oval(4, 15, 8, 5, "fff3dc", line=0)
    pen.shape(body, None)
    pen.shape("M -12 2 Q -2 -4 3 2 Q 2 10 -6 10 Q -9 9 -12 2 Z", "2f86c8", line=2)
    _bird_head(pen, 8, -7)


def _bird_flying(pen: Pen) -> None:
    with pen.moved(2, 2, angle=-8):
        pen.shape(
            "M 2 -2 C -2 -14 6 -22 16 -23 Q 16 -18 13 -16 Q 15 -13 11 -10 Q 12 -6 8 -2 Z", "2f86c8"
        )
        pen.polygon([(-12, 2), (-26, -2), (-23, 3), (-25, 9), (-12, 8)], "2f86c8")
        body = (
            "M -16 5 C -10 -2 -4 -2 2 -6 C 8 -12 20 -8 19 1 C 18 10 8 13 0 13 "
            "C -8 13 -14 10 -16 5 Z"
        )
        pen.shape(body, _BLUE, line=0)
        with pen.clipped(body):
            pen.oval(13, 9, 9, 7, _BREAST, line=0)
            pen.oval(1, 14, 10, 4, "fff3dc", line=0)
        pen.shape(body, None)
        wing = (
            "M 4 2 C 2 -10 -4 -22 -19 -24 Q -19 -18 -16 -16 Q -19 -13 -14 -10 Q -16 -6 -11 -3 "
            "Q -10 2 -5 5 "
        )
        wing += "Q 1 6 4 2 Z"
        pen.shape(wing, "2f86c8")
        pen.stroke("M -6 -1 L -12 -8 M -1 -1 L -8 -12", 1.6, "1c5f94")
        _bird_head(pen, 13, -2)


def _butterfly(pen: Pen) -> None:
    for side in (-1, 1):
        with pen.moved(0, 0, flip=side < 0):
            pen.shape("M 2 2 C 10 0 19 6 16 13 C 12 19 5 14 2 6 Z", "ffb04a")
            pen.shape("M 2 2 C 4 -12 14 -19 20 -13 C 24 -6 16 3 2 4 Z", "ff8a1f")
            pen.oval(14, -8, 3.2, 3, "fff3c4", line=1.4)
            pen.oval(11, 10, 2.4, 2.4, "fff3c4", line=1.4)
            pen.stroke("M 0 -8 Q 2 -16 7 -18", 1.8)
            pen.oval(7, -18, 1.6, 1.6, "2b1f2e", line=0)
    pen.box(-2.6, -9, 5.2, 22, "5a3a2e", line=1.8, corner=2.6)


def _butterfly_flying(pen: Pen) -> None:
    with pen.moved(0, 0, angle=22):
        _butterfly(pen)


def _star(pen: Pen) -> None:
    pen.unlit().glow(0, 0, 34, "ffe98a", 0.8)
    shining = pen.unlit()
    _rounded_star(shining, "ffd42e", "fff3a8")


def _rounded_star(pen: Pen, fill: str, light: str) -> None:
    """A star with soft tips: its outline is a thick line, and so is its fill."""
    pen.star(0, 1.5, 17, 9, None, line=7 + 2 * pen.line)
    replace(pen, ink=fill).star(0, 1.5, 17, 9, fill, line=7)
    pen.star(0, 1.5, 11, 6, light, line=0)


def _star_out(pen: Pen) -> None:
    _rounded_star(pen, "8f99b3", "a9b2c8")


def _star_flying(pen: Pen) -> None:
    pen = pen.unlit()
    for path, width in (
        ("M -6 -6 L -30 -24", 5.0),
        ("M 2 -12 L -14 -29", 3.6),
        ("M -12 3 L -32 -9", 3.6),
    ):
        pen.stroke(path, width, "fff3a8")
    _star(pen)


def _snow_face(pen: Pen, x: float, y: float) -> None:
    """Coal eyes, a smile of coal and a carrot."""
    for dx in (-6.0, 6.0):
        pen.oval(x + dx, y - 4, 2.1, 2.5, "2b1f2e", line=0)
    for dx, dy in ((-7, 5), (-3.6, 7.6), (0.5, 8.4), (4.6, 7.2), (7.6, 4.4)):
        pen.oval(x + dx, y + dy, 1.2, 1.2, "2b1f2e", line=0)
    pen.shape(
        f"M {x - 1} {y - 1} L {x + 14} {y + 2.4} L {x} {y + 4} Q {x - 3} {y + 1} {x - 1} {y - 1} Z",
        "ff8a2b",
        line=1.8,
    )


def _twig(pen: Pen, path: str) -> None:
    pen.stroke(path, 3 + 2 * min(pen.line, 1.8))
    pen.stroke(path, 3, "7a4d2b")


def _snowman(pen: Pen) -> None:
    _twig(pen, "M 15 0 L 33 -13 M 27 -8 L 34 -6")
    _twig(pen, "M -15 0 L -33 -13 M -27 -8 L -34 -6")
    body = (
        "M -26 22 C -27 4 -15 -4 0 -4 C 15 -4 27 4 26 22 Q 26 38 12 38 L -12 38 Q -26 38 -26 22 Z"
    )
    pen.shape(body, "ffffff", line=0)
    with pen.clipped(body):
        pen.shape("M -30 24 Q 0 34 30 18 L 30 42 L -30 42 Z", "d3e2f4", line=0)
    pen.shape(body, None)
    pen.oval(0, -20, 18, 18, "ffffff")
    _snow_face(pen, 0, -22)
    for y in (10, 20):
        pen.oval(0, y, 2.2, 2.2, "2b1f2e", line=0)
    pen.shape("M -17 -8 Q 0 2 17 -8 L 18 -1 Q 0 8 -18 -1 Z", "3fae6a", line=2)
    pen.shape("M 6 0 L 14 -1 L 17 15 L 9 17 Z", "3fae6a", line=2)


def _snowman_melted(pen: Pen) -> None:
    pen.shape(
        "M -36 18 Q -38 8 -22 8 L 22 8 Q 38 8 36 18 Q 34 26 20 25 L -22 26 Q -35 26 -36 18 Z",
        "9fd4f5",
    )
    _twig(pen, "M -19 14 L -37 4 M -31 7 L -36 12")
    _twig(pen, "M 20 20 L 38 23 M 32 22 L 36 17")
    lump = (
        "M -22 18 C -22 8 -15 8 -13 0 C -11 -9 -6 -12 1 -11 C 9 -10 10 -4 13 2 C 15 8 24 9 23 18 "
    )
    lump += "Q 20 22 12 20 Q 4 24 -4 20 Q -18 23 -22 18 Z"
    pen.shape(lump, "ffffff")
    pen.oval(-5, -3, 2, 2.4, "2b1f2e", line=0)
    pen.oval(6, 0, 2, 2.4, "2b1f2e", line=0)
    pen.shape("M 0 3 L 2 16 L -4 5 Q -3 2 0 3 Z", "ff8a2b", line=1.8)
    pen.shape("M -15 6 Q -2 16 15 7 L 18 13 Q 0 22 -18 12 Z", "3fae6a", line=2)
    pen.oval(27, 14, 2.2, 2, "2b1f2e", line=0)
    pen.oval(-27, 20, 2.2, 2, "2b1f2e", line=0)


SHAPES: Shapes = {
    ("flower", "whole"): Shape(35, 48, (0, 16), _flower),
    ("flower", "broken"): around(-15.5, -17, 27, 25, _flower_broken, (-7, 14)),
    ("shell", "whole"): around(-21, -19, 21, 20, _shell, (-8, 13)),
    ("shell", "broken"): around(-21, -19, 25, 20, _shell_broken, (-8, 13)),
    ("stone", "whole"): around(-20.5, -14, 21, 14, _stone, (-12, 10)),
    ("feather", "whole"): around(-17, -20.5, 17, 21, _feather, (-12, 15)),
    ("seed", "whole"): around(-14, -19, 14, 18, _seed, (-9, 13)),
    ("plant", "small"): around(-16, -20, 16, 20, _plant_small, (-11, 12)),
    ("plant", "grown"): around(-20, -59, 22.5, 20, _plant_grown, (-11, 12)),
    ("plant", "broken"): around(-16, -28, 30, 20, _plant_broken, (-11, 12)),
    ("bird", "whole"): around(-26, -16, 24, 21, _bird, (0, 18)),
    ("butterfly", "whole"): around(-22, -20, 22, 17, _butterfly, (0, 12)),
    ("star", "lit"): around(-22, -21.5, 22, 21, _star, (-10, 11)),
    ("star", "out"): around(-22, -21.5, 22, 21, _star_out, (-10, 11)),
    ("snowman", "whole"): around(-37.5, -39, 37, 39, _snowman, (0, 36)),
    ("snowman", "broken"): around(-40.5, -12.5, 41, 27, _snowman_melted, (0, 20)),
}
"""Plants, animals, stones, stars and snow."""

FLYING: Shapes = {
    ("star", "lit"): around(-34, -31, 22, 21, _star_flying, (0, 0)),
    ("bird", "whole"): around(-25, -24, 31, 16.5, _bird_flying, (0, 10)),
    ("butterfly", "whole"): around(-21, -21.5, 25, 20.5, _butterfly_flying, (0, 0)),
}
"""In the sky."""

PLANTED: Shapes = {
    ("plant", "small"): around(-22, -20, 22, 13, _bed_small, (0, 8)),
    ("plant", "grown"): around(-22, -59, 22.5, 13, _bed_grown, (0, 8)),
    ("plant", "broken"): around(-22, -28, 30, 13, _bed_broken, (0, 8)),
}
"""Plants in the earth instead of a pot."""
