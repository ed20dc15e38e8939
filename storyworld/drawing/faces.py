"""Faces: eyes, brows, cheeks, mouths and beaks for the eight expressions.

Every expression has its own eyes, its own mouth and one sign that is seen from afar: a tear, red
cheeks, drops of sweat. Everything sits a little to the right, where the character looks. `marks.py`
draws the signs above the head (`Zz`, a thought), which are never mirrored.
"""

from __future__ import annotations

from storyworld.drawing.pen import INK, Pen

MOUTH = "7d1526"
TONGUE = "f0707e"
PUPIL = "1b1420"
_OPEN = ("surprised", "scared")


def _eye(at: float, y: float, rx: float, ry: float) -> str:
    bulge = ry * 1.33
    upper = f"M {at - rx} {y} C {at - rx} {y - bulge} {at + rx} {y - bulge} {at + rx} {y} "
    return upper + f"C {at + rx} {y + bulge} {at - rx} {y + bulge} {at - rx} {y} Z"


def draw_eyes(
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
    """Draw both eyes with brows and, if sad, the tear.

    `gap` is the distance of an eye from the middle `x`, `tear` that of the tear from the rear eye;
    `lid` is the colour of closed eyes.
    """
    for side in (-1, 1):
        at = x + side * gap
        if expression == "sleepy":
            pen.stroke(f"M {at - size} {y + 1} Q {at} {y + size + 3} {at + size} {y + 1}", 3.6, lid)
        elif expression == "laughing":
            arc = f"M {at - size} {y + 5} Q {at} {y - size - 8} {at + size} {y + 5}"
            pen.stroke(arc, 4.2, lid)
        else:
            _open_eye(pen, fur, expression, at, y, side, size, white)
            _brow(pen, expression, at, y, side, size, brow)
    if expression == "sad":
        left, top = x - gap + tear, y + size
        drop = f"M {left} {top} C {left + 12} {top + 14} {left + 6.5} {top + 21} {left} {top + 21} "
        drop += f"C {left - 6.5} {top + 21} {left - 12} {top + 14} {left} {top} Z"
        pen.shape(drop, "3fa9ff", line=1.8)
        pen.oval(left - 1.8, top + 13, 1.8, 3, "ffffff", line=0)


def _open_eye(
    pen: Pen, fur: str, expression: str, at: float, y: float, side: int, size: float, white: str
) -> None:
    rx, ry = size * (0.92 if side > 0 else 1.0), size * 1.12
    if expression in _OPEN:
        rx, ry = rx * 1.18, ry * 1.22
    eye = _eye(at, y, rx, ry)
    pen.shape(eye, white, line=0)
    with pen.clipped(eye):
        if expression == "surprised":
            pen.oval(at + 2, y, 4.4, 5.2, PUPIL, line=0)
            pen.oval(at + 0.6, y - 2, 1.6, 1.8, "ffffff", line=0)
        elif expression == "scared":
            pen.oval(at + 1, y + 1, 2.6, 3.0, PUPIL, line=0)
        elif expression == "thoughtful":
            pen.oval(at + 4.2, y - 5, 5.2, 5.8, PUPIL, line=0)
            pen.oval(at + 2.6, y - 6.6, 1.8, 1.9, "ffffff", line=0)
        else:
            down = 2.5 if expression == "sad" else 1.0 if expression == "cross" else 0.0
            pen.oval(at + 2.5, y + down, 5.6, 6.8, PUPIL, line=0)
            pen.oval(at + 0.6, y + down - 2.6, 2.1, 2.3, "ffffff", line=0)
            if expression == "sad":
                pen.oval(at + 4.6, y + down + 3.2, 1.4, 1.5, "ffffff", line=0)
        if expression == "cross":
            _slanted_lid(pen, fur, at, side, rx, y - 1.5, y - ry - 1, y - ry)
        elif expression == "sad":
            _slanted_lid(pen, fur, at, side, rx, y - ry - 2, y - 3.5, y - ry)
    pen.shape(eye, None, line=2.0)


def _brow(
    pen: Pen, expression: str, at: float, y: float, side: int, size: float, colour: str
) -> None:
    top = y - size * 1.12 * (1.22 if expression in _OPEN else 1.0)
    if expression == "sad":
        inner, outer = at - side * 7, at + side * 9
        bend = f"M {inner} {top - 8} Q {at + side} {top - 5} {outer} {top + 1.5}"
        pen.stroke(bend, 3.8, colour)
    elif expression == "cross":
        pen.stroke(f"M {at - side * 8.5} {top + 6} L {at + side * 9} {top - 4}", 4.6, colour)
    elif expression == "surprised":
        pen.stroke(f"M {at - 7} {top - 4} Q {at} {top - 10} {at + 7} {top - 4}", 3.4, colour)
    elif expression == "scared":
        inner, outer = at - side * 6, at + side * 8
        pen.stroke(f"M {inner} {top - 6} L {outer} {top - 0.5}", 3.4, colour)
    elif expression == "thoughtful":
        if side > 0:
            pen.stroke(f"M {at - 8} {top - 3} Q {at} {top - 11} {at + 8} {top - 5}", 3.8, colour)
        else:
            pen.stroke(f"M {at - 8} {top - 1} Q {at} {top - 6} {at + 7} {top - 4}", 3.8, colour)


def _slanted_lid(
    pen: Pen, fur: str, at: float, side: int, rx: float, inner: float, outer: float, top: float
) -> None:
    left, right = (outer, inner) if side < 0 else (inner, outer)
    corners = [(at - rx - 2, top - 4), (at - rx - 2, left), (at + rx + 2, right)]
    pen.polygon([*corners, (at + rx + 2, top - 4)], fur, line=2.0)


def draw_cheeks(
    pen: Pen, expression: str, y: float = -86.0, left: float = -20.0, right: float = 27.0
) -> None:
    """Draw both cheeks: rosy when content, red when cross, otherwise none."""
    if expression == "cross":
        colour, alpha, grow = "f0322c", 0.8, 1.25
    elif expression in ("happy", "sleepy", "laughing"):
        colour, alpha, grow = "ff8fa0", 0.75, 1.15 if expression == "laughing" else 1.0
    else:
        return
    pen.oval(left, y, 6 * grow, 4.6 * grow, colour, line=0, alpha=alpha)
    pen.oval(right, y, 4 * grow, 4.6 * grow, colour, line=0, alpha=alpha)


def draw_fright(pen: Pen, expression: str, left: float, right: float, top: float) -> None:
    """Draw drops of sweat at both sides below the top of the head, for the scared only."""
    if expression != "scared":
        return
    for x, lean in ((left, -1), (right, 1)):
        y = top + 20
        drop = f"M {x - lean * 3} {y - 9} C {x + lean * 5 + 4} {y - 2} {x + 6} {y + 7} {x} {y + 7} "
        drop += f"C {x - 6} {y + 7} {x + lean * 5 - 4} {y - 2} {x - lean * 3} {y - 9} Z"
        pen.shape(drop, "8fd4ff", line=1.8)


# --- mouths -------------------------------------------------------------------------------------


def draw_mouth(pen: Pen, expression: str, x: float, y: float, width: float = 11.0) -> None:
    """A mouth whose upper lip is at `y`."""
    if expression in ("happy", "laughing"):
        laughs = expression == "laughing"
        if laughs:
            width, y = width * 1.22, y - 2
        low = y + width * (1.55 if laughs else 1.25)
        smile = f"M {x - width} {y - 1} Q {x} {y + 3} {x + width} {y - 1} "
        smile += f"C {x + width} {low} {x - width} {low} {x - width} {y - 1} Z"
        pen.shape(smile, MOUTH, line=0)
        with pen.clipped(smile):
            tongue = y + width * (1.12 if laughs else 0.98)
            pen.oval(x, tongue, width * 0.6, width * 0.42, TONGUE, line=0)
            if laughs:
                pen.box(x - width, y - 4, 2 * width, 8, "ffffff", line=0)
        pen.shape(smile, None, line=2.4)
    elif expression == "sad":
        bend = f"M {x - width * 0.85} {y + 10} Q {x} {y - 6} {x + width * 0.85} {y + 10}"
        pen.stroke(bend, 3.6)
    elif expression == "surprised":
        pen.oval(x, y + 6.5, width * 0.62, 8.2, MOUTH, line=2.6)
    elif expression == "cross":
        step = width * 0.45
        zigzag = f"M {x - 2 * step} {y + 7} L {x - step} {y + 2} L {x} {y + 7} "
        pen.stroke(zigzag + f"L {x + step} {y + 2} L {x + 2 * step} {y + 7}", 3.4)
    elif expression == "scared":
        _chatter(pen, x, y + 6, width, 5.2)
    elif expression == "thoughtful":
        pen.stroke(f"M {x - 2} {y + 7} Q {x + 5} {y + 6} {x + width * 0.9} {y + 2.5}", 3.6)
    else:
        pen.stroke(f"M {x - 5} {y + 4} Q {x} {y + 8} {x + 5} {y + 4}", 3.2)


def _chatter(pen: Pen, x: float, y: float, width: float, height: float) -> None:
    """Chattering teeth: a wavy white band."""
    step = width / 2
    top, low = y - height, y + height
    band = f"M {x - width} {y} Q {x - 1.5 * step} {top - 3} {x - step} {top} "
    band += f"Q {x - step / 2} {top + 3} {x} {top} Q {x + step / 2} {top - 3} {x + step} {top} "
    band += f"Q {x + 1.6 * step} {top + 1} {x + width} {y} "
    band += f"Q {x + 1.5 * step} {low + 3} {x + step} {low} Q {x + step / 2} {low - 3} {x} {low} "
    band += f"Q {x - step / 2} {low + 3} {x - step} {low} Q {x - 1.6 * step} {low - 1} "
    pen.shape(band + f"{x - width} {y} Z", "ffffff", line=2.4)
    zigzag = f"M {x - width * 0.8} {y} L {x - step} {y + 1.6} L {x - step / 2} {y - 1.6} "
    zigzag += f"L {x} {y + 1.6} L {x + step / 2} {y - 1.6} L {x + step} {y + 1.6} "
    pen.stroke(zigzag + f"L {x + width * 0.8} {y}", 1.7)


def draw_beak(pen: Pen, expression: str, x: float, y: float, width: float, height: float) -> None:
    """A beak that is its own mouth; `y` is the line between its halves."""
    fill, low_fill = "f7941f", "e07a12"
    if expression in ("happy", "laughing"):
        deep = 2.5 if expression == "laughing" else 1.9
        low = y + height * deep
        jaw = f"M {x - width} {y - 2} C {x - width} {low} {x + width} {low} "
        pen.shape(jaw + f"{x + width} {y - 2} Z", low_fill)
        inner, gap = width * 0.76, y + height * (deep - 0.5)
        gape = f"M {x - inner} {y} C {x - inner} {gap} {x + inner} {gap} {x + inner} {y} Z"
        pen.shape(gape, MOUTH, line=1.6)
        if expression == "laughing":
            with pen.clipped(gape):
                pen.oval(x, y + height * 1.5, inner * 0.6, height * 0.5, TONGUE, line=0)
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
    elif expression == "scared":
        pen.oval(x, y + 2, width, height * 1.05, fill)
        _chatter(pen, x, y + 3, width * 0.78, height * 0.42)
    elif expression == "thoughtful":
        pen.oval(x, y + 1, width * 0.86, height * 0.72, fill)
        bend = f"M {x - width * 0.3} {y + 4} Q {x + width * 0.3} {y + 3} {x + width * 0.7} {y - 1}"
        pen.stroke(bend, 2.8)
    else:
        pen.oval(x, y + 1, width * 0.8, height * 0.62, fill)
        pen.stroke(f"M {x - width * 0.5} {y + 1} Q {x} {y + 4} {x + width * 0.5} {y + 1}", 2.4)
