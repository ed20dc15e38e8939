"""A story: its panels and the tree that they form.

The tree is the record. It knows no models or files: a panel names the files of its image and of
its visual features, which `archive.py` saves and loads, so a long story takes little memory. The
session that owns a tree also locks it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from seedstory_core.errors import StoryNotFoundError

Author = Literal["model", "reader"]

PANEL_ID = re.compile(r"p[1-9][0-9]{0,8}")
"""Panel ids: `p1`, `p2`, … Only ASCII digits, so that an id is always a safe file name."""

DRAWING_SETTINGS = ("num_inference_steps", "guidance_scale")
"""Settings of a panel that belong to its image."""

MAX_TITLE_CHARS = 120
JOINERS = frozenset("\u200c\u200d\u200e\u200f\u061c\u2066\u2067\u2068\u2069")
"""Joiners of letters and emoji (ZWNJ, ZWJ), and marks of writing directions."""
TITLE_WORDS = 7


def panel_number(panel_id: str) -> int:
    """Return the number of a panel id, such as 7 for `p7`.

    Raises:
        ValueError: It is no panel id. Check untrusted ids with `PANEL_ID` first.
    """
    if not PANEL_ID.fullmatch(panel_id):
        raise ValueError(f"A panel id looks like p7, not {panel_id!r}.")
    return int(panel_id[1:])


@dataclass(frozen=True)
class Picture:
    """One of the images that were painted for a panel from the same visual features."""

    name: str
    """Name of its file in the story folder."""
    sha256: str | None
    """Checksum of the file; None for panels saved before 0.3."""
    seed: int
    """Seed of its starting noise."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Drawing settings, as plain JSON."""


@dataclass(frozen=True)
class Panel:
    """One text with one image, and the data for an exact replay.

    Two panels are equal if all fields are equal; the checksums stand for image and features.
    Branches share panels, so `settings` becomes a plain JSON copy.
    """

    id: str
    parent: str | None
    """Id of the panel before; None for an opening, of which a story may have several."""
    text: str
    """The whole caption as the book shows it."""
    reader_text: str = ""
    """The part of `text` that the reader wrote, or ''."""
    author: Author = "model"
    token_ids: tuple[int, ...] = ()
    """Tokens of the caption; a replay with the same weights reads them instead of `text`."""
    hint: str = ""
    """The reader's wish for what happens here; it is no part of `text`."""
    image_name: str | None = None
    """Name of the image's file in the story folder; `StoryArchive.append` and `replace` set it."""
    image_source: Author = "model"
    seed: int = 0
    """Seed of the text sampling."""
    image_seed: int = 0
    """Seed of the image's starting noise."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Sampling, drawing and memory settings and the fingerprint of the turn, as plain JSON."""
    is_end: bool = False
    """Whether the tale ended here; a reader may still continue."""
    notes: tuple[str, ...] = ()
    """Notes on this turn for the reader."""
    created_at: float = 0.0
    """Unix seconds."""
    image_sha256: str | None = None
    """Checksum of the image's file; None for panels saved before 0.3."""
    features_name: str | None = None
    """Name of the file of the image's visual features; `StoryArchive.append` and `replace` set it.
    None without an image, or if the story folder lost them: encoding the image again then gives
    similar but not equal features."""
    features_sha256: str | None = None
    """Checksum of the features' file."""
    pictures: tuple[Picture, ...] = ()
    """All images of the panel in the order of painting, the shown one among them; () for one."""
    problem: str = ""
    """What is wrong with the panel as it was read from its folder, for the reader; never saved."""

    def __post_init__(self) -> None:
        number = panel_number(self.id)
        if self.parent is not None and panel_number(self.parent) >= number:
            raise ValueError(f"Panel {self.id} cannot follow {self.parent}, which is not older.")
        # Through JSON and back, so that a panel equals the one of the reopened story.
        plain = json.loads(json.dumps(dict(self.settings), allow_nan=False))
        object.__setattr__(self, "settings", plain)
        object.__setattr__(self, "token_ids", tuple(int(token) for token in self.token_ids))
        object.__setattr__(self, "notes", tuple(self.notes))

    @property
    def all_pictures(self) -> tuple[Picture, ...]:
        """All images of the panel in the order of painting, also if there is only one."""
        if self.pictures or self.image_name is None:
            return self.pictures
        settings = {key: self.settings[key] for key in DRAWING_SETTINGS if key in self.settings}
        return (Picture(self.image_name, self.image_sha256, self.image_seed, settings),)

    def showing(self, name: str) -> Panel:
        """Return the panel with another one of its images shown.

        Raises:
            StoryNotFoundError: It has no image of this name.
        """
        for picture in self.all_pictures:
            if picture.name == name:
                return replace(
                    self,
                    image_name=picture.name,
                    image_sha256=picture.sha256,
                    image_seed=picture.seed,
                    settings={**self.settings, **picture.settings},
                )
        raise StoryNotFoundError("This page has no such picture.")

    @property
    def is_placeholder(self) -> bool:
        """Whether this stands for a panel that could not be read, so that the tree keeps its shape.

        The models pass over it.
        """
        return bool(self.problem) and not self.text and self.image_name is None

    def __hash__(self) -> int:
        return hash((self.id, self.parent, self.text))


class StoryTree:
    """Panels by id, in order of creation.

    A story is a path from a root; a branch is a second child. Ids grow and are never reused, not
    even after a branch was removed: links, segments and file names may outlive a panel and must not
    lead to another one.
    """

    def __init__(
        self, panels: Iterable[Panel] = (), *, title: str = "", last_number: int = 0
    ) -> None:
        """Build the tree from panels in order of creation.

        Args:
            panels: Parents before their children.
            title: The title that its reader chose; '' takes the first words of the story.
            last_number: The highest panel number ever used, if later panels were removed.
        """
        self._panels: dict[str, Panel] = {}
        self._children: dict[str | None, list[str]] = {None: []}
        self._last_number = 0
        self._title = clean_title(title)
        for panel in panels:
            self.add(panel)
        self._last_number = max(self._last_number, last_number)

    def __len__(self) -> int:
        return len(self._panels)

    def __iter__(self) -> Iterator[Panel]:
        return iter(tuple(self._panels.values()))

    def __contains__(self, panel_id: object) -> bool:
        return isinstance(panel_id, str) and panel_id in self._panels

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, StoryTree):
            return NotImplemented
        return self.panels == other.panels and self._title == other._title

    __hash__ = None  # type: ignore[assignment]

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels, in order of creation."""
        return tuple(self._panels.values())

    @property
    def title(self) -> str:
        """The title that the reader chose, else the story's first words."""
        if self._title:
            return self._title
        return next((title_from_text(p.text) for p in self if p.text.strip()), title_from_text(""))

    @title.setter
    def title(self, title: str) -> None:
        self._title = clean_title(title)

    @property
    def own_title(self) -> str:
        """The title that the reader chose, or ''."""
        return self._title

    @property
    def newest(self) -> Panel | None:
        """The panel made last, where a reader who comes back continues."""
        return next(reversed(self._panels.values()), None)

    def next_id(self) -> str:
        """Return the id of the next panel; calling this does not reserve it."""
        return f"p{self._last_number + 1}"

    def add(self, panel: Panel) -> None:
        """Add a new panel after its parent.

        Raises:
            StoryNotFoundError: The parent is not in the story (any more).
            ValueError: The id was used before.
        """
        number = panel_number(panel.id)
        if number <= self._last_number:
            raise ValueError(f"Panel id {panel.id} was used before; the next is {self.next_id()}.")
        if panel.parent is not None:
            self.panel(panel.parent)
        # In this order, because another thread may be reading the tree.
        self._children[panel.id] = []
        self._panels[panel.id] = panel
        self._children[panel.parent].append(panel.id)
        self._last_number = number

    def replace(self, panel: Panel) -> None:
        """Replace the panel with the same id and parent.

        Raises:
            StoryNotFoundError: There is no such panel.
            ValueError: The new panel has another parent.
        """
        old = self.panel(panel.id)
        if panel.parent != old.parent:
            raise ValueError(f"Panel {panel.id} follows {old.parent}, not {panel.parent}.")
        self._panels[panel.id] = panel

    def panel(self, panel_id: str) -> Panel:
        """Return the panel with this id.

        Raises:
            StoryNotFoundError: There is none.
        """
        if not isinstance(panel_id, str) or panel_id not in self._panels:
            raise StoryNotFoundError(self._no_such_panel(panel_id))
        return self._panels[panel_id]

    def path(self, panel_id: str) -> tuple[Panel, ...]:
        """Return the story up to this panel, from the root to the panel itself."""
        panel = self.panel(panel_id)
        path = [panel]
        while panel.parent is not None:
            panel = self.panel(panel.parent)
            path.append(panel)
        return tuple(reversed(path))

    def depth(self, panel_id: str) -> int:
        """Return the number of this panel on its path; a root is panel 1."""
        return len(self.path(panel_id))

    def children(self, panel_id: str | None) -> tuple[Panel, ...]:
        """Return the panels after this one, oldest first; for None the openings of the story."""
        if panel_id is not None:
            self.panel(panel_id)
        found = (self._panels.get(child) for child in self._children.get(panel_id, ()))
        return tuple(panel for panel in found if panel is not None)

    def siblings(self, panel_id: str) -> tuple[Panel, ...]:
        """Return the other panels with the same parent, oldest first."""
        parent = self.panel(panel_id).parent
        return tuple(panel for panel in self.children(parent) if panel.id != panel_id)

    def leaves(self) -> tuple[Panel, ...]:
        """Return the panels without children, oldest first."""
        return tuple(panel for panel in self if not self._children.get(panel.id))

    def branch(self, panel_id: str) -> tuple[Panel, ...]:
        """Return this panel and all panels after it, in order of creation."""
        branch = {panel_id: self.panel(panel_id)}
        # A parent is always older than its child, so one pass in order of creation is enough.
        for panel in self:
            if panel.parent in branch:
                branch[panel.id] = panel
        return tuple(branch.values())

    def remove_branch(self, panel_id: str) -> tuple[Panel, ...]:
        """Remove this panel and all panels after it, and return them."""
        removed = self.branch(panel_id)
        self._children[removed[0].parent].remove(panel_id)
        for panel in removed:
            del self._panels[panel.id], self._children[panel.id]
        return removed

    def _no_such_panel(self, panel_id: object) -> str:
        # An untrusted id may contain anything, so the message does not repeat it.
        known = isinstance(panel_id, str) and PANEL_ID.fullmatch(panel_id)
        asked = f"no page {panel_id}" if known else "no such page"
        return f"This story has {asked} ({self._inventory()}). The branch may have been deleted."

    def _inventory(self) -> str:
        runs = id_runs(self._panels)
        if not runs:
            return "it has none yet"
        return f"it has {runs}"


def id_runs(panel_ids: Iterable[str]) -> str:
    """List panel ids briefly, such as `p1 to p6, p9`."""
    runs: list[list[int]] = []
    for number in sorted(panel_number(panel_id) for panel_id in panel_ids):
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    words = [f"p{run[0]}" if len(run) == 1 else f"p{run[0]} to p{run[-1]}" for run in runs]
    if len(words) > 4:
        words = [*words[:3], "…", words[-1]]
    return ", ".join(words)


def clean_title(title: str) -> str:
    """Return a title as one line of at most `MAX_TITLE_CHARS` characters.

    Invisible characters that join letters, emoji or flags or set the direction stay; others go.
    """
    line = " ".join("".join(map(_in_title, title)).split())
    if len(line) > MAX_TITLE_CHARS:
        line = line[: MAX_TITLE_CHARS - 1].rstrip(f" {''.join(JOINERS)}") + "…"
    return line if any(letter.isprintable() and not letter.isspace() for letter in line) else ""


def _in_title(letter: str) -> str:
    """Return a character of a title, a space in place of a control character, or ''."""
    if letter.isprintable() or letter in JOINERS or "\U000e0020" <= letter <= "\U000e007f":
        return letter
    kind = unicodedata.category(letter)
    if kind == "Cn" and ord(letter) & 0xFFFE != 0xFFFE:
        return letter  # perhaps an emoji that is newer than this Python
    return "" if kind in ("Cf", "Cs") else " "


def title_from_text(text: str) -> str:
    """Return the first words of a caption, as the title of a story that has none."""
    words = text.split()
    if not words:
        return "Untitled story"
    start = clean_title(" ".join(words[:TITLE_WORDS])).rstrip(".,;:!?\"'“”‘’- ")
    return f"{start}…" if len(words) > TITLE_WORDS else start or "Untitled story"
