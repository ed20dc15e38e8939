"""A story tree: branches share their past, ids are never used twice, panels do not change."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedstory_core.errors import StoryNotFoundError
from seedstory_core.story.tree import Panel, StoryTree, clean_title, id_runs


def panel(panel_id: str, parent: str | None = None, **fields) -> Panel:
    return Panel(id=panel_id, parent=parent, text=fields.pop("text", f"Text {panel_id}."), **fields)


def ids(panels) -> list[str]:
    return [p.id for p in panels]


@pytest.fixture
def tree() -> StoryTree:
    """p1 ─ p2 ─ p3
       └ p4 ─ p5
    p6 (another opening)"""
    return StoryTree(
        [
            panel("p1"),
            panel("p2", "p1"),
            panel("p3", "p2"),
            panel("p4", "p1"),
            panel("p5", "p4"),
            panel("p6"),
        ]
    )


def test_a_path_runs_from_its_root_and_branches_share_the_past(tree):
    assert ids(tree.path("p3")) == ["p1", "p2", "p3"]
    assert ids(tree.path("p5")) == ["p1", "p4", "p5"]
    assert tree.path("p3")[0] is tree.path("p5")[0]
    assert tree.depth("p5") == 3 and tree.depth("p6") == 1


def test_children_siblings_and_leaves(tree):
    assert ids(tree.children(None)) == ["p1", "p6"]
    assert ids(tree.children("p1")) == ["p2", "p4"]
    assert ids(tree.siblings("p2")) == ["p4"] and ids(tree.siblings("p6")) == ["p1"]
    assert ids(tree.leaves()) == ["p3", "p5", "p6"]
    assert tree.newest == tree.panel("p6") and len(tree) == 6 and "p3" in tree


def test_a_new_branch_leaves_its_sibling_untouched(tree):
    before = tree.path("p3")
    tree.add(panel("p7", "p2"))
    assert tree.path("p3") == before
    assert ids(tree.children("p2")) == ["p3", "p7"]


def test_removing_a_branch_takes_what_follows_and_never_frees_an_id(tree):
    assert ids(tree.branch("p1")) == ["p1", "p2", "p3", "p4", "p5"]
    assert ids(tree.remove_branch("p4")) == ["p4", "p5"]
    assert ids(tree) == ["p1", "p2", "p3", "p6"] and ids(tree.children("p1")) == ["p2"]
    tree.remove_branch("p6")
    assert tree.next_id() == "p7"
    with pytest.raises(ValueError, match="p6 was used before"):
        tree.add(panel("p6", "p3"))
    tree.remove_branch("p1")
    assert len(tree) == 0 and tree.newest is None and tree.next_id() == "p7"


def test_unknown_panels_are_named_with_those_there_are(tree):
    with pytest.raises(StoryNotFoundError) as error:
        tree.path("p7")
    assert str(error.value) == (
        "This story has no page p7 (it has p1 to p6). The branch may have been deleted."
    )
    tree.remove_branch("p2")
    with pytest.raises(StoryNotFoundError, match=r"no page p3 \(it has p1, p4 to p6\)"):
        tree.children("p3")
    with pytest.raises(StoryNotFoundError):
        tree.add(panel("p7", "p3"))
    assert tree.next_id() == "p7"


@pytest.mark.parametrize(
    "bad", ["../p1", "p1\x00", "P1", "p01", "p٣", "", None, 1, "<b>", "p" * 9999]
)
def test_a_strange_id_is_not_repeated_in_the_message(tree, bad):
    with pytest.raises(
        StoryNotFoundError, match=r"^This story has no such page \(it has p1 to p6\)"
    ):
        tree.panel(bad)


def test_replacing_keeps_the_place(tree):
    redrawn = dataclasses.replace(tree.panel("p2"), image_name="p2-00000002.png", image_seed=5)
    tree.replace(redrawn)
    assert tree.panel("p2") is redrawn and ids(tree) == ["p1", "p2", "p3", "p4", "p5", "p6"]
    with pytest.raises(ValueError, match="p5 follows p4, not p1"):
        tree.replace(panel("p5", "p1"))
    with pytest.raises(StoryNotFoundError):
        tree.replace(panel("p9", "p1"))


def test_title_is_the_readers_or_the_first_words():
    tree = StoryTree()
    assert tree.title == "Untitled story"
    tree.add(panel("p1", text="On a quiet hill lived Oto, a very sleepy owl."))
    assert tree.title == "On a quiet hill lived Oto, a…"
    tree.title = "  Oto\nand the\x00 bell "
    assert tree.title == "Oto and the bell"
    tree.title = ""
    assert tree.title.startswith("On a quiet")
    assert len(clean_title("x" * 5000)) == 120


def test_panels_are_equal_by_value():
    one = panel("p1", features_sha256="12ab", settings={"top_p": 0.9, "stops": (1, 2)})
    two = panel("p1", features_sha256="12ab", settings={"top_p": 0.9, "stops": [1, 2]})
    assert one == two and hash(one) == hash(two)
    assert one != dataclasses.replace(one, features_sha256="12ac")
    assert one != dataclasses.replace(one, is_end=True)


def test_a_panel_cannot_change_under_its_branches():
    settings: dict[str, Any] = {"stops": [1]}
    made = panel("p1", settings=settings)
    settings["stops"].append(2)
    assert made.settings == {"stops": [1]}
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.text = "other"  # type: ignore[misc]


def test_impossible_panels_are_refused():
    cases: tuple[dict[str, Any], ...] = (
        {"id": "first"},
        {"parent": "p2"},
        {"settings": {"temperature": float("nan")}},
    )
    for bad in cases:
        with pytest.raises(ValueError):
            Panel(**{"id": "p2", "parent": None, "text": "", **bad})


def test_runs_of_ids_read_briefly():
    assert id_runs(["p3", "p1", "p2", "p9"]) == "p1 to p3, p9"
    assert id_runs(f"p{n}" for n in range(1, 99, 2)) == "p1, p3, p5, …, p97"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("aaar"), st.integers(0, 99)), max_size=30))
def test_any_history_leaves_a_sound_tree(moves):
    tree, used = StoryTree(), set()
    for move, pick in moves:
        known = ids(tree)
        if move == "a":
            parent = (known + [None])[pick % (len(known) + 1)]
            assert tree.next_id() not in used
            used.add(tree.next_id())
            tree.add(panel(tree.next_id(), parent))
        elif known:
            gone = ids(tree.remove_branch(known[pick % len(known)]))
            assert set(known) - set(gone) == set(ids(tree))
    for p in tree:
        assert tree.path(p.id)[-1] is p
        assert p in tree.children(p.parent)
    assert {p.id for leaf in tree.leaves() for p in tree.path(leaf.id)} == set(ids(tree))
    assert StoryTree(tree.panels) == tree


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("\U0001f469\u200d\U0001f680 flies", None),
        ("\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", None),
        ("\u0646\u0627\u0645\u200c\u0647\u0627", None),
        ("\u0915\u094d\u200d\u0937", None),
        ("\u2764\ufe0f the fox", None),
        ("\U0001fbff\U000320f0 new", None),
        ("fox\u00adglove", "foxglove"),
        ("\ufeffThe\u200b fox\u202e!", "The fox!"),
        ("The\x00fox\tand\n\n me\ud800", "The fox and me"),
        ("\u200d \u200f", ""),
    ],
)
def test_a_title_keeps_what_joins_letters_and_drops_what_nobody_sees(
    typed: str, kept: str | None
) -> None:
    assert clean_title(typed) == (typed if kept is None else kept)
    assert clean_title(clean_title(typed)) == clean_title(typed)


def test_a_title_is_not_cut_inside_of_a_joined_emoji() -> None:
    assert clean_title("x" * 117 + "\U0001f469\u200d\U0001f680!!") == "x" * 117 + "\U0001f469…"
