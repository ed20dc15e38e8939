"""The page's state, and the updates of its parts.

The browser holds the state (story, panel, watched turn) and sends it along with every event;
`gr.State` would be lost when the server restarts. So the state is untrusted, like any other input.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Self


@dataclass(frozen=True)
class PageState:
    """The story and panel that the page shows, and the actions it offers.

    `assets/studio.js` turns it into attributes of the page, which the stylesheet reads.

    Attributes:
        view: `start` or `story`; '' before the first answer.
        story: Id of the story that is shown.
        panel: Id of the panel that the reader is at; '' is the cover, before the first.
        steps: How often the reader turned a page in the browser, which does it alone. If it sent
            other steps than it has when the answer comes, the reader went on meanwhile and stays.
        seal: What the page holds of the story, as `manuscript.py` names it.
        job: Id of the job whose outcome is still to be shown.
        due: Id of the panel that this job makes, unless it only changes one; it tells whether the
            panel was saved by a server that has been restarted since.
        watch: Id of the job to follow from now on.
        busy: The story has a turn waiting or running, or whose outcome is still to be shown.
        live: Kind of the turn that runs; '' is none.
        at: Id of the panel at which it runs; '' is before the first.
        begun: The story has a panel.
        then: The browser goes on by itself, because the first panel was wholly the reader's.
        mine: Ids of the stories that this browser remembers.
        ticket: A random text of the browser's, by which it asks for a story that it has begun.
        fork: Reading key of a story that shall be copied, so that the reader can tell it on.
        stay: The address keeps naming a story that could not be opened just now.
    """

    view: str = "start"
    story: str = ""
    panel: str = ""
    steps: int = 0
    seal: str = ""
    job: str = ""
    due: str = ""
    watch: str = ""
    busy: bool = False
    live: str = ""
    at: str = ""
    begun: bool = False
    then: bool = False
    mine: tuple[str, ...] = ()
    ticket: str = ""
    fork: str = ""
    stay: bool = False

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read the state a browser sent; a field that is missing or mistyped gets its default."""
        sent = value if isinstance(value, Mapping) else {}
        found: dict[str, Any] = {}
        for item in dataclasses.fields(cls):
            given = sent.get(item.name)
            if isinstance(item.default, tuple):
                if isinstance(given, list):
                    found[item.name] = tuple(one for one in given if isinstance(one, str))
            elif type(given) is type(item.default):
                found[item.name] = given
        return cls(**found)

    def to_json(self) -> dict[str, Any]:
        """Return plain values for the browser."""
        return {**vars(self), "mine": list(self.mine)}


@dataclass(frozen=True)
class Click:
    """A click on the page: those `data-*` values of the clicked element that are texts."""

    do: str = ""
    panel: str = ""
    story: str = ""
    title: str = ""
    name: str = ""
    words: str = ""
    count: str = ""
    opening: str = ""
    job: str = ""

    @classmethod
    def from_event(cls, event: Any) -> Self:
        """Read a `gr.EventData`, whose data is untrusted as well."""
        found = {}
        for item in dataclasses.fields(cls):
            try:
                given = getattr(event, item.name)
            except (AttributeError, TypeError):  # not sent, or no data was sent at all
                continue
            if isinstance(given, str):
                found[item.name] = given
        return cls(**found)


class Same(Enum):
    """The type of `SAME`."""

    SAME = "same"


SAME = Same.SAME
"""An output that stays as it is."""


@dataclass(frozen=True)
class PageUpdate:
    """New values for parts of the page; the fields have the names of the parts in `PageParts`.

    A text is plain or HTML of `render.py`; '' empties a part.
    """

    state: PageState | Same = SAME
    manuscript: Mapping[str, Any] | Same = SAME
    live: str | Same = SAME
    notice: str | Same = SAME
    waking: str | Same = SAME
    draft: Mapping[str, str] | Same = SAME
    shelf: str | Same = SAME
    slot: str | Same = SAME
    own_image: None | Same = SAME
    sentence: str | Same = SAME
    line: str | Same = SAME
    stories: str | Same = SAME
    policy: str | Same = SAME

    def changes(self) -> dict[str, Any]:
        """Return the outputs that change, by name, as plain values."""
        named = ((item.name, getattr(self, item.name)) for item in dataclasses.fields(self))
        return {
            name: value.to_json() if isinstance(value, PageState) else value
            for name, value in named
            if value is not SAME
        }
