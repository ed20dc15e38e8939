"""The eight characters: one body plan with eight heads, their clothes and twelve poses.

A character is drawn facing right around the point between its feet, in units of a two-actor
image: feet at y = 0, shoulders near -62, the head around (3, -98). `compose.py` mirrors and
scales it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from storyworld.drawing.clothes import LOOKS, Look, draw_behind, draw_torso
from storyworld.drawing.heads import HEAD_X, HEAD_Y, draw_head
from storyworld.drawing.pen import Pen, Point
from storyworld.drawing.poses import POSES, Limb, Pose, Turn

HIP: Point = (0.0, -22.0)
NECK: Point = (HEAD_X, HEAD_Y)


def draw_character(
    pen: Pen,
    species: str,
    pose: Pose,
    expression: str,
    front: Point | None = None,
    rear: Point | None = None,
    folded: bool = False,
) -> None:
    """Draw one character facing right, without lean and lift.

    Args:
        pen: Around the point between the feet.
        species: A key of `LOOKS`.
        pose: Its pose.
        expression: One of `scene.EXPRESSIONS`.
        front: Position of the front hand that holds something; None for an empty hand.
        rear: Likewise for the rear hand.
        folded: Whether the ears lie aside, because somebody sits on the shoulders.
    """
    look = LOOKS[species]
    over: list[tuple[Limb, bool]] = []
    with turned(pen, pose.torso, HIP):
        draw_behind(pen, species)
    back_arm = pose.back_arm if rear is None else _holding(pose, rear, -1)
    front_arm = pose.front_arm if front is None else _holding(pose, front, 1)
    beneath: list[Limb] = []
    low = pose.torso.angle != 0
    if pose.arms == "beneath" and (rear is None or low):
        beneath.append(back_arm)
    elif rear is not None or pose.arms == "over":
        over.append((back_arm, False))
    else:
        _arm(pen, look, back_arm)
    if pose.arms == "beneath" and (front is None or low):
        beneath.append(front_arm)
    else:
        points = front is None and pose.front_arm == POSES["point"].front_arm
        over.append((front_arm, points))
    if pose.legs == "under":
        _legs(pen, species, look, pose)
    with turned(pen, pose.torso, HIP):
        draw_torso(pen, species)
    if pose.legs in ("over", "soles"):
        _legs(pen, species, look, pose)
    for limb in beneath:
        _arm(pen, look, limb)
    with turned(pen, pose.head, NECK):
        draw_head(pen, species, look.fur, look.light, expression, folded)
    for limb, pointing in over:
        _arm(pen, look, limb, pointing)


def draw_hand(pen: Pen, species: str, x: float, y: float) -> None:
    """A round hand."""
    pen.oval(x, y, 7, 7, LOOKS[species].hand)


def draw_shins(pen: Pen, species: str) -> None:
    """Draw the legs of a rider, before the chest of the character who carries."""
    look = LOOKS[species]
    for side in (-1, 1):
        limb = ((side * 24, -70), (side * 24, -60), (side * 20, -48))
        _leg(pen, species, look, limb, sole=True)


@contextmanager
def turned(pen: Pen, turn: Turn, around: Point) -> Iterator[None]:
    """Draw a part of the body, moved and turned by its turn."""
    x, y = around
    with pen.moved(x + turn.x, y + turn.y, turn.angle), pen.moved(-x, -y):
        yield


def _holding(pose: Pose, hand: Point, side: int) -> Limb:
    """Return the arm from its shoulder to a hand that holds something."""
    shoulder = (pose.front_arm if side > 0 else pose.back_arm)[0]
    if side < 0 and hand[0] > 0:
        shoulder = (-14.0, -56.0) if pose.torso.angle == 0 else shoulder
    bend_x = (shoulder[0] + hand[0]) / 2 + side * 7
    bend_y = (shoulder[1] + hand[1]) / 2 + (9 if hand[1] < shoulder[1] else 4)
    return shoulder, (bend_x, bend_y), hand


def _curve(points: Limb) -> str:
    (x0, y0), (x1, y1), (x2, y2) = points
    return f"M {x0} {y0} Q {x1} {y1} {x2} {y2}"


def _legs(pen: Pen, species: str, look: Look, pose: Pose) -> None:
    for limb in (pose.back_leg, pose.front_leg):
        _leg(pen, species, look, limb, sole=pose.legs == "soles")


def _leg(pen: Pen, species: str, look: Look, points: Limb, sole: bool) -> None:
    pen.limb(_curve(points), 12 if species != "elephant" else 15, look.leg)
    x, y = points[2]
    if sole:
        pen.oval(x + 5, y - 4, 6.5, 10, look.foot)
    else:
        pen.oval(x + 4, y, 12 if species in ("penguin", "duck") else 10.5, 6, look.foot)


def _arm(pen: Pen, look: Look, points: Limb, pointing: bool = False) -> None:
    pen.limb(_curve(points), 10.5, look.sleeve)
    x, y = points[2]
    if pointing:
        pen.limb(f"M {x} {y} L {x + 8} {y - 2}", 5, look.hand)
    pen.oval(x, y, 7, 7, look.hand)


__all__ = ["HEAD_X", "HIP", "LOOKS", "NECK", "POSES", "Pose", "draw_character", "draw_hand"]
