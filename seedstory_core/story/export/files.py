"""Helpers of all formats: a path's images, a file name, a ZIP."""

from __future__ import annotations

import datetime
import io
import math
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Sequence

from seedstory_core.errors import StorageError
from seedstory_core.story.archive import StoryArchive
from seedstory_core.story.records import from_png
from seedstory_core.story.tree import Panel

MAX_NAME_CHARS = 50
MAX_NAME_BYTES = 120
"""Room for an extension on every disk: some encrypted ones take 143 bytes."""
DEVICES = re.compile(r"con|prn|aux|nul|clock|conin|conout|com[0-9]|lpt[0-9]")
"""Names that Windows keeps for devices, with any extension."""
_LATIN = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ı": "i"}
)


def file_name(title: str) -> str:
    """Turn a title into a file name that any disk allows: `Pip's Kite` becomes `pips-kite`.

    Latin letters become plain ones, and letters of other scripts stay as they are.
    """
    plain = "".join(map(_plain, unicodedata.normalize("NFKC", title).lower().translate(_LATIN)))
    name = "-".join(plain.replace("'", "").replace("’", "").split())[:MAX_NAME_CHARS]
    name = name.encode()[:MAX_NAME_BYTES].decode(errors="ignore").strip("-") or "story"
    return f"story-{name}" if DEVICES.fullmatch(name) else name


def _plain(letter: str) -> str:
    """Return a letter as a file name has it; a space in place of anything else."""
    if letter in "'’":
        return letter
    if "LATIN" in unicodedata.name(letter, ""):
        plain = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode("ascii")
        return plain if plain.isalnum() else ""
    kind = unicodedata.category(letter)
    if kind == "Cf":  # joiners
        return ""
    # Marks belong to the letters before them: vowels of Hindi, for example.
    return letter if letter.isalnum() or kind in ("Mn", "Mc") else " "


def pack(files: Iterable[tuple[str, bytes]], seconds: float, stored: tuple[str, ...]) -> bytes:
    """Return files as a ZIP; the same files always make the same one.

    Args:
        files: Names and contents.
        seconds: Time of all files, in Unix seconds.
        stored: Endings of files that are not compressed.
    """
    date = _zip_date(seconds)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive_file:
        for name, data in files:
            entry = zipfile.ZipInfo(name, date)
            entry.external_attr = 0o100644 << 16
            packed = zipfile.ZIP_STORED if name.endswith(stored) else zipfile.ZIP_DEFLATED
            archive_file.writestr(entry, data, packed)
    return buffer.getvalue()


def _zip_date(seconds: float) -> tuple[int, int, int, int, int, int]:
    """Return a time in UTC as ZIP can hold it: from 1980 to 2107."""
    first, last = (
        datetime.datetime(year, month, day, tzinfo=datetime.UTC).timestamp()
        for year, month, day in ((1980, 1, 1), (2107, 12, 31))
    )
    inside = min(max(seconds, first), last) if math.isfinite(seconds) else first
    moment = datetime.datetime.fromtimestamp(inside, datetime.UTC)
    day = moment.date()
    return day.year, day.month, day.day, moment.hour, moment.minute, moment.second


def read_images(archive: StoryArchive, story_id: str, path: Sequence[Panel]) -> dict[int, bytes]:
    """Return a path's PNG files by panel number from 1, without missing or damaged ones."""
    images = {}
    for number, panel in enumerate(path, start=1):
        if panel.image_name is None:
            continue
        try:
            data = archive.image_bytes(story_id, panel.image_name)
            from_png(panel.image_name, data)
        except StorageError:
            continue
        images[number] = data
    return images
