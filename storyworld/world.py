"""Characters, places and kinds of things, with everything that never changes.

A kind of thing lists its states and its abilities. Events ask for abilities and not for kinds, so
that a new kind of thing is one more row of a table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Character:
    """One character: everything that stays the same in every panel."""

    name: str
    species: str
    pronoun: Literal["he", "she"]
    clothes: str
    """Their clothes, as texts name them: `green jumper`."""
    manner: str
    """One adjective that explains how they behave and speak."""
    colour: str
    """The colour of the animal itself, in a reader's word."""


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


@dataclass(frozen=True)
class Place:
    """A place of panels.

    Attributes:
        name: Its name in tables.
        at: Phrase for being there: `in the garden`.
        to: Phrase for going there: `to the garden`.
        perch: The spot out of reach there: `branch`, `shelf`, ...
        hider: The thing to hide behind there: `bush`, `curtain`, ...
        has: Abilities: `indoors`, `water`, `bed`, `table`, `dark`, `soil`, `snowy`, `windy`.
    """

    name: str
    at: str
    to: str
    perch: str
    hider: str
    has: frozenset[str] = frozenset()


def _place(name: str, at: str, perch: str, hider: str, has: str = "", to: str = "") -> Place:
    target = to or "to " + at.split(" ", 1)[1]
    return Place(name, at, target, perch, hider, frozenset(has.split()))


PLACES: dict[str, Place] = {
    place.name: place
    for place in (
        _place("beach", "on the beach", "palm tree", "rock", "water windy"),
        _place("forest", "in the forest", "branch", "tree", "soil", to="into the forest"),
        _place("village", "in the village square", "roof", "well"),
        _place("kitchen", "in the kitchen", "shelf", "cupboard", "indoors table"),
        _place("mountain", "on the snowy mountain", "ledge", "fir tree", "snowy windy"),
        _place("garden", "in the garden", "apple tree", "hedge", "soil table"),
        _place("pond", "by the pond", "willow", "reeds", "water soil"),
        _place("library", "in the library", "bookcase", "armchair", "indoors table"),
        _place("hill", "on the windmill hill", "windmill", "bush", "soil windy"),
        _place("bedroom", "in the bedroom", "wardrobe", "curtain", "indoors bed"),
        _place("cave", "in the cave", "rock ledge", "boulder", "dark", to="into the cave"),
        _place("workshop", "in the workshop", "rafter", "barrel", "indoors table"),
    )
}


@dataclass(frozen=True)
class ThingKind:
    """A kind of thing.

    Attributes:
        name: The noun: `kite`.
        states: Its states, the usual one first.
        can: Its abilities (see `ABILITIES`).
        looks: The adjective of a whole one in captions: `yellow`.
        carried: How it is held: in one `hand`, in `both` hands, or `never`.
    """

    name: str
    states: tuple[str, ...]
    can: frozenset[str]
    looks: str
    carried: Literal["hand", "both", "never"]


ABILITIES = {
    "fly": "can be up in the sky by itself or at a string",
    "float": "stays on the water",
    "sink": "goes to the bottom of the water and is lost there",
    "break": "can be `broken`, and mended again",
    "eat": "can be eaten, `half-eaten` first",
    "open": "is `shut` or `open`, and something can be inside",
    "light": "shines when it is `lit` and can go `out`",
    "grow": "grows when it is planted and watered",
    "wear": "fits on a head",
    "sound": "makes music or a noise",
    "read": "says something to whoever looks at it",
    "climb": "one can get up or down by it",
    "warm": "keeps somebody warm or dry",
    "ride": "one or two can sit on it and move",
    "hold": "holds small things",
    "roll": "rolls away, bounces or blows away",
    "soft": "one can sleep on it or hug it",
    "alive": "moves by itself",
    "make": "can be made from other things by hand",
    "draw": "makes or shows a picture",
    "dig": "gets things out of the ground",
    "catch": "catches what is out of reach or in the water",
    "precious": "somebody would be sad to lose it",
    "shelter": "one can sit in it or by it",
}


def _kind(name: str, states: str, can: str, looks: str, carried: str = "hand") -> ThingKind:
    abilities = frozenset(can.split())
    assert abilities <= ABILITIES.keys(), f"{name} can {abilities - ABILITIES.keys()}"
    return ThingKind(name, tuple(states.split()), abilities, looks, carried)  # type: ignore[arg-type]


THINGS: dict[str, ThingKind] = {
    kind.name: kind
    for kind in (
        _kind("ball", "whole broken", "float roll break precious", "red"),
        _kind("balloon", "whole broken", "fly roll break precious", "pink"),
        _kind("book", "whole broken", "read break sink precious", "blue"),
        _kind("cake", "whole half-eaten", "eat make sink", "white", "both"),
        _kind("lantern", "lit out", "light sink precious", "yellow"),
        _kind("umbrella", "whole broken", "warm break float roll", "teal"),
        _kind("kite", "whole broken", "fly break make roll precious", "yellow"),
        _kind("apple", "whole half-eaten", "eat roll float", "red"),
        _kind("flower", "whole broken", "break float precious", "yellow"),
        _kind("drum", "whole broken", "sound break float make precious", "red", "both"),
        _kind("boat", "whole broken", "float break make precious", "wooden"),
        _kind("key", "whole", "open sink precious", "golden"),
        _kind("gift", "shut open", "open precious", "green", "both"),
        _kind("hat", "whole broken", "wear roll float break precious", "straw"),
        _kind("crown", "whole broken", "wear make break precious", "golden"),
        _kind("blanket", "whole broken", "warm soft break", "checked", "both"),
        _kind("box", "shut open", "open hold", "brown", "both"),
        _kind("basket", "full empty", "hold", "woven"),
        _kind("bucket", "full empty", "hold float", "blue"),
        _kind("ladder", "whole broken", "climb break", "wooden", "both"),
        _kind("rope", "whole broken", "climb break", "long"),
        _kind("map", "whole broken", "read break roll precious", "old"),
        _kind("letter", "shut open", "read roll precious", "white"),
        _kind("shell", "whole broken", "sound break sink precious", "pink"),
        _kind("stone", "whole", "sink", "smooth"),
        _kind("feather", "whole", "roll float precious", "blue"),
        _kind("bell", "whole broken", "sound break sink precious", "golden"),
        _kind("cup", "full empty broken", "hold break sink", "blue"),
        _kind("bread", "whole half-eaten", "eat make", "brown"),
        _kind("honey", "full empty", "eat precious", "golden"),
        _kind("seed", "whole", "grow sink", "big"),
        _kind("plant", "small grown broken", "grow break", "green", "both"),
        _kind("egg", "whole broken", "break precious roll", "speckled"),
        _kind("bird", "whole", "alive fly", "little"),
        _kind("butterfly", "whole", "alive fly", "orange"),
        _kind("star", "lit out", "light sink precious", "fallen"),
        _kind("candle", "lit out", "light", "red"),
        _kind("flute", "whole broken", "sound break float precious", "wooden"),
        _kind("brush", "whole", "draw", "fine"),
        _kind("picture", "whole broken", "draw make break read roll precious", "bright", "both"),
        _kind("chest", "shut open", "open hold", "old", "never"),
        _kind("mirror", "whole broken", "break precious sink", "round"),
        _kind("clock", "whole broken", "sound break precious", "round", "both"),
        _kind("sledge", "whole broken", "ride break make", "red", "both"),
        _kind("spade", "whole broken", "dig break", "small"),
        _kind("net", "whole broken", "catch break", "long"),
        _kind("tent", "whole broken", "shelter warm break make", "orange", "never"),
        _kind("snowman", "whole broken", "make break", "round", "never"),
        _kind("fire", "lit out", "light warm make shelter", "warm", "never"),
        _kind("raft", "whole broken", "ride float make break", "wooden", "never"),
        _kind("pillow", "whole broken", "soft break", "white", "both"),
        _kind("door", "shut open", "open", "little", "never"),
        _kind("paper", "whole", "draw read roll", "folded"),
        _kind("sack", "full empty", "hold", "brown", "both"),
    )
}
"""By name, in a fixed order. `paper`, `box` and `sack` also stand for foreign things: a drawing of
one, or one inside."""
