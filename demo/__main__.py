"""The command `seedstory` (also `python app.py`): load the configuration, build, launch."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from demo.logs import begin_log
from demo.quick_gradio import without_stubs
from demo.surroundings import (
    find_room_for_uploads,
    host_to_listen_on,
    keep_proxies_away,
    tidy_path_prefix,
    trust_proxies,
)
from seedstory_core import ConfigError, SeedStoryError, load_config

if TYPE_CHECKING:
    import gradio as gr


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the studio until it is stopped."""
    args = argument_parser().parse_args(argv)
    begin_log()
    try:
        config = load_config(args.config, args.set)
        find_room_for_uploads(config.runtime.stories_folder)
        host = host_to_listen_on(args.host)
        tidy_path_prefix()
        keep_proxies_away(host)
        trust_proxies()
        # Import the slow modules last, so that --help and a typo answer at once. The models load
        # after the page is up, so that it can be read meanwhile.
        with without_stubs():
            from demo.build import build_page, launch_options, make_visitors
        from seedstory_core import JobQueue, open_store

        store = open_store(config)
        visitors = make_visitors(config)
        queue = JobQueue(store, visitors.current)
        page = build_page(store, queue)
        launch(
            page,
            server_name=host,
            server_port=args.port,
            share=args.share or None,
            **launch_options(store, queue, page, visitors),
        )
    except (SeedStoryError, OSError) as error:  # Gradio raises OSError if the port is taken
        return _fail(error)
    try:
        store.handle.get()
    except SeedStoryError as error:
        page.close(verbose=False)
        return _fail(error)
    page.block_thread()
    return 0


NUM_STARTS = 3
"""Times that a start is tried: Gradio waits three seconds for its own page, and a machine that is
busy loading the models may take longer."""


def launch(page: gr.Blocks, **options: Any) -> None:
    """Serve the page in the background.

    Raises:
        ConfigError: Gradio could not reach the page, which it tries at the start.
    """
    import httpx

    for number in range(1, NUM_STARTS + 1):
        try:
            page.launch(prevent_thread_lock=True, **options)
            return
        except (ValueError, httpx.HTTPError, httpx.InvalidURL) as error:
            page.close(verbose=False)
            if number == NUM_STARTS:
                raise ConfigError(
                    "Gradio asks its own server for the page at the start, and that failed "
                    f"({error}). If a proxy stands in between, add the address to no_proxy; if the "
                    "machine is only very busy, start again."
                ) from error


def _fail(error: Exception) -> int:
    print(f"SEED-Story Studio could not start. {error}", file=sys.stderr)  # noqa: T201
    return 1


def argument_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="seedstory", description="Tell, extend and branch illustrated stories in the browser."
    )
    parser.add_argument(
        "--config",
        default=os.environ.get("SEEDSTORY_CONFIG") or None,
        help="YAML file of settings that differ from the tiny model's; default: the tiny model",
    )
    parser.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="settings that override the file, for example runtime.device=cpu",
    )
    parser.add_argument("--host", help="address to listen on; 0.0.0.0 or :: lets other machines in")
    parser.add_argument("--port", type=int, help="default: the first free one from 7860")
    parser.add_argument("--share", action="store_true", help="create a temporary public link")
    return parser


if __name__ == "__main__":
    sys.exit(main())
