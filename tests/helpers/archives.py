"""Small archived stories, and the ways in which tests change them.

Panels, images and features are the same whoever writes them, so any test can tell what is right.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import uuid
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

from seedstory_core.story.archive import StoryArchive
from seedstory_core.story.files import LocalFiles
from seedstory_core.story.tree import Panel, StoryTree, panel_number


def features_of(number: int) -> np.ndarray:
    return np.random.default_rng(number).standard_normal((4, 6)).astype(np.float32)


def image_of(number: int) -> Image.Image:
    pixels = np.random.default_rng(number).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def panel_of(number: int, parent: str | None) -> Panel:
    """Return panel `number`, the same whoever writes it."""
    return Panel(
        id=f"p{number}",
        parent=parent,
        text=f"Panel {number} of the story.",
        token_ids=tuple(range(number, number + 5)),
        seed=number * 2**33,
        image_seed=number,
        settings={"temperature": 0.1 * number, "top_p": 0.9},
        created_at=1.7e9 + number / 3,
    )


def write_story(archive: StoryArchive, *parents: str | None) -> tuple[str, StoryTree]:
    """Write a story whose panels p1, p2, … have these parents."""
    story_id = archive.create("", "tiny-1").id
    tree = StoryTree()
    for number, parent in enumerate(parents, start=1):
        tree.add(
            archive.append(
                story_id, panel_of(number, parent), image_of(number), features_of(number)
            )
        )
    return story_id, tree


def on_disk(root: Path | str, **calls: Callable[..., Any]) -> StoryArchive:
    """An archive on a disk that answers some system calls so.

    None waits for the platter: a kill is no power cut. The killed subprocess really waits.
    """
    hasty = {"fsync": lambda descriptor: None}
    system = SimpleNamespace(**{**vars(os), **hasty, **calls})
    return StoryArchive(str(root), LocalFiles(str(root), system))


def place_of(kind: str, tmp_path: Path) -> str:
    disk = str(tmp_path / "new" / "stories")
    return disk if kind == "disk" else f"memory://{uuid.uuid4().hex}/stories"


def check_consistent(archive: StoryArchive, story_id: str) -> StoryTree:
    """Check that every panel is complete."""
    found = archive.load(story_id)
    # A page that was being saved may leave its picture.
    assert [w for w in found.warnings if "it was never finished, or" not in w] == []
    for panel in found.tree:
        number = panel_number(panel.id)
        bare = dataclasses.replace(
            panel,
            image_name=None,
            image_sha256=None,
            features_name=None,
            features_sha256=None,
            image_seed=0,
        )
        assert bare == dataclasses.replace(panel_of(number, panel.parent), image_seed=0)
        image = archive.image(story_id, panel)
        assert image.tobytes() == image_of(panel.image_seed).tobytes()
        assert archive.features(story_id, panel).tobytes() == features_of(number).tobytes()
    return found.tree


def killed_at_step(root: str, step: int) -> StoryArchive:
    """An archive whose system call number `step` that changes the disk never happens."""
    calls = iter(range(10_000))

    def mortal(real):
        def call(*args, **kwargs):
            if next(calls) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)

        return call

    names = ("open", "fsync", "link", "unlink", "replace", "rename", "makedirs")
    hasty = {name: getattr(os, name) for name in names} | {"fsync": lambda descriptor: None}
    return on_disk(root, **{name: mortal(call) for name, call in hasty.items()})


# Changes of the story p1, p2, p3

ACTIONS = ["append", "append_group", "replace", "remove", "rename", "pin", "delete"]


def group_of(*numbers: int, parent: str) -> list[tuple[Panel, Any, Any]]:
    return [(panel_of(number, parent), image_of(number), features_of(number)) for number in numbers]


def act(action: str, archive: StoryArchive, story_id: str, tree: Any) -> None:
    """Change the story p1, p2, p3 in one way."""
    match action:
        case "append":
            archive.append(
                story_id, panel_of(4, "p3"), image_of(4), features_of(4), grandparent="p2"
            )
        case "append_group":
            archive.append_group(story_id, group_of(4, 5, 6, parent="p3"), grandparent="p2")
        case "replace":
            changed = dataclasses.replace(tree.panel("p2"), image_seed=70)
            archive.replace(story_id, changed, image_of(70))
        case "remove":
            archive.remove_branch(story_id, tree.branch("p2"))
        case "rename":
            archive.set_title(story_id, "After", was="Before")
        case "pin":
            archive.set_settings(story_id, {"pinned": ["p1"]}, was={})
        case "delete":
            archive.delete(story_id)


def is_done(action: str, archive: StoryArchive, story_id: str) -> bool:
    """Whether a story is as after the action (True) or as before (False), and nothing else."""
    if story_id not in [summary.id for summary in archive.list()]:
        assert action == "delete"
        return True
    found = archive.load(story_id)
    unfinished = "without its record: it was never finished, or"
    assert [w for w in found.warnings if unfinished not in w] == []
    for panel in found.tree:
        assert archive.image(story_id, panel).tobytes() == image_of(panel.image_seed).tobytes()
        number = panel_number(panel.id)
        assert archive.features(story_id, panel).tobytes() == features_of(number).tobytes()
    ids = [panel.id for panel in found.tree]
    states = {
        "ids": (["p1", "p2", "p3"], ids),
        "image": (2, found.tree.panel("p2").image_seed if "p2" in ids else 2),
        "title": ("Before", found.tree.title),
        "settings": ({}, found.header.settings),
    }
    changed = {name: new for name, (old, new) in states.items() if new != old}
    after: dict[str, Any] = {
        "append": {"ids": ["p1", "p2", "p3", "p4"]},
        "append_group": {"ids": ["p1", "p2", "p3", "p4", "p5", "p6"]},
        "replace": {"image": 70},
        "remove": {"ids": ["p1"]},
        "rename": {"title": "After"},
        "pin": {"settings": {"pinned": ["p1"]}},
        "delete": None,
    }
    assert changed in ({}, after[action])
    return bool(changed)


def new_story(archive: StoryArchive) -> tuple[str, Any]:
    story_id, tree = write_story(archive, None, "p1", "p2")
    archive.set_title(story_id, "Before")
    return story_id, tree
