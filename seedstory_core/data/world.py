"""The story world: who lives in it, where, and what one image shows.

A `Scene` is the ground truth of an image. It is a pure function of what the story has said so far:
whatever a caption leaves open is carried over from the panel before (place, time, weather, who
holds what) or takes a fixed default (pose, expression, facing, side). Nothing visible is random,
because a regressed image averages whatever the text leaves open (see `docs/notebook.md`).

Drawing lives in `draw.py`, plots and sentences in `stories.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

PLACES = (
    "beach",
    "forest",
    "village",
    "kitchen",
    "mountain",
    "garden",
    "pond",
    "library",
    "hill",
    "bedroom",
)
"""`mountain` is snowy, `hill` has the windmill. Kitchen, library and bedroom are indoors."""
INDOORS = ("kitchen", "library", "bedroom")
TIMES = ("day", "dusk", "night")
WEATHERS = ("clear", "rain", "snow")
CAMERAS = ("wide", "close")
"""`wide` shows whole bodies; `close` shows one or two actors from the waist up."""
PROPS = (
    "ball",
    "balloon",
    "book",
    "cake",
    "lantern",
    "umbrella",
    "kite",
    "apple",
    "flower",
    "drum",
    "boat",
    "key",
    "gift",
)
POSES = ("stand", "wave", "sit", "walk", "jump", "point")
EXPRESSIONS = ("happy", "sad", "surprised", "cross", "sleepy")
FACINGS = ("left", "right")
MAX_ACTORS = 3

DEFAULT_POSE = "stand"
DEFAULT_EXPRESSION = "happy"


@dataclass(frozen=True)
class Character:
    """One inhabitant: everything that stays the same in every panel."""

    name: str
    species: str
    pronoun: Literal["he", "she"]
    clothes: str
    """What they wear, as it is written: `green jumper`."""
    manner: str
    """One adjective that explains how they behave."""
    colour: str
    """The colour word a reader would use for the animal itself."""


CHARACTERS: dict[str, Character] = {
    character.species: character
    for character in (
        Character("Mira", "fox", "she", "green jumper", "curious", "orange"),
        Character("Bruno", "bear", "he", "red shirt", "gentle", "brown"),
        Character("Lulu", "rabbit", "she", "purple dress", "quick", "white"),
        Character("Pip", "penguin", "he", "yellow scarf", "careful", "dark blue"),
        Character("Fergus", "frog", "he", "pink waistcoat", "cheerful", "green"),
        Character("Ella", "elephant", "she", "orange overalls", "patient", "grey"),
        Character("Cleo", "cat", "she", "turquoise cape", "clever", "black"),
        Character("Otto", "duck", "he", "blue sailor shirt", "brave", "yellow"),
    )
}
"""By species, in a fixed order: class number = position."""

PROP_COLOURS = {
    "ball": "red",
    "balloon": "pink",
    "book": "blue",
    "cake": "white",
    "lantern": "yellow",
    "umbrella": "teal",
    "kite": "yellow",
    "apple": "red",
    "flower": "yellow",
    "drum": "red",
    "boat": "wooden",
    "key": "golden",
    "gift": "green",
}
"""The word a caption may use for each prop; the drawing agrees with it."""


@dataclass(frozen=True)
class Actor:
    """One character as seen in one image."""

    species: str
    pose: str = DEFAULT_POSE
    expression: str = DEFAULT_EXPRESSION
    facing: Literal["left", "right"] | None = None
    """None means inward: towards the others, and right for somebody alone."""

    def __post_init__(self) -> None:
        _check("character", self.species, tuple(CHARACTERS))
        _check("pose", self.pose, POSES)
        _check("expression", self.expression, EXPRESSIONS)
        if self.facing is not None:
            _check("facing", self.facing, FACINGS)


Holder = int | Literal["ground", "high"]


@dataclass(frozen=True)
class Scene:
    """Everything one image shows.

    Attributes:
        actors: One to three, from left to right; that is also the order in which the text
            names them.
        prop: At most one thing that matters.
        holder: Who has it: an index into `actors`, `ground` (lying in front of them) or
            `high` (out of reach: on a branch outdoors, on a shelf indoors). None without a prop.
    """

    place: str
    actors: tuple[Actor, ...]
    time: str = "day"
    weather: str = "clear"
    camera: str = "wide"
    prop: str | None = None
    holder: Holder | None = None
    seed: int = field(default=0, compare=False)
    """Moves everything by a pixel or two; changes nothing that has a name."""

    def __post_init__(self) -> None:
        _check("place", self.place, PLACES)
        _check("time", self.time, TIMES)
        _check("weather", self.weather, WEATHERS)
        _check("camera", self.camera, CAMERAS)
        if not 1 <= len(self.actors) <= MAX_ACTORS:
            raise ValueError(f"A scene has 1 to {MAX_ACTORS} actors, not {len(self.actors)}.")
        if len({actor.species for actor in self.actors}) != len(self.actors):
            raise ValueError("A character stands in an image once.")
        if self.camera == "close" and len(self.actors) > 2:
            raise ValueError("A close image has room for one or two actors.")
        if self.camera == "close" and self.holder in ("ground", "high"):
            raise ValueError("A close image shows a prop only in somebody's hand.")
        if (self.prop is None) != (self.holder is None):
            raise ValueError("A prop needs a holder and a holder needs a prop.")
        if self.prop is not None:
            _check("prop", self.prop, PROPS)
        if isinstance(self.holder, int) and not 0 <= self.holder < len(self.actors):
            raise ValueError(f"Holder {self.holder} is not one of {len(self.actors)} actors.")

    def facing(self, index: int) -> str:
        """`left` or `right`: as the actor says, else inward."""
        asked = self.actors[index].facing
        if asked is not None:
            return asked
        return "left" if index > 0 and index == len(self.actors) - 1 else "right"


def _check(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{value!r} is no {what} of this world; it knows {', '.join(known)}.")
