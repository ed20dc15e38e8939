"""Every kind of thing in every one of its states, each drawn around its own centre.

A thing is 33 to 44 units wide or high at scale 1, the smallest 26, the big ones (a chest, a tent, a
snowman) up to 90, so that it is well seen everywhere. `placing.py` places things, the other
`things_*.py` files draw them.
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
"""Drawings of things that look different in the sky, by kind and state."""
PLANTED: Shapes = things_nature.PLANTED
"""Drawings of things that look different in the earth, by kind and state."""


def shape(kind: str, state: str) -> Shape:
    """Return the drawing of a thing in a state.

    Raises:
        KeyError: There is no such thing or state.
    """
    return _SHAPES[kind, state]


def flying(kind: str, state: str) -> Shape:
    """Return the drawing of a thing in the sky; its grip is where a string is tied."""
    return FLYING.get((kind, state)) or _SHAPES[kind, state]


def planted(kind: str, state: str) -> Shape:
    """Return the drawing of a thing on soil: a plant grows in the earth instead of its pot."""
    return PLANTED.get((kind, state)) or _SHAPES[kind, state]


__all__ = ["FLYING", "PLANTED", "Shape", "flying", "planted", "shape"]
