"""Draw the shelf of openings: `python -m seedstory_core.data.openings`.

`assets/openings/openings.json` is written by hand: a first sentence and the scene it shows, one for
each inhabitant of the world. This draws the images beside it, so that the studio itself needs
neither the drawing code nor its library.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from seedstory_core.config import project_path
from seedstory_core.data.draw import render_image
from seedstory_core.data.world import Actor, Scene

FOLDER = "assets/openings"
SIZE_PIXELS = 512
"""Twice the size of the tiny model's own images, for sharp screens."""


def scene(record: dict[str, Any]) -> Scene:
    """The scene that an entry of the shelf describes."""
    actors = tuple(Actor(**actor) for actor in record["actors"])
    return Scene(**{**record, "actors": actors})


def draw(folder: Path) -> list[Path]:
    """Draw every opening of a folder's `openings.json` and return the images' paths."""
    entries = json.loads((folder / "openings.json").read_text("utf-8"))
    written = []
    for entry in entries:
        path = folder / f"{entry['id']}.webp"
        render_image(scene(entry["scene"]), SIZE_PIXELS).save(path, quality=90, method=6)
        written.append(path)
    return written


if __name__ == "__main__":
    draw(project_path(FOLDER))
