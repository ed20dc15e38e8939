"""Where the panels of a story stand on a map: one column per page, one row per branch.

The first continuation stays in the row of its parent, and every further one begins a row below all
that the earlier ones take. So a row is read from left to right, no lines cross, and a new branch
moves only what is below it.
"""

from __future__ import annotations

from dataclasses import dataclass

from seedstory_core.story.tree import StoryTree


@dataclass(frozen=True)
class Place:
    """A panel's place: column 0 is the first page, row 0 the oldest branch."""

    column: int
    row: int


@dataclass(frozen=True)
class Layout:
    """The places of all panels, by id, in order of the map: row by row."""

    places: dict[str, Place]

    @property
    def num_columns(self) -> int:
        """Pages of the longest path."""
        return 1 + max((place.column for place in self.places.values()), default=-1)

    @property
    def num_rows(self) -> int:
        """Branches that end somewhere."""
        return 1 + max((place.row for place in self.places.values()), default=-1)


def lay_out(tree: StoryTree) -> Layout:
    """Return the places of a story's panels; the order is that of a walk through the tree."""
    places: dict[str, Place] = {}
    next_row = 0
    # The walk keeps its own stack: a story may be longer than Python's.
    waiting = [(panel.id, 0, True) for panel in reversed(tree.children(None))]
    while waiting:
        panel_id, column, begins_row = waiting.pop()
        if begins_row:
            row, next_row = next_row, next_row + 1
        places[panel_id] = Place(column, row)
        first, *others = [panel.id for panel in tree.children(panel_id)] or [""]
        waiting += [(other, column + 1, True) for other in reversed(others)]
        if first:
            waiting.append((first, column + 1, False))
    return Layout(places)
