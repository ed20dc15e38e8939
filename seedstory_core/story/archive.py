"""Story folders: what a reader finds again after a reload, a restart or a crash.

    <root>/<story id>/story.json       title, engine, format; its presence makes the folder a story
                      p1.json          one panel; written last, so its presence makes the panel
                      p1-3f9c2a1b.png  its picture (a redrawn panel leaves the older one beside it)
                      p1-3f9c2a1b.npy  its visual features, float32
                      p5.removed       p5 and what followed it were removed; the files stay
    <root>/.trash/<story id>-<token>/  a deleted story

A panel's picture and features are complete under their own names before its record appears, so a
writer killed at any instant loses at most the panel it was writing. Reading never deletes what a
record may need: a damaged panel and those that follow it are left out and reported.

`files.py` puts bytes on the disk, `records.py` knows what they say. The engine's memory is not
here; it is a cache, rebuilt from token ids and features.
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
"""A file without a record is only swept away after this long: its writer may still be at it."""
DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}

NO_SUCH_STORY = (
    "There is no story under this address. It may have been deleted, or the address is incomplete."
)

Texts = list[str]
"""Inside the class, `list` is the shelf."""


class StoredStory(NamedTuple):
    """A story as it was found."""

    tree: StoryTree
    header: StoryHeader
    warnings: Texts
    """One for each thing that could not be read and was left out; empty when all is well."""


@dataclass(frozen=True)
class StorySummary:
    """A story on the shelf."""

    id: str
    title: str
    num_panels: int = 0
    created_at: float = 0.0
    updated_at: float = 0.0
    """Unix seconds of the newest panel."""
    thumbnail: str | None = None
    """Picture of the first panel that has one, for `image_bytes` or `image_path`."""
    problem: str = ""
    """Why the story, or a part of what stands here, could not be read; '' when it could."""


class StoryArchive:
    """Every saved story under one root: a folder, `memory://…`, or a bucket.

    One object may serve many threads; it holds no story. A session puts the calls for its own story
    in order. Two servers that write the same story do not harm it: the second to write a panel
    number is refused.
    """

    def __init__(self, root: str, files: Files | None = None) -> None:
        """Name the root; it is created when the first story is.

        Args:
            root: A folder, or an address of fsspec.
            files: What puts bytes there; None takes what the root asks for.
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
        """Begin a story folder and return its header, with an id nobody can guess."""
        header = StoryHeader(
            id=_new_story_id(),
            title=clean_title(title),
            engine_fingerprint=engine_fingerprint,
            settings=json.loads(json.dumps(dict(settings or {}), allow_nan=False)),
            created_at=time.time(),
        )
        with self._writing("the new story was not begun", "Every other story is safe."):
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

        Save first, then `tree.add` what comes back: a full disk then leaves both as they were.

        Raises:
            StorageError: Not saved; nothing of it is left behind.
            StoryNotFoundError: The story was deleted.
        """
        with self._writing_panel(story_id, panel.id) as written:
            name = self._write_picture(story_id, panel.id, image, written)
            panel = dataclasses.replace(panel, image_name=name)
            self._write_record(story_id, panel, None, written, new=True)
        return panel

    def replace(self, story_id: str, panel: Panel, image: Image.Image | None = None) -> Panel:
        """Save a panel again, with a new picture or, for None, the one it has.

        The older picture's file stays. Returns the panel with its `image_name`, for `tree.replace`.

        Raises:
            StorageError: Not saved; the panel on disk is whole, and as it was unless only the last
                sync failed.
            StoryNotFoundError: The story was deleted, or never had this panel.
        """
        with self._writing_panel(story_id, panel.id) as written:
            if not self._files.exists(f"{story_id}/{panel.id}.json"):
                raise StoryNotFoundError(f"This story has no saved panel {panel.id}.")
            if image is not None:
                name = self._write_picture(story_id, panel.id, image, written)
                panel = dataclasses.replace(panel, image_name=name)
            self._write_record(
                story_id, panel, self._saved_features(story_id, panel.id), written, new=False
            )
        return panel

    def remove_branch(self, story_id: str, panels: Sequence[Panel]) -> None:
        """Remove a branch, given as `tree.branch(panel_id)`, in one step. Its files stay.

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
        """Give the story a title; '' goes back to its first words."""
        self._must_exist(story_id)
        header = dataclasses.replace(self._read_header(story_id), title=clean_title(title))
        with self._writing("the new title was not saved", "The story so far is safe."):
            self._write_header(header)
        return header

    def set_settings(self, story_id: str, settings: Mapping[str, Any]) -> StoryHeader:
        """Save what the session wants back when the story is opened again."""
        self._must_exist(story_id)
        plain = json.loads(json.dumps(dict(settings), allow_nan=False))
        header = dataclasses.replace(self._read_header(story_id), settings=plain)
        with self._writing("the new setting was not saved", "The story so far is safe."):
            self._write_header(header)
        return header

    def delete(self, story_id: str) -> None:
        """Move the story's folder to the trash folder under the root; nothing here empties it.

        A story that never had a panel leaves nothing behind.
        """
        self._must_exist(story_id)
        if not any(
            _ids_of(pattern, self._names(story_id)) for pattern in (RECORD_NAME, TOMBSTONE_NAME)
        ):
            with self._writing("the story was not deleted", "It is as it was."):
                self._files.remove(f"{story_id}/{HEADER}")
            self._files.remove_folder(story_id)
            return
        trash = f"{TRASH}/{story_id}-{secrets.token_hex(4)}"
        with self._writing("the story was not deleted", "It is as it was."):
            self._files.move_folder(story_id, trash, first=HEADER)
            self._files.settle("")

    # Reading

    def load(self, story_id: str) -> StoredStory:
        """Read a story with everything in it that is whole.

        Raises:
            StoryNotFoundError: There is no such story.
            StorageError: It is from a newer version, or not one of its panels could be read.
        """
        self._must_exist(story_id)
        names = self._names(story_id)
        warnings: Texts = []
        try:
            header = self._read_header(story_id)
        except NewerFormatError:
            raise
        except StorageError as error:
            warnings.append(f"{error} The story goes by its first words until that is repaired.")
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
            elif panel.parent in removed:  # another server went on after the branch was removed
                removed.add(panel_id)
            else:
                unread.append(panel_id)
                warnings.append(
                    f"Panel {panel_id} follows {panel.parent}, which could not be read, "
                    "so it was left out."
                )
        if unread and not panels:
            raise StorageError(f"No panel of this story could be read. {' '.join(warnings[:2])}")
        self._sweep(story_id, names)
        numbers = [panel_number(panel_id) for panel_id in (*saved_ids, *removed)]
        tree = StoryTree(panels.values(), title=header.title, last_number=max(numbers, default=0))
        return StoredStory(tree, header, warnings)

    def image(self, story_id: str, panel: Panel) -> Image.Image:
        """The panel's picture, loaded.

        Raises:
            StoryNotFoundError: The story is gone, or the panel has no picture.
            StorageError: The file is missing or damaged.
        """
        if panel.image_name is None:
            raise StoryNotFoundError(f"Panel {panel.id} has no picture.")
        return records.from_png(panel.image_name, self.image_bytes(story_id, panel.image_name))

    def image_bytes(self, story_id: str, image_name: str) -> bytes:
        """A picture's PNG file as it lies in the folder, unchecked."""
        self._check_picture_name(story_id, image_name)
        return self._read(story_id, image_name)

    def list(self, story_ids: Iterable[str] | None = None) -> tuple[StorySummary, ...]:
        """The shelf, newest first: every story, or those of `story_ids` that still exist.

        An id is the only key to its story, so a public page lists the ids its reader already holds.
        A story that cannot be read stands there with its `problem`.
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

    def _write_picture(
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
        """Write the record, and before it the features unless they are the saved ones."""
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
        # The names of picture and features must be on the disk before a record speaks of them.
        self._files.settle(story_id)
        self._files.write(path, records.to_json(record), new=new)
        if new:
            written.append(path)
        else:
            written.clear()  # from here on the record needs them
        self._files.settle(story_id)

    def _saved_features(self, story_id: str, panel_id: str) -> dict[str, str] | None:
        """Name and checksum of the features a saved panel has; None when they are not whole."""
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
        """One panel. A lost picture or lost features cost a warning, not the panel."""
        file_name = f"{panel_id}.json"
        record = self._read_json(story_id, file_name)
        panel = records.panel_from_record(panel_id, file_name, record)
        if panel.image_name is not None and panel.image_name not in names:
            warnings.append(
                f"The picture {panel.image_name} of panel {panel_id} is missing. "
                "Redraw the panel to have one again."
            )
        features = record["features"]
        if features is None:
            return panel
        try:
            data = self._read(story_id, features["name"])
            array = records.from_npy(features["name"], data, features["sha256"])
        except StorageError as error:
            warnings.append(
                f"{error} Panel {panel_id} can be read; what follows it may be told differently."
            )
            return panel
        return dataclasses.replace(panel, visual_features=array)

    def _removed(self, story_id: str, names: set[str], warnings: Texts) -> set[str]:
        """Ids of removed panels."""
        removed: set[str] = set()
        for panel_id in _ids_of(TOMBSTONE_NAME, names):
            removed.add(panel_id)
            try:
                ids = self._read_json(story_id, f"{panel_id}.removed").get("removed")
            except NewerFormatError:
                raise
            except StorageError as error:
                # Its name is enough: what followed the panel is found through the parents.
                warnings.append(str(error))
                continue
            if isinstance(ids, Sequence):
                removed.update(i for i in ids if isinstance(i, str) and PANEL_ID.fullmatch(i))
        return removed

    def _summary(self, story_id: str) -> StorySummary | None:
        """A story for the shelf; None for a folder that is not, or no longer, one."""
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

    # At the door

    def _must_exist(self, story_id: str) -> None:
        if not _is_story_id(story_id):
            raise StoryNotFoundError(NO_SUCH_STORY)
        try:
            found = self._files.exists(f"{story_id}/{HEADER}")
        except OSError as error:
            raise StorageError(f"This story could not be read: {_reason(error)}.") from error
        if not found:
            raise StoryNotFoundError(NO_SUCH_STORY)

    def _check_picture_name(self, story_id: str, image_name: str) -> None:
        if not _is_story_id(story_id):
            raise StoryNotFoundError(NO_SUCH_STORY)
        if not isinstance(image_name, str) or not records.PICTURE_NAME.fullmatch(image_name):
            raise StoryNotFoundError("This story has no such picture.")

    def _names(self, story_id: str) -> set[str]:
        try:
            return self._files.names(story_id)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise StoryNotFoundError(NO_SUCH_STORY) from error
        except OSError as error:
            raise StorageError(f"This story could not be read: {_reason(error)}.") from error

    # When a write fails

    @contextlib.contextmanager
    def _writing(self, what_failed: str, what_is_safe: str) -> Iterator[None]:
        """Turn a failed write into a sentence: what happened, what was not saved, what to do."""
        try:
            yield
        except OSError as error:
            if error.errno in DISK_FULL:
                why, cure = "The disk is full", "Free some space and try again."
            elif error.errno in READ_ONLY or isinstance(error, PermissionError):
                why = f"The story folder {self.root} cannot be written to"
                cure = "Make it writable or choose another one."
            else:
                why = f"The story folder {self.root} did not take the data ({_reason(error)})"
                cure = "Try again, or choose another folder."
            raise StorageError(f"{why}, so {what_failed}. {what_is_safe} {cure}") from error

    @contextlib.contextmanager
    def _writing_panel(self, story_id: str, panel_id: str) -> Iterator[Texts]:
        """As `_writing`; when it fails, take back the files noted in the list, last one first."""
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
                        "by another server, so this one was not saved. Open the story again to go "
                        "on from there."
                    ) from error
                raise

    def _sweep(self, story_id: str, names: set[str]) -> None:
        """Delete what a killed writer left: temporary files, pictures of a panel that never was.

        Of pictures and features only those numbered above every record: a lower one may belong to
        a record that was lost.
        """
        numbers = [panel_number(panel_id) for panel_id in _ids_of(RECORD_NAME, names)]
        for name in names:
            leftover = name.startswith(TEMP_PREFIX)
            if records.PICTURE_NAME.fullmatch(name) or records.FEATURES_NAME.fullmatch(name):
                leftover = panel_number(name.split("-")[0]) > max(numbers, default=0)
            path = f"{story_id}/{name}"
            if leftover and self._files.is_stale(path, LEFTOVER_SECONDS):
                with contextlib.suppress(OSError):
                    self._files.remove(path)


def _is_story_id(story_id: object) -> bool:
    return isinstance(story_id, str) and STORY_ID.fullmatch(story_id) is not None


def _new_story_id() -> str:
    """128 random bits. No leading '-', which a shell would take for an option."""
    while (story_id := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return story_id


def _ids_of(pattern: re.Pattern[str], names: Iterable[str]) -> Sequence[str]:
    """Panel ids among file names, in order of their numbers."""
    return sorted((m[1] for n in names if (m := pattern.fullmatch(n))), key=panel_number)


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
