"""A scene as class numbers, for training and for measuring.

Every attribute is one question with a fixed list of answers. Questions about an actor or a thing
are asked per slot, actors and things from left to right as the image shows them. A question that
does not apply (the pose of an absent third actor) has the answer `UNASKED`, which losses and scores
ignore.
"""

from __future__ import annotations

from storyworld.drawing.compose import Box, layout
from storyworld.drawing.poses import shows_pose
from storyworld.scene import (
    CAMERAS,
    EXPRESSIONS,
    FACINGS,
    FRAMINGS,
    MAX_ACTORS,
    MAX_THINGS,
    POSES,
    SPOTS,
    TIMES,
    WEATHERS,
    Scene,
    Thing,
)
from storyworld.world import CHARACTERS, PLACES, THINGS

UNASKED = -100

STATES: tuple[str, ...] = tuple(
    dict.fromkeys(state for kind in THINGS.values() for state in kind.states)
)
"""Every state of any kind of thing: `whole`, `broken`, ..."""
WHERES: tuple[str, ...] = (
    *(f"{where}{slot}" for where in ("hand", "both", "head") for slot in range(MAX_ACTORS)),
    *("floor", "table", "high", "sky", "water"),
)
"""Where a thing is, with the index of its holder: `hand0`, ..., `head3`, `floor`, ..."""

SCENE_QUESTIONS: dict[str, tuple[str, ...]] = {
    "place": tuple(PLACES),
    "time": TIMES,
    "weather": WEATHERS,
    "camera": CAMERAS,
    "framing": FRAMINGS,
    "dark": ("no", "yes"),
    "actors": tuple(str(number) for number in range(1, MAX_ACTORS + 1)),
}
ACTOR_QUESTIONS: dict[str, tuple[str, ...]] = {
    "character": (*CHARACTERS, "absent"),
    "pose": POSES,
    "expression": EXPRESSIONS,
    "facing": FACINGS,
    "spot": SPOTS,
}
THING_QUESTIONS: dict[str, tuple[str, ...]] = {
    "thing": (*THINGS, "none"),
    "state": STATES,
    "where": WHERES,
}
QUESTIONS: dict[str, tuple[str, ...]] = (
    SCENE_QUESTIONS
    | {
        f"{question}{slot}": answers
        for slot in range(MAX_ACTORS)
        for question, answers in ACTOR_QUESTIONS.items()
    }
    | {
        f"{question}{slot}": answers
        for slot in range(MAX_THINGS)
        for question, answers in THING_QUESTIONS.items()
    }
)
"""Every question and its answers, by name: `place`, ..., `character0`, ..., `where2`."""


def encode(scene: Scene) -> dict[str, int]:
    """Answer every question about a scene with a class number (or `UNASKED`)."""
    words: dict[str, str | None] = {
        "place": scene.place,
        "time": scene.time,
        "weather": scene.weather,
        "camera": scene.camera,
        "framing": scene.framing,
        "dark": "yes" if scene.dark else "no",
        "actors": str(len(scene.actors)),
    }
    for slot in range(MAX_ACTORS):
        words |= {f"{question}{slot}": word for question, word in _actor(scene, slot).items()}
    shown = sorted(zip(layout(scene).things, scene.things, strict=True), key=_middle)
    for slot in range(MAX_THINGS):
        thing = shown[slot][1] if slot < len(shown) else None
        words |= {f"{question}{slot}": word for question, word in _thing(thing).items()}
    return {
        question: UNASKED if word is None else QUESTIONS[question].index(word)
        for question, word in words.items()
    }


def _actor(scene: Scene, slot: int) -> dict[str, str | None]:
    """Return the answers about one actor; None for a question that does not apply."""
    if slot >= len(scene.actors):
        nothing: dict[str, str | None] = dict.fromkeys(ACTOR_QUESTIONS)
        return nothing | {"character": "absent"}
    actor = scene.actors[slot]
    # Close images hide the legs, and so do water, beds and hiders.
    seen = scene.camera == "wide" and shows_pose(actor.pose, actor.spot)
    return {
        "character": actor.species,
        "pose": actor.pose if seen else None,
        "expression": actor.expression,
        "facing": scene.facing(slot),
        "spot": actor.spot,
    }


def _middle(shown: tuple[Box, Thing]) -> float:
    (left, _, right, _), _ = shown
    return left + right


def _thing(thing: Thing | None) -> dict[str, str | None]:
    """Return the answers about one thing; None for a question that does not apply."""
    if thing is None:
        return {"thing": "none", "state": None, "where": None}
    only = len(THINGS[thing.kind].states) == 1
    where = thing.where if thing.who is None else f"{thing.where}{thing.who}"
    return {"thing": thing.kind, "state": None if only else thing.state, "where": where}
