"""Panels, stories and progress as JSON, for programs."""

from __future__ import annotations

from typing import Any

from demo.addresses import image_url
from seedstory_core import Job, Panel, Progress, StoryTree, title_from_text


def panel_as_json(tree: StoryTree, story_id: str, panel: Panel) -> dict[str, Any]:
    """Return a panel as the API sends it."""
    return {
        "panel_id": panel.id,
        "parent_id": panel.parent,
        "page": tree.depth(panel.id),
        "text": panel.text,
        "reader_text": panel.reader_text,
        "author": panel.author,
        "picture": image_url(story_id, panel.image_name) or None,
        "picture_author": panel.image_source,
        "seed": panel.seed,
        "image_seed": panel.image_seed,
        "is_end": panel.is_end,
        "notes": list(panel.notes),
        "problem": panel.problem,
    }


def story_as_json(tree: StoryTree, story_id: str, panel_id: str | None) -> dict[str, Any]:
    """Return a story as the API sends it, with the path to a panel."""
    path = tree.path(panel_id) if panel_id else ()
    return {
        "story_id": story_id,
        "title": tree.title,
        "num_panels": len(tree),
        "panel_id": panel_id,
        "pages": [panel_as_json(tree, story_id, panel) for panel in path],
    }


def outline_as_json(tree: StoryTree, story_id: str) -> dict[str, Any]:
    """Return all panels of a story as the API sends them."""
    return {
        "story_id": story_id,
        "title": tree.title,
        "panels": [
            {
                "panel_id": panel.id,
                "parent_id": panel.parent,
                "children": [child.id for child in tree.children(panel.id)],
                "page": tree.depth(panel.id),
                "first_words": title_from_text(panel.text),
                "is_end": panel.is_end,
                "problem": panel.problem,
            }
            for panel in tree
        ],
        "leaves": [panel.id for panel in tree.leaves()],
    }


def progress_as_json(job: Job, progress: Progress) -> dict[str, Any]:
    """Return a turn's progress as the API sends it."""
    return {
        "story_id": job.story_id,
        "state": progress.phase,
        "position": progress.position,
        "done": progress.done,
        "total": progress.total,
        "text": progress.text,
    }
