"""What the engine makes of words; turns themselves are tested with the session."""

from __future__ import annotations

import threading

import pytest
from PIL import Image

from seedstory_core.engine import Past, StoryEngine, TurnRequest, _join


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


def test_a_picture_is_not_encoded_in_the_middle_of_somebodys_turn(
    tiny_engine: StoryEngine,
) -> None:
    image = Image.new("RGB", (64, 64), "teal")
    turn = tiny_engine.turn(Past(), TurnRequest(reader_text="Mira the fox waves."))
    next(turn)
    done = threading.Event()

    def encode() -> None:
        tiny_engine.encode_image(image)
        done.set()

    waiting = threading.Thread(target=encode, daemon=True)
    waiting.start()
    assert not done.wait(0.5)
    turn.close()
    assert done.wait(30)
