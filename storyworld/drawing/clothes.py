"""Clothes and colours of the eight characters, with their tails and capes.

Everything fits the torso that they share, upright and facing right, with the point between the feet
at (0, 0).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from storyworld.drawing.pen import Pen

TORSO = (
    "M 0 -76 C 16 -76 25 -54 23 -32 C 22 -20 12 -15 0 -15 "
    "C -12 -15 -22 -20 -23 -32 C -25 -54 -16 -76 0 -76 Z"
)


@dataclass(frozen=True)
class Look:
    """The colours of one character, and the size of its head.

    Attributes:
        fur: Colour of the animal itself.
        light: Colour of its light parts: belly, muzzle.
        cloth: Colour of its clothes.
        sleeve: Colour of the arms.
        leg: Colour of the legs.
        hand: Colour of the hands.
        foot: Colour of the feet.
        head: Half width and the top and bottom of the face, ears and tufts not counted.
        tip: Height of the tips of ears and tufts.
    """

    fur: str
    light: str
    cloth: str
    sleeve: str
    leg: str
    hand: str
    foot: str
    head: tuple[float, float, float]
    tip: float


LOOKS: dict[str, Look] = {
    "fox": Look(
        "f4852a", "fff1dc", "2f8f55", "2f8f55", "f4852a", "6b3a22", "6b3a22", (36, 128, 67), 147
    ),
    "bear": Look(
        "93603a", "e2bd90", "dc3d35", "dc3d35", "93603a", "93603a", "93603a", (34, 128, 67), 133
    ),
    "rabbit": Look(
        "fbf6f2", "ffc3d2", "8052d6", "8052d6", "fbf6f2", "fbf6f2", "fbf6f2", (33, 127, 68), 166
    ),
    "penguin": Look(
        "2e4480", "ffffff", "ffcf2e", "2e4480", "2e4480", "2e4480", "f7941f", (32, 128, 68), 138
    ),
    "frog": Look(
        "6cc644", "e2f7ae", "ef6ba8", "6cc644", "6cc644", "6cc644", "6cc644", (36, 129, 68), 132
    ),
    "elephant": Look(
        "a9b2c0", "f4b6c4", "f58634", "a9b2c0", "f58634", "a9b2c0", "a9b2c0", (35, 127, 68), 128
    ),
    "cat": Look(
        "4a4358", "ffffff", "1fbcb4", "4a4358", "4a4358", "ffffff", "ffffff", (35, 127, 68), 144
    ),
    "duck": Look(
        "ffd93b", "fff3b8", "2f6fe0", "2f6fe0", "ffd93b", "ffd93b", "f58a1f", (34, 128, 68), 143
    ),
}


# --- tails and capes ---------------------------------------------------------------------------


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


def draw_behind(pen: Pen, species: str) -> None:
    """Tail or cape: whatever hangs behind the torso."""
    _BEHIND[species](pen, LOOKS[species])


def draw_torso(pen: Pen, species: str) -> None:
    """The torso in its clothes."""
    pen.shape(TORSO, LOOKS[species].fur)
    _CLOTHES[species](pen, LOOKS[species])
