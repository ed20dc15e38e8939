"""Signs above a head: the `Zz` of the sleepy and the bubbles of the thoughtful, never mirrored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from storyworld.drawing.clothes import LOOKS
from storyworld.drawing.pen import Pen
from storyworld.drawing.placing import Placed, covered, outside
from storyworld.drawing.stage import Box, Stage, Stand, turned
from storyworld.scene import Scene


@dataclass(frozen=True)
class Mark:
    """A sign beside a head: `side` 1 goes up to the right, -1 to the left."""

    expression: str
    x: float
    y: float
    size: float
    side: int

    @property
    def box(self) -> Box:
        """Return the box that it covers."""
        size, far = self.size, 26 * self.size
        left, right = (-7 * size, far) if self.side > 0 else (-far, 7 * size)
        return self.x + left, self.y - 26 * size, self.x + right, self.y + 7 * size


def find_marks(scene: Scene, stage: Stage, things: Sequence[Placed]) -> tuple[Mark, ...]:
    """Return a sign for each actor who sleeps or thinks, on the side where it hides least."""
    faces = [stand.face for stand in stage.stands]
    tips = [stand.tips for stand in stage.stands]
    hands = [box for stand in stage.stands for box in stand.hands]
    marks: list[Mark] = []
    for actor, stand in zip(scene.actors, stage.stands, strict=True):
        if actor.expression not in ("sleepy", "thoughtful"):
            continue
        best, least = None, 1e9
        for side in (1, -1):
            for rise, wide in ((0, 0), (-12, 0), (16, 5), (-24, -8), (-24, -30), (-38, -36)):
                mark = _mark(actor.expression, stand, side, rise, wide)
                cost = 0.1 * (side != (-1 if stand.flip else 1)) + 0.01 * abs(rise)
                cost += 20 * outside(mark.box)
                cost += 12 * sum(covered(mark.box, face) for face in faces)
                cost += 4 * sum(covered(mark.box, tip) for tip in tips)
                cost += 2 * sum(covered(mark.box, hand) for hand in hands)
                cost += 10 * sum(covered(mark.box, placed.box) for placed in things)
                cost += 10 * sum(covered(mark.box, other.box) for other in marks)
                if cost < least:
                    best, least = mark, cost
        assert best is not None
        marks.append(best)
    return tuple(marks)


def _mark(expression: str, stand: Stand, side: int, rise: float, wide: float) -> Mark:
    half, top, _ = LOOKS[stand.species].head
    own_side = -side if stand.flip else side
    x, y = stand.at(*turned(3 + own_side * (half - 2 + wide), -top - 6 + rise, stand.pose.head))
    size = max(0.72, min(stand.scale, 1.3))
    return Mark(expression, x, y, size, side)


def draw_mark(pen: Pen, mark: Mark) -> None:
    """Two bold letters, or three bubbles that grow."""
    x, y, side, size = mark.x, mark.y, mark.side, mark.size
    if mark.expression == "sleepy":
        for dx, dy, half in ((0, 0, 5.5), (14, -17, 7.5)):
            at, half = x + side * dx * size, half * size
            low = y + dy * size
            letter = f"M {at - half} {low - half} L {at + half} {low - half} "
            letter += f"L {at - half} {low + half} L {at + half} {low + half}"
            pen.stroke(letter, 8 * max(0.8, size))
            pen.stroke(letter, 3.6 * max(0.8, size), "ffffff")
        return
    for dx, dy, radius in ((-1, 3, 3.2), (5, -5, 4.8)):
        pen.oval(x + side * dx * size, y + dy * size, radius * size, radius * size, "ffffff")
    at, low = x + side * 15 * size, y - 17 * size
    cloud = ((-6, 1, 7), (6, 1, 7), (0, -4, 7))
    for grow in (pen.line * 0.8, 0.0):
        colour = "ffffff" if not grow else "2b1f2e"
        for dx, dy, radius in cloud:
            reach = radius * size + grow
            pen.oval(at + dx * size, low + dy * size, reach, reach, colour, line=0)
    for dx in (-6, 0, 6):
        pen.oval(at + dx * size, low, 1.7 * size, 1.7 * size, "2b1f2e", line=0)
