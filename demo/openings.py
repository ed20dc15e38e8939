"""The shelf of openings: a first picture and its sentence for each inhabitant of the world."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from seedstory_core.config import project_path

FOLDER = "assets/openings"


@dataclass(frozen=True)
class Opening:
    """One card on the shelf."""

    id: str
    sentence: str
    path: Path

    @property
    def url(self) -> str:
        """Where the page finds the picture."""
        return f"studio/openings/{self.path.name}"

    def image(self) -> Image.Image:
        """The picture, loaded."""
        return Image.open(self.path).convert("RGB")


def load_openings() -> tuple[Opening, ...]:
    """Read the shelf; an entry whose picture is missing is left out."""
    folder = project_path(FOLDER)
    index = folder / "openings.json"
    if not index.is_file():
        return ()
    entries = json.loads(index.read_text("utf-8"))
    shelf = (
        Opening(entry["id"], entry["sentence"], folder / f"{entry['id']}.webp") for entry in entries
    )
    return tuple(opening for opening in shelf if opening.path.is_file())
