"""The archive: one folder per story, which survives a reload, a restart and a crash.

    <root>/<story id>/story.json       title, settings, engine, format, revision
                      story-3.json     the same at revision 3; only one server can create it
                      p1.json          one panel; written last, so its presence makes the panel
                      p1-3f9c2a1b.png  its image (a redrawn panel leaves the older one beside it)
                      p1-3f9c2a1b.npy  its visual features, float32
                      p3.group         p3, p4 and p5 were committed together, with their records
                      p5.removed       p5 and what followed it are in the bin; the files stay
                      deleted.json     the story is on its way to the trash (in a bucket), or is
                                       being copied or taken in and not whole yet
    <root>/.trash/<story id>-<token>/  a deleted story

A panel's image and features are complete before its record appears, so a writer that is killed
loses at most the panel that it was writing. A call that fails finds out what holds and says that:
a `StorageError` leaves the story as it was, after an `UnconfirmedError` it has to be opened again.

`files.py` writes bytes to disk, `records.py` defines their meaning, and `reading.py` makes a story
of them, damaged or not. Keys and values are not saved; they are a cache, rebuilt from token ids and
features.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import functools
import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seedstory_core.errors import (
    FileMissingError,
    StorageError,
    StoryChangedError,
    StoryNotFoundError,
    UnconfirmedError,
)
from seedstory_core.story import records
from seedstory_core.story.files import TEMP_PREFIX, Files, open_files
from seedstory_core.story.reading import (
    DELETED,
    HEADER,
    FolderReader,
    Read,
    StoredStory,
    UnreadableError,
    has_panels,
    is_story,
    revisions_of,
)
from seedstory_core.story.records import StoryHeader
from seedstory_core.story.tree import Panel, StoryTree, clean_title, title_from_text

STORY_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")
READING_KEY = re.compile(r"r\.[0-9a-f]{32}")
"""Keys with which a story can be read but not changed; the point sets them apart from ids."""
TRASH = ".trash"

LEFTOVER_SECONDS = 3600.0
"""Least age of a temporary file before it is deleted; its writer may still be running."""
NUM_ATTEMPTS = 20
"""Times that a change of the header is tried while other servers change it, too."""
DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}

NO_SUCH_STORY = (
    "There is no story under this address. It may have been deleted, or the address is incomplete."
)

Written = list[tuple[str, bytes | None]]
"""New files in the order of writing, with what was written if it is a record.

A name of its own, because the class below has a method `list`.
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


@dataclass(frozen=True)
class RemovedBranch:
    """A branch that was removed: it lies in the bin."""

    top: Panel
    """Its first panel."""
    num_panels: int
    removed_at: float
    """Unix seconds."""


class StoryArchive:
    """All saved stories under one root: a folder, `memory://…` or a bucket.

    The archive holds no state of a story, so threads may share it; a session orders the calls for
    its own story. If two servers write the same story, the second to write a panel, a title or a
    setting is refused, or both changes are kept (docs/reliability.md says where this holds).
    """

    def __init__(self, root: str, files: Files | None = None) -> None:
        """Create an archive; its root is created with the first story.

        Args:
            root: A folder or an fsspec address.
            files: Reads and writes the files; None chooses by the root.
        """
        self.root = root
        self._files = files or open_files(root)
        self._stories_by_key: dict[str, str] = {}

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

    def copy(self, story_id: str, panel_ids: Collection[str], title: str = "") -> StoryHeader:
        """Copy panels of a story into a new one, with all their images and features.

        Args:
            story_id: The story.
            panel_ids: The panels; with a panel, all before it.
            title: The new story's title; '' takes the old one's.

        Raises:
            StoryNotFoundError: There is no such story.
            StorageError: It could not be read or copied; what was copied is deleted.
            UnconfirmedError: It was copied, or may have been.
        """
        stored = self.load(story_id)
        header = dataclasses.replace(
            stored.header,
            title=clean_title(title) or stored.header.title,
            settings=settings_with(stored.header.settings, panel_ids),
            created_at=time.time(),
        )
        read = functools.partial(self._read, story_id)
        with self._making("copied", "The story is as it was.") as new_id:
            return self._new_from(header, new_id, stored.tree, panel_ids, read)

    def add_story(self, header: StoryHeader, tree: StoryTree, read: Read) -> StoryHeader:
        """Save a story that comes from elsewhere as a new one, with an id of its own.

        Args:
            header: Its title, settings and time; not its id.
            tree: Its panels, with the names of their files.
            read: Returns the bytes of a file, or raises a `FileMissingError`.

        Raises:
            StorageError: It could not be saved; nothing of it is left.
            UnconfirmedError: It was saved, or may have been.
        """
        with self._making("brought back", "All other stories are safe.") as new_id:
            return self._new_from(header, new_id, tree, {panel.id for panel in tree}, read)

    @contextlib.contextmanager
    def _making(self, what: str, what_is_safe: str) -> Iterator[str]:
        """Yield the id of a new story; if it cannot be made, its folder is deleted."""
        new_id = _new_story_id()
        with self._changing(
            f"the story was not {what}",
            what_is_safe,
            f"the story was {what}",
            lambda: self._exists(new_id),
        ):
            try:
                yield new_id
            except BaseException:
                self._files.remove_folder(new_id)
                raise

    def _new_from(
        self,
        header: StoryHeader,
        new_id: str,
        tree: StoryTree,
        panel_ids: Collection[str],
        read: Read,
    ) -> StoryHeader:
        """Make a new story of panels of a tree; it is no story before all of it is there."""
        header = dataclasses.replace(header, id=new_id, revision=0)
        mark = f"{new_id}/{DELETED}"
        self._files.make_folder(new_id)
        self._files.write(mark, records.to_json({"begun_at": time.time()}))
        self._files.settle(new_id)
        for panel in tree:
            if panel.id in panel_ids and not panel.is_placeholder:
                parent = tree.panel(panel.parent) if panel.parent else None
                self._copy_panel(new_id, panel, parent.parent if parent else None, read)
        self._write_header(header)
        self._files.settle("")
        self._files.remove(mark)
        self._files.settle(new_id)
        return header

    def _copy_panel(self, target: str, panel: Panel, grandparent: str | None, read: Read) -> None:
        names = [picture.name for picture in panel.all_pictures]
        for name in (*names, *filter(None, [panel.features_name])):
            with contextlib.suppress(FileMissingError):
                self._files.write(f"{target}/{name}", read(name))
        record = records.to_json(_record_of(target, panel, grandparent))
        self._files.write(f"{target}/{panel.id}.json", record, new=True)

    def append(
        self,
        story_id: str,
        panel: Panel,
        image: Image.Image | None,
        features: NDArray[np.float32] | None = None,
        *,
        grandparent: str | None = None,
    ) -> Panel:
        """Save a new panel and return it with the names of its files.

        Call this first and then `tree.add` with the result, so that a full disk changes neither.

        Args:
            story_id: The story.
            panel: The panel.
            image: Its image.
            features: The image's visual features, `[V, C]`.
            grandparent: The parent's parent, from which the parent's place in the tree is known
                even if its own record is lost.

        Raises:
            StorageError: The panel was not saved, and nothing of it is left.
            StoryChangedError: Another writer has saved a panel with this id.
            UnconfirmedError: The panel was saved, or may have been.
            StoryNotFoundError: The story was deleted.
        """
        self._must_exist(story_id)
        with self._adding(story_id, panel.id) as written:
            panel = self._write_parts(story_id, panel, image, features, written)
            record = _record_of(story_id, panel, grandparent)
            # Image and features must be on the disk before a record names them.
            self._files.settle(story_id)
            self._write_new(f"{story_id}/{panel.id}.json", record, written)
            self._files.settle(story_id)
        return panel

    def append_group(
        self,
        story_id: str,
        panels: Sequence[tuple[Panel, Image.Image | None, NDArray[np.float32] | None]],
        *,
        grandparent: str | None = None,
    ) -> Sequence[Panel]:
        """Save new siblings together: all of them or none, even after `kill -9`.

        One file with all their records decides; each gets a record of its own afterwards.

        Args:
            story_id: The story.
            panels: Each panel with its image and the image's visual features.
            grandparent: As for `append`.

        Raises:
            As `append`.
        """
        self._must_exist(story_id)
        names = " and ".join(panel.id for panel, _, _ in panels)
        with self._adding(story_id, names) as written:
            told = [self._write_parts(story_id, *each, written) for each in panels]
            saved = [(panel, _record_of(story_id, panel, grandparent)) for panel in told]
            self._files.settle(story_id)
            group = {"records": [record for _, record in saved]}
            self._write_new(f"{story_id}/{saved[0][0].id}.group", group, written)
            self._files.settle(story_id)
            for panel, record in saved:
                try:
                    self._write_new(f"{story_id}/{panel.id}.json", record, written)
                except FileExistsError:
                    raise
                except OSError:
                    break  # the group holds them all
            with contextlib.suppress(OSError):
                self._files.settle(story_id)
        return told

    def replace(
        self,
        story_id: str,
        panel: Panel,
        image: Image.Image | None = None,
        features: NDArray[np.float32] | None = None,
    ) -> Panel:
        """Save a panel again, with a new image and new features or, for None, its current ones.

        The older files stay; a panel that lists its `pictures` lists a new one after them. Returns
        the panel with the names of its files, for `tree.replace`.

        Raises:
            StorageError: The panel was not saved; on disk it is as before.
            UnconfirmedError: The panel was saved, or may have been.
            StoryNotFoundError: The story was deleted, or never had this panel.
        """
        reader = self._reader(story_id)
        path = f"{story_id}/{panel.id}.json"
        if panel.id not in reader.panel_ids():
            raise StoryNotFoundError(f"This story has no saved page {panel.id}.")
        grandparent: object = None
        with contextlib.suppress(StorageError):
            grandparent = reader.saved(panel.id)[1].get("grandparent")
        data = b""
        written: Written = []
        try:
            with self._changing(
                f"page {panel.id} was not saved",
                "The story so far is safe.",
                f"page {panel.id} was saved",
                lambda: bool(data) and self._holds(path, data),
            ):
                older = panel.pictures
                panel = self._write_parts(story_id, panel, image, features, written)
                if image is not None and older:
                    painted = dataclasses.replace(panel, pictures=()).all_pictures
                    panel = dataclasses.replace(panel, pictures=older + painted)
                self._files.settle(story_id)
                data = records.to_json(_record_of(story_id, panel, grandparent))
                self._files.write(path, data)
                self._files.settle(story_id)
        except UnconfirmedError:
            raise
        except BaseException:
            if not data or not self._may_hold(path, data):
                self._undo(story_id, written)
            raise
        return panel

    def remove_branch(self, story_id: str, panels: Sequence[Panel]) -> None:
        """Remove a branch, given as `tree.branch(panel_id)`, with one write; its files stay.

        What another server has removed already stays removed.

        Raises:
            StorageError: Nothing was removed.
            UnconfirmedError: The branch was removed, or may have been.
            StoryNotFoundError: The story was deleted.
        """
        top, path, data = panels[0].id, "", b""
        with self._changing(
            f"the branch at {top} was not removed",
            "The story is as it was.",
            f"the branch at {top} was removed",
            lambda: bool(data) and self._holds(path, data),
        ):
            for _ in range(NUM_ATTEMPTS):
                # Another server may have removed more of it than this one knows.
                removed, _ = self._reader(story_id).removed()
                left = [panel.id for panel in panels if panel.id not in removed]
                if not left:
                    break
                path = f"{story_id}/{left[0]}.removed"
                data = records.to_json({"removed": left, "saved_at": time.time()})
                try:
                    self._files.write(path, data, new=True)
                except FileExistsError:
                    continue
                break
            else:
                raise StoryChangedError(
                    f"Other servers are changing this story, so the branch at {top} was not "
                    "removed. Try again."
                )
            self._files.settle(story_id)

    def restore_branch(self, story_id: str, panel_id: str) -> None:
        """Undo `remove_branch(panel_id)` with one change of the folder.

        Raises:
            StoryNotFoundError: The branch is not removed, or the panel before it is.
            StorageError: Nothing was put back.
            UnconfirmedError: The branch was put back, or may have been.
        """
        removed, _ = self._reader(story_id).removed()
        branch = next((one for one in self.removed(story_id) if one.top.id == panel_id), None)
        if branch is None:
            raise StoryNotFoundError("These pages are not in the bin; they may be back already.")
        if branch.top.parent in removed:
            raise StoryNotFoundError("The pages before these are in the bin, too: put them back.")
        path = f"{story_id}/{panel_id}.removed"
        with self._changing(
            f"the branch at {panel_id} was not put back",
            "The story is as it was.",
            f"the branch at {panel_id} was put back",
            lambda: not self._files.exists(path),
        ):
            self._files.remove(path)
            self._files.settle(story_id)

    def removed(self, story_id: str) -> Sequence[RemovedBranch]:
        """Return the branches that were removed and can be put back, the newest first.

        Raises:
            StoryNotFoundError: There is no such story.
        """
        reader = self._reader(story_id)
        found = []
        for top, ids, at in reader.removals():
            with contextlib.suppress(StorageError):
                found.append(RemovedBranch(reader.saved(top)[0], max(1, len(ids)), at))
        return sorted(found, key=lambda branch: -branch.removed_at)

    def set_title(self, story_id: str, title: str, *, was: str | None = None) -> StoryHeader:
        """Save the story's title; '' stands for the story's first words.

        Args:
            story_id: The story.
            title: The new title.
            was: The title that the caller knows; None replaces whatever there is.

        Raises:
            StorageError: The title was not saved.
            StoryChangedError: Another server has given the story another title than `was`.
            UnconfirmedError: The title was saved, or may have been.
            StoryNotFoundError: The story was deleted.
        """
        clean = clean_title(title)

        def change(header: StoryHeader, is_made_again: bool) -> StoryHeader:
            is_lost = is_made_again and not header.title
            if was is not None and not is_lost and header.title not in (clean_title(was), clean):
                now = f"was renamed to “{header.title}”" if header.title else "lost its title"
                raise StoryChangedError(
                    f"This story {now} in another window or by another server, so the new title "
                    "was not saved. Rename it again to change that."
                )
            return dataclasses.replace(header, title=clean)

        return self._change_header(story_id, "the new title", change)

    def set_settings(
        self,
        story_id: str,
        settings: Mapping[str, Any],
        *,
        was: Mapping[str, Any] | None = None,
    ) -> StoryHeader:
        """Save the settings that the session needs when the story is opened again.

        Args:
            story_id: The story.
            settings: All settings.
            was: The settings that the caller knows; what another server changed since is kept
                beside the caller's changes. None replaces whatever there is.

        Returns:
            The header with the settings as they are now.

        Raises:
            StorageError: The settings were not saved.
            StoryChangedError: Another server has changed the same setting.
            UnconfirmedError: The settings were saved, or may have been.
            StoryNotFoundError: The story was deleted.
        """
        plain = json.loads(json.dumps(dict(settings), allow_nan=False))
        known = None if was is None else json.loads(json.dumps(dict(was), allow_nan=False))

        def change(header: StoryHeader, is_made_again: bool) -> StoryHeader:
            before = known
            if before is not None and is_made_again:
                # What was guessed is nobody's change, but of others' pins all that is left.
                guessed = {k: v for k, v in header.settings.items() if not isinstance(v, list)}
                before = {**before, **{k: v for k, v in guessed.items() if k in plain}}
            merged = plain if before is None else _merged(before, plain, header.settings)
            return dataclasses.replace(header, settings=merged)

        return self._change_header(story_id, "the new setting", change)

    def delete(self, story_id: str) -> None:
        """Move the story's folder to the trash folder under the root, which is never emptied here.

        A story that never had a panel is deleted for good.

        Raises:
            StorageError: The story was not deleted.
            UnconfirmedError: The story was deleted, or may have been.
            StoryNotFoundError: There is no such story.
        """
        self._must_exist(story_id)
        names = self._names(story_id)
        with self._changing(
            "the story was not deleted",
            "Nothing has changed.",
            "the story was deleted",
            lambda: not self._exists(story_id),
        ):
            if not has_panels(names):
                self._files.remove(f"{story_id}/{HEADER}")
                self._files.remove_folder(story_id)
                return
            if not self._files.moves_at_once:
                mark = records.to_json({"deleted_at": time.time()})
                self._files.write(f"{story_id}/{DELETED}", mark)
            trash = f"{TRASH}/{story_id}-{secrets.token_hex(4)}"
            self._files.move_folder(story_id, trash, last=DELETED)
            self._files.settle(TRASH)
            self._files.settle("")

    def restore(self, story_id: str) -> None:
        """Take a deleted story out of the trash folder.

        Raises:
            StoryNotFoundError: It is not there.
            StorageError: It was not put back.
            UnconfirmedError: It was put back, or may have been.
        """
        trash = self._in_trash(story_id)
        if trash is None:
            raise StoryNotFoundError("This story is not in the bin; it may be back already.")
        with self._changing(
            "the story was not put back",
            "It is still in the bin.",
            "the story was put back",
            lambda: self._exists(story_id),
        ):
            # A bucket moves file by file; the mark hides the story until all are there.
            mark = f"{story_id}/{DELETED}"
            if not self._files.moves_at_once:
                self._files.write(mark, records.to_json({"restored_at": time.time()}))
            self._files.move_folder(trash, story_id, last=DELETED)
            if not self._files.moves_at_once:
                self._files.remove(mark)
            self._files.settle(TRASH)
            self._files.settle("")

    def _in_trash(self, story_id: str) -> str | None:
        """Return the folder of a deleted story; None if there is none."""
        if not _is_story_id(story_id):
            return None
        try:
            names = self._files.names(TRASH)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unreadable(error) from error
        found = (name for name in sorted(names) if name.rsplit("-", 1)[0] == story_id)
        return next((f"{TRASH}/{name}" for name in found), None)

    # Reading

    def load(self, story_id: str) -> StoredStory:
        """Read a story; a panel that cannot be read is a placeholder, and a warning names it.

        Raises:
            StoryNotFoundError: There is no such story.
            StorageError: A newer version saved it, or the folder cannot be read.
        """
        reader = self._reader(story_id)
        story = reader.story()
        for name in reader.names:
            path = f"{story_id}/{name}"
            # Of killed writers. All other files stay: they may be the last trace of a panel.
            if name.startswith(TEMP_PREFIX) and self._files.is_stale(path, LEFTOVER_SECONDS):
                with contextlib.suppress(OSError):
                    self._files.remove(path)
        return story

    def story_of(self, reading_key: str) -> str:
        """Return the id of the story that a reading key opens.

        Raises:
            StoryNotFoundError: There is none, or it was deleted.
            StorageError: The root cannot be read.
        """
        if not isinstance(reading_key, str) or not READING_KEY.fullmatch(reading_key):
            raise StoryNotFoundError(NO_SUCH_STORY)
        if reading_key not in self._stories_by_key:
            self._stories_by_key.update({reading_key_of(i): i for i in self._story_ids()})
        story_id = self._stories_by_key.get(reading_key, "")
        self._must_exist(story_id)
        return story_id

    def image(self, story_id: str, panel: Panel) -> Image.Image:
        """Load the panel's image.

        Raises:
            StoryNotFoundError: The story is gone, or the panel has no image.
            StorageError: The file is missing, damaged, or not the one that was saved.
        """
        name = panel.image_name
        if name is None:
            raise StoryNotFoundError(f"Page {panel.id} has no picture.")
        self._check_image_name(story_id, name)
        data = self._read(story_id, name)
        records.check_image(name, data, None if panel.problem else panel.image_sha256)
        return records.from_png(name, data)

    def features(self, story_id: str, panel: Panel) -> NDArray[np.float32]:
        """Load the visual features `[V, C]` of the panel's image, bit for bit as they were saved.

        Raises:
            StoryNotFoundError: The story is gone, or the panel has no features.
            StorageError: The file is missing, damaged, or not the one that was saved.
        """
        name = panel.features_name
        if name is None:
            raise StoryNotFoundError(f"Page {panel.id} has no features.")
        return records.from_npy(name, self._read(story_id, name), panel.features_sha256)

    def file_bytes(self, story_id: str, name: str) -> bytes:
        """Return the file of an image or of features as it is, unchecked.

        Raises:
            StoryNotFoundError: The story is gone, or the name is neither's.
            StorageError: The file is missing or cannot be read.
        """
        if not records.FEATURES_NAME.fullmatch(name):
            self._check_image_name(story_id, name)
        return self._read(story_id, name)

    def image_bytes(self, story_id: str, image_name: str) -> bytes:
        """Return an image's PNG file, checked by its record or, without one, as far as PNG can.

        Raises:
            StoryNotFoundError: The story is gone, or the name is no image's.
            StorageError: The file is missing, damaged, or not the one that was saved.
        """
        self._check_image_name(story_id, image_name)
        data = self._read(story_id, image_name)
        digest: object = None
        with contextlib.suppress(StorageError, StoryNotFoundError):
            record = records.from_json("", self._read(story_id, f"{image_name.split('-')[0]}.json"))
            if record.get("image_name") == image_name and not record.changed:
                digest = record.get("image_sha256")
        if isinstance(digest, str):
            records.check_image(image_name, data, digest)
        else:
            records.from_png(image_name, data)  # its own checksums
        return data

    def thumbnail(self, story_id: str, image_name: str, pixels: int) -> Image.Image:
        """Return an image scaled down to a number of pixels.

        Raises:
            As `image_bytes`; also if the file is damaged.
        """
        small = records.from_png(image_name, self.image_bytes(story_id, image_name)).convert("RGB")
        small.thumbnail((pixels, pixels), Image.Resampling.LANCZOS)
        return small

    def list(self, story_ids: Iterable[str] | None = None) -> tuple[StorySummary, ...]:
        """List stories, newest first: all, or those of `story_ids` that still exist.

        An id is the only key to its story, so a public page lists only ids that its reader knows.
        A story that cannot be read is listed with its `problem`.

        Raises:
            StorageError: The root cannot be read.
        """
        ids = self._story_ids() if story_ids is None else filter(_is_story_id, story_ids)
        found = (self._summary(story_id) for story_id in dict.fromkeys(ids))
        shelf = [summary for summary in found if summary is not None]
        return tuple(sorted(shelf, key=lambda summary: (-summary.updated_at, summary.id)))

    def _story_ids(self) -> Sequence[str]:
        try:
            return [name for name in self._files.names("") if _is_story_id(name)]
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise StorageError(
                f"The story folder {self.root} could not be read: {_reason(error)}."
            ) from error

    # One file each

    def _write_header(self, header: StoryHeader) -> None:
        self._files.write(f"{header.id}/{HEADER}", records.to_json(dataclasses.asdict(header)))
        self._files.settle(header.id)

    def _change_header(
        self, story_id: str, what: str, change: Callable[[StoryHeader, bool], StoryHeader]
    ) -> StoryHeader:
        """Change the newest header; if another server was faster, read its one and change that.

        `change` also gets whether the header was lost and made again from the records. Only one
        writer can create the file of a revision, and a revision above it decides.
        """
        for _ in range(NUM_ATTEMPTS):
            reader = self._reader(story_id)
            header = reader.header(to_change=True)
            is_made_again = header is None
            header = header or reader.rebuilt_header(reader.panels())
            newest = max([header.revision, *revisions_of(reader.names)])
            changed = dataclasses.replace(change(header, is_made_again), revision=newest + 1)
            data = records.to_json(dataclasses.asdict(changed))
            own = f"{story_id}/story-{changed.revision}.json"
            try:
                with self._changing(
                    f"{what} was not saved",
                    "The story so far is safe.",
                    f"{what} was saved",
                    functools.partial(self._has_header, changed),
                ):
                    if not self._take_revision(own, data):
                        continue
                    self._write_header(changed)
            except StorageError:
                raise
            for revision in revisions_of(reader.names):
                with contextlib.suppress(OSError):
                    self._files.remove(f"{story_id}/story-{revision}.json")
            return changed
        raise StoryChangedError(
            f"Other servers are changing this story, so {what} was not saved. Try again."
        )

    def _take_revision(self, path: str, data: bytes) -> bool:
        """Create the file of a revision, and return whether it is ours and still the newest."""
        story_id, name = path.split("/")
        try:
            self._files.write(path, data, new=True)
            # Others may have made and cleared away this revision and be two ahead by now.
            newest = revisions_of(self._files.names(story_id))
        except FileExistsError:
            return False
        except OSError:
            with contextlib.suppress(OSError):
                if self._holds(path, data):
                    self._files.remove(path)
            raise
        if name == f"story-{newest[0]}.json":
            return True
        self._files.remove(path)
        return False

    def _has_header(self, header: StoryHeader) -> bool:
        found = self._reader(header.id).header()
        return found is not None and found == header

    def _write_parts(
        self,
        story_id: str,
        panel: Panel,
        image: Image.Image | None,
        features: NDArray[np.float32] | None,
        written: Written,
    ) -> Panel:
        """Write image and features; return the panel with the names of their files."""

        def write(kind: str, data: bytes) -> tuple[str, str]:
            name = f"{panel.id}-{secrets.token_hex(4)}.{kind}"
            written.append((f"{story_id}/{name}", None))
            self._files.write(f"{story_id}/{name}", data)
            return name, records.sha256(data)

        changes: dict[str, Any] = {"problem": ""}
        if image is not None:
            name, digest = write("png", records.to_png(image))
            changes |= {"image_name": name, "image_sha256": digest}
        if features is not None:
            name, digest = write("npy", records.to_npy(features))
            changes |= {"features_name": name, "features_sha256": digest}
        return dataclasses.replace(panel, **changes)

    def _write_new(self, path: str, record: Mapping[str, Any], written: Written) -> None:
        data = records.to_json(record)
        written.append((path, data))
        self._files.write(path, data, new=True)

    def _read(self, story_id: str, name: str) -> bytes:
        try:
            return self._files.read(f"{story_id}/{name}")
        except FileNotFoundError as error:
            self._must_exist(story_id)
            raise FileMissingError(f"The file {name} of this story is missing.") from error
        except OSError as error:
            raise UnreadableError(
                f"The file {name} of this story could not be read: {_reason(error)}."
            ) from error

    def _reader(self, story_id: str) -> FolderReader:
        """Return a reader of the story's folder as it is now.

        Raises:
            StoryNotFoundError: There is no such story.
        """
        if not _is_story_id(story_id):
            raise StoryNotFoundError(NO_SUCH_STORY)
        names = self._names(story_id)
        if not is_story(names):
            raise StoryNotFoundError(NO_SUCH_STORY)
        return FolderReader(story_id, names, functools.partial(self._read, story_id))

    def _summary(self, story_id: str) -> StorySummary | None:
        """Return a story's entry in the list; None for a folder that is no story, or no longer."""
        summary = StorySummary(id=story_id, title="")
        try:
            reader = self._reader(story_id)
            header = reader.header() or StoryHeader(id=story_id)
            summary = StorySummary(
                story_id,
                header.title,
                created_at=header.created_at,
                updated_at=header.created_at,
                problem=next(iter(reader.warnings), ""),
            )
            ids = reader.panel_ids()
            summary = dataclasses.replace(summary, num_panels=len(ids))
            with contextlib.suppress(StorageError):
                newest = reader.json(f"{ids[-1]}.json").get("saved_at") if ids else None
                if isinstance(newest, float):
                    summary = dataclasses.replace(summary, updated_at=newest)
            for panel_id in ids:
                try:
                    panel, _ = reader.saved(panel_id)
                except records.NewerFormatError:
                    raise
                except StorageError as error:
                    problem = summary.problem or str(error)
                    summary = dataclasses.replace(summary, problem=problem)
                    continue
                title = summary.title or title_from_text(panel.text)
                summary = dataclasses.replace(summary, title=title)
                if panel.image_name in reader.names:
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
            found = self._exists(story_id)
        except OSError as error:
            raise _unreadable(error) from error
        if not found:
            raise StoryNotFoundError(NO_SUCH_STORY)

    def _exists(self, story_id: str) -> bool:
        # Only a damaged story has no header, so most calls ask for one file.
        if self._files.moves_at_once and self._files.exists(f"{story_id}/{HEADER}"):
            return True
        try:
            return is_story(self._files.names(story_id))
        except (FileNotFoundError, NotADirectoryError):
            return False

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
            why, cure = self._why(error)
            raise StorageError(f"{why}, so {what_failed}. {what_is_safe} {cure}") from error

    @contextlib.contextmanager
    def _changing(
        self, what_failed: str, what_is_safe: str, what_holds: str, holds: Callable[[], bool]
    ) -> Iterator[None]:
        """As `_writing`, but first find out whether the change holds although a call failed.

        Raises:
            UnconfirmedError: It does, or that could not be found out.
        """
        try:
            yield
        except OSError as error:
            why, cure = self._why(error)
            try:
                is_done = holds()
            except (OSError, StorageError):
                raise UnconfirmedError(
                    f"{why}, and it is not known whether {what_holds}. Open the story again to see."
                ) from error
            if is_done:
                raise UnconfirmedError(
                    f"{why}, but {what_holds}. Only the disk did not confirm it: after a power cut "
                    "it may be as before."
                ) from error
            raise StorageError(f"{why}, so {what_failed}. {what_is_safe} {cure}") from error

    @contextlib.contextmanager
    def _adding(self, story_id: str, panel_ids: str) -> Iterator[Written]:
        """As `_changing` for new panels: if it fails, all files in the yielded list are deleted.

        The list has the paths in the order of writing, and for records what was written.
        """
        written: Written = []
        undone = True
        try:
            with self._changing(
                f"page {panel_ids} was not saved",
                "The story so far is safe.",
                f"page {panel_ids} was saved",
                lambda: not undone,
            ):
                try:
                    yield written
                except BaseException as error:
                    undone = self._undo(story_id, written)
                    if undone and isinstance(error, FileExistsError):
                        raise StoryChangedError(
                            f"This story already has a page {panel_ids}, written in another window "
                            "or by another server, so this one was not saved. Open the story again "
                            "to continue from there."
                        ) from error
                    raise
        finally:
            written.clear()

    def _undo(self, story_id: str, written: Sequence[tuple[str, bytes | None]]) -> bool:
        """Delete new files, the last one first, and return whether no record of them is left.

        What a record names stays as long as the record may still be there.
        """
        try:
            for path, data in reversed(written):
                if data is not None and self._holds(path, data):
                    self._files.remove(path)
                    self._files.settle(story_id)
        except OSError:
            return not any(
                data is not None and self._may_hold(path, data) for path, data in written
            )
        for path, data in reversed(written):
            if data is None:
                with contextlib.suppress(OSError):
                    self._files.remove(path)
        return True

    def _holds(self, path: str, data: bytes) -> bool:
        """Whether a file has these bytes."""
        try:
            return self._files.read(path) == data
        except FileNotFoundError:
            return False

    def _may_hold(self, path: str, data: bytes) -> bool:
        """As `_holds`; True if nobody can tell."""
        try:
            return self._holds(path, data)
        except OSError:
            return True

    def _why(self, error: OSError) -> tuple[str, str]:
        """Return why a write failed, and what to do."""
        if error.errno in DISK_FULL:
            return "The disk is full", "Free some space and try again."
        if error.errno in READ_ONLY or isinstance(error, PermissionError):
            why = f"The story folder {self.root} cannot be written to"
            return why, "Make it writable or choose another one."
        why = f"The story folder {self.root} could not be written to ({_reason(error)})"
        return why, "Try again, or choose another folder."


def reading_key_of(story_id: str) -> str:
    """Return the key with which a story can only be read; the id cannot be found from it."""
    digest = hashlib.sha256(b"seedstory reading key\0" + story_id.encode("utf-8")).hexdigest()
    return f"r.{digest[:32]}"


def settings_with(settings: Mapping[str, Any], panel_ids: Collection[str]) -> dict[str, Any]:
    """Return what of a story's settings goes along with some of its panels.

    Notes of undo and redo stay behind, and so do pins, names and stars of other panels, whose
    numbers the new story will use for panels of its own.
    """
    kept = {}
    for key, value in settings.items():
        kind, colon, panel_id = key.partition(":")
        if kind in ("undo", "redo") or (colon and panel_id not in panel_ids):
            continue
        if key == "pinned" and isinstance(value, list):
            value = [one for one in value if isinstance(one, str) and one in panel_ids]
        kept[key] = value
    return kept


def _merged(
    known: Mapping[str, Any], ours: Mapping[str, Any], theirs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the settings with the changes of two writers who both knew `known`.

    Raises:
        StoryChangedError: Both changed the same setting, and it is no list.
    """
    merged = dict(theirs)
    for key in {*known, *ours}:
        before, mine, other = known.get(key), ours.get(key), theirs.get(key)
        if mine in (before, other):
            continue
        if other == before:
            merged[key] = mine
        elif isinstance(mine, list) and isinstance(other, list | None):
            old = before if isinstance(before, list) else []
            kept = [item for item in other or () if item in mine or item not in old]
            merged[key] = kept + [item for item in mine if item not in old and item not in kept]
        else:
            raise StoryChangedError(
                f"The setting {key} of this story was changed in another window or by another "
                "server, so the new one was not saved. Choose it again to change that."
            )
    return {key: value for key, value in merged.items() if value is not None}


def _record_of(story_id: str, panel: Panel, grandparent: object) -> dict[str, Any]:
    return {
        **records.panel_to_record(panel),
        "story": story_id,
        "grandparent": grandparent,
        "saved_at": time.time(),
    }


def _is_story_id(story_id: object) -> bool:
    return isinstance(story_id, str) and STORY_ID.fullmatch(story_id) is not None


def _new_story_id() -> str:
    """Return 128 random bits as text, without a leading '-', which shells take for an option."""
    while (story_id := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return story_id


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _unreadable(error: OSError) -> StorageError:
    return StorageError(f"This story could not be read: {_reason(error)}.")
