"""Panoramas of the rooms: kitchen, library, bedroom and workshop.

Each has a window at the left end and one right of the middle, so that every framing shows the
hour and the weather.
"""

from __future__ import annotations

from storyworld.drawing.pen import Pen, blend
from storyworld.drawing.places_shapes import bookcase, curtained_window, lamp_light
from storyworld.drawing.places_sky import LEFT, RIGHT, SPAN, Setting, draw_window

FLOOR = 184.0


def _boards(pen: Pen, colour: str) -> None:
    """A wooden floor."""
    pen.box(LEFT, FLOOR, SPAN, 90, colour, line=0)
    dark = blend(colour, "2b1f2e", 0.14)
    for y in (206, 232):
        pen.stroke(f"M {LEFT} {y} L {RIGHT} {y}", 2.2, dark)
    pen.stroke(f"M {LEFT} {FLOOR} L {RIGHT} {FLOOR}", 2.2, blend(colour, "2b1f2e", 0.4))


def kitchen(pen: Pen, setting: Setting) -> None:
    """The sink (left), the stove with its pans (middle), a dresser with plates (right)."""
    pen.box(LEFT, LEFT, SPAN, 200, "ffe9bc", line=0)
    pen.box(LEFT, 110, SPAN, 22, "fff6e2", line=0)
    for x in range(-12, 470, 24):
        pen.stroke(f"M {x} 111 L {x} 131", 1.8, "eed9ac")
    pen.box(LEFT, FLOOR, SPAN, 90, "f3e7d3", line=0)
    for row, y in enumerate((184, 214, 244)):
        for x in range(-20 + (row % 2) * 40, 460, 80):
            pen.box(x, y, 40, 30, "e3cdb0", line=0)
    curtained_window(pen, setting, 12, 16, "f08474")
    curtained_window(pen, setting, 266, 16, "f08474")
    _counter(pen, LEFT, 134)
    pen.shape("M 38 122 L 38 108 Q 38 100 46 100 Q 54 100 54 108", None, line=5)
    _stove(pen, setting)
    _counter(pen, 254, 90)
    _dresser(pen)
    _hanging_lamp(pen, setting, 236, 44)


def _hanging_lamp(pen: Pen, setting: Setting, x: float, y: float) -> None:
    """A lamp on a cord; (x, y) is the middle of its lower edge."""
    lamp_light(pen, setting, x, y + 8, 140)
    pen.stroke(f"M {x} -12 L {x} {y - 14}", 3, "8a6a5a")
    lamp = pen.unlit() if setting.time == "night" else pen
    top = y - 16
    shade = f"M {x - 16} {y} Q {x - 14} {top} {x} {top} Q {x + 14} {top} {x + 16} {y} Z"
    lamp.shape(shade, "ffdf7a")


def _counter(pen: Pen, x: float, width: float) -> None:
    pen.box(x, 130, width, 58, "8fb9d4")
    pen.box(x - 4, 122, width + 8, 10, "fff6e6", corner=2)
    count = round(width / 46)
    step = width / count
    for index in range(count):
        pen.box(x + 5 + index * step, 140, step - 10, 38, "a6cbe2", corner=2)
        pen.oval(x + index * step + step / 2, 149, 4, 2.6, "fff6e6", line=1.4)


def _stove(pen: Pen, setting: Setting) -> None:
    pen.stroke("M 124 34 L 216 34", 4.5, "9a6a44")
    for x, radius, colour in ((142, 15, "8a919e"), (172, 13, "d8985c"), (200, 11, "8a919e")):
        pen.stroke(f"M {x} 34 L {x} 50", 4, "7a6a6a")
        pen.oval(x, 50 + radius, radius, radius, colour)
    pen.box(150, 126, 96, 62, "f2efec")
    pen.box(146, 118, 104, 10, "6b6e7a", corner=2)
    hot = setting.time == "night"
    (pen.unlit() if hot else pen).box(168, 144, 60, 34, "ff9a3c" if hot else "878a96", corner=5)
    pen.stroke("M 172 137 L 224 137", 4, "9aa0ac")
    pen.shape("M 166 100 L 208 100 L 204 118 L 170 118 Z", "e8705f")
    pen.stroke("M 163 99 L 211 99", 5, "c8564a")


def _dresser(pen: Pen) -> None:
    pen.box(364, 28, 84, 160, "c08a58")
    pen.box(372, 36, 68, 80, "a87446", line=0)
    for y in (72, 112):
        pen.stroke(f"M 368 {y} L 444 {y}", 5, "c08a58")
        for x in (390, 422):
            pen.oval(x, y - 17, 14, 14, "fffaf0", line=1.8)
            pen.oval(x, y - 17, 7.5, 7.5, "8fb9d4", line=0)
    pen.box(358, 118, 96, 9, "d09a66", corner=2)
    for x in (372, 410):
        pen.box(x, 134, 32, 46, "d09a66", corner=2)
        pen.oval(x + 16, 146, 3.6, 3.6, "fff0c8", line=1.4)


def library(pen: Pen, setting: Setting) -> None:
    """A reading corner (left), the fireplace (middle), the tall case and a globe (right)."""
    pen.box(LEFT, LEFT, SPAN, 200, "bccaa2", line=0)
    _boards(pen, "b98558")
    pen.oval(224, 228, 150, 24, "7d98b4")
    pen.oval(224, 228, 134, 17, "9fb9d0", line=0)
    curtained_window(pen, setting, 12, 16, "c8787a")
    curtained_window(pen, setting, 266, 16, "c8787a")
    bookcase(pen, LEFT, 114, 106, FLOOR, (118,))
    bookcase(pen, 100, 10, 62, FLOOR, (16, 60, 104))
    _fireplace(pen, setting)
    bookcase(pen, 262, 114, 82, FLOOR, (118,))
    bookcase(pen, 350, 10, 98, FLOOR, (16, 60, 104))
    _globe(pen, 378, 150)
    lamp_light(pen, setting, 212, 130, 150)


def _globe(pen: Pen, x: float, y: float) -> None:
    pen.stroke(f"M {x} {y} L {x} 184 M {x - 14} 186 L {x + 14} 186", 5, "6b4226")
    pen.oval(x, y - 14, 24, 24, "8cc0dc")
    pen.shape(f"M {x - 18} {y - 26} Q {x - 4} {y - 38} {x} {y - 26} Q {x + 2} {y - 12} {x - 10} "
              f"{y - 10} Q {x - 20} {y - 16} {x - 18} {y - 26} Z", "9cc97e", line=0)  # fmt: skip
    pen.oval(x + 10, y - 4, 8, 7, "9cc97e", line=0)
    pen.stroke(f"M {x - 28} {y - 18} Q {x - 26} {y + 12} {x} {y + 13} Q {x + 26} {y + 12} "
               f"{x + 28} {y - 18}", 4, "c09050")  # fmt: skip


def _fireplace(pen: Pen, setting: Setting) -> None:
    brick = "d09a84"
    pen.box(186, -14, 52, 130, brick)
    pen.box(172, 116, 80, 70, brick)
    pen.box(164, 106, 96, 12, "f0dfc4", corner=2)
    for x, y in ((194, 26), (212, 48), (196, 72), (176, 140), (230, 128)):
        pen.box(x, y, 20, 9, blend(brick, "ffffff", 0.22), line=0, corner=3)
    pen.shape("M 186 186 L 186 148 Q 212 124 238 148 L 238 186 Z", "5f4440")
    fire = pen.unlit()
    fire.shape("M 196 182 C 192 160 208 164 208 148 C 224 156 232 168 226 182 Z", "ff9a3c", line=0)
    fire.shape("M 204 182 C 202 170 210 170 212 162 C 220 168 222 176 218 182 Z", "ffe07a", line=0)
    pen.limb("M 194 182 L 230 182", 6, "8a5a34")


def bedroom(pen: Pen, setting: Setting) -> None:
    """A doll's house (left), wardrobe and lamp (middle), the bed (right)."""
    pen.box(LEFT, LEFT, SPAN, 200, "c3d0f3", line=0)
    for x in range(-12, 470, 44):
        pen.box(x, LEFT, 18, 200, "cfdaf7", line=0)
    _boards(pen, "dfb480")
    pen.box(LEFT, 178, SPAN, 8, "fffaf0")
    pen.oval(196, 228, 120, 24, "b09bdf")
    pen.oval(196, 228, 100, 16, "d2c4f3", line=0)
    curtained_window(pen, setting, 12, 16, "9a82d6")
    curtained_window(pen, setting, 266, 16, "9a82d6")
    _doll_house(pen)
    _wardrobe(pen, 136, 44, 72)
    _bedside(pen, setting)
    _big_bed(pen)
    lamp_light(pen, setting, 238, 100, 130)


def _doll_house(pen: Pen) -> None:
    pen.box(8, 132, 92, 54, "d69a62", corner=3)
    pen.box(16, 140, 34, 40, "a87446", line=0)
    pen.box(58, 140, 34, 40, "a87446", line=0)
    for y, left, right in ((170, "f0a08c", "8fc4a0"), (160, "f7da8e", "c3b2ee")):
        pen.box(19, y, 28, 10, left, line=1.6, corner=3)
        pen.box(61, y, 28, 10, right, line=1.6, corner=3)
    pen.box(34, 96, 44, 36, "fbe9c6")
    pen.polygon([(28, 98), (56, 72), (84, 98)], "e88a7a")
    pen.box(50, 110, 12, 22, "9a82d6", corner=3)
    for x in (39, 66):
        pen.box(x, 106, 8, 10, "a6d4ea", line=1.6)


def _wardrobe(pen: Pen, x: float, y: float, width: float) -> None:
    pen.box(x, y, width, 144, "c08a5c", corner=4)
    pen.box(x - 5, y - 8, width + 10, 12, "cf9a6a", corner=3)
    half = width / 2
    for left in (x + 5, x + half + 2):
        pen.box(left, y + 12, half - 7, 122, "cf9a6a", corner=4)
    pen.oval(x + half - 7, y + 76, 3.4, 3.4, "ffe9a8", line=1.4)
    pen.oval(x + half + 7, y + 76, 3.4, 3.4, "ffe9a8", line=1.4)


def _bedside(pen: Pen, setting: Setting) -> None:
    pen.box(218, 140, 38, 46, "c08a5c", corner=2)
    pen.box(223, 146, 28, 16, "cf9a6a", corner=2)
    pen.oval(237, 154, 3.4, 3.4, "ffe9a8", line=1.4)
    pen.stroke("M 237 138 L 237 120", 5, "9a6a44")
    lamp = pen.unlit() if setting.time == "night" else pen
    lamp.polygon([(218, 122), (227, 96), (247, 96), (256, 122)], "ffe390")


def _big_bed(pen: Pen) -> None:
    pen.box(424, 92, 30, 98, "b57c4c", corner=7)
    pen.box(340, 152, 96, 36, "b57c4c", corner=4)
    pen.shape("M 392 152 Q 390 128 408 128 L 426 128 L 426 154 L 392 154 Z", "ffffff")
    pen.shape("M 336 178 L 336 150 Q 338 138 356 138 L 400 138 Q 408 140 408 150 L 408 178 Z",
              "f08a7a")  # fmt: skip
    for x in (350, 372, 394):
        pen.stroke(f"M {x} 140 L {x} 177", 5, "ffdcb0")
    pen.box(330, 128, 11, 62, "b57c4c", corner=4)


def workshop(pen: Pen, setting: Setting) -> None:
    """The workbench (left), tools on the wall (middle), wood and a wheel (right)."""
    wall = "e4c496"
    pen.box(LEFT, LEFT, SPAN, 200, wall, line=0)
    for x in range(20, 460, 58):
        pen.stroke(f"M {x} -12 L {x} {FLOOR}", 2, "d2ae7e")
    _boards(pen, "bfa284")
    for x in (114, 358):
        pen.box(x, -12, 14, 198, "b98a58")
    pen.box(LEFT, -12, SPAN, 18, "b98a58")
    draw_window(pen, setting, 16, 20)
    draw_window(pen, setting, 270, 20)
    _bench(pen, 8, 96)
    _tools(pen)
    _bench(pen, 146, 200)
    _paint_pots(pen)
    _wheel(pen, 408, 68, 32)
    _planks(pen)
    _hanging_lamp(pen, setting, 190, 28)


def _bench(pen: Pen, x: float, width: float) -> None:
    wood = "c98f58"
    for left in (x + 6, x + width - 18):
        pen.box(left, 136, 12, 52, wood)
    pen.box(x + 10, 164, width - 20, 9, wood)
    pen.box(x, 126, width, 12, "d9a268", corner=2)


def _tools(pen: Pen) -> None:
    pen.box(136, 36, 112, 72, "f2dfb8", corner=4)
    # A saw.
    pen.polygon([(146, 52), (186, 60), (186, 74), (146, 58)], "b8c0ca", line=1.8)
    pen.oval(194, 66, 9, 10, "d0705c", line=1.8)
    pen.oval(194, 66, 3.6, 4.4, "f2dfb8", line=1.4)
    # A hammer.
    pen.stroke("M 222 62 L 222 98", 6, "a8744a")
    pen.box(209, 48, 27, 13, "8a919e", line=1.8, corner=3)
    # A spanner.
    pen.stroke("M 158 92 L 186 92", 7, "9aa4b2")
    pen.oval(154, 92, 8, 8, "9aa4b2", line=1.8)
    pen.polygon([(145, 88), (154, 90), (154, 94), (145, 96)], "f2dfb8", line=0)
    pen.oval(190, 92, 6.5, 6.5, "9aa4b2", line=1.8)


def _paint_pots(pen: Pen) -> None:
    for x, colour in ((258, "e8705f"), (298, "f2c85c")):
        pen.box(x, 100, 28, 26, colour, corner=3)
        drip = f"M {x} 112 Q {x + 5} 119 {x + 10} 113 Q {x + 17} 108 {x + 22} 114 "
        drip += f"L {x + 28} 112 L {x + 28} 103 L {x} 103 Z"
        pen.shape(drip, "fff3df", line=0)
        pen.box(x - 3, 97, 34, 7, "fff3df", corner=3)


def _wheel(pen: Pen, x: float, y: float, radius: float) -> None:
    wood = "a8744a"
    pen.oval(x, y, radius, radius, None, line=11)
    for width, colour in ((11, blend(wood, "2b1f2e", 0.45)), (7, wood)):
        with pen.moved(x, y):
            for dx, dy in ((1, 0), (0.5, 0.87), (-0.5, 0.87)):
                end_x, end_y = dx * radius, dy * radius
                pen.stroke(f"M {-end_x} {-end_y} L {end_x} {end_y}", width - 3, colour)
            ring = f"M {-radius} 0 C {-radius} {-radius * 1.33} {radius} {-radius * 1.33} "
            ring += f"{radius} 0 "
            ring += f"C {radius} {radius * 1.33} {-radius} {radius * 1.33} {-radius} 0 Z"
            pen.stroke(ring, width, colour)
    pen.oval(x, y, 8, 8, wood)


def _planks(pen: Pen) -> None:
    for index, (x, y, width) in enumerate(((376, 168, 84), (382, 150, 74), (374, 132, 80))):
        tone = ("d9a268", "c98f58", "e2b27c")[index]
        pen.box(x, y, width, 18, tone, corner=2)
        pen.oval(x + 10, y + 9, 5, 6, "f2d6a4", line=1.6)
