"""The eight characters: one body plan, eight heads, their clothes, six poses.

Everybody is drawn facing right around the point between their feet, in units of a two-actor
image: feet at y = 0, shoulders near -62, the head around (3, -98). Mirroring and size are left to
`draw.py`. Faces are in `draw_faces.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seedstory_core.data.draw_faces import HEAD_X, draw_face
from seedstory_core.data.draw_pen import Pen, Point

TORSO = (
    "M 0 -76 C 16 -76 25 -54 23 -32 C 22 -20 12 -15 0 -15 "
    "C -12 -15 -22 -20 -23 -32 C -25 -54 -16 -76 0 -76 Z"
)


@dataclass(frozen=True)
class Look:
    """The colours of one character, and how far its head reaches.

    Attributes:
        fur: The animal itself.
        light: Its light parts: belly, muzzle.
        cloth: What it wears.
        sleeve: Colour of the arms.
        leg: Colour of the legs.
        hand: Colour of the hands.
        foot: Colour of the feet.
        head: Half width and the top and bottom of the face, ears and tufts not counted.
    """

    fur: str
    light: str
    cloth: str
    sleeve: str
    leg: str
    hand: str
    foot: str
    head: tuple[float, float, float]


LOOKS: dict[str, Look] = {
    "fox": Look(
        "f4852a", "fff1dc", "2f8f55", "2f8f55", "f4852a", "6b3a22", "6b3a22", (36, 128, 67)
    ),
    "bear": Look(
        "93603a", "e2bd90", "dc3d35", "dc3d35", "93603a", "93603a", "93603a", (34, 128, 67)
    ),
    "rabbit": Look(
        "fbf6f2", "ffc3d2", "8052d6", "8052d6", "fbf6f2", "fbf6f2", "fbf6f2", (33, 127, 68)
    ),
    "penguin": Look(
        "2e4480", "ffffff", "ffcf2e", "2e4480", "2e4480", "2e4480", "f7941f", (32, 128, 68)
    ),
    "frog": Look(
        "6cc644", "e2f7ae", "ef6ba8", "6cc644", "6cc644", "6cc644", "6cc644", (36, 129, 68)
    ),
    "elephant": Look(
        "a9b2c0", "f4b6c4", "f58634", "a9b2c0", "f58634", "a9b2c0", "a9b2c0", (35, 127, 68)
    ),
    "cat": Look(
        "4a4358", "ffffff", "1fbcb4", "4a4358", "4a4358", "ffffff", "ffffff", (35, 127, 68)
    ),
    "duck": Look(
        "ffd93b", "fff3b8", "2f6fe0", "2f6fe0", "ffd93b", "ffd93b", "f58a1f", (34, 128, 68)
    ),
}


@dataclass(frozen=True)
class Pose:
    """Where the parts of the body go; every limb is shoulder or hip, bend, end.

    Attributes:
        lift: How far the body is off its usual height; negative is up.
        lean: Degrees forward.
        back_arm: The arm away from where the actor looks.
        front_arm: The free arm, when it holds nothing.
        back_leg: Drawn first.
        front_leg: Drawn over it.
        carry: Height at which the hand holds a prop.
        lowest: A held prop ends above this height.
        legs_over: The legs are nearer than the body.
    """

    back_arm: tuple[Point, Point, Point]
    front_arm: tuple[Point, Point, Point]
    back_leg: tuple[Point, Point, Point] = ((-10, -24), (-11, -14), (-11, -5))
    front_leg: tuple[Point, Point, Point] = ((10, -24), (11, -14), (11, -5))
    lift: float = 0.0
    lean: float = 0.0
    carry: float = -40.0
    lowest: float = -8.0
    legs_over: bool = False


_HANGING = ((-16, -60), (-30, -50), (-28, -35))

POSES: dict[str, Pose] = {
    "stand": Pose(back_arm=_HANGING, front_arm=((18, -60), (33, -51), (30, -35))),
    "wave": Pose(
        back_arm=((-15, -62), (-42, -64), (-46, -104)), front_arm=((18, -60), (33, -51), (30, -35))
    ),
    "sit": Pose(
        back_arm=((-16, -60), (-32, -46), (-31, -26)),
        front_arm=((16, -60), (32, -52), (27, -36)),
        back_leg=((-2, -25), (14, -31), (33, -27)),
        front_leg=((-4, -20), (10, -24), (26, -20)),
        lift=18,
        carry=-46,
        lowest=-28,
        legs_over=True,
    ),
    "walk": Pose(
        back_arm=((-16, -60), (-30, -52), (-38, -42)),
        front_arm=((18, -60), (30, -44), (38, -46)),
        back_leg=((-8, -24), (-13, -14), (-27, -9)),
        front_leg=((8, -24), (22, -19), (25, -5)),
        lean=4.5,
    ),
    "jump": Pose(
        back_arm=((-15, -62), (-42, -66), (-44, -106)),
        front_arm=((15, -62), (44, -66), (47, -106)),
        back_leg=((-10, -26), (-26, -22), (-25, -8)),
        front_leg=((10, -26), (26, -22), (25, -8)),
        lift=-24,
        carry=-50,
        lowest=16,
    ),
    "point": Pose(
        back_arm=_HANGING, front_arm=((14, -62), (30, -66), (46, -71)), carry=-34, lowest=-6
    ),
}


def _curve(points: tuple[Point, Point, Point]) -> str:
    (x0, y0), (x1, y1), (x2, y2) = points
    return f"M {x0} {y0} Q {x1} {y1} {x2} {y2}"


# --- limbs -----------------------------------------------------------------------------------


def _leg(pen: Pen, species: str, look: Look, points: tuple[Point, Point, Point], sit: bool) -> None:
    pen.limb(_curve(points), 12 if species != "elephant" else 15, look.leg)
    x, y = points[2]
    if sit:
        pen.oval(x + 5, y - 4, 6.5, 10, look.foot)
    else:
        pen.oval(x + 4, y, 12 if species in ("penguin", "duck") else 10.5, 6, look.foot)


def _arm(pen: Pen, look: Look, points: tuple[Point, Point, Point], pointing: bool = False) -> None:
    pen.limb(_curve(points), 10.5, look.sleeve)
    x, y = points[2]
    if pointing:
        pen.limb(f"M {x} {y} L {x + 7} {y - 2}", 5, look.hand)
    draw_hand(pen, look, x, y)


def draw_hand(pen: Pen, look: Look, x: float, y: float) -> None:
    """A round hand."""
    pen.oval(x, y, 7, 7, look.hand)


# --- tails and what hangs behind the body ------------------------------------------------------


def _behind_fox(pen: Pen, look: Look) -> None:
    tail = (
        "M -14 -26 C -26 -8 -50 -16 -51 -38 C -52 -52 -45 -60 -40 -64 C -38 -54 -34 -44 -16 -40 Z"
    )
    pen.shape(tail, look.fur)
    with pen.clipped(tail):
        pen.shape("M -60 -46 L -47 -44 L -43 -50 L -36 -45 L -30 -70 L -60 -70 Z", look.light)
    pen.shape(tail, None)


def _behind_bear(pen: Pen, look: Look) -> None:
    pen.oval(-24, -25, 7, 7, look.fur)


def _behind_rabbit(pen: Pen, look: Look) -> None:
    pen.oval(-29, -27, 9, 9, "ffffff")


def _behind_penguin(pen: Pen, look: Look) -> None:
    pen.polygon([(-16, -26), (-31, -12), (-10, -15)], look.fur)


def _behind_elephant(pen: Pen, look: Look) -> None:
    pen.limb("M -20 -32 Q -34 -32 -34 -20", 3, look.fur)
    pen.oval(-34, -17, 4.5, 6, "6a7080")


def _behind_cat(pen: Pen, look: Look) -> None:
    pen.limb("M -14 -22 C -40 -8 -52 -22 -44 -40", 7, look.fur)
    cape = (
        "M -14 -74 C -32 -62 -34 -34 -37 -11 Q -18 -3 0 -9 Q 18 -3 33 -11 C 32 -34 28 -62 14 -74 Z"
    )
    pen.shape(cape, "15938d")


def _behind_duck(pen: Pen, look: Look) -> None:
    pen.shape("M -16 -36 Q -28 -34 -38 -44 Q -38 -18 -12 -20 Z", look.fur)


def _behind_frog(pen: Pen, look: Look) -> None:
    """A frog has nothing behind it."""


# --- clothes -----------------------------------------------------------------------------------


def _clothes_fox(pen: Pen, look: Look) -> None:
    with pen.clipped(TORSO):
        pen.box(-40, -80, 80, 54, look.cloth, line=0)
        pen.box(-40, -34, 80, 8, "7fd08f")
        pen.box(-40, -52, 80, 6, "7fd08f", line=0)


def _clothes_bear(pen: Pen, look: Look) -> None:
    with pen.clipped(TORSO):
        pen.oval(5, -26, 14, 12, look.light, line=0)
        pen.box(-40, -80, 80, 48, look.cloth)
    pen.shape(TORSO, None)
    pen.polygon([(-8, -69), (4, -56), (16, -69)], "ffffff", line=2)
    for y in (-50, -41):
        pen.oval(4, y, 2.4, 2.4, "ffffff", line=0)


def _clothes_rabbit(pen: Pen, look: Look) -> None:
    pen.shape("M -13 -73 L 13 -73 L 31 -21 Q 0 -9 -31 -21 Z", look.cloth)
    with pen.clipped("M -13 -73 L 13 -73 L 31 -21 Q 0 -9 -31 -21 Z"):
        pen.stroke("M -36 -27 Q 0 -15 36 -27", 5, "d9c2ff")
    pen.shape("M -14 -70 Q 2 -52 18 -70 Z", "ffffff", line=2)


def _clothes_penguin(pen: Pen, look: Look) -> None:
    with pen.clipped(TORSO):
        pen.oval(6, -36, 18, 26, look.light)
    pen.shape(TORSO, None)
    pen.shape("M 8 -64 L 22 -66 L 24 -34 L 10 -34 Z", look.cloth)
    pen.stroke("M 11 -41 L 23 -41", 3, "f08a1f")
    pen.box(-22, -75, 46, 14, look.cloth, corner=7)


def _clothes_frog(pen: Pen, look: Look) -> None:
    with pen.clipped(TORSO):
        pen.oval(4, -34, 14, 30, look.light, line=0)
        pen.shape("M -30 -80 L -6 -80 L 0 -46 L -5 -25 L -30 -25 Z", look.cloth)
        pen.shape("M 30 -80 L 16 -80 L 9 -46 L 13 -25 L 30 -25 Z", look.cloth)
    pen.shape(TORSO, None)
    for y in (-48, -38):
        pen.oval(-7, y, 2.2, 2.2, "ffffff", line=0)
    pen.polygon([(4, -66), (-7, -72), (-7, -59)], "d02f6f", line=2)
    pen.polygon([(4, -66), (15, -72), (15, -59)], "d02f6f", line=2)


def _clothes_elephant(pen: Pen, look: Look) -> None:
    with pen.clipped(TORSO):
        pen.box(-40, -46, 80, 40, look.cloth)
        pen.stroke("M -10 -60 L -18 -80 M 15 -60 L 20 -80", 6 + 2 * pen.line)
        pen.stroke("M -10 -60 L -18 -80 M 15 -60 L 20 -80", 6, look.cloth)
        pen.box(-13, -64, 32, 22, look.cloth)
        pen.box(-11, -47, 28, 8, look.cloth, line=0)
    pen.shape(TORSO, None)
    pen.box(-5, -56, 16, 11, "ffb35c", line=1.8, corner=2)


def _clothes_cat(pen: Pen, look: Look) -> None:
    with pen.clipped(TORSO):
        pen.oval(5, -36, 12, 20, look.light, line=0)
    pen.shape(TORSO, None)
    cape = "M -20 -72 Q 0 -64 20 -72 Q 27 -58 24 -48 Q 14 -50 8 -58 "
    pen.shape(cape + "Q -4 -46 -25 -47 Q -27 -60 -20 -72 Z", look.cloth)
    pen.oval(8, -61, 4.6, 4.6, "ffd23c", line=2)


def _clothes_duck(pen: Pen, look: Look) -> None:
    with pen.clipped(TORSO):
        pen.box(-40, -80, 80, 51, look.cloth)
        pen.stroke("M -30 -35 L 30 -35", 4, "ffffff")
    pen.shape(TORSO, None)
    pen.shape("M -19 -71 Q 2 -76 21 -71 L 20 -58 L 5 -46 L -17 -58 Z", "ffffff", line=2.2)
    pen.polygon([(-7, -68), (15, -68), (5, -55)], look.cloth, line=0)
    pen.polygon([(5, -51), (-1, -39), (11, -39)], "e8382f", line=2)


# --- the whole figure --------------------------------------------------------------------------

Part = Callable[[Pen, Look], None]
_BEHIND: dict[str, Part] = {
    "fox": _behind_fox,
    "bear": _behind_bear,
    "rabbit": _behind_rabbit,
    "penguin": _behind_penguin,
    "frog": _behind_frog,
    "elephant": _behind_elephant,
    "cat": _behind_cat,
    "duck": _behind_duck,
}
_CLOTHES: dict[str, Part] = {
    "fox": _clothes_fox,
    "bear": _clothes_bear,
    "rabbit": _clothes_rabbit,
    "penguin": _clothes_penguin,
    "frog": _clothes_frog,
    "elephant": _clothes_elephant,
    "cat": _clothes_cat,
    "duck": _clothes_duck,
}


def draw_character(
    pen: Pen, species: str, pose_name: str, expression: str, hand: Point | None
) -> None:
    """One character facing right, without lean and lift.

    Args:
        pen: Around the point between the feet.
        species: A key of `LOOKS`.
        pose_name: A key of `POSES`.
        expression: One of `world.EXPRESSIONS`.
        hand: Where the hand that holds a prop goes; None for an empty hand.
    """
    look, pose = LOOKS[species], POSES[pose_name]
    back_arm, front_arm = pose.back_arm, pose.front_arm
    pointing = pose_name == "point"
    held_behind = hand is not None and hand[0] < 0
    if hand is not None:
        side = -1 if held_behind else 1
        holding = ((side * 15, -58), (side * 26, (hand[1] - 44) / 2), hand)
        if held_behind:
            back_arm = holding
            if pose_name == "wave":
                front_arm = POSES["jump"].front_arm
        elif pointing:
            # The stretched arm points, so the other one comes across to hold.
            back_arm = ((4, -46), (18, -36), hand)
        else:
            front_arm = holding
    back_is_up = pose_name in ("wave", "jump") or held_behind
    _BEHIND[species](pen, look)
    if not back_is_up and not (pointing and hand):
        _arm(pen, look, back_arm)
    if not pose.legs_over:
        _leg(pen, species, look, pose.back_leg, sit=False)
        _leg(pen, species, look, pose.front_leg, sit=False)
    pen.shape(TORSO, look.fur)
    _CLOTHES[species](pen, look)
    if pose.legs_over:
        _leg(pen, species, look, pose.back_leg, sit=True)
        _leg(pen, species, look, pose.front_leg, sit=True)
    draw_face(pen, species, look.fur, look.light, expression)
    if back_is_up or (pointing and hand):
        _arm(pen, look, back_arm)
    _arm(pen, look, front_arm, pointing)


__all__ = ["HEAD_X", "LOOKS", "POSES", "Look", "Pose", "draw_character", "draw_hand"]
