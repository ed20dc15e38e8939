"""What the files of a story folder say: headers, panels, pictures and features to bytes and back.

Everything read here may have been damaged or written by somebody else; it is checked field by
field, and what does not fit is one `StorageError` that names the file.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seedstory_core.errors import StorageError
from seedstory_core.story.tree import Panel, clean_title

FORMAT = 1
"""Raised when an older studio could not read, or would misread, what this one writes."""

PICTURE_NAME = re.compile(r"p[1-9][0-9]{0,8}-[0-9a-f]{8}\.png")
FEATURES_NAME = re.compile(r"p[1-9][0-9]{0,8}-[0-9a-f]{8}\.npy")

PNG_LEVEL = 4
"""zlib level: quick, and on flat drawings hardly larger than the slowest."""

BAD_RECORD = (ValueError, KeyError, TypeError, OverflowError, RecursionError)
"""What reading a damaged record can raise."""


class NewerFormatError(StorageError):
    """A file says something this version may misread, so it reads none of it."""


@dataclass(frozen=True)
class StoryHeader:
    """What is known about a story without opening its panels."""

    id: str
    title: str = ""
    """The title its reader chose, or ''."""
    engine_fingerprint: str = ""
    """Which weights and config told it. Others may tell the next panel differently."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Plain JSON the session wants back, such as the memory policy."""
    created_at: float = 0.0
    """Unix seconds."""
    format: int = FORMAT


def to_json(value: Mapping[str, Any]) -> bytes:
    """The bytes of a header, record or tombstone, its format noted."""
    # ASCII escapes carry any string a browser can send, lone surrogates included, there and back.
    return (json.dumps({"format": FORMAT, **value}) + "\n").encode("ascii")


def from_json(name: str, data: bytes) -> dict[str, Any]:
    """The other way round.

    Raises:
        NewerFormatError: A later version wrote it.
        StorageError: It is damaged.
    """
    try:
        record = _typed(json.loads(data.decode("utf-8")), dict)
        saved_format = _typed(record["format"], int)
    except BAD_RECORD as error:
        raise damaged(name) from error
    if saved_format > FORMAT:
        raise NewerFormatError(
            f"This story was saved by a newer version (format {saved_format}, this one reads up to "
            f"{FORMAT}). Update the studio to open it."
        )
    return record


def header_from_record(story_id: str, name: str, record: Mapping[str, Any]) -> StoryHeader:
    """A story's header. Raises StorageError when it is not one."""
    try:
        return StoryHeader(
            id=story_id,
            title=clean_title(_typed(record["title"], str)),
            engine_fingerprint=_typed(record["engine_fingerprint"], str),
            settings=_typed(record["settings"], dict),
            created_at=float(record["created_at"]),
        )
    except BAD_RECORD as error:
        raise damaged(name) from error


def panel_to_record(panel: Panel) -> dict[str, Any]:
    """Every field but the features, which have a file of their own."""
    names = [item.name for item in dataclasses.fields(panel)]
    return {name: getattr(panel, name) for name in names if name != "visual_features"}


def panel_from_record(panel_id: str, name: str, record: Mapping[str, Any]) -> Panel:
    """A panel without its features. Raises StorageError when it is not one."""
    try:
        return _panel_from_record(panel_id, record)
    except BAD_RECORD as error:
        raise damaged(name) from error


def to_png(image: Image.Image) -> bytes:
    """The pixels alone: a reader's photo keeps its place and camera to itself."""
    pixels = image.copy() if image.mode in ("RGB", "RGBA", "L") else image.convert("RGB")
    pixels.info = {}
    buffer = io.BytesIO()
    pixels.save(buffer, "PNG", compress_level=PNG_LEVEL)
    return buffer.getvalue()


def from_png(name: str, data: bytes) -> Image.Image:
    """The picture, loaded. Raises StorageError when it is damaged."""
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            image.verify()  # the checksums, which decoding alone passes over
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            image.load()
            return image
    # Pillow's PNG reader raises half a dozen kinds of exceptions for damaged files.
    except Exception as error:
        raise damaged(name) from error


def to_npy(features: NDArray[np.float32]) -> bytes:
    """Features, to be read back bit for bit."""
    buffer = io.BytesIO()
    np.save(buffer, features, allow_pickle=False)
    return buffer.getvalue()


def from_npy(name: str, data: bytes, digest: object) -> NDArray[np.float32]:
    """Features of `[V, C]`. Raises StorageError when a single bit differs from what was saved."""
    if sha256(data) != digest:
        raise damaged(name)
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise damaged(name) from error
    if array.dtype != np.float32 or array.ndim != 2:
        raise damaged(name)
    return array


def sha256(data: bytes) -> str:
    """The checksum kept in the record beside the file's name."""
    return hashlib.sha256(data).hexdigest()


def damaged(name: str) -> StorageError:
    """The error for a file that does not hold what it should."""
    return StorageError(f"The file {name} of this story is damaged.")


def _panel_from_record(panel_id: str, record: Mapping[str, Any]) -> Panel:
    if record["id"] != panel_id:
        raise ValueError("the record is another panel's")
    image_name = record["image_name"]
    if image_name is not None and not PICTURE_NAME.fullmatch(image_name):
        raise ValueError("not a picture of ours")
    features = record["features"]
    if features is not None:
        _typed(features["sha256"], str)
        if not FEATURES_NAME.fullmatch(features["name"]):
            raise ValueError("not features of ours")
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
    )


def _typed(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"not {kind.__name__}")
    return value
