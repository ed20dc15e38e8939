"""Bytes under a root folder, so that a reader finds a file whole or not at all.

On a disk that is a temporary name, `fsync` and a rename; on anything else fsspec knows (a bucket,
`memory://`) a plain put, which such stores make visible at once. What the bytes mean is for
`records.py`. Paths are relative to the root, with `/`, and were checked by the caller. Failures are
`OSError`s.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import time
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

TEMP_PREFIX = ".tmp-"
NO_HARD_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EACCES}


def open_files(root: str) -> Files:
    """The store behind a path or URL. Nothing is created before the first write."""
    fs, path = fsspec.core.url_to_fs(root)
    if isinstance(fs, LocalFileSystem):
        return LocalFiles(path)
    return RemoteFiles(fs, path)


class LocalFiles:
    """A folder on a disk of this machine."""

    def __init__(self, root: str, system: Any = os) -> None:
        """Name the folder.

        Args:
            root: Where it is.
            system: What is asked for everything that changes the disk; tests have some of `os`
                fail.
        """
        self.root = root
        self._os = system

    def read(self, path: str) -> bytes:
        """The whole file."""
        with open(self._full(path), "rb") as file:
            return file.read()

    def exists(self, path: str) -> bool:
        """There is such a file."""
        return os.path.isfile(self._full(path))

    def names(self, folder: str) -> set[str]:
        """The names of files and folders in it.

        Raises:
            FileNotFoundError: There is no such folder.
        """
        return set(os.listdir(self._full(folder)))

    def make_folder(self, folder: str) -> None:
        """Create the folder, and the root above it where that is missing."""
        self._os.makedirs(self._full(folder), exist_ok=True)

    def write(self, path: str, data: bytes, *, new: bool = False) -> None:
        """Write the file so that it is seen whole or not at all, even after `kill -9`.

        Args:
            path: Its folder must exist.
            data: The whole file.
            new: Refuse to replace a file that is there.

        Raises:
            FileExistsError: `new`, and another writer was first.
        """
        full = self._full(path)
        temp = os.path.join(os.path.dirname(full), f"{TEMP_PREFIX}{secrets.token_hex(8)}")
        try:
            descriptor = self._os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            with self._os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                self._os.fsync(file.fileno())
            if new:
                self._rename_new(temp, full)
            else:
                self._os.replace(temp, full)
        except BaseException:
            with contextlib.suppress(OSError):
                self._os.unlink(temp)
            raise

    def settle(self, folder: str) -> None:
        """Return when the names in this folder would survive a power cut, too."""
        if os.name == "nt":  # Windows does not open folders
            return
        descriptor = self._os.open(self._full(folder), os.O_RDONLY)
        try:
            self._os.fsync(descriptor)
        except OSError as error:
            # Some network and FUSE disks cannot sync a folder; they order renames themselves.
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise
        finally:
            self._os.close(descriptor)

    def remove(self, path: str) -> None:
        """Delete one file."""
        self._os.unlink(self._full(path))

    def remove_folder(self, folder: str) -> None:
        """Delete a folder with all in it, as far as possible."""
        shutil.rmtree(self._full(folder), ignore_errors=True)

    def move_folder(self, folder: str, target: str, first: str) -> None:
        """Move a folder in one step; `first` only matters where that is impossible."""
        self._os.makedirs(os.path.dirname(self._full(target)), exist_ok=True)
        self._os.rename(self._full(folder), self._full(target))

    def is_stale(self, path: str, after_seconds: float) -> bool:
        """Nobody has written to this file for so long that its writer must be gone."""
        with contextlib.suppress(OSError):
            return time.time() - os.stat(self._full(path)).st_mtime > after_seconds
        return False

    def _rename_new(self, temp: str, full: str) -> None:
        """Rename, but never onto a file that is there: a hard link is the one step that refuses."""
        try:
            self._os.link(temp, full)
        except FileExistsError:
            raise
        except OSError as error:
            if error.errno not in NO_HARD_LINKS:
                raise
            if os.path.lexists(full):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), full) from error
            self._os.replace(temp, full)
        else:
            with contextlib.suppress(OSError):
                self._os.unlink(temp)

    def _full(self, path: str) -> str:
        return os.path.join(self.root, *path.split("/"))


class RemoteFiles:
    """A folder in any other file system fsspec knows."""

    def __init__(self, fs: Any, root: str) -> None:
        self.fs = fs
        self.root = root.rstrip("/")

    def read(self, path: str) -> bytes:
        """The whole file."""
        return bytes(self.fs.cat_file(self._full(path)))

    def exists(self, path: str) -> bool:
        """There is such a file."""
        return bool(self.fs.isfile(self._full(path)))

    def names(self, folder: str) -> set[str]:
        """The names of files and folders in it.

        Raises:
            FileNotFoundError: There is no such folder.
        """
        # Buckets remember listings; another server may have written since.
        self.fs.invalidate_cache()
        paths = self.fs.ls(self._full(folder), detail=False)
        return {str(path).rstrip("/").rsplit("/", 1)[-1] for path in paths}

    def make_folder(self, folder: str) -> None:
        """Create the folder where the file system has folders at all."""
        self.fs.makedirs(self._full(folder), exist_ok=True)

    def write(self, path: str, data: bytes, *, new: bool = False) -> None:
        """Put the file. With `new` it is refused when there is one, as far as the store can tell.

        Raises:
            FileExistsError: `new`, and the file is there.
        """
        if new and self.fs.exists(self._full(path)):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        self.fs.pipe_file(self._full(path), data)

    def settle(self, folder: str) -> None:
        """Nothing to do: a put has arrived when it returns."""

    def remove(self, path: str) -> None:
        """Delete one file."""
        self.fs.rm_file(self._full(path))

    def remove_folder(self, folder: str) -> None:
        """Delete a folder with all in it, as far as possible."""
        with contextlib.suppress(OSError):
            self.fs.rm(self._full(folder), recursive=True)

    def move_folder(self, folder: str, target: str, first: str) -> None:
        """Move file by file, `first` before the others: without it the rest counts for nothing."""
        source = self._full(folder)
        inside = [str(path)[len(source) + 1 :] for path in self.fs.find(source)]
        self.fs.makedirs(self._full(target), exist_ok=True)
        for name in sorted(inside, key=lambda name: (name != first, name)):
            self.fs.mv(f"{source}/{name}", f"{self._full(target)}/{name}")
        with contextlib.suppress(OSError):  # buckets have no folder left to delete
            self.fs.rm(source, recursive=True)

    def is_stale(self, path: str, after_seconds: float) -> bool:
        """Never: a put leaves nothing unfinished."""
        return False

    def _full(self, path: str) -> str:
        return f"{self.root}/{path}" if path else self.root


Files = LocalFiles | RemoteFiles
"""What an archive keeps its stories in."""
