"""The pen: flat fills with clean outlines, seen in the light of the hour.

Everything in the world is drawn with a `Pen`. Colours are written as `rrggbb`; the pen's `Light`
changes them to those of the hour, so that places, characters and things need not know the hour.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache

import skia

INK = "2b1f2e"
"""The outline of characters and props. Places use a darker tone of their own fill instead."""


@dataclass(frozen=True)
class Light:
    """A light's change of a colour: multiply, then blend towards a haze."""

    red: float = 1.0
    green: float = 1.0
    blue: float = 1.0
    haze: str = "ffffff"
    amount: float = 0.0

    def on(self, colour: str) -> str:
        """Return the colour as seen in this light."""
        return _lit(self, colour)


@lru_cache(maxsize=1 << 14)
def _lit(light: Light, colour: str) -> str:
    red, green, blue = _channels(colour)
    seen = _hex(red * light.red, green * light.green, blue * light.blue)
    return blend(seen, light.haze, light.amount) if light.amount else seen


PLAIN = Light()


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[:2], 16), int(colour[2:4], 16), int(colour[4:], 16)


def _hex(red: float, green: float, blue: float) -> str:
    return "".join(f"{min(255, max(0, round(value))):02x}" for value in (red, green, blue))


@lru_cache(maxsize=4096)
def blend(colour: str, other: str, amount: float) -> str:
    """Return `colour` moved towards `other`; an amount of 0 keeps it, 1 replaces it."""
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return _hex(*(a + (b - a) * amount for a, b in pairs))


@lru_cache(maxsize=4096)
def skia_colour(colour: str, alpha: float = 1.0) -> int:
    """Return a colour as skia's number."""
    return int(skia.Color(*_channels(colour), round(alpha * 255)))


@lru_cache(maxsize=4096)
def _fill_paint(colour: str, alpha: float) -> skia.Paint:
    return skia.Paint(AntiAlias=True, Color=skia_colour(colour, alpha))


@lru_cache(maxsize=4096)
def _line_paint(colour: str, width: float, alpha: float) -> skia.Paint:
    return skia.Paint(
        AntiAlias=True,
        Color=skia_colour(colour, alpha),
        Style=skia.Paint.kStroke_Style,
        StrokeWidth=width,
        StrokeCap=skia.Paint.kRound_Cap,
        StrokeJoin=skia.Paint.kRound_Join,
    )


@lru_cache(maxsize=4096)
def trace(outline: str) -> skia.Path:
    """Return a path from SVG-like text with absolute M, L, Q, C and Z, separated by blanks."""
    path = skia.Path()
    steps = {
        "M": (path.moveTo, 2),
        "L": (path.lineTo, 2),
        "Q": (path.quadTo, 4),
        "C": (path.cubicTo, 6),
    }
    words = outline.split()
    at = 0
    while at < len(words):
        if words[at] == "Z":
            path.close()
            at += 1
            continue
        step, count = steps[words[at]]
        step(*map(float, words[at + 1 : at + 1 + count]))
        at += 1 + count
    return path


Point = tuple[float, float]


@dataclass(frozen=True)
class Pen:
    """Draws flat shapes on a canvas.

    Attributes:
        canvas: The canvas it draws on.
        light: The light in which every colour is seen.
        line: Width of an outline, in the units of the canvas.
        ink: Colour of outlines; None takes a darker tone of the fill.
    """

    canvas: skia.Canvas
    light: Light = PLAIN
    line: float = 2.4
    ink: str | None = INK

    def unlit(self) -> Pen:
        """Return the same pen without its light, for lamps, lit windows and the moon."""
        return replace(self, light=PLAIN)

    def shape(
        self,
        path: skia.Path | str,
        fill: str | None,
        line: float | None = None,
        alpha: float = 1.0,
    ) -> None:
        """Fill a path and draw its outline; `line=0` draws no outline."""
        if isinstance(path, str):
            path = trace(path)
        if fill is not None:
            self.canvas.drawPath(path, _fill_paint(self.light.on(fill), alpha))
        width = self.line if line is None else line
        if width:
            ink = self.ink or blend(fill or INK, INK, 0.5)
            self.canvas.drawPath(path, _line_paint(self.light.on(ink), width, 1.0))

    def oval(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        fill: str | None,
        line: float | None = None,
        alpha: float = 1.0,
    ) -> None:
        """An ellipse around a centre."""
        rect = skia.Rect.MakeLTRB(x - rx, y - ry, x + rx, y + ry)
        self.shape(skia.Path.Oval(rect), fill, line, alpha)

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str | None,
        line: float | None = None,
        corner: float = 0.0,
        alpha: float = 1.0,
    ) -> None:
        """A rectangle by its upper left corner, perhaps with round corners."""
        rect = skia.Rect.MakeXYWH(x, y, width, height)
        self.shape(skia.Path.RRect(rect, corner, corner), fill, line, alpha)

    def polygon(
        self,
        points: Sequence[Point],
        fill: str | None,
        line: float | None = None,
        alpha: float = 1.0,
    ) -> None:
        """A closed polygon."""
        self.shape(skia.Path.Polygon([skia.Point(*p) for p in points], True), fill, line, alpha)

    def stroke(
        self, path: skia.Path | str, width: float, colour: str = INK, alpha: float = 1.0
    ) -> None:
        """An open line with round ends."""
        if isinstance(path, str):
            path = trace(path)
        self.canvas.drawPath(path, _line_paint(self.light.on(colour), width, alpha))

    def arc(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        start: float,
        sweep: float,
        width: float,
        colour: str = INK,
    ) -> None:
        """Part of an ellipse as an open line; degrees, clockwise from the right."""
        path = skia.Path()
        path.arcTo(skia.Rect.MakeLTRB(x - rx, y - ry, x + rx, y + ry), start, sweep, True)
        self.stroke(path, width, colour)

    def star(
        self,
        x: float,
        y: float,
        outer: float,
        inner: float,
        fill: str | None,
        line: float | None = None,
        points: int = 5,
        alpha: float = 1.0,
    ) -> None:
        """A star around a centre, one point upwards, by its outer and inner radius."""
        corners = []
        for index in range(2 * points):
            angle = math.pi * (index / points - 0.5)
            radius = inner if index % 2 else outer
            corners.append((x + radius * math.cos(angle), y + radius * math.sin(angle)))
        self.polygon(corners, fill, line, alpha)

    def limb(self, path: skia.Path | str, width: float, fill: str) -> None:
        """A thick outlined line: an arm, a leg, a branch."""
        ink = self.ink or blend(fill, INK, 0.5)
        self.stroke(path, width + 2 * self.line, ink)
        self.stroke(path, width, fill)

    def gradient(
        self, x: float, y: float, width: float, height: float, top: str, bottom: str
    ) -> None:
        """A rectangle that fades from one colour to another downwards."""
        colours = [skia_colour(self.light.on(top)), skia_colour(self.light.on(bottom))]
        shader = skia.GradientShader.MakeLinear([(0, y), (0, y + height)], colours)
        self.canvas.drawRect(skia.Rect.MakeXYWH(x, y, width, height), skia.Paint(Shader=shader))

    def glow(self, x: float, y: float, radius: float, colour: str, alpha: float) -> None:
        """A soft round light."""
        colours = [skia_colour(colour, alpha), skia_colour(colour, 0.0)]
        shader = skia.GradientShader.MakeRadial((x, y), radius, colours)
        self.canvas.drawCircle(x, y, radius, skia.Paint(AntiAlias=True, Shader=shader))

    @contextmanager
    def clipped(self, path: skia.Path | str) -> Iterator[None]:
        """Draw inside a path only."""
        if isinstance(path, str):
            path = trace(path)
        self.canvas.save()
        self.canvas.clipPath(path, True)
        try:
            yield
        finally:
            self.canvas.restore()

    @contextmanager
    def moved(
        self, x: float, y: float, angle: float = 0.0, scale: float = 1.0, flip: bool = False
    ) -> Iterator[None]:
        """Draw around another origin, turned by degrees, perhaps scaled or mirrored."""
        self.canvas.save()
        self.canvas.translate(x, y)
        if angle:
            self.canvas.rotate(angle)
        if scale != 1.0 or flip:
            self.canvas.scale(-scale if flip else scale, scale)
        try:
            yield
        finally:
            self.canvas.restore()
