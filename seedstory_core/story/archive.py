"""The archive: one folder per story, which survives a reload, a restart and a crash.

    <root>/<story id>/story.json       title, engine, format; its presence makes the folder a story
                      p1.json          one panel; written last, so its presence makes the panel
                      p1-3f9c2a1b.png  its image (a redrawn panel leaves the older one beside it)
                      p1-3f9c2a1b.npy  its visual features, float32
                      p5.removed       p5 and what followed it were removed; the files stay
    <root>/.trash/<story id>-<token>/  a deleted story

A panel's image and features are complete before its record appears, so a writer that is killed
loses at most the panel that it was writing. Reading never deletes a file that a record may need: a
damaged panel and those after it are left out and reported.

`files.py` writes bytes to disk, `records.py` defines their meaning. Keys and values are not saved;
they are a cache, rebuilt from token ids and features.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import re
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from PIL import Image

from seedstory_core.errors import (
    FileMissingError,
    StorageError,
    StoryChangedError,
    StoryNotFoundError,
)
from seedstory_core.story import records
from seedstory_core.story.files import TEMP_PREFIX, Files, open_files
from seedstory_core.story.records import NewerFormatError, StoryHeader
from seedstory_core.story.tree import (
    PANEL_ID,
    Panel,
    StoryTree,
    clean_title,
    panel_number,
    title_from_text,
)

STORY_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")
RECORD_NAME = re.compile(r"(p[1-9][0-9]{0,8})\.json")
TOMBSTONE_NAME = re.compile(r"(p[1-9][0-9]{0,8})\.removed")
HEADER = "story.json"
TRASH = ".trash"

LEFTOVER_SECONDS = 3600.0
"""Least age of a file without a record before it is deleted; its writer may still be running."""
DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}

NO_SUCH_STORY = (
    "There is no story under this address. It may have been deleted, or the address is incomplete."
)

Texts = list[str]
"""`list[str]` under another name, because the class below has a method `list`."""


class StoredStory(NamedTuple):
    """A story as read from its folder."""

    tree: StoryTree
    header: StoryHeader
    warnings: Texts
    """One for each panel or file that could not be read and was left out.

    The reader sees them, and calls a panel a page; so they name it by its id alone.
    """


@dataclass(frozen=True)
class StorySummary:
    """An entry in the list of stories."""

    id: str
    title: str
    num_panels: int = 0
    created_at: float = 0.0
    updated_at: float = 0.0
    """Unix seconds of the newest panel."""
    thumbnail: str | None = None
    """Name of the first panel's image that exists, for `image_bytes`."""
    problem: str = ""
    """Why the story or a part of this entry could not be read; '' if all could."""


class StoryArchive:
    """All saved stories under one root: a folder, `memory://…` or a bucket.

    The archive holds no state of a story, so threads may share it; a session orders the calls for
    its own story. If two servers write the same story, the second to write a panel is refused.
    """

    def __init__(self, root: str, files: Files | None = None) -> None:
        """Create an archive; its root is created with the first story.

        Args:
            root: A folder or an fsspec address.
            files: Reads and writes the files; None chooses by the root.
        """
        self.root = root
        self._files = files or open_files(root)

    # Writing

    def create(
        self,
        title: str = "",
        engine_fingerprint: str = "",
        settings: Mapping[str, Any] | None = None,
    ) -> StoryHeader:
        """Create a story folder and return its header, with an id that nobody can guess.

        Raises:
            StorageError: The folder could not be created.
        """
        header = StoryHeader(
            id=_new_story_id(),
            title=clean_title(title),
            engine_fingerprint=engine_fingerprint,
            settings=json.loads(json.dumps(dict(settings or {}), allow_nan=False)),
            created_at=time.time(),
        )
        with self._writing("the new story was not created", "All other stories are safe."):
            try:
                self._files.make_folder(header.id)
                self._write_header(header)
                self._files.settle("")
            except BaseException:
                self._files.remove_folder(header.id)
                raise
        return header

    def append(self, story_id: str, panel: Panel, image: Image.Image | None) -> Panel:
        """Save a new panel and return it with its `image_name`.

        Call this first and then `tree.add` with the result, so that a full disk changes neither.

        Raises:
            StorageError: The panel was not saved, and nothing of it is left.
            StoryChangedError: Another writer has saved a panel with this id.
            StoryNotFoundError: The story was deleted.
        """
        with self._writing_panel(story_id, panel.id) as written:
            name = self._write_image(story_id, panel.id, image, written)
            panel = dataclasses.replace(panel, image_name=name)
            self._write_record(story_id, panel, None, written, new=True)
        return panel

    def replace(self, story_id: str, panel: Panel, image: Image.Image | None = None) -> Panel:
        """Save a panel again, with a new image or, for None, its current one.

        The older image's file stays. Returns the panel with its `image_name`, for `tree.replace`.

        Raises:
            StorageError: The panel was not saved; on disk it is as before, or as new if only the
                last sync failed.
            StoryNotFoundError: The story was deleted, or never had this panel.
        """
        with self._writing_panel(story_id, panel.id) as written:
            if not self._files.exists(f"{story_id}/{panel.id}.json"):
                raise StoryNotFoundError(f"This story has no saved panel {panel.id}.")
            if image is not None:
                name = self._write_image(story_id, panel.id, image, written)
                panel = dataclasses.replace(panel, image_name=name)
            self._write_record(
                story_id, panel, self._saved_features(story_id, panel.id), written, new=False
            )
        return panel

    def remove_branch(self, story_id: str, panels: Sequence[Panel]) -> None:
        """Remove a branch, given as `tree.branch(panel_id)`, with one write; its files stay.

        Raises:
            StorageError: Nothing was removed.
            StoryNotFoundError: The story was deleted.
        """
        self._must_exist(story_id)
        top = panels[0].id
        mark = {"removed": [panel.id for panel in panels], "saved_at": time.time()}
        with self._writing(f"the branch at {top} was not removed", "The story is as it was."):
            self._files.write(f"{story_id}/{top}.removed", records.to_json(mark))
            self._files.settle(story_id)

    def set_title(self, story_id: str, title: str) -> StoryHeader:
        """Save the story's title; '' stands for the story's first words.

        Raises:
            StorageError: The title was not saved.
            StoryNotFoundError: The story was deleted.
        """
        self._must_exist(story_id)
        header = dataclasses.replace(self._read_header(story_id), title=clean_title(title))
        with self._writing("the new title was not saved", "The story so far is safe."):
            self._write_header(header)
        return header

    def set_settings(self, story_id: str, settings: Mapping[str, Any]) -> StoryHeader:
        """Save the settings that the session needs when the story is opened again.

        Raises:
            StorageError: The settings were not saved.
            StoryNotFoundError: The story was deleted.
        """
        self._must_exist(story_id)
        plain = json.loads(json.dumps(dict(settings), allow_nan=False))
        header = dataclasses.replace(self._read_header(story_id), settings=plain)
        with self._writing("the new setting was not saved", "The story so far is safe."):
            self._write_header(header)
        return header

    def delete(self, story_id: str) -> None:
        """Move the story's folder to the trash folder under the root, which is never emptied here.

        A story that never had a panel is deleted for good.

        Raises:
            StorageError: The story was not deleted.
            StoryNotFoundError: There is no such story.
        """
        self._must_exist(story_id)
        if not any(
            _ids_of(pattern, self._names(story_id)) for pattern in (RECORD_NAME, TOMBSTONE_NAME)
        ):
            with self._writing("the story was not deleted", "Nothing has changed."):
                self._files.remove(f"{story_id}/{HEADER}")
            self._files.remove_folder(story_id)
            return
        trash = f"{TRASH}/{story_id}-{secrets.token_hex(4)}"
        with self._writing("the story was not deleted", "Nothing has changed."):
            self._files.move_folder(story_id, trash, first=HEADER)
            self._files.settle("")

    # Reading

    def load(self, story_id: str) -> StoredStory:
        """Read a story with all its panels that are undamaged.

        Raises:
            StoryNotFoundError: There is no such story.
            StorageError: A newer version saved it, or none of its panels could be read.
        """
        self._must_exist(story_id)
        names = self._names(story_id)
        warnings: Texts = []
        try:
            header = self._read_header(story_id)
        except NewerFormatError:
            raise
        except StorageError as error:
            warnings.append(f"{error} Until it is repaired, the title is the story's first words.")
            header = StoryHeader(id=story_id)

        saved_ids = _ids_of(RECORD_NAME, names)
        removed = self._removed(story_id, names, warnings)
        panels: dict[str, Panel] = {}
        unread: Texts = []
        for panel_id in saved_ids:  # by number, so parents come before their children
            if panel_id in removed:
                continue
            try:
                panel = self._read_panel(story_id, panel_id, names, warnings)
            except NewerFormatError:
                raise
            except StorageError as error:
                warnings.append(str(error))
                unread.append(panel_id)
                continue
            if panel.parent is None or panel.parent in panels:
                panels[panel_id] = panel
            elif panel.parent in removed:  # another server continued the branch after its removal
                removed.add(panel_id)
            else:
                unread.append(panel_id)
                warnings.append(
                    f"{panel_id} was left out, because {panel.parent}, which it follows, could "
                    "not be read."
                )
        if unread and not panels:
            raise StorageError(f"Nothing of this story could be read. {' '.join(warnings[:2])}")
        self._sweep(story_id, names)
        numbers = [panel_number(panel_id) for panel_id in (*saved_ids, *removed)]
        tree = StoryTree(panels.values(), title=header.title, last_number=max(numbers, default=0))
        return StoredStory(tree, header, warnings)

    def image(self, story_id: str, panel: Panel) -> Image.Image:
        """Load the panel's image.

        Raises:
            StoryNotFoundError: The story is gone, or the panel has no image.
            StorageError: The file is missing or damaged.
        """
        if panel.image_name is None:
            raise StoryNotFoundError(f"Panel {panel.id} has no picture.")
        return records.from_png(panel.image_name, self.image_bytes(story_id, panel.image_name))

    def image_bytes(self, story_id: str, image_name: str) -> bytes:
        """Return an image's PNG file without checking its contents.

        Raises:
            StoryNotFoundError: The story is gone, or the name is no image's.
            StorageError: The file is missing or cannot be read.
        """
        self._check_image_name(story_id, image_name)
        return self._read(story_id, image_name)

    def list(self, story_ids: Iterable[str] | None = None) -> tuple[StorySummary, ...]:
        """List stories, newest first: all, or those of `story_ids` that still exist.

        An id is the only key to its story, so a public page lists only ids that its reader knows.
        A story that cannot be read is listed with its `problem`.

        Raises:
            StorageError: The root cannot be read.
        """
        if story_ids is None:
            try:
                story_ids = self._files.names("")
            except FileNotFoundError:
                return ()
            except OSError as error:
                raise StorageError(
                    f"The story folder {self.root} could not be read: {_reason(error)}."
                ) from error
        found = (self._summary(i) for i in dict.fromkeys(story_ids) if _is_story_id(i))
        shelf = [summary for summary in found if summary is not None]
        return tuple(sorted(shelf, key=lambda summary: (-summary.updated_at, summary.id)))

    # One file each

    def _write_header(self, header: StoryHeader) -> None:
        self._files.write(f"{header.id}/{HEADER}", records.to_json(dataclasses.asdict(header)))
        self._files.settle(header.id)

    def _write_image(
        self, story_id: str, panel_id: str, image: Image.Image | None, written: Texts
    ) -> str | None:
        if image is None:
            return None
        name = f"{panel_id}-{secrets.token_hex(4)}.png"
        self._files.write(f"{story_id}/{name}", records.to_png(image))
        written.append(f"{story_id}/{name}")
        return name

    def _write_record(
        self,
        story_id: str,
        panel: Panel,
        saved_features: dict[str, str] | None,
        written: Texts,
        *,
        new: bool,
    ) -> None:
        """Write the features, unless they equal the saved ones, and then the record."""
        features = None
        if panel.visual_features is not None:
            data = records.to_npy(panel.visual_features)
            digest = records.sha256(data)
            if saved_features is not None and saved_features["sha256"] == digest:
                features = saved_features
            else:
                features = {"name": f"{panel.id}-{secrets.token_hex(4)}.npy", "sha256": digest}
                self._files.write(f"{story_id}/{features['name']}", data)
                written.append(f"{story_id}/{features['name']}")
        record = {
            **records.panel_to_record(panel),
            "features": features,
            "saved_at": time.time(),
        }
        path = f"{story_id}/{panel.id}.json"
        # Image and features must be on the disk before a record names them.
        self._files.settle(story_id)
        self._files.write(path, records.to_json(record), new=new)
        if new:
            written.append(path)
        else:
            written.clear()  # the record needs them now
        self._files.settle(story_id)

    def _saved_features(self, story_id: str, panel_id: str) -> dict[str, str] | None:
        """Return name and checksum of a saved panel's features; None without undamaged ones."""
        with contextlib.suppress(StorageError):
            record = self._read_json(story_id, f"{panel_id}.json")
            records.panel_from_record(panel_id, f"{panel_id}.json", record)
            features: dict[str, str] | None = record["features"]
            if features is not None:
                records.from_npy(
                    features["name"], self._read(story_id, features["name"]), features["sha256"]
                )
            return features
        return None

    def _read(self, story_id: str, name: str) -> bytes:
        try:
            return self._files.read(f"{story_id}/{name}")
        except FileNotFoundError as error:
            self._must_exist(story_id)
            raise FileMissingError(f"The file {name} of this story is missing.") from error
        except OSError as error:
            raise StorageError(
                f"The file {name} of this story could not be read: {_reason(error)}."
            ) from error

    def _read_json(self, story_id: str, name: str) -> dict[str, Any]:
        return records.from_json(name, self._read(story_id, name))

    def _read_header(self, story_id: str) -> StoryHeader:
        return records.header_from_record(story_id, HEADER, self._read_json(story_id, HEADER))

    def _read_panel(self, story_id: str, panel_id: str, names: set[str], warnings: Texts) -> Panel:
        """Read a panel; a missing image or lost features only add a warning."""
        file_name = f"{panel_id}.json"
        record = self._read_json(story_id, file_name)
        panel = records.panel_from_record(panel_id, file_name, record)
        if panel.image_name is not None and panel.image_name not in names:
            warnings.append(
                f"The picture {panel.image_name} of {panel_id} is missing. "
                "Paint it again to have one."
            )
        features = record["features"]
        if features is None:
            return panel
        try:
            data = self._read(story_id, features["name"])
            array = records.from_npy(features["name"], data, features["sha256"])
        except StorageError as error:
            warnings.append(
                f"{error} {panel_id} can be read, but what is told after it may turn out "
                "differently."
            )
            return panel
        return dataclasses.replace(panel, visual_features=array)

    def _removed(self, story_id: str, names: set[str], warnings: Texts) -> set[str]:
        """Return the ids of removed panels."""
        removed: set[str] = set()
        for panel_id in _ids_of(TOMBSTONE_NAME, names):
            removed.add(panel_id)
            try:
                ids = self._read_json(story_id, f"{panel_id}.removed").get("removed")
            except NewerFormatError:
                raise
            except StorageError as error:
                # The file's name is enough: later panels are found through their parents.
                warnings.append(str(error))
                continue
            if isinstance(ids, Sequence):
                removed.update(i for i in ids if isinstance(i, str) and PANEL_ID.fullmatch(i))
        return removed

    def _summary(self, story_id: str) -> StorySummary | None:
        """Return a story's entry in the list; None for a folder that is no story, or no longer."""
        summary = StorySummary(id=story_id, title="")
        try:
            names = self._names(story_id)
            if HEADER not in names:
                return None
            header = self._read_header(story_id)
            summary = StorySummary(
                story_id, header.title, created_at=header.created_at, updated_at=header.created_at
            )
            removed = self._removed(story_id, names, [])
            ids = [i for i in _ids_of(RECORD_NAME, names) if i not in removed]
            summary = dataclasses.replace(summary, num_panels=len(ids))
            if ids:
                newest = self._read_json(story_id, f"{ids[-1]}.json").get("saved_at")
                if isinstance(newest, float):
                    summary = dataclasses.replace(summary, updated_at=newest)
            for panel_id in ids:
                record = self._read_json(story_id, f"{panel_id}.json")
                panel = records.panel_from_record(panel_id, f"{panel_id}.json", record)
                title = summary.title or title_from_text(panel.text)
                summary = dataclasses.replace(summary, title=title)
                if panel.image_name in names:
                    summary = dataclasses.replace(summary, thumbnail=panel.image_name)
                    break
        except StoryNotFoundError:
            return None
        except StorageError as error:
            summary = dataclasses.replace(summary, problem=str(error))
        return dataclasses.replace(summary, title=summary.title or title_from_text(""))

    # Checks

    def _must_exist(self, story_id: str) -> None:
        if not _is_story_id(story_id):
            raise StoryNotFoundError(NO_SUCH_STORY)
        try:
            found = self._files.exists(f"{story_id}/{HEADER}")
        except OSError as error:
            raise _unreadable(error) from error
        if not found:
            raise StoryNotFoundError(NO_SUCH_STORY)

    def _check_image_name(self, story_id: str, image_name: str) -> None:
        if not _is_story_id(story_id):
            raise StoryNotFoundError(NO_SUCH_STORY)
        if not isinstance(image_name, str) or not records.IMAGE_NAME.fullmatch(image_name):
            raise StoryNotFoundError("This story has no such picture.")

    def _names(self, story_id: str) -> set[str]:
        try:
            return self._files.names(story_id)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise StoryNotFoundError(NO_SUCH_STORY) from error
        except OSError as error:
            raise _unreadable(error) from error

    # When a write fails

    @contextlib.contextmanager
    def _writing(self, what_failed: str, what_is_safe: str) -> Iterator[None]:
        """Turn a failed write into a `StorageError` that says what to do."""
        try:
            yield
        except OSError as error:
            if error.errno in DISK_FULL:
                why, cure = "The disk is full", "Free some space and try again."
            elif error.errno in READ_ONLY or isinstance(error, PermissionError):
                why = f"The story folder {self.root} cannot be written to"
                cure = "Make it writable or choose another one."
            else:
                why = f"The story folder {self.root} could not be written to ({_reason(error)})"
                cure = "Try again, or choose another folder."
            raise StorageError(f"{why}, so {what_failed}. {what_is_safe} {cure}") from error

    @contextlib.contextmanager
    def _writing_panel(self, story_id: str, panel_id: str) -> Iterator[Texts]:
        """As `_writing`; on failure also delete the files in the yielded list, last one first."""
        self._must_exist(story_id)
        written: Texts = []
        with self._writing(f"panel {panel_id} was not saved", "The story so far is safe."):
            try:
                yield written
            except BaseException as error:
                for path in reversed(written):
                    with contextlib.suppress(OSError):
                        self._files.remove(path)
                if isinstance(error, FileExistsError):
                    raise StoryChangedError(
                        f"This story already has a panel {panel_id}, written in another window or "
                        "by another server, so this one was not saved. Open the story again to "
                        "continue from there."
                    ) from error
                raise

    def _sweep(self, story_id: str, names: set[str]) -> None:
        """Delete old leftovers of killed writers: temporary files, files of panels without record.

        Images and features go only if their number is above that of every record: a lower one may
        belong to a record that was lost.
        """
        numbers = [panel_number(panel_id) for panel_id in _ids_of(RECORD_NAME, names)]
        for name in names:
            leftover = name.startswith(TEMP_PREFIX)
            if records.IMAGE_NAME.fullmatch(name) or records.FEATURES_NAME.fullmatch(name):
                leftover = panel_number(name.split("-")[0]) > max(numbers, default=0)
            path = f"{story_id}/{name}"
            if leftover and self._files.is_stale(path, LEFTOVER_SECONDS):
                with contextlib.suppress(OSError):
                    self._files.remove(path)


def _is_story_id(story_id: object) -> bool:
    return isinstance(story_id, str) and STORY_ID.fullmatch(story_id) is not None


def _new_story_id() -> str:
    """Return 128 random bits as text, without a leading '-', which shells take for an option."""
    while (story_id := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return story_id


def _ids_of(pattern: re.Pattern[str], names: Iterable[str]) -> Sequence[str]:
    """Return the panel ids in file names that match a pattern, in order of their numbers."""
    return sorted((m[1] for n in names if (m := pattern.fullmatch(n))), key=panel_number)


def _unreadable(error: OSError) -> StorageError:
    return StorageError(f"This story could not be read: {_reason(error)}.")


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
