"""The routes beside the page: images, downloads of stories, a story's turn, stylesheet and fonts.

Those of stories that can only be read are in `reading.py`.

Gradio would serve files by their path on disk. These routes name a story and an image instead, so
they also serve stories in a bucket, and no path ever leaves the server.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from demo.books import load_books
from demo.errors import explain
from demo.pictures import FOR_EVER, PIXELS, no_picture, webp
from demo.reading import reading_routes
from demo.sights import lens_as_json, sights_as_json
from demo.visitors import Visitors
from seedstory_core import (
    FORMATS,
    JobQueue,
    SessionStore,
    StoryNotFoundError,
    file_name,
    project_path,
)

SERVED = {".css": "text/css", ".js": "text/javascript", ".woff2": "font/woff2"}
SERVED |= {".webp": "image/webp", ".svg": "image/svg+xml"}
PRIVATE = {"Cache-Control": "private, no-cache"}

NEVER_KEPT = {"Cache-Control": "no-store"}


def routes(store: SessionStore, queue: JobQueue, visitors: Visitors) -> list[Route]:
    """Return the routes for `launch(app_kwargs={"routes": ...})`."""

    def image(request: Request) -> Response:
        story_id, name = request.path_params["story"], request.path_params["name"]
        try:
            for size, pixels in PIXELS.items():
                if size in request.query_params:
                    data = webp(store.archive, story_id, name, pixels)
                    return Response(data, media_type="image/webp", headers=FOR_EVER)
            data = store.archive.image_bytes(story_id, name)
        except Exception as error:
            if "image/svg+xml" not in request.headers.get("accept", ""):
                raise
            return no_picture(error, "An address of pictures/")
        return Response(data, media_type="image/png", headers=FOR_EVER)

    def take(request: Request) -> Response:
        story_id, panel_id = request.path_params["story"], request.path_params["panel"]
        tree = store.open(story_id).tree
        tree.panel(panel_id)
        form = FORMATS.get(request.path_params["kind"])
        if form is None:
            raise StoryNotFoundError(f"A story can be taken home as {' or as '.join(FORMATS)}.")
        extension = form.extension or request.path_params["kind"]
        name = f"{file_name(tree.title)}.{extension}"
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
        *reading_routes(store, load_books()),
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
