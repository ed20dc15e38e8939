"""What readers bring along: their pictures and their sentences, checked at the door.

Everything that comes through is safe to use everywhere behind: an RGB picture of sensible size, a
text that the model can read and that holds none of its marks.
"""

from __future__ import annotations

import io
import re
import unicodedata
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from seedstory_core.errors import InputError

MAX_FILE_BYTES = 30 * 2**20
MAX_SIDE_PIXELS = 12_000
MAX_PIXELS = 50_000_000
KEPT_SIDE_PIXELS = 1024
"""A picture is kept at most this large; the model looks at far less."""
MAX_TEXT_LENGTH = 600

_MARKS = re.compile(
    r"</?img\b[^>]*>|<img_\d+>|</?s>|<unk>|<pad>|\[/?INST\]|<</?SYS>>", re.IGNORECASE
)


class ReaderPicture(NamedTuple):
    """A picture that is safe to use, and what was done to it, in sentences for the reader."""

    image: Image.Image
    notes: tuple[str, ...]


def open_picture(source: str | Path | bytes | Image.Image) -> ReaderPicture:
    """Open a reader's picture as RGB, upright, at most 1,024 pixels on the long side.

    Transparent parts become white, 16-bit and CMYK pictures are converted, of an animation the
    first frame is taken; `notes` says so.

    Args:
        source: A path, the file's bytes, or an open picture.

    Raises:
        InputError: Not a picture, damaged, empty, or far too large.
    """
    if isinstance(source, Image.Image):
        name, opened = "The picture", source
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
    if getattr(opened, "n_frames", 1) > 1:
        notes.append("The picture is animated; its first frame was used.")
    try:
        if opened.mode.startswith("I") or opened.mode == "F":
            notes.append("The picture has 16 bits per colour; it was reduced to 8.")
            image = _eight_bit(opened)
        elif opened.mode == "CMYK":
            notes.append(
                "The picture has print colours (CMYK); they were turned into screen colours."
            )
            image = opened.convert("RGB")
        else:
            image = ImageOps.exif_transpose(opened)
        if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        image = image.convert("RGB")
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(
            f"{name} is damaged or cut off. Open it in a picture program, save it anew as PNG or "
            "JPEG, and try again."
        ) from error
    image.thumbnail((KEPT_SIDE_PIXELS, KEPT_SIDE_PIXELS), Image.Resampling.LANCZOS)
    return ReaderPicture(image, tuple(notes))


def check_text(text: str, *, latin_only: bool) -> str:
    """Tidy a reader's sentence: white space collapsed, typographic marks made plain.

    Args:
        text: What was typed.
        latin_only: Whether the model reads nothing but Latin letters.

    Raises:
        InputError: Empty, too long, without words, in letters the model cannot read, or with a
            mark that is the model's own.
    """
    text = unicodedata.normalize("NFKC", text)
    plain = {"‘": "'", "’": "'", "“": '"', "”": '"', "…": "...", "–": "-", "—": "-"}
    text = "".join(plain.get(letter, letter) for letter in text)
    text = "".join(" " if letter.isspace() else letter for letter in text)
    text = "".join(letter for letter in text if unicodedata.category(letter)[0] != "C")
    text = " ".join(text.split())
    if not text:
        raise InputError("There is nothing to read yet. Write a sentence first.")
    if len(text) > MAX_TEXT_LENGTH:
        raise InputError(
            f"That is {len(text):,} characters; one panel takes up to {MAX_TEXT_LENGTH}. "
            "Split it into several panels."
        )
    mark = _MARKS.search(text)
    if mark:
        raise InputError(
            f"{mark.group()} is a mark that the storyteller uses itself. "
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
    return text


def _decode(name: str, data: bytes) -> Image.Image:
    if not data:
        raise InputError(f"{name} is empty (0 bytes). Choose another one.")
    if len(data) > MAX_FILE_BYTES:
        raise InputError(f"{name} is larger than 30 MB. Save it smaller and try again.")
    try:
        with warnings.catch_warnings():
            # Pillow warns of a bomb before it refuses one; our own limit speaks first.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            opened = Image.open(io.BytesIO(data))
        _check_size(name, opened)
        opened.load()
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        if isinstance(error, Image.DecompressionBombError):
            raise InputError(
                f"{name} has too many pixels. Make it smaller and try again."
            ) from error
        raise InputError(f"{name} could not be read. PNG, JPEG, WebP and GIF work.") from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
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
    """Scale 16-bit grey to 8 bits; Pillow's own conversion would clip it to white."""
    values = np.asarray(image).astype(np.float64)
    top = 65535.0 if values.max(initial=0) > 255 else 255.0
    return Image.fromarray((values.clip(0, top) * (255.0 / top)).astype(np.uint8), "L")
