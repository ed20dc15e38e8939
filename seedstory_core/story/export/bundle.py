"""One path of a story as a ZIP archive with everything in it."""

from __future__ import annotations

import datetime
import io
import json
import math
import zipfile
from collections.abc import Sequence

from seedstory_core.story.archive import StoryArchive
from seedstory_core.story.export.book import make_book
from seedstory_core.story.export.files import file_name, read_images
from seedstory_core.story.export.storystream import storystream_line
from seedstory_core.story.tree import Panel, StoryTree


def to_zip(tree: StoryTree, archive: StoryArchive, story_id: str, leaf_id: str) -> bytes:
    """Return one path of the story as a ZIP archive.

    Its only folder holds `story.html` (the picture book), `story.json` (the same for programs, with
    seeds and settings), `storystream.jsonl` (the same for training) and `pictures/`.
    """
    path = tree.path(leaf_id)
    images = read_images(archive, story_id, path)
    files = {f"pictures/{number:02d}.png": data for number, data in images.items()}
    names = {path[number - 1].id: f"pictures/{number:02d}.png" for number in images}
    texts = {
        "story.html": make_book(tree.title, path, images),
        "story.json": _story_json(tree.title, path, names),
        "storystream.jsonl": storystream_line(0, path, names),
    }
    files |= {name: text.encode("utf-8", "replace") for name, text in texts.items()}
    folder = file_name(tree.title)
    date = _zip_date(path[-1].created_at)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive_file:
        for name in sorted(files):
            entry = zipfile.ZipInfo(f"{folder}/{name}", date)
            entry.external_attr = 0o644 << 16
            packed = zipfile.ZIP_STORED if name.endswith(".png") else zipfile.ZIP_DEFLATED
            archive_file.writestr(entry, files[name], packed)
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


def _story_json(title: str, path: Sequence[Panel], names: dict[str, str]) -> str:
    panels = [
        {
            "id": panel.id,
            "text": panel.text,
            "author": panel.author,
            "reader_text": panel.reader_text,
            "picture": names.get(panel.id),
            "picture_author": panel.image_source,
            "seed": panel.seed,
            "image_seed": panel.image_seed,
            "settings": panel.settings,
            "is_end": panel.is_end,
            "problem": panel.problem,
        }
        for panel in path
    ]
    return json.dumps({"title": title, "panels": panels}, indent=2, ensure_ascii=False) + "\n"
