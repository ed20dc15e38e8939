"""The twelve places, in any light and weather: a few large shapes each, calm behind the actors.

A place is a panorama 448 wide; a framing is the part of it that the frame shows, and `near` is its
middle, enlarged. Nothing here is random. Actors stand on the clear floor at y = 190 to 234.
"""

from __future__ import annotations

from collections.abc import Callable

from storyworld.drawing.pen import Pen
from storyworld.drawing.places_near import (
    draw_bed,
    draw_corners,
    draw_darkness,
    draw_table,
    draw_water,
)
from storyworld.drawing.places_rooms import bedroom, kitchen, library, workshop
from storyworld.drawing.places_sky import (
    OFFSETS,
    ZOOM,
    ZOOM_Y,
    Setting,
    actor_light,
    draw_falling,
    draw_puddles,
    draw_sky,
    place_pen,
    scene_light,
)
from storyworld.drawing.places_tame import garden, hill, village
from storyworld.drawing.places_things import draw_hider, draw_perch
from storyworld.drawing.places_wild import beach, cave, forest, mountain, pond

__all__ = [
    "Setting",
    "actor_light",
    "draw_bed",
    "draw_darkness",
    "draw_front",
    "draw_hider",
    "draw_perch",
    "draw_place",
    "draw_table",
    "draw_water",
    "scene_light",
]

_PANORAMAS: dict[str, Callable[[Pen, Setting], None]] = {
    "beach": beach,
    "forest": forest,
    "village": village,
    "kitchen": kitchen,
    "mountain": mountain,
    "garden": garden,
    "pond": pond,
    "library": library,
    "hill": hill,
    "bedroom": bedroom,
    "cave": cave,
    "workshop": workshop,
}


def draw_place(pen: Pen, setting: Setting) -> None:
    """Draw the framed background, with the weather behind the actors."""
    lit = place_pen(pen, setting)
    offset = OFFSETS[setting.framing]
    if not setting.sheltered:
        draw_sky(pen, setting, offset)
    pen.canvas.save()
    if setting.framing == "near":
        pen.canvas.translate(128, ZOOM_Y)
        pen.canvas.scale(ZOOM, ZOOM)
        pen.canvas.translate(-128, -ZOOM_Y)
    pen.canvas.translate(-offset, 0)
    _PANORAMAS[setting.place](lit, setting)
    pen.canvas.restore()
    if not setting.sheltered:
        draw_puddles(lit, setting)
        draw_falling(pen, setting, near=False)


def draw_front(pen: Pen, setting: Setting) -> None:
    """Draw what is in front of the actors: the foreground of `near`, and the weather."""
    if setting.framing == "near":
        draw_corners(pen, setting)
    if not setting.sheltered:
        draw_falling(pen, setting, near=True)
