"""Trees, flowers, houses and furniture that several places share."""

from __future__ import annotations

from storyworld.drawing.pen import Pen, Point, blend
from storyworld.drawing.places_sky import BOTTOM, LEFT, RIGHT, SNOW, Setting, draw_window

WIND_SKEW = -0.16
"""Skew of plants in the wind, to the right."""


def draw_ground(pen: Pen, setting: Setting, colour: str, edge: str) -> None:
    """Fill everything below a line: the middle of a path from x = -12 to x = 460."""
    path = f"M {LEFT} 190 {edge} L {RIGHT} {BOTTOM} L {LEFT} {BOTTOM} Z"
    pen.shape(path, setting.ground(colour))


def blown(pen: Pen, setting: Setting, x: float, y: float) -> int:
    """Bend the next drawing in the wind around its foot (x, y); return the count to restore to."""
    count = pen.canvas.save()
    if setting.weather == "wind":
        pen.canvas.translate(x, y)
        pen.canvas.skew(WIND_SKEW, 0)
        pen.canvas.translate(-x, -y)
    return int(count)


def tree(pen: Pen, setting: Setting, x: float, y: float, size: float, leaf: str) -> None:
    """A round tree, about 100 wide and 116 high at size 1; its foot is at (x, y)."""
    pen.box(x - 8 * size, y - 50 * size, 16 * size, 52 * size, "85572f")
    count = blown(pen, setting, x, y)
    crown = ((0, -84, 32), (-24, -62, 25), (24, -62, 25))
    for line in (4, 0):
        for dx, dy, radius in crown:
            pen.oval(x + dx * size, y + dy * size, radius * size, radius * size, leaf, line=line)
    if setting.snowy:
        with pen.moved(x, y - 92 * size, scale=size):
            cap = "M -28 0 C -24 -32 24 -32 28 0 Q 14 -8 0 2 Q -14 -8 -28 0 Z"
            pen.shape(cap, SNOW, line=0)
    pen.canvas.restoreToCount(count)


def pine(pen: Pen, setting: Setting, x: float, y: float, size: float, leaf: str = "3d8560") -> None:
    """A fir, 60 wide and 100 high at size 1; its foot is at (x, y)."""
    count = blown(pen, setting, x, y)
    pen.box(x - 5 * size, y - 16 * size, 10 * size, 18 * size, "6f4a2c")
    for step, half in enumerate((30, 24, 17)):
        base = y - 14 * size - step * 24 * size
        top = base - 38 * size
        pen.polygon([(x - half * size, base), (x + half * size, base), (x, top)], leaf)
        if setting.snowy:
            cap, low = half * 0.5 * size, top + 19 * size
            points = [(x, top), (x + cap, low), (x, low - 4 * size), (x - cap, low)]
            pen.polygon(points, SNOW, line=0)
    pen.canvas.restoreToCount(count)


def bloom(
    pen: Pen, setting: Setting, x: float, y: float, size: float, colour: str, stem: float = 26
) -> None:
    """A flower; its middle is at (x, y), its foot `stem` below."""
    count = blown(pen, setting, x, y + stem)
    pen.stroke(f"M {x} {y} L {x} {y + stem}", 3.4, "3f8f3f")
    pen.oval(x + 6 * size, y + stem * 0.6, 6 * size, 3.4 * size, "58b04a", line=0)
    for dx, dy in ((0, -7), (7, -2), (4, 6), (-4, 6), (-7, -2)):
        pen.oval(x + dx * size, y + dy * size, 5 * size, 5 * size, colour, line=1.4)
    pen.oval(x, y, 4.6 * size, 4.6 * size, "ffe680", line=0)
    pen.canvas.restoreToCount(count)


def tuft(pen: Pen, setting: Setting, x: float, y: float, colour: str, size: float = 1.0) -> None:
    """A tuft of grass, about 26 wide and 16 high; the wind bends it far."""
    bend = 12 if setting.weather == "wind" else 0
    tip = 4 if bend else 0
    with pen.moved(x, y, scale=size):
        path = f"M -12 0 Q -10 -8 {-14 + bend * 1.6} {-12 + tip} Q -4 -10 -3 -4 "
        path += f"Q -3 -12 {0 + bend * 1.5} {-18 + tip} Q 4 -10 4 -4 "
        path += f"Q 6 -9 {14 + bend} {-12 + tip} Q 11 -6 12 0 Z"
        pen.shape(path, setting.ground(colour), line=0)


def bush(pen: Pen, setting: Setting, x: float, y: float, size: float, leaf: str) -> None:
    """A round bush, about 64 wide and 40 high at size 1."""
    with pen.moved(x, y, scale=size):
        path = "M -32 0 C -42 -20 -24 -32 -14 -26 C -8 -44 18 -42 20 -26 C 36 -28 38 -6 30 0 Z"
        pen.shape(path, leaf, line=2 / size)
        if setting.snowy:
            cap = "M -22 -24 C -16 -34 -8 -26 -10 -28 C 0 -42 18 -36 20 -22 Q 8 -30 -22 -24 Z"
            pen.shape(cap, SNOW, line=0)


def house(
    pen: Pen,
    setting: Setting,
    x: float,
    base: float,
    width: float,
    height: float,
    wall: str,
    roof: str,
    door: bool = True,
) -> None:
    """A house with a gable, two windows and perhaps a door; (x, base) is its lower left corner."""
    top, middle = base - height, x + width / 2
    pen.box(x, top, width, height, wall)
    pen.polygon([(x - 6, top), (middle, top - 36), (x + width + 6, top)], roof)
    if setting.snowy:
        cap = [(x + 3, top - 9), (middle, top - 37), (x + width - 3, top - 9)]
        wide = width * 0.22
        cap += [(middle + wide, top - 15), (middle, top - 9), (middle - wide, top - 15)]
        pen.polygon(cap, SNOW, line=0)
    shining = setting.time != "day"
    glass = pen.unlit() if shining else pen
    for left in (x + 9, x + width - 27):
        glass.box(left, top + 13, 18, 22, "ffe27a" if shining else "d6f0fb")
        cross = f"M {left + 9} {top + 13} L {left + 9} {top + 35}"
        pen.stroke(cross, 2, blend(wall, "2b1f2e", 0.4))
    if door:
        pen.box(middle - 10, base - 34, 20, 36, "8a5836", corner=4)


def windmill(
    pen: Pen, setting: Setting, x: float, base: float, size: float, roof: str, turn: float
) -> None:
    """A windmill, about 36 wide and 90 high at size 1, its sails turned by `turn` degrees."""
    with pen.moved(x, base, scale=size):
        line = 2.0 / size**0.5
        pen.polygon([(-19, 0), (-12, -66), (12, -66), (19, 0)], "fff3df", line=line)
        pen.polygon([(-17, -64), (0, -88), (17, -64)], roof, line=line)
        if setting.snowy:
            pen.polygon([(-12, -72), (0, -89), (12, -72), (0, -76)], SNOW, line=0)
        pen.box(-7.5, -26, 15, 26, "8a5a34", corner=7, line=line)
        pen.oval(0, -42, 5.5, 5.5, "8fb6cc", line=line)
        turn += 24 if setting.weather == "wind" else 0
        for angle in range(4):
            with pen.moved(0, -62, turn + 90 * angle):
                pen.stroke("M 0 0 L 0 -56", 4.4, "8a5a34")
                pen.polygon([(2, -14), (15, -14), (15, -56), (2, -56)], "ffffff", line=line)
                pen.stroke("M 2 -28 L 15 -28 M 2 -42 L 15 -42", 2, "c9b8a0")
        pen.oval(0, -62, 6, 6, "8a5a34", line=line)


def fence(pen: Pen, setting: Setting, left: float, right: float, base: float, wood: str) -> None:
    """A picket fence, 60 high."""
    pen.box(left, base - 44, right - left, 7, wood)
    at = left
    while at < right:
        points: list[Point] = [(at, base), (at, base - 52), (at + 7, base - 61)]
        pen.polygon([*points, (at + 14, base - 52), (at + 14, base)], wood)
        if setting.snowy:
            pen.oval(at + 7, base - 58, 7, 5, SNOW, line=0)
        at += 22


def bookcase(
    pen: Pen, x: float, y: float, width: float, base: float, shelves: tuple[float, ...]
) -> None:
    """Shelves of books over a plain cupboard; each number is the top of a row 34 high."""
    pen.box(x, y, width, base - y, "8a5732")
    colours = ("cf6357", "e3bf5c", "6089bd", "74a877", "d99567", "937bb3")
    for row, top in enumerate(shelves):
        low = top + 34
        pen.box(x + 5, top, width - 10, 34, "6b4226", line=0)
        at, book = x + 7, row * 2
        while at + 13 < x + width - 4:
            tall = (28, 24, 30, 26)[book % 4]
            pen.box(at, low - tall, 13, tall, colours[book % 6], line=1.4)
            at += 14
            book += 1
        pen.stroke(f"M {x + 2} {low + 1.5} L {x + width - 2} {low + 1.5}", 4, "6b4226")
    top = shelves[-1] + 42
    if base - top > 20:
        half = width / 2 - 7
        pen.box(x + 5, top, half, base - 6 - top, "99653c", corner=2)
        pen.box(x + width / 2 + 2, top, half, base - 6 - top, "99653c", corner=2)


def lamp_light(pen: Pen, setting: Setting, x: float, y: float, radius: float = 120) -> None:
    """The warm light of a lamp at night."""
    if setting.time == "night":
        pen.unlit().glow(x, y, radius, "ffcf70", 0.55)


def curtained_window(pen: Pen, setting: Setting, x: float, y: float, cloth: str) -> None:
    """A window 78 wide with two gathered curtains on a rod."""
    draw_window(pen, setting, x, y)
    pen.shape(f"M {x - 8} {y - 6} L {x + 20} {y - 6} Q {x + 20} {y + 44} {x - 2} {y + 86} "
              f"L {x - 9} {y + 86} Z", cloth)  # fmt: skip
    pen.shape(f"M {x + 86} {y - 6} L {x + 58} {y - 6} Q {x + 58} {y + 44} {x + 80} {y + 86} "
              f"L {x + 87} {y + 86} Z", cloth)  # fmt: skip
    pen.stroke(f"M {x - 14} {y - 6} L {x + 92} {y - 6}", 5, "8a5a34")
