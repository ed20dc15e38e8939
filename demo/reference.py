"""Print `docs/api.md`, the command and the endpoints: `python -m demo.reference > docs/api.md`.

Made from the help text and the endpoints' docstrings; a test compares the file.
"""

from __future__ import annotations

import argparse
import functools
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

from gradio.utils import get_function_description

from demo.__main__ import argument_parser
from demo.api import Api
from demo.errors import STATUSES
from seedstory_core import JobQueue, SessionStore, build_store, load_config

HEAD = """\
# Command and endpoints

This page is written by `python -m demo.reference`.

## The command

```
{help}```

## The endpoints

`gradio_client` calls them by name (README). Those that make a panel report their progress
(`submit`) and return the panel last (`predict` waits for it). `None` stands for the studio's own
value.

{errors}

A panel that was saved is always the answer. If it could not be read again whole, `problem` says
why; if its image could not be sent, that is `None`, and `picture` is its address.
"""
WIDTH = 100
"""Width of the help text in characters."""


def reference(store: SessionStore) -> str:
    """Return the whole document; no story of the store is touched."""
    parser = argument_parser()
    parser.formatter_class = functools.partial(argparse.HelpFormatter, width=WIDTH)
    endpoints = Api(store, JobQueue(store), ()).endpoints()
    sections = ("\n".join(_section(*endpoint)) for endpoint in endpoints.items())
    return HEAD.format(help=parser.format_help(), errors=_errors()) + "".join(sections)


def _errors() -> str:
    kinds = ", ".join(f"`{kind.__name__}` {status}" for kind, status in STATUSES)
    return textwrap.fill(
        "An error is one sentence, and its `title` names its kind. The addresses of pictures and "
        f"downloads answer the same sentence with a status: {kinds}, `Error` (our fault) 500, any "
        "other kind 503.",
        WIDTH,
        break_on_hyphens=False,
    )


def _section(name: str, endpoint: Callable[..., Any]) -> Iterator[str]:
    about, meanings, returns = get_function_description(endpoint)
    yield f"\n### `/{name}`\n"
    yield about
    if meanings:
        yield "\n| parameter | default | meaning |\n|---|---|---|"
    for parameter in inspect.signature(endpoint).parameters.values():
        needed = parameter.default is inspect.Parameter.empty
        default = "needed" if needed else f"`{parameter.default!r}`"
        yield f"| `{parameter.name}` | {default} | {meanings[parameter.name]} |"
    yield f"\nReturns: {' '.join(returns)}\n"


if __name__ == "__main__":
    print(reference(build_store(load_config())), end="")  # noqa: T201
