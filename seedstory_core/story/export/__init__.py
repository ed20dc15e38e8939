"""Exports of a story: a picture book for people, files for programs and for training.

A format is one file of this folder and one line of `FORMATS`; the page offers all of these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seedstory_core.story.archive import StoryArchive
from seedstory_core.story.export.book import to_html
from seedstory_core.story.export.bundle import to_zip
from seedstory_core.story.export.files import file_name
from seedstory_core.story.export.storystream import to_storystream
from seedstory_core.story.export.tale import TaleFrame, make_tale, to_tale
from seedstory_core.story.tree import StoryTree


@dataclass(frozen=True)
class Format:
    """An export format for one path of a story, or for all of it.

    Attributes:
        label: Name on the page.
        media_type: Media type of the file.
        write: Makes the file from the tree, the archive, the story's id and the last panel's id.
        extension: Extension of the file's name; '' is that of its address.
    """

    label: str
    media_type: str
    write: Callable[[StoryTree, StoryArchive, str, str], str | bytes]
    extension: str = ""


FORMATS: dict[str, Format] = {
    "html": Format("Picture book", "text/html", to_html),
    "tale": Format("Playable book, all branches", "text/html", to_tale, "html"),
    "zip": Format("Everything, as ZIP", "application/zip", to_zip),
}
"""All formats by the ending of their address."""

__all__ = [
    "FORMATS",
    "Format",
    "TaleFrame",
    "file_name",
    "make_tale",
    "to_html",
    "to_storystream",
    "to_tale",
    "to_zip",
]
