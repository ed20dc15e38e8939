"""Tables, water, the bed, the foreground and darkness: all that is with or before the actors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import skia

from storyworld.drawing.pen import Pen, blend, skia_colour
from storyworld.drawing.places_shapes import bloom
from storyworld.drawing.places_sky import SNOW, Setting, place_pen

_TABLE_WOOD = {"kitchen": "e0a870", "library": "a8744a", "workshop": "c98f58", "bedroom": "c89060"}


def draw_table(pen: Pen, setting: Setting, x: float, top: float, width: float = 70) -> None:
    """A table with its upper edge at `top`; outdoors a tree stump or a flat stone."""
    lit = place_pen(pen, setting)
    foot = max(top + 26, 244.0)
    half = width / 2
    lit.oval(x, foot, half + 4, 5, "000000", line=0, alpha=0.2)
    if setting.indoors:
        wood = _TABLE_WOOD[setting.place]
        for side in (-1, 1):
            lit.box(x + side * (half - 10) - 4.5, top + 8, 9, foot - top - 8, wood)
        lit.box(x - half + 6, top + 8, width - 12, 9, blend(wood, "2b1f2e", 0.12))
        lit.box(x - half, top, width, 11, wood, corner=3)
    elif setting.place == "garden":
        for side in (-1, 1):
            leg = f"M {x} {top + 12} Q {x} {foot - 8} {x + side * half * 0.6} {foot}"
            lit.limb(leg, 4.5, "f4f7fa")
        lit.limb(f"M {x} {top + 10} L {x} {foot - 4}", 5, "f4f7fa")
        lit.box(x - half, top, width, 10, "ffffff", corner=5)
    elif setting.place in ("forest", "pond", "hill"):
        _stump(lit, x, top, half, foot)
    else:
        stone = {"beach": "b0a8a4", "mountain": "a9b8cc", "cave": "8e8ca6", "village": "c9bfb8"}
        _flat_stone(lit, x, top, half, foot, stone[setting.place])
    if setting.snowy:
        lit.box(x - half + 3, top - 2, width - 6, 5, SNOW, line=0, corner=2.5)


def _stump(pen: Pen, x: float, top: float, half: float, foot: float) -> None:
    bark = "94683a"
    path = f"M {x - half + 3} {top + 5} Q {x - half + 6} {foot - 12} {x - half - 4} {foot} "
    path += f"Q {x - half * 0.5} {foot - 4} {x - half * 0.2} {foot + 2} "
    path += f"Q {x + half * 0.3} {foot - 5} {x + half + 4} {foot} "
    pen.shape(path + f"Q {x + half - 6} {foot - 12} {x + half - 3} {top + 5} Z", bark)
    dark = blend(bark, "2b1f2e", 0.3)
    low = foot - 12
    for dx in (-10, 13):
        pen.stroke(f"M {x + dx} {top + 17} L {x + dx} {low}", 2.4, dark)
    pen.oval(x, top + 6, half, 6.5, "e6c48c")
    pen.oval(x, top + 6, half * 0.55, 3.2, None, line=1.8)


def _flat_stone(pen: Pen, x: float, top: float, half: float, foot: float, rock: str) -> None:
    left, right = x - half, x + half
    path = f"M {left} {top + 4} Q {left} {top} {left + 8} {top} L {right - 8} {top} "
    path += f"Q {right} {top} {right} {top + 4} Q {right + 6} {foot - 14} {right - 2} {foot} "
    path += f"Q {x} {foot + 4} {left + 2} {foot} Q {left - 6} {foot - 14} {left} {top + 4} Z"
    pen.shape(path, rock)
    light = f"M {left + 2} {top + 9} Q {x} {top + 15} {right - 2} {top + 9} "
    light += f"L {right - 6} {top + 2} L {left + 6} {top + 2} Z"
    pen.shape(light, blend(rock, "ffffff", 0.35), line=0)


def draw_water(pen: Pen, setting: Setting, x: float, y: float, width: float) -> None:
    """Draw water in front of whatever is in it, from its surface at `y` to the lower edge."""
    lit = place_pen(pen, setting)
    colour = "6cc3c8" if setting.place == "pond" else "5ab8e0"
    left, right, low = x - width / 2, x + width / 2, 272.0
    flare = 0.35 * (low - y) + 14
    count = max(2, round(width / 30))
    step = width / count
    rim = f"M {left - flare} {low} C {left - flare} {y + 14} {left - flare * 0.6} {y} {left} {y} "
    for index in range(count):
        at, sag = left + (index + 0.5) * step, 5 if index % 2 else -4
        rim += f"Q {at} {y + sag} {at + step / 2} {y} "
    rim += f"C {right + flare * 0.6} {y} {right + flare} {y + 14} {right + flare} {low}"
    lit.shape(rim + " Z", colour, line=0, alpha=0.93)
    lit.stroke(rim, 5.5, "f2fbff")
    for dx, dy, length in ((-0.3, 14, 0.28), (0.16, 23, 0.3), (-0.14, 38, 0.26), (0.3, 46, 0.2)):
        if y + dy < 252:
            at, span = x + dx * width, min(length * width, 40) / 2
            ripple = f"M {at - span} {y + dy} Q {at - span / 2} {y + dy - 5} {at} {y + dy} "
            ripple += f"Q {at + span / 2} {y + dy + 5} {at + span} {y + dy}"
            lit.stroke(ripple, 3, "e2f7fc", 0.9)


def draw_bed(pen: Pen, setting: Setting, x: float, floor: float, behind: bool) -> None:
    """A bed for one, 112 wide: frame and pillow (`behind`), or the blanket over the legs."""
    lit = place_pen(pen, setting)
    wood, cloth = "b57c4c", "f08a7a"
    if behind:
        lit.oval(x, floor + 4, 62, 5, "000000", line=0, alpha=0.2)
        left, right = x - 52, x + 52
        board = f"M {left} {floor} L {left} {floor - 66} Q {x} {floor - 106} {right} {floor - 66} "
        lit.shape(board + f"L {right} {floor} Z", blend(wood, "ffffff", 0.14))
        for side in (-1, 1):
            lit.box(x + side * 54 - 6, floor - 78, 12, 82, wood, corner=4)
            lit.oval(x + side * 54, floor - 82, 8, 8, blend(wood, "ffffff", 0.2))
        pillow = f"M {x - 40} {floor - 34} Q {x - 48} {floor - 62} {x - 38} {floor - 68} "
        pillow += f"Q {x} {floor - 76} {x + 38} {floor - 68} Q {x + 48} {floor - 62} "
        lit.shape(pillow + f"{x + 40} {floor - 34} Z", "ffffff")
        lit.box(x - 48, floor - 40, 96, 40, "fffaf0", corner=4)
        return
    for side in (-1, 1):
        lit.box(x + side * 54 - 6, floor - 40, 12, 46, wood, corner=4)
    lit.box(x - 52, floor - 10, 104, 11, wood, corner=2)
    blanket = f"M {x - 54} {floor - 6} L {x - 54} {floor - 32} Q {x - 50} {floor - 44} {x - 34} "
    blanket += f"{floor - 42} Q {x} {floor - 48} {x + 34} {floor - 42} Q {x + 50} {floor - 44} "
    lit.shape(blanket + f"{x + 54} {floor - 32} L {x + 54} {floor - 6} Z", cloth)
    for dx in (-34, -11, 12, 35):
        lit.stroke(f"M {x + dx} {floor - 30} L {x + dx} {floor - 8}", 5, "ffdcb0")
    left, right, low = x - 54, x + 54, floor - 43
    hem = f"M {left} {floor - 30} Q {x - 50} {low - 2} {x - 34} {low} "
    hem += f"Q {x} {low - 6} {x + 34} {low} "
    hem += f"Q {x + 50} {low - 2} {right} {floor - 30} Q {x} {floor - 38} {left} {floor - 30} Z"
    lit.shape(hem, "fff6ea")


# --- the foreground of `near` -------------------------------------------------------------------


def draw_corners(pen: Pen, setting: Setting) -> None:
    """Something large in both lower corners, in front of everybody."""
    lit = place_pen(pen, setting)
    for flip in (False, True):
        with lit.moved(256 if flip else 0, 256, flip=flip):
            _CORNERS[setting.place](lit, setting, flip)


def _blades(pen: Pen, setting: Setting, colour: str) -> None:
    path = "M -14 14 L -14 -58 Q -4 -48 0 -26 Q 2 -62 14 -78 Q 12 -44 14 -26 Q 24 -52 38 -56 "
    path += "Q 26 -36 28 -16 Q 40 -32 56 -32 Q 42 -14 42 14 Z"
    pen.shape(path, setting.ground(colour))


def _heap(pen: Pen, setting: Setting, colour: str) -> None:
    pen.shape("M -14 14 L -14 -50 C 6 -56 22 -44 26 -30 C 44 -34 58 -14 62 14 Z", colour)


def _grass(pen: Pen, setting: Setting, right: bool) -> None:
    _blades(pen, setting, "6faa4c")


def _dune(pen: Pen, setting: Setting, right: bool) -> None:
    _blades(pen, setting, "a4b060")
    _heap(pen, setting, setting.ground("f2d284"))


def _fern(pen: Pen, setting: Setting, right: bool) -> None:
    for angle, length in ((8, 78), (38, 62), (66, 58)):
        with pen.moved(-6, 8, angle, length / 80):
            leaf = "M -5 0 L -14 -22 L -7 -22 L -14 -42 L -7 -42 L -10 -60 L 0 -80 "
            leaf += "L 10 -60 L 7 -42 "
            pen.shape(leaf + "L 14 -42 L 7 -22 L 14 -22 L 5 0 Z", setting.ground("4f9450"))


def _flowers(pen: Pen, setting: Setting, right: bool) -> None:
    _blades(pen, setting, "74b452")
    bloom(pen, setting, 6, -52, 1.7, "ff8fb0" if right else "b58ae6", 60)
    bloom(pen, setting, 34, -28, 1.4, "ffb04a", 36)


def _tub(pen: Pen, setting: Setting, right: bool) -> None:
    for x, y in ((0, -54), (24, -50), (12, -66)):
        pen.oval(x, y, 14, 13, "8cc48a")
    for x, y in ((-2, -58), (24, -54), (12, -72)):
        pen.oval(x, y, 8, 8, "ff9ab8" if right else "ffd06a", line=1.8)
    pen.shape("M -14 -42 L 38 -42 L 32 14 L -14 14 Z", "c98a5c")
    pen.box(-16, -46, 58, 12, "d9a070", corner=3)


def _chair(pen: Pen, setting: Setting, right: bool) -> None:
    wood = {"kitchen": "d08a5c", "library": "96643c", "workshop": "b98050"}[setting.place]
    pen.box(-14, -60, 38, 15, wood, corner=6)
    pen.box(-14, -34, 34, 10, wood, corner=4)
    pen.box(15, -66, 10, 84, wood, corner=5)


def _snow_heap(pen: Pen, setting: Setting, right: bool) -> None:
    _heap(pen, setting, "f6faff")


def _reeds(pen: Pen, setting: Setting, right: bool) -> None:
    _blades(pen, setting, "6aa84e")
    for x, top in ((6, -92), (22, -74)):
        pen.stroke(f"M {x} 10 L {x} {top}", 4.5, "5a9a48")
        pen.box(x - 6, top - 4, 12, 30, "96623c", corner=6)


def _foot_board(pen: Pen, setting: Setting, right: bool) -> None:
    pen.box(-14, -40, 38, 60, "b57c4c", corner=3)
    pen.shape("M -14 -8 L -14 -50 Q 8 -54 18 -46 L 18 -8 Q 4 -2 -14 -8 Z", "f08a7a")
    pen.stroke("M 2 -48 L 2 -8", 5, "ffdcb0")
    pen.box(22, -62, 12, 80, "b57c4c", corner=4)
    pen.oval(28, -66, 8.5, 8.5, "cf9a6a")


def _stalagmites(pen: Pen, setting: Setting, right: bool) -> None:
    pen.shape("M -20 14 Q -4 -20 2 -76 Q 6 -84 10 -76 Q 16 -26 30 14 Z", "5d5b74")
    pen.shape("M 10 14 Q 26 -6 31 -40 Q 34 -46 37 -40 Q 42 -8 58 14 Z", "69677f")


_CORNERS: dict[str, Callable[[Pen, Setting, bool], None]] = {
    "beach": _dune,
    "forest": _fern,
    "village": _tub,
    "kitchen": _chair,
    "mountain": _snow_heap,
    "garden": _flowers,
    "pond": _reeds,
    "library": _chair,
    "hill": _grass,
    "bedroom": _foot_board,
    "cave": _stalagmites,
    "workshop": _chair,
}


# --- darkness -----------------------------------------------------------------------------------

_DARK, _DARK_ALPHA = "0a0e30", 0.70


def draw_darkness(
    canvas: skia.Canvas, setting: Setting, lights: Sequence[tuple[float, float, float]]
) -> None:
    """Cover everything with the dark but soft circles (x, y, radius) of light, if it is dark."""
    if not setting.dark:
        return
    canvas.saveLayer()
    canvas.drawColor(skia_colour(_DARK, _DARK_ALPHA))
    for x, y, radius in lights:
        shader = skia.GradientShader.MakeRadial(
            (x, y),
            radius,
            [skia_colour("000000", 1.0), skia_colour("000000", 0.92), skia_colour("000000", 0.0)],
            [0.0, 0.45, 1.0],
        )
        paint = skia.Paint(AntiAlias=True, Shader=shader, BlendMode=skia.BlendMode.kDstOut)
        canvas.drawCircle(x, y, radius, paint)
    canvas.restore()
    for x, y, radius in lights:
        Pen(canvas).glow(x, y, radius, "ffc860", 0.22)
