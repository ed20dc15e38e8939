"""What the storyteller has in view of a story, as JSON for the page: its dots and its lens."""

from __future__ import annotations

from typing import Any

from seedstory_core import POLICIES, StorySession

FORECAST_PAGES = 10
"""Pages for which the dialog looks ahead."""


def sights_as_json(session: StorySession, panel_id: str) -> dict[str, Any]:
    """Return what the turn after a panel sees of each panel on the path, and under each policy.

    Raises:
        StoryNotFoundError: There is no such panel.
    """
    now = session.outlook(panel_id)
    later = session.outlook(panel_id, FORECAST_PAGES)
    return {
        "sights": {one.panel_id: one.sight for one in session.sights(panel_id)},
        "rows": now.num_rows,
        "megabytes": _megabytes(now.num_rows * now.row_bytes),
        "policy": session.policy.policy,
        "pages_ahead": FORECAST_PAGES,
        "policies": [
            {
                "name": name,
                "label": policy.label,
                "seen": now.seen[name],
                "megabytes": _megabytes(now.seen[name] * now.row_bytes),
                "seen_later": later.seen[name],
                "megabytes_later": _megabytes(later.seen[name] * now.row_bytes),
            }
            for name, policy in POLICIES.items()
        ],
    }


def lens_as_json(session: StorySession, panel_id: str, leaf_id: str) -> dict[str, Any]:
    """Return which words and image tokens of a panel the turn after another one sees.

    Raises:
        StoryNotFoundError: There is no such panel on the path.
    """
    lens = session.lens(panel_id, leaf_id)
    return {
        "words": [list(run) for run in lens.words],
        "image_seen": lens.num_image_seen,
        "image_rows": lens.num_image_rows,
        "is_pinned": panel_id in session.pinned,
    }


def _megabytes(num_bytes: int) -> float:
    return round(num_bytes / 2**20, 2)
