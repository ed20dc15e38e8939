"""Place actors, big things, tables, perches and water in an image.

The image is divided into columns from left to right: one per actor (riders on shoulders have
none), one per big thing on the floor, and one for the table. All are as large as possible.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from storyworld.drawing.characters import NECK
from storyworld.drawing.clothes import LOOKS
from storyworld.drawing.pen import Point
from storyworld.drawing.poses import Pose, Turn, pose_at
from storyworld.drawing.things import Shape, flying, shape
from storyworld.scene import Scene

FRAME = 256.0
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""

RIDER = 0.92
"""Size of a rider on shoulders relative to the carrier."""
HIDER_HEIGHT = 62.0
_BIG_WIDTH, _BIG_HEIGHT = 52.0, 58.0
_EDGE = 4.0
_LARGEST = {1: 1.14, 2: 1.0, 3: 0.88, 4: 0.76}
_MOST_FOR_THINGS = {1: 150.0, 2: 120.0, 3: 96.0, 4: 78.0}
"""Width that big things may take, by number of actors."""
_LARGEST_WITH_RIDER = 0.9
_LARGEST_HIGH = 0.85
_SMALLEST = 0.51
_LINES = ((1.5, 3.2), (1.2, 2.8), (1.05, 2.6), (0.92, 2.4), (0.8, 2.2), (0.0, 2.0))
_CLOSE = {1: ((128.0,), 300.0, 1.75), 2: ((62.0, 194.0), 286.0, 1.28)}


@dataclass(frozen=True)
class Stand:
    """One actor on the stage.

    Attributes:
        x: Middle between the feet, in the image.
        y: Height of the feet, the lift of the pose included.
        floor: Height of the surface under them.
        scale: Size of the actor.
        flip: Whether they look left.
        pose: Their pose.
        species: Their species.
        spot: One of `scene.SPOTS`.
    """

    x: float
    y: float
    floor: float
    scale: float
    flip: bool
    pose: Pose
    species: str
    spot: str

    def at(self, x: float, y: float) -> Point:
        """Convert a point from the actor's own units to the image's."""
        x, y = _turn(x, y, self.pose.lean)
        return self.x + (-x if self.flip else x) * self.scale, self.y + y * self.scale

    def box(self, left: float, top: float, right: float, bottom: float, turn: Turn) -> Box:
        """Convert a box of the head (with its turn) or of the body to the image's units."""
        corners = [self.at(*turned(x, y, turn)) for x in (left, right) for y in (top, bottom)]
        xs, ys = zip(*corners, strict=True)
        return min(xs), min(ys), max(xs), max(ys)

    @property
    def face(self) -> Box:
        """The box around the face, ears and tufts not counted."""
        half, top, bottom = LOOKS[self.species].head
        left, right = NECK[0] - half, NECK[0] + half
        middle = self.at(*turned(*NECK, self.pose.head))
        # A round head keeps its box when it turns.
        rise, fall = -top - NECK[1], -bottom - NECK[1]
        reach = (right - left) / 2 * self.scale
        x, y = middle
        return x - reach, y + rise * self.scale, x + reach, y + fall * self.scale

    @property
    def tips(self) -> Box:
        """The box around ears and tufts, above the face."""
        half, top, _ = LOOKS[self.species].head
        tip = LOOKS[self.species].tip
        return self.box(NECK[0] - half, -tip, NECK[0] + half, -top, self.pose.head)

    @property
    def body(self) -> Box:
        """The box from neck to feet, arms and tails not counted."""
        if self.pose.torso.angle > 45:
            return self.box(-62, -44, 34, 4, Turn())
        _, _, bottom = LOOKS[self.species].head
        right = 38 if self.pose.legs == "soles" else 26
        head = self.pose.head.y
        low = {"none": -14.0}.get(self.pose.legs, 2.0)
        return self.box(-26, -bottom + head, right, low, Turn())

    @property
    def hands(self) -> tuple[Box, ...]:
        """The boxes around both hands and forearms, when they hold nothing."""
        boxes = []
        for limb in (self.pose.back_arm, self.pose.front_arm):
            (bend_x, bend_y), (x, y) = limb[1], limb[2]
            bend_x, bend_y = (bend_x + x) / 2, (bend_y + y) / 2
            (x0, y0), (x1, y1) = self.at(x, y), self.at(bend_x, bend_y)
            pad = 8 * self.scale
            box = (min(x0, x1) - pad, min(y0, y1) - pad, max(x0, x1) + pad, max(y0, y1) + pad)
            boxes.append(box)
        return tuple(boxes)


@dataclass(frozen=True)
class Table:
    """A table: its middle, the height of its top, its width."""

    x: float
    top: float
    width: float


@dataclass(frozen=True)
class Stage:
    """Positions of all actors and of everything large.

    Attributes:
        stands: One per actor.
        order: The actors from the rearmost to the nearest.
        scale: Size of an actor on the floor.
        line: Width of outlines in the image.
        resting: Size of a small thing that nobody holds.
        table: The table, None without one.
        big: Middle, bottom and size of each big thing, by its index in the scene.
        gaps: Room between the columns and at the edges.
        waters: Middle, height and width of each water before actors.
    """

    stands: tuple[Stand, ...]
    order: tuple[int, ...]
    scale: float
    line: float
    resting: float
    table: Table | None = None
    big: tuple[tuple[int, float, float, float], ...] = ()
    gaps: tuple[float, ...] = ()
    waters: tuple[tuple[float, float, float], ...] = ()


def turned(x: float, y: float, turn: Turn, around: Point = NECK) -> Point:
    """Return where a point of the head (or another part) is after the part's turn."""
    dx, dy = _turn(x - around[0], y - around[1], turn.angle)
    return around[0] + turn.x + dx, around[1] + turn.y + dy


def _turn(x: float, y: float, degrees: float) -> Point:
    if not degrees:
        return x, y
    angle = math.radians(degrees)
    return x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle)


def shape_of(scene: Scene, index: int) -> Shape:
    """Return the drawing of a thing in its state and position."""
    thing = scene.things[index]
    return (flying if thing.where == "sky" else shape)(thing.kind, thing.state)


def line_width(scale: float) -> float:
    """Return the width of outlines in an image whose actors have this size."""
    return next(width for least, width in _LINES if scale >= least)


def build_stage(scene: Scene) -> Stage:
    """Return the stage of a scene."""
    if scene.camera == "close":
        return _close_stage(scene)
    poses = [pose_at(actor.pose, actor.spot) for actor in scene.actors]
    columns = _columns(scene, poses)
    actors = [column for column in columns if column.actor is not None]
    count = len(actors)
    thing_size = {1: 1.15, 2: 1.1, 3: 0.98}.get(len(columns), 0.86)
    riders = count < len(scene.actors)
    largest = _LARGEST[count]
    if riders:
        hats = any(thing.where == "head" for thing in scene.things)
        largest = min(largest, _LARGEST_WITH_RIDER - (0.12 if hats else 0.0))
    fixed = sum(column.width * thing_size for column in columns if column.actor is None)
    if fixed > _MOST_FOR_THINGS[count]:
        thing_size *= max(0.66, _MOST_FOR_THINGS[count] / fixed)
        fixed = sum(column.width * thing_size for column in columns if column.actor is None)
    wide = sum(column.width for column in actors)
    # The foreground of a near image fills its lower corners.
    edge = 20.0 if scene.framing == "near" and len(columns) > 1 else _EDGE
    room = FRAME - 2 * edge
    # With three columns and more, neighbours stand at different depths and may overlap a little.
    close_up = 1.08 if count >= 3 else 1.0
    scale = max(_SMALLEST, min(largest, (room - fixed) * close_up / wide))
    floor = 234.0 if len(columns) == 1 else 231.0
    gap = (room - fixed - wide * scale) / len(columns)
    x = edge + gap / 2
    stands: dict[int, Stand] = {}
    big: list[tuple[int, float, float, float]] = []
    gaps, table, rank = [x], None, 0
    waters: list[tuple[float, float, float]] = []
    depth: dict[int, float] = {}
    for column in columns:
        size = scale if column.actor is not None else thing_size
        middle = x + column.left * size
        if column.actor is not None:
            far = count >= 3 and rank % 2 == 1
            rank += 1
            index = column.actor
            own = scale * (0.95 if far else 1.0)
            ground = floor - (8 if far else 0)
            stand = _stand(scene, index, poses[index], middle, ground, own)
            stands[index], depth[index] = stand, ground
            if stand.spot == "water":
                waters.append((middle, stand.floor, column.width * size + gap))
        if column.below is not None or column.actor is None:
            low = column.below or column
            fit = min(thing_size, column.width * size / low.width)
            if low.thing is not None:
                big.append((low.thing, middle, floor + 6, fit))
            else:
                table = Table(middle, floor - 44, (low.width - 8) * fit)
        x += column.width * size + gap
        gaps.append(x - gap / 2)
    for index, actor in enumerate(scene.actors):
        if actor.spot == "shoulders":
            below = stands[index - 1]
            wears = any(t.where == "head" and t.who == index - 1 for t in scene.things)
            seat_x, seat_y = below.at(0, -106 if wears else -76)
            stands[index] = Stand(
                seat_x,
                seat_y,
                seat_y,
                below.scale * RIDER,
                scene.facing(index) == "left",
                poses[index],
                actor.species,
                actor.spot,
            )
            depth[index] = depth[index - 1] - 0.5
    everybody = range(len(scene.actors))
    return Stage(
        stands=tuple(stands[index] for index in everybody),
        order=tuple(sorted(everybody, key=lambda index: depth[index])),
        scale=scale,
        line=line_width(scale),
        resting={1: 1.15, 2: 1.1, 3: 1.0}.get(count, 0.92),
        table=table,
        big=tuple(big),
        gaps=tuple(gaps),
        waters=tuple(waters),
    )


# --- columns ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Column:
    """Room for an actor, a big thing or the table; `left` and `right` are from its middle.

    Below somebody who is high up there is room for another column.
    """

    left: float
    right: float
    actor: int | None = None
    thing: int | None = None
    below: _Column | None = None

    @property
    def width(self) -> float:
        return self.left + self.right


def _columns(scene: Scene, poses: Sequence[Pose]) -> list[_Column]:
    columns = []
    for index, actor in enumerate(scene.actors):
        if actor.spot == "shoulders":
            continue
        back, front = poses[index].reach
        if poses[index].torso.angle < 45:
            # Arms may pass before or behind a neighbour.
            back, front = min(back, 46), min(front, 58 if actor.pose == "crouch" else 46)
        if actor.spot == "bed":
            back, front = 58.0, 58.0
        if scene.facing(index) == "left":
            back, front = front, back
        columns.append(_Column(back, front, actor=index))
    count = len(columns)
    middle = (count + 1) // 2 if count > 1 and not _belong_together(scene, columns) else count
    places = [middle, len(columns), 0]
    extra: list[_Column] = []
    on_table = [shape_of(scene, i) for i, t in enumerate(scene.things) if t.where == "table"]
    if on_table:
        half = max(64.0, sum(each.width + 8 for each in on_table) + 8) / 2 + 4
        extra.append(_Column(half, half))
    for index, thing in enumerate(scene.things):
        if thing.where not in ("floor", "water"):
            continue
        own = shape_of(scene, index)
        alone = count == 1 and not extra
        if alone or own.width > _BIG_WIDTH or own.height > _BIG_HEIGHT:
            half = min(own.width, 92.0) / 2 + 4
            extra.append(_Column(half, half, thing=index))
    for number, column in enumerate(columns):
        if extra and column.actor is not None and scene.actors[column.actor].spot == "high":
            left, right = max(column.left, 46.0), max(column.right, 46.0)
            columns[number] = _Column(left, right, column.actor, below=extra.pop(0))
    for offset, (at, column) in enumerate(zip(places, extra, strict=False)):
        columns.insert(at if at == 0 else min(at + (offset if at == count else 0), 9), column)
    return columns


def _belong_together(scene: Scene, columns: Sequence[_Column]) -> bool:
    """Return whether the two actors in the middle touch, so that nothing may be between them."""
    middle = (len(columns) + 1) // 2
    beside = [columns[middle - 1].actor, columns[middle].actor]
    return any(scene.actors[i].pose == "hug" for i in beside if i is not None)


def _stand(scene: Scene, index: int, pose: Pose, x: float, floor: float, scale: float) -> Stand:
    actor = scene.actors[index]
    lift = pose.lift
    if actor.spot == "high":
        scale = min(scale, _LARGEST_HIGH)
        wears = any(thing.where == "head" and thing.who == index for thing in scene.things)
        # A hat on a head is about as high as the ears of a rabbit.
        tip = max(LOOKS[actor.species].tip, 166.0 if wears else 0.0) - lift - pose.head.y
        if index + 1 < len(scene.actors) and scene.actors[index + 1].spot == "shoulders":
            scale = min(scale, 0.72)
            tip = 76 + LOOKS[scene.actors[index + 1].species].tip * RIDER
        floor = max(124.0, 6 + tip * scale)
    y = floor + lift * scale
    if actor.spot == "behind":
        y = floor - 3.4 * scale
    elif actor.spot == "water":
        floor -= 20
        y = floor + 32 * scale
    elif actor.spot == "bed":
        y = floor + (20 if actor.pose == "lie" else -2) * scale
    flip = scene.facing(index) == "left"
    # A leaning actor keeps the head over the middle.
    aside = NECK[1] * math.sin(math.radians(pose.lean)) * 0.8 * scale
    x += -aside if flip else aside
    return Stand(x, y, floor, scale, flip, pose, actor.species, actor.spot)


def _close_stage(scene: Scene) -> Stage:
    xs, floor, scale = _CLOSE[len(scene.actors)]
    stands = []
    for index, actor in enumerate(scene.actors):
        pose = pose_at(actor.pose, actor.spot)
        flip = scene.facing(index) == "left"
        # Low and high poses keep most of the usual height: more would cut ears or hide the hands.
        low = pose.lift + pose.head.y
        lift = pose.lift - 0.75 * max(0.0, low - 8) if low > 8 else pose.lift * 0.15
        # An actor who bends forward stays in the middle.
        ahead = pose.head.x - NECK[1] * math.sin(math.radians(pose.lean)) * 0.8
        aside = (ahead if flip else -ahead) * scale
        stands.append(
            Stand(
                xs[index] + aside,
                floor + lift * scale,
                floor,
                scale,
                flip,
                pose,
                actor.species,
                actor.spot,
            )
        )
    order = tuple(range(len(stands)))
    return Stage(tuple(stands), order, scale, line_width(scale), 1.0)
