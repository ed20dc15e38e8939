"""The eight heads: shape, ears and muzzle of each species, with the face in it.

A head is drawn facing right around (3, -98). With `folded` its ears lie aside, so that somebody can
sit on the shoulders behind it. `faces.py` draws the expression.
"""

from __future__ import annotations

from collections.abc import Callable

from storyworld.drawing.faces import draw_beak, draw_cheeks, draw_eyes, draw_fright, draw_mouth
from storyworld.drawing.pen import Pen

HEAD_X, HEAD_Y = 3.0, -98.0
"""Middle of a face in its owner's units."""


def draw_head(
    pen: Pen, species: str, fur: str, light: str, expression: str, folded: bool = False
) -> None:
    """The head of a character with its expression."""
    _EARS.get(species, _no_ears)(pen, fur, folded)
    _HEADS[species](pen, fur, light, expression)


def _no_ears(pen: Pen, fur: str, folded: bool) -> None:
    """Nothing stands up on this head."""


def _pointed_ears(
    pen: Pen, fur: str, folded: bool, inside: str, pairs: tuple[tuple[str, str, int], ...]
) -> None:
    for ear, inner, side in pairs:
        angle = side * 42 if folded else 0
        with pen.moved(3 + side * 24, -116, angle), pen.moved(-3 - side * 24, 116):
            pen.shape(ear, fur)
            pen.shape(inner, inside, line=0)


def _fox_ears(pen: Pen, fur: str, folded: bool) -> None:
    left = "M -27 -108 Q -30 -130 -24 -147 Q -8 -138 0 -122 Z"
    right = "M 8 -122 Q 18 -140 29 -147 Q 36 -128 33 -106 Z"
    in_left = "M -21 -117 Q -23 -128 -20 -137 L -9 -124 Z"
    in_right = "M 17 -125 L 27 -137 Q 30 -126 28 -115 Z"
    pairs = ((left, in_left, -1), (right, in_right, 1))
    _pointed_ears(pen, fur, folded, "5a2c1c", pairs)


def _cat_ears(pen: Pen, fur: str, folded: bool) -> None:
    left = "M -29 -104 L -27 -143 Q -12 -136 0 -122 Z"
    right = "M 8 -122 Q 18 -136 32 -143 L 35 -104 Z"
    in_left = "M -22 -117 L -22 -133 Q -14 -129 -8 -122 Z"
    in_right = "M 16 -122 Q 21 -129 28 -133 L 29 -117 Z"
    pairs = ((left, in_left, -1), (right, in_right, 1))
    _pointed_ears(pen, fur, folded, "f59ab0", pairs)


def _bear_ears(pen: Pen, fur: str, folded: bool) -> None:
    drop = 8 if folded else 0
    for x in (-23 - drop, 27 + drop):
        pen.oval(x, -121 + drop, 12, 12, fur)
        pen.oval(x + 1, -120 + drop, 6, 6, "e2bd90", line=0)


def _rabbit_ears(pen: Pen, fur: str, folded: bool) -> None:
    ears = ((-18, -72), (24, 72)) if folded else ((-9, -9), (13, 8))
    for x, angle in ears:
        with pen.moved(x, -114 if folded else -118, angle):
            pen.oval(0, -22, 9.5, 27, fur)
            pen.oval(1, -22, 4.8, 20, "ffa9bf", line=0)


def _fox(pen: Pen, fur: str, light: str, expression: str) -> None:
    head = (
        "M 3 -128 C 22 -128 34 -116 34 -102 Q 34 -95 40 -86 Q 32 -80 24 -73 C 16 -67 4 -66 -4 -67 "
    )
    head += "C -14 -68 -22 -74 -26 -79 L -35 -84 Q -29 -94 -29 -102 C -29 -116 -16 -128 3 -128 Z"
    pen.shape(head, fur)
    with pen.clipped(head):
        mask = "M -40 -90 Q -18 -96 -6 -88 Q 4 -82 10 -94 Q 14 -84 22 -89 Q 32 -96 44 -90 "
        pen.shape(mask + "L 40 -60 L -40 -60 Z", light, line=0)
    pen.shape(head, None)
    draw_fright(pen, expression, -33, 40, -128)
    draw_cheeks(pen, expression, -83, -19, 31)
    draw_eyes(pen, fur, expression)
    pen.oval(12, -90, 5.4, 4.2, "1b1420", line=0)
    draw_mouth(pen, expression, 11, -83)


def _bear(pen: Pen, fur: str, light: str, expression: str) -> None:
    pen.oval(3, -98, 34, 30, fur)
    pen.oval(11, -82, 19, 14, light, line=0)
    draw_fright(pen, expression, -36, 42, -128)
    draw_cheeks(pen, expression, -88, -20, 29)
    draw_eyes(pen, fur, expression, y=-105)
    pen.oval(12, -91, 7, 5, "1b1420", line=0)
    draw_mouth(pen, expression, 11, -84)


def _rabbit(pen: Pen, fur: str, light: str, expression: str) -> None:
    pen.oval(3, -98, 33, 29, fur)
    draw_fright(pen, expression, -35, 41, -127)
    draw_cheeks(pen, expression, -85, -18, 28)
    draw_eyes(pen, fur, expression)
    pen.shape("M 7 -92 L 17 -92 Q 12 -83 7 -92 Z", "f0708f", line=1.4)
    draw_mouth(pen, expression, 11, -84)
    if expression == "happy":
        pen.box(7.5, -84, 7.5, 6, "ffffff", line=1.4)


def _penguin(pen: Pen, fur: str, light: str, expression: str) -> None:
    pen.stroke("M 0 -126 Q -2 -135 -9 -136 M 2 -126 Q 4 -136 10 -137", 4.4, fur)
    pen.oval(3, -98, 32, 30, fur)
    with pen.clipped("M -29 -98 C -29 -138 35 -138 35 -98 C 35 -58 -29 -58 -29 -98 Z"):
        mask = "M 8 -110 C 2 -126 -20 -124 -20 -100 C -20 -80 -6 -70 10 -70 C 26 -70 35 -80 36 -98 "
        pen.shape(mask + "C 36 -124 15 -126 8 -110 Z", light, line=0)
    pen.oval(3, -98, 32, 30, None)
    draw_fright(pen, expression, -34, 40, -127)
    draw_cheeks(pen, expression, -86, -12, 28)
    draw_eyes(pen, light, expression, x=8, gap=12.5, size=8.4)
    draw_beak(pen, expression, 11, -85, 12, 9)


def _frog(pen: Pen, fur: str, light: str, expression: str) -> None:
    for x in (-12, 22):
        pen.oval(x, -116, 15, 14.5, fur)
    pen.oval(3, -92, 36, 25, fur)
    with pen.clipped("M -33 -92 C -33 -126 39 -126 39 -92 C 39 -58 -33 -58 -33 -92 Z"):
        pen.oval(8, -76, 28, 13, light, line=0)
    pen.oval(3, -92, 36, 25, None)
    for x in (-12, 22):
        pen.oval(x + 0.5, -113, 12.5, 12, fur, line=0)
    draw_fright(pen, expression, -35, 43, -116)
    draw_cheeks(pen, expression, -90, -23, 31)
    draw_eyes(pen, fur, expression, x=6, y=-115, gap=17, size=9.4)
    draw_mouth(pen, expression, 9, -86, 15)


def _elephant(pen: Pen, fur: str, light: str, expression: str) -> None:
    for x, rx in ((-26, 20), (29, 17)):
        pen.oval(x, -99, rx, 25, fur)
        pen.oval(x, -98, rx - 6, 18, light, line=0)
    pen.oval(3, -98, 31, 29, fur)
    draw_fright(pen, expression, -34, 40, -127)
    draw_cheeks(pen, expression, -89, -18, 27)
    draw_eyes(pen, fur, expression, x=9, y=-107, gap=13.5, size=8.6, tear=-14)
    draw_mouth(pen, expression, -4, -83, 9)
    ends = {
        "happy": "M 11 -90 C 12 -78 20 -70 29 -76 Q 34 -80 32 -90",
        "sad": "M 11 -90 C 13 -84 14 -74 14 -60",
        "surprised": "M 11 -90 C 12 -82 18 -74 32 -80",
        "cross": "M 11 -90 C 12 -80 17 -72 31 -70",
        "sleepy": "M 11 -90 C 13 -84 14 -72 20 -62",
        "laughing": "M 11 -90 C 14 -72 32 -64 40 -78 Q 44 -88 40 -97",
        "scared": "M 11 -90 C 10 -76 12 -62 24 -64 Q 33 -67 28 -77",
        "thoughtful": "M 11 -90 C 13 -80 20 -74 32 -74",
    }
    pen.limb(ends[expression], 11.5, fur)
    # The root of the trunk has no outline across the forehead.
    pen.oval(11, -92, 5.4, 4, fur, line=0)


def _cat(pen: Pen, fur: str, light: str, expression: str) -> None:
    pen.oval(3, -98, 35, 29, fur)
    pen.oval(4, -81, 10, 10, light, line=0)
    pen.oval(18, -81, 10, 10, light, line=0)
    pen.oval(11, -77, 12, 8, light, line=0)
    pen.polygon([(11, -94), (3, -83), (19, -83)], light, line=0)
    draw_fright(pen, expression, -37, 43, -127)
    draw_cheeks(pen, expression, -88, -20, 29)
    draw_eyes(pen, fur, expression, white="f2ff9e", brow="ffffff", lid="ffffff")
    pen.shape("M 7 -92 L 16 -92 Q 12 -85 7 -92 Z", "f0708f", line=1.2)
    draw_mouth(pen, expression, 11, -84, 10)


def _duck(pen: Pen, fur: str, light: str, expression: str) -> None:
    pen.shape(
        "M -6 -124 Q -14 -138 -4 -142 Q -4 -136 2 -134 Q 4 -144 14 -142 Q 8 -134 12 -124 Z", fur
    )
    pen.oval(3, -98, 33, 30, fur)
    draw_fright(pen, expression, -35, 41, -128)
    draw_cheeks(pen, expression, -88, -20, 29)
    draw_eyes(pen, fur, expression, x=8, y=-107, gap=12.5, size=8.6)
    draw_beak(pen, expression, 14, -86, 18, 10)


_EARS: dict[str, Callable[[Pen, str, bool], None]] = {
    "fox": _fox_ears,
    "bear": _bear_ears,
    "rabbit": _rabbit_ears,
    "cat": _cat_ears,
}
_HEADS: dict[str, Callable[[Pen, str, str, str], None]] = {
    "fox": _fox,
    "bear": _bear,
    "rabbit": _rabbit,
    "penguin": _penguin,
    "frog": _frog,
    "elephant": _elephant,
    "cat": _cat,
    "duck": _duck,
}
