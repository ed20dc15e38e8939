"""An untrusted ZIP as a folder without folders, whose files can be read one by one.

It is looked through before anything is unpacked: how many files it holds, how large they become,
that every name is plain, every file an ordinary one and none there twice. A file that lies about
its size is unpacked no further than it claims. Nothing is written anywhere.
"""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile

from seedstory_core.errors import FileMissingError, InputError
from seedstory_core.story.records import damaged

MAX_ENTRIES = 20_000
"""Files in one ZIP; a page has about three."""
MAX_TOTAL_BYTES = 2 * 2**30
"""All files unpacked: hundreds of pages of the largest models."""
MAX_BYTES = 64 * 2**20
"""An image or features: four times the features of the published model."""
MAX_RECORD_BYTES = 2**20
MAX_RECORDS_BYTES = 32 * 2**20
"""All headers and records together; as Python objects they take ten times as much."""
MAX_RATIO = 100
"""Unpacked bytes for each packed one. Images and features are packed already, and words become a
tenth; a bomb is a thousand times its size."""
SMALL_BYTES = 2**16
"""Files up to this size may shrink to anything."""
DIRECTORY_BYTES = 256
"""Most bytes of a file's entry in the table of contents; ours have 60."""

PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}\.[a-z]{1,8}")
START, END, LARGE_END = b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x07"
END_BYTES, LARGE_END_BYTES = 22, 20

NO_STORY = (
    "This file holds no story that could be brought back. Choose one whose name ends in .story.zip."
)
CUT_OFF = (
    "This file is damaged or cut off, so no story was made of it. Download or copy it once more."
)
TOO_LARGE = (
    "This file unpacks to more than any story of this studio holds, so no story was made of it. "
    "Choose one whose name ends in .story.zip."
)


class ZippedFolder:
    """The files of a ZIP by name.

    Attributes:
        names: The names of all files.
    """

    def __init__(self, data: bytes) -> None:
        """Look through a ZIP.

        Raises:
            InputError: It is none, damaged, or none that this studio would make.
        """
        _check_end(data)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            entries = self._zip.infolist()
        # Python's reader raises many kinds of exceptions for damaged files.
        except Exception as error:
            raise InputError(CUT_OFF) from error
        _check(entries, len(data))
        self._entries = {entry.filename: entry for entry in entries}
        self.names = set(self._entries)

    def read(self, name: str) -> bytes:
        """Unpack a file.

        Raises:
            StorageError: It is missing or damaged.
        """
        entry = self._entries.get(name)
        if entry is None:
            raise FileMissingError(f"The file {name} of this story is missing.")
        try:
            with self._zip.open(entry) as file:
                # Not `read()`, which would unpack all that is there before it looks at the size.
                data = file.read(entry.file_size + 1)
        except Exception as error:  # as above
            raise damaged(name) from error
        if len(data) != entry.file_size:
            raise damaged(name)
        return data

    def forget(self, name: str) -> None:
        """Leave a file out from now on, as if it were not there."""
        self.names.discard(name)
        self._entries.pop(name, None)


def _check_end(data: bytes) -> None:
    """Check the end of a ZIP, before a table of contents of any size is read.

    It must be the very end, without a comment and in the form for less than 4 GB, so that no reader
    can find another end than this one.
    """
    if not data.startswith(START):
        raise InputError(NO_STORY)
    if len(data) > MAX_TOTAL_BYTES:
        raise InputError(TOO_LARGE)
    end = data[-END_BYTES:]
    if not end.startswith(END) or end[-2:] != b"\0\0":
        raise InputError(CUT_OFF)
    if data[-END_BYTES - LARGE_END_BYTES : -END_BYTES].startswith(LARGE_END):
        raise InputError(TOO_LARGE)
    num_entries, directory_bytes = struct.unpack_from("<HI", end, 10)
    if num_entries > MAX_ENTRIES or directory_bytes > MAX_ENTRIES * DIRECTORY_BYTES:
        raise InputError(TOO_LARGE)


def _check(entries: list[zipfile.ZipInfo], num_bytes: int) -> None:
    """Refuse what this studio would not write.

    Raises:
        InputError: Names, kinds or sizes of the files are wrong.
    """
    if len(entries) > MAX_ENTRIES:
        raise InputError(TOO_LARGE)
    if len({entry.filename for entry in entries}) != len(entries):
        raise InputError(NO_STORY)
    for entry in entries:
        mode = entry.external_attr >> 16
        is_ordinary = (
            # The name as it is written there: Python cuts it off at a zero byte.
            PLAIN_NAME.fullmatch(entry.orig_filename)
            and entry.filename == entry.orig_filename
            and stat.S_IFMT(mode) in (0, stat.S_IFREG)
            and entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
            and not entry.flag_bits & 1  # encrypted
        )
        if not is_ordinary:
            raise InputError(NO_STORY)
        is_record = entry.filename.endswith(".json")
        packed = MAX_RATIO * entry.compress_size
        if entry.file_size > (MAX_RECORD_BYTES if is_record else MAX_BYTES):
            raise InputError(TOO_LARGE)
        if entry.file_size > max(packed, SMALL_BYTES):
            raise InputError(TOO_LARGE)
    records = sum(entry.file_size for entry in entries if entry.filename.endswith(".json"))
    total = sum(entry.file_size for entry in entries)
    if records > MAX_RECORDS_BYTES or total > MAX_TOTAL_BYTES:
        raise InputError(TOO_LARGE)
    # Files that share their packed bytes, as in bombs that unpack to much more than they are.
    if sum(entry.compress_size for entry in entries) > num_bytes:
        raise InputError(CUT_OFF)
