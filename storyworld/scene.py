"""Scenes: the ground truth of one image.

A `Scene` is a pure function of the story's text so far. Nothing visible is random, because a
regressed image averages whatever the text leaves open.

Source of the rule: docs/notebook.md, 1.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from storyworld.world import CHARACTERS, PLACES, THINGS

TIMES = ("day", "dusk", "night")
WEATHERS = ("clear", "rain", "snow", "wind")
CAMERAS = ("wide", "close")
"""`wide` shows whole bodies; `close` shows one or two actors from the waist up."""
FRAMINGS = ("left", "middle", "right", "near")
"""Visible part of the place's panorama; `near` is the middle, closer, with something in the
foreground. Two consecutive panels in one place are framed differently."""
POSES = (
    "stand",
    "walk",
    "run",
    "jump",
    "sit",
    "lie",  # on the ground or in bed, asleep or resting
    "wave",
    "point",
    "reach",  # both arms up
    "crouch",  # low, looking at the ground before them
    "hug",  # both arms towards the neighbour
    "cover",  # both hands over the eyes or ears
)
EXPRESSIONS = (
    "happy",
    "laughing",
    "sad",
    "surprised",
    "cross",
    "sleepy",
    "scared",
    "thoughtful",
)
FACINGS = ("left", "right")
SPOTS = ("floor", "water", "bed", "shoulders", "behind", "high")
"""Where an actor is: on the floor; up to the waist in water; in bed under its blanket; on the
shoulders of the actor named before; peeping out from behind the place's hider; up on its perch."""
WHERES = ("hand", "both", "head", "floor", "table", "high", "sky", "water")
"""Where a thing is: in somebody's hand, in both hands, on somebody's head, on the ground before
the actors, on a table (a tree stump outdoors), out of reach, in the sky, on the water."""
MAX_ACTORS = 4
MAX_THINGS = 3


@dataclass(frozen=True)
class Actor:
    """One character in one image."""

    species: str
    pose: str = "stand"
    expression: str = "happy"
    facing: Literal["left", "right"] | None = None
    """None means inward: towards the others, and right for somebody alone."""
    spot: str = "floor"

    def __post_init__(self) -> None:
        _check("character", self.species, CHARACTERS)
        _check("pose", self.pose, POSES)
        _check("expression", self.expression, EXPRESSIONS)
        _check("spot", self.spot, SPOTS)
        if self.facing is not None:
            _check("facing", self.facing, FACINGS)


@dataclass(frozen=True)
class Thing:
    """One thing in one image.

    Attributes:
        kind: A key of `THINGS`.
        where: One of `WHERES`.
        state: One of the kind's states.
        who: Index of the actor whose hand or head it is; None elsewhere.
    """

    kind: str
    where: str
    state: str = ""
    who: int | None = None

    def __post_init__(self) -> None:
        _check("thing", self.kind, THINGS)
        _check("where", self.where, WHERES)
        states = THINGS[self.kind].states
        if not self.state:
            object.__setattr__(self, "state", states[0])
        _check(f"state of a {self.kind}", self.state, states)
        if (self.who is not None) != (self.where in ("hand", "both", "head")):
            raise ValueError(f"A {self.kind} {self.where} and an actor {self.who} do not fit.")


@dataclass(frozen=True)
class Scene:
    """Everything that one image shows.

    Attributes:
        place: A key of `PLACES`.
        actors: One to four, from left to right; that is also the order in which the text names
            them. Somebody on shoulders follows whoever carries them.
        things: At most three, the most important first. A hand holds one thing (`hand` is the
            front hand; a second thing in somebody's `hand` is in the rear one); `both` fills both.
        time: One of `TIMES`.
        weather: One of `WEATHERS`; indoors it is seen through the window.
        camera: One of `CAMERAS`; close images have one or two actors on the floor, and things
            only in hands and on heads.
        framing: One of `FRAMINGS`.
        dark: Whether it is so dark that only lights are seen well.
    """

    place: str
    actors: tuple[Actor, ...]
    things: tuple[Thing, ...] = ()
    time: str = "day"
    weather: str = "clear"
    camera: str = "wide"
    framing: str = "middle"
    dark: bool = False

    def __post_init__(self) -> None:
        _check("place", self.place, PLACES)
        _check("time", self.time, TIMES)
        _check("weather", self.weather, WEATHERS)
        _check("camera", self.camera, CAMERAS)
        _check("framing", self.framing, FRAMINGS)
        if not 1 <= len(self.actors) <= MAX_ACTORS:
            raise ValueError(f"A scene has 1 to {MAX_ACTORS} actors, not {len(self.actors)}.")
        if len({actor.species for actor in self.actors}) != len(self.actors):
            raise ValueError("A character stands in an image once.")
        if len(self.things) > MAX_THINGS:
            raise ValueError(f"A scene has at most {MAX_THINGS} things, not {len(self.things)}.")
        if self.actors[0].spot == "shoulders":
            raise ValueError("Nobody is there to carry the first actor.")
        has = PLACES[self.place].has
        for actor in self.actors:
            if actor.spot in ("water", "bed") and actor.spot not in has:
                raise ValueError(f"There is no {actor.spot} to be in: {self.place}.")
        full = [0] * len(self.actors)
        for thing in self.things:
            if thing.where == "water" and "water" not in has:
                raise ValueError(f"There is no water: {self.place}.")
            if thing.where == "sky" and "indoors" in has:
                raise ValueError(f"There is no sky indoors: {self.place}.")
            if thing.who is not None:
                if not 0 <= thing.who < len(self.actors):
                    raise ValueError(f"Nobody is number {thing.who}.")
                full[thing.who] += {"hand": 1, "both": 2, "head": 0}[thing.where]
        if max(full) > 2:
            raise ValueError("Two hands hold two things, or one in both.")
        if self.camera == "close":
            if len(self.actors) > 2 or any(actor.spot != "floor" for actor in self.actors):
                raise ValueError("A close image has one or two actors on the floor.")
            if any(thing.who is None for thing in self.things):
                raise ValueError("A close image shows things only in hands and on heads.")

    def facing(self, index: int) -> str:
        """Return `left` or `right`: as the actor has it, otherwise inward."""
        asked = self.actors[index].facing
        if asked is not None:
            return asked
        return "left" if index > 0 and index == len(self.actors) - 1 else "right"


def _check(what: str, value: str, known: Collection[str]) -> None:
    if value not in known:
        names = ", ".join(known)
        raise ValueError(f"{value!r} is no {what} of this world; it knows {names}.")
