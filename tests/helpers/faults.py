"""Faults on the way to the disk: failing calls, power cuts, damaged bytes.

`FailingSystem` stands in for `os` in `LocalFiles` and makes its n-th call fail, before or after it
took effect. `FailingFiles` does the same with the methods of any files, such as a bucket's.
`MortalSystem` is the `os` of a process that is killed at a call.
`PowerCut` records what is written and rebuilds what a disk may hold after the power was cut.
`DAMAGES` are ways to damage a file.

The method is SQLite's (https://sqlite.org/testing.html): repeat a call with its first, second, …
step failing until it comes through, and check the story each time.
"""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHANGING = ("open", "fdopen", "fsync", "link", "unlink", "replace", "rename", "makedirs")
"""The calls of `os` with which `LocalFiles` changes the disk."""
CHANGING_FILES = ("make_folder", "write", "settle", "remove", "remove_folder", "move_folder")
"""The methods of files that change them."""


class Nth:
    """Decides which call fails.

    Args:
        nth: Number of the failing call, from 0; None for none.
        number: Its error.
        took_effect: Whether the call is done before it reports the error, as when only an answer is
            lost.
        for_ever: Whether all later calls fail, too.
    """

    def __init__(
        self,
        nth: int | None,
        number: int = errno.EIO,
        *,
        took_effect: bool = False,
        for_ever: bool = False,
    ) -> None:
        self.nth = nth
        self.number = number
        self.took_effect = took_effect
        self.for_ever = for_ever
        self.calls: list[str] = []

    @property
    def has_failed(self) -> bool:
        """Whether a call has failed; if not, there were fewer than `nth`."""
        return self.nth is not None and len(self.calls) > self.nth

    def wrap(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        """Return a call that is counted, and perhaps fails."""

        def call(*args: Any, **kwargs: Any) -> Any:
            count = len(self.calls)
            self.calls.append(name)
            fails = self.nth is not None and (
                count == self.nth or (self.for_ever and count > self.nth)
            )
            if not fails:
                return real(*args, **kwargs)
            error = OSError(self.number, os.strerror(self.number))
            if name == "fdopen":
                return _HalfWritten(real(*args, **kwargs), error)
            if name == "open" and self.took_effect:
                os.close(real(*args, **kwargs))
            elif self.took_effect:
                real(*args, **kwargs)
            raise error

        return call


class _HalfWritten:
    """A file of which only the first half of what is written arrives."""

    def __init__(self, file: Any, error: BaseException) -> None:
        self._file = file
        self._error = error

    def __enter__(self) -> _HalfWritten:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, data: bytes) -> int:
        self._file.write(data[: len(data) // 2])
        self._file.flush()
        raise self._error


class FailingSystem:
    """The module `os` with a call that fails; nothing waits for the platter."""

    def __init__(self, faults: Nth) -> None:
        self.faults = faults

    def __getattr__(self, name: str) -> Any:
        real = (lambda descriptor: None) if name == "fsync" else getattr(os, name)
        return self.faults.wrap(name, real) if name in CHANGING else real


class FailingFiles:
    """Files with a method that fails."""

    def __init__(self, files: Any, faults: Nth) -> None:
        self._files = files
        self.faults = faults

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._files, name)
        return self.faults.wrap(name, real) if name in CHANGING_FILES else real


class KilledError(BaseException):
    """The process is gone in the middle of a call: nothing that it does changes the disk."""


class MortalSystem:
    """The module `os` of a process that dies at a call; nothing waits for the platter."""

    def __init__(self) -> None:
        self.calls_left: int | None = None
        """Number of calls until it dies; None lets it live."""

    def __getattr__(self, name: str) -> Any:
        real = (lambda descriptor: None) if name == "fsync" else getattr(os, name)
        if name not in CHANGING:
            return real

        def call(*args: Any, **kwargs: Any) -> Any:
            if self.calls_left is None:
                return real(*args, **kwargs)
            if self.calls_left > 0:
                self.calls_left -= 1
                return real(*args, **kwargs)
            if name == "fdopen":
                return _HalfWritten(real(*args, **kwargs), KilledError())
            raise KilledError

        return call


# Power cuts


@dataclass
class _Inode:
    """A file's bytes, whatever its names; None if they were never synced."""

    synced: bytes | None = None
    written: bytes = b""


@dataclass(frozen=True)
class _Step:
    """A change of the names in folders, or the sync of one folder."""

    kind: str
    path: str
    target: str = ""
    inode: int = -1
    files: tuple[tuple[int, bytes], ...] = field(default=())


class PowerCut:
    """What a disk holds after the power was cut, at any step and with any luck.

    POSIX promises that the bytes of a file are on the disk after its sync, and the names in a
    folder after the folder's sync. All other changes may be there or not: in the order in which
    they were made, as journaling file systems do it, or in any order.
    """

    def __init__(self, root: str) -> None:
        """Begin to record changes under a folder; what it holds now is on the disk."""
        self.root = root
        self._steps: list[_Step] = []
        self._inodes: list[_Inode] = []
        self._start: dict[str, int] = {}
        self._folders: set[str] = set()
        self._names: dict[str, int] = {}
        self._open: dict[int, str] = {}
        for folder, _, names in os.walk(root):
            self._folders.add(folder)
            for name in names:
                path = os.path.join(folder, name)
                self._start[path] = self._new_inode(Path(path).read_bytes())
        self._names = dict(self._start)

    def __len__(self) -> int:
        """Return the number of steps; the power can be cut before each and after the last."""
        return len(self._steps)

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    # The calls of `os`

    def open(self, path: str, flags: int, mode: int = 0o777) -> int:
        descriptor = os.open(path, flags, mode)
        self._open[descriptor] = path
        if flags & os.O_CREAT:
            self._names[path] = self._new_inode(None)
            self._steps.append(_Step("create", path, inode=self._names[path]))
        return descriptor

    def fsync(self, descriptor: int) -> None:
        path = self._open[descriptor]
        if os.path.isdir(path):
            self._steps.append(_Step("settle", path))
        else:
            inode, data = self._names[path], Path(path).read_bytes()
            self._steps.append(_Step("sync", path, files=((inode, data),)))

    def link(self, source: str, target: str) -> None:
        os.link(source, target)
        self._names[target] = self._names[source]
        self._steps.append(_Step("link", source, target, self._names[source]))

    def replace(self, source: str, target: str) -> None:
        os.replace(source, target)
        inode = self._names[target] = self._names.pop(source)
        self._steps.append(_Step("replace", source, target, inode))

    def unlink(self, path: str) -> None:
        os.unlink(path)
        self._names.pop(path)
        self._steps.append(_Step("unlink", path))

    def rename(self, source: str, target: str) -> None:
        os.rename(source, target)
        _move(self._names, source, target)
        self._steps.append(_Step("rename", source, target))

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        os.makedirs(path, exist_ok=exist_ok)
        self._steps.append(_Step("makedirs", path))

    # After the cut

    def survivors(self, cut: int, target: str, chance: random.Random, *, in_order: bool) -> None:
        """Write into a folder what is left when the power is cut before step `cut`.

        Args:
            cut: A number of steps up to `len(self)`.
            target: A new folder, which takes the place of the root.
            chance: Decides what survives of all that was not synced.
            in_order: Whether changes of one folder that were not synced survive in their order.
        """
        steps = self._steps[:cut]
        names, folders = dict(self._start), set(self._folders)
        lost_from: dict[str, int] = {}
        for number, step in enumerate(steps):
            if step.kind in ("sync", "settle"):
                continue
            place = os.path.dirname(step.target or step.path)
            places = {place, os.path.dirname(step.path)}
            is_safe = any(s.kind == "settle" and s.path in places for s in steps[number:])
            if not is_safe and in_order and place in lost_from:
                continue
            if is_safe or chance.random() < 0.5:
                _apply(step, names, folders)
            else:
                lost_from[place] = number
        synced = {inode: data for s in steps for inode, data in s.files}
        for folder in sorted(folders):
            os.makedirs(self._moved(folder, target), exist_ok=True)
        for path, inode in names.items():
            if os.path.dirname(path) not in folders:
                continue
            data = synced.get(inode, self._inodes[inode].synced)
            if data is None:  # what an unsynced file may hold
                data = chance.choice([b"", b"\x00" * 64, b'{"format": 1, "ti'])
            Path(self._moved(path, target)).write_bytes(data)

    def _moved(self, path: str, target: str) -> str:
        return os.path.join(target, os.path.relpath(path, self.root))

    def _new_inode(self, data: bytes | None) -> int:
        self._inodes.append(_Inode(data))
        return len(self._inodes) - 1


def _apply(step: _Step, names: dict[str, int], folders: set[str]) -> None:
    """Make one change, as far as what it needs has survived."""
    match step.kind:
        case "create":
            names[step.path] = step.inode
        case "link" | "replace":
            names[step.target] = step.inode
            if step.kind == "replace":
                names.pop(step.path, None)
        case "unlink":
            names.pop(step.path, None)
        case "rename":
            _move(names, step.path, step.target)
            for folder in [f for f in folders if f == step.path or f.startswith(step.path + "/")]:
                folders.remove(folder)
                folders.add(step.target + folder[len(step.path) :])
        case "makedirs":
            folders.add(step.path)


def _move(names: dict[str, int], source: str, target: str) -> None:
    for path in [path for path in names if path.startswith(source + "/")]:
        names[target + path[len(source) :]] = names.pop(path)


# Damaged bytes


def _flip(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    if changed:
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _overwrite(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data) + 1)
    size = min(64, len(data) - start)
    return data[:start] + chance.randbytes(size) + data[start + size :]


DAMAGES: dict[str, Callable[[bytes, random.Random], bytes | None]] = {
    "a flipped bit": _flip,
    "64 other bytes": _overwrite,
    "the end is missing": lambda data, chance: data[: chance.randrange(len(data) + 1)],
    "the beginning is missing": lambda data, chance: data[chance.randrange(len(data) + 1) :],
    "nothing but zeros": lambda data, chance: b"\x00" * len(data),
    "empty": lambda data, chance: b"",
    "doubled": lambda data, chance: data + data,
    "missing": lambda data, chance: None,
}
"""Ways to damage a file by name: the bytes after it, None for a file that is gone."""


def damaged_folders(
    folder: Path, chance: random.Random, damages: dict[str, Any] | None = None
) -> Iterator[tuple[str, str]]:
    """Damage every file of a folder in every way, one at a time, and repair it afterwards.

    Yields:
        The name of the damaged file and of its damage.
    """
    for path in sorted(folder.iterdir()):
        whole = path.read_bytes()
        for name, damage in (damages or DAMAGES).items():
            data = damage(whole, chance)
            if data == whole:
                continue
            with suppress(FileNotFoundError):
                path.unlink()
            if data is not None:
                path.write_bytes(data)
            yield path.name, name
        path.write_bytes(whole)
