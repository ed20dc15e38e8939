"""A scene as class numbers, for teaching and for measuring.

Every attribute is one question with a fixed list of answers. Questions about an actor are asked per
slot, from left to right; a question that makes no sense (the pose of an absent third actor) has the
answer `UNASKED`, which losses and scores leave out.
"""

from __future__ import annotations

from seedstory_core.data.world import (
    CAMERAS,
    CHARACTERS,
    EXPRESSIONS,
    FACINGS,
    MAX_ACTORS,
    PLACES,
    POSES,
    PROPS,
    TIMES,
    WEATHERS,
    Scene,
)

UNASKED = -100

HOLDERS = ("none", "actor0", "actor1", "actor2", "ground", "high")

SCENE_QUESTIONS: dict[str, tuple[str, ...]] = {
    "place": PLACES,
    "time": TIMES,
    "weather": WEATHERS,
    "camera": CAMERAS,
    "prop": ("none", *PROPS),
    "holder": HOLDERS,
}
ACTOR_QUESTIONS: dict[str, tuple[str, ...]] = {
    "character": (*CHARACTERS, "absent"),
    "pose": POSES,
    "expression": EXPRESSIONS,
    "facing": FACINGS,
}
QUESTIONS: dict[str, tuple[str, ...]] = SCENE_QUESTIONS | {
    f"{question}{slot}": answers
    for slot in range(MAX_ACTORS)
    for question, answers in ACTOR_QUESTIONS.items()
}
"""Every question and its answers, by name: `place`, …, `character0`, `pose0`, …, `facing2`."""


def encode(scene: Scene) -> dict[str, int]:
    """Answer every question about a scene with a class number (or `UNASKED`)."""
    if scene.holder is None:
        holder = "none"
    elif isinstance(scene.holder, int):
        holder = f"actor{scene.holder}"
    else:
        holder = scene.holder
    answers = {
        "place": PLACES.index(scene.place),
        "time": TIMES.index(scene.time),
        "weather": WEATHERS.index(scene.weather),
        "camera": CAMERAS.index(scene.camera),
        "prop": SCENE_QUESTIONS["prop"].index(scene.prop or "none"),
        "holder": HOLDERS.index(holder),
    }
    species = tuple(CHARACTERS)
    for slot in range(MAX_ACTORS):
        if slot < len(scene.actors):
            actor = scene.actors[slot]
            answers[f"character{slot}"] = species.index(actor.species)
            answers[f"pose{slot}"] = UNASKED if scene.camera == "close" else POSES.index(actor.pose)
            answers[f"expression{slot}"] = EXPRESSIONS.index(actor.expression)
            answers[f"facing{slot}"] = FACINGS.index(scene.facing(slot))
        else:
            answers[f"character{slot}"] = len(species)
            for question in ("pose", "expression", "facing"):
                answers[f"{question}{slot}"] = UNASKED
    return answers
