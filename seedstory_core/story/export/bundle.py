"""One path of a story as a ZIP archive with everything in it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from seedstory_core.story.archive import StoryArchive
from seedstory_core.story.export.book import make_book
from seedstory_core.story.export.files import file_name, pack, read_images
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
    entries = [(f"{folder}/{name}", files[name]) for name in sorted(files)]
    return pack(entries, path[-1].created_at, stored=(".png",))


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
