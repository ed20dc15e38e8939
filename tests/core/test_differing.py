"""Beginnings that tell different things are kept."""

from __future__ import annotations

from seedstory_core.generation.differing import choose_differing

RAIN = "Then it began to rain, and Mira ran under the tree."
STILL_RAIN = "Soon it started to rain, so Mira ran under the big tree."
LADDER = "Mira fetched a ladder and leaned it against the wall."
OTTO = "Otto came by with a cake."


def test_the_same_event_in_other_words_is_not_another_one() -> None:
    found = choose_differing([RAIN, STILL_RAIN, LADDER, OTTO], 3)
    assert found[0] == 0
    assert set(found) == {0, 2, 3}


def test_what_is_there_already_is_kept_away_from() -> None:
    assert choose_differing([STILL_RAIN, LADDER, OTTO], 1, unlike=[RAIN, OTTO]) == [1]
    assert choose_differing([RAIN], 1, unlike=[RAIN]) == [0], "one is better than none"


def test_names_that_every_panel_has_tell_nothing_apart() -> None:
    cast = "Little Mira the fox and old Bruno the bear of the windy hill"
    story = [f"{cast} walked on." for _ in range(6)]
    candidates = [f"{cast} sang.", "Bruno slept.", f"{cast} danced."]
    assert choose_differing(candidates, 3, story=story, unlike=[f"{cast} sang."])[-1] == 0


def test_as_many_as_are_wanted_even_of_nothing() -> None:
    assert choose_differing(["", "", ""], 3) == [0, 1, 2]
