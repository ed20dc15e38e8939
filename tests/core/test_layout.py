"""The map: every panel has a place of its own, and a row reads from left to right."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from seedstory_core.story.layout import Place, lay_out
from seedstory_core.story.tree import Panel, StoryTree


def tree_of(*parents: int) -> StoryTree:
    """Return a tree of panels p1, p2 …, each after the panel with this number; 0 is none."""
    return StoryTree(
        Panel(f"p{number}", f"p{parent}" if parent else None, f"Page {number}.")
        for number, parent in enumerate(parents, 1)
    )


def test_the_first_way_stays_in_its_row_and_others_go_below_it() -> None:
    #  p1 - p2 - p3 - p6
    #          \ p4
    #     \ p5
    places = lay_out(tree_of(0, 1, 2, 2, 1, 3)).places
    assert places == {
        "p1": Place(0, 0),
        "p2": Place(1, 0),
        "p3": Place(2, 0),
        "p6": Place(3, 0),
        "p4": Place(2, 1),
        "p5": Place(1, 2),
    }
    assert list(places) == ["p1", "p2", "p3", "p6", "p4", "p5"]


def test_an_empty_story_has_an_empty_map() -> None:
    layout = lay_out(StoryTree())
    assert (layout.places, layout.num_columns, layout.num_rows) == ({}, 0, 0)


def test_a_story_longer_than_pythons_stack_has_a_map() -> None:
    layout = lay_out(tree_of(*range(3000)))
    assert (layout.num_columns, layout.num_rows) == (3000, 1)


@given(st.integers(0, 10_000))
def test_no_two_panels_share_a_place_and_no_line_crosses_a_panel(seed: int) -> None:
    chance = random.Random(seed)
    parents = [0, *(chance.randint(max(0, n - 4), n) for n in range(1, chance.randint(2, 60)))]
    tree = tree_of(*parents)
    layout = lay_out(tree)
    assert set(layout.places) == {panel.id for panel in tree}
    assert len(set(layout.places.values())) == len(tree)
    assert layout.num_rows == len(tree.leaves())
    for panel in tree:
        place = layout.places[panel.id]
        assert place.column == tree.depth(panel.id) - 1
        if panel.parent is None:
            continue
        above = layout.places[panel.parent]
        # A line goes down in the column of the parent, then right: no panel stands in its way.
        on_the_way = [
            p
            for p in layout.places.values()
            if p.column == above.column + 1 and above.row < p.row < place.row
        ]
        siblings = {layout.places[one.id] for one in tree.children(panel.parent)}
        assert set(on_the_way) <= siblings
