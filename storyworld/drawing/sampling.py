"""Random scenes from the whole world, which train every attribute."""

from __future__ import annotations

import random
from collections.abc import Sequence

from storyworld.scene import (
    EXPRESSIONS,
    FRAMINGS,
    MAX_ACTORS,
    MAX_THINGS,
    POSES,
    TIMES,
    WEATHERS,
    Actor,
    Scene,
    Thing,
)
from storyworld.world import CHARACTERS, PLACES, THINGS, ThingKind

_SPECIAL_SHARE = 0.22
"""Share of wide images with an actor at another spot than the floor, for each such actor."""
_FACING_SHARE = 0.15
_BLOWN = ("feather", "letter", "map", "paper", "hat", "umbrella", "picture")
_LARGE = ("ladder", "sledge", "plant")


def random_scene(
    rng: random.Random,
    *,
    num_actors: int | None = None,
    place: str | None = None,
    camera: str | None = None,
    close_share: float = 0.2,
) -> Scene:
    """Return a valid scene, drawn so that every attribute occurs often.

    Args:
        rng: The only source of chance.
        num_actors: 1 to 4; None draws it. A close image has two at most.
        place: A fixed place instead of any.
        camera: A fixed camera instead of one by `close_share`.
        close_share: Share of close images.
    """
    camera = camera or ("close" if rng.random() < close_share else "wide")
    most = 2 if camera == "close" else MAX_ACTORS
    count = min(num_actors or rng.randint(1, most), most)
    place = place or rng.choice(tuple(PLACES))
    has = PLACES[place].has
    actors = tuple(
        _random_actor(rng, index, species, has, camera)
        for index, species in enumerate(rng.sample(tuple(CHARACTERS), count))
    )
    actors = _without_towers(actors)
    dark = rng.random() < (0.5 if "dark" in has else 0.06)
    return Scene(
        place=place,
        actors=actors,
        things=_random_things(rng, actors, has, camera, dark),
        time=rng.choice(TIMES),
        weather=rng.choices(WEATHERS, (0.46, 0.18, 0.18, 0.18))[0],
        camera=camera,
        framing=rng.choice(FRAMINGS),
        dark=dark,
    )


def _random_actor(
    rng: random.Random, index: int, species: str, has: frozenset[str], camera: str
) -> Actor:
    facing = None
    if rng.random() < 2 * _FACING_SHARE:
        # Half of the actors with a given facing would look there anyway.
        facing = "left" if rng.random() < 0.5 else "right"
    spot, pose = "floor", rng.choice(POSES)
    if camera == "wide" and rng.random() < _SPECIAL_SHARE * (1.8 if has & {"water", "bed"} else 1):
        spots = ["behind", "high"]
        spots += ["shoulders"] if index else []
        spots += [spot for spot in ("water", "bed") if spot in has for _ in range(4)]
        spot = rng.choice(spots)
        pose = rng.choice(_POSES_AT[spot])
    expression = rng.choice(EXPRESSIONS)
    return Actor(species, pose, expression, facing, spot)  # type: ignore[arg-type]


_POSES_AT: dict[str, tuple[str, ...]] = {
    "water": ("stand", "stand", "wave", "point", "reach", "hug", "cover"),
    "bed": ("sit", "lie", "lie", "wave", "reach", "cover", "point"),
    "shoulders": ("sit", "sit", "jump", "wave", "point", "reach", "cover"),
    "behind": ("stand", "stand", "wave", "point", "reach", "cover"),
    "high": ("sit", "sit", "sit", "stand", "wave", "point", "reach", "lie", "crouch", "cover"),
}
_CARRIES = ("stand", "stand", "walk", "point", "wave", "sit")


def _without_towers(actors: tuple[Actor, ...]) -> tuple[Actor, ...]:
    """Return actors such that carriers stand on the floor or in water and carry only one."""
    made: list[Actor] = []
    for index, actor in enumerate(actors):
        spot, pose = actor.spot, actor.pose
        if spot == "shoulders" and made[-1].spot == "shoulders":
            spot = "floor"
        follows = index + 1 < len(actors) and actors[index + 1].spot == "shoulders"
        if follows and spot != "shoulders":
            spot = "water" if spot == "water" else "floor"
            if pose not in _CARRIES:
                pose = _CARRIES[(index + len(pose)) % len(_CARRIES)]
        if spot != actor.spot or pose != actor.pose:
            actor = Actor(actor.species, pose, actor.expression, actor.facing, spot)
        made.append(actor)
    return tuple(made)


def _random_things(
    rng: random.Random, actors: Sequence[Actor], has: frozenset[str], camera: str, dark: bool
) -> tuple[Thing, ...]:
    count = rng.choices(range(MAX_THINGS + 1), (0.12, 0.44, 0.28, 0.16))[0]
    hands = [2] * len(actors)
    heads = [actor.spot in ("floor", "water", "high") for actor in actors]
    things: list[Thing] = []
    for kind in rng.sample(tuple(THINGS.values()), count + 6):
        if len(things) == count:
            break
        if dark and not things and rng.random() < 0.7:
            kind = THINGS[rng.choice(("lantern", "candle", "star", "fire"))]
        elif rng.random() < 0.07:
            kind = THINGS[rng.choice([k.name for k in THINGS.values() if "wear" in k.can])]
        wheres = _wheres(kind, has, camera, hands, heads)
        if not wheres or any(thing.kind == kind.name for thing in things):
            continue
        where = rng.choice(wheres)
        who = None
        if where in ("hand", "both"):
            need = 1 if where == "hand" else 2
            who = rng.choice([index for index, free in enumerate(hands) if free >= need])
            hands[who] -= need
        elif where == "head":
            who = rng.choice([index for index, free in enumerate(heads) if free])
            heads[who] = False
        state = kind.states[0] if dark and "lit" in kind.states else rng.choice(kind.states)
        things.append(Thing(kind.name, where, state, who))
    return tuple(things)


def _wheres(
    kind: ThingKind,
    has: frozenset[str],
    camera: str,
    hands: Sequence[int],
    heads: Sequence[bool],
) -> list[str]:
    """Return where a kind of thing can sensibly be, usual positions more than once."""
    wheres = []
    if kind.carried == "hand" and max(hands) >= 1:
        wheres += ["hand"] * 3
    if kind.carried == "both" and max(hands) >= 2:
        wheres += ["both"] * 3
    if "wear" in kind.can and any(heads):
        wheres += ["head"] * 4
    if camera == "close":
        return wheres
    wheres += ["floor"] * 2
    small = kind.carried != "never" and kind.name not in _LARGE
    if small:
        wheres += ["table", "high"]
    if kind.name in ("door", "fire", "snowman", "raft", "tent") and "water" not in has:
        return wheres
    if "indoors" not in has:
        if "fly" in kind.can or kind.name == "star":
            wheres += ["sky"] * 3
        elif kind.name in _BLOWN:
            wheres.append("sky")
    if "water" in has and "float" in kind.can:
        wheres += ["water"] * 5
    return wheres
