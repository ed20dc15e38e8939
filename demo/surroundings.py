"""What the machine brings along: temporary folders, proxies, addresses and path prefixes.

Gradio asks its own server whether it is up, by HTTP, and stores uploads in a shared folder. All of
this is set right in the environment of this process, before Gradio is imported.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from seedstory_core import ConfigError, project_path

log = logging.getLogger(__name__)

PRIVATE = "127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7"
"""Networks in which a Space and its proxies are; nobody else reaches a Space from them."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")
PROXIES = ("http_proxy", "https_proxy", "all_proxy")
SOCKS = ("socks5", "socks5h")


def find_room_for_uploads(stories_folder: str) -> None:
    """Give Gradio's uploads a folder of their own where its usual one cannot be used.

    That is so if another user of the machine has it already, or if the system has no writable
    temporary folder; the story folder then takes them.

    Raises:
        ConfigError: The story folder is not writable either.
    """
    if "GRADIO_TEMP_DIR" in os.environ:
        return
    try:
        usual = Path(tempfile.gettempdir()) / "gradio"
    except FileNotFoundError:
        os.environ["GRADIO_TEMP_DIR"] = tempfile.tempdir = _room_beside_stories(stories_folder)
        return
    if os.path.lexists(usual) and not _is_ours(usual):
        own = usual.with_name(f"gradio-{_user()}")
        with contextlib.suppress(OSError):
            own.mkdir(mode=0o700, exist_ok=True)
        room = str(own) if _is_ours(own) else tempfile.mkdtemp(prefix="gradio-")
        os.environ["GRADIO_TEMP_DIR"] = room


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


def _is_ours(folder: Path) -> bool:
    """Whether a folder is this user's and can be written to; a link may lead anywhere."""
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    is_owner = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return stat.S_ISDIR(found.st_mode) and is_owner and os.access(folder, os.W_OK | os.X_OK)


def _room_beside_stories(stories_folder: str) -> str:
    if "://" in stories_folder:
        raise ConfigError(
            "There is no folder on this machine that can be written to. Gradio needs one for "
            "uploads: set GRADIO_TEMP_DIR."
        )
    room = project_path(stories_folder) / ".uploads"
    try:
        room.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"The story folder {room.parent} cannot be written to ({error.strerror}). Set "
            "SEEDSTORY_STORIES_FOLDER to one that can."
        ) from error
    return str(room)


def is_space() -> bool:
    """Whether this is a Hugging Face Space."""
    return bool(os.environ.get("SPACE_ID"))


def trust_proxies() -> None:
    """On a Space, take the address of a visitor from the Space's own proxies.

    uvicorn follows the forwarded addresses from the last one back, as long as they are trusted, so
    what a visitor writes into the header is not believed. Elsewhere it trusts this machine alone,
    or what `FORWARDED_ALLOW_IPS` names.
    """
    if is_space():
        os.environ.setdefault("FORWARDED_ALLOW_IPS", PRIVATE)


def host_to_listen_on(host: str | None) -> str | None:
    """Return the address to listen on as Gradio takes it, from `--host` or its own variable.

    Gradio puts the address into a URL, where one of IPv6 stands in brackets.
    """
    host = (host or os.environ.get("GRADIO_SERVER_NAME") or "").strip()
    if ":" not in host:
        return host or None
    # Gradio would try this name on an IPv4 socket.
    os.environ.pop("GRADIO_SERVER_NAME", None)
    return host if host.startswith("[") else f"[{host}]"


def tidy_path_prefix() -> None:
    """Begin the path prefix behind a proxy (`GRADIO_ROOT_PATH`) with a slash, and end it without.

    A whole address (`https://…`) only loses the slash at its end.
    """
    given = os.environ.get("GRADIO_ROOT_PATH", "").strip()
    path = given.rstrip("/") if "://" in given else f"/{given.strip('/')}".rstrip("/")
    if "GRADIO_ROOT_PATH" in os.environ:
        os.environ["GRADIO_ROOT_PATH"] = path


def keep_proxies_away(host: str | None) -> None:
    """Let no proxy stand between Gradio and its own server, and drop proxies that httpx refuses.

    httpx, with which Gradio asks, makes its client when it is imported, and raises for a SOCKS
    proxy without the package socksio, for other unknown schemes and for networks in `no_proxy`.
    """
    for name in _set_names(PROXIES):
        scheme = os.environ[name].partition("://")[0].lower() if "://" in os.environ[name] else ""
        can_socks = scheme in SOCKS and importlib.util.find_spec("socksio") is not None
        if scheme not in ("", "http", "https") and not can_socks:
            del os.environ[name]
            log.warning(
                "%s names a proxy of the kind %s, which is not used here. (For SOCKS, install "
                "socksio.)",
                name,
                scheme,
            )
    if not any(_set_names(PROXIES)):
        for name in list(_set_names(("no_proxy",))):
            del os.environ[name]  # nothing to be left out, and nothing to trip over
        return
    given = next((os.environ[name] for name in _set_names(("no_proxy",))), "")
    entries = [entry.strip() for entry in given.split(",")]
    # A network of IPv6 would be taken for a name with a port.
    kept = [entry for entry in entries if entry and not (":" in entry and "/" in entry)]
    own = [*LOOPBACK, *([host.strip("[]")] if host else [])]
    if "*" not in kept:
        kept += [one for one in own if one not in kept]
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(kept)


def _set_names(names: tuple[str, ...]) -> Iterator[str]:
    """Yield those variables that are set, in small letters first, as programs look for them."""
    for name in names:
        for spelled in (name, name.upper()):
            if os.environ.get(spelled):
                yield spelled
