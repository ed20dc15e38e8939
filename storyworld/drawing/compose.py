"""Draw a `Scene`: flat storybook images, the same for the same scene.

`render` composes the drawings of the other files: the place behind, the actors on their stands,
things in hands, on heads, on the ground, on a table, out of reach, in the sky and on the water, the
weather in front, and darkness with its lights. `layout` returns where faces and things are, so that
training can weigh them.

All lengths are in units of an image 256 wide, whatever size it is drawn at.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import skia
from PIL import Image

from storyworld.drawing.characters import draw_character, draw_hand, draw_shins
from storyworld.drawing.marks import Mark, draw_mark, find_marks
from storyworld.drawing.pen import Light, Pen, Point
from storyworld.drawing.places import (
    Setting,
    actor_light,
    draw_bed,
    draw_darkness,
    draw_front,
    draw_hider,
    draw_perch,
    draw_place,
    draw_table,
    draw_water,
)
from storyworld.drawing.placing import Placed, float_depth, place_things
from storyworld.drawing.poses import pose_at
from storyworld.drawing.sampling import random_scene
from storyworld.drawing.stage import FRAME, HIDER_HEIGHT, Box, Stage, Stand, build_stage, shape_of
from storyworld.scene import Scene

MARGIN = 12
"""Background around the frame, from which a shift can take."""
HIDER = 1.12
"""Size of a hider relative to the actor behind it, so that it hides all below the chin."""
_CLOSE_ZOOM = 1.15


@dataclass(frozen=True)
class Layout:
    """Boxes of faces, bodies and things in an image, in 256-px units.

    Attributes:
        heads: One box per actor around its face, ears and tufts not counted.
        bodies: One box per actor from neck to feet, cut by the frame; arms and tails not counted.
        things: One box per thing.
    """

    heads: tuple[Box, ...]
    bodies: tuple[Box, ...]
    things: tuple[Box, ...]


@dataclass(frozen=True)
class _Plan:
    """Everything an image needs to be drawn."""

    setting: Setting
    stage: Stage
    things: tuple[Placed, ...]
    marks: tuple[Mark, ...]


def render_image(
    scene: Scene, size: int = 256, shift: tuple[float, float] = (0.0, 0.0)
) -> Image.Image:
    """Draw a scene as a PIL image."""
    return Image.fromarray(render(scene, size, shift))


def render(scene: Scene, size: int = 256, shift: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """Draw a scene as RGB bytes `[size, size, 3]`; the same scene gives the same bytes.

    Args:
        scene: The scene.
        size: Width and height in pixels.
        shift: Distance by which everything is moved right and down, in 256ths of the image and at
            most `MARGIN`; it only varies training images.
    """
    pixels, canvas = _surface(size)
    plan = _plan(scene)
    unit = size / FRAME
    dx, dy = (min(MARGIN, max(-MARGIN, float(part))) for part in shift)
    canvas.save()
    canvas.drawImage(
        _background(plan.setting, scene.camera, size),
        (dx - MARGIN) * unit,
        (dy - MARGIN) * unit,
        skia.SamplingOptions(skia.FilterMode.kLinear),
    )
    canvas.scale(unit, unit)
    canvas.translate(dx, dy)
    _draw_plan(canvas, scene, plan)
    canvas.restore()
    return pixels[..., :3].copy()


def layout(scene: Scene, shift: tuple[float, float] = (0.0, 0.0)) -> Layout:
    """Return where faces, bodies and things are."""
    plan = _plan(scene)
    return Layout(
        heads=tuple(_framed(stand.face, shift) for stand in plan.stage.stands),
        bodies=tuple(_framed(stand.body, shift) for stand in plan.stage.stands),
        things=tuple(_framed(_thing_box(scene, placed), shift) for placed in plan.things),
    )


def _framed(box: Box, shift: tuple[float, float]) -> Box:
    left, top, right, bottom = box
    dx, dy = shift
    moved = (left + dx, top + dy, right + dx, bottom + dy)
    return tuple(min(FRAME, max(0.0, value)) for value in moved)  # type: ignore[return-value]


def _thing_box(scene: Scene, placed: Placed) -> Box:
    shape = shape_of(scene, placed.index)
    half_width, half_height = shape.width * placed.scale / 2, shape.height * placed.scale / 2
    x, y = placed.x, placed.y
    return x - half_width, y - half_height, x + half_width, y + half_height


@lru_cache(maxsize=256)
def _plan(scene: Scene) -> _Plan:
    setting = Setting(scene.place, scene.time, scene.weather, scene.framing, scene.dark)
    stage = build_stage(scene)
    things = place_things(scene, stage)
    return _Plan(setting, stage, things, find_marks(scene, stage, things))


# --- the order of drawing -----------------------------------------------------------------------


def _draw_plan(canvas: skia.Canvas, scene: Scene, plan: _Plan) -> None:
    setting, stage = plan.setting, plan.stage
    pen = Pen(canvas, actor_light(setting), stage.line)
    _draw_furniture(pen, plan)
    for stand in stage.stands:
        _draw_shadow(pen, stand)
    for number, x, bottom, size in stage.big:
        half = shape_of(scene, number).width * size * 0.46
        pen.oval(x, bottom, half, 5, "000000", line=0, alpha=0.22)
    for placed in plan.things:
        if scene.things[placed.index].where == "floor" and not _is_big(stage, placed.index):
            half = shape_of(scene, placed.index).width * placed.scale * 0.5
            bottom = _thing_box(scene, placed)[3]
            pen.oval(placed.x, bottom, half, 4, "000000", line=0, alpha=0.22)
    for index in stage.order:
        _draw_with_spot(pen, scene, plan, index)
    floating = [each for each in plan.things if scene.things[each.index].where == "water"]
    for placed in floating:
        _draw_thing(pen, scene, plan, placed)
    waters = [*stage.waters, *(_water_around(scene, placed) for placed in floating)]
    for x, y, width in _joined(waters):
        draw_water(pen, setting, x, y, width)
    for placed in plan.things:
        if placed not in floating:
            _draw_thing(pen, scene, plan, placed)
    for mark in plan.marks:
        draw_mark(pen, mark)
    # In a close image the foreground would hide things in hands; the weather stays.
    front = setting if scene.camera == "wide" else replace(setting, framing="middle")
    canvas.save()
    for stand in stage.stands:
        left, top, right, bottom = stand.face
        face = skia.Path.Oval(skia.Rect.MakeLTRB(left - 1, top - 1, right + 1, bottom + 1))
        canvas.clipPath(face, skia.ClipOp.kDifference, True)
    canvas.drawPicture(_foreground(front))
    canvas.restore()
    if setting.dark:
        draw_darkness(canvas, setting, _lights(scene, plan))


def _draw_furniture(pen: Pen, plan: _Plan) -> None:
    """Perches and the table: behind everybody."""
    setting, stage = plan.setting, plan.stage
    for stand in stage.stands:
        if stand.spot == "high":
            back, front = stand.pose.reach
            width = max(66.0, min(back + front, 116.0)) * stand.scale
            draw_perch(pen, setting, stand.x, stand.floor, width)
    for placed in plan.things:
        if placed.perch:
            bottom = placed.box[3] - 9
            draw_perch(pen, setting, placed.x, bottom, placed.perch)
    if stage.table is not None:
        draw_table(pen, setting, stage.table.x, stage.table.top, stage.table.width)


def _draw_with_spot(pen: Pen, scene: Scene, plan: _Plan, index: int) -> None:
    """Draw one actor with the bed or the hider around them."""
    setting, stage = plan.setting, plan.stage
    stand = stage.stands[index]
    hands = [(each.front, each.rear) for each in plan.things if _holder(scene, each) == index]
    front = next((hand for hand, _ in hands if hand is not None), None)
    rear = next((hand for _, hand in hands if hand is not None), None)
    actors = scene.actors
    carries = index + 1 < len(actors) and actors[index + 1].spot == "shoulders"
    if stand.spot == "bed":
        with pen.moved(stand.x, stand.floor, scale=stand.scale):
            draw_bed(pen, setting, 0, 0, behind=True)
    actor = actors[index]
    picture = _actor_picture(
        actor.species,
        actor.pose,
        actor.spot,
        actor.expression,
        front,
        rear,
        carries,
        pen.light,
        stage.line / stand.scale,
    )
    _draw_at(pen.canvas, stand, picture)
    if carries:
        own = replace(pen, line=stage.line / stand.scale)
        with pen.moved(*stand.at(0, 0), stand.pose.lean * (-1 if stand.flip else 1), stand.scale):
            draw_shins(own, actors[index + 1].species)
    if stand.spot == "bed":
        with pen.moved(stand.x, stand.floor, scale=stand.scale):
            draw_bed(pen, setting, 0, 0, behind=False)
    elif stand.spot == "behind":
        size = HIDER * stand.scale
        with pen.moved(stand.x, stand.floor, scale=size):
            draw_hider(pen, setting, 0, 0)
        top = stand.floor - HIDER_HEIGHT * size + 5 * stand.scale
        own = replace(pen, line=stage.line / stand.scale)
        for side, limb, held in ((-1, "back", rear), (1, "front", front)):
            if held is None and _hangs(stand, limb):
                x = stand.x + side * (-1 if stand.flip else 1) * 24 * stand.scale
                with pen.moved(x, top, scale=stand.scale):
                    draw_hand(own, actor.species, 0, 0)


def _hangs(stand: Stand, limb: str) -> bool:
    """Return whether an arm is behind the hider, so that its hand rests on the edge."""
    end: Point = (stand.pose.back_arm if limb == "back" else stand.pose.front_arm)[2]
    return end[1] > -58


def _draw_at(canvas: skia.Canvas, stand: Stand, picture: skia.Picture) -> None:
    canvas.save()
    canvas.translate(stand.x, stand.y)
    canvas.scale(-stand.scale if stand.flip else stand.scale, stand.scale)
    canvas.rotate(stand.pose.lean)
    canvas.drawPicture(picture)
    canvas.restore()


def _draw_shadow(pen: Pen, stand: Stand) -> None:
    """Draw an actor's shadow on the floor, a smaller one under somebody in the air."""
    if stand.spot != "floor":
        return
    back, front = stand.pose.reach
    half = 58 if stand.pose.torso.angle > 45 else 24 if stand.y < stand.floor - 2 else 34
    x = stand.x + ((front - back) / 2 if half > 50 else 0) * (-1 if stand.flip else 1)
    half_width, half_height = half * stand.scale, 6 * stand.scale
    pen.oval(x, stand.floor + 1, half_width, half_height, "000000", line=0, alpha=0.22)


def _draw_thing(pen: Pen, scene: Scene, plan: _Plan, placed: Placed) -> None:
    """Draw a thing, with the hands that hold it."""
    stage, thing = plan.stage, scene.things[placed.index]
    shape = shape_of(scene, placed.index)
    own = replace(pen, line=stage.line / placed.scale)
    angle = placed.angle
    with pen.moved(placed.x, placed.y, angle, placed.scale, placed.flip):
        shape.draw(own)
    if thing.who is None:
        return
    stand = stage.stands[thing.who]
    own = replace(pen, line=stage.line / stand.scale)
    for hand in (placed.front, placed.rear):
        if hand is not None:
            with pen.moved(*stand.at(*hand), scale=stand.scale):
                draw_hand(own, stand.species, 0, 0)


def _is_big(stage: Stage, index: int) -> bool:
    return any(number == index for number, _, _, _ in stage.big)


def _holder(scene: Scene, placed: Placed) -> int | None:
    return scene.things[placed.index].who


def _water_around(scene: Scene, placed: Placed) -> tuple[float, float, float]:
    """Return middle, height and width of the water on which a thing floats."""
    left, top, right, bottom = _thing_box(scene, placed)
    return placed.x, bottom - float_depth(bottom - top), right - left + 16


def _joined(waters: Sequence[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """Join waters that touch."""
    joined: list[tuple[float, float, float]] = []
    for x, y, width in sorted(waters):
        if joined:
            before_x, before_y, before = joined[-1]
            left, right = before_x - before / 2, x + width / 2
            if x - width / 2 < before_x + before / 2 + 44:
                joined[-1] = ((left + right) / 2, max(y, before_y), right - left)
                continue
        joined.append((x, y, width))
    return joined


def _lights(scene: Scene, plan: _Plan) -> list[tuple[float, float, float]]:
    """Return circles of light around everything that is lit: middle and radius."""
    lights = []
    for placed in plan.things:
        thing = scene.things[placed.index]
        if thing.state == "lit":
            radius = {"fire": 150.0, "lantern": 130.0}.get(thing.kind, 105.0)
            grow = 1.25 if scene.camera == "close" else 1.0
            lights.append((placed.x, placed.y, radius * grow))
    return lights


# --- caches -------------------------------------------------------------------------------------

_kept = threading.local()


def _surface(size: int) -> tuple[np.ndarray, skia.Canvas]:
    """Return pixels of one size and the canvas that draws on them, one pair per thread."""
    surfaces = _kept.__dict__.setdefault("surfaces", {})
    if size not in surfaces:
        pixels = np.zeros((size, size, 4), np.uint8)
        surface = skia.Surface(
            pixels, skia.ColorType.kRGBA_8888_ColorType, skia.AlphaType.kPremul_AlphaType
        )
        surfaces[size] = (pixels, surface, surface.getCanvas())
    pixels, _, canvas = surfaces[size]
    return pixels, canvas


def _background(setting: Setting, camera: str, size: int) -> skia.Image:
    """Draw a place with `MARGIN` around the frame."""
    # Darkness comes over the whole image at the end.
    return _kept_background(replace(setting, dark=False), camera, size)


@lru_cache(maxsize=192)
def _kept_background(setting: Setting, camera: str, size: int) -> skia.Image:
    unit = size / FRAME
    side = math.ceil((FRAME + 2 * MARGIN) * unit)
    surface = skia.Surface(side, side)
    canvas = surface.getCanvas()
    canvas.scale(unit, unit)
    canvas.translate(MARGIN, MARGIN)
    if camera == "close":
        canvas.translate(FRAME / 2, FRAME / 2)
        canvas.scale(_CLOSE_ZOOM, _CLOSE_ZOOM)
        canvas.translate(-FRAME / 2, -FRAME / 2)
    draw_place(Pen(canvas), setting)
    return surface.makeImageSnapshot()


def _record(draw: Callable[[skia.Canvas], None]) -> skia.Picture:
    recorder = skia.PictureRecorder()
    draw(recorder.beginRecording(skia.Rect.MakeLTRB(-300, -300, 300, 300)))
    return recorder.finishRecordingAsPicture()


@lru_cache(maxsize=4096)
def _actor_picture(
    species: str,
    pose: str,
    spot: str,
    expression: str,
    front: Point | None,
    rear: Point | None,
    carries: bool,
    light: Light,
    line: float,
) -> skia.Picture:
    held = pose_at(pose, spot)
    return _record(
        lambda canvas: draw_character(
            Pen(canvas, light, line), species, held, expression, front, rear, carries
        )
    )


@lru_cache(maxsize=128)
def _foreground(setting: Setting) -> skia.Picture:
    return _record(lambda canvas: draw_front(Pen(canvas), setting))


__all__ = ["MARGIN", "Layout", "layout", "random_scene", "render", "render_image"]
