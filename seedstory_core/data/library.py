"""Every event and every plot, by name, and the reader of captions that knows them all."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from seedstory_core.data.events import Event, events
from seedstory_core.data.grammar import Reader, Template
from seedstory_core.data.plots import (
    beginnings,
    common,
    company,
    detours,
    high,
    lost,
    makings,
    night,
    outings,
)

if TYPE_CHECKING:
    from seedstory_core.data.teller import Teller

_MODULES = (common, beginnings, detours, high, lost, night, company, outings, makings)
EVENTS: dict[str, Event] = {}
for _module in _MODULES:
    EVENTS |= events(_module.TEXT)


Plot = Callable[["Teller"], None]
PLOTS: dict[str, Plot] = {
    "stuck_high": high.stuck_high,
    "lost_found": lost.lost_found,
    "boat_drifts": lost.boat_drifts,
    "afraid_of_dark": night.afraid_of_dark,
    "cannot_sleep": night.cannot_sleep,
    "two_want_the_same": company.two_want_the_same,
    "shy_drummer": company.shy_drummer,
    "grumpy_friend": company.grumpy_friend,
    "new_neighbour": company.new_neighbour,
    "picnic_in_the_rain": outings.picnic_in_the_rain,
    "deliver_a_present": outings.deliver_a_present,
    "race_of_two": outings.race_of_two,
    "lost_in_the_snow": outings.lost_in_the_snow,
    "birthday_cake": makings.birthday_cake,
    "flower_grows": makings.flower_grows,
    "key_found": makings.key_found,
    "learn_to_fly_a_kite": makings.learn_to_fly_a_kite,
}


@cache
def templates() -> tuple[Template, ...]:
    """Every template of the language, once."""
    found: dict[str, Template] = {}
    for event in EVENTS.values():
        for made in (*event.heads, *event.tails, *event.reader):
            same = found.setdefault(made.text, made)
            if (same.actors, same.holder) != (made.actors, made.holder):
                raise ValueError(f"{made.text!r} means two different things.")
    return tuple(found.values())


@cache
def caption_reader() -> Reader:
    """Understands every caption of the language."""
    return Reader(list(templates()))
