"""Addresses of the studio: relative ones for its own pages, and absolute ones for other sites.

The page's own links are relative, so they hold behind any path prefix. Only those who fetch a
single document, such as previews of a pasted link, need the whole address.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.types import Scope

HOST = re.compile(r"[\w.-]+(:[0-9]{1,5})?|\[[0-9a-fA-F:.]+\](:[0-9]{1,5})?", re.ASCII)


def image_url(story_id: str, name: str | None, size: str = "") -> str:
    """Return the address of a story's image; '' without a name.

    Args:
        story_id: The story.
        name: The image's name; None is none.
        size: `page` or `small` for a WebP of that size; '' is the saved PNG.
    """
    if name is None:
        return ""
    return f"pictures/{quote(story_id)}/{quote(name)}" + (f"?{size}" if size else "")


def reading_url(key: str) -> str:
    """Return the address at which a story can only be read."""
    return f"read/{quote(key)}"


def reading_image_url(key: str, name: str, *, small: bool = False) -> str:
    """Return the address of an image for those who may only read its story."""
    return f"{reading_url(key)}/pictures/{quote(name)}" + ("?small" if small else "")


def path_of(scope: Scope) -> str:
    """Return a request's path without the prefix behind a proxy."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path.removeprefix(root) if root and path.startswith(f"{root}/") else path


def studio_url(scope: Scope) -> str:
    """Return the studio's whole address as its visitor sees it, with a slash at its end.

    A proxy says in `X-Forwarded-Host` and `X-Forwarded-Proto` what that is, and the path prefix
    may be a whole address (`GRADIO_ROOT_PATH`).
    """
    root = quote(str(scope.get("root_path", "")).rstrip("/"), safe=":/%")
    if root.startswith(("http://", "https://")):
        return f"{root}/"
    headers = Headers(scope=scope)
    scheme = _first(headers.get("x-forwarded-proto", "")) or str(scope.get("scheme", "http"))
    names = (_first(headers.get(name, "")) for name in ("x-forwarded-host", "host"))
    host = next((name for name in names if HOST.fullmatch(name)), "localhost")
    return f"{'https' if scheme == 'https' else 'http'}://{host}{root}/"


def _first(header: str) -> str:
    return header.split(",")[0].strip()
