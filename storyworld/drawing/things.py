"""Every kind of thing in every one of its states, each drawn around its own centre.

A thing is 33 to 44 units wide or high at scale 1, the smallest 26, the big ones (a chest, a tent,
a snowman) up to 90, so that it stays well seen wherever it is. Where it goes is decided by
`compose.py`; what is drawn is in the other `things_*.py` files.
"""

from __future__ import annotations

from storyworld.drawing import things_big, things_food, things_home, things_nature, things_play
from storyworld.drawing.things_base import Shape, Shapes

_SHAPES: Shapes = {
    **things_food.SHAPES,
    **things_home.SHAPES,
    **things_play.SHAPES,
    **things_nature.SHAPES,
    **things_big.SHAPES,
}
FLYING: Shapes = {**things_play.FLYING, **things_nature.FLYING}
"""What looks otherwise in the sky, by kind and state."""
PLANTED: Shapes = things_nature.PLANTED
"""What looks otherwise where it grows in the earth, by kind and state."""


def shape(kind: str, state: str) -> Shape:
    """How a thing looks in one of its states; a KeyError if there is no such thing or state."""
    return _SHAPES[kind, state]


def flying(kind: str, state: str) -> Shape:
    """How a thing looks in the sky; its grip is where a string is tied."""
    return FLYING.get((kind, state)) or _SHAPES[kind, state]


def planted(kind: str, state: str) -> Shape:
    """How a thing looks on the soil: a plant grows in the earth instead of its pot."""
    return PLANTED.get((kind, state)) or _SHAPES[kind, state]


__all__ = ["FLYING", "PLANTED", "Shape", "flying", "planted", "shape"]
