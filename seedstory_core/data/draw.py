"""Draw a `Scene`: flat storybook images, the same for the same scene.

`render` composes what the other `draw_*` files draw: the place behind, the actors on their slots,
the prop in somebody's hand, on the ground or out of reach, and the weather in front. `layout` tells
where faces and props are, so that training can weigh them.

All lengths are in units of an image 256 wide, whatever size it is drawn at.
"""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
import skia
from PIL import Image

from seedstory_core.data.draw_characters import HEAD_X, LOOKS, POSES, draw_character, draw_hand
from seedstory_core.data.draw_pen import Light, Pen, Point
from seedstory_core.data.draw_places import (
    Setting,
    actor_light,
    draw_perch,
    draw_place,
    draw_weather_in_front,
)
from seedstory_core.data.draw_props import SHAPES
from seedstory_core.data.world import (
    CHARACTERS,
    EXPRESSIONS,
    PLACES,
    PROPS,
    TIMES,
    Actor,
    Holder,
    Scene,
)
from seedstory_core.data.world import (
    POSES as POSE_NAMES,
)

_SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")
FRAME = 256.0
MAX_SHIFT = 2
"""How far `Scene.seed` may move anything."""
MARGIN = 4
"""Background kept around the frame for that."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


@dataclass(frozen=True)
class Stage:
    """Where actors and props go for one number of actors.

    Attributes:
        xs: Middle of each actor.
        floor: Height of their feet.
        scale: Size of the actors.
        prop_scale: Size of a prop in a hand.
        line: Width of outlines in the image.
        ground: Middle and bottom of a prop that lies on the ground.
    """

    xs: tuple[float, ...]
    floor: float
    scale: float
    prop_scale: float
    line: float
    ground: Point = (0.0, 0.0)


_STAGES = {
    1: Stage((128,), 234, 1.14, 1.25, 2.6, (192, 248)),
    2: Stage((66, 190), 230, 1.0, 1.1, 2.4, (128, 248)),
    3: Stage((43, 128, 213), 228, 0.75, 0.86, 2.1, (85.5, 248)),
}
_CLOSE_STAGES = {
    1: Stage((128,), 300, 1.75, 1.5, 3.2),
    2: Stage((62, 194), 286, 1.28, 1.1, 2.8),
}
_MAKING_ROOM = {1: (98.0,), 2: (56.0, 172.0), 3: (43.0, 128.0, 213.0)}
"""Middles of the actors when a prop lies out of reach at the upper right."""
_ALONE_WITH_GROUND = (98.0,)
_HIGH_AT: Point = (222.0, 68.0)
_HIGH_SCALE = 1.2
_CLOSE_ZOOM = 1.15
_CLOSE_LIFTS = (0.15, 0.7)
"""Parts of the usual height by which a jump lifts and a seat lowers when the image is close:
more would cut ears or hide the prop."""


@dataclass(frozen=True)
class Layout:
    """Where things are in an image, in 256-px units.

    Attributes:
        heads: One box per actor around its face, ears and tufts not counted.
        bodies: One box per actor from neck to feet, cut by the frame; arms and tails not counted.
        prop: Box of the prop, None without one.
    """

    heads: tuple[Box, ...]
    bodies: tuple[Box, ...]
    prop: Box | None


@dataclass(frozen=True)
class _Stand:
    """One actor on the stage."""

    x: float
    y: float
    scale: float
    lean: float
    flip: bool

    def at(self, x: float, y: float) -> Point:
        """From the actor's own units to the image."""
        angle = math.radians(self.lean)
        turned_x = x * math.cos(angle) - y * math.sin(angle)
        turned_y = x * math.sin(angle) + y * math.cos(angle)
        side = -1 if self.flip else 1
        return self.x + side * turned_x * self.scale, self.y + turned_y * self.scale


def render_image(scene: Scene, size: int = 256) -> Image.Image:
    """A scene as a PIL image."""
    return Image.fromarray(render(scene, size))


def render(scene: Scene, size: int = 256) -> np.ndarray:
    """The image of a scene: `[size, size, 3]`, RGB bytes; the same every time."""
    pixels, canvas = _surface(size)
    setting = Setting(scene.place, scene.time, scene.weather)
    light = actor_light(setting)
    stage = _stage(scene)
    (far_x, far_y), (near_x, near_y) = _shifts(scene.seed)
    background = _background(setting, scene.camera, size)
    unit = size / FRAME
    canvas.save()
    canvas.drawImage(
        background,
        (far_x - MARGIN) * unit,
        (far_y - MARGIN) * unit,
        skia.SamplingOptions(skia.FilterMode.kLinear),
    )
    canvas.scale(unit, unit)
    canvas.translate(near_x, near_y)
    stands = _stands(scene, stage)
    pen = Pen(canvas, light, stage.line)
    for stand in stands:
        _draw_shadow(pen, stage, stand)
    for index, (actor, stand) in enumerate(zip(scene.actors, stands, strict=True)):
        hand = _hand(scene, index, stage)
        picture = _actor_picture(
            actor.species, actor.pose, actor.expression, hand, light, stage.line / stage.scale
        )
        _draw_actor(canvas, stand, picture)
    if scene.prop is not None:
        _draw_prop(pen, scene, stage, stands, setting)
    for index, stand in enumerate(stands):
        if scene.actors[index].expression == "sleepy":
            inward = stand.flip == _holds_behind(scene, index)
            _draw_zz(pen, stand, stage, scene.camera, 1 if inward else -1)
    canvas.restore()
    if scene.weather != "clear" and not setting.indoors:
        canvas.save()
        canvas.scale(unit, unit)
        canvas.drawPicture(_foreground(setting))
        canvas.restore()
    return pixels[..., :3].copy()


def layout(scene: Scene) -> Layout:
    """Where faces, bodies and the prop are."""
    stage = _stage(scene)
    stands = _stands(scene, stage)
    _, shift = _shifts(scene.seed)
    heads, bodies = [], []
    for actor, stand in zip(scene.actors, stands, strict=True):
        half, top, bottom = LOOKS[actor.species].head
        heads.append(_framed(_around(stand, HEAD_X - half, -top, HEAD_X + half, -bottom), shift))
        reach = 38 if actor.pose == "sit" else 26
        bodies.append(_framed(_around(stand, -26, -bottom, reach, 2), shift))
    prop = _prop_box(scene, stage, stands)
    return Layout(tuple(heads), tuple(bodies), None if prop is None else _framed(prop, shift))


def random_scene(
    rng: random.Random,
    *,
    num_actors: int | None = None,
    place: str | None = None,
    camera: str | None = None,
    prop_share: float = 0.75,
    close_share: float = 0.25,
    facing_share: float = 0.15,
) -> Scene:
    """A scene from anywhere in the world, every attribute well covered.

    Args:
        rng: The only source of chance.
        num_actors: 1 to 3; None draws it. A close image has two at most.
        place: A fixed place instead of any.
        camera: A fixed camera instead of `close_share`.
        prop_share: How many images show a prop.
        close_share: How many are close.
        facing_share: How many actors look somewhere else than inward or right.
    """
    camera = camera or ("close" if rng.random() < close_share else "wide")
    most = 2 if camera == "close" else 3
    count = min(num_actors or rng.randint(1, most), most)
    actors = tuple(
        Actor(
            species,
            rng.choice(POSE_NAMES),
            rng.choice(EXPRESSIONS),
            # Half of those asked to look somewhere would look there anyway.
            rng.choice(_SIDES) if rng.random() < 2 * facing_share else None,
        )
        for species in rng.sample(tuple(CHARACTERS), count)
    )
    prop = rng.choice(PROPS) if rng.random() < prop_share else None
    holders: Sequence[Holder] = range(count)
    if camera == "wide":
        where = rng.random()
        if where > 0.6:
            holders = ("ground",) if where < 0.8 else ("high",)
    return Scene(
        place=place or rng.choice(PLACES),
        actors=actors,
        time=rng.choice(TIMES),
        weather=rng.choices(("clear", "rain", "snow"), (0.6, 0.2, 0.2))[0],
        camera=camera,
        prop=prop,
        holder=None if prop is None else rng.choice(holders),
        seed=rng.randrange(1 << 30),
    )


# --- where things are ---------------------------------------------------------------------------


def _stage(scene: Scene) -> Stage:
    count = len(scene.actors)
    if scene.camera == "close":
        return _CLOSE_STAGES[count]
    stage = _STAGES[count]
    if scene.holder == "high":
        return replace(stage, xs=_MAKING_ROOM[count])
    if scene.holder == "ground" and count == 1:
        return replace(stage, xs=_ALONE_WITH_GROUND)
    return stage


def _stands(scene: Scene, stage: Stage) -> list[_Stand]:
    stands = []
    for index, actor in enumerate(scene.actors):
        pose = POSES[actor.pose]
        close = scene.camera == "close"
        lift = pose.lift * (_CLOSE_LIFTS[pose.lift > 0] if close else 1.0)
        stands.append(
            _Stand(
                x=stage.xs[index],
                y=stage.floor + lift * stage.scale,
                scale=stage.scale,
                lean=pose.lean,
                flip=scene.facing(index) == "left",
            )
        )
    return stands


def _shifts(seed: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """How far a seed moves the background and what stands before it."""
    span = 2 * MAX_SHIFT + 1
    # Knuth's multiplicative hash: neighbouring seeds move differently.
    mixed = (seed * 2654435761 + 40503) % (1 << 32) >> 8
    steps = [mixed // span**place % span - MAX_SHIFT for place in range(4)]
    return (steps[0] // 2, steps[1] // 2), (steps[2], steps[3])


def _holds_behind(scene: Scene, index: int) -> bool:
    """Whether the prop is in the rear hand: there is no room between the actor and the edge."""
    last = len(scene.actors) - 1
    outward = (index == 0 and scene.facing(0) == "left") or (
        index == last and scene.facing(last) == "right"
    )
    return last > 0 and outward


def _prop_middle(scene: Scene, stage: Stage) -> Point:
    """Middle of a held prop, in its holder's units."""
    assert scene.prop is not None and isinstance(scene.holder, int)
    actor, shape = scene.actors[scene.holder], SHAPES[scene.prop]
    pose, look = POSES[actor.pose], LOOKS[actor.species]
    size = stage.prop_scale / stage.scale
    half_width, half_height = shape.width * size / 2, shape.height * size / 2
    lowest = pose.lowest
    if scene.camera == "close":
        lowest = min(lowest, -42 if actor.pose == "sit" else -25)
    # Under the chins, also of neighbours who stay on the ground while the holder jumps.
    chin = -look.head[2] + 2 - (min(pose.lift, 0) if len(scene.actors) > 1 else 0)
    y = max(pose.carry - shape.grip[1] * size, half_height + chin)
    y = min(y, lowest - half_height)
    behind = _holds_behind(scene, scene.holder)
    beside_head = y - half_height < -look.head[2] + 1
    reach = look.head[0] + (-HEAD_X if behind else HEAD_X) + 1 if beside_head else 30
    x = max(reach, 30) + half_width
    return (-x if behind else x), y


def _hand(scene: Scene, index: int, stage: Stage) -> Point | None:
    """Where the holding hand is, in the actor's units; None when the actor holds nothing."""
    if scene.holder != index or isinstance(scene.holder, str) or scene.prop is None:
        return None
    x, y = _prop_middle(scene, stage)
    size = stage.prop_scale / stage.scale
    grip_x, grip_y = SHAPES[scene.prop].grip
    return x + math.copysign(size, x) * grip_x, y + grip_y * size


def _resting(scene: Scene, stage: Stage) -> tuple[Point, float]:
    """Middle and scale of a prop that nobody holds, in the image."""
    assert scene.prop is not None
    high = scene.holder == "high"
    x, bottom = _HIGH_AT if high else stage.ground
    scale = _HIGH_SCALE if high else max(stage.prop_scale, 0.9)
    return (x, bottom - SHAPES[scene.prop].height * scale / 2), scale


def _around(stand: _Stand, left: float, top: float, right: float, bottom: float) -> Box:
    corners = [stand.at(x, y) for x in (left, right) for y in (top, bottom)]
    xs, ys = zip(*corners, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _framed(box: Box, shift: tuple[int, int]) -> Box:
    dx, dy = shift
    left, top, right, bottom = box
    moved = (left + dx, top + dy, right + dx, bottom + dy)
    return tuple(min(FRAME, max(0.0, value)) for value in moved)  # type: ignore[return-value]


def _prop_box(scene: Scene, stage: Stage, stands: Sequence[_Stand]) -> Box | None:
    if scene.prop is None:
        return None
    shape = SHAPES[scene.prop]
    if isinstance(scene.holder, int):
        (x, y), scale = stands[scene.holder].at(*_prop_middle(scene, stage)), stage.prop_scale
    else:
        (x, y), scale = _resting(scene, stage)
    half_width, half_height = shape.width * scale / 2, shape.height * scale / 2
    return x - half_width, y - half_height, x + half_width, y + half_height


# --- what is drawn and kept ---------------------------------------------------------------------

_kept = threading.local()


def _surface(size: int) -> tuple[np.ndarray, skia.Canvas]:
    """Pixels of one size and the canvas that draws on them, one pair per thread."""
    surfaces = _kept.__dict__.setdefault("surfaces", {})
    if size not in surfaces:
        pixels = np.zeros((size, size, 4), np.uint8)
        surface = skia.Surface(
            pixels, skia.ColorType.kRGBA_8888_ColorType, skia.AlphaType.kPremul_AlphaType
        )
        surfaces[size] = (pixels, surface, surface.getCanvas())
    pixels, _, canvas = surfaces[size]
    return pixels, canvas


@lru_cache(maxsize=192)
def _background(setting: Setting, camera: str, size: int) -> skia.Image:
    """A place with `MARGIN` around the frame; about 280 KB at 256 px."""
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


@lru_cache(maxsize=2048)
def _actor_picture(
    species: str,
    pose: str,
    expression: str,
    hand: Point | None,
    light: Light,
    line: float,
) -> skia.Picture:
    return _record(
        lambda canvas: draw_character(Pen(canvas, light, line), species, pose, expression, hand)
    )


@lru_cache(maxsize=64)
def _foreground(setting: Setting) -> skia.Picture:
    return _record(lambda canvas: draw_weather_in_front(Pen(canvas), setting))


def _draw_actor(canvas: skia.Canvas, stand: _Stand, picture: skia.Picture) -> None:
    canvas.save()
    canvas.translate(stand.x, stand.y)
    canvas.scale(-stand.scale if stand.flip else stand.scale, stand.scale)
    canvas.rotate(stand.lean)
    canvas.drawPicture(picture)
    canvas.restore()


def _draw_shadow(pen: Pen, stage: Stage, stand: _Stand) -> None:
    """On the floor, also under somebody in the air: there it is smaller."""
    high = stand.y < stage.floor - 2
    half = (22 if high else 34) * stage.scale
    pen.oval(stand.x, stage.floor + 1, half, 6 * stage.scale, "000000", line=0, alpha=0.22)


def _draw_prop(
    pen: Pen, scene: Scene, stage: Stage, stands: Sequence[_Stand], setting: Setting
) -> None:
    assert scene.prop is not None
    shape = SHAPES[scene.prop]
    if isinstance(scene.holder, int):
        stand = stands[scene.holder]
        middle = _prop_middle(scene, stage)
        x, y = stand.at(*middle)
        scale = stage.prop_scale
        with replace(pen, line=stage.line / scale).moved(
            x, y, scale=scale, flip=stand.flip != (middle[0] < 0)
        ):
            shape.draw(replace(pen, line=stage.line / scale))
        hand = _hand(scene, scene.holder, stage)
        assert hand is not None
        look = LOOKS[scene.actors[scene.holder].species]
        with pen.moved(*stand.at(*hand), scale=stage.scale):
            draw_hand(replace(pen, line=stage.line / stage.scale), look, 0, 0)
        return
    (x, y), scale = _resting(scene, stage)
    if scene.holder == "high":
        draw_perch(pen, setting, _HIGH_AT[1])
    else:
        half = shape.width * scale * 0.5
        pen.oval(x, stage.ground[1], half, 4, "000000", line=0, alpha=0.22)
    with pen.moved(x, y, scale=scale):
        shape.draw(replace(pen, line=stage.line / scale))


def _draw_zz(pen: Pen, stand: _Stand, stage: Stage, camera: str, side: int) -> None:
    """Two bold letters above the head on one side (1 is right), never mirrored."""
    spread, drop = (0.88, 4.0) if camera == "close" else (1.0, 0.0)
    for dx, dy, size in ((33, -133, 5.5), (47, -149, 7.5)):
        x = stand.x + side * dx * spread * stage.scale
        y = stand.y + (dy + drop) * stage.scale
        half = size * max(1.0, stage.scale)
        letter = f"M {x - half} {y - half} L {x + half} {y - half} "
        letter += f"L {x - half} {y + half} L {x + half} {y + half}"
        pen.stroke(letter, 8 * max(0.9, stage.scale))
        pen.stroke(letter, 3.6 * max(0.9, stage.scale), "ffffff")
