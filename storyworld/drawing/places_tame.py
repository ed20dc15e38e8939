"""Panoramas where people live: village, garden and the windmill hill."""

from __future__ import annotations

from storyworld.drawing.pen import Pen, blend
from storyworld.drawing.places_shapes import (
    bloom,
    bush,
    draw_ground,
    fence,
    house,
    tree,
    tuft,
    windmill,
)
from storyworld.drawing.places_sky import LEFT, SNOW, SPAN, Setting


def village(pen: Pen, setting: Setting) -> None:
    """Houses; a baker's shop (left), the clock tower (middle), a market stall (right)."""
    for x, width, height, wall, roof, door in (
        (-14, 92, 82, "f0a08c", "a85a50", False),
        (82, 60, 64, "f7da8e", "b5794a", True),
        (142, 62, 88, "9ccdb6", "54877f", True),
        (206, 58, 66, "c9b0e0", "7c62a0", True),
        (322, 64, 92, "f3c490", "a86a48", True),
        (388, 74, 72, "a8c8e8", "5a7aa8", False),
    ):
        house(pen, setting, x, 178, width, height, wall, roof, door)
    _tower(pen, setting)
    pen.box(LEFT, 176, SPAN, 16, setting.ground("e2dacb"))
    pen.box(LEFT, 190, SPAN, 90, setting.ground("c6bbb0"), line=0)
    for row, y in enumerate((206, 230, 252)):
        for x in range(-20 + (row % 2) * 36, 460, 72):
            pen.box(x, y - 5, 40, 10, setting.ground("b8aca0"), line=0, corner=5)
    _bakery(pen, setting)
    _stall(pen, setting)


def _tower(pen: Pen, setting: Setting) -> None:
    pen.box(266, 62, 52, 116, "e6d6c2")
    pen.polygon([(258, 64), (292, 10), (326, 64)], "8a6a78")
    if setting.snowy:
        cap = [(270, 45), (292, 9), (314, 45), (303, 38), (292, 44), (281, 38)]
        pen.polygon(cap, SNOW, line=0)
    pen.oval(292, 90, 17, 17, "fffdf4")
    pen.stroke("M 292 90 L 292 79 M 292 90 L 300 94", 3, "5b4a50")
    pen.shape("M 279 178 L 279 146 Q 292 130 305 146 L 305 178 Z", "8a5836")


def _awning(pen: Pen, setting: Setting, x: float, y: float, width: float, colour: str) -> None:
    stripe = width / 6
    for index in range(6):
        at = x + index * stripe
        cloth = colour if index % 2 == 0 else "fffaf0"
        path = f"M {at} {y} L {at + stripe} {y} L {at + stripe} {y + 17} "
        pen.shape(path + f"Q {at + stripe / 2} {y + 26} {at} {y + 17} Z", cloth, line=1.8)
    if setting.snowy:
        pen.box(x - 2, y - 5, width + 4, 9, SNOW, line=0, corner=4)


def _bakery(pen: Pen, setting: Setting) -> None:
    shining = setting.time != "day"
    (pen.unlit() if shining else pen).box(2, 146, 40, 28, "ffe27a" if shining else "d6f0fb")
    pen.box(50, 142, 20, 36, "8a5836", corner=4)
    _awning(pen, setting, -8, 130, 84, "e8705f")


def _stall(pen: Pen, setting: Setting) -> None:
    for x in (362, 432):
        pen.box(x, 120, 6, 72, "94683a")
    pen.box(356, 166, 90, 26, "b98850")
    for x, colour in ((372, "f0a860"), (400, "b58ad0"), (430, "9cc870")):
        for dx, dy in ((-8, 0), (8, 0), (0, -8)):
            pen.oval(x + dx, 162 + dy, 8, 8, colour, line=1.6)
    pen.box(352, 164, 98, 9, "c89a62", corner=2)
    _awning(pen, setting, 350, 108, 100, "5f9fc4")


def garden(pen: Pen, setting: Setting) -> None:
    """Fence and flowers; an apple tree (left), a rose arch (middle), a shed (right)."""
    for x in range(-4, 480, 46):
        pen.oval(x, 130, 32, 26, "8cc48a", line=0)
    pen.box(LEFT, 132, SPAN, 54, "8cc48a", line=0)
    fence(pen, setting, -10, 462, 180, "fbe9c6")
    _shed(pen, setting)
    draw_ground(pen, setting, "9cd670", "L -12 176 Q 220 168 460 176")
    path = "M 204 172 L 262 172 Q 266 206 300 272 L 166 272 Q 200 206 204 172 Z"
    pen.shape(path, setting.ground("ecd9ac"), line=0)
    _arch(pen, setting, 233, 176)
    bed = setting.ground("a5744e")
    pen.oval(134, 184, 44, 10, bed)
    pen.oval(318, 184, 46, 10, bed)
    for x, y, size, colour in (
        (106, 152, 1.2, "b58ae6"), (136, 144, 1.4, "ff8fb0"), (164, 154, 1.2, "ffb04a"),
        (288, 152, 1.2, "ff8fb0"), (318, 140, 1.5, "ffb04a"), (348, 152, 1.2, "b58ae6"),
    ):  # fmt: skip
        bloom(pen, setting, x, y, size, colour, stem=182 - y)
    apple_tree(pen, setting, 36, 194, 1.3)
    for x, y in ((96, 206), (284, 214), (380, 204), (440, 236), (24, 238)):
        tuft(pen, setting, x, y, "74b452")


def apple_tree(pen: Pen, setting: Setting, x: float, y: float, size: float) -> None:
    """A round tree with large apples."""
    tree(pen, setting, x, y, size, "64ae5a")
    shift = 13 if setting.weather == "wind" else 0
    for dx, dy in ((-26, -62), (4, -66), (28, -70), (-8, -96), (16, -96)):
        pen.oval(x + shift + dx * size, y + dy * size, 6.5, 6.5, "e8584a", line=1.8)


def _arch(pen: Pen, setting: Setting, x: float, y: float) -> None:
    arch = f"M {x - 34} {y + 2} L {x - 34} {y - 62} C {x - 34} {y - 112} {x + 34} {y - 112} "
    arch += f"{x + 34} {y - 62} L {x + 34} {y + 2}"
    pen.stroke(arch, 15, "4f8a4c")
    pen.stroke(arch, 11, "74b465")
    if setting.snowy:
        pen.stroke(f"M {x - 26} {y - 86} Q {x} {y - 112} {x + 26} {y - 86}", 7, SNOW)
    for dx, dy in ((-34, -20), (-33, -58), (-20, -88), (12, -96), (32, -70), (34, -34)):
        pen.oval(x + dx, y + dy, 7, 7, "ff9ab8", line=1.8)
        pen.oval(x + dx, y + dy, 2.6, 2.6, "ffe680", line=0)


def _shed(pen: Pen, setting: Setting) -> None:
    wall = "8fbcd8"
    pen.box(378, 98, 72, 84, wall)
    for x in (396, 414, 432):
        pen.stroke(f"M {x} 99 L {x} 180", 1.8, blend(wall, "2b1f2e", 0.2))
    pen.polygon([(366, 102), (414, 60), (462, 102)], "c87a5c")
    if setting.snowy:
        pen.polygon(
            [(374, 94), (414, 59), (454, 94), (434, 88), (414, 80), (394, 88)], SNOW, line=0
        )
    pen.box(392, 122, 28, 60, "fbe9c6", corner=3)
    pen.stroke("M 393 124 L 419 180 M 419 124 L 393 180", 2, "c9a870")
    shining = setting.time != "day"
    (pen.unlit() if shining else pen).box(428, 122, 16, 20, "ffe27a" if shining else "d6f0fb")


def hill(pen: Pen, setting: Setting) -> None:
    """Windmills on rolling hills; hay (middle), a lone tree and a farm far away (right)."""
    pen.oval(224, 204, 150, 82, setting.ground("bde096"))
    pen.oval(430, 206, 130, 84, setting.ground("b0da86"))
    windmill(pen, setting, 286, 138, 0.82, "d98a5a", 30)
    windmill(pen, setting, 394, 128, 0.92, "6a8fc0", 12)
    pen.oval(34, 212, 140, 92, setting.ground("9cd070"))
    windmill(pen, setting, 50, 140, 1.2, "d0604f", 20)
    draw_ground(pen, setting, "a4d874",
                "L -12 186 Q 70 154 150 174 Q 220 192 300 176 Q 390 158 460 180")  # fmt: skip
    path = "M 176 176 Q 214 192 150 214 Q 116 234 152 272 L 232 272 "
    path += "Q 170 236 208 214 Q 238 194 202 178 Z"
    pen.shape(path, setting.ground("eedcae"), line=0)
    for x, y, size in ((316, 190, 1.0), (344, 196, 0.8)):
        _haystack(pen, setting, x, y, size)
    bush(pen, setting, 112, 184, 0.75, "7cbc62")
    tree(pen, setting, 444, 190, 0.9, "7cbc62")
    for x, y in ((30, 196), (96, 232), (262, 194), (282, 238), (396, 200)):
        tuft(pen, setting, x, y, "76b650")


def _haystack(pen: Pen, setting: Setting, x: float, y: float, size: float) -> None:
    with pen.moved(x, y, scale=size):
        pen.shape("M -26 0 C -28 -34 -12 -46 0 -50 C 12 -46 28 -34 26 0 Q 0 6 -26 0 Z", "ecc766")
        pen.stroke("M -8 -34 L -12 -16 M 8 -32 L 11 -14", 2.4, "c99f40")
        if setting.snowy:
            pen.shape("M -20 -28 C -14 -46 14 -46 20 -28 Q 8 -36 0 -30 Q -8 -36 -20 -28 Z", SNOW, 0)
