"""First sentences as readers type them: written by hand, none of them from training stories.

`evaluation openings` lets the model continue each one and checks whether the image shows what the
reader named, and whether the words bring in nobody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seedstory_core.data.introductions import mentions
from seedstory_core.data.world import Actor, Holder, Scene


@dataclass(frozen=True)
class Opening:
    """A first sentence and its meaning.

    Attributes:
        text: As typed.
        cast: Species in order of mention; empty if the storyteller chooses.
        others_may_come: Whether the words allow further characters.
    """

    text: str
    cast: tuple[str, ...] = ()
    place: str | None = None
    time: str | None = None
    weather: str | None = None
    prop: str | None = None
    holder: Holder | None = None
    pose: str | None = None
    mood: str | None = None
    others_may_come: bool = False

    def scene(self) -> Scene:
        """Return the scene of the image, with defaults where the words leave it open."""
        actors = tuple(
            Actor(species, self.pose or "stand", self.mood or "happy") for species in self.cast
        )
        return Scene(
            self.place or "garden",
            actors or (Actor("fox"),),
            self.time or "day",
            self.weather or "clear",
            prop=self.prop,
            holder=self.holder if self.holder is not None or self.prop is None else 0,
        )

    def asked(self) -> set[str]:
        """Return the metrics that the words decide."""
        said = {
            "main character": self.cast,
            "all characters": self.cast and not self.others_may_come,
            "place": self.place,
            "time of day": self.time,
            "weather": self.weather,
            "prop": self.prop,
            "pose": self.pose,
            "expression": self.mood,
        }
        return {metric for metric, value in said.items() if value}


OPENINGS = (
    Opening("Mira finds a map of the forest and sets off.", ("fox",), "forest"),
    Opening(
        "Otto and Ella want to build a sandcastle on the beach.", ("duck", "elephant"), "beach"
    ),
    Opening("A bear sits under a tree and eats honey.", ("bear",), pose="sit"),
    Opening("Late at night Cleo sneaks into the kitchen.", ("cat",), "kitchen", "night"),
    Opening("Pip has lost his ball.", ("penguin",)),
    Opening("Lulu is the fastest rabbit in the village.", ("rabbit",), "village"),
    Opening("It is raining and Fergus is happy.", ("frog",), weather="rain", mood="happy"),
    Opening("Bruno found a drum in the forest.", ("bear",), "forest", prop="drum"),
    Opening("mira flies her kite on the hill", ("fox",), "hill", prop="kite"),
    Opening("Ella reads a book in the library.", ("elephant",), "library", prop="book"),
    Opening("Two friends, Otto and Pip, meet at the pond.", ("duck", "penguin"), "pond"),
    Opening("Cleo the cat is sad because she has no friends.", ("cat",), mood="sad"),
    Opening(
        "snow is falling on the mountain and Pip is very happy about it",
        ("penguin",),
        "mountain",
        weather="snow",
        mood="happy",
    ),
    Opening("The little fox could not fall asleep.", ("fox",)),
    Opening("Lulu bakes a cake for her grandmother.", ("rabbit",), others_may_come=True),
    Opening(
        "One evening Bruno and Mira walk through the village.", ("bear", "fox"), "village", "dusk"
    ),
    Opening("Fergus is angry with everybody.", ("frog",), mood="cross"),
    Opening("there was once a duck who wanted to see the sea", ("duck",)),
    Opening("Ella has a red balloon", ("elephant",), prop="balloon"),
    Opening("Otto gets a letter from far away.", ("duck",)),
    Opening(
        "A penguin is standing in the garden with an umbrella",
        ("penguin",),
        "garden",
        prop="umbrella",
    ),
    Opening("Today is Cleo's birthday!", ("cat",), others_may_come=True),
    Opening("Mira and Cleo are having a picnic by the lake.", ("fox", "cat"), "pond"),
    Opening("Bruno is tired after a long day.", ("bear",), mood="sleepy"),
    Opening("lulu wants to go on a trip", ("rabbit",)),
    Opening(
        "Pip looks for treasure on the beach and finds a key.", ("penguin",), "beach", prop="key"
    ),
    Opening("Fergus jumps for joy in the rain.", ("frog",), weather="rain", pose="jump"),
    Opening(
        "Otto carries a lantern through the dark forest at night.",
        ("duck",),
        "forest",
        "night",
        prop="lantern",
    ),
    Opening("Once there lived an old elephant on a mountain.", ("elephant",), "mountain"),
    Opening("Cleo waves to Bruno from the windmill.", ("cat", "bear"), "hill"),
    Opening("Mira is afraid of the thunderstorm.", ("fox",)),
    Opening("My little brother wants a story with a bunny and a boat.", ("rabbit",), prop="boat"),
    Opening("What happens when a frog goes to the library?", ("frog",), "library"),
    Opening("Ella gives Otto a present.", ("elephant", "duck"), prop="gift", holder=1),
    Opening("a winter's tale"),
    Opening("Tell me something about a dragon who lives in a cave."),
    Opening("Tom and his dog go to the park."),
    Opening("The queen of the moon invites everybody to a ball."),
    Opening("?"),
    Opening("a bedtime story for Emma, please"),
    Opening("Lulu sleeps in her bed.", ("rabbit",), "bedroom"),
)


def strangers(opening: Opening, text: str) -> tuple[str, ...]:
    """Return the species that a panel names and its opening does not; () if others may come."""
    if not opening.cast or opening.others_may_come:
        return ()
    named = dict.fromkeys(species for _, species in mentions(text))
    return tuple(species for species in named if species not in opening.cast)


def in_full(openings: Sequence[Opening], told: Sequence[Sequence[str]]) -> str:
    """Return openings with the panels that followed, to be read."""
    lines = []
    for opening, texts in zip(openings, told, strict=True):
        unasked = strangers(opening, texts[0])
        lines.append(
            f"# {opening.text}" + (f"  (brings in {', '.join(unasked)})" if unasked else "")
        )
        lines += [f"{number:2d}. {text}" for number, text in enumerate(texts, 1)]
        lines.append("")
    return "\n".join(lines)
