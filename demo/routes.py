"""The routes beside the page: images, downloads of stories, a story's turn, stylesheet and fonts.

Gradio would serve files by their path on disk. These routes name a story and an image instead, so
they also serve stories in a bucket, and no path ever leaves the server.
"""

from __future__ import annotations

import functools
import io
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from demo.errors import explain
from demo.sights import lens_as_json, sights_as_json
from demo.visitors import Visitors
from seedstory_core import (
    FORMATS,
    JobQueue,
    SessionStore,
    StoryArchive,
    StoryNotFoundError,
    file_name,
    project_path,
)

PIXELS: dict[str, int] = {"page": 768, "small": 192}
"""Longest side of the page's pictures at most, by what the address asks for."""
SERVED = {".css": "text/css", ".js": "text/javascript", ".woff2": "font/woff2"}
SERVED |= {".webp": "image/webp", ".svg": "image/svg+xml"}
FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
"""An image's name holds random letters and is not used twice, so a browser may keep it for ever.
Its address holds the story's key, so nothing in between may."""
PRIVATE = {"Cache-Control": "private, no-cache"}

NO_PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 320">'
    '<rect width="320" height="320" fill="#efe6d3"/>'
    '<text x="160" y="154" text-anchor="middle" font-family="serif" font-size="20" fill="#5d5140">'
    'This picture could not<tspan x="160" dy="26">be read.</tspan></text></svg>'
)
"""Shown by the page in place of a picture that is missing, damaged or not the one saved."""

NEVER_KEPT = {"Cache-Control": "no-store"}


def image_url(story_id: str, name: str | None, size: str = "") -> str:
    """Return the address of a story's image; '' without a name.

    Args:
        story_id: The story.
        name: The image's name; None is none.
        size: A size of `PIXELS`, as WebP; '' is the saved PNG.
    """
    if name is None:
        return ""
    return f"pictures/{quote(story_id)}/{quote(name)}" + (f"?{size}" if size else "")


def take_url(story_id: str, panel_id: str, kind: str) -> str:
    """Return the address of the story up to a panel, in a format of `FORMATS`."""
    return f"take/{quote(story_id)}/{quote(panel_id)}.{kind}"


def routes(store: SessionStore, queue: JobQueue, visitors: Visitors) -> list[Route]:
    """Return the routes for `launch(app_kwargs={"routes": ...})`."""

    def image(request: Request) -> Response:
        story_id, name = request.path_params["story"], request.path_params["name"]
        try:
            for size, pixels in PIXELS.items():
                if size in request.query_params:
                    data = _smaller(store.archive, story_id, name, pixels)
                    return Response(data, media_type="image/webp", headers=FOR_EVER)
            data = store.archive.image_bytes(story_id, name)
        except Exception as error:
            if "image/svg+xml" not in request.headers.get("accept", ""):
                raise
            # The page asks for a picture, so the sentence becomes one.
            status = explain(error, "An address of pictures/").status
            return Response(NO_PICTURE, status, {"Cache-Control": "no-store"}, "image/svg+xml")
        return Response(data, media_type="image/png", headers=FOR_EVER)

    def take(request: Request) -> Response:
        story_id, panel_id = request.path_params["story"], request.path_params["panel"]
        tree = store.open(story_id).tree
        tree.panel(panel_id)
        form = FORMATS.get(request.path_params["kind"])
        if form is None:
            raise StoryNotFoundError(f"A story can be taken home as {' or as '.join(FORMATS)}.")
        name = f"{file_name(tree.title)}.{form.extension or request.path_params['kind']}"
        headers = {"Content-Disposition": _attachment(name), **PRIVATE}
        visitor = visitors.name(request.client.host if request.client else None)
        with visitors.exporting(visitor):
            data = form.write(tree, store.archive, story_id, panel_id)
        return Response(data, media_type=form.media_type, headers=headers)

    def turn(request: Request) -> Response:
        return JSONResponse(_turn_of(queue, request.path_params["key"]), headers=NEVER_KEPT)

    def sights(request: Request) -> Response:
        """Nothing is waited for: before the models are there, nothing is known."""
        if not store.handle.is_ready:
            return JSONResponse({}, headers=NEVER_KEPT)
        session = store.open(request.path_params["story"])
        leaf_id, panel_id = request.path_params["leaf"], request.path_params.get("panel", "")
        found = (
            lens_as_json(session, panel_id, leaf_id)
            if panel_id
            else sights_as_json(session, leaf_id)
        )
        return JSONResponse(found, headers=NEVER_KEPT)

    openings = store.config.runtime.openings_folder

    def card(request: Request) -> Response:
        return _served(openings, request) if openings else PlainTextResponse("Not found.", 404)

    return [
        Route("/pictures/{story}/{name}", _explained(image)),
        Route("/take/{story}/{panel}.{kind}", _explained(take)),
        Route("/turns/{key}", _explained(turn)),
        Route("/sights/{story}/{leaf}", _explained(sights)),
        Route("/sights/{story}/{leaf}/{panel}", _explained(sights)),
        Route("/studio/openings/{name:path}", _explained(card)),
        Route("/studio/{name:path}", _explained(asset)),
    ]


def asset(request: Request) -> Response:
    """Serve stylesheet, fonts and images of `assets/`, and nothing else."""
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
    # "no-cache" makes browsers ask whether it changed: a new studio needs its new styles.
    return FileResponse(path, media_type=media_type, headers={"Cache-Control": "no-cache"})


def _attachment(name: str) -> str:
    """Return the header that names a download; old programs read only the plain name."""
    plain = name if name.isascii() else f"story.{name.rsplit('.', 1)[-1]}"
    full = "" if name.isascii() else f"; filename*=UTF-8''{quote(name)}"
    return f'attachment; filename="{plain}"{full}'


def _turn_of(queue: JobQueue, key: str) -> dict[str, Any]:
    """Return how far the latest turn of a story is, for a page that hears nothing of it any more.

    A page that has begun a story and was not told which one asks with its ticket.

    Only the queue is asked: a page asks often, and no file is read for it.
    """
    job = queue.latest(key)
    if job is None:
        return {"job": ""}
    return {
        "job": job.id,
        "story": job.story_id,
        "ended": job.ended.is_set(),
        "version": job.progress.version,
        "age": round(time.monotonic() - job.submitted_at, 1),
    }


@functools.lru_cache(maxsize=512)
def _smaller(archive: StoryArchive, story_id: str, name: str, pixels: int) -> bytes:
    small = archive.thumbnail(story_id, name, pixels)
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=82)
    return buffer.getvalue()


def _explained(endpoint: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """Wrap an endpoint so that errors are answered with their sentence and status."""

    def answer(request: Request) -> Response:
        try:
            return endpoint(request)
        except Exception as error:
            # Without the story's id, which opens the story.
            kind = request.url.path.strip("/").partition("/")[0]
            problem = explain(error, f"An address of {kind}/")
            return PlainTextResponse(problem.sentence, problem.status, headers=PRIVATE)

    return answer
