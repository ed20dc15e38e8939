"""What the engine makes of words; turns themselves are tested with the session."""

from __future__ import annotations

import pytest

from seedstory_core.engine import _join


@pytest.mark.parametrize(
    ("reader_text", "written", "text"),
    [
        ("", "Mira waits.", "Mira waits."),
        ("then it rains", ". Mira laughs.", "then it rains. Mira laughs."),
        ("Then it rains.", " Mira laughs.", "Then it rains. Mira laughs."),
        ("Mira and a drag", "on dance", "Mira and a dragon dance"),
        ("I typed <b>", " and it <s>stays", "I typed <b> and it stays"),
        ("Only mine.", "", "Only mine."),
    ],
)
def test_the_models_words_follow_the_readers_as_it_spaced_them(
    reader_text: str, written: str, text: str
) -> None:
    assert _join(reader_text, written) == text
