"""Readers say a deed in many frames, every one with its right verb form, and type as people do."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable

import pytest

from storyworld.event import FOREIGN_ROLES, events
from storyworld.interventions import foreign_events, opening_panel, reader_panel
from storyworld.language.inflect import ing, past, third
from storyworld.language.pattern import parse_pattern
from storyworld.naming import Foreign, Namer
from storyworld.readers import _ASKED, _TOLD, Reader, slip
from storyworld.staging import stage
from storyworld.storyteller import Storyteller
from storyworld.wordlists import is_held_out, other_words
from storyworld.world import CHARACTERS, PLACES, THINGS
from tests.helpers.small_world import ROLES, world

FORMS: dict[str, Callable[[str], str]] = {"past": past, "present": third, "ing": ing, "base": str}
PLURAL: dict[str, Callable[[str], str]] = {"past": past, "present": str, "ing": ing, "base": str}


class Fixed(random.Random):
    """Chance that chooses one frame, and of everything else the first."""

    def __init__(self, frame: tuple[str, str]) -> None:
        super().__init__(0)
        self.frame = frame

    def choice(self, options):
        return self.frame if self.frame in options else options[0]


class Plain(Reader):
    """A reader who types as they speak and calls everybody by name."""

    def typed(self, text: str) -> str:
        return text

    def _reword(self, slot, roles, words):
        return CHARACTERS[roles[slot.role]].name if slot.role in "ABC" else words


def say(deed: str, frame: tuple[str, str]) -> str:
    rng = Fixed(frame)
    reader = Plain(rng, Namer(rng, introduced={"fox", "bear", "kite"}))
    asked = frame in _ASKED
    line = reader.line(parse_pattern(deed), ROLES, world("floor T P"), asked=asked)
    assert line.asked == asked
    return line.text


# --- frames ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", sorted({*_TOLD, *_ASKED}))
def test_each_frame_has_the_right_verb_forms(frame: tuple[str, str]):
    tense, words = frame
    one, two = (FORMS[tense](verb) for verb in ("carry", "run"))
    text = say("{A} *carry {T} and *run", frame)
    assert re.search(rf"\b{one} the kite and {two}\b", text), text
    assert not set(re.findall(r"\w+", text)) & (
        {past("carry"), third("carry"), ing("carry")} - {one}
    )
    assert "{" not in text and "  " not in text
    if "{subject}" in words or "{}" in words:
        assert "Mira" in text
    if tense == "ing":
        assert "Mira is carrying" in text
    assert all(part.strip() in text for part in re.split(r"\{\w*\}", words))


@pytest.mark.parametrize("frame", sorted({*_TOLD, *_ASKED}))
def test_two_do_things_in_the_plural(frame: tuple[str, str]):
    text = say("{A} and {B} *carry {T}", frame)
    assert re.search(rf"\b{PLURAL[frame[0]]('carry')} the kite\b", text), text
    assert "{rest}" in frame[1] or "Mira and Bruno" in text
    if frame[0] == "ing":
        assert "Mira and Bruno are carrying" in text


@pytest.mark.parametrize(
    ("tense", "one", "two"),
    [("past", "was", "were"), ("present", "is", "are"), ("ing", "is being", "are being")],
)
def test_to_be_has_its_own_forms(tense: str, one: str, two: str):
    frame = (tense, "{}")
    assert say("{A} *be glad", frame) == f"Mira {one} glad"
    assert say("{A} and {B} *be glad", frame) == f"Mira and Bruno {two} glad"


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        ("{A} *fetch {T}", "Mira should fetch the kite"),
        ("{A} quickly *fetch {T}", "Mira should quickly fetch the kite"),
        ("{A} [soon|quickly] *fetch {T}", "Mira should (soon|quickly) fetch the kite"),
        ("{A} [*fetch|*bring] {T}", "Mira should (fetch|bring) the kite"),
        ("{A} *[fetch|bring] {T} [home|]", "Mira should (fetch|bring) the kite( home)?"),
        ("{A} and {B} both *fetch {T}", "Mira and Bruno should both fetch the kite"),
        ("{A}, {B} and {C} *run", "Mira, Bruno and Cleo should run"),
        ("{A} and {B} *fetch {T}", "Mira and Bruno should fetch the kite"),
        ("the wind *blow {T} up", "the wind blow the kite up"),
    ],
)
def test_the_subject_is_what_comes_before_the_verb(deed: str, said: str):
    text = say(deed, ("base", "{subject} should {rest}"))
    assert re.fullmatch(said, text), text


def test_three_and_a_stranger_that_is_many_do_things_in_the_plural():
    assert say("{A}, {B} and {C} *carry {T}", ("present", "{}")).endswith("Cleo carry the kite")
    assert say("{A}, {B} and {C} *be glad", ("ing", "{}")) == "Mira, Bruno and Cleo are being glad"
    rng = Fixed(("present", "{}"))
    reader = Plain(rng, Namer(rng, foreign={"twins": Foreign("twins", "they")}))
    line = reader.line(parse_pattern("{X} *sing"), {"X": "twins"}, world(), asked=False)
    assert line.text == "twins sing"


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        ("{A} *call {B}, and they *go", "Mira calls Bruno, and they go"),
        (
            "{A} *call {B}, and they both *go and *sing",
            "Mira calls Bruno, and they both go and sing",
        ),
        ("{A} *see how it all *begin", "Mira sees how it all begins"),
        ("{A} and {B} *sit, and {A} *be glad", "Mira and Bruno sit, and Mira is glad"),
        ("{A} and {B} *sit, quietly *look and *sing", "Mira and Bruno sit, quietly look and sing"),
        (
            "{A} *sit down and *laugh until they *be tired",
            "Mira sits down and laughs until they are tired",
        ),
    ],
)
def test_every_verb_agrees_with_its_own_subject(deed: str, said: str):
    assert say(deed, ("present", "{}")) == said


def test_a_command_leaves_the_subject_out():
    assert say("{A} *fetch {T}", ("base", "{rest}")) == "fetch the kite"
    assert say("{A} *fetch {T}", ("base", "{rest}, {subject}")) == "fetch the kite, Mira"


def test_every_deed_of_every_event_can_be_said():
    rng = random.Random(0)
    roles = {**ROLES, "D": "duck", "X": "fox", "Y": "kite", "Z": "garden"}
    state = world("floor T P, floor U P, floor V P, floor L P")
    for event in events().values():
        for pattern in event.do[:2]:
            reader = Plain(rng, Namer(rng))
            text = reader.line(pattern, roles, state).text
            assert text and not re.search(r"[{}*\[\]|]|  ", text), text


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("test", [False, True])
def test_readers_have_other_words_of_their_own_split(test: bool):
    rng, state, seen = random.Random(0), world("floor T P"), set[str]()
    pattern = parse_pattern("{A}|{T.noun}|{P.the}".replace("|", ";"))
    for _ in range(600):
        roles = {"A": rng.choice([*CHARACTERS]), "T": rng.choice([*THINGS])}
        roles["P"] = rng.choice([*PLACES])
        names = Namer(rng, introduced={*CHARACTERS, *THINGS})
        person, thing, place = Reader(rng, names, test=test).words(pattern, roles, state).split(";")
        usual = {CHARACTERS[roles["A"]].name, f"the {roles['A']}"}
        usual.add(f"{CHARACTERS[roles['A']].name} the {roles['A']}")
        if person not in usual:
            assert person in other_words("species", test)[roles["A"]]
            assert is_held_out(person) == test
            seen.add("species")
        if thing != roles["T"]:
            assert thing in other_words("synonyms", test)[roles["T"]]
            assert is_held_out(thing) == test
            seen.add("synonyms")
        if place != "the " + PLACES[roles["P"]].at.split(" the ", 1)[-1]:
            seen.add("places")
    assert seen == {"species", "synonyms", "places"}


def test_whom_a_reader_calls_otherwise_the_storyteller_introduces_again():
    rng, state, again = random.Random(0), world(), 0
    for _ in range(100):
        names = Namer(rng, introduced={"fox"})
        said = Reader(rng, names).words(parse_pattern("{A}"), ROLES, state)
        if "Mira" not in said:
            again += 1
            assert "fox" not in names.introduced
    assert again > 10


# --- typing ---------------------------------------------------------------------------------------

TEXT = "Mira should fetch the kite, and don't forget the ladder"


def typed(count: int = 600) -> list[str]:
    rng = random.Random(0)
    return [Reader(rng, Namer(rng)).typed(TEXT) for _ in range(count)]


def test_readers_type_with_every_habit():
    texts = typed()
    seen = {
        "as it is": TEXT in texts,
        "small": TEXT.lower() in texts,
        "loud": any(text.isupper() for text in texts),
        "stop": TEXT + "." in texts,
        "cry": any(text.endswith("!!") for text in texts),
        "please": any(text.endswith(" please") for text in texts),
        "quoted": f'"{TEXT}"' in texts,
        "no commas": any("," not in text and "dont" in text.lower() for text in texts),
        "short and": any(re.search(r" (n|&|\+) ", text) for text in texts),
        "slip": any(re.sub(r"\W", "", t.lower()) != re.sub(r"\W", "", TEXT.lower()) for t in texts),
    }
    assert all(seen.values()), seen
    assert len(set(texts)) > 100


def test_what_is_typed_can_still_be_read():
    def distance(one: str, other: str) -> int:
        row = list(range(len(other) + 1))
        for i, a in enumerate(one, 1):
            before, row[0] = row[0], i
            for j, b in enumerate(other, 1):
                before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
        return row[-1]

    for text in typed(200):
        assert text == text.strip() and text
        assert distance(text.lower(), TEXT.lower()) <= 18


def test_a_slip_changes_one_letter_of_one_longer_word():
    rng, words = random.Random(0), "the fox saw marmalade"
    for _ in range(200):
        slipped = slip(words, rng)
        assert slipped.split()[:3] == words.split()[:3]
        wrong = slipped.split()[3]
        assert wrong[0] == "m" and abs(len(wrong) - len("marmalade")) <= 1
        assert sum((Counter(wrong) - Counter("marmalade")).values()) <= 1
    assert slip("the fox ran", rng) == "the fox ran", "short words are typed right"
    slips = {slip("abcdef", rng) for _ in range(300)}
    assert slips > {"acdef", "abbcdef", "acbdef", "avcdef"}, "left out, doubled, swapped, beside"
    assert "abcdef" not in slips


# --- what readers do ------------------------------------------------------------------------------


def test_a_reader_can_open_a_story():
    opened = Counter[bool]()
    for seed in range(16):
        story = Storyteller(random.Random(seed))
        assert stage(story.director)
        opened[opening_panel(story)] += 1
        for panel in story.panels:
            assert panel.reader_text or panel.hint
            assert panel.text.startswith(panel.reader_text)
    assert opened[True] > 12


def test_a_readers_deed_becomes_true():
    deeds = 0
    for seed in range(24):
        story = Storyteller(random.Random(seed))
        assert stage(story.director)
        story.begin(first=True)
        before = len(story.panels)
        if not reader_panel(story):
            continue
        panel = story.panels[-1]
        assert len(story.panels) == before + 1 and (panel.reader_text or panel.hint)
        event = events()[panel.event]
        if event.tags & {"kindly"}:
            assert panel.hint and not panel.reader_text
            continue
        deeds += 1
        last = {f[:2]: f for f in event.effects if f[0] in ("holds", "mood", "at", "did")}
        for fact in last.values():
            assert story.state.is_true(fact, panel.roles) or fact[0] != "did", (event.name, fact)
    assert deeds > 15


def test_whoever_no_image_can_show_has_a_part_wherever_there_is_one():
    wanted = {e.name for e in events().values() if set(e.roles) & set(FOREIGN_ROLES) and e.do}
    assert {event.name for event in foreign_events()} == wanted
    assert len(wanted) > 50
