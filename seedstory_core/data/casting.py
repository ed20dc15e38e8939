"""Who plays in a tale, and where and when it begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seedstory_core.data import library
from seedstory_core.data.teller import StuckError, is_held_out
from seedstory_core.data.world import CHARACTERS, INDOORS, PLACES, PROPS

if TYPE_CHECKING:
    from seedstory_core.data.teller import Teller

OUTDOORS = tuple(p for p in PLACES if p not in INDOORS)
_SETTINGS = (
    (("day", "clear"), 62),
    (("day", "rain"), 4),
    (("day", "snow"), 4),
    (("dusk", "clear"), 7),
    (("dusk", "rain"), 1),
    (("dusk", "snow"), 1),
    (("night", "clear"), 8),
    (("night", "rain"), 3),
    (("night", "snow"), 3),
)


@dataclass(frozen=True)
class Needs:
    """What a plot asks of the stage."""

    places: Sequence[str] = PLACES
    props: Sequence[str | None] = PROPS
    times: Sequence[str] = ("day", "dusk", "night")
    weathers: Sequence[str] = ("clear", "rain", "snow")
    stranger: bool = False
    """Whether the third character must be new to the story."""
    owner: bool = False
    """Whether the hero has the prop from the start."""


NEEDS: dict[str, Needs] = {
    "stuck_high": Needs(
        props=("kite", "balloon", "ball", "umbrella", "book", "gift", "balloon", "ball"), owner=True
    ),
    "lost_found": Needs(
        props=(
            *("ball", "book", "flower", "gift", "boat", "umbrella", "balloon"),
            *("lantern", "key", "drum", "apple"),
        ),
        owner=True,
    ),
    "boat_drifts": Needs(
        places=("pond", "beach"), props=("boat",), times=("day", "dusk"), owner=True
    ),
    "afraid_of_dark": Needs(
        places=("forest", "village", "bedroom", "hill", "garden", "library"),
        props=("lantern",),
        times=("night",),
    ),
    "cannot_sleep": Needs(places=("bedroom",), props=("book",), times=("night",)),
    "two_want_the_same": Needs(
        props=("ball", "balloon", "book", "umbrella", "boat", "ball"),
        times=("day", "dusk"),
    ),
    "shy_drummer": Needs(
        places=("forest", "village", "garden", "pond", "hill", "beach"), props=("drum",), owner=True
    ),
    "grumpy_friend": Needs(props=("flower", "balloon", "gift", "book", "umbrella")),
    "new_neighbour": Needs(
        places=("village", "forest", "hill", "pond", "beach"),
        props=("gift", "apple", "flower", "lantern", "umbrella", "gift"),
        stranger=True,
    ),
    "picnic_in_the_rain": Needs(
        places=("beach", "forest", "garden", "pond", "hill", "village"),
        props=("cake", "apple"),
        times=("day", "dusk"),
        weathers=("clear",),
    ),
    "deliver_a_present": Needs(
        places=OUTDOORS,
        props=("gift", "flower", "balloon", "apple", "umbrella", "cake", "lantern"),
        owner=True,
    ),
    "race_of_two": Needs(
        places=("beach", "forest", "village", "garden", "hill", "mountain"),
        props=("balloon", "gift", "flower", "ball"),
        times=("day", "dusk"),
    ),
    "lost_in_the_snow": Needs(
        places=("kitchen", "bedroom", "library"),
        props=("lantern",),
        times=("day", "dusk"),
        weathers=("snow",),
    ),
    "birthday_cake": Needs(places=("kitchen",), props=("cake",)),
    "flower_grows": Needs(
        places=("garden", "hill", "forest", "village", "pond"),
        props=("flower",),
        times=("day", "dusk"),
        weathers=("clear",),
    ),
    "key_found": Needs(props=("key",)),
    "learn_to_fly_a_kite": Needs(
        places=("beach", "garden", "hill", "village"),
        props=("kite",),
        times=("day", "dusk"),
        weathers=("clear",),
        owner=True,
    ),
}
_WINDY = ("kite", "balloon", "umbrella", "ball")


def choose_plot(t: Teller, told: list[str]) -> str:
    """A plot that this story has not had yet."""
    options = [name for name in library.PLOTS if name not in told]
    return t.rng.choice(options)


def cast(t: Teller, plot: str) -> None:
    """Choose who, where, when and with what, and set the stage."""
    needs = NEEDS[plot]
    seen = {panel.scene.prop for panel in t.panels}
    for _ in range(200):
        people = _people(t, needs)
        place = t.rng.choice(list(needs.places))
        prop = t.rng.choice(list(needs.props))
        if prop in seen and not set(needs.props) <= seen:
            continue
        if plot == "stuck_high" and (prop in _WINDY) != (place in OUTDOORS):
            continue
        if t.split != "test" and any(is_held_out(s, place, prop) for s in people.values()):
            continue
        if t.split == "test" and not is_held_out(people["A"], place, prop) and t.chance(0.7):
            continue
        break
    else:
        raise StuckError(plot)
    settings = [
        (setting, weight)
        for setting, weight in _SETTINGS
        if setting[0] in needs.times and setting[1] in needs.weathers
    ]
    (time, weather), _ = t.rng.choices(settings, [w for _, w in settings])[0]
    if place == "mountain" and weather == "rain":
        weather = "snow"
    t.cast = people
    t.begin(place, time, weather, prop)
    t.flags.add(f"plot={plot}")
    if needs.owner:
        t.flags.add("owner")


def _people(t: Teller, needs: Needs) -> dict[str, str]:
    species = list(CHARACTERS)
    if t.chapter and t.cast:
        old = [t.cast[r] for r in "ABC"]
        if t.chance(0.3):
            old[0], old[1] = old[1], old[0]
        if needs.stranger:
            new = [s for s in species if s not in t.known]
            if not new:
                raise StuckError("stranger")
            old[2] = t.rng.choice(new)
        return dict(zip("ABC", old, strict=True))
    while True:
        people = t.rng.sample(species, 3)
        pronouns = [CHARACTERS[s].pronoun for s in people[:2]]
        if len(set(pronouns)) == 2 or t.rng.random() < 0.08:
            return dict(zip("ABC", people, strict=True))
