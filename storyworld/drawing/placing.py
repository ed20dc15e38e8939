"""Place the things of a scene so that no face is covered and nothing overlaps.

Each thing has a list of possible positions with a cost, for what it would hide and for an unusual
position. The cheapest choice for all things together is taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from storyworld.drawing.clothes import LOOKS
from storyworld.drawing.heads import HEAD_X
from storyworld.drawing.pen import Point
from storyworld.drawing.stage import FRAME, Box, Stage, Stand, shape_of, turned
from storyworld.drawing.things import Shape
from storyworld.scene import Scene

FACE, THING, OUT, TIPS, HANDS, BODY = 60.0, 50.0, 30.0, 8.0, 3.0, 5.0
"""Cost of a thing that hides all of a face, of another thing, ..., or is outside the frame."""


@dataclass(frozen=True)
class Placed:
    """One thing in the image.

    Attributes:
        index: Its index in the scene.
        x: Its middle.
        y: Likewise.
        scale: Its size.
        cost: Cost of this position.
        flip: Whether it is mirrored.
        angle: Degrees by which it is turned.
        front: Position of the holder's front hand, in the holder's units.
        rear: Likewise for the rear hand.
        perch: Width of the perch it stands on; 0 without one.
        box: The box that it covers.
    """

    index: int
    x: float
    y: float
    scale: float
    cost: float
    box: Box
    flip: bool = False
    angle: float = 0.0
    front: Point | None = None
    rear: Point | None = None
    perch: float = 0.0


def covered(box: Box, other: Box) -> float:
    """Return the covered share of the smaller of two boxes."""
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(each[2] - each[0]) * (each[3] - each[1]) for each in (box, other)]
    return width * height / max(1.0, min(areas))


def outside(box: Box) -> float:
    """Return the share of a box that is outside the frame."""
    width = min(box[2], FRAME - 2) - max(box[0], 2.0)
    height = min(box[3], FRAME - 2) - max(box[1], 2.0)
    area = (box[2] - box[0]) * (box[3] - box[1])
    return 1.0 - max(0.0, width) * max(0.0, height) / area


def place_things(scene: Scene, stage: Stage) -> tuple[Placed, ...]:
    """Return every thing with its position, in the order of the scene."""
    options = []
    for index in range(len(scene.things)):
        found = sorted(_options(scene, stage, index), key=lambda option: option.cost)
        options.append(found)
    return _cheapest(scene, options)


def _cheapest(scene: Scene, options: Sequence[Sequence[Placed]]) -> tuple[Placed, ...]:
    best: tuple[Placed, ...] = tuple(each[0] for each in options)
    least = math.inf
    # A lower bound of the cost of all later things.
    rest = [sum(each[0].cost for each in options[at:]) for at in range(len(options) + 1)]

    def search(chosen: tuple[Placed, ...], cost: float) -> None:
        nonlocal best, least
        at = len(chosen)
        if at == len(options):
            best, least = chosen, cost
            return
        for option in options[at]:
            if cost + option.cost + rest[at + 1] >= least:
                return
            total = cost + option.cost + sum(_clash(scene, option, each) for each in chosen)
            if total + rest[at + 1] < least:
                search((*chosen, option), total)

    search((), 0.0)
    return best


def _clash(scene: Scene, one: Placed, other: Placed) -> float:
    cost = THING * covered(one.box, other.box)
    same = scene.things[one.index].who == scene.things[other.index].who
    if same and scene.things[one.index].who is not None:
        twice = (one.front and other.front) or (one.rear and other.rear)
        cost += 100.0 if twice else 0.0
    return cost


# --- options ------------------------------------------------------------------------------------


def _options(scene: Scene, stage: Stage, index: int) -> list[Placed]:
    thing = scene.things[index]
    shape = shape_of(scene, index)
    for number, x, bottom, size in stage.big:
        if number == index:
            size = min(size, 96 * size / max(shape.width, shape.height))
            if thing.where == "water":
                bottom = _water_level(stage) + float_depth(shape.height * size)
            return [_resting(index, shape, x, bottom, size, 0.0)]
    if thing.where == "table":
        return [_on_table(scene, stage, index, shape)]
    if thing.where in ("floor", "water"):
        return list(_on_floor(scene, stage, index, shape))
    if thing.where in ("high", "sky"):
        return list(_above(scene, stage, index, shape))
    assert thing.who is not None
    stand = stage.stands[thing.who]
    if thing.where == "head":
        return [_on_head(stand, index, shape)]
    held = _in_both(stand, shape) if thing.where == "both" else _in_hand(stand, shape)
    faces = [each.face for each in stage.stands]
    others = [each.body for each in stage.stands if each is not stand]
    others += [box for each in stage.stands if each is not stand for box in each.hands]
    if scene.framing == "near":
        others += [(0.0, 178.0, 40.0, FRAME), (FRAME - 40, 178.0, FRAME, FRAME)]
    return [
        _held(stand, index, shape, x, y, size, front, rear, cost, faces, others)
        for x, y, size, front, rear, cost in held
    ]


def _resting(index: int, shape: Shape, x: float, bottom: float, size: float, cost: float) -> Placed:
    half_width, height = shape.width * size / 2, shape.height * size
    box = (x - half_width, bottom - height, x + half_width, bottom)
    return Placed(index, x, bottom - height / 2, size, cost, box)


def float_depth(height: float) -> float:
    """Return how much of a floating thing is under water."""
    return min(9.0, 0.2 * height)


def _water_level(stage: Stage) -> float:
    """Return the height of the water's surface, as around an actor who is in it."""
    return max((y for _, y, _ in stage.waters), default=236.0)


def _on_table(scene: Scene, stage: Stage, index: int, shape: Shape) -> Placed:
    assert stage.table is not None
    table = stage.table
    shapes = {i: shape_of(scene, i) for i, t in enumerate(scene.things) if t.where == "table"}
    wide = sum(each.width for each in shapes.values())
    size = min(stage.resting, (table.width - 4 * len(shapes)) / wide)
    gap = (table.width - wide * size) / len(shapes)
    x = table.x - table.width / 2
    for number, each in shapes.items():
        if number == index:
            return _resting(index, shape, x + (gap + each.width * size) / 2, table.top + 4, size, 0)
        x += gap + each.width * size
    raise AssertionError("A thing on the table is one of those on it.")


def _on_floor(scene: Scene, stage: Stage, index: int, shape: Shape) -> Iterable[Placed]:
    size = min(stage.resting, 62 / max(shape.width, shape.height))
    faces = [stand.face for stand in stage.stands]
    bodies = [stand.body for stand in stage.stands if stand.spot != "high"]
    dry = [stand.body for stand in stage.stands if stand.spot not in ("high", "water")]
    half = shape.width * size / 2 + 5
    wet = scene.things[index].where == "water"
    floats = _water_level(stage) + float_depth(shape.height * size)
    xs = {min(max(x, half), FRAME - half) for x in (*stage.gaps, *range(20, 244, 14))}
    for x in sorted(xs):
        cost = 0.004 * min(abs(x - gap) for gap in stage.gaps) + 0.002 * abs(x - FRAME / 2)
        if scene.framing == "near" and not 44 < x < FRAME - 44:
            cost += 1.0
        placed = _resting(index, shape, x, floats if wet else 249.0, size, cost)
        left, top, right, bottom = placed.box
        cost += FACE * sum(covered(placed.box, face) for face in faces)
        cost += 1.5 * sum(covered(placed.box, body) for body in bodies)
        if wet:
            # An actor who is not in the water must not look as if.
            water = (left - 22, floats - 9, right + 22, FRAME)
            cost += 4.0 * sum(covered(water, body) for body in dry)
        cost += sum(_in_the_way(stage, placed))
        yield _resting(index, shape, x, bottom, size, cost)


def _in_the_way(stage: Stage, placed: Placed) -> Iterable[float]:
    """Yield how much a small thing on the floor hides of the table and of big things."""
    if stage.table is not None:
        table = stage.table
        half = table.width / 2
        yield 2.0 * covered(placed.box, (table.x - half, table.top, table.x + half, table.top + 46))
    for _, x, bottom, size in stage.big:
        yield 6.0 * covered(placed.box, (x - 40 * size, bottom - 70 * size, x + 40 * size, bottom))


def _above(scene: Scene, stage: Stage, index: int, shape: Shape) -> Iterable[Placed]:
    high = scene.things[index].where == "high"
    size = min(stage.resting * (1.05 if high else 1.0), 62 / max(shape.width, shape.height))
    faces = [stand.face for stand in stage.stands]
    tips = [stand.tips for stand in stage.stands]
    hands = [box for stand in stage.stands for box in stand.hands]
    bodies = [stand.body for stand in stage.stands]
    perch = max(56.0, shape.width * size + 16) if high else 0.0
    half = max(shape.width * size / 2 + 4, perch / 2)
    places: tuple[float, ...] = (128, 146, 164, 182, 200, 218, 226, 110, 92, 74, 56, 38, 30)
    for x in (min(max(place, half), FRAME - half) for place in places):
        for bottom in (62, 74, 86, 100) if high else (50, 62, 76, 92, 108):
            cost = 0.002 * abs(x - 220) + 0.006 * abs(bottom - (70 if high else 62))
            placed = _resting(index, shape, x, max(bottom, shape.height * size + 5), size, cost)
            box = placed.box
            if high:
                box = (x - half, box[1], x + half, box[3] + 9)
            cost += FACE * sum(covered(box, face) for face in faces)
            cost += TIPS * sum(covered(box, tip) for tip in tips)
            cost += HANDS * sum(covered(box, hand) for hand in hands)
            cost += BODY * sum(covered(box, body) for body in bodies)
            yield Placed(index, x, placed.y, size, cost, box, perch=perch)


def _on_head(stand: Stand, index: int, shape: Shape) -> Placed:
    _, top, _ = LOOKS[stand.species].head
    own = min(1.25, 58 / shape.width, 56 / shape.height)
    middle_y = -top + 6 - shape.height * own / 2
    x, y = stand.at(*turned(HEAD_X, middle_y, stand.pose.head))
    size = own * stand.scale
    half_width, half_height = shape.width * size / 2, shape.height * size / 2
    angle = stand.pose.lean + stand.pose.head.angle
    box = (x - half_width, y - half_height, x + half_width, y + half_height)
    return Placed(index, x, y, size, 0.0, box, stand.flip, -angle if stand.flip else angle)


Hold = tuple[float, float, float, Point | None, Point | None, float]
"""Middle and size of a held thing in its holder's units, both hands, and the cost."""


def _in_hand(stand: Stand, shape: Shape) -> Iterable[Hold]:
    size = max(1.12, 0.78 / stand.scale) if stand.scale < 1.1 else 1.06
    size = min(size, 62 / max(shape.width, shape.height))
    for smaller, dear in ((1.0, 0.0), (0.76, 0.9)):
        for side in (1, -1):
            for x, y, cost in _beside(stand, shape, size * smaller, side):
                grip_x, grip_y = shape.grip
                hand = (side * (x + grip_x * size * smaller), y + grip_y * size * smaller)
                front, rear = (hand, None) if side > 0 else (None, hand)
                yield side * x, y, size * smaller, front, rear, cost + dear


def _beside(
    stand: Stand, shape: Shape, size: float, side: int
) -> Iterable[tuple[float, float, float]]:
    """Return where a thing may be held on one side (1 is the front): distance, height, cost."""
    half_width, half_height = shape.width * size / 2, shape.height * size / 2
    pose, look = stand.pose, LOOKS[stand.species]
    half, _, chin = look.head
    aside = 1.2 if pose.busy == ("front" if side > 0 else "rear") else 0.0
    aside += 0.0 if side > 0 else 0.8
    inner, level = pose.hold if side > 0 else (30.0, pose.hold[1])
    face_y = turned(HEAD_X, -98, pose.head)[1]
    beside = half + (pose.head.x + HEAD_X) * side + 3
    if pose.torso.angle:
        lies = pose.torso.angle > 45
        if side > 0:
            yield inner + half_width, 3 - half_height, aside
            yield beside + half_width, face_y - 6, aside + 1.2
            # Over the ground on which they lie, in front of the body.
            yield inner - 22, 10 - half_height * 0.7, aside + 2.0
        else:
            yield (28 if lies else 34) + half_width * 0.5, 3 - half_height, aside + 0.6
            yield (30.0 if lies else 20.0), -46 - half_height, aside
            yield 36.0, 8 - half_height * 0.8, aside + 0.6
        return
    under = -chin + 2 + pose.head.y + half_height
    ground = (FRAME - 4 - stand.y) / stand.scale
    low = max(min(pose.lowest, ground) - half_height, under)
    y = min(max(level - shape.grip[1] * size, under), low)
    # A thing that is taller than the body is held further out, beside the head.
    out = max(inner, beside) if y - half_height < -chin + pose.head.y else inner
    yield out + half_width, y, aside
    yield out + half_width, low, aside + 0.25
    yield out + half_width - 9, low, aside + 0.5
    yield max(beside, out) + half_width, face_y + 18, aside + 1.0
    yield max(beside, out) + half_width, face_y - 8, aside + 1.3
    yield 12 + half_width * 0.6, max(y, low), aside + 1.1
    yield 24 + half_width, -134 - half_height * 0.5, aside + 1.9


def _in_both(stand: Stand, shape: Shape) -> Iterable[Hold]:
    pose, look = stand.pose, LOOKS[stand.species]
    usual = min(max(1.2, 0.8 / stand.scale), 74 / shape.width, 58 / shape.height)
    _, _, chin = look.head
    top = -chin + 2 + pose.head.y
    beside = look.head[0] + HEAD_X + 3
    for size, dear in ((usual, 0.0), (usual * 0.76, 1.0)):
        half_width, half_height = shape.width * size / 2, shape.height * size / 2
        if pose.torso.angle:
            places = [
                (pose.hold[0] + half_width, 4 - half_height, 0.0),
                (-34.0, -46 - half_height, 1.5),
                (-30.0, 8 - half_height * 0.8, 2.0),
            ]
        else:
            low = max(top + half_height, min(-36, pose.lowest - half_height))
            places = [
                (5.0, low, 0.0),
                (5.0, top + half_height, 0.1),
                (5.0, top + half_height + 10, 0.6),
            ]
            for side in (1, -1):
                for y in (-70.0, -100.0):
                    places.append((side * (beside + half_width), y, 3.0))
        grip, reach = min(half_height * 0.35, 8.0), half_width - 2
        for x, y, cost in places:
            front, rear = (x + reach, y + grip), (x - reach, y + grip)
            yield x, y, size, front, rear, cost + dear


def _held(
    stand: Stand,
    index: int,
    shape: Shape,
    x: float,
    y: float,
    size: float,
    front: Point | None,
    rear: Point | None,
    cost: float,
    faces: Sequence[Box],
    others: Sequence[Box],
) -> Placed:
    at_x, at_y = stand.at(x, y)
    scale = size * stand.scale
    half_width, half_height = shape.width * scale / 2, shape.height * scale / 2
    box = (at_x - half_width, at_y - half_height, at_x + half_width, at_y + half_height)
    cost += FACE * sum(covered(box, face) for face in faces) + OUT * outside(box)
    cost += 1.2 * sum(covered(box, other) for other in others)
    mirrored = rear is not None and front is None
    return Placed(index, at_x, at_y, scale, cost, box, stand.flip != mirrored, 0.0, front, rear)
