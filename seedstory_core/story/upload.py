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
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from seedstory_core.errors import NOTHING_TO_READ, OWN_MARK, InputError
from seedstory_core.story.colour import to_srgb
from seedstory_core.story.png import SIGNATURE, PngFile, read_png

MAX_FILE_BYTES = 30 * 2**20
MAX_SIDE_PIXELS = 12_000
MAX_PIXELS = 50_000_000
KEPT_SIDE_PIXELS = 1024
"""Longest side of a kept image; the model reads far fewer pixels."""
FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")
"""Formats that are opened; some of Pillow's others start programs or read other files."""
MOST_LIGHT = 16.0
"""Brightest pixel of a float image that still counts as one from 0 to 1."""
PHOTOMETRIC, BITS_PER_SAMPLE, SAMPLE_FORMAT = 262, 258, 339
"""Tags of TIFF."""
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

    Colours become sRGB, transparent parts white; deep and CMYK images are converted, and the first
    frame of an animation is taken. `notes` mentions the last three. What lies beside the pixels
    (texts, Exif, profiles) never makes an image unreadable.

    Args:
        source: A path, the file's bytes, or an open image.

    Raises:
        InputError: The source is no image, damaged, empty, or too large.
    """
    with _ONE_AT_A_TIME:
        return _open(source)


def _open(source: str | Path | bytes | Image.Image) -> ReaderImage:
    if isinstance(source, Image.Image):
        name, opened, png = "The picture", source.copy(), None
        _check_size(name, opened)
    else:
        if isinstance(source, bytes):
            name, data = "The picture", source
        else:
            name = f"The picture {Path(source).name[:60]}"
            try:
                if Path(source).stat().st_size > MAX_FILE_BYTES:
                    raise _too_large(name)
                data = Path(source).read_bytes()
            except OSError as error:
                raise InputError(f"{name} could not be read. Choose it again.") from error
        opened, png = _decode(name, data)
    notes = []
    try:
        # Cameras add a small second image to a JPEG (MPO); that is no animation.
        is_animated = getattr(opened, "is_animated", False) and opened.format != "MPO"
        if is_animated or (png is not None and png.is_animated):
            notes.append("The picture is animated; its first frame was used.")
        image = opened
        if image.mode.startswith("I") or image.mode == "F":
            notes.append("The picture has more than 8 bits per colour; it was reduced to 8.")
            image = _eight_bit(image)
        if image.mode in ("P", "PA") or (image.mode == "RGB" and "transparency" in image.info):
            has_alpha = image.mode == "PA" or "transparency" in image.info
            image = image.convert("RGBA" if has_alpha else "RGB")
        elif image.mode in ("LA", "La", "RGBa") or (
            image.mode in ("1", "L") and "transparency" in image.info
        ):
            image = image.convert("RGBA")
        if image.mode in ("L", "RGB", "RGBA", "CMYK"):
            # Before anything is copied: 50 million pixels take hundreds of megabytes.
            image.thumbnail((KEPT_SIDE_PIXELS, KEPT_SIDE_PIXELS), Image.Resampling.LANCZOS)
        image = _upright(image, opened, png)
        if image.mode == "CMYK":
            notes.append(
                "The picture has print colours (CMYK); they were turned into screen colours."
            )
        profile = png.profile if png is not None else opened.info.get("icc_profile") or b""
        image = to_srgb(image, profile, png)
        if image.mode == "RGBA":
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        image = image.convert("RGB")
    except Exception as error:  # a damaged file may raise anything at all in Pillow's decoders
        raise _damaged(name) from error
    image.thumbnail((KEPT_SIDE_PIXELS, KEPT_SIDE_PIXELS), Image.Resampling.LANCZOS)
    return ReaderImage(image, tuple(notes))


def keep_text(text: str) -> str:
    """Return a reader's text as a panel keeps it: as typed, line breaks and joiners included.

    Only outer white space goes, and what no keyboard types: control characters, halves of
    characters, and byte-order marks.
    """
    return typed_letters(text).strip()


def typed_letters(text: str) -> str:
    """Return a text without what no keyboard types; white space around it stays."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(_kept(letter) for letter in text)


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
        raise InputError(OWN_MARK.format(mark=mark.group()))
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


def _decode(name: str, data: bytes) -> tuple[Image.Image, PngFile | None]:
    """Return the pixels of a file, and what else a PNG says about them."""
    if not data:
        raise InputError(f"{name} is empty (0 bytes). Choose another one.")
    if len(data) > MAX_FILE_BYTES:
        raise _too_large(name)
    png = read_png(data) if data.startswith(SIGNATURE) else None
    try:
        with warnings.catch_warnings():
            # Pillow warns below the size that it refuses (our own limit is lower), and of side data
            # that makes no sense.
            warnings.simplefilter("ignore")
            Image.init()
            opened = Image.open(io.BytesIO(png.data if png else data), formats=FORMATS)
            _check_size(name, opened)
            opened.draft(None, (2 * KEPT_SIDE_PIXELS, 2 * KEPT_SIDE_PIXELS))
            opened.load()
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        if isinstance(error, Image.DecompressionBombError):
            raise InputError(
                f"{name} has too many pixels. Make it smaller and try again."
            ) from error
        raise InputError(
            f"{name} could not be read. PNG, JPEG, WebP, AVIF and GIF work."
        ) from error
    except InputError:
        raise
    except Exception as error:  # as above
        raise _damaged(name) from error
    return opened, png


def _too_large(name: str) -> InputError:
    limit = MAX_FILE_BYTES // 2**20
    return InputError(f"{name} is larger than {limit} MB. Save it smaller and try again.")


def _damaged(name: str) -> InputError:
    return InputError(
        f"{name} is damaged or cut off. Open it in a picture program, save it anew as PNG or JPEG, "
        "and try again."
    )


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
    """Scale deep grey to 8 bits by the range of its format; Pillow's own conversion would clip it.

    A file in whole numbers says how many bits it has, and its brightness does not depend on the
    brightest pixel. Floats range from 0 to 1 in picture programs and from 0 to 255 in Pillow.
    """
    values = np.asarray(image)
    tags = getattr(image, "tag_v2", {})
    if values.dtype.kind == "f":
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        brightest = float(values.max(initial=0))
        # Light above white may make up a few times 1; 0 to 255 with so little would be all black.
        top = 1.0 if brightest <= MOST_LIGHT else 255.0 if brightest <= 255 else 65535.0
    else:
        is_signed = _first(tags, SAMPLE_FORMAT) == 2
        bits = _first(tags, BITS_PER_SAMPLE) or (16 if image.format or "16" in image.mode else 0)
        if bits == 32 and not is_signed:
            values = values.view(np.uint32)
        brightest = float(values.max(initial=0))
        top = float(2 ** (bits - is_signed) - 1) if bits else 255.0 if brightest <= 255 else 65535.0
    grey = (values.clip(0, top) * np.float32(255 / top)).round().astype(np.uint8)
    if _first(tags, PHOTOMETRIC) == 0 and tags:
        grey = 255 - grey  # white is stored as 0
    hidden = image.info.get("transparency")
    if isinstance(hidden, int):
        grey = np.where(values == hidden, np.uint8(255), grey)
    return Image.fromarray(grey)


def _first(tags: Mapping[int, Any], tag: int) -> int:
    """Return a TIFF tag's number, or its first one; 0 without."""
    value = tags.get(tag, 0)
    return int(value[0] if isinstance(value, tuple) else value)


def _upright(image: Image.Image, opened: Image.Image, png: PngFile | None) -> Image.Image:
    """Rotate an image upright by the Exif orientation of its file; senseless Exif turns nothing."""
    try:
        exif = opened.getexif()
        if png is not None and png.exif:
            exif = Image.Exif()
            exif.load(png.exif)
        turned = _TURNS.get(exif.get(ExifTags.Base.Orientation, 1))
    except Exception:  # as above
        return image
    return image.transpose(turned) if turned is not None else image
