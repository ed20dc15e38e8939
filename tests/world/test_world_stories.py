"""Whole stories: the same every time, complete, and every image follows from its caption."""

from __future__ import annotations

import random
import re

import pytest

from storyworld.event import events
from storyworld.interventions import _foreign_deed
from storyworld.scene import Scene
from storyworld.staging import stage
from storyworld.state import MOODS
from storyworld.stories import MOST_IN_A_TALE, Story, dump, tell
from storyworld.storyteller import THE_END, Panel, Storyteller
from storyworld.teller import NEXT_FRAMING
from storyworld.wordlists import _lines, is_held_out
from storyworld.world import CHARACTERS, THINGS
from tests.world.test_events import complaint

PRONOUNS = {"he": r"he|him|his|himself", "she": r"she|her|hers|herself"}


def panels(stories: list[Story]) -> list[Panel]:
    return [panel for story in stories for panel in story.panels]


def told(panel: Panel) -> str:
    """Return the storyteller's part of a caption."""
    return panel.text[len(panel.reader_text) :]


# --- sameness -------------------------------------------------------------------------------------


def test_the_same_seed_tells_the_same_story(families: list[list[Story]]):
    for seed in (0, 3):
        again = tell(seed, branches=len(families[seed]) - 1)
        assert again == families[seed]


def test_other_seeds_and_splits_tell_other_stories():
    texts = {
        " ".join(panel.text for panel in tell(seed, split)[0].panels)
        for seed in range(2)
        for split in ("train", "validation", "test")
    }
    assert len(texts) == 6


def test_ids_are_unique(stories: list[Story]):
    assert len({story.id for story in stories}) == len(stories)


def test_branches_do_not_change_the_story_they_part_from():
    assert tell(1, branches=2)[0] == tell(1)[0]


# --- shape ----------------------------------------------------------------------------------------


def test_every_story_ends(stories: list[Story]):
    for story in stories:
        assert story.panels[-1].text.endswith(THE_END)
        assert story.wishes and all(status in ("met", "up") for _, _, status in story.wishes)


def test_an_end_is_said_once_for_every_tale(stories: list[Story]):
    for story in stories:
        ends = [n for n, panel in enumerate(story.panels) if panel.text.endswith(THE_END)]
        assert len(ends) == len(story.wishes)
        assert sum(THE_END in panel.text for panel in story.panels) == len(ends)


def test_every_wish_is_said_and_closed(stories: list[Story]):
    for story in stories:
        closed = [p.event for p in story.panels if p.event.split()[0] in ("met", "up")]
        assert closed == [f"{status} {kind}" for kind, _, status in story.wishes]


@pytest.mark.parametrize("bounds", [(6, 30), (6, 12), (4, 9), (16, 24)])
def test_a_story_has_as_many_panels_as_asked(bounds: tuple[int, int]):
    for seed in range(2):
        (story,) = tell(seed, panels=bounds)
        assert bounds[0] <= len(story.panels) <= bounds[1]


def test_a_tale_is_not_endless(stories: list[Story]):
    for story in stories:
        ends = [-1] + [n for n, p in enumerate(story.panels) if p.text.endswith(THE_END)]
        spans = [b - a for a, b in zip(ends, ends[1:], strict=False)]
        assert max(spans) <= MOST_IN_A_TALE + (6 if story.shared else 0), story.id


def test_no_story_where_nothing_can_be_staged(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("storyworld.stories.stage", lambda director, **options: False)
    with pytest.raises(ValueError, match="No story of 6 to 9 panels came of seed 0"):
        tell(0, panels=(6, 9))


# --- branches -------------------------------------------------------------------------------------


def test_branches_share_exactly_their_past(families: list[list[Story]]):
    others = 0
    for family in families:
        assert family[0].shared == 0
        for other in family[1:]:
            others += 1
            shared = other.shared
            assert 0 < shared < min(len(other.panels), len(family[0].panels))
            assert other.panels[:shared] == family[0].panels[:shared]
            assert other.panels[shared] != family[0].panels[shared]
    assert others > 4


# --- captions -------------------------------------------------------------------------------------


def test_captions_are_whole(stories: list[Story]):
    wrong = []
    for panel in panels(stories):
        # A quotation mark may stand between two stops.
        text = told(panel).replace('"', "")
        if complaint(text):
            wrong.append(f"{panel.event}: {complaint(text)}")
        assert panel.text == panel.text.strip() and len(panel.text.split()) < 90
        assert told(panel).strip() or panel.reader_text
    assert not wrong, "\n".join(wrong)


def test_captions_begin_with_a_capital_and_end_with_a_stop(stories: list[Story]):
    for panel in panels(stories):
        text = told(panel).lstrip(".!?") if panel.reader_text else panel.text
        text = text.strip()
        if text:
            assert text[0].isupper() or not text[0].isalpha(), text
            assert text[-1] in ".!?\"'”)", text


def test_quotation_marks_come_in_pairs(stories: list[Story]):
    for panel in panels(stories):
        if not panel.reader_text:
            assert panel.text.count('"') % 2 == 0, panel.text


def test_what_a_reader_wrote_begins_the_caption(stories: list[Story]):
    written = [panel for panel in panels(stories) if panel.reader_text]
    hinted = [panel for panel in panels(stories) if panel.hint]
    assert written and hinted
    for panel in written:
        assert panel.text.startswith(panel.reader_text) and not panel.hint
    for panel in hinted:
        assert not panel.text.startswith(panel.hint)


def test_a_story_without_readers_has_no_readers_text():
    for seed in range(3):
        (story,) = tell(seed, reader_share=0.0)
        assert not any(panel.reader_text or panel.hint for panel in story.panels)


def test_no_sentence_of_a_story_is_told_again_and_again(stories: list[Story]):
    for story in stories:
        said = [s for p in story.panels for s in re.split(r"(?<=[.!?]) ", told(p)) if s.split()[5:]]
        assert len(said) - len(set(said)) <= 2, story.id


def test_panels_name_events_that_there_are(stories: list[Story]):
    for panel in panels(stories):
        first, _, kind = panel.event.partition(" ")
        assert (
            panel.event in events()
            or panel.event == "end"
            or (first in ("wish", "met", "up") and kind)
        )


# --- images ---------------------------------------------------------------------------------------


def test_every_character_in_an_image_is_spoken_of(stories: list[Story]):
    for panel in panels(stories):
        if panel.reader_text:
            continue  # readers have words of their own, and slips
        for actor in panel.scene.actors:
            one = CHARACTERS[actor.species]
            words = f"{one.name}|{actor.species}|{PRONOUNS[one.pronoun]}|they|them|their|both|all"
            assert re.search(rf"\b({words})\b", panel.text, re.I), f"{actor.species}: {panel.text}"


def test_every_thing_in_an_image_is_spoken_of(stories: list[Story]):
    for panel in panels(stories):
        if panel.reader_text:
            continue
        for thing in panel.scene.things:
            words = rf"\b({thing.kind}(s|es)?|it|its)\b"
            assert re.search(words, panel.text, re.I), f"{thing.kind}: {panel.text}"


def test_characters_stand_in_the_order_in_which_they_are_named(stories: list[Story]):
    for panel in panels(stories):
        if panel.reader_text:
            continue
        places = []
        for actor in panel.scene.actors:
            one = CHARACTERS[actor.species]
            if found := re.search(rf"\b({one.name}|{actor.species})\b", panel.text):
                places.append(found.start())
        assert places == sorted(places), panel.text


def test_framing_follows_its_rule(stories: list[Story]):
    for story in stories:
        last: Scene | None = None
        for panel in story.panels:
            same = last is not None and last.place == panel.scene.place
            expected = NEXT_FRAMING[last.framing] if last is not None and same else "middle"
            assert panel.scene.framing == expected
            last = panel.scene
    assert set(NEXT_FRAMING) == set(NEXT_FRAMING.values()), "every framing comes round"


def test_about_one_panel_in_eight_is_close(stories: list[Story]):
    cameras = [panel.scene.camera for panel in panels(stories)]
    assert 1 / 12 < cameras.count("close") / len(cameras) < 1 / 6


def test_images_differ_in_what_they_show(stories: list[Story]):
    scenes = [panel.scene for panel in panels(stories)]
    assert {len(scene.actors) for scene in scenes} >= {1, 2, 3}
    assert len({scene.place for scene in scenes}) > 9
    assert len({actor.expression for scene in scenes for actor in scene.actors}) >= len(MOODS) - 2
    assert len({actor.pose for scene in scenes for actor in scene.actors}) > 8
    assert len({thing.kind for scene in scenes for thing in scene.things}) > len(THINGS) / 2


# --- splits ---------------------------------------------------------------------------------------


def strangers(stories: list[Story]) -> set[str]:
    """Return the foreign words that the panels used."""
    known = {word for name in ("names", "people", "things", "places") for word, _ in _lines(name)}
    found = set()
    for panel in panels(stories):
        for role in "XYZ":
            word = panel.roles.get(role, "")
            parts = [*word.split(" the "), word.partition(" ")[2]]
            found |= {word} & known or {part for part in parts if part in known}
    return found


def test_stories_speak_of_their_own_splits_strangers_only(
    families: list[list[Story]], test_stories: list[Story]
):
    learnt = strangers([story for family in families for story in family])
    assert learnt and not any(map(is_held_out, learnt))
    assert all(map(is_held_out, strangers(test_stories)))


@pytest.mark.parametrize("test", [False, True])
def test_readers_bring_in_their_own_splits_strangers_only(test: bool):
    story = Storyteller(random.Random(0), test=test)
    assert stage(story.director)
    steps = [step for _ in range(60) if (step := _foreign_deed(story))]
    known = {word for name in ("names", "people", "things", "places") for word, _ in _lines(name)}
    found = set(story.foreign_roles) & known
    assert len(steps) > 20 and len(found) > 10
    assert all(is_held_out(word) == test for word in found)


def test_a_dump_shows_who_wrote_what(families: list[list[Story]]):
    text = dump(families[0][0])
    assert text.startswith("# train-0000000 ") and text.count("\n") == len(families[0][0].panels)
    assert THE_END in text
