"""The addresses beside the page: pictures, stories to take home, stylesheet and fonts.

Gradio would serve files by their path on disk. These routes name a story and a picture instead, so
they work for stories in a bucket as well, and no path ever leaves the server.
"""

from __future__ import annotations

import functools
import io
import logging

from PIL import Image
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from seedstory_core import (
    FORMATS,
    OUR_FAULT,
    FileMissingError,
    SeedStoryError,
    SessionStore,
    StoryArchive,
    StoryNotFoundError,
    file_name,
    project_path,
)

log = logging.getLogger(__name__)

THUMBNAIL_PIXELS = 192
SERVED = {".css": "text/css", ".woff2": "font/woff2"}
SERVED |= {".webp": "image/webp", ".svg": "image/svg+xml"}
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
"""A picture's name holds random letters; what it names never changes."""


def routes(store: SessionStore) -> list[Route]:
    """The routes for `launch(app_kwargs={"routes": ...})`."""

    def picture(request: Request) -> Response:
        story_id, name = request.path_params["story"], request.path_params["name"]
        if "small" in request.query_params:
            data = _thumbnail(store.archive, story_id, name)
            return Response(data, media_type="image/webp", headers=FOR_EVER)
        data = store.archive.image_bytes(story_id, name)
        return Response(data, media_type="image/png", headers=FOR_EVER)

    def take(request: Request) -> Response:
        story_id, panel_id = request.path_params["story"], request.path_params["panel"]
        tree = store.open(story_id).tree
        tree.panel(panel_id)
        form = FORMATS.get(request.path_params["kind"])
        if form is None:
            raise StoryNotFoundError(f"A story can be taken home as {' or as '.join(FORMATS)}.")
        name = f"{file_name(tree.title)}.{request.path_params['kind']}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        data = form.write(tree, store.archive, story_id, panel_id)
        return Response(data, media_type=form.media_type, headers=headers)

    openings = store.engine.config.runtime.openings_folder

    def card(request: Request) -> Response:
        return _served(openings, request) if openings else PlainTextResponse("Not found.", 404)

    return [
        Route("/pictures/{story}/{name}", _told(picture)),
        Route("/take/{story}/{panel}.{kind}", _told(take)),
        Route("/studio/openings/{name:path}", _told(card)),
        Route("/studio/{name:path}", _told(asset)),
    ]


def asset(request: Request) -> Response:
    """Stylesheet and fonts, and nothing else of `assets/`."""
    return _served("assets", request)


def _served(folder: str, request: Request) -> Response:
    root = project_path(folder).resolve()
    try:
        path = (root / request.path_params["name"]).resolve()
    except ValueError:  # a zero byte in the address
        return PlainTextResponse("Not found.", 404)
    media_type = SERVED.get(path.suffix)
    if media_type is None or not path.is_relative_to(root) or not path.is_file():
        return PlainTextResponse("Not found.", 404)
    # "no-cache" means: ask whether it changed. A new studio must not meet old styles.
    return FileResponse(path, media_type=media_type, headers={"Cache-Control": "no-cache"})


@functools.lru_cache(maxsize=512)
def _thumbnail(archive: StoryArchive, story_id: str, name: str) -> bytes:
    with Image.open(io.BytesIO(archive.image_bytes(story_id, name))) as image:
        small = image.convert("RGB")
    small.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=82)
    return buffer.getvalue()


def _told(endpoint):  # type: ignore[no-untyped-def]  # takes and gives a Starlette endpoint
    """Answer errors with their sentence."""

    def told(request: Request) -> Response:
        try:
            return endpoint(request)
        except (FileMissingError, StoryNotFoundError) as error:
            return PlainTextResponse(str(error), 404)
        except SeedStoryError as error:
            log.warning("The address %s failed. %s", request.url.path, error)
            return PlainTextResponse(str(error), 503)
        except Exception:
            log.exception("The address %s failed.", request.url.path)
            return PlainTextResponse(OUR_FAULT, 500)

    return told
