"""Paths of a story in the format of the StoryStream data set, for training."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

from seedstory_core.errors import StorageError
from seedstory_core.story.archive import StoryArchive
from seedstory_core.story.export.files import read_images
from seedstory_core.story.tree import Panel, StoryTree


def to_storystream(
    tree: StoryTree,
    archive: StoryArchive,
    story_id: str,
    folder: str,
    leaf_ids: Sequence[str] | None = None,
) -> str:
    """Write paths of the story in the StoryStream format and return the path of the JSON lines.

    Every line of `storystream.jsonl` is one path with `id`, `images`, `captions` and `orders`; each
    image is stored once in `images/`, even if several paths share it. The text of a panel without
    an image is put before the next caption that has one, or at the end of the last.

    Args:
        tree: The story.
        archive: The archive that holds its images.
        story_id: Its id in the archive.
        folder: A folder on this machine, created if missing.
        leaf_ids: The last panel of each path; None for every leaf of the tree.

    Raises:
        StorageError: The folder cannot be written.

    Source: the released data set, https://huggingface.co/datasets/TencentARC/StoryStream
    """
    leaves = [panel.id for panel in tree.leaves()] if leaf_ids is None else list(leaf_ids)
    target = os.path.join(folder, "storystream.jsonl")
    try:
        os.makedirs(os.path.join(folder, "images"), exist_ok=True)
        names: dict[str, str] = {}
        lines = []
        for number, leaf_id in enumerate(leaves):
            path = tree.path(leaf_id)
            fresh = tuple(panel for panel in path if panel.id not in names)
            for index, data in read_images(archive, story_id, fresh).items():
                panel_id = fresh[index - 1].id
                names[panel_id] = f"images/{panel_id}.png"
                with open(os.path.join(folder, names[panel_id]), "wb") as file:
                    file.write(data)
            lines.append(storystream_line(number, path, names))
        with open(target, "wb") as file:
            file.write("".join(lines).encode("utf-8", "replace"))
    except OSError as error:
        raise StorageError(
            f"The story could not be written to {folder}: {error.strerror or error}. "
            "Choose another folder or free some space."
        ) from error
    return target


def storystream_line(number: int, path: Sequence[Panel], names: dict[str, str]) -> str:
    """Return one path as a line; `names` are the image files by panel id."""
    images: list[str] = []
    captions: list[str] = []
    waiting: list[str] = []
    for panel in path:
        waiting.append(" ".join(panel.text.split()))
        if panel.id in names:
            images.append(names[panel.id])
            captions.append(" ".join(filter(None, waiting)))
            waiting = []
    if captions:
        captions[-1] = " ".join(filter(None, [captions[-1], *waiting]))
    line: dict[str, Any] = {
        "id": number,
        "images": images,
        "captions": captions,
        "orders": list(range(len(images))),
    }
    return json.dumps(line, ensure_ascii=False) + "\n"
