"""Perches and hiders of the places, each unlike those of the others."""

from __future__ import annotations

from collections.abc import Callable

from storyworld.drawing.pen import Pen, blend
from storyworld.drawing.places_shapes import bookcase
from storyworld.drawing.places_sky import SNOW, Setting, place_pen
from storyworld.drawing.places_wild import reeds

GROUND = 192.0
"""Height of the ground, down to which trunks and walls of perches reach."""


def draw_perch(pen: Pen, setting: Setting, x: float, y: float, width: float = 60) -> None:
    """Draw the perch of a place; a thing on it has its bottom at `y`.

    It is `width` wide around `x`; trunks and walls stand on the side of the nearer edge.
    """
    lit = place_pen(pen, setting)
    with lit.moved(x, y, flip=x < 128):
        _PERCHES[setting.place](lit, setting, width / 2, GROUND - y)


def draw_hider(pen: Pen, setting: Setting, x: float, floor: float) -> None:
    """Draw the hider of a place: about 60 wide and 62 high, standing at (x, floor)."""
    lit = place_pen(pen, setting)
    lit.oval(x, floor, 36, 5, "000000", line=0, alpha=0.2)
    with lit.moved(x, floor):
        _HIDERS[setting.place](lit, setting)


# --- perches: the middle of the top is (0, 0), the nearer edge of the frame is on the right -----


def _snow_on(pen: Pen, setting: Setting, left: float, right: float, y: float = 0.0) -> None:
    if setting.snowy:
        pen.box(left, y - 3, right - left, 6, SNOW, line=0, corner=3)


def _leaves(pen: Pen, x: float, y: float, radius: float, colour: str) -> None:
    circles = ((-0.7, 0.2, 0.7), (0.7, 0.2, 0.7), (0.0, -0.3, 0.85))
    for line in (4, 0):
        for dx, dy, size in circles:
            at_x, at_y, r = x + dx * radius, y + dy * radius, size * radius
            pen.oval(at_x, at_y, r, r, colour, line=line)


def _palm(pen: Pen, setting: Setting, half: float, drop: float) -> None:
    pen.limb(f"M 26 {drop + 6} Q 30 {drop * 0.45} 3 6", 10, "b58450")
    leaf = "58ae66" if not setting.snowy else "d8ece0"
    blow = 8 if setting.weather == "wind" else 0
    for side in (-1, 1):
        tip = side * (half + 20)
        low = f"M 0 4 Q {side * half * 0.5} 0 {tip + blow} 34 Q {side * half * 0.3} 22 0 4 Z"
        pen.shape(low, leaf)
        tip = side * (half + 14)
        flat = f"M 0 0 Q {side * half * 0.6} -7 {tip + blow} 10 Q {side * half * 0.5} 14 0 8 Z"
        pen.shape(flat, leaf)
    for dx in (-6, 7):
        pen.oval(dx, 14, 6, 6, "8a5a34")


def _branch(pen: Pen, setting: Setting, half: float, drop: float, leaf: str) -> None:
    """A trunk at the edge and a branch from it."""
    trunk = half + 16
    wood = "8f6238"
    pen.shape(f"M {trunk - 2} -90 Q {trunk + 2} {drop * 0.4} {trunk - 10} {drop + 4} "
              f"Q {trunk + 12} {drop - 4} {trunk + 40} {drop + 4} L {trunk + 40} -90 Z",
              wood)  # fmt: skip
    pen.limb(f"M {trunk + 8} 22 Q {half * 0.6} 6 {-half - 4} 5", 8, wood)
    pen.stroke(f"M {trunk + 6} 22 L {trunk + 14} 26", 8, wood)
    _leaves(pen, trunk + 18, -78, 30, leaf)
    _leaves(pen, -half - 8, 8, 9, leaf)
    _leaves(pen, half * 0.3, 15, 8, leaf)
    if setting.snowy:
        pen.stroke(f"M {half * 0.8} 5 Q 0 2 {-half + 2} 1", 4.5, SNOW)


def _forest_branch(pen: Pen, setting: Setting, half: float, drop: float) -> None:
    _branch(pen, setting, half, drop, "57a559")


def _apple_tree(pen: Pen, setting: Setting, half: float, drop: float) -> None:
    _branch(pen, setting, half, drop, "64ae5a")
    for x, y in ((half + 10, -62), (half + 30, -56), (-half * 0.35, 18)):
        pen.oval(x, y, 6.5, 6.5, "e8584a", line=1.8)


def _willow(pen: Pen, setting: Setting, half: float, drop: float) -> None:
    trunk = half + 16
    pen.shape(f"M {trunk} -90 Q {trunk + 2} {drop * 0.5} {trunk - 8} {drop + 8} "
              f"L {trunk + 44} {drop + 8} L {trunk + 44} -90 Z", "94703f")  # fmt: skip
    lean = 14 if setting.weather == "wind" else 0
    for index in range(5):
        dx, length = -half - 4 + index * (half / 2 + 4), (34, 48, 40, 52, 38)[index]
        strand = f"M {dx - 8} 6 Q {dx - 8 + lean / 2} {length / 2} {dx - 6 + lean} {length - 8} "
        strand += f"Q {dx + lean} {length + 6} {dx + 6 + lean} {length - 8} "
        pen.shape(strand + f"Q {dx + 8 + lean / 2} {length / 2} {dx + 8} 6 Z", "86bd5c")
    pen.limb(f"M {trunk + 10} 12 Q {half} 3 {-half - 8} 6", 9, "94703f")
    for dx, length in ((trunk + 2, 60), (trunk + 24, 76)):
        low = length - 90
        strand = f"M {dx - 11} -92 L {dx - 11} {low} Q {dx} {low + 20} {dx + 11} {low} "
        pen.shape(strand + f"L {dx + 11} -92 Z", "7ab353")
    pen.oval(trunk + 22, -96, 46, 26, "7ab353")
    if setting.snowy:
        pen.stroke(f"M {half} 1 Q 0 1 {-half - 4} 2", 4.5, SNOW)


def _roof(pen: Pen, setting: Setting, half: float, drop: float) -> None:
    wall = half + 8
    pen.box(-wall, 34, 2 * wall + 60, drop - 34, "f7e6c4")
    shining = setting.time != "day"
    glass = pen.unlit() if shining else pen
    if drop > 90:
        glass.box(-13, 50, 26, 28, "ffe27a" if shining else "d6f0fb")
        pen.stroke("M 0 50 L 0 78", 2, "b09878")
    tiles = "c8604e"
    pen.polygon([(-half - 2, 0), (half + 70, 0), (half + 70, 38), (-half - 18, 38)], tiles)
    for row in (13, 26):
        edge = -half - 2 - row * 0.42
        pen.stroke(f"M {edge} {row} L {half + 70} {row}", 2, blend(tiles, "2b1f2e", 0.3))
    pen.box(-half - 5, -2, 2 * half + 78, 7, "a84a40", corner=3)
    _snow_on(pen, setting, -half - 3, half + 70, -1)


def _shelf(pen: Pen, setting: Setting, half: float, drop: float) -> None:
    for side in (-1, 1):
        at = side * (half - 6)
        pen.stroke(f"M {at} 6 L {at} 20 L {at - side * 10} 6", 4.5, "8a5a38")
    pen.box(-half - 8, 0, 2 * half + 16, 9, "c98f58", corner=2)


def _ledge(pen: Pen, setting: Setting, half: float, drop: float, rock: str, snow: bool) -> None:
    cliff = f"M {-half - 10} 2 L {half + 90} -4 L {half + 90} {drop + 6} L {half - 2} {drop + 6} "
    cliff += f"Q {half + 8} {drop * 0.5} {half - 12} 40 Q {-half * 0.2} 34 {-half} 18 Z"
    pen.shape(cliff, rock)
    shade = f"M {half + 16} {drop + 5} Q {half + 24} {drop * 0.5} {half + 4} 38 L {half + 90} 30 "
    pen.shape(shade + f"L {half + 90} {drop + 5} Z", blend(rock, "2b1f2e", 0.12), line=0)
    if snow:
        top = f"M {-half - 13} 4 Q {-half - 10} -3 {-half} -2 L {half + 90} -6 L {half + 90} 10 "
        top += f"Q {half + 10} 6 {half - 4} 13 Q {half * 0.4} 6 {half * 0.1} 11 "
        pen.shape(top + f"Q {-half * 0.4} 6 {-half - 13} 4 Z", SNOW)


def _snowy_ledge(pen: Pen, setting: Setting, half: float, drop: float) -> None:
    _ledge(pen, setting, half, drop, "9db0c8", True)


def _cave_ledge(pen: Pen, setting: Setting, half: float, drop: float) -> None:
    _ledge(pen, setting, half, drop, "7d7b94", False)


def _bookcase(pen: Pen, setting: Setting, half: float, drop: float) -> None:
    rows = tuple(8 + 42 * row for row in range(max(1, int((drop - 20) // 42))))
    bookcase(pen, -half, 0, 2 * half, drop, rows)
    pen.box(-half - 5, 0, 2 * half + 10, 8, "9a6238", corner=2)


def _sail(pen: Pen, setting: Setting, half: float, drop: float) -> None:
    """The end of a windmill's sail, which stands level."""
    wood = "8a5a34"
    pen.polygon([(-half - 4, 6), (half + 8, 6), (half + 8, 28), (-half - 4, 28)], "ffffff")
    for index in range(1, 4):
        x = -half + index * half / 2
        pen.stroke(f"M {x} 7 L {x} 27", 2, "c9b8a0")
    pen.stroke(f"M {-half - 4} 17 L {half + 8} 17", 2, "c9b8a0")
    far = half + 90
    tower = f"M {half + 24} {drop + 4} L {half + 34} -22 L {far} -22 L {far} {drop + 4} Z"
    pen.shape(tower, "fff3df")
    pen.shape(f"M {half + 28} -20 Q {half + 50} -50 {half + 90} -60 L {half + 90} -20 Z", "d0604f")
    pen.limb(f"M {-half - 6} 3.5 L {half + 42} 3.5", 4, wood)
    pen.limb(f"M {half + 42} 4 L {half + 42} -80 M {half + 42} 4 L {half + 42} 90", 4, wood)
    pen.oval(half + 42, 4, 8, 8, wood)
    _snow_on(pen, setting, -half - 4, half + 24, 0)


def _wardrobe(pen: Pen, setting: Setting, half: float, drop: float) -> None:
    pen.box(-half, 4, 2 * half, drop - 4, "b57c4c", corner=4)
    for left in (-half + 5, 2):
        pen.box(left, 16, half - 7, drop - 26, "c89060", corner=4)
    for x in (-6, 6):
        pen.oval(x, drop * 0.5, 3.6, 3.6, "ffe9a8", line=1.4)
    pen.box(-half - 6, 0, 2 * half + 12, 10, "c89060", corner=3)


def _rafter(pen: Pen, setting: Setting, half: float, drop: float) -> None:
    wood = "a8744a"
    post = half + 12
    pen.box(post, -100, 13, drop + 96, wood)
    pen.limb(f"M {post + 4} 52 L {half - 26} 8", 7, wood)
    pen.box(-half - 12, 0, 2 * half + 120, 13, wood)
    pen.stroke(f"M {-half - 4} 6.5 L {half + 4} 6.5", 1.8, blend(wood, "2b1f2e", 0.25))


_PERCHES: dict[str, Callable[[Pen, Setting, float, float], None]] = {
    "beach": _palm,
    "forest": _forest_branch,
    "village": _roof,
    "kitchen": _shelf,
    "mountain": _snowy_ledge,
    "garden": _apple_tree,
    "pond": _willow,
    "library": _bookcase,
    "hill": _sail,
    "bedroom": _wardrobe,
    "cave": _cave_ledge,
    "workshop": _rafter,
}


# --- hiders: they stand at (0, 0) ---------------------------------------------------------------


def _boulder(pen: Pen, setting: Setting, rock: str) -> None:
    pen.shape("M -33 2 C -38 -26 -28 -52 -8 -60 C 14 -68 32 -46 34 -22 Q 38 -6 34 2 Q 0 6 -33 2 Z",
              rock)  # fmt: skip
    pen.shape("M -24 -22 C -24 -42 -12 -53 -2 -54 C -14 -44 -17 -34 -17 -18 Z",
              blend(rock, "ffffff", 0.4), line=0)  # fmt: skip
    pen.stroke("M 14 -34 Q 20 -26 18 -14", 2.6, blend(rock, "2b1f2e", 0.3))
    if setting.snowy:
        pen.shape("M -26 -46 C -14 -68 16 -68 28 -42 Q 14 -52 2 -46 Q -12 -54 -26 -46 Z", SNOW, 0)


def _rock(pen: Pen, setting: Setting) -> None:
    _boulder(pen, setting, "b0a8a4")


def _cave_boulder(pen: Pen, setting: Setting) -> None:
    _boulder(pen, setting, "8e8ca6")


def _little_tree(pen: Pen, setting: Setting) -> None:
    pen.box(-9, -18, 18, 20, "8f6238")
    pen.stroke("M -9 0 Q -14 2 -18 2 M 9 0 Q 14 2 18 2", 4, "6b4626")
    circles = ((-18, -26, 17), (18, -26, 17), (-12, -42, 17), (12, -42, 17), (0, -28, 19))
    for line in (4, 0):
        for x, y, radius in circles:
            pen.oval(x, y, radius, radius, "57a559", line=line)
    if setting.snowy:
        pen.shape("M -27 -46 C -22 -66 22 -66 27 -46 Q 12 -54 0 -47 Q -12 -54 -27 -46 Z", SNOW, 0)


def _well(pen: Pen, setting: Setting) -> None:
    stone = "b4aab0"
    pen.shape("M -30 -52 L -28 0 Q 0 8 28 0 L 30 -52 Z", stone)
    dark = blend(stone, "2b1f2e", 0.25)
    pen.stroke("M -29 -34 Q 0 -27 29 -34 M -28 -17 Q 0 -10 28 -17", 2.2, dark)
    pen.stroke("M -8 -48 L -8 -32 M 12 -48 L 12 -32 M -16 -30 L -16 -15 M 4 -28 L 4 -13 "
               "M 20 -31 L 20 -16 M -8 -12 L -8 2 M 12 -12 L 12 2", 2.2, dark)  # fmt: skip
    pen.box(-34, -62, 68, 13, blend(stone, "ffffff", 0.2), corner=5)
    for side in (-1, 1):
        pen.limb(f"M {side * 38} -2 L {side * 38} -76", 5, "94683a")
    pen.limb("M 38 -66 L 46 -66 L 46 -54", 3.5, "94683a")
    _snow_on(pen, setting, -33, 33, -61)


def _cupboard(pen: Pen, setting: Setting) -> None:
    pen.box(-31, -58, 62, 60, "d98468", corner=3)
    pen.box(-35, -63, 70, 9, "fff3df", corner=3)
    for left in (-26, 2):
        pen.box(left, -48, 24, 43, "e8a084", corner=3)
    for x in (-6, 6):
        pen.oval(x, -28, 3.6, 3.6, "fff3df", line=1.4)


def _firs(pen: Pen, setting: Setting) -> None:
    for x, size in ((-17, 0.9), (17, 0.94), (0, 0.9)):
        with pen.moved(x, 2, scale=size):
            pen.box(-5, -12, 10, 12, "6f4a2c")
            for base, half, top in ((-8, 26, -40), (-27, 20, -64)):
                pen.polygon([(-half, base), (half, base), (0, top)], "3d8560")
            pen.polygon([(0, -65), (9, -48), (0, -52), (-9, -48)], SNOW, line=0)


def _hedge(pen: Pen, setting: Setting) -> None:
    path = "M -34 2 C -40 -10 -40 -20 -34 -28 C -40 -42 -34 -54 -24 -56 C -18 -66 -6 -64 0 -60 "
    path += "C 8 -66 20 -64 24 -56 C 36 -54 40 -42 34 -30 C 40 -18 38 -8 34 2 Z"
    pen.shape(path, "6fb45e")
    light = "8ccb76"
    for x, y in ((-20, -38), (6, -46), (20, -24), (-8, -18)):
        pen.shape(f"M {x - 9} {y} Q {x - 4} {y - 12} {x} {y} Q {x + 5} {y - 12} {x + 9} {y} "
                  f"Q {x} {y + 7} {x - 9} {y} Z", light, line=0)  # fmt: skip
    if setting.snowy:
        pen.shape("M -34 -46 C -30 -66 -8 -66 0 -61 C 8 -68 30 -64 35 -44 Q 22 -52 10 -46 "
                  "Q -4 -54 -16 -46 Q -26 -50 -34 -46 Z", SNOW, line=0)  # fmt: skip


def _reed_bed(pen: Pen, setting: Setting) -> None:
    reeds(pen, setting, -26, 2, 0.62)
    reeds(pen, setting, 24, 2, 0.66)
    blades = "M -34 2 Q -38 -30 -34 -50 Q -26 -30 -24 -22 Q -22 -44 -14 -58 Q -8 -36 -6 -24 "
    blades += "Q -2 -48 6 -60 Q 10 -36 13 -22 Q 18 -44 26 -54 Q 28 -36 28 -24 "
    pen.shape(blades + "Q 34 -36 38 -44 Q 40 -20 34 2 Q 0 6 -34 2 Z", "79b658")


def _armchair(pen: Pen, setting: Setting) -> None:
    cloth = "7c93c4"
    for x in (-24, 16):
        pen.box(x, -6, 8, 9, "7a4f2c")
    pen.shape("M -27 -6 L -27 -44 C -27 -70 27 -70 27 -44 L 27 -6 Z", cloth)
    for side in (-1, 1):
        pen.shape(f"M {side * 36} -4 L {side * 36} -30 C {side * 36} -42 {side * 22} -42 "
                  f"{side * 22} -30 L {side * 22} -4 Z", blend(cloth, "ffffff", 0.15))  # fmt: skip
    for x, y in ((-10, -44), (10, -44), (0, -30)):
        pen.oval(x, y, 2.8, 2.8, "5a6fa0", line=0)


def _bush(pen: Pen, setting: Setting) -> None:
    path = "M -32 2 C -42 -12 -40 -34 -28 -38 C -30 -56 -10 -66 2 -58 C 14 -64 32 -54 29 -38 "
    pen.shape(path + "C 42 -32 42 -10 32 2 Q 0 6 -32 2 Z", "7cbc62")
    pen.stroke("M -14 -34 Q -6 -44 2 -36 M 6 -20 Q 14 -29 22 -20 M -24 -14 Q -16 -24 -8 -15", 3,
               "5f9e4c")  # fmt: skip
    for x, y in ((-16, -46), (16, -42), (-4, -24), (20, -10)):
        pen.oval(x, y, 4.8, 4.8, "a86ac8", line=1.6)
    if setting.snowy:
        pen.shape("M -28 -46 C -24 -64 -6 -64 2 -58 C 12 -66 30 -56 28 -42 Q 16 -50 4 -44 "
                  "Q -12 -52 -28 -46 Z", SNOW, line=0)  # fmt: skip


def _curtain(pen: Pen, setting: Setting) -> None:
    cloth = "9a82d6"
    for side in (-1, 1):
        pen.limb(f"M {side * 33} 0 L {side * 33} -64", 4, "b57c4c")
    path = "M -31 -60 L 31 -60 L 33 -6 Q 26 2 20 -5 Q 12 3 6 -4 Q 0 3 -7 -4 Q -13 3 -20 -5 "
    pen.shape(path + "Q -27 2 -33 -6 Z", cloth)
    for x in (-19, -6, 7, 20):
        pen.stroke(f"M {x * 0.94} -54 L {x} -10", 2.6, blend(cloth, "2b1f2e", 0.22))
    pen.limb("M -38 -62 L 38 -62", 4.5, "b57c4c")
    for side in (-1, 1):
        pen.oval(side * 40, -62, 5, 5, "c89060")


def _barrel(pen: Pen, setting: Setting) -> None:
    wood = "c08a54"
    pen.shape("M -24 0 C -36 -20 -36 -42 -25 -61 L 25 -61 C 36 -42 36 -20 24 0 Q 0 5 -24 0 Z", wood)
    dark = blend(wood, "2b1f2e", 0.28)
    pen.stroke("M -9 -58 C -13 -40 -13 -20 -9 0 M 9 -58 C 13 -40 13 -20 9 0", 2.2, dark)
    for y, half in ((-47, 30), (-15, 30)):
        pen.stroke(f"M {-half} {y} Q 0 {y + 6} {half} {y}", 8.4, "4c4a58")
        pen.stroke(f"M {-half} {y} Q 0 {y + 6} {half} {y}", 5, "8a919e")
    pen.box(-28, -64, 56, 8, "d09a66", corner=3)


_HIDERS: dict[str, Callable[[Pen, Setting], None]] = {
    "beach": _rock,
    "forest": _little_tree,
    "village": _well,
    "kitchen": _cupboard,
    "mountain": _firs,
    "garden": _hedge,
    "pond": _reed_bed,
    "library": _armchair,
    "hill": _bush,
    "bedroom": _curtain,
    "cave": _cave_boulder,
    "workshop": _barrel,
}
