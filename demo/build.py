"""Build the page over a store of stories: parts, events, endpoints, routes and theme."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from demo import render
from demo.api import add_api
from demo.books import load_books
from demo.front import Front
from demo.guard import Guard
from demo.handlers import Handlers
from demo.openings import load_openings
from demo.page import PageParts
from demo.previews import STUDIO
from demo.routes import routes
from demo.surroundings import is_space
from demo.theme import make_theme
from demo.visitors import Visitors
from demo.wiring import wire
from seedstory_core import JobQueue, SessionStore, StudioConfig, project_path

MAX_UPLOAD = "210mb"
"""Above our own limit, so that a reader sees our message, not Gradio's."""
KEPT_SECONDS = (3600, 86400)
"""How often Gradio cleans up its copies of uploads, and how old they may become."""


def build_page(store: SessionStore, queue: JobQueue) -> gr.Blocks:
    """Build the page over a store of stories and the queue of their turns."""
    config = store.config
    openings = load_openings(config.runtime.openings_folder)
    with gr.Blocks(
        title=STUDIO, analytics_enabled=False, fill_width=True, delete_cache=KEPT_SECONDS
    ) as page:
        # First, so that endpoints keep their plain names; page events of the same name are renamed.
        add_api(store, queue, openings)
        books = load_books()
        parts = PageParts(config, openings, list(books.values()))
        wire(page, parts, Handlers(store, queue, openings, books))
    # Turns wait in the job queue; Gradio's queue carries only the watchers.
    page.queue(default_concurrency_limit=None, max_size=None)
    return page


def make_visitors(config: StudioConfig) -> Visitors:
    """Return the visitors, who are limited as `runtime.public` says."""
    public = config.runtime.public
    return Visitors(config, is_public=is_space() if public is None else public)


def load_languages() -> dict[str, dict[str, str]]:
    """Return the words of the page by language: translations by their English text."""
    folder = project_path("assets/languages")
    return {
        path.stem: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))
    }


def launch_options(
    store: SessionStore, queue: JobQueue, page: gr.Blocks, visitors: Visitors
) -> dict[str, Any]:
    """Return the arguments of `launch` besides host and port."""
    runtime = store.config.runtime
    guard = Middleware(
        Guard,
        page=page,
        visitors=visitors,
        hosts=runtime.hosts,
        frame_ancestors=runtime.frame_ancestors,
    )
    front = Middleware(Front, store=store, openings=load_openings(runtime.openings_folder))
    return {
        "theme": make_theme(),
        "i18n": gr.I18n(**load_languages()),
        "head": render.head(),
        "favicon_path": project_path("assets/logo.svg"),
        "app_kwargs": {"routes": routes(store, queue, visitors), "middleware": [guard, front]},
        "max_file_size": MAX_UPLOAD,
        "footer_links": ["api"],
        # Server-side rendering needs Node beside Python and would bypass our routes.
        "ssr_mode": False,
        "show_error": False,
    }
