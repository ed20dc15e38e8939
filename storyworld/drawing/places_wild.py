"""Panoramas of the wild: beach, forest, mountain, pond and cave."""

from __future__ import annotations

from storyworld.drawing.pen import Pen, blend
from storyworld.drawing.places_shapes import blown, draw_ground, pine, tree, tuft
from storyworld.drawing.places_sky import BOTTOM, LEFT, RIGHT, SNOW, SPAN, Setting, draw_view


def beach(pen: Pen, setting: Setting) -> None:
    """Sea and sand; a palm (left), a sandcastle (middle), a lighthouse (right)."""
    pen.box(LEFT, 116, SPAN, 80, "4fb0dc", line=0)
    pen.box(LEFT, 116, SPAN, 11, "3a99cb", line=0)
    _island(pen, 312, 117)
    _rock_arch(pen, setting, 206, 148)
    for x, y in ((66, 140), (256, 136), (222, 160), (116, 158), (340, 150)):
        wave = f"M {x} {y} Q {x + 9} {y - 6} {x + 18} {y} Q {x + 27} {y - 6} {x + 36} {y}"
        pen.stroke(wave, 3.2, "d8f3ff", 0.8)
    _lighthouse(pen, setting, 410, 172)
    edge = "L -12 178 Q 60 164 130 174 Q 200 186 270 172 Q 360 156 460 178"
    pen.stroke(f"M {edge[2:]}", 12, "f2fbff")
    draw_ground(pen, setting, "f8df9a", edge)
    palm(pen, setting, 26, 200, 40, 78)
    _sandcastle(pen, setting, 322, 186)
    for x, y in ((86, 188), (436, 198)):
        tuft(pen, setting, x, y, "a8b866")


def _island(pen: Pen, x: float, y: float) -> None:
    pen.shape(f"M {x - 46} {y} Q {x - 30} {y - 16} {x - 8} {y - 14} Q {x + 6} {y - 30} "
              f"{x + 22} {y - 14} Q {x + 40} {y - 10} {x + 50} {y} Z", "8fc4a0")  # fmt: skip


def _rock_arch(pen: Pen, setting: Setting, x: float, y: float) -> None:
    rock = setting.ground("b9aeb4")
    path = f"M {x - 40} {y} Q {x - 38} {y - 40} {x - 18} {y - 42} Q {x} {y - 52} {x + 20} {y - 40} "
    path += f"Q {x + 40} {y - 34} {x + 44} {y} L {x + 18} {y} Q {x + 18} {y - 24} {x + 2} {y - 24} "
    pen.shape(path + f"Q {x - 14} {y - 24} {x - 14} {y} Z", rock)
    pen.stroke(f"M {x - 46} {y} L {x - 8} {y} M {x + 14} {y} L {x + 50} {y}", 4, "d8f3ff")


def _lighthouse(pen: Pen, setting: Setting, x: float, y: float) -> None:
    tower = [(x - 21, y), (x - 14, 70), (x + 14, 70), (x + 21, y)]
    pen.polygon(tower, "fffaf0", line=0)
    pen.polygon([(x - 18.9, 142), (x - 17, 122), (x + 17, 122), (x + 18.9, 142)], "e8745f", line=0)
    pen.polygon([(x - 16, 102), (x - 14, 82), (x + 14, 82), (x + 16, 102)], "e8745f", line=0)
    pen.stroke(f"M {x - 21} {y} L {x - 14} 70 M {x + 14} 70 L {x + 21} {y}", 2, "a58a80")
    pen.box(x - 20, 64, 40, 7, "7a6470", corner=2)
    lamp = pen.unlit() if setting.time != "day" else pen
    if setting.time != "day":
        lamp.glow(x, 55, 44, "fff0a0", 0.6)
    lamp.box(x - 11, 46, 22, 18, "ffe27a")
    pen.shape(f"M {x - 15} 47 Q {x} 22 {x + 15} 47 Z", "d8594a")
    if setting.snowy:
        pen.shape(f"M {x - 11} 41 Q {x} 22 {x + 11} 41 Q {x} 36 {x - 11} 41 Z", SNOW, line=0)
    rocks = f"M {x - 52} 184 Q {x - 44} 160 {x - 24} 164 Q {x} 148 {x + 18} 162 "
    pen.shape(rocks + f"Q {x + 44} 158 {x + 60} 184 Z", setting.ground("a39a94"))


def _sandcastle(pen: Pen, setting: Setting, x: float, y: float) -> None:
    sand, side = setting.ground("eec878"), setting.ground("e2b862")
    for left, top, width in ((x - 34, y - 36, 20), (x + 14, y - 36, 20)):
        pen.box(left, top, width, 38, side)
        pen.box(left - 2, top - 7, 7, 9, side)
        pen.box(left + width - 5, top - 7, 7, 9, side)
    pen.box(x - 20, y - 26, 40, 30, sand)
    for left in (x - 20, x - 5, x + 10):
        pen.box(left, y - 34, 10, 9, sand)
    pen.shape(f"M {x - 7} {y + 4} L {x - 7} {y - 6} Q {x} {y - 16} {x + 7} {y - 6} "
              f"L {x + 7} {y + 4} Z", "b88a48")  # fmt: skip
    pen.stroke(f"M {x - 24} {y - 42} L {x - 24} {y - 64}", 2.6, "8a5a34")
    pen.polygon([(x - 23, y - 65), (x - 6, y - 58), (x - 23, y - 51)], "e8745f")


def palm(
    pen: Pen, setting: Setting, foot: float, base: float, x: float, y: float, size: float = 1.0
) -> None:
    """A palm tree: its foot at (foot, base), the middle of its crown at (x, y)."""
    pen.limb(f"M {foot} {base} Q {foot - 4} {(base + y) / 2} {x} {y + 4}", 10 * size, "b58450")
    leaf = "58ae66" if not setting.snowy else "d8ece0"
    blow = 10 if setting.weather == "wind" else 0
    fronds = ((-46, 22, -26), (-36, -14, -30), (20, -34, -24), (44, -8, -30), (46, 26, -22))
    for dx, dy, bend in fronds:
        tip_x, tip_y = x + (dx + blow) * size, y + (dy - 4) * size
        middle_x = x + dx * 0.5 * size
        over, under = y + (dy * 0.4 + bend) * size, y + (dy * 0.5 + bend * 0.25) * size
        path = f"M {x} {y} Q {middle_x} {over} {tip_x} {tip_y} Q {middle_x} {under} {x} {y} Z"
        pen.shape(path, leaf)
    pen.oval(x - 5, y + 7, 5.5 * size, 5.5 * size, "8a5a34")
    pen.oval(x + 6, y + 7, 5.5 * size, 5.5 * size, "8a5a34")


def forest(pen: Pen, setting: Setting) -> None:
    """Trees; a hollow oak (left), toadstools (middle), a bridge over a brook (right)."""
    far = "93c490"
    for x in range(-6, 480, 40):
        pen.oval(x, 120 + x % 3 * 8, 30, 46, far, line=0)
    pen.box(LEFT, 130, SPAN, 60, far, line=0)
    for x in (88, 168, 206, 282, 372, 448):
        pen.box(x - 5, 128, 10, 48, "86a878", line=0)
    draw_ground(
        pen, setting, "98cd6c", "L -12 172 Q 60 164 128 170 Q 200 178 270 168 Q 370 160 460 174"
    )
    path = "M 150 170 Q 162 200 112 270 L 214 270 Q 206 206 176 172 Z"
    pen.shape(path, setting.ground("e3cc9a"), line=0)
    for x, size in ((112, 0.82), (236, 0.8), (272, 0.95), (350, 0.78)):
        tree(pen, setting, x, 174, size, "6fb566")
    _oak(pen, setting)
    _bridge(pen, setting)
    tree(pen, setting, 446, 184, 1.2, "57a559")
    _toadstool(pen, setting, 330, 184, 1.25)
    _toadstool(pen, setting, 308, 190, 0.85)
    for x, y in ((84, 190), (222, 186), (250, 232), (60, 236)):
        tuft(pen, setting, x, y, "6faa4c")


def _oak(pen: Pen, setting: Setting) -> None:
    pen.shape("M 6 190 Q 20 168 18 96 L 62 96 Q 58 168 76 190 Q 40 182 6 190 Z", "8f6238")
    pen.shape("M 30 166 Q 26 134 41 132 Q 55 134 51 166 Q 40 172 30 166 Z", "5b3a20")
    count = blown(pen, setting, 40, 186)
    for line in (4, 0):
        for x, y, radius in ((40, 40, 44), (0, 66, 36), (80, 68, 32), (40, 84, 30)):
            pen.oval(x, y, radius, radius, "57a559", line=line)
    if setting.snowy:
        pen.shape("M 2 24 C 8 -20 72 -20 78 24 Q 58 8 40 22 Q 20 8 2 24 Z", SNOW, line=0)
    pen.canvas.restoreToCount(count)


def _bridge(pen: Pen, setting: Setting) -> None:
    brook = "M 384 168 Q 392 184 362 204 Q 330 226 340 272 L 424 272 "
    pen.shape(brook + "Q 398 230 418 206 Q 430 184 410 167 Z", "7cc4dc")
    wood = "b98850"
    pen.shape("M 352 194 Q 392 164 436 192 L 436 204 Q 392 178 352 206 Z", wood)
    for x, y in ((362, 190), (394, 180), (426, 188)):
        pen.box(x - 3, y - 24, 6, 26, wood)
    pen.stroke("M 356 170 Q 394 148 432 168", 5, blend(wood, "2b1f2e", 0.2))
    if setting.snowy:
        pen.stroke("M 358 168 Q 394 146 430 166", 3.4, SNOW)


def _toadstool(pen: Pen, setting: Setting, x: float, y: float, size: float) -> None:
    with pen.moved(x, y, scale=size):
        pen.shape("M -8 2 Q -5 -12 -6 -20 L 6 -20 Q 5 -12 8 2 Q 0 5 -8 2 Z", "fff3df")
        pen.shape("M -24 -17 C -24 -48 24 -48 24 -17 Q 0 -10 -24 -17 Z", "e8705f")
        for dx, dy, radius in ((-11, -25, 4.5), (2, -33, 4.5), (13, -23, 4)):
            pen.oval(dx, dy, radius, radius * 0.9, "fff3df", line=0)
        if setting.snowy:
            pen.shape("M -19 -28 C -14 -44 14 -44 19 -28 Q 8 -35 0 -30 Q -8 -36 -19 -28 Z", SNOW, 0)


def mountain(pen: Pen, setting: Setting) -> None:
    """Peaks and snow; firs (left), the highest peak with a flag (middle), a hut (right)."""
    for x, top, half, rock in (
        (144, 84, 84, "b9cce0"), (340, 88, 90, "b9cce0"), (48, 36, 96, "9db6d2"),
        (272, 28, 104, "9db6d2"), (432, 56, 96, "9db6d2"),
    ):  # fmt: skip
        pen.polygon([(x - half, 196), (x, top), (x + half, 196)], rock)
        rise, low = (196 - top) / half, half * 0.27
        foot = top + low * rise
        zigzag = [(x - low, foot), (x, top), (x + low, foot), (x + low * 0.45, foot - 10)]
        pen.polygon([*zigzag, (x, foot + 5), (x - low * 0.45, foot - 10)], SNOW, line=0)
    pen.stroke("M 272 30 L 272 4", 2.6, "8a5a34")
    pen.polygon([(273, 4), (292, 11), (273, 18)], "e8745f")
    wet = setting.weather == "rain"
    edge = "L -12 172 Q 70 152 150 170 Q 220 186 290 168 Q 370 150 460 172"
    pen.shape(f"M {LEFT} 190 {edge} L {RIGHT} {BOTTOM} L {LEFT} {BOTTOM} Z",
              "d3dfea" if wet else "e9f2fc")  # fmt: skip
    hollow = "Q 80 196 170 212 Q 250 226 320 208 Q 400 196 460 214"
    pen.shape(f"M {LEFT} 214 {hollow} L {RIGHT} {BOTTOM} L {LEFT} {BOTTOM} Z",
              "dfe9f2" if wet else "ffffff", line=0)  # fmt: skip
    _hut(pen, setting)
    for x, y, size in ((14, 188, 1.1), (66, 180, 0.78), (166, 172, 0.55), (318, 178, 0.7),
                       (450, 186, 0.85)):  # fmt: skip
        pine(pen, setting, x, y, size)
    _signpost(pen, setting, 290, 186)


def _hut(pen: Pen, setting: Setting) -> None:
    wood = "b98058"
    pen.box(360, 132, 72, 48, wood)
    for y in (144, 156, 168):
        pen.stroke(f"M 361 {y} L 431 {y}", 1.8, blend(wood, "2b1f2e", 0.25))
    pen.box(410, 88, 12, 26, "9a8c88")
    pen.polygon([(348, 136), (396, 88), (444, 136)], "8f5a44")
    pen.shape("M 348 132 L 396 84 L 444 132 Q 432 130 424 122 Q 410 128 396 108 Q 382 126 370 120 "
              "Q 358 130 348 132 Z", SNOW)  # fmt: skip
    shining = setting.time != "day"
    (pen.unlit() if shining else pen).box(368, 144, 20, 18, "ffe27a" if shining else "d6f0fb")
    pen.box(402, 144, 20, 36, "7d4a2c", corner=3)


def _signpost(pen: Pen, setting: Setting, x: float, y: float) -> None:
    pen.box(x - 4, y - 54, 8, 56, "94683a")
    tip = [(x + 22, y - 52), (x + 31, y - 44), (x + 22, y - 36)]
    right = [(x - 14, y - 52), *tip, (x - 14, y - 36)]
    pen.polygon(right, "c89a62")
    pen.shape(f"M {x - 16} {y - 51} Q {x} {y - 62} {x + 22} {y - 52} Z", SNOW, line=0)


def pond(pen: Pen, setting: Setting) -> None:
    """Water and reeds; a willow (left), a jetty (middle), a boathouse (right)."""
    for x, width in ((10, 44), (72, 40), (138, 46), (206, 42), (272, 46), (340, 42), (420, 50)):
        pen.oval(x, 130, width, 24, "93c48a", line=0)
    draw_ground(pen, setting, "b4dc80", "L -12 130 Q 220 118 460 130")
    water = "M -20 152 Q 60 136 220 138 Q 380 136 470 152 L 470 188 Q 350 202 220 198 "
    pen.shape(water + "Q 90 202 -20 190 Z", "6cc3c8")
    for x, y in ((96, 154), (150, 168), (352, 168), (196, 150), (420, 178)):
        pen.stroke(f"M {x} {y} L {x + 28} {y}", 3.2, "b8e8e4")
    _boathouse(pen, setting)
    _jetty(pen, setting)
    for x, y, flip in ((130, 182, False), (176, 186, True), (372, 186, False)):
        with pen.moved(x, y, flip=flip):
            pen.shape("M 0 0 L 18 -5 C 26 8 -22 12 -20 -1 C -18 -9 8 -10 12 -8 Z", "6dbb5c")
    for dx in (-6, 6, 0):
        pen.oval(176 + dx, 179 - (2 if dx == 0 else 0), 5.5, 6.5, "ffa3c8", line=1.6)
    draw_ground(pen, setting, "9bd068", "L -12 196 Q 220 202 460 194")
    _willow(pen, setting)
    reeds(pen, setting, 104, 206, 0.9)
    reeds(pen, setting, 334, 206, 1.0)
    reeds(pen, setting, 448, 212, 1.15)


def _boathouse(pen: Pen, setting: Setting) -> None:
    for x in (378, 426):
        pen.box(x, 150, 8, 24, "94683a")
    pen.box(368, 104, 76, 52, "d98468")
    pen.polygon([(358, 108), (406, 66), (454, 108)], "8a4a44")
    if setting.snowy:
        pen.polygon(
            [(368, 98), (406, 65), (444, 98), (424, 94), (406, 86), (388, 94)], SNOW, line=0
        )
    pen.shape("M 390 156 L 390 130 Q 406 112 422 130 L 422 156 Z", "6b3f38")
    pen.box(360, 152, 92, 8, "b98850")


def _jetty(pen: Pen, setting: Setting) -> None:
    for x in (240, 282, 300):
        pen.box(x, 158, 8, 26, "94683a")
    wood = "c4965e"
    pen.polygon([(240, 146), (292, 146), (322, 200), (232, 200)], wood)
    for y, left, right in ((156, 239, 297), (167, 237, 303), (178, 236, 309), (189, 234, 315)):
        pen.stroke(f"M {left} {y} L {right} {y}", 1.8, blend(wood, "2b1f2e", 0.3))
    for x, y in ((238, 146), (294, 146)):
        pen.box(x - 4, y - 18, 8, 20, "94683a")
        if setting.snowy:
            pen.oval(x, y - 18, 6, 4, SNOW, line=0)


def _willow(pen: Pen, setting: Setting) -> None:
    pen.shape("M 6 206 Q 22 172 18 90 L 46 90 Q 42 172 62 206 Q 34 198 6 206 Z", "94703f")
    willow_crown(pen, setting, 32, 84, 1.0)


def willow_crown(pen: Pen, setting: Setting, x: float, y: float, size: float) -> None:
    """Hanging leaves, about 104 wide and 110 high; (x, y) is the middle of their top."""
    count = blown(pen, setting, x, y - 40 * size)
    with pen.moved(x, y, scale=size):
        # The wind bends hanging leaves the other way than standing ones: mirror the bend.
        for dx, length in ((-43, 58), (43, 62), (-25, 78), (25, 72), (0, 46)):
            strand = f"M {dx - 11} -16 L {dx - 11} {length - 12} Q {dx} {length + 12} "
            strand += f"{dx + 11} {length - 12} L {dx + 11} -16 Z"
            pen.shape(strand, "86bd5c")
        pen.shape("M -58 -8 C -64 -74 64 -74 58 -8 Q 28 4 0 -6 Q -28 4 -58 -8 Z", "7ab353")
        if setting.snowy:
            cap = "M -48 -30 C -36 -66 36 -66 48 -30 Q 20 -44 0 -34 Q -20 -44 -48 -30 Z"
            pen.shape(cap, SNOW, line=0)
    pen.canvas.restoreToCount(count)


def reeds(pen: Pen, setting: Setting, x: float, y: float, size: float) -> None:
    """Three bulrushes and their leaves, about 44 wide and 90 high."""
    count = blown(pen, setting, x, y)
    with pen.moved(x, y, scale=size):
        left = "M -8 0 Q -10 -40 -24 -62 Q -18 -30 -2 0 Z"
        for blade in (left, "M 6 0 Q 10 -40 26 -56 Q 22 -24 14 0 Z"):
            pen.shape(blade, "6aa84e")
        for dx, top in ((-10, -84), (4, -98), (16, -74)):
            pen.stroke(f"M {dx * 0.5} 0 L {dx} {top}", 4, "5a9a48")
            pen.box(dx - 5, top - 4, 10, 26, "96623c", corner=5)
            if setting.snowy:
                pen.oval(dx, top - 4, 5, 4, SNOW, line=0)
    pen.canvas.restoreToCount(count)


# --- the cave -----------------------------------------------------------------------------------


def cave(pen: Pen, setting: Setting) -> None:
    """Dark rock, the bright mouth in the middle; crystals on either side."""
    pen.box(LEFT, LEFT, SPAN, 290, "57566f", line=0)
    for path in (
        "M -12 -12 L -12 150 Q 30 128 44 84 Q 64 60 60 -12 Z",
        "M 108 -12 Q 112 60 146 84 Q 166 40 168 -12 Z",
        "M 300 -12 Q 300 64 336 92 Q 366 60 364 -12 Z",
        "M 460 -12 L 460 156 Q 424 132 414 92 Q 400 50 404 -12 Z",
    ):
        pen.shape(path, "4e4d66", line=0)
    mouth = "M 190 184 Q 184 116 202 84 Q 226 50 256 82 Q 276 116 272 184 Z"
    pen.stroke(mouth, 16, "6d6f8c")
    with pen.clipped(mouth):
        draw_view(pen, setting, 184, 66, 92, 110)
    pen.stroke(mouth, 3, "3b3a52")
    pen.shape(f"M {LEFT} 182 Q 60 172 150 180 Q 230 186 300 178 Q 390 170 {RIGHT} 182 "
              f"L {RIGHT} {BOTTOM} L {LEFT} {BOTTOM} Z", "77758c")  # fmt: skip
    glow = {"day": "bfe6ff", "dusk": "ffc09a", "night": "7c92d8"}[setting.time]
    pen.unlit().shape("M 194 181 L 268 181 Q 300 214 330 272 L 132 272 Q 164 214 194 181 Z", glow,
                      line=0, alpha=0.28)  # fmt: skip
    pen.unlit().glow(231, 130, 110, glow, 0.35)
    for x, length, width in (
        (18, 62, 15), (84, 46, 13), (128, 30, 10), (184, 34, 11), (284, 40, 12), (332, 28, 10),
        (392, 58, 15), (440, 36, 12),
    ):  # fmt: skip
        spike = f"M {x - width} -14 Q {x - 3} {length * 0.4} {x} {length} "
        pen.shape(spike + f"Q {x + 3} {length * 0.4} {x + width} -14 Z", "65647d")
    crystals(pen, 38, 190, 1.15, "b79cf2")
    crystals(pen, 314, 186, 0.9, "7fd8ea")
    crystals(pen, 408, 190, 1.2, "f29cc4")
    for x, y, size in ((104, 192, 0.8), (356, 188, 0.7)):
        with pen.moved(x, y, scale=size):
            pen.shape("M -24 0 Q -8 -14 -3 -52 Q 0 -58 3 -52 Q 8 -14 24 0 Z", "65647d")


def crystals(pen: Pen, x: float, y: float, size: float, colour: str) -> None:
    """Three large crystals that shine a little, about 56 wide and 64 high."""
    pen.unlit().glow(x, y - 26 * size, 56 * size, colour, 0.4)
    with pen.moved(x, y, scale=size):
        for points, tone in (
            ([(-14, 0), (-29, -28), (-24, -40), (-12, -34), (0, 0)], 0.12),
            ([(14, 0), (28, -34), (22, -46), (11, -38), (0, 0)], 0.12),
            ([(-11, 2), (-12, -48), (0, -64), (12, -48), (11, 2)], 0.0),
        ):
            pen.polygon(points, blend(colour, "2b2a5a", tone))
        pen.polygon([(-7, 0), (-7, -47), (-1, -55), (-1, 0)], blend(colour, "ffffff", 0.45), line=0)
