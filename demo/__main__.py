"""The command `seedstory` (also `python app.py`): load the configuration, build, launch."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
from collections.abc import Sequence

from demo.quick_gradio import without_stubs
from seedstory_core import ConfigError, SeedStoryError, load_config, project_path


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the studio until it is stopped."""
    args = argument_parser().parse_args(argv)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)  # Gradio polls its own server at the start
    try:
        config = load_config(args.config, args.set)
        find_room_for_uploads(config.runtime.stories_folder)
        # Import the slow modules last, so that --help and a typo answer at once. The models load
        # after the page is up, so that it can be read meanwhile.
        with without_stubs():
            from demo.build import build_page, launch_options
        from seedstory_core import JobQueue, open_store

        store = open_store(config)
        queue = JobQueue(store)
        page = build_page(store, queue)
        page.launch(
            server_name=args.host,
            server_port=args.port,
            share=args.share or None,
            prevent_thread_lock=True,
            **launch_options(store, queue),
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
    parser.add_argument("--host", help="address to listen on; 0.0.0.0 lets other machines in")
    parser.add_argument("--port", type=int, help="default: the first free one from 7860")
    parser.add_argument("--share", action="store_true", help="create a temporary public link")
    return parser


def find_room_for_uploads(stories_folder: str) -> None:
    """Keep Gradio's uploads in the story folder if the system has no writable temporary folder.

    Raises:
        ConfigError: The story folder is not writable either.
    """
    if "GRADIO_TEMP_DIR" in os.environ:
        return
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        if "://" in stories_folder:
            raise ConfigError(
                "There is no folder on this machine that can be written to. Gradio needs one for "
                "uploads: set GRADIO_TEMP_DIR."
            ) from None
        room = project_path(stories_folder) / ".uploads"
        try:
            room.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"The story folder {room.parent} cannot be written to ({error.strerror}). Set "
                "SEEDSTORY_STORIES_FOLDER to one that can."
            ) from error
        os.environ["GRADIO_TEMP_DIR"] = tempfile.tempdir = str(room)


if __name__ == "__main__":
    sys.exit(main())
