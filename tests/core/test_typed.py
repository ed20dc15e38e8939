"""The words that the model reads of a reader's typing, and those it reports as unknown."""

from __future__ import annotations

import pytest

from seedstory_core.generation.typed import Lexicon, count_words

WORDS = [
    *("Mira", "Otto", "Lulu", "finds", "a", "kite", "balloon", "the", "so", "happy", "dances"),
    *("and", "look", "said", "brings", "ball", "back", "drum", "break", "friendly", "is", "-whale"),
]
LEXICON = Lexicon(WORDS)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("OTTO FINDS A BALLOON!!", "Otto finds a balloon!"),
        ("mira finds a kite. lulu dances", "Mira finds a kite. Lulu dances"),
        ("sooo happy, LULU dances!!!", "So happy, Lulu dances!"),
        ("“Look,” said Mira — the drum…", '"Look," said Mira - the drum...'),
        ("Mira\n\nand  Otto", "Mira and Otto"),
        ("Mira sees NASA", "Mira sees NASA"),
        ("", ""),
    ],
)
def test_habits_of_typing_are_read_as_the_models_texts_are_written(typed: str, read: str) -> None:
    assert LEXICON.tidy(typed) == read
    assert LEXICON.tidy(read) == read


def test_without_a_list_every_text_is_left_as_it_is() -> None:
    nothing = Lexicon(())
    assert nothing.tidy("OTTO  “finds”") == "OTTO  “finds”"
    assert nothing.unknown("a purple Zanzibar") == []


def test_unknown_nouns_and_names_are_named_and_other_words_are_not() -> None:
    assert LEXICON.unknown("Otto quickly juggles the balloon") == []
    assert LEXICON.unknown("then a zebra dances") == ["zebra"]
    assert LEXICON.unknown("Otto and Zoe dances") == ["Zoe"]
    assert LEXICON.unknown("a friendly whale brings the ball back") == ["whale"]
    assert LEXICON.unknown("The drums break.") == []
    assert LEXICON.unknown("the ball bounces, the kite topples over a zebra") == ["zebra"]


def test_the_note_says_what_was_taken_instead() -> None:
    assert LEXICON.explain("mira finds the kiet", "Mira held the kite.") == (
        '"kiet" was read as "kite".'
    )
    note = LEXICON.explain("a whale and a zebra", "They danced.")
    assert note == 'This book\'s pictures do not know "whale" and "zebra": they stay in the words.'
    assert LEXICON.explain("mira finds a kite", "She danced.") == ""


def test_a_word_is_listed_as_it_is_written_inside_sentences() -> None:
    texts = ["The kite rose. Mira ran.", "Kite and Mira's hat: the hat of Mira.", "Once."]
    assert count_words(texts, 2) == ["Mira", "hat", "kite", "the"]
