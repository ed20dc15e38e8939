"""Events: what can happen in a story, each with several ways of saying it.

Events are written as blocks of text, so that they can be read like a page of a book:

    == stuck.wind
    A gust of wind came, and ... ## A surprised, prop high      (the event itself: one of these)
    -- +oh                                                      (and one of these, or of pool `oh`)
        `+plain`: none of the pools that fit everywhere; `+must`: never without one of these
    "Oh no!" called {A}. ...
    >> the {prop} gets stuck in a tree ## prop high             (the same in a reader's words)
"""

from __future__ import annotations

from dataclasses import dataclass

from seedstory_core.data.grammar import Template, template


@dataclass(frozen=True)
class Event:
    """One thing that happens."""

    name: str
    heads: tuple[Template, ...]
    tails: tuple[Template, ...]
    reader: tuple[Template, ...]
    pools: tuple[str, ...] = ()


def events(text: str) -> dict[str, Event]:
    """Read a page of event blocks."""
    found: dict[str, Event] = {}
    for block in text.split("\n== ")[1:]:
        name, _, body = block.partition("\n")
        lists: dict[str, list[Template]] = {"heads": [], "tails": [], "reader": []}
        pools: list[str] = []
        current = "heads"
        for line in filter(None, (line.strip() for line in body.splitlines())):
            if line.startswith("--"):
                current = "tails"
                pools += [word[1:] for word in line.split()[1:]]
            elif line.startswith(">>"):
                lists["reader"].append(template(line[2:], is_reader=True))
            else:
                lists[current].append(template(line))
        if name.strip() in found:
            raise ValueError(f"Event {name} is there twice.")
        found[name.strip()] = Event(
            name.strip(),
            tuple(lists["heads"]),
            tuple(lists["tails"]),
            tuple(lists["reader"]),
            tuple(pools),
        )
    return found
