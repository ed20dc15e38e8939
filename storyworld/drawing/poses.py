"""The twelve poses, and their forms in water, in bed, on shoulders, behind a hider or high up.

They are those of a character who faces right, in units of a two-actor image, with the point
between the feet at (0, 0).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from storyworld.drawing.pen import Point

Limb = tuple[Point, Point, Point]
"""Shoulder or hip, bend, end."""


@dataclass(frozen=True)
class Turn:
    """A part of the body off its usual place: moved, then turned by degrees."""

    x: float = 0.0
    y: float = 0.0
    angle: float = 0.0


STILL = Turn()


@dataclass(frozen=True)
class Pose:
    """Positions of the parts of the body.

    Attributes:
        back_arm: The arm on the side away from the actor's gaze.
        front_arm: The other arm, when it holds nothing.
        back_leg: Drawn first.
        front_leg: Drawn over it.
        lift: Distance of the body from its usual height; negative is up.
        lean: Degrees by which everything leans forward.
        torso: Turn of the torso around the hips.
        head: Turn of the head around its middle.
        reach: Distance that the pose reaches to the back and to the front.
        hold: Inner edge and middle of a thing in the front hand.
        lowest: Height above which a held thing ends.
        legs: `under` the torso, `over` it, `soles` (over it, shown from below) or `none`.
        arms: `under` (the back arm is behind the body), `beneath` (both are between
            body and head), `over` (both are before the head).
        busy: The hand that the pose needs, `front` or `rear`, which had better hold nothing.
    """

    back_arm: Limb
    front_arm: Limb
    back_leg: Limb = ((-10, -24), (-11, -14), (-11, -5))
    front_leg: Limb = ((10, -24), (11, -14), (11, -5))
    lift: float = 0.0
    lean: float = 0.0
    torso: Turn = STILL
    head: Turn = STILL
    reach: Point = (39.0, 39.0)
    hold: Point = (30.0, -40.0)
    lowest: float = -8.0
    legs: str = "under"
    arms: str = "under"
    busy: str = ""


_BACK: Limb = ((-16, -60), (-30, -50), (-28, -35))
_FRONT: Limb = ((18, -60), (33, -51), (30, -35))

POSES: dict[str, Pose] = {
    "stand": Pose(_BACK, _FRONT),
    "walk": Pose(
        back_arm=((-16, -60), (-30, -52), (-38, -42)),
        front_arm=((18, -60), (30, -44), (38, -46)),
        back_leg=((-8, -24), (-13, -14), (-27, -9)),
        front_leg=((8, -24), (22, -19), (25, -5)),
        lean=4.5,
        reach=(40, 42),
    ),
    "run": Pose(
        back_arm=((-14, -60), (-46, -58), (-40, -34)),
        front_arm=((16, -58), (38, -38), (45, -60)),
        back_leg=((-8, -26), (-26, -6), (-46, -24)),
        front_leg=((6, -26), (40, -36), (37, -10)),
        lift=-6,
        lean=10,
        reach=(50, 50),
        busy="rear",
    ),
    "jump": Pose(
        back_arm=((-15, -62), (-42, -66), (-44, -106)),
        front_arm=((15, -62), (44, -66), (47, -106)),
        back_leg=((-10, -26), (-26, -22), (-25, -8)),
        front_leg=((10, -26), (26, -22), (25, -8)),
        lift=-24,
        reach=(46, 49),
        hold=(30, -50),
        lowest=16,
        arms="over",
        busy="rear",
    ),
    "sit": Pose(
        back_arm=((-16, -60), (-32, -46), (-31, -26)),
        front_arm=((16, -60), (32, -52), (27, -36)),
        back_leg=((-2, -25), (14, -31), (33, -27)),
        front_leg=((-4, -20), (10, -24), (26, -20)),
        lift=18,
        reach=(39, 43),
        hold=(30, -46),
        lowest=-28,
        legs="soles",
    ),
    "lie": Pose(
        back_arm=((-4, -20), (-16, -6), (-11, 1)),
        front_arm=((30, -14), (52, -12), (52, 1)),
        back_leg=((-26, -24), (-44, -20), (-60, -12)),
        front_leg=((-24, -10), (-42, -8), (-56, -5)),
        torso=Turn(-20, -1, 82),
        head=Turn(15, 59, 12),
        reach=(64, 56),
        hold=(54, -10),
        lowest=4,
        arms="beneath",
    ),
    "wave": Pose(
        back_arm=((-15, -62), (-42, -64), (-46, -104)),
        front_arm=_FRONT,
        reach=(54, 39),
        arms="over",
        busy="rear",
    ),
    "point": Pose(
        back_arm=_BACK,
        front_arm=((14, -62), (30, -66), (46, -71)),
        reach=(39, 54),
        hold=(30, -34),
        lowest=-6,
        busy="front",
    ),
    "reach": Pose(
        back_arm=((-14, -62), (-50, -80), (-38, -134)),
        front_arm=((15, -62), (53, -80), (45, -134)),
        back_leg=((-8, -24), (-8, -14), (-7, -5)),
        front_leg=((8, -24), (9, -14), (9, -5)),
        lift=-4,
        head=Turn(0, 1, -7),
        reach=(46, 50),
        arms="over",
        busy="rear",
    ),
    "crouch": Pose(
        back_arm=((-2, -40), (-22, -24), (-14, -6)),
        front_arm=((22, -42), (46, -30), (42, -7)),
        back_leg=((-14, -12), (2, -30), (4, -5)),
        front_leg=((-8, -10), (22, -30), (22, -5)),
        torso=Turn(-8, 9, 24),
        head=Turn(16, 33, 14),
        reach=(38, 58),
        hold=(50, -18),
        lowest=4,
        arms="beneath",
        legs="over",
    ),
    "hug": Pose(
        back_arm=((2, -50), (28, -32), (52, -42)),
        front_arm=((14, -58), (38, -62), (58, -57)),
        lean=5,
        reach=(36, 62),
        arms="beneath",
        busy="front",
    ),
    "cover": Pose(
        back_arm=((-15, -60), (-60, -62), (-31, -93)),
        front_arm=((16, -60), (66, -62), (38, -93)),
        back_leg=((-9, -24), (-4, -15), (-9, -5)),
        front_leg=((9, -24), (5, -15), (10, -5)),
        lift=2,
        head=Turn(0, 3, 0),
        reach=(50, 54),
        arms="over",
        busy="rear",
    ),
}

_UPRIGHT = ("sit", "lie", "crouch", "walk", "run", "jump")
"""Poses that cannot be told by their arms alone."""
_ASTRIDE = replace(
    POSES["sit"],
    back_arm=((-15, -60), (-34, -62), (-36, -42)),
    front_arm=((16, -60), (38, -62), (40, -42)),
)
_ASLEEP = replace(POSES["stand"], head=Turn(0, 0, 16), reach=(58, 58), legs="none")
_KEPT = {"high": tuple(POSES), "floor": tuple(POSES)}


def pose_at(pose: str, spot: str) -> Pose:
    """Return a pose as drawn at a spot: the arms stay, the legs follow the spot."""
    if spot == "high" and pose == "sit":
        return replace(
            POSES["sit"],
            back_leg=((-4, -24), (14, -28), (10, -4)),
            front_leg=((2, -20), (26, -24), (24, -1)),
            lift=15,
            legs="over",
        )
    if spot == "bed" and pose == "lie":
        return _ASLEEP
    if pose in _KEPT.get(spot, ()):
        return POSES[pose]
    arms = POSES["stand"] if pose in _UPRIGHT else POSES[pose]
    if spot == "shoulders" and pose in ("stand", *_UPRIGHT):
        arms = POSES["jump"] if pose == "jump" else _ASTRIDE
    upright = replace(arms, lean=0.0, lift=0.0, torso=STILL, legs="none", lowest=-8.0)
    if spot == "water":
        return replace(upright, legs="under", lowest=-26.0)
    return upright


def shows_pose(pose: str, spot: str) -> bool:
    """Return whether the pose can be told from every other one at this spot."""
    if pose in _KEPT.get(spot, ()) or pose not in _UPRIGHT:
        return True
    return (spot, pose) in (("shoulders", "jump"), ("bed", "lie"))
