"""Bring a story back: make a new one of a file that `export/whole.py` wrote.

The file is untrusted: anybody may have written it, and checksums tell only of accidents. So records
are read by the same code as those of a story folder, every image is opened, and what a turn would
stumble over is refused. What cannot be used is left out and named; the rest becomes a story with an
id of its own, which is there at once or not at all. Ids of panels and names of files stay as they
are.
"""

from __future__ import annotations

import dataclasses
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from seedstory_core.errors import FileMissingError, InputError, StorageError
from seedstory_core.story import records
from seedstory_core.story.archive import StoryArchive, settings_with
from seedstory_core.story.reading import HEADER, RECORD_NAME, FolderReader
from seedstory_core.story.records import FEATURES_NAME, IMAGE_NAME, NewerFormatError, StoryHeader
from seedstory_core.story.tree import Panel, StoryTree, clean_title, id_runs, panel_number
from seedstory_core.story.upload import typed_letters
from seedstory_core.story.zipped import NO_STORY, ZippedFolder

MAX_NUMBER = 10**6
"""Highest number of a panel: the story has to go on after it, and ids have nine digits."""
MAX_TEXT_CHARS = 10_000
"""Of a caption, a hint or a note; a reader may type 600."""
MAX_TOKENS = 4_096
"""Of a caption; a model writes a few hundred."""
MAX_NOTES = 50
MAX_SIDE_PIXELS = 2_048
"""Longest side of an image; the models draw up to 1,024."""
SEEDS = range(-(2**63), 2**64)
"""What torch takes."""
MAX_SECONDS = 2.0**35
"""Latest time of a panel, more than a thousand years ahead."""
MAX_LEVELS = 8
"""Depth of settings; ours have three."""
NUM_NAMED = 5
"""Files that are named one by one in the notes."""


class BroughtIn(NamedTuple):
    """A story that was brought back."""

    header: StoryHeader
    """The new story's header, with its id."""
    notes: tuple[str, ...]
    """Sentences for the reader: what was left out, and why."""


def bring_in(archive: StoryArchive, data: bytes) -> BroughtIn:
    """Make a new story of a file that was taken home as the whole story.

    Args:
        archive: Where the story is saved.
        data: The file, untrusted.

    Raises:
        InputError: It is no such file, or no panel of it can be used.
        StorageError: A newer version wrote it, or the story could not be saved; nothing is left.
    """
    folder = ZippedFolder(data)
    if HEADER not in folder.names:
        raise InputError(NO_STORY)
    reader = FolderReader("", folder.names, folder.read)
    header = reader.header()
    # After the header, because a newer version may have other files and says so.
    patterns = (RECORD_NAME, IMAGE_NAME, FEATURES_NAME)
    if not all(name == HEADER or any(p.fullmatch(name) for p in patterns) for name in folder.names):
        raise InputError(NO_STORY)
    tree, notes = _read_panels(folder, reader)
    header = header or reader.rebuilt_header(tree.panels)
    header = dataclasses.replace(
        header,
        title=clean_title(header.title),
        engine_fingerprint=clean_title(header.engine_fingerprint),
        settings=_settings(header.settings, tree),
        created_at=_time(header.created_at),
    )
    tree.title = header.title
    return BroughtIn(archive.add_story(header, tree, folder.read), (*reader.warnings, *notes))


def _read_panels(folder: ZippedFolder, reader: FolderReader) -> tuple[StoryTree, Sequence[str]]:
    """Return the panels that can be used, and notes on all else."""
    tree = StoryTree()
    unusable: dict[str, str] = {}
    after: list[str] = []
    remarks: list[str] = []
    for panel_id in reader.panel_ids():  # by number, so parents come before their children
        try:
            panel, record = reader.saved(panel_id)
            _check(panel)
        except NewerFormatError:
            raise
        except StorageError as error:
            unusable[panel_id] = str(error)
            continue
        if panel.parent is not None and panel.parent not in tree:
            if panel.parent not in unusable and panel.parent not in after:
                missing = f"The file {panel.parent}.json of this story is missing."
                unusable.setdefault(panel.parent, missing)
            after.append(panel_id)
            continue
        panel, left_out = _with_whole_files(folder, _cleaned(panel))
        if record.changed:
            left_out.insert(0, f"The file {panel_id}.json is not the one that was saved.")
        remarks += left_out
        tree.add(panel)
    if not tree and not unusable:
        raise InputError(NO_STORY)
    if not tree:
        why = next(iter(unusable.values()))
        raise InputError(f"No page of this file can be used. {why} Take the story home once more.")
    more = len(remarks) - NUM_NAMED
    if more > 0:
        remarks[NUM_NAMED:] = [f"Of its other files, {more} are damaged or missing, too."]
    if unusable:
        remarks.insert(0, _left_out(unusable, after))
    return tree, remarks


def _left_out(unusable: Mapping[str, str], after: Sequence[str]) -> str:
    """Return the sentence on panels that were left out, by id with the reason, and those after."""
    one = len(unusable) == 1
    pages, were, them = ("Page", "was", "it") if one else ("Pages", "were", "them")
    others = f", with what comes after {them} ({id_runs(after)})" if after else ""
    why = next(iter(unusable.values()))
    return f"{pages} {id_runs(unusable)} could not be used and {were} left out{others}. {why}"


def _check(panel: Panel) -> None:
    """Refuse what no panel of this studio has, and what a turn would stumble over.

    Raises:
        StorageError: The record cannot be used.
    """
    names = [picture.name for picture in panel.all_pictures]
    own = [*names, *filter(None, [panel.image_name, panel.features_name])]
    texts = (panel.text, panel.reader_text, panel.hint, *panel.notes)
    seeds = (panel.seed, panel.image_seed, *(picture.seed for picture in panel.pictures))
    is_usable = (
        panel_number(panel.id) <= MAX_NUMBER
        and len(set(names)) == len(names)
        and (panel.image_name in names if names else panel.image_name is None)
        and all(name.split("-")[0] == panel.id for name in own)
        and all(len(text) <= MAX_TEXT_CHARS for text in texts)
        and len(panel.notes) <= MAX_NOTES
        and len(panel.token_ids) <= MAX_TOKENS
        and all(seed in SEEDS for seed in seeds)
        and _is_plain(panel.settings)
        and all(_is_plain(picture.settings) for picture in panel.pictures)
    )
    if not is_usable:
        raise records.damaged(f"{panel.id}.json")


def _cleaned(panel: Panel) -> Panel:
    """Return a panel with texts as they can be typed, and a time that can be shown."""
    return dataclasses.replace(
        panel,
        text=typed_letters(panel.text),
        reader_text=typed_letters(panel.reader_text),
        hint=typed_letters(panel.hint),
        notes=tuple(map(typed_letters, panel.notes)),
        created_at=_time(panel.created_at),
    )


def _with_whole_files(folder: ZippedFolder, panel: Panel) -> tuple[Panel, list[str]]:
    """Return a panel without images and features that cannot be used, and a sentence on each.

    The image that is shown stays the panel's even so: a page says that its picture is missing.
    """
    remarks: list[str] = []
    whole = []
    for picture in panel.all_pictures:
        digests = {picture.sha256}
        if picture.name == panel.image_name:
            digests.add(panel.image_sha256)
        try:
            _check_image(picture.name, folder.read(picture.name), digests)
        except StorageError as error:
            remarks.append(_without(error))
            if picture.name != panel.image_name:
                continue
            folder.forget(picture.name)
        whole.append(picture)
    if panel.pictures:
        panel = dataclasses.replace(panel, pictures=tuple(whole))
    name = panel.features_name
    if name is not None:
        try:
            features = records.from_npy(name, folder.read(name), panel.features_sha256)
            if not np.isfinite(features).all():  # nothing could be drawn or told of them
                raise records.damaged(name)
        except StorageError as error:
            remarks.append(_without(error))
            panel = dataclasses.replace(panel, features_name=None, features_sha256=None)
    return panel, remarks


def _without(error: StorageError) -> str:
    """Return the sentence on a file that cannot be used."""
    return str(error) if isinstance(error, FileMissingError) else f"{error} It was left out."


def _check_image(name: str, data: bytes, digests: set[str | None]) -> None:
    """Check that a file is the image that was saved, and one that can be shown.

    Raises:
        StorageError: It is not.
    """
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            size = image.size  # of the header: nothing is unpacked yet
            if image.mode not in records.IMAGE_MODES or getattr(image, "is_animated", False):
                raise ValueError("not an image of ours")
    except Exception as error:  # Pillow raises many kinds for damaged files
        raise records.damaged(name) from error
    if max(size) > MAX_SIDE_PIXELS:
        raise StorageError(
            f"The picture {name} has more than {MAX_SIDE_PIXELS:,} pixels on a side."
        )
    for digest in digests:
        records.check_image(name, data, digest)
    records.from_png(name, data)


def _settings(settings: Mapping[str, Any], tree: StoryTree) -> dict[str, Any]:
    """Return a story's settings without what belongs to none of its panels."""
    kept = settings_with(settings, {panel.id for panel in tree})
    for key, value in kept.items():
        if key.startswith("name:"):
            kept[key] = clean_title(value) if isinstance(value, str) else ""
    return kept if _is_plain(kept) else {}


def _is_plain(value: object, levels: int = MAX_LEVELS) -> bool:
    """Whether settings are neither too deep nor hold a number that is none."""
    if isinstance(value, float) and not math.isfinite(value):
        return False
    inner: Sequence[object] = ()
    if isinstance(value, Mapping):
        inner = tuple(value.values())
    elif isinstance(value, list):
        inner = value
    return not inner or (levels > 0 and all(_is_plain(one, levels - 1) for one in inner))


def _time(seconds: float) -> float:
    """Return a time that can be shown."""
    return min(max(seconds, 0.0), MAX_SECONDS) if math.isfinite(seconds) else 0.0
