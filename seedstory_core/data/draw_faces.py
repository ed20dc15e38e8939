"""Heads and faces: who it is and how they feel.

A face is species (head shape, ears, muzzle) and expression (eyes, brows, mouth, and one sign that
reads from afar: a tear, red cheeks). Everything sits a little towards the right, where the
character looks. The `Zz` of a sleepy one is drawn by `draw.py`, because letters must
not be mirrored.
"""

from __future__ import annotations

from seedstory_core.data.draw_pen import INK, Pen

HEAD_X, HEAD_Y = 3, -98
MOUTH = "7d1526"
TONGUE = "f0707e"


def draw_face(pen: Pen, species: str, fur: str, light: str, expression: str) -> None:
    """The head of a character with its expression."""
    _HEADS[species](pen, fur, light, expression)


# --- eyes, brows, cheeks ------------------------------------------------------------------------


def _eyes(
    pen: Pen,
    fur: str,
    expression: str,
    x: float = 9.0,
    y: float = -104.0,
    gap: float = 13.0,
    size: float = 9.0,
    white: str = "ffffff",
    brow: str = INK,
    lid: str = INK,
    tear: float = -3.0,
) -> None:
    """Both eyes with brows and, when sad, the tear.

    `gap` is the distance of an eye from the middle `x`, `tear` that of the tear from the rear eye;
    `lid` is the colour of closed eyes.
    """
    for side in (-1, 1):
        at = x + side * gap
        rx, ry = size * (0.92 if side > 0 else 1.0), size * 1.12
        if expression == "sleepy":
            pen.stroke(f"M {at - size} {y + 1} Q {at} {y + size + 3} {at + size} {y + 1}", 3.6, lid)
            continue
        if expression == "surprised":
            rx, ry = rx * 1.18, ry * 1.22
        eye = (
            f"M {at - rx} {y} C {at - rx} {y - ry * 1.33} {at + rx} {y - ry * 1.33} {at + rx} {y} "
        )
        eye += f"C {at + rx} {y + ry * 1.33} {at - rx} {y + ry * 1.33} {at - rx} {y} Z"
        pen.shape(eye, white, line=0)
        with pen.clipped(eye):
            if expression == "surprised":
                pen.oval(at + 2, y, 3.6, 4.2, "1b1420", line=0)
            else:
                down = 2.5 if expression == "sad" else 1.0 if expression == "cross" else 0.0
                pen.oval(at + 2.5, y + down, 5.6, 6.8, "1b1420", line=0)
                pen.oval(at + 0.6, y + down - 2.6, 2.1, 2.3, "ffffff", line=0)
            if expression == "cross":
                _slanted_lid(pen, fur, at, side, rx, y - 1.5, y - ry - 1, y - ry)
            elif expression == "sad":
                _slanted_lid(pen, fur, at, side, rx, y - ry - 1, y - 2.5, y - ry)
        pen.shape(eye, None, line=2.0)
        top = y - ry
        if expression == "sad":
            inner, outer = at - side * 7, at + side * 9
            raised = f"M {inner} {top - 7.5} Q {at + side} {top - 5} {outer} {top + 0.5}"
            pen.stroke(raised, 3.8, brow)
        elif expression == "cross":
            pen.stroke(f"M {at - side * 8.5} {top + 6} L {at + side * 9} {top - 4}", 4.6, brow)
        elif expression == "surprised":
            pen.stroke(f"M {at - 7} {top - 4} Q {at} {top - 10} {at + 7} {top - 4}", 3.4, brow)
    if expression == "sad":
        left, top = x - gap + tear, y + size
        drop = f"M {left} {top} C {left + 12} {top + 14} {left + 6.5} {top + 21} {left} {top + 21} "
        drop += f"C {left - 6.5} {top + 21} {left - 12} {top + 14} {left} {top} Z"
        pen.shape(drop, "3fa9ff", line=1.8)
        pen.oval(left - 1.8, top + 13, 1.8, 3, "ffffff", line=0)


def _slanted_lid(
    pen: Pen, fur: str, at: float, side: int, rx: float, inner: float, outer: float, top: float
) -> None:
    left, right = (outer, inner) if side < 0 else (inner, outer)
    corners = [(at - rx - 2, top - 4), (at - rx - 2, left), (at + rx + 2, right)]
    pen.polygon([*corners, (at + rx + 2, top - 4)], fur, line=2.0)


def _cheeks(
    pen: Pen, expression: str, y: float = -86.0, left: float = -20.0, right: float = 27.0
) -> None:
    if expression == "cross":
        colour, alpha, grow = "f0322c", 0.8, 1.25
    elif expression in ("happy", "sleepy"):
        colour, alpha, grow = "ff8fa0", 0.75, 1.0
    else:
        return
    pen.oval(left, y, 6 * grow, 4.6 * grow, colour, line=0, alpha=alpha)
    pen.oval(right, y, 4 * grow, 4.6 * grow, colour, line=0, alpha=alpha)


# --- mouths -------------------------------------------------------------------------------------


def _mouth(pen: Pen, expression: str, x: float, y: float, width: float = 11.0) -> None:
    """A mouth whose upper lip is at `y`."""
    if expression == "happy":
        low = y + width * 1.25
        smile = f"M {x - width} {y - 1} Q {x} {y + 3} {x + width} {y - 1} "
        smile += f"C {x + width} {low} {x - width} {low} {x - width} {y - 1} Z"
        pen.shape(smile, MOUTH, line=0)
        with pen.clipped(smile):
            pen.oval(x, y + width * 0.98, width * 0.6, width * 0.42, TONGUE, line=0)
        pen.shape(smile, None, line=2.4)
    elif expression == "sad":
        pen.stroke(
            f"M {x - width * 0.85} {y + 9} Q {x} {y - 5} {x + width * 0.85} {y + 9}",
            3.6,
        )
    elif expression == "surprised":
        pen.oval(x, y + 6.5, width * 0.62, 8.2, MOUTH, line=2.6)
    elif expression == "cross":
        step = width * 0.45
        zigzag = f"M {x - 2 * step} {y + 7} L {x - step} {y + 2} L {x} {y + 7} "
        pen.stroke(zigzag + f"L {x + step} {y + 2} L {x + 2 * step} {y + 7}", 3.4)
    else:
        pen.stroke(f"M {x - 5} {y + 4} Q {x} {y + 8} {x + 5} {y + 4}", 3.2)


def _beak(pen: Pen, expression: str, x: float, y: float, width: float, height: float) -> None:
    """A beak that is its own mouth; `y` is the line between its halves."""
    fill, low_fill = "f7941f", "e07a12"
    if expression == "happy":
        low = y + height * 1.9
        jaw = f"M {x - width} {y - 2} C {x - width} {low} {x + width} {low} "
        pen.shape(jaw + f"{x + width} {y - 2} Z", low_fill)
        inner = width * 0.76
        gape = f"M {x - inner} {y} C {x - inner} {y + height * 1.4} {x + inner} {y + height * 1.4} "
        pen.shape(gape + f"{x + inner} {y} Z", MOUTH, line=1.6)
        upper = f"M {x - width - 2} {y - 3} C {x - width * 0.6} {y - height * 1.25} "
        upper += f"{x + width * 0.7} {y - height * 1.25} {x + width + 2} {y - 3} "
        pen.shape(upper + f"Q {x} {y + 6} {x - width - 2} {y - 3} Z", fill)
    elif expression == "sad":
        beak = f"M {x - width} {y + 8} C {x - width * 0.7} {y - height * 1.5} "
        beak += f"{x + width * 0.7} {y - height * 1.5} {x + width} {y + 8} "
        pen.shape(beak + f"Q {x} {y + 7} {x - width} {y + 8} Z", fill, line=0)
        pen.shape(beak + f"Q {x} {y - 4} {x - width} {y + 8} Z", fill)
        jaw = f"M {x - width} {y + 8} Q {x} {y - 4} {x + width} {y + 8} "
        pen.shape(jaw + f"Q {x} {y + 15} {x - width} {y + 8} Z", low_fill)
    elif expression == "surprised":
        pen.oval(x, y + 3, width * 0.82, height * 1.25, fill)
        pen.oval(x, y + 4, width * 0.48, height * 0.82, MOUTH, line=2.0)
    elif expression == "cross":
        pen.oval(x, y + 1, width, height * 0.9, fill)
        step = width * 0.42
        zigzag = f"M {x - 2 * step} {y + 4} L {x - step} {y - 1} L {x} {y + 4} "
        pen.stroke(zigzag + f"L {x + step} {y - 1} L {x + 2 * step} {y + 4}", 3.0)
    else:
        pen.oval(x, y + 1, width * 0.8, height * 0.62, fill)
        pen.stroke(f"M {x - width * 0.5} {y + 1} Q {x} {y + 4} {x + width * 0.5} {y + 1}", 2.4)


# --- heads --------------------------------------------------------------------------------------


def _fox(pen: Pen, fur: str, light: str, expression: str) -> None:
    for ear, inside in (
        (
            "M -27 -108 Q -30 -130 -24 -147 Q -8 -138 0 -122 Z",
            "M -21 -117 Q -23 -128 -20 -137 L -9 -124 Z",
        ),
        (
            "M 8 -122 Q 18 -140 29 -147 Q 36 -128 33 -106 Z",
            "M 17 -125 L 27 -137 Q 30 -126 28 -115 Z",
        ),
    ):
        pen.shape(ear, fur)
        pen.shape(inside, "5a2c1c", line=0)
    head = (
        "M 3 -128 C 22 -128 34 -116 34 -102 Q 34 -95 40 -86 Q 32 -80 24 -73 C 16 -67 4 -66 -4 -67 "
    )
    head += "C -14 -68 -22 -74 -26 -79 L -35 -84 Q -29 -94 -29 -102 C -29 -116 -16 -128 3 -128 Z"
    pen.shape(head, fur)
    with pen.clipped(head):
        mask = "M -40 -90 Q -18 -96 -6 -88 Q 4 -82 10 -94 Q 14 -84 22 -89 Q 32 -96 44 -90 "
        pen.shape(mask + "L 40 -60 L -40 -60 Z", light, line=0)
    pen.shape(head, None)
    _cheeks(pen, expression, -83, -19, 31)
    _eyes(pen, fur, expression)
    pen.oval(12, -90, 5.4, 4.2, "1b1420", line=0)
    _mouth(pen, expression, 11, -83)


def _bear(pen: Pen, fur: str, light: str, expression: str) -> None:
    for x in (-23, 27):
        pen.oval(x, -121, 12, 12, fur)
        pen.oval(x + 1, -120, 6, 6, light, line=0)
    pen.oval(3, -98, 34, 30, fur)
    pen.oval(11, -82, 19, 14, light, line=0)
    _cheeks(pen, expression, -88, -20, 29)
    _eyes(pen, fur, expression, y=-105)
    pen.oval(12, -91, 7, 5, "1b1420", line=0)
    _mouth(pen, expression, 11, -84)


def _rabbit(pen: Pen, fur: str, light: str, expression: str) -> None:
    for x, angle in ((-9, -9), (13, 8)):
        with pen.moved(x, -118, angle):
            pen.oval(0, -22, 9.5, 27, fur)
            pen.oval(1, -22, 4.8, 20, "ffa9bf", line=0)
    pen.oval(3, -98, 33, 29, fur)
    _cheeks(pen, expression, -85, -18, 28)
    _eyes(pen, fur, expression)
    pen.shape("M 7 -92 L 17 -92 Q 12 -83 7 -92 Z", "f0708f", line=1.4)
    _mouth(pen, expression, 11, -84)
    if expression == "happy":
        pen.box(7.5, -84, 7.5, 6, "ffffff", line=1.4)


def _penguin(pen: Pen, fur: str, light: str, expression: str) -> None:
    pen.stroke("M 0 -126 Q -2 -135 -9 -136 M 2 -126 Q 4 -136 10 -137", 4.4, fur)
    pen.oval(3, -98, 32, 30, fur)
    with pen.clipped("M -29 -98 C -29 -138 35 -138 35 -98 C 35 -58 -29 -58 -29 -98 Z"):
        mask = "M 8 -110 C 2 -126 -20 -124 -20 -100 C -20 -80 -6 -70 10 -70 C 26 -70 35 -80 36 -98 "
        pen.shape(mask + "C 36 -124 15 -126 8 -110 Z", light, line=0)
    pen.oval(3, -98, 32, 30, None)
    _cheeks(pen, expression, -86, -12, 28)
    _eyes(pen, light, expression, x=8, gap=12.5, size=8.4)
    _beak(pen, expression, 11, -85, 12, 9)


def _frog(pen: Pen, fur: str, light: str, expression: str) -> None:
    for x in (-12, 22):
        pen.oval(x, -116, 15, 14.5, fur)
    pen.oval(3, -92, 36, 25, fur)
    with pen.clipped("M -33 -92 C -33 -126 39 -126 39 -92 C 39 -58 -33 -58 -33 -92 Z"):
        pen.oval(8, -76, 28, 13, light, line=0)
    pen.oval(3, -92, 36, 25, None)
    for x in (-12, 22):
        pen.oval(x + 0.5, -113, 12.5, 12, fur, line=0)
    _cheeks(pen, expression, -90, -23, 31)
    _eyes(pen, fur, expression, x=6, y=-115, gap=17, size=9.4)
    _mouth(pen, expression, 9, -86, 15)


def _elephant(pen: Pen, fur: str, light: str, expression: str) -> None:
    for x, rx in ((-26, 20), (29, 17)):
        pen.oval(x, -99, rx, 25, fur)
        pen.oval(x, -98, rx - 6, 18, light, line=0)
    pen.oval(3, -98, 31, 29, fur)
    _cheeks(pen, expression, -89, -18, 27)
    _eyes(pen, fur, expression, x=9, y=-107, gap=13.5, size=8.6, tear=-14)
    _mouth(pen, expression, -4, -83, 9)
    ends = {
        "happy": "M 11 -90 C 12 -78 20 -70 29 -76 Q 34 -80 32 -90",
        "sad": "M 11 -90 C 13 -84 14 -74 14 -60",
        "surprised": "M 11 -90 C 12 -82 18 -74 32 -80",
        "cross": "M 11 -90 C 12 -80 17 -72 31 -70",
        "sleepy": "M 11 -90 C 13 -84 14 -72 20 -62",
    }
    pen.limb(ends[expression], 11.5, fur)
    # The root of the trunk has no outline across the forehead.
    pen.oval(11, -92, 5.4, 4, fur, line=0)


def _cat(pen: Pen, fur: str, light: str, expression: str) -> None:
    for ear, inside in (
        ("M -29 -104 L -27 -143 Q -12 -136 0 -122 Z", "M -22 -117 L -22 -133 Q -14 -129 -8 -122 Z"),
        ("M 8 -122 Q 18 -136 32 -143 L 35 -104 Z", "M 16 -122 Q 21 -129 28 -133 L 29 -117 Z"),
    ):
        pen.shape(ear, fur)
        pen.shape(inside, "f59ab0", line=0)
    pen.oval(3, -98, 35, 29, fur)
    pen.oval(4, -81, 10, 10, light, line=0)
    pen.oval(18, -81, 10, 10, light, line=0)
    pen.oval(11, -77, 12, 8, light, line=0)
    pen.polygon([(11, -94), (3, -83), (19, -83)], light, line=0)
    _cheeks(pen, expression, -88, -20, 29)
    _eyes(pen, fur, expression, white="f2ff9e", brow="ffffff", lid="ffffff")
    pen.shape("M 7 -92 L 16 -92 Q 12 -85 7 -92 Z", "f0708f", line=1.2)
    _mouth(pen, expression, 11, -84, 10)


def _duck(pen: Pen, fur: str, light: str, expression: str) -> None:
    pen.shape(
        "M -6 -124 Q -14 -138 -4 -142 Q -4 -136 2 -134 Q 4 -144 14 -142 Q 8 -134 12 -124 Z", fur
    )
    pen.oval(3, -98, 33, 30, fur)
    _cheeks(pen, expression, -88, -20, 29)
    _eyes(pen, fur, expression, x=8, y=-107, gap=12.5, size=8.6)
    _beak(pen, expression, 14, -86, 18, 10)


_HEADS = {
    "fox": _fox,
    "bear": _bear,
    "rabbit": _rabbit,
    "penguin": _penguin,
    "frog": _frog,
    "elephant": _elephant,
    "cat": _cat,
    "duck": _duck,
}
