"""The contents of a story folder's files: headers, panels, images and features to bytes and back.

A file may be damaged or written by somebody else, so every field is checked; a wrong one raises a
`StorageError` that names the file. Headers, records and tombstones end with a checksum of
themselves, their seal, and a record names those of its image and its features. Files without a
seal are older than 0.3 and are believed.
"""

from __future__ import annotations

import codecs
import dataclasses
import hashlib
import io
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seedstory_core.errors import StorageError
from seedstory_core.story.tree import Panel, Picture, clean_title

FORMAT = 1
"""Version of the format; increased when older versions could not read it or would misread it.

Every later format keeps the seal: a higher number without one is damage.
"""

IMAGE_NAME = re.compile(r"p[1-9][0-9]{0,8}-[0-9a-f]{8}\.png")
SEAL = re.compile(rb', "sha256": "([0-9a-f]{64})"\}\s*\Z')
FEATURES_NAME = re.compile(r"p[1-9][0-9]{0,8}-[0-9a-f]{8}\.npy")

IMAGE_MODES = ("RGB", "RGBA", "L")
"""Pillow's modes of the images that are saved."""
PNG_LEVEL = 4
"""zlib level: fast, and for flat drawings nearly as small as the slowest."""

BAD_RECORD = (ValueError, KeyError, TypeError, OverflowError, RecursionError)
"""Exceptions that reading a damaged record can raise."""


class NewerFormatError(StorageError):
    """A newer version wrote the file; this one might misread it and therefore does not read it."""


@dataclass(frozen=True)
class StoryHeader:
    """Facts about a story that need none of its panels."""

    id: str
    title: str = ""
    """The title that its reader chose, or ''."""
    engine_fingerprint: str = ""
    """Fingerprint of the weights and tokenizer with which the story was created."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the session as plain JSON, such as the memory policy."""
    created_at: float = 0.0
    """Unix seconds."""
    format: int = FORMAT
    revision: int = 0
    """Number of changes so far; two servers that change a header at once cannot both take one."""


class Record(dict[str, Any]):
    """The fields of a header, record or tombstone."""

    changed = False
    """Whether its bytes are not those that were written, although they can be read."""


def to_json(value: Mapping[str, Any]) -> bytes:
    """Return a header, record or tombstone as bytes, with the version of the format and a seal."""
    # ASCII escapes preserve every string that a browser can send, lone surrogates included.
    body = json.dumps({"format": FORMAT, "sealed": True, **value}).encode("ascii")
    return b'%s, "sha256": "%s"}\n' % (body[:-1], sha256(body).encode("ascii"))


def from_json(name: str, data: bytes) -> Record:
    """Read the bytes of `to_json`; `name` is the file's, for messages.

    Raises:
        NewerFormatError: A newer version wrote them.
        StorageError: They are damaged.
    """
    data = data.removeprefix(codecs.BOM_UTF8)  # of an editor
    try:
        record = Record(_typed(json.loads(data.decode("utf-8")), dict))
        saved_format = _typed(record["format"], int)
    except BAD_RECORD as error:
        raise damaged(name) from error
    seal = SEAL.search(data)
    is_whole = seal is not None and sha256(data[: seal.start()] + b"}").encode("ascii") == seal[1]
    record.changed = not is_whole and (seal is not None or "sealed" in record)
    if saved_format > FORMAT and is_whole:
        raise NewerFormatError(
            f"This story was saved by a newer version (format {saved_format}, this one reads up to "
            f"{FORMAT}). Update the studio to open it."
        )
    if saved_format != FORMAT:  # one flipped bit makes a 1 a 3
        raise damaged(name)
    return record


def salvage(data: bytes, key: str) -> str | None:
    """Return a text field of a damaged file if it can still be found, otherwise None."""
    found = re.search(rb'"%s": ("(?:[^"\\\x00-\x1f]|\\.){0,4000}")' % key.encode(), data)
    if found is None:
        return None
    try:
        return str(_typed(json.loads(found[1]), str))
    except BAD_RECORD:
        return None


def header_from_record(story_id: str, name: str, record: Mapping[str, Any]) -> StoryHeader:
    """Return a story's header.

    Raises:
        StorageError: The record is damaged.
    """
    try:
        return StoryHeader(
            id=story_id,
            title=clean_title(_typed(record["title"], str)),
            engine_fingerprint=_typed(record["engine_fingerprint"], str),
            settings=_typed(record["settings"], dict),
            created_at=float(record["created_at"]),
            revision=_typed(record.get("revision", 0), int),
        )
    except BAD_RECORD as error:
        raise damaged(name) from error


def panel_to_record(panel: Panel) -> dict[str, Any]:
    """Return all fields but `problem`; name and checksum of the features are one entry."""
    names = [item.name for item in dataclasses.fields(panel)]
    left_out = ("features_name", "features_sha256", "problem")
    record = {name: getattr(panel, name) for name in names if name not in left_out}
    record["pictures"] = [dataclasses.asdict(picture) for picture in panel.pictures]
    features = {"name": panel.features_name, "sha256": panel.features_sha256}
    return {**record, "features": None if panel.features_name is None else features}


def panel_from_record(panel_id: str, name: str, record: Mapping[str, Any]) -> Panel:
    """Return a panel.

    Raises:
        StorageError: The record is damaged.
    """
    try:
        return _panel_from_record(panel_id, record)
    except BAD_RECORD as error:
        raise damaged(name) from error


def to_png(image: Image.Image) -> bytes:
    """Return an image as PNG without metadata: a photo's place and camera stay private."""
    pixels = image.copy() if image.mode in IMAGE_MODES else image.convert("RGB")
    pixels.info = {}
    buffer = io.BytesIO()
    pixels.save(buffer, "PNG", compress_level=PNG_LEVEL)
    return buffer.getvalue()


def from_png(name: str, data: bytes) -> Image.Image:
    """Load an image; `name` is the file's, for messages.

    Raises:
        StorageError: The file is damaged.
    """
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            image.verify()  # the checksums, which decoding ignores
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            image.load()
            return image
    # Pillow raises many kinds of exceptions for damaged files.
    except Exception as error:
        raise damaged(name) from error


def check_image(name: str, data: bytes, digest: str | None) -> None:
    """Check an image's file against the checksum in its record; None is a record without one.

    Raises:
        StorageError: It is another file than the one that was saved.
    """
    if digest is None or sha256(data) == digest:
        return
    from_png(name, data)  # says so if it is damaged
    raise StorageError(f"The file {name} of this story is not the one that was saved.")


def to_npy(features: NDArray[np.float32]) -> bytes:
    """Return features `[V, C]` as bytes, from which `from_npy` restores every bit.

    Raises:
        ValueError: They are no float32 matrix.
    """
    if features.dtype != np.float32 or features.ndim != 2:
        raise ValueError(f"Features must be float32 [V, C], not {features.dtype} {features.shape}.")
    buffer = io.BytesIO()
    np.save(buffer, features, allow_pickle=False)
    return buffer.getvalue()


def from_npy(name: str, data: bytes, digest: object) -> NDArray[np.float32]:
    """Read features `[V, C]`; `name` is the file's, for messages.

    Raises:
        StorageError: The bytes do not have the checksum `digest`, or are no features.
    """
    if sha256(data) != digest:
        raise damaged(name)
    file = io.BytesIO(data)
    try:
        np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        # Before NumPy makes room for as many values as the header claims.
        if (
            dtype != np.float32
            or len(shape) != 2
            or math.prod(shape) * 4 != len(data) - file.tell()
        ):
            raise ValueError("not features of ours")
        file.seek(0)
        return np.asarray(np.load(file, allow_pickle=False))
    # NumPy raises many kinds of exceptions for damaged files.
    except Exception as error:
        raise damaged(name) from error


def sha256(data: bytes) -> str:
    """Return a checksum as records keep it."""
    return hashlib.sha256(data).hexdigest()


def damaged(name: str) -> StorageError:
    """Return the error for a file with wrong contents."""
    return StorageError(f"The file {name} of this story is damaged.")


def _panel_from_record(panel_id: str, record: Mapping[str, Any]) -> Panel:
    if record["id"] != panel_id:
        raise ValueError("the record is another panel's")
    image_name = record["image_name"]
    if image_name is not None and not IMAGE_NAME.fullmatch(image_name):
        raise ValueError("not an image of ours")
    features = record["features"] or {"name": None, "sha256": None}
    if record["features"] is not None:
        _typed(features["sha256"], str)
        if not FEATURES_NAME.fullmatch(features["name"]):
            raise ValueError("not features of ours")
    digest = record.get("image_sha256")  # stories before 0.3 have none
    for key in ("author", "image_source"):
        if record[key] not in ("model", "reader"):
            raise ValueError(f"unknown {key}")
    return Panel(
        id=panel_id,
        parent=None if record["parent"] is None else _typed(record["parent"], str),
        text=_typed(record["text"], str),
        reader_text=_typed(record["reader_text"], str),
        hint=_typed(record.get("hint", ""), str),  # stories before 0.2 have none
        author=record["author"],
        token_ids=tuple(_typed(token, int) for token in record["token_ids"]),
        image_name=image_name,
        image_source=record["image_source"],
        seed=_typed(record["seed"], int),
        image_seed=_typed(record["image_seed"], int),
        settings=_typed(record["settings"], dict),
        is_end=_typed(record["is_end"], bool),
        notes=tuple(_typed(note, str) for note in record["notes"]),
        created_at=float(record["created_at"]),
        image_sha256=None if digest is None else _typed(digest, str),
        features_name=features["name"],
        features_sha256=features["sha256"],
        # Stories before 0.3 have one picture a page.
        pictures=tuple(map(_picture, _typed(record.get("pictures", []), list))),
    )


def _picture(record: Mapping[str, Any]) -> Picture:
    name, digest = record["name"], record["sha256"]
    if not IMAGE_NAME.fullmatch(name):
        raise ValueError("not an image of ours")
    return Picture(
        name,
        None if digest is None else _typed(digest, str),
        _typed(record["seed"], int),
        _typed(record["settings"], dict),
    )


def _typed(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"not {kind.__name__}")
    return value
