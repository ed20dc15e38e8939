"""Reading a story's folder: whatever is still there is shown, and whatever is not is named.

A panel whose record cannot be read becomes a placeholder, so that the tree keeps its shape and the
panels after it stay in the story. A header that is lost is made again from the records. Reading
changes nothing on disk.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from seedstory_core.errors import StorageError
from seedstory_core.story import records
from seedstory_core.story.records import NewerFormatError, Record, StoryHeader
from seedstory_core.story.tree import PANEL_ID, Panel, StoryTree, clean_title, id_runs, panel_number

RECORD_NAME = re.compile(r"(p[1-9][0-9]{0,8})\.json")
TOMBSTONE_NAME = re.compile(r"(p[1-9][0-9]{0,8})\.removed")
GROUP_NAME = re.compile(r"(p[1-9][0-9]{0,8})\.group")
REVISION_NAME = re.compile(r"story-([1-9][0-9]{0,8})\.json")
HEADER = "story.json"
DELETED = "deleted.json"
"""Marks a folder that is no story: one on its way to the trash, or one that is not whole yet."""

REMOVED_ELSEWHERE = (
    "This page was removed in another window or by another server, while the story went on below "
    "it with {orphans}. Remove it again to remove what follows, too."
)
TRACES = (
    "There are files of a page {panel_id} without its record: it was never finished, or its record "
    "is lost."
)

Texts = list[str]
Read = Callable[[str], bytes]


class UnreadableError(StorageError):
    """A file could not be read for a reason outside it: it may be whole, and be there again."""


class StoredStory(NamedTuple):
    """A story as read from its folder."""

    tree: StoryTree
    header: StoryHeader
    warnings: Texts
    """One for each panel or file that could not be read, or that is not what was saved."""


def is_story(names: Iterable[str]) -> bool:
    """Whether a folder with these files is a story: it has a header, or a record of a panel."""
    names = set(names)
    if DELETED in names:
        return False
    return HEADER in names or has_panels(names)


def has_panels(names: Iterable[str]) -> bool:
    """Whether a folder with these files has, or ever had, a panel."""
    patterns = (RECORD_NAME, TOMBSTONE_NAME, GROUP_NAME, records.IMAGE_NAME, records.FEATURES_NAME)
    return any(pattern.fullmatch(name) for name in names for pattern in patterns)


def ids_of(pattern: re.Pattern[str], names: Iterable[str]) -> Sequence[str]:
    """Return the panel ids in file names that match a pattern, in order of their numbers."""
    return sorted((m[1] for n in names if (m := pattern.fullmatch(n))), key=panel_number)


def revisions_of(names: Iterable[str]) -> Sequence[int]:
    """Return the revisions of the header that have a file, the newest first."""
    found = (int(m[1]) for n in names if (m := REVISION_NAME.fullmatch(n)))
    return sorted(found, reverse=True)


class FolderReader:
    """The folder of one story, with the files that it had when it was listed."""

    def __init__(self, story_id: str, names: set[str], read: Read) -> None:
        """Read a folder.

        Args:
            story_id: The story's id.
            names: Names of its files.
            read: Returns the bytes of a file, or raises a `StorageError` that names it.
        """
        self.story_id = story_id
        self.names = names
        self.warnings: Texts = []
        self._read = read
        self._written_as = story_id
        """The id in the header: a folder that was renamed by hand still holds its own records."""
        self._remarks: list[tuple[str, str]] = []
        self._grandparents: dict[str, str] = {}
        self._groups: dict[str, Record] | None = None
        self._removed: Sequence[tuple[str, Sequence[str], float]] | None = None

    # The whole story

    def story(self) -> StoredStory:
        """Read everything.

        Raises:
            NewerFormatError: A newer version saved the story.
            UnreadableError: The disk gave none of its panels.
        """
        header = self.header()
        panels = self.panels()
        header = header or self.rebuilt_header(panels)
        tree = StoryTree(panels, title=header.title, last_number=self.last_number())
        warnings = [*self.warnings, *self._remarks_on(tree), *self._traces(tree)]
        return StoredStory(tree, header, warnings)

    def last_number(self) -> int:
        """Return the highest number of a panel of which there is any trace."""
        names = (name.split(".")[0].split("-")[0] for name in self.names)
        numbers = [panel_number(name) for name in names if PANEL_ID.fullmatch(name)]
        for _, ids, _ in self.removals():
            numbers += [panel_number(panel_id) for panel_id in ids]
        return max(numbers, default=0)

    # The header

    def header(self, *, to_change: bool = False) -> StoryHeader | None:
        """Return the newest header that can be read; None for none.

        `story.json` is written after the file of its revision, so it may be older. One without a
        revision was written by a version before 0.3, and then it is the newest.

        Args:
            to_change: Whether it will be written again, so that none may be missed.

        Raises:
            NewerFormatError: A newer version saved the story.
            UnreadableError: `to_change` is set, and a header may be there that was not read.
        """
        problem: StorageError | None = None
        found: tuple[StoryHeader, Record] | None = None
        try:
            found = self._header_in(HEADER)
        except NewerFormatError:
            raise
        except StorageError as error:
            problem = error
        if found is None or "revision" in found[1]:
            for revision in revisions_of(self.names):
                if found is not None and found[0].revision >= revision:
                    break
                try:
                    found = self._header_in(f"story-{revision}.json")
                    break
                except NewerFormatError:
                    raise
                except StorageError as error:
                    problem = problem or error
        if to_change and isinstance(problem, UnreadableError):
            raise problem
        if found is None:
            self.warnings.append(
                f"{problem} The title is the story's first words until the story is renamed, and "
                "what was kept in mind is as on its newest page."
            )
            return None
        header, record = found
        if problem is not None:
            self.warnings.append(f"{problem} A copy was read instead.")
        elif record.changed:
            self.warnings.append(f"The file {HEADER} of this story is not the one that was saved.")
        self._written_as = record.get("id", self.story_id)
        return header

    def _header_in(self, name: str) -> tuple[StoryHeader, Record]:
        record = self.json(name)
        return records.header_from_record(self.story_id, name, record), record

    def rebuilt_header(self, panels: Sequence[Panel]) -> StoryHeader:
        """Return a header made from the panels, for a story that lost its own."""
        title = ""
        for name in (HEADER, *(f"story-{number}.json" for number in revisions_of(self.names))):
            try:
                title = title or records.salvage(self._read(name), "title") or ""
            except StorageError:
                continue
        whole = [panel for panel in panels if not panel.is_placeholder]
        settings: dict[str, Any] = {}
        fingerprint = ""
        if whole:
            newest = whole[-1]
            fingerprint = str(newest.settings.get("fingerprint", ""))
            memory = newest.settings.get("memory")
            if isinstance(memory, dict):
                numbers = memory.get("pinned_panels")
                settings["memory"] = {k: v for k, v in memory.items() if k != "pinned_panels"}
                settings["pinned"] = _pinned(panels, newest, numbers)
        return StoryHeader(
            id=self.story_id,
            title=clean_title(title),
            engine_fingerprint=fingerprint,
            settings=settings,
            created_at=whole[0].created_at if whole else 0.0,
        )

    # The panels

    def panel_ids(self) -> Sequence[str]:
        """Return the ids of all panels with a record that were not removed."""
        removed, _ = self.removed()
        saved = {*ids_of(RECORD_NAME, self.names), *self.groups()}
        return sorted(saved - removed, key=panel_number)

    def panels(self) -> Sequence[Panel]:
        """Read all panels, and put placeholders for those that cannot be read.

        Raises:
            NewerFormatError: A newer version saved the story.
            UnreadableError: The disk gave none of them.
        """
        failure: UnreadableError | None = None
        removed, unlisted = self.removed()
        found: dict[str, Panel] = {}
        lost: dict[str, str] = {}
        for panel_id in self.panel_ids():  # by number, so parents come before their children
            try:
                panel = self.panel(panel_id)
            except NewerFormatError:
                raise
            except StorageError as error:
                if isinstance(error, UnreadableError):
                    failure = error
                lost[panel_id] = _inside(error)
                continue
            if panel.parent in unlisted:
                unlisted.add(panel_id)
                removed.add(panel_id)
                continue
            found[panel_id] = panel
        if failure is not None and not found:
            raise failure
        # From the youngest on, because a placeholder may need one for its own parent.
        wanted = {p.parent for p in found.values() if p.parent is not None} - set(found)
        waiting = sorted(wanted | set(lost), key=panel_number)
        while waiting:
            panel_id = waiting.pop()
            if panel_id in found:
                continue
            reason = lost.get(panel_id, f"the file {panel_id}.json of this story is missing")
            problem = f"This page could not be read, because {reason}."
            if panel_id in removed:
                orphans = (panel.id for panel in found.values() if panel.parent == panel_id)
                problem = REMOVED_ELSEWHERE.format(orphans=id_runs(orphans))
            placeholder = self._placeholder(panel_id, problem, {*found, *lost, *waiting})
            found[panel_id] = placeholder
            parent = placeholder.parent
            if parent is not None and parent not in found and parent not in waiting:
                waiting = sorted([*waiting, parent], key=panel_number)
        return sorted(found.values(), key=lambda panel: panel_number(panel.id))

    def panel(self, panel_id: str) -> Panel:
        """Read one panel; a missing image or lost features are only remarked on.

        Raises:
            StorageError: Its record cannot be read.
        """
        name = f"{panel_id}.json"
        panel, record = self.saved(panel_id)
        problem = ""
        if record.changed:
            problem = f"The file {name} of this page is not the one that was saved."
            self._remarks.append((panel_id, problem))
        elif record.get("story", self._written_as) != self._written_as:
            problem = f"The file {name} of this page was saved in another story."
            self._remarks.append((panel_id, problem))
        grandparent = record.get("grandparent")
        if panel.parent is not None and isinstance(grandparent, str):
            self._grandparents[panel.parent] = grandparent
        if panel.image_name is not None and panel.image_name not in self.names:
            self._remarks.append(
                (
                    panel_id,
                    f"Its picture {panel.image_name} is missing. Redraw it to have one again.",
                )
            )
        return dataclasses.replace(self._with_whole_features(panel), problem=problem)

    def saved(self, panel_id: str) -> tuple[Panel, Record]:
        """Return a panel and its record, or the one in its group.

        Raises:
            StorageError: There is no record that can be read.
        """
        name = f"{panel_id}.json"
        try:
            record = self.json(name)
            return records.panel_from_record(panel_id, name, record), record
        except NewerFormatError:
            raise
        except StorageError:
            if panel_id not in self.groups():
                raise
            if name in self.names:
                self._remarks.append((panel_id, f"The file {name} is damaged; a copy was read."))
            record = self.groups()[panel_id]
            return records.panel_from_record(panel_id, name, record), record

    def _with_whole_features(self, panel: Panel) -> Panel:
        """Return the panel without features if their file is missing or damaged."""
        name, digest = panel.features_name, panel.features_sha256
        if name is None or digest is None:
            return panel
        try:
            records.from_npy(name, self._read(name), digest)
        except StorageError as error:
            remark = f"{error} It can be read, but the pages after it may turn out otherwise."
            self._remarks.append((panel.id, remark))
            return dataclasses.replace(panel, features_name=None, features_sha256=None)
        return panel

    def _placeholder(self, panel_id: str, problem: str, others: Iterable[str]) -> Panel:
        """Return a placeholder at the place of a panel that cannot be read.

        Its parent is known from the records of its children, or from what is left of its own.
        """
        parent = self._grandparents.get(panel_id)
        data = b""
        with contextlib.suppress(StorageError):
            data = self._read(f"{panel_id}.json")
        saved = records.salvage(data, "parent")
        if saved is not None and _is_before(saved, panel_id):
            parent = parent or saved
        elif parent is None and b'"parent": null' not in data:
            # Most stories go straight on, and a page at a wrong place can at least be found.
            below = [other for other in others if _is_before(other, panel_id)]
            parent = max(below, key=panel_number, default=None)
            if parent is not None:
                problem += f" Its place is lost, too; it was put after {parent}."
        grandparent = records.salvage(data, "grandparent")
        if parent is not None and grandparent is not None and _is_before(grandparent, parent):
            self._grandparents.setdefault(parent, grandparent)
        self._remarks.append((panel_id, problem))
        return Panel(panel_id, parent, "", problem=problem)

    # Removed panels and groups

    def removed(self) -> tuple[set[str], set[str]]:
        """Return the ids of removed panels, and the tops of branches whose list is lost.

        What follows such a top was removed with it.
        """
        removed: set[str] = set()
        unlisted: set[str] = set()
        for top, ids, _ in self.removals():
            removed |= {top, *ids}
            if not ids:
                unlisted.add(top)
        return removed, unlisted

    def removals(self) -> Sequence[tuple[str, Sequence[str], float]]:
        """Return the top of every removed branch, its ids if they are known, and the time."""
        if self._removed is None:
            tops = ids_of(TOMBSTONE_NAME, self.names)
            self._removed = [(top, *self._tombstone(f"{top}.removed")) for top in tops]
        return self._removed

    def _tombstone(self, name: str) -> tuple[Sequence[str], float]:
        try:
            record = self.json(name)
        except NewerFormatError:
            raise
        except StorageError as error:
            # The file's name is enough: later panels are found through their parents.
            self.warnings.append(str(error))
            return (), 0.0
        ids, at = record.get("removed"), record.get("saved_at")
        if record.changed:
            self.warnings.append(f"The file {name} of this story is not the one that was saved.")
        listed = ids if isinstance(ids, list) else ()
        known = [i for i in listed if isinstance(i, str) and PANEL_ID.fullmatch(i)]
        return known, at if isinstance(at, float) else 0.0

    def groups(self) -> dict[str, Record]:
        """Return the records in group files by panel id: panels that were committed together."""
        if self._groups is None:
            self._groups = {}
            for first in ids_of(GROUP_NAME, self.names):
                self._groups |= self._group(f"{first}.group")
        return self._groups

    def _group(self, name: str) -> dict[str, Record]:
        try:
            record = self.json(name)
        except NewerFormatError:
            raise
        except StorageError:
            return {}  # the panels have records of their own
        found = {}
        members = record.get("records")
        for member in members if isinstance(members, list) else ():
            panel_id = member.get("id") if isinstance(member, dict) else None
            if isinstance(panel_id, str) and PANEL_ID.fullmatch(panel_id):
                found[panel_id] = Record(member)
                found[panel_id].changed = record.changed
        return found

    # Helpers

    def json(self, name: str) -> Record:
        """Read a header, record or tombstone.

        Raises:
            StorageError: It is missing or damaged.
        """
        return records.from_json(name, self._read(name))

    def _traces(self, tree: StoryTree) -> Texts:
        """Return a sentence for each panel that has an image or features, but no record.

        A writer that is killed leaves them, too, so it is not known whether there was a page.
        """
        removed, _ = self.removed()
        parts = (records.IMAGE_NAME, records.FEATURES_NAME)
        names = (n for n in self.names if any(pattern.fullmatch(n) for pattern in parts))
        traced = (
            {name.split("-")[0] for name in names} - removed - set(ids_of(RECORD_NAME, self.names))
        )
        lost = [panel_id for panel_id in traced if panel_id not in tree]
        return [TRACES.format(panel_id=panel_id) for panel_id in sorted(lost, key=panel_number)]

    def _remarks_on(self, tree: StoryTree) -> Texts:
        """Return the remarks on panels, with the pages' numbers as the book shows them."""
        return [
            f"Page {tree.depth(panel_id)} ({panel_id}): {remark}"
            for panel_id, remark in sorted(self._remarks, key=lambda one: panel_number(one[0]))
            if panel_id in tree
        ]


def _inside(error: StorageError) -> str:
    """Return an error's sentence as a clause."""
    sentence = str(error).rstrip(".")
    return sentence[:1].lower() + sentence[1:]


def _is_before(parent: str, panel_id: str) -> bool:
    if not PANEL_ID.fullmatch(parent):
        return False
    return panel_number(parent) < panel_number(panel_id)


def _pinned(panels: Sequence[Panel], newest: Panel, numbers: object) -> Texts:
    """Return the ids of the panels that were pinned when the newest one was made."""
    by_id = {panel.id: panel for panel in panels}
    path: Texts = []
    parent = newest.parent
    while parent is not None:
        if not by_id[parent].is_placeholder:  # the models never counted one
            path.append(parent)
        parent = by_id[parent].parent
    path.reverse()
    if not isinstance(numbers, Sequence):
        return []
    return [path[i] for i in numbers if isinstance(i, int) and 0 <= i < len(path)]
