"""Helpers of all formats: a path's images, and a file name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from seedstory_core.errors import StorageError
from seedstory_core.story.archive import StoryArchive
from seedstory_core.story.records import from_png
from seedstory_core.story.tree import Panel

MAX_NAME_CHARS = 50


def file_name(title: str) -> str:
    """Turn a title into a file name that any disk allows: `Pip's Kite` becomes `pips-kite`."""
    ascii_only = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode("ascii")
    words = re.findall(r"[a-z0-9]+", ascii_only.lower().replace("'", ""))
    return "-".join(words)[:MAX_NAME_CHARS].strip("-") or "story"


def read_images(archive: StoryArchive, story_id: str, path: Sequence[Panel]) -> dict[int, bytes]:
    """Return a path's PNG files by panel number from 1, without missing or damaged ones."""
    images = {}
    for number, panel in enumerate(path, start=1):
        if panel.image_name is None:
            continue
        try:
            data = archive.image_bytes(story_id, panel.image_name)
            from_png(panel.image_name, data)
        except StorageError:
            continue
        images[number] = data
    return images
