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
from seedstory_core.story.export.whole import EXTENSION, to_story_file
from seedstory_core.story.tree import StoryTree


@dataclass(frozen=True)
class Format:
    """An export format for one path of a story, or for all of it.

    Attributes:
        label: Name on the page.
        media_type: Media type of the file.
        write: Makes the file from the tree, the archive, the story's id and the last panel's id.
        extension: File name extension, if it is not the format's key.
    """

    label: str
    media_type: str
    write: Callable[[StoryTree, StoryArchive, str, str], str | bytes]
    extension: str = ""


FORMATS: dict[str, Format] = {
    "html": Format("Picture book", "text/html", to_html),
    "tale": Format("Playable book, all branches", "text/html", to_tale, "html"),
    "zip": Format("Everything, as ZIP", "application/zip", to_zip),
    "story": Format("The whole story, to bring back", "application/zip", to_story_file, EXTENSION),
}
"""All formats by their key in addresses, which is the file name extension unless it has another."""

__all__ = [
    "FORMATS",
    "Format",
    "TaleFrame",
    "file_name",
    "make_tale",
    "to_html",
    "to_story_file",
    "to_storystream",
    "to_tale",
    "to_zip",
]
