"""Files under a root folder, written so that every file is whole or absent.

On a disk, a file is written under a temporary name, synced and renamed. In other file systems that
fsspec supports (a bucket, `memory://`) it is put in one step. Paths are relative to the root, with
`/`, and checked by the caller. Failures are `OSError`s.

Several servers may share a root if "write only a new file" is one step: on disks with hard links
and on the file systems of `CREATES_AT_ONCE`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

TEMP_PREFIX = ".tmp-"
NO_HARD_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EACCES}

CREATES_AT_ONCE = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss"}
"""Protocols whose `pipe_file(mode="create")` is one conditional request (If-None-Match,
ifGenerationMatch). All others look first and then write, so two servers may both succeed."""


def open_files(root: str) -> Files:
    """Return the files under a path or URL; nothing is created before the first write.

    fsspec reads `::` as a chain of file systems, such as `simplecache::s3://bucket`. Here it is
    one only after the name of a file system; elsewhere it belongs to the folder's name.
    """
    is_chain = root.partition("::")[0] in fsspec.available_protocols()
    if "::" not in root or is_chain:
        fs, path = fsspec.core.url_to_fs(root)
    else:
        protocol = root.partition("://")[0] if "://" in root else "file"
        kind = fsspec.get_filesystem_class(protocol)
        fs, path = kind(**kind._get_kwargs_from_urls(root)), kind._strip_protocol(root)
    if isinstance(fs, LocalFileSystem):
        return LocalFiles(path)
    return RemoteFiles(fs, path)


class LocalFiles:
    """Files in a folder on a disk of this machine."""

    moves_at_once = True
    """Whether `move_folder` is one step, so that no crash leaves a folder half moved."""

    def __init__(self, root: str, system: Any = os) -> None:
        """Set the folder.

        Args:
            root: Path of the folder.
            system: The module `os`, for all calls that change the disk; tests make some of them
                fail.
        """
        self.root = root
        self._os = system

    def read(self, path: str) -> bytes:
        """Read a whole file."""
        with open(self._full(path), "rb") as file:
            return file.read()

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        return os.path.isfile(self._full(path))

    def names(self, folder: str) -> set[str]:
        """Return the names of files and folders in a folder.

        Raises:
            FileNotFoundError: There is no such folder.
        """
        return set(os.listdir(self._full(folder)))

    def make_folder(self, folder: str) -> None:
        """Create a folder, and the root above it if that is missing."""
        self._os.makedirs(self._full(folder), exist_ok=True)

    def write(self, path: str, data: bytes, *, new: bool = False) -> None:
        """Write a file so that it is whole or absent, even after `kill -9`.

        Args:
            path: A path in an existing folder.
            data: The whole file.
            new: Whether to refuse to replace an existing file.

        Raises:
            FileExistsError: `new` is set, and the file exists.
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
        """Sync a folder, so that the names in it survive a power cut."""
        if os.name == "nt":  # Windows cannot open folders
            return
        descriptor = self._os.open(self._full(folder), os.O_RDONLY)
        try:
            self._os.fsync(descriptor)
        except OSError as error:
            # Some network and FUSE disks cannot sync a folder; they keep renames in order anyway.
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise
        finally:
            self._os.close(descriptor)

    def remove(self, path: str) -> None:
        """Delete a file."""
        self._os.unlink(self._full(path))

    def remove_folder(self, folder: str) -> None:
        """Delete a folder with its contents, as far as possible."""
        shutil.rmtree(self._full(folder), ignore_errors=True)

    def move_folder(self, folder: str, target: str, last: str) -> None:
        """Move a folder in one step; `last` matters only for `RemoteFiles`."""
        self._os.makedirs(os.path.dirname(self._full(target)), exist_ok=True)
        self._os.rename(self._full(folder), self._full(target))

    def is_stale(self, path: str, after_seconds: float) -> bool:
        """Whether the last write to a file is so long ago that its writer must have ended."""
        with contextlib.suppress(OSError):
            return time.time() - os.stat(self._full(path)).st_mtime > after_seconds
        return False

    def _rename_new(self, temp: str, full: str) -> None:
        """Rename without replacing a file: only a hard link checks and renames in one step."""
        try:
            self._os.link(temp, full)
        except FileExistsError:
            # A network disk sends a call again if its answer was lost, and then meets its own link.
            if not os.path.samefile(temp, full):
                raise
            self._os.unlink(temp)
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
    """Files in a folder of any other file system that fsspec supports."""

    moves_at_once = False

    def __init__(self, fs: Any, root: str) -> None:
        self.fs = fs
        self.root = root.rstrip("/")
        protocol = fs.protocol
        names = {protocol} if isinstance(protocol, str) else set(protocol)
        self.creates_at_once = bool(names & CREATES_AT_ONCE)

    def read(self, path: str) -> bytes:
        """Read a whole file."""
        with _os_errors():
            return bytes(self.fs.cat_file(self._full(path)))

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        with _os_errors():
            return bool(self.fs.isfile(self._full(path)))

    def names(self, folder: str) -> set[str]:
        """Return the names of files and folders in a folder.

        Raises:
            FileNotFoundError: There is no such folder.
        """
        with _os_errors():
            # fsspec caches listings, and another server may have written since.
            self.fs.invalidate_cache()
            paths = self.fs.ls(self._full(folder), detail=False)
        return {str(path).rstrip("/").rsplit("/", 1)[-1] for path in paths}

    def make_folder(self, folder: str) -> None:
        """Create a folder, if the file system has folders."""
        with _os_errors():
            self.fs.makedirs(self._full(folder), exist_ok=True)

    def write(self, path: str, data: bytes, *, new: bool = False) -> None:
        """Put a file.

        Args:
            path: A path in an existing folder.
            data: The whole file.
            new: Whether to refuse to replace an existing file; one step if `creates_at_once`.

        Raises:
            FileExistsError: `new` is set, and the file exists.
        """
        with _os_errors():
            if not new:
                self.fs.pipe_file(self._full(path), data)
            elif not self._create(self._full(path), data):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)

    def _create(self, full: str, data: bytes) -> bool:
        """Write a new file, and return whether it is ours."""
        if not self.creates_at_once:
            if self.fs.exists(full):
                return False
            self.fs.pipe_file(full, data)
            return True
        try:
            self.fs.pipe_file(full, data, mode="create")
        except FileExistsError:
            # A client sends a put again if its answer was lost, and then meets its own file.
            return bool(self.fs.cat_file(full) == data)
        return True

    def settle(self, folder: str) -> None:
        """Nothing to do: a put is complete when it returns."""

    def remove(self, path: str) -> None:
        """Delete a file."""
        with _os_errors():
            self.fs.rm_file(self._full(path))

    def remove_folder(self, folder: str) -> None:
        """Delete a folder with its contents, as far as possible."""
        with contextlib.suppress(OSError), _os_errors():
            self.fs.rm(self._full(folder), recursive=True)

    def move_folder(self, folder: str, target: str, last: str) -> None:
        """Move a folder file by file; the file `last` is not moved but deleted at the end."""
        source = self._full(folder)
        with _os_errors():
            inside = [str(path)[len(source) + 1 :] for path in self.fs.find(source)]
            self.fs.makedirs(self._full(target), exist_ok=True)
            for name in sorted(inside):
                if name != last:
                    self.fs.mv(f"{source}/{name}", f"{self._full(target)}/{name}")
        with contextlib.suppress(OSError), _os_errors():  # buckets have no folder left to delete
            self.fs.rm(source, recursive=True)

    def is_stale(self, path: str, after_seconds: float) -> bool:
        """Return False: a put leaves nothing unfinished."""
        return False

    def _full(self, path: str) -> str:
        return f"{self.root}/{path}" if path else self.root


@contextlib.contextmanager
def _os_errors() -> Iterator[None]:
    """Raise every exception of a file system as an `OSError`; clients of buckets have their own."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(errno.EIO, type(error).__name__) from error


Files = LocalFiles | RemoteFiles
"""The files of an archive."""
