"""The agency figures ask what a reader would complain about."""

from __future__ import annotations

import pytest
from PIL import Image

pytest.importorskip("skia", exc_type=ImportError)

from seedstory_core.engine import StoryEngine
from seedstory_core.evaluation.agency import inputs
from seedstory_core.evaluation.agency.figures import FIGURES, are_different
from seedstory_core.evaluation.agency.images import Painted, compared, sheet
from seedstory_core.evaluation.agency.inputs import content_words, known, names
from seedstory_core.evaluation.agency.telling import Turn, events_of, go_on
from seedstory_core.evaluation.scores import wilson
from seedstory_core.generation.typed import Lexicon
from storyworld.stories import tell


def test_there_are_as_many_inputs_as_the_figures_take() -> None:
    assert len(inputs.openings()) >= FIGURES["openings"][1]
    assert len(inputs.lines()) >= FIGURES["lines"][1]
    assert len(inputs.pairs()) >= FIGURES["pairs"][1]
    assert len(inputs.texts("wishes")) >= FIGURES["wishes"][1]
    assert len(inputs.texts("hostile")) >= FIGURES["hostile"][1]


def test_what_was_typed_is_in_no_training_story() -> None:
    told = {panel.reader_text.lower() for seed in range(40) for panel in tell(seed)[0].panels}
    assert not told & {opening.text.lower() for opening in inputs.openings()}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Mira", "fox"),
        ("a little bear", "bear"),
        ("the woods", "forest"),
        ("telescope", "telescope"),
    ],
)
def test_words_of_readers_are_understood_or_kept(typed: str, meant: str) -> None:
    assert known(typed) == meant


def test_somebody_is_named_by_any_of_their_names() -> None:
    assert names("The bunny hopped away.", "rabbit")
    assert names("Lulu's hat", "rabbit")
    assert not names("Mira hopped away.", "rabbit")
    assert names("a shiny telescope", "telescope")


def test_content_words_are_what_is_left_without_names_and_small_words() -> None:
    assert content_words("Mira wants to get her kite back", ["fox", "kite"]) == {"back"}


def test_the_same_event_in_other_words_is_no_other_event() -> None:
    story = tell(7, "test", reader_share=0.0)[0]
    texts = [panel.text for panel in story.panels]
    assert not are_different(texts[1], texts[1])
    named = [events_of(text) for text in texts]
    assert sum(bool(events) for events in named) > len(texts) / 2
    other = next(i for i in range(2, len(texts)) if named[i] and not named[i] & named[1])
    assert are_different(texts[1], texts[other])


def test_an_interval_holds_its_share_and_shrinks_with_more_questions() -> None:
    few, many = wilson([True] * 9 + [False]), wilson([True] * 900 + [False] * 100)
    assert few.low < few.value < few.high
    assert few.high - few.low > many.high - many.low
    assert wilson([True] * 20).high == 1.0 and wilson([True] * 20).low > 0.8


def test_a_story_is_told_panel_by_panel_over_what_readers_do(small_engine: StoryEngine) -> None:
    panels, pasts = go_on(
        small_engine, [Turn("Mira waves.", complete=False), Turn(), Turn("Rain!")], 1
    )
    assert panels[0].text == panels[0].given == "Mira waves."
    assert panels[2].given == "Rain!" and panels[2].text.startswith("Rain!")
    again, _ = go_on(small_engine, [Turn()], 1, past=pasts[0])
    assert len(again) == 1


def test_images_are_held_against_what_their_panels_name() -> None:
    nobody = {f"character{slot}": "absent" for slot in range(4)}
    nothing = {f"thing{slot}": "none" for slot in range(4)}
    image = Image.new("RGB", (32, 32))
    panels = [
        Painted("Mira has a kite.", image, nobody | nothing | {"thing1": "kite"}),
        Painted("Mira has a ball.", image, nobody | nothing | {"character0": "fox"}),
        Painted(
            "Mira waves.",
            image,
            nobody | nothing | dict.fromkeys(("character0", "character2"), "fox"),
        ),
    ]
    shown, twice = compared(panels, Lexicon(()))
    assert shown.value is not None and shown.value.value == 0.5
    assert twice.value is not None and twice.value.value == pytest.approx(1 / 3)
    assert "[not seen: ball]" in shown.texts[1] and "[twice]" in shown.texts[2]
    assert sheet(shown.images).size == (2560, 256)
