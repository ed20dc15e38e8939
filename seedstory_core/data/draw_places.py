"""The ten places, in any light and weather: a few large shapes each.

Nothing here is random. Actors stand on the clear strip below y = 190; the upper right corner stays
calm, because a prop that is out of reach is shown there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import skia

from seedstory_core.data.draw_pen import PLAIN, Light, Pen, blend
from seedstory_core.data.world import INDOORS

LEFT, SPAN = -12.0, 280.0
"""Backgrounds reach past the frame, so that a small shift never shows their edge."""

SNOW = "f6faff"


@dataclass(frozen=True)
class Setting:
    """What decides how a place looks."""

    place: str
    time: str
    weather: str

    @property
    def indoors(self) -> bool:
        """Whether sky and weather are behind a window."""
        return self.place in INDOORS

    def ground(self, colour: str) -> str:
        """The colour of the ground: snow covers it, rain darkens it."""
        if self.weather == "snow":
            return blend(colour, SNOW, 0.82)
        return blend(colour, "4a5560", 0.18) if self.weather == "rain" else colour


_OUTDOOR_LIGHT = {
    "day": PLAIN,
    "dusk": Light(1.0, 0.84, 0.80, "ff7a5a", 0.14),
    "night": Light(0.42, 0.50, 0.74, "23306e", 0.10),
}
_INDOOR_LIGHT = {
    "day": PLAIN,
    "dusk": Light(1.0, 0.85, 0.74, "ff7a4a", 0.13),
    "night": Light(0.62, 0.55, 0.64, "2b2a5a", 0.06),
}
_ACTOR_LIGHT = {
    "day": PLAIN,
    "dusk": Light(1.0, 0.93, 0.86, "ff9a5a", 0.05),
    "night": Light(0.93, 0.92, 1.0),
}
_SKY = {
    ("day", "clear"): ("6fc3f2", "dbf2fb"),
    ("day", "rain"): ("7f8fa3", "b4c0cc"),
    ("day", "snow"): ("8fa6c2", "c4d3e4"),
    ("dusk", "clear"): ("d9688f", "ffc878"),
    ("dusk", "rain"): ("7d6478", "c98f80"),
    ("dusk", "snow"): ("9a7698", "e0aca0"),
    ("night", "clear"): ("141d4d", "3d4d9c"),
    ("night", "rain"): ("1b2138", "3a4566"),
    ("night", "snow"): ("272f5c", "596a9e"),
}


def scene_light(setting: Setting) -> Light:
    """The light places are seen in."""
    light = (_INDOOR_LIGHT if setting.indoors else _OUTDOOR_LIGHT)[setting.time]
    if setting.weather == "clear" or setting.indoors:
        return light
    grey = {"day": "8794a3", "dusk": "8a6a70", "night": "1e2740"}[setting.time]
    return replace(light, haze=grey, amount=0.16 if setting.weather == "rain" else 0.08)


def actor_light(setting: Setting) -> Light:
    """The light characters and props are seen in: only a hint of the hour."""
    light = _ACTOR_LIGHT[setting.time]
    if setting.indoors and setting.time == "night":
        return Light(0.97, 0.92, 0.90)
    return light


def draw_place(pen: Pen, setting: Setting) -> None:
    """The whole background, weather behind the actors included."""
    lit = replace(pen, light=scene_light(setting), ink=None, line=2.0)
    if setting.indoors:
        _PLACES[setting.place](lit, setting)
        return
    _sky(pen, setting)
    _PLACES[setting.place](lit, setting)
    _puddles(lit, setting)
    _falling(pen, setting, _FAR)


def draw_weather_in_front(pen: Pen, setting: Setting) -> None:
    """The few drops or flakes between the reader and the actors."""
    if not setting.indoors:
        _falling(pen, setting, _NEAR)


# --- sky and weather ----------------------------------------------------------------------------

_FAR = (
    (22, 40), (58, 84), (96, 30), (132, 70), (112, 118), (168, 34), (204, 92), (240, 48), (20, 128),
    (236, 136), (150, 154), (76, 150), (8, 196), (128, 196),
    (250, 204), (66, 14), (146, 8), (220, 10),
)  # fmt: skip
_NEAR = ((12, 84), (128, 44), (246, 96), (186, 66), (10, 236), (84, 246), (176, 244), (244, 168))


def _falling(pen: Pen, setting: Setting, points: tuple[tuple[int, int], ...]) -> None:
    near = points is _NEAR
    for x, y in points:
        if setting.weather == "rain":
            pen.stroke(
                f"M {x + 4} {y - 11} L {x - 4} {y + 11}", 3.2 if near else 2.8, "d8ecff", 0.85
            )
        elif setting.weather == "snow":
            radius = 5.6 if near else 4.6
            # The thin rim keeps a flake visible over snow.
            pen.oval(x, y, radius + 0.9, radius + 0.9, "93a9c8", line=0, alpha=0.6)
            pen.oval(x, y, radius, radius, "ffffff", line=0)


def _cloud(pen: Pen, x: float, y: float, size: float, colour: str) -> None:
    for dx, dy, radius in ((-20, 4, 12), (-2, -5, 17), (18, 3, 13)):
        pen.oval(x + dx * size, y + dy * size, radius * size, radius * size, colour, line=0)
    pen.box(x - 32 * size, y + 2 * size, 63 * size, 14 * size, colour, line=0, corner=7 * size)


def _sky(pen: Pen, setting: Setting, box: tuple[float, float, float, float] | None = None) -> None:
    x, y, width, height = box or (LEFT, LEFT, SPAN, 200.0)
    plain = pen.unlit()
    plain.gradient(x, y, width, height, *_SKY[setting.time, setting.weather])
    if box is not None:
        return
    if setting.weather != "clear":
        tones = {
            "rain": {"day": "66758a", "dusk": "64506a", "night": "2b3350"},
            "snow": {"day": "f2f6fa", "dusk": "d9b8c0", "night": "7a88b8"},
        }
        tone = tones[setting.weather][setting.time]
        for cx, cy, size in ((36, 24, 1.25), (122, 14, 1.45), (206, 26, 1.25)):
            _cloud(plain, cx, cy, size, tone)
    elif setting.time == "night":
        _moon(plain, 156, 36, 20)
        for sx, sy in ((26, 26), (78, 46), (112, 18), (206, 58), (238, 22), (12, 84), (128, 88)):
            _star(plain, sx, sy)
    elif setting.time == "dusk":
        plain.glow(156, 44, 52, "fff0b0", 0.65)
        plain.oval(156, 44, 21, 21, "ff7a3c", line=0)
        _cloud(plain, 84, 34, 0.8, "ffb08a")
        _cloud(plain, 222, 60, 0.7, "ffb08a")
    else:
        plain.oval(156, 36, 26, 26, "fff3b0", line=0, alpha=0.7)
        plain.oval(156, 36, 20, 20, "ffd43b", line=0)
        _cloud(plain, 84, 32, 0.9, "ffffff")
        _cloud(plain, 224, 54, 0.75, "ffffff")


def _moon(pen: Pen, x: float, y: float, radius: float) -> None:
    pen.glow(x, y, radius * 2, "fff3c0", 0.35)
    disc, shade = (
        skia.Path.Circle(x, y, radius),
        skia.Path.Circle(x - radius * 0.5, y - 4, radius * 0.86),
    )
    crescent = skia.Op(disc, shade, skia.kDifference_PathOp)
    pen.shape(crescent, "fff1b8", line=0)


def _star(pen: Pen, x: float, y: float, size: float = 5.0) -> None:
    thin = size * 0.28
    pen.polygon(
        [
            (x, y - size), (x + thin, y - thin), (x + size, y), (x + thin, y + thin),
            (x, y + size), (x - thin, y + thin), (x - size, y), (x - thin, y - thin),
        ],
        "fff6c8",
        line=0,
    )  # fmt: skip


def _puddles(pen: Pen, setting: Setting) -> None:
    if setting.weather != "rain":
        return
    for x, y, rx in ((32, 240, 30), (226, 236, 32), (128, 212, 22)):
        pen.oval(x, y, rx, 7, "a9cbe4", line=1.6)
        pen.oval(x - 4, y - 1.5, rx * 0.5, 2.4, "dcefff", line=0)


def _window(pen: Pen, setting: Setting, x: float, y: float, width: float, height: float) -> None:
    """A large window that shows hour and weather."""
    pane = f"M {x} {y} L {x + width} {y} L {x + width} {y + height} L {x} {y + height} Z"
    plain = pen.unlit()
    middle, right = x + width / 2, x + width * 0.74
    with pen.clipped(pane):
        _sky(pen, setting, (x, y, width, height))
        hill = {"day": "7cc35f", "dusk": "b98a52", "night": "2b4a5c"}[setting.time]
        plain.oval(middle - 16, y + height + 14, width * 0.6, 34, setting.ground(hill), line=0)
        plain.oval(right + 12, y + height + 16, width * 0.5, 30, setting.ground(hill), line=0)
        if setting.weather == "rain":
            grey = {"day": "66758a", "dusk": "64506a", "night": "2b3350"}[setting.time]
            _cloud(plain, x + 24, y + 10, 0.9, grey)
            _cloud(plain, x + 66, y + 8, 0.8, grey)
            for dx, dy in (
                (12, 36),
                (30, 58),
                (34, 28),
                (54, 44),
                (72, 32),
                (70, 66),
                (50, 74),
                (10, 76),
            ):
                plain.stroke(
                    f"M {x + dx + 4} {y + dy - 10} L {x + dx - 4} {y + dy + 10}", 3.2, "d8ecff"
                )
        elif setting.weather == "snow":
            for dx, dy in (
                (12, 16),
                (32, 38),
                (54, 14),
                (72, 36),
                (14, 56),
                (52, 58),
                (70, 72),
                (34, 78),
            ):
                plain.oval(x + dx, y + dy, 4.4, 4.4, "ffffff", line=0)
        elif setting.time == "night":
            _moon(plain, right, y + 26, 14)
            for dx, dy in ((18, 20), (30, 46), (62, 54)):
                _star(plain, x + dx, y + dy)
        elif setting.time == "dusk":
            plain.oval(right, y + 46, 15, 15, "ff7a3c", line=0)
        else:
            plain.oval(right, y + 26, 13, 13, "ffd43b", line=0)
            _cloud(plain, x + 26, y + 32, 0.6, "ffffff")
    frame = "fffaf0"
    pen.box(x, y, width, height, None, line=8)
    pen.stroke(pane, 6, frame)
    pen.stroke(
        f"M {middle} {y} L {middle} {y + height} "
        f"M {x} {y + height / 2} L {x + width} {y + height / 2}",
        4,
        frame,
    )
    pen.box(x - 8, y + height, width + 16, 8, frame, corner=2)
    if setting.weather == "snow":
        plain.box(x - 4, y + height - 6, width + 8, 8, "ffffff", line=0, corner=4)


def _lamp_light(pen: Pen, setting: Setting, x: float, y: float, radius: float = 120) -> None:
    if setting.time == "night":
        pen.unlit().glow(x, y, radius, "ffcf70", 0.6)


# --- things that grow ---------------------------------------------------------------------------


def _ground(pen: Pen, setting: Setting, colour: str, edge: str) -> None:
    """Everything below a line given as the middle of a path from left to right."""
    pen.shape(f"M {LEFT} 180 {edge} L 270 270 L {LEFT} 270 Z", setting.ground(colour))


def _tree(pen: Pen, setting: Setting, x: float, y: float, size: float, leaf: str) -> None:
    pen.box(x - 8 * size, y - 50 * size, 16 * size, 52 * size, "85572f")
    crown = ((0, -84, 32), (-24, -62, 25), (24, -62, 25))
    for dx, dy, radius in crown:
        pen.oval(x + dx * size, y + dy * size, radius * size, radius * size, leaf, line=4)
    for dx, dy, radius in crown:
        pen.oval(x + dx * size, y + dy * size, radius * size, radius * size, leaf, line=0)
    if setting.weather == "snow":
        with pen.moved(x, y - 92 * size, scale=size):
            cap = "M -26 0 C -22 -30 22 -30 26 0 Q 12 -8 0 2 Q -12 -8 -26 0 Z"
            pen.shape(cap, SNOW, line=0)


def _pine(pen: Pen, x: float, y: float, size: float, caps: bool) -> None:
    pen.box(x - 5 * size, y - 16 * size, 10 * size, 18 * size, "6f4a2c")
    for step, half in enumerate((30, 24, 17)):
        base = y - 14 * size - step * 24 * size
        top = base - 38 * size
        pen.polygon([(x - half * size, base), (x + half * size, base), (x, top)], "2f7a52")
        if caps:
            cap = half * 0.5 * size
            low = top + 19 * size
            pen.polygon(
                [(x, top), (x + cap, low), (x, low - 4 * size), (x - cap, low)], SNOW, line=0
            )


def _bloom(pen: Pen, x: float, y: float, size: float, colour: str, stem: float = 26) -> None:
    pen.stroke(f"M {x} {y} L {x} {y + stem}", 3.4, "3f8f3f")
    pen.oval(x + 6 * size, y + stem * 0.6, 6 * size, 3.4 * size, "58b04a", line=0)
    for dx, dy in ((0, -7), (7, -2), (4, 6), (-4, 6), (-7, -2)):
        pen.oval(x + dx * size, y + dy * size, 5 * size, 5 * size, colour, line=1.4)
    pen.oval(x, y, 4.6 * size, 4.6 * size, "ffe680", line=0)


# --- outdoors -----------------------------------------------------------------------------------


def _beach(pen: Pen, setting: Setting) -> None:
    pen.box(LEFT, 112, SPAN, 80, "2f9fd8", line=0)
    pen.box(LEFT, 112, SPAN, 12, "1f86c4", line=0)
    for x, y in ((64, 136), (150, 132), (214, 148), (112, 152)):
        pen.stroke(
            f"M {x} {y} Q {x + 9} {y - 6} {x + 18} {y} Q {x + 27} {y - 6} {x + 36} {y}",
            3.4,
            "d8f3ff",
        )
    edge = "L -12 176 Q 60 160 130 172 Q 200 184 270 166"
    pen.stroke(f"M {edge[2:]}", 12, "f2fbff")
    _ground(pen, setting, "f8df9a", edge)
    pen.limb("M 14 196 Q 8 140 34 84", 10, "a8743e")
    for dx, dy, bend in (
        (-46, 20, -26),
        (-34, -14, -30),
        (4, -32, -34),
        (42, -6, -30),
        (44, 26, -22),
    ):
        x, y = 34 + dx, 80 + dy
        middle, over, under = 34 + dx * 0.5, 80 + dy * 0.4 + bend, 80 + dy * 0.5 + bend * 0.25
        leaf = f"M 34 82 Q {middle} {over} {x} {y} Q {middle} {under} 34 82 Z"
        pen.shape(leaf, "3fa653" if setting.weather != "snow" else "cfe8d8")
    pen.oval(30, 88, 5.5, 5.5, "7a4a24")
    pen.oval(41, 88, 5.5, 5.5, "7a4a24")


def _forest(pen: Pen, setting: Setting) -> None:
    for x in (-6, 34, 74, 114, 154, 194, 234, 272):
        pen.oval(x, 128, 30, 44, "69ad72", line=0)
    pen.box(LEFT, 130, SPAN, 60, "69ad72", line=0)
    _ground(pen, setting, "86c257", "L -12 172 Q 60 160 128 170 Q 200 178 270 164")
    pen.shape(
        "M 112 170 Q 124 200 84 268 L 178 268 Q 168 206 140 171 Z", setting.ground("dfc08a"), line=0
    )
    for x, y, size, leaf in (
        (84, 172, 0.85, "4fa04e"),
        (182, 172, 0.85, "4fa04e"),
        (18, 184, 1.22, "378c44"),
        (244, 184, 1.22, "378c44"),
    ):
        _tree(pen, setting, x, y, size, leaf)


def _village(pen: Pen, setting: Setting) -> None:
    dark = setting.time == "night"
    snow = setting.weather == "snow"
    for x, width, height, wall, roof in (
        (-10, 70, 88, "e8745f", "8f3b3b"),
        (60, 62, 68, "f5cf62", "a5602e"),
        (122, 66, 96, "6fb59a", "35706a"),
        (188, 76, 76, "b98fd8", "63418c"),
    ):
        top = 176 - height
        pen.box(x, top, width, height, wall)
        gable = [(x - 6, top), (x + width / 2, top - 36), (x + width + 6, top)]
        pen.polygon(gable, roof)
        if snow:
            cap = [(x + 7, top - 13), (x + width / 2, top - 37), (x + width - 7, top - 13)]
            pen.polygon(
                [*cap, (x + width / 2 + 8, top - 19), (x + width / 2 - 8, top - 13)], SNOW, line=0
            )
        glass = pen.unlit() if dark or setting.time == "dusk" else pen
        for wx in (x + 9, x + width - 27):
            glass.box(wx, top + 13, 18, 22, "ffe27a" if glass is not pen else "d6f0fb")
            pen.stroke(
                f"M {wx + 9} {top + 13} L {wx + 9} {top + 35}", 2, blend(wall, "2b1f2e", 0.4)
            )
        pen.box(x + width / 2 - 10, 142, 20, 36, "7d4a2c", corner=4)
    pen.box(LEFT, 174, SPAN, 18, setting.ground("dcd3c2"))
    pen.box(LEFT, 190, SPAN, 80, setting.ground("b9aca0"), line=0)
    for row, y in enumerate((204, 226, 248)):
        for x in range(-20 + (row % 2) * 32, 270, 64):
            pen.box(x, y - 5, 36, 10, setting.ground("a79a8f"), line=0, corner=5)


def _mountain(pen: Pen, setting: Setting) -> None:
    for x, top, half, rock in (
        (128, 74, 90, "9db5cf"),
        (40, 28, 92, "7f9dbf"),
        (216, 52, 84, "7f9dbf"),
    ):
        pen.polygon([(x - half, 190), (x, top), (x + half, 190)], rock)
        rise = (190 - top) / half
        low = 24
        cap = [
            (x - low, top + low * rise),
            (x, top),
            (x + low, top + low * rise),
            (x + low * 0.4, top + low * rise - 9),
        ]
        pen.polygon(
            [*cap, (x, top + low * rise + 5), (x - low * 0.4, top + low * rise - 9)], SNOW, line=0
        )
    edge = "L -12 172 Q 70 150 140 170 Q 200 186 270 160"
    pen.shape(
        f"M {LEFT} 180 {edge} L 270 270 L {LEFT} 270 Z",
        "eef5fd" if setting.weather != "rain" else "cfdce8",
    )
    pen.shape(
        f"M {LEFT} 214 Q 80 192 160 212 Q 220 226 270 206 L 270 270 L {LEFT} 270 Z",
        "ffffff" if setting.weather != "rain" else "dbe6f0",
        line=0,
    )
    _pine(pen, 18, 186, 0.95, True)
    _pine(pen, 240, 184, 1.0, True)
    _pine(pen, 128, 170, 0.6, True)


def _garden(pen: Pen, setting: Setting) -> None:
    for x in (-4, 40, 84, 128, 172, 216, 260):
        pen.oval(x, 132, 30, 26, "4f9f58", line=0)
    pen.box(LEFT, 134, SPAN, 50, "4f9f58", line=0)
    for x in range(-10, 270, 22):
        pen.polygon([(x, 178), (x, 120), (x + 7, 110), (x + 14, 120), (x + 14, 178)], "f5dfb4")
        if setting.weather == "snow":
            pen.oval(x + 7, 113, 7, 5, SNOW, line=0)
    pen.box(LEFT, 134, SPAN, 8, "f5dfb4")
    _ground(pen, setting, "8fd061", "L -12 176 Q 128 166 270 176")
    bed = setting.ground("8a5a3a")
    pen.oval(14, 186, 54, 13, bed)
    pen.oval(242, 186, 54, 13, bed)
    pen.oval(128, 178, 36, 7, bed)
    for x, y, size, colour in (
        (12, 146, 1.35, "ff6f9f"), (38, 158, 1.15, "a66fe0"), (-8, 160, 1.15, "ff8a3a"),
        (112, 134, 1.1, "ff8a3a"), (144, 134, 1.1, "ff6f9f"),
        (244, 146, 1.35, "a66fe0"), (218, 158, 1.15, "ff6f9f"), (264, 160, 1.15, "ff8a3a"),
    ):  # fmt: skip
        _bloom(pen, x, y, size, colour)


def _pond(pen: Pen, setting: Setting) -> None:
    for x in (10, 66, 128, 190, 246):
        pen.oval(x, 128, 42, 24, "6fb06a", line=0)
    _ground(pen, setting, "a5d36a", "L -12 128 Q 128 120 270 128")
    water = "M -20 150 Q 40 134 128 136 Q 220 134 280 150 L 280 186 Q 210 200 128 198 "
    pen.shape(water + "Q 50 200 -20 188 Z", "4fb3b8")
    for x, y in ((70, 150), (132, 144), (120, 166)):
        pen.stroke(f"M {x} {y} L {x + 26} {y}", 3.2, "a8e0dc")
    pen.polygon([(176, 146), (270, 146), (270, 164), (160, 164)], "b98850")
    for x in (190, 216, 242):
        pen.stroke(f"M {x} 147 L {x - 7} 163", 2, "7d5730")
    pen.box(164, 162, 9, 22, "94683a")
    pen.box(216, 162, 9, 22, "94683a")
    for x, y in ((98, 184), (140, 186), (40, 172)):
        with pen.moved(x, y):
            pad = "M 0 0 L 18 -5 C 26 8 -22 12 -20 -1 C -18 -9 8 -10 12 -8 Z"
            pen.shape(pad, "58b04a")
    pen.oval(96, 178, 6, 5, "ff8fc0")
    _ground(pen, setting, "8cc659", "L -12 196 Q 128 200 270 194")
    for x, top in ((-2, 106), (12, 84), (26, 112), (236, 128), (250, 112)):
        pen.stroke(f"M {x} 204 Q {x} 150 {x + 2} {top}", 4, "4a8f3c")
        if setting.weather == "snow":
            pen.oval(x + 2, top - 12, 4, 4, SNOW, line=0)
        pen.box(x - 3, top - 10, 10, 26, "7d4a26", corner=5)


def _hill(pen: Pen, setting: Setting) -> None:
    pen.oval(210, 196, 130, 72, setting.ground("a8d67c"))
    pen.oval(40, 204, 126, 84, setting.ground("84c25a"))
    pen.polygon([(32, 132), (38, 66), (62, 66), (68, 132)], "fff3df")
    pen.polygon([(34, 68), (50, 46), (66, 68)], "c8503f")
    if setting.weather == "snow":
        pen.polygon([(38, 60), (50, 44), (62, 60)], SNOW, line=0)
    pen.box(43, 106, 14, 26, "8a5a34", corner=7)
    for angle in (20, 110, 200, 290):
        with pen.moved(50, 72, angle):
            pen.stroke("M 0 0 L 0 -56", 4.4, "8a5a34")
            pen.polygon([(2, -14), (15, -14), (15, -56), (2, -56)], "ffffff")
            pen.stroke("M 2 -28 L 15 -28 M 2 -42 L 15 -42", 2, "c9b8a0")
    pen.oval(50, 72, 6, 6, "8a5a34")
    _ground(pen, setting, "93cf62", "L -12 186 Q 70 150 150 174 Q 220 192 270 176")
    pen.shape(
        "M 118 170 Q 150 190 96 214 Q 60 234 96 270 L 170 270 "
        "Q 110 236 150 214 Q 180 194 140 172 Z",
        setting.ground("ead6a0"),
        line=0,
    )


# --- indoors ------------------------------------------------------------------------------------


def _kitchen(pen: Pen, setting: Setting) -> None:
    pen.box(LEFT, LEFT, SPAN, 200, "ffe3a6", line=0)
    pen.box(LEFT, 108, SPAN, 24, "fff6e2", line=0)
    for x in range(-12, 270, 24):
        pen.stroke(f"M {x} 109 L {x} 131", 1.8, "e8cf9a")
    pen.box(LEFT, 184, SPAN, 90, "f0e2cc", line=0)
    for row, y in enumerate((184, 214, 244)):
        for x in range(-20 + (row % 2) * 40, 270, 80):
            pen.box(x, y, 40, 30, "d9bfa0", line=0)
    _window(pen, setting, 14, 14, 84, 78)
    pen.shape("M 8 10 L 34 10 Q 30 52 8 66 Z", "f0604f")
    pen.shape("M 104 10 L 78 10 Q 82 52 104 66 Z", "f0604f")
    pen.stroke("M 2 10 L 110 10", 5, "8a5a34")
    pen.stroke("M 122 24 L 182 24", 4, "8a5a34")
    pen.stroke("M 136 24 L 136 40 M 168 24 L 168 40", 4, "6a6f7a")
    pen.oval(136, 54, 14, 14, "6f7683")
    pen.oval(168, 50, 11, 11, "d08a4a")
    pen.box(LEFT, 130, 114, 58, "5f9fc4")
    pen.box(LEFT, 122, 120, 10, "fff3df", corner=2)
    pen.box(4, 140, 40, 38, "7db8d8")
    pen.box(52, 140, 40, 38, "7db8d8")
    pen.box(186, 126, 90, 62, "f2f4f7")
    pen.box(182, 118, 94, 10, "4b4f5a", corner=2)
    glass = pen.unlit()
    glass.box(198, 146, 48, 32, "ff9a3c" if setting.time == "night" else "5b5f6b", corner=4)
    pen.box(206, 92, 36, 26, "e0483f", corner=4)
    pen.stroke("M 202 94 L 246 94", 5, "b8352f")
    _lamp_light(pen, setting, 128, 40)


def _library(pen: Pen, setting: Setting) -> None:
    pen.box(LEFT, LEFT, SPAN, 200, "a9bd8c", line=0)
    pen.box(LEFT, 182, SPAN, 90, "a86f42", line=0)
    for y in (204, 230):
        pen.stroke(f"M {LEFT} {y} L 270 {y}", 2.4, "935d34")
    pen.oval(128, 226, 96, 24, "5f7fa0")
    pen.oval(128, 226, 82, 17, "86a5c2", line=0)
    _window(pen, setting, 14, 14, 80, 78)
    _bookcase(pen, 110, 6, 76, (8, 46, 84))
    _bookcase(pen, LEFT, 104, 110, (106,))
    _bookcase(pen, 190, 94, 90, (96,))
    _lamp_light(pen, setting, 148, 60)


def _bookcase(pen: Pen, x: float, y: float, width: float, shelves: tuple[int, ...]) -> None:
    """Shelves of books over a plain cupboard: behind a held prop it has to be calm."""
    pen.box(x, y, width, 184 - y, "7d4a26")
    colours = ("d9483f", "f2c23c", "3f78c4", "57a85a", "e8884a", "8a5fb8")
    for row, top in enumerate(shelves):
        low = top + 34
        at, book = x + 6, row * 2
        while at + 12 < x + width - 4:
            tall = (28, 24, 29, 26)[book % 4]
            pen.box(at, low - tall, 12, tall, colours[book % 6], line=1.4)
            at += 13
            book += 1
        pen.stroke(f"M {x + 2} {low + 1.5} L {x + width - 2} {low + 1.5}", 4, "5f3519")
    top = shelves[-1] + 42
    pen.box(x + 5, top, width / 2 - 7, 178 - top, "935a30", corner=2)
    pen.box(x + width / 2 + 2, top, width / 2 - 7, 178 - top, "935a30", corner=2)


def _bedroom(pen: Pen, setting: Setting) -> None:
    pen.box(LEFT, LEFT, SPAN, 200, "b9c8f0", line=0)
    for x in range(-12, 270, 44):
        pen.box(x, LEFT, 18, 200, "c8d5f6", line=0)
    pen.box(LEFT, 178, SPAN, 8, "fffaf0")
    pen.box(LEFT, 184, SPAN, 90, "d9a870", line=0)
    for y in (206, 232):
        pen.stroke(f"M {LEFT} {y} L 270 {y}", 2.2, "c2905a")
    pen.oval(110, 226, 92, 24, "9f86d8")
    pen.oval(110, 226, 72, 16, "c8b6f0", line=0)
    _window(pen, setting, 14, 14, 80, 78)
    pen.shape("M 4 8 L 32 8 Q 34 60 10 100 L 4 100 Z", "8a6fd0")
    pen.shape("M 104 8 L 76 8 Q 74 60 98 100 L 104 100 Z", "8a6fd0")
    pen.stroke("M -2 8 L 110 8", 5, "8a5a34")
    pen.box(108, 134, 34, 52, "a86b3a", corner=2)
    pen.oval(125, 158, 3.5, 3.5, "ffe27a", line=0)
    pen.stroke("M 125 132 L 125 116", 5, "8a5a34")
    lamp = pen.unlit() if setting.time == "night" else pen
    lamp.polygon([(108, 118), (116, 94), (134, 94), (142, 118)], "ffdf7a")
    pen.box(238, 96, 40, 92, "9a5f34", corner=6)
    pen.box(152, 150, 120, 36, "9a5f34", corner=4)
    pen.shape("M 206 150 Q 204 126 222 126 L 244 126 L 244 152 L 206 152 Z", "ffffff")
    pen.shape(
        "M 150 176 L 150 150 Q 152 138 170 138 L 214 138 Q 222 140 222 150 L 222 176 Z", "f0705f"
    )
    pen.stroke("M 164 140 L 164 175 M 186 139 L 186 175 M 207 139 L 207 175", 5, "ffd8a0")
    pen.box(148, 128, 10, 62, "9a5f34", corner=4)
    _lamp_light(pen, setting, 125, 104, 110)


_PLACES: dict[str, Callable[[Pen, Setting], None]] = {
    "beach": _beach,
    "forest": _forest,
    "village": _village,
    "kitchen": _kitchen,
    "mountain": _mountain,
    "garden": _garden,
    "pond": _pond,
    "library": _library,
    "hill": _hill,
    "bedroom": _bedroom,
}


def draw_perch(pen: Pen, setting: Setting, y: float) -> None:
    """What holds a prop out of reach: a shelf indoors, a bare branch outdoors; top at `y`."""
    lit = replace(pen, light=scene_light(setting), ink=None, line=2.2)
    if setting.indoors:
        lit.stroke(f"M 206 {y + 6} L 206 {y + 16} M 242 {y + 6} L 242 {y + 16}", 6, "6b3f1f")
        lit.box(190, y, 80, 8, "9c6232", corner=2)
        return
    lit.limb(f"M 270 {y - 16} Q 240 {y + 10} 192 {y + 3}", 8, "7d5330")
    lit.limb(f"M 214 {y + 6} Q 204 {y + 14} 200 {y + 22}", 4, "7d5330")
    lit.limb(f"M 246 {y} Q 250 {y - 24} 244 {y - 36}", 4.5, "7d5330")
    if setting.weather == "snow":
        lit.stroke(f"M 262 {y - 13} Q 240 {y + 4} 198 {y}", 4.5, SNOW)
