"""What a pasted link shows elsewhere: title, first words and picture, as `<meta>` elements."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from demo.addresses import reading_image_url, reading_url
from demo.render import fill
from seedstory_core import StoryTree

STUDIO = "SEED-Story Studio"
MAX_CHARS = 200
"""Most characters of the first words; sites that show previews cut off more."""


@dataclass(frozen=True)
class Preview:
    """The preview of an address.

    Attributes:
        title: Its title.
        description: A sentence or two.
        image: Whole address of its picture; '' without one.
        url: Its own whole address; '' leaves that to the site that fetched it.
        kind: `website` or `article`.
        is_listed: Whether search engines may list it.
    """

    title: str
    description: str
    image: str = ""
    url: str = ""
    kind: str = "website"
    is_listed: bool = True

    def head(self) -> str:
        """Return its elements for the head of a document."""
        return fill("preview", preview=self, site=STUDIO)


def preview_of(tree: StoryTree, key: str, studio: str, *, has_url: bool = False) -> Preview:
    """Return the preview of a story.

    Args:
        tree: The story.
        key: Its reading key, which leads to its picture.
        studio: The studio's whole address.
        has_url: Whether to name the address at which it can only be read.
    """
    words = next((" ".join(p.text.split()) for p in tree if p.text.strip()), "")
    name = next((panel.image_name for panel in tree if panel.image_name), None)
    return Preview(
        tree.title,
        textwrap.shorten(words, MAX_CHARS, placeholder=" …") or "A tale told in pictures.",
        image=studio + reading_image_url(key, name) if name else "",
        url=studio + reading_url(key) if has_url else "",
        kind="article",
        is_listed=False,
    )
