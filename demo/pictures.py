"""Images of stories as answers: in the sizes that pages show, and what stands in for a lost one."""

from __future__ import annotations

import functools
import io

from starlette.responses import Response

from demo.errors import explain
from seedstory_core import StoryArchive

THUMBNAIL_PIXELS = 192
PAGE_PIXELS = 1024
"""Most pixels of a side as a page shows an image."""
PIXELS: dict[str, int] = {"page": PAGE_PIXELS, "small": THUMBNAIL_PIXELS}
"""Most pixels of a side by what an address asks for."""
THUMBNAIL_QUALITY, PAGE_QUALITY = 82, 85
FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
"""An image's name holds random letters and is not used twice, so a browser may keep it for ever.
Its address holds the story's key, so nothing in between may."""

NO_PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 320">'
    '<rect width="320" height="320" fill="#efe6d3"/>'
    '<text x="160" y="154" text-anchor="middle" font-family="serif" font-size="20" fill="#5d5140">'
    'This picture could not<tspan x="160" dy="26">be read.</tspan></text></svg>'
)
"""Shown by the page in place of a picture that is missing, damaged or not the one saved."""


def no_picture(error: Exception, what: str) -> Response:
    """Return the answer to a page that asked for an image: the sentence becomes a picture.

    Args:
        error: Why there is none.
        what: Subject of the log line.
    """
    status = explain(error, what).status
    return Response(NO_PICTURE, status, {"Cache-Control": "no-store"}, "image/svg+xml")


@functools.lru_cache(maxsize=512)
def webp(archive: StoryArchive, story_id: str, name: str, pixels: int) -> bytes:
    """Return an image of a story as WebP, scaled down to a number of pixels.

    Raises:
        As `StoryArchive.image_bytes`.
    """
    image = archive.thumbnail(story_id, name, pixels)
    quality = THUMBNAIL_QUALITY if pixels <= THUMBNAIL_PIXELS else PAGE_QUALITY
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=quality)
    return buffer.getvalue()
