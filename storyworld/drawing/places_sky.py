"""Shared by all places: the setting, the light of the hour, sky, weather and windows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import skia

from storyworld.drawing.pen import PLAIN, Light, Pen, blend
from storyworld.world import PLACES

LEFT, RIGHT, SPAN = -12.0, 460.0, 472.0
"""A panorama is 448 wide and drawn past its ends, so that a small shift never shows its edge."""
BOTTOM = 272.0
OFFSETS = {"left": 0.0, "middle": 96.0, "right": 192.0, "near": 96.0}
"""Left edge of each framing in the panorama."""
ZOOM, ZOOM_Y = 1.3, 165.0
"""Enlargement of `near`, and the height around which it is enlarged."""

SNOW = "f6faff"


@dataclass(frozen=True)
class Setting:
    """All that decides the look of a place."""

    place: str
    time: str = "day"
    weather: str = "clear"
    framing: str = "middle"
    dark: bool = False

    @property
    def indoors(self) -> bool:
        """Return whether sky and weather are behind a window."""
        return "indoors" in PLACES[self.place].has

    @property
    def sheltered(self) -> bool:
        """Return whether nothing falls or blows on the actors: indoors and in the cave."""
        return self.indoors or self.place == "cave"

    @property
    def snowy(self) -> bool:
        """Return whether snow lies: it snows outdoors, or the place is always snowy."""
        if self.sheltered:
            return False
        return self.weather == "snow" or "snowy" in PLACES[self.place].has

    def ground(self, colour: str) -> str:
        """Return the colour of the ground: snow covers it, rain darkens it."""
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
    "dusk": Light(1.0, 0.88, 0.79, "ff7a4a", 0.09),
    "night": Light(0.62, 0.55, 0.64, "2b2a5a", 0.06),
}
_CAVE_LIGHT = {
    "day": PLAIN,
    "dusk": Light(1.0, 0.90, 0.90, "c8607a", 0.08),
    "night": Light(0.66, 0.68, 0.86, "1a2050", 0.12),
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
    ("day", "wind"): ("7fb9d6", "e3eddc"),
    ("dusk", "clear"): ("d9688f", "ffc878"),
    ("dusk", "rain"): ("7d6478", "c98f80"),
    ("dusk", "snow"): ("9a7698", "e0aca0"),
    ("dusk", "wind"): ("c06a92", "f6bd86"),
    ("night", "clear"): ("141d4d", "3d4d9c"),
    ("night", "rain"): ("1b2138", "3a4566"),
    ("night", "snow"): ("272f5c", "596a9e"),
    ("night", "wind"): ("182550", "44589a"),
}
_CLOUD = {
    ("day", "clear"): "ffffff",
    ("day", "rain"): "66758a",
    ("day", "snow"): "f2f6fa",
    ("day", "wind"): "ffffff",
    ("dusk", "clear"): "ffb08a",
    ("dusk", "rain"): "64506a",
    ("dusk", "snow"): "d9b8c0",
    ("dusk", "wind"): "ffb894",
    ("night", "clear"): "46559c",
    ("night", "rain"): "2b3350",
    ("night", "snow"): "7a88b8",
    ("night", "wind"): "5a6aa8",
}


def scene_light(setting: Setting) -> Light:
    """Return the light of places."""
    if setting.place == "cave":
        return _CAVE_LIGHT[setting.time]
    light = (_INDOOR_LIGHT if setting.indoors else _OUTDOOR_LIGHT)[setting.time]
    if setting.weather in ("clear", "wind") or setting.indoors:
        return light
    grey = {"day": "8794a3", "dusk": "8a6a70", "night": "1e2740"}[setting.time]
    return replace(light, haze=grey, amount=0.16 if setting.weather == "rain" else 0.08)


def actor_light(setting: Setting) -> Light:
    """Return the light of characters and things, which only hints at the hour."""
    if setting.indoors and setting.time == "night":
        return Light(0.97, 0.92, 0.90)
    return _ACTOR_LIGHT[setting.time]


def place_pen(pen: Pen, setting: Setting) -> Pen:
    """Return the pen for a place: its light, and soft outlines."""
    return replace(pen, light=scene_light(setting), ink=None, line=2.0)


# --- sky ----------------------------------------------------------------------------------------


def draw_sky(pen: Pen, setting: Setting, offset: float) -> None:
    """The sky of a panorama seen from `offset` on, down to y = 200."""
    plain = pen.unlit()
    plain.gradient(LEFT, LEFT, 280, 212, *_SKY[setting.time, setting.weather])
    tone = _CLOUD[setting.time, setting.weather]
    with plain.moved(-offset, 0):
        if setting.weather in ("clear", "wind"):
            _lights_of_heaven(plain, setting.time)
        if setting.weather in ("rain", "snow"):
            for x, y, size in (
                (28, 24, 1.25), (116, 14, 1.45), (204, 26, 1.25), (292, 14, 1.45), (378, 26, 1.3),
                (452, 14, 1.3),
            ):  # fmt: skip
                draw_cloud(plain, x, y, size, tone)
        elif setting.weather == "wind":
            for x, y, size in ((84, 40, 0.95), (286, 30, 1.0), (398, 54, 0.85)):
                draw_cloud(plain, x, y, size, tone, stretched=True)
        elif setting.time != "night":
            for x, y, size in ((92, 36, 0.9), (296, 50, 0.85), (402, 32, 0.8)):
                draw_cloud(plain, x, y, size, tone)


def _lights_of_heaven(plain: Pen, time: str) -> None:
    """Sun, or moon and stars."""
    if time == "night":
        draw_moon(plain, 216, 38, 20)
        for x, y in (
            (26, 30), (84, 52), (136, 22), (174, 66), (262, 58), (304, 24), (344, 70), (384, 30),
            (432, 58),
        ):  # fmt: skip
            draw_star(plain, x, y)
    elif time == "dusk":
        plain.glow(216, 50, 54, "fff0b0", 0.65)
        plain.oval(216, 50, 22, 22, "ff7a3c", line=0)
    else:
        plain.oval(216, 38, 27, 27, "fff3b0", line=0, alpha=0.7)
        plain.oval(216, 38, 20.5, 20.5, "ffd43b", line=0)


def draw_cloud(
    pen: Pen, x: float, y: float, size: float, colour: str, stretched: bool = False
) -> None:
    """A cloud, about 64 wide at size 1; `stretched` by the wind."""
    if stretched:
        with pen.moved(x, y, scale=size):
            shape = "M -44 12 Q -40 2 -26 2 Q -20 -12 0 -10 Q 10 -8 16 0 Q 34 -6 44 2 "
            pen.shape(shape + "Q 58 8 76 8 Q 60 14 40 14 L -34 16 Q -42 16 -44 12 Z", colour, 0)
        return
    for dx, dy, radius in ((-20, 4, 12), (-2, -5, 17), (18, 3, 13)):
        pen.oval(x + dx * size, y + dy * size, radius * size, radius * size, colour, line=0)
    pen.box(x - 32 * size, y + 2 * size, 63 * size, 14 * size, colour, line=0, corner=7 * size)


def draw_moon(pen: Pen, x: float, y: float, radius: float) -> None:
    """A crescent with a soft glow."""
    pen.glow(x, y, radius * 2, "fff3c0", 0.35)
    disc = skia.Path.Circle(x, y, radius)
    shade = skia.Path.Circle(x - radius * 0.5, y - radius * 0.2, radius * 0.86)
    pen.shape(skia.Op(disc, shade, skia.kDifference_PathOp), "fff1b8", line=0)


def draw_star(pen: Pen, x: float, y: float, size: float = 5.0) -> None:
    """A star of the night sky with four points."""
    thin = size * 0.28
    points = []
    for ux, uy in ((0, -1), (1, 0), (0, 1), (-1, 0)):
        points.append((x + ux * size, y + uy * size))
        points.append((x + (ux - uy) * thin, y + (uy + ux) * thin))
    pen.polygon(points, "fff6c8", line=0)


# --- weather ------------------------------------------------------------------------------------

_FAR = (
    (22, 40), (58, 84), (96, 30), (132, 70), (112, 118), (168, 34), (204, 92), (240, 48), (20, 128),
    (236, 136), (150, 154), (76, 150), (8, 196), (128, 196), (250, 204), (66, 14), (146, 8),
    (220, 10), (184, 176), (44, 226), (206, 236),
)  # fmt: skip
_NEAR = ((12, 84), (128, 34), (246, 96), (186, 60), (10, 236), (84, 246), (176, 244), (244, 168))
_FAR_LEAVES = ((30, 64, 20), (98, 26, -30), (150, 86, 40), (226, 60, -10), (64, 132, 60))
_FAR_GUSTS = ((6, 92, 1.0), (104, 60, 1.1), (140, 132, 0.9))
_NEAR_LEAVES = ((14, 116, 30), (242, 128, -35), (118, 18, 15), (40, 238, -20), (214, 242, 35))
_NEAR_GUSTS = ((-20, 30, 1.1), (150, 26, 0.9), (60, 240, 1.0))
_LEAF_COLOURS = ("e8913a", "d9b23c", "8fb84a")


def draw_falling(pen: Pen, setting: Setting, near: bool) -> None:
    """Rain, snow or wind in the whole frame, behind the actors or (`near`) before them."""
    plain = pen.unlit()
    if setting.weather == "rain":
        for x, y in _NEAR if near else _FAR:
            line = f"M {x + 4} {y - 11} L {x - 4} {y + 11}"
            plain.stroke(line, 3.2 if near else 2.8, "d8ecff", 0.85)
    elif setting.weather == "snow":
        for x, y in _NEAR if near else _FAR:
            draw_flake(plain, x, y, 5.6 if near else 4.6)
    elif setting.weather == "wind":
        for x, y, size in _NEAR_GUSTS if near else _FAR_GUSTS:
            draw_gust(plain, x, y, size)
        for index, (x, y, angle) in enumerate(_NEAR_LEAVES if near else _FAR_LEAVES):
            draw_leaf(plain, x, y, angle, _LEAF_COLOURS[index % 3], 1.0 if near else 0.9)


def draw_flake(pen: Pen, x: float, y: float, radius: float) -> None:
    """A flake; its thin rim keeps it visible over snow."""
    pen.oval(x, y, radius + 0.9, radius + 0.9, "93a9c8", line=0, alpha=0.6)
    pen.oval(x, y, radius, radius, "ffffff", line=0)


def draw_gust(pen: Pen, x: float, y: float, size: float) -> None:
    """A streak of wind that blows to the right and ends in a curl; about 90 long."""
    with pen.moved(x, y, scale=size):
        curl = "M 0 0 Q 26 -10 52 0 Q 78 10 88 -4 C 94 -16 78 -22 74 -12 C 73 -7 78 -5 81 -8"
        pen.stroke(curl, 3.4, "ffffff", 0.85)
        pen.stroke("M 14 12 Q 34 5 58 13", 3.0, "ffffff", 0.75)


def draw_leaf(pen: Pen, x: float, y: float, angle: float, colour: str, size: float = 1.0) -> None:
    """A leaf in the wind, about 18 long."""
    with replace(pen, ink=None, line=1.8).moved(x, y, angle, size):
        leaf = replace(pen, ink=None, line=1.8)
        leaf.shape("M -9 2 Q -4 -8 9 -3 Q 5 8 -9 2 Z", colour)
        leaf.stroke("M -12 4 Q -4 2 4 -1", 1.8, blend(colour, "2b1f2e", 0.5))


def draw_puddles(pen: Pen, setting: Setting) -> None:
    """Three puddles in the frame when it rains."""
    if setting.weather != "rain" or setting.place == "mountain":
        return
    for x, y, rx in ((30, 242, 30), (228, 238, 32), (128, 216, 22)):
        pen.oval(x, y, rx, 7, "a9cbe4", line=1.6)
        pen.oval(x - 4, y - 1.5, rx * 0.5, 2.4, "dcefff", line=0)


# --- the weather seen from inside ---------------------------------------------------------------


def draw_view(pen: Pen, setting: Setting, x: float, y: float, width: float, height: float) -> None:
    """Draw the view from a window or a cave's mouth: hour and weather, about 80 by 80."""
    plain = pen.unlit()
    right = x + width * 0.72
    weather, time = setting.weather, setting.time
    plain.gradient(x, y, width, height, *_SKY[time, weather])
    tone = _CLOUD[time, weather]
    if weather in ("clear", "wind"):
        if time == "night":
            draw_moon(plain, right, y + 24, 13)
            for fx, fy in ((0.2, 0.24), (0.4, 0.56)):
                draw_star(plain, x + width * fx, y + height * fy)
        elif time == "dusk":
            plain.oval(right, y + height * 0.56, 15, 15, "ff7a3c", line=0)
        else:
            plain.oval(right, y + 24, 12, 12, "ffd43b", line=0)
            draw_cloud(plain, x + width * 0.3, y + height * 0.34, 0.55, tone)
    hill = {"day": "7cc35f", "dusk": "b98a52", "night": "2b4a5c"}[time]
    if weather == "snow":
        hill = blend(hill, "eef4ff" if time == "day" else "b9c2e0", 0.8)
    plain.oval(x + width * 0.3, y + height + 14, width * 0.6, 36, hill, line=0)
    plain.oval(right + 12, y + height + 16, width * 0.5, 32, blend(hill, "2b1f2e", 0.08), line=0)
    if weather == "rain":
        draw_cloud(plain, x + width * 0.28, y + 8, 0.9, tone)
        draw_cloud(plain, x + width * 0.82, y + 6, 0.8, tone)
        for fx, fy in (
            (0.16, 0.46), (0.36, 0.7), (0.4, 0.34), (0.66, 0.5), (0.88, 0.42), (0.86, 0.8),
        ):  # fmt: skip
            at, low = x + width * fx, y + height * fy
            plain.stroke(f"M {at + 4} {low - 9} L {at - 4} {low + 9}", 3.2, "d8ecff")
    elif weather == "snow":
        for fx, fy in (
            (0.15, 0.2), (0.36, 0.46), (0.64, 0.16), (0.88, 0.42), (0.17, 0.7), (0.64, 0.7),
            (0.86, 0.88), (0.4, 0.9),
        ):  # fmt: skip
            draw_flake(plain, x + width * fx, y + height * fy, 4.2)
    elif weather == "wind":
        draw_gust(plain, x + width * 0.06, y + height * 0.42, width / 110)
        draw_gust(plain, x + width * 0.3, y + height * 0.74, width / 120)
        draw_leaf(plain, x + width * 0.24, y + height * 0.6, 25, _LEAF_COLOURS[0], 0.85)
        draw_leaf(plain, x + width * 0.7, y + height * 0.5, -25, _LEAF_COLOURS[0], 0.85)


def draw_window(
    pen: Pen, setting: Setting, x: float, y: float, width: float = 78, height: float = 80
) -> None:
    """A large window with a white frame that shows hour and weather."""
    pane = f"M {x} {y} L {x + width} {y} L {x + width} {y + height} L {x} {y + height} Z"
    middle, frame = x + width / 2, "fffaf0"
    with pen.clipped(pane):
        draw_view(pen, setting, x, y, width, height)
    pen.stroke(pane, 8.4, blend(frame, "2b1f2e", 0.42))
    pen.stroke(pane, 5.2, frame)
    half = y + height / 2
    cross = f"M {middle} {y} L {middle} {y + height} M {x} {half} L {x + width} {half}"
    pen.stroke(cross, 3.6, frame)
    pen.box(x - 8, y + height, width + 16, 8, frame, corner=2)
    if setting.weather == "snow":
        pen.unlit().box(x - 4, y + height - 6, width + 8, 8, "ffffff", line=0, corner=4)
