"""The figures of the model card, on cases whose scores can be counted by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from seedstory_core.data.attributes import encode
from seedstory_core.data.draw import layout, render_image
from seedstory_core.data.stories import tell
from seedstory_core.data.world import Actor, Scene
from seedstory_core.evaluation.goals import GOALS, verdict
from seedstory_core.evaluation.looks import colours_kept, names_kept
from seedstory_core.evaluation.openings import OPENINGS, Opening, in_full, strangers
from seedstory_core.evaluation.scores import (
    Case,
    Share,
    class_hits,
    hits,
    majority,
    shuffled,
    summarize,
    table,
)

MIRA = Actor(species="fox", pose="stand", expression="happy", facing=None)
BRUNO = Actor(species="bear", pose="sit", expression="sad", facing=None)


def scene(**changes: Any) -> Scene:
    facts: dict[str, Any] = {
        "place": "garden",
        "actors": (MIRA, BRUNO),
        "time": "day",
        "weather": "clear",
        "camera": "wide",
        "prop": "kite",
        "holder": 0,
        "seed": 0,
    }
    return Scene(**{**facts, **changes})


def case(shown: Scene, story: str = "a", **options: Any) -> Case:
    """Return a case: the answers of a perfect classifier to `shown`, against `scene()`."""
    return Case(story, encode(scene()), encode(shown), **options)


def test_a_perfect_image_is_right_in_everything() -> None:
    found = hits(case(scene()))
    assert all(right == asked for right, asked in found.values())
    assert found["expression"] == (2, 2) and found["all characters"] == (1, 1)


def test_each_mistake_costs_its_own_metric_only() -> None:
    def wrong(shown: Scene) -> set[str]:
        return {name for name, (right, asked) in hits(case(shown)).items() if right < asked}

    assert wrong(scene(place="beach")) == {"place"}
    assert wrong(scene(time="night")) == {"time of day"}
    assert wrong(scene(prop="drum")) == {"prop"}
    sad_mira = Actor(species="fox", pose="stand", expression="sad", facing=None)
    assert wrong(scene(actors=(sad_mira, BRUNO))) == {"expression"}
    other = Actor(species="cat", pose="sit", expression="sad", facing=None)
    assert wrong(scene(actors=(MIRA, other))) == {"all characters"}
    assert "main character" in wrong(scene(actors=(BRUNO, MIRA)))
    # An actor too many, or too few, is no right cast.
    assert "all characters" in wrong(scene(actors=(MIRA,)))


def test_questions_that_make_no_sense_are_not_asked() -> None:
    empty = encode(scene(prop=None, holder=None, camera="close"))
    found = hits(Case("a", empty, encode(scene())))
    assert found["prop"] == (0, 0) and found["pose"] == (0, 0)
    only = hits(case(scene(), asked=frozenset({"place"})))
    assert set(only) == {"place"}


def test_shares_are_over_questions_and_intervals_over_stories() -> None:
    cases = [case(scene(), "a")] * 3 + [case(scene(place="beach"), "b")]
    share = summarize(cases)["place"]
    assert share.value == 0.75 and share.count == 4
    # Two stories, one wholly right and one wholly wrong: whole stories are drawn.
    assert (share.low, share.high) == (0.0, 1.0)
    assert summarize(cases)["expression"].count == 8
    assert "| place | 75.0 (0–100) |" in table({"x": summarize(cases)})


def test_baselines_know_nothing_of_the_single_image() -> None:
    beach = Case("b", encode(scene(place="beach")), encode(scene(place="beach")))
    cases = [case(scene())] * 3 + [beach]
    assert summarize(majority(cases))["place"].value == 0.75
    mixed = shuffled(cases)
    assert [c.expected for c in mixed] == [c.expected for c in cases]
    places = sorted(c.seen["place"] for c in mixed)
    assert places == sorted(c.seen["place"] for c in cases)


def test_the_verdict_says_yes_no_and_open() -> None:
    def share(value: float) -> Share:
        return Share(value, value, value, 100)

    results = {
        "ladder": {"codec": {name: share(0.99) for name in GOALS}},
        "stories": {"own caption": {name: share(0.95) for name in GOALS}},
        "long": {
            "multimodal attention sink 1–10": {"place": share(0.95)},
            "multimodal attention sink 16–25": {"place": share(0.91)},
        },
    }
    lines = verdict(results).splitlines()

    def line(goal: str) -> str:
        return next(text for text in lines if text.startswith(f"| {goal} |"))

    assert line("own caption: main character").endswith("| yes |")
    assert line("own caption: place") == "| own caption: place | 97.0 % | 95.0 % | **no** |"
    assert line("own caption against the codec: prop").endswith("| 94.0 % | 95.0 % | yes |")
    assert line("reader's sentence, new wording: place").endswith("| 92.0 % | – | open |")
    assert line("panels 16–25 against 1–10, multimodal attention sink: place").endswith(
        "| 92.0 % | 91.0 % | **no** |"
    )


@pytest.mark.parametrize("metric", GOALS)
def test_every_goal_is_a_metric(metric: str) -> None:
    assert metric in hits(case(scene()))


def test_every_answer_is_also_scored_by_itself() -> None:
    found = class_hits(case(scene(place="beach", prop="drum")))
    assert found["place: garden"] == (0, 1) and found["prop: kite"] == (0, 1)
    assert found["character: fox"] == found["character: bear"] == (1, 1)
    assert found["expression: sad"] == (1, 1)
    # Nobody asks about what should not be there, nor about the third actor, who is absent.
    assert "place: beach" not in found and sum(asked for _, asked in found.values()) == 10
    shares = summarize([case(scene()), case(scene(place="beach"))], class_hits)
    assert "| place: garden | 50.0 (2) |" in table({"x": shares}, counts=True)


def test_colours_are_kept_or_not() -> None:
    shown = scene()
    drawn = render_image(shown)
    assert colours_kept([shown], [drawn])["fox"] == (1, 1)
    blurred = drawn.resize((64, 64)).resize((256, 256))
    assert colours_kept([shown], [blurred])["bear"] == (1, 1)
    cat = Actor(species="cat", pose="stand", expression="happy", facing=None)
    found = colours_kept([shown], [render_image(scene(actors=(cat, BRUNO)))])
    assert found["fox"] == (0, 1) and found["bear"] == (1, 1) and found["cat"] == (0, 0)
    # Another coat, the clothes unchanged.
    pixels = np.asarray(drawn).copy()
    left, top, right, bottom = (round(edge) for edge in layout(shown).heads[0])
    pixels[top:bottom, left:right] = pixels[top:bottom, left:right][..., ::-1]
    assert colours_kept([shown], [Image.fromarray(pixels)])["fox"] == (0, 1)


def test_what_is_said_about_somebody_fits_the_name() -> None:
    assert names_kept(["Mira the fox waved.", "Pip, in his yellow scarf, ran to Ella."]) == (2, 2)
    assert names_kept(["Mira the bear waved to Ella the elephant in his orange overalls."]) == (
        1,
        3,
    )
    assert names_kept(["Cleo the cat, in her red shirt, sang."]) == (1, 2)
    told = [panel.text for seed in range(8) for panel in tell(seed, "test").panels]
    right, count = names_kept(told)
    assert right == count > 8


def test_a_typed_opening_asks_only_what_its_words_decide() -> None:
    plain = Opening("Pip has lost his ball.", ("penguin",))
    assert plain.asked() == {"main character", "all characters"}
    assert plain.scene().actors[0].species == "penguin" and plain.scene().prop is None
    given = Opening("Ella gives Otto a gift.", ("elephant", "duck"), prop="gift", holder=1)
    assert given.asked() == {"main character", "all characters", "prop"}
    assert given.scene().holder == 1


def test_somebody_whom_the_reader_did_not_name_is_found() -> None:
    opening = Opening("Pip is happy.", ("penguin",))
    assert strangers(opening, "Pip is happy. Pip the penguin waved to Cleo.") == ("cat",)
    assert strangers(opening, "Pip is happy. The penguin sang.") == ()
    free = Opening("Today is Pip's birthday!", ("penguin",), others_may_come=True)
    assert strangers(free, "Today is Pip's birthday! Cleo came, too.") == ()
    told = in_full([opening], [["Pip is happy. Cleo came.", "Cleo sang."]])
    assert told.splitlines()[0] == "# Pip is happy.  (brings in cat)"
    assert told.splitlines()[2] == " 2. Cleo sang."


def test_typed_openings_are_no_training_stories() -> None:
    begun = {p.reader_text.strip(". ").lower() for n in range(300) for p in tell(n).panels}
    assert not {opening.text.strip(". ").lower() for opening in OPENINGS} & begun
    assert len({opening.text for opening in OPENINGS}) == len(OPENINGS) >= 40
