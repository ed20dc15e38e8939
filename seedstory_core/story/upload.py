"""Checks for readers' images and sentences.

Results are safe to use everywhere: an RGB image of limited size, and a text as it was typed that
the model can read and that contains none of its marks.
"""

from __future__ import annotations

import io
import re
import threading
import unicodedata
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from seedstory_core.errors import NOTHING_TO_READ, InputError

MAX_FILE_BYTES = 30 * 2**20
MAX_SIDE_PIXELS = 12_000
MAX_PIXELS = 50_000_000
KEPT_SIDE_PIXELS = 1024
"""Longest side of a kept image; the model reads far fewer pixels."""
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
"""Formats that are opened; some of Pillow's others start programs or read other files."""
MAX_TEXT_LENGTH = 600

_PLAIN = {"‘": "'", "’": "'", "“": '"', "”": '"', "…": "...", "–": "-", "—": "-"}
_ONE_AT_A_TIME = threading.Lock()
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The transposition that undoes each Exif orientation."""

_MARKS = re.compile(
    r"</?img\b[^>]*>|<img_\d+>|</?s>|<unk>|<pad>|\[/?INST\]|<</?SYS>>", re.IGNORECASE
)


class ReaderImage(NamedTuple):
    """An image that is safe to use, and notes for the reader on its conversion."""

    image: Image.Image
    notes: tuple[str, ...]


def open_image(source: str | Path | bytes | Image.Image) -> ReaderImage:
    """Open a reader's image as RGB, upright, at most 1,024 pixels on the long side.

    Transparent parts become white, 16-bit and CMYK images are converted, and the first frame of an
    animation is taken. `notes` mentions all but transparency.

    Args:
        source: A path, the file's bytes, or an open image.

    Raises:
        InputError: The source is no image, damaged, empty, or too large.
    """
    with _ONE_AT_A_TIME:
        return _open(source)


def _open(source: str | Path | bytes | Image.Image) -> ReaderImage:
    if isinstance(source, Image.Image):
        name, opened = "The picture", source.copy()
        _check_size(name, opened)
    else:
        if isinstance(source, bytes):
            name, data = "The picture", source
        else:
            name = f"The picture {Path(source).name[:60]}"
            try:
                if Path(source).stat().st_size > MAX_FILE_BYTES:
                    raise InputError(f"{name} is larger than 30 MB. Save it smaller and try again.")
                data = Path(source).read_bytes()
            except OSError as error:
                raise InputError(f"{name} could not be read. Choose it again.") from error
        opened = _decode(name, data)
    notes = []
    try:
        # Cameras add a small second image to a JPEG (MPO); that is no animation.
        if getattr(opened, "is_animated", False) and opened.format != "MPO":
            notes.append("The picture is animated; its first frame was used.")
        image = opened
        if image.mode.startswith("I") or image.mode == "F":
            notes.append("The picture has 16 bits per colour; it was reduced to 8.")
            image = _eight_bit(image)
        if image.mode in ("L", "LA", "RGB", "RGBA", "CMYK"):
            # Before anything is copied: 50 million pixels take hundreds of megabytes.
            image.thumbnail((KEPT_SIDE_PIXELS, KEPT_SIDE_PIXELS), Image.Resampling.LANCZOS)
        image = _upright(image, opened)
        if image.mode == "CMYK":
            notes.append(
                "The picture has print colours (CMYK); they were turned into screen colours."
            )
        if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        image = image.convert("RGB")
    except Exception as error:  # a damaged file may raise anything at all in Pillow's decoders
        raise InputError(
            f"{name} is damaged or cut off. Open it in a picture program, save it anew as PNG or "
            "JPEG, and try again."
        ) from error
    image.thumbnail((KEPT_SIDE_PIXELS, KEPT_SIDE_PIXELS), Image.Resampling.LANCZOS)
    return ReaderImage(image, tuple(notes))


def keep_text(text: str) -> str:
    """Return a reader's text as a panel keeps it: as typed, line breaks and joiners included.

    Only outer white space goes, and what no keyboard types: control characters, halves of
    characters, and byte-order marks.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(_kept(letter) for letter in text).strip()


def _kept(letter: str) -> str:
    """Return a character, a space for a control character that is one, or '' for no character."""
    if letter in "\n\t":
        return letter
    code = ord(letter)
    if unicodedata.category(letter) in ("Cc", "Cs") or letter == "\ufeff":
        return " " if letter.isspace() else ""
    return "" if code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF else letter


def tidy_text(text: str) -> str:
    """Return a text in the form that the model reads, which is not the one that a panel keeps.

    White space is collapsed, typographic marks become plain, and invisible characters are dropped.
    Tidying again changes nothing.
    """
    text = unicodedata.normalize("NFKC", text)
    text = "".join(_PLAIN.get(letter, letter) for letter in text)
    text = "".join(" " if letter.isspace() else letter for letter in text)
    text = "".join(letter for letter in text if unicodedata.category(letter)[0] != "C")
    # Again, because letters and accents may only now stand side by side.
    return " ".join(unicodedata.normalize("NFKC", text).split())


def check_text(text: str, *, latin_only: bool) -> str:
    """Return a reader's sentence as the panel keeps it; refuse one that the model cannot read.

    Args:
        text: The text as typed.
        latin_only: Whether the model reads Latin letters only.

    Raises:
        InputError: The text is empty, too long, without words, mostly in letters that the model
            cannot read, or contains one of the model's marks.
    """
    kept = keep_text(text)
    if len(kept) > MAX_TEXT_LENGTH:
        raise InputError(
            f"That is {len(kept):,} characters; a page takes up to {MAX_TEXT_LENGTH}. "
            "Split it into several pages."
        )
    text = tidy_text(kept)
    if not text:
        raise InputError(NOTHING_TO_READ)
    mark = _MARKS.search(text)
    if mark:
        raise InputError(
            f"{mark.group()} is a mark that only the storyteller uses. "
            "Write the sentence without it."
        )
    letters = [letter for letter in text if letter.isalpha()]
    if not letters:
        raise InputError("There are no words in that. Write what happens, for example: Mira waves.")
    if latin_only:
        foreign = [letter for letter in letters if "LATIN" not in unicodedata.name(letter, "")]
        if 2 * len(foreign) > len(letters):
            raise InputError(
                "This storyteller has learned English only and cannot read these letters. "
                "Write the sentence in English."
            )
    return kept


def _decode(name: str, data: bytes) -> Image.Image:
    if not data:
        raise InputError(f"{name} is empty (0 bytes). Choose another one.")
    if len(data) > MAX_FILE_BYTES:
        raise InputError(f"{name} is larger than 30 MB. Save it smaller and try again.")
    try:
        with warnings.catch_warnings():
            # Pillow warns below the size that it refuses; our own limit is lower.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            Image.init()
            opened = Image.open(io.BytesIO(data), formats=FORMATS)
        _check_size(name, opened)
        opened.draft(None, (2 * KEPT_SIDE_PIXELS, 2 * KEPT_SIDE_PIXELS))
        opened.load()
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        if isinstance(error, Image.DecompressionBombError):
            raise InputError(
                f"{name} has too many pixels. Make it smaller and try again."
            ) from error
        raise InputError(f"{name} could not be read. PNG, JPEG, WebP and GIF work.") from error
    except InputError:
        raise
    except Exception as error:  # as above
        raise InputError(
            f"{name} is damaged or cut off. Open it in a picture program, save it anew as PNG or "
            "JPEG, and try again."
        ) from error
    return opened


def _check_size(name: str, image: Image.Image) -> None:
    width, height = image.size
    if not width or not height:
        raise InputError(f"{name} has no pixels. Choose another one.")
    if max(width, height) > MAX_SIDE_PIXELS or width * height > MAX_PIXELS:
        raise InputError(
            f"{name} is {width:,} x {height:,} pixels; up to {MAX_SIDE_PIXELS:,} on a side and 50 "
            "million in all can be read. Make it smaller and try again."
        )


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey to 8 bits; Pillow's own conversion would clip it."""
    values = np.asarray(image)
    top = 65535 if values.max(initial=0) > 255 else 255
    if values.dtype.kind == "f":
        return Image.fromarray((values.clip(0, top) * np.float32(255 / top)).astype(np.uint8))
    table = (np.arange(top + 1) * 255 // top).astype(np.uint8)
    return Image.fromarray(table[values.clip(0, top)])


def _upright(image: Image.Image, opened: Image.Image) -> Image.Image:
    """Rotate an image upright by the Exif orientation of its file."""
    turned = _TURNS.get(opened.getexif().get(ExifTags.Base.Orientation, 1))
    return image.transpose(turned) if turned is not None else image
