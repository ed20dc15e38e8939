"""A title from the tale itself."""

from __future__ import annotations

import pytest

from seedstory_core.story.titles import suggest_title

KITE = [
    "One bright afternoon, Lulu the rabbit walked about with a yellow kite.",
    "“Up!” said Lulu, and threw the kite. In the garden Lulu was sad.",
    "Then Mira came. In the garden she held the kite, and Lulu ran.",
]

PLUM = "Pip and the Plum"


@pytest.mark.parametrize(
    ("texts", "title"),
    [
        (KITE, "Lulu and the Kite"),
        (
            [
                "At last Pip saw the magic plum.",
                "How Pip missed the magic plum!",
                "But Pip ate the plum.",
            ],
            PLUM,
        ),
        (KITE[:2], ""),
        ([""] * 5, ""),
        (["...", "!?", "“"], ""),
        (["no names here at all"] * 4, ""),
    ],
)
def test_a_title_has_the_hero_and_the_thing(texts: list[str], title: str) -> None:
    assert suggest_title(texts) == title
