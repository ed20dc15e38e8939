"""The shelf of openings: first images and their sentences, from the configured folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from seedstory_core import project_path


@dataclass(frozen=True)
class Opening:
    """One card on the shelf."""

    id: str
    sentence: str
    path: Path

    @property
    def url(self) -> str:
        """The image's address, relative to the page."""
        return f"studio/openings/{self.path.name}"

    def image(self) -> Image.Image:
        """Load the image as RGB."""
        with Image.open(self.path) as image:
            return image.convert("RGB")


def load_openings(folder_name: str) -> tuple[Opening, ...]:
    """Read the shelf in a folder: empty without a name, and without cards that lack an image."""
    if not folder_name:
        return ()
    folder = project_path(folder_name)
    index = folder / "openings.json"
    if not index.is_file():
        return ()
    entries = json.loads(index.read_text("utf-8-sig"))
    shelf = (
        Opening(entry["id"], entry["sentence"], folder / f"{entry['id']}.webp") for entry in entries
    )
    return tuple(opening for opening in shelf if opening.path.is_file())
