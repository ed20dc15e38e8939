"""Reads the chunks of a PNG, so that a picture is not lost for what lies beside its pixels.

Pillow refuses a whole file for a text of more than a megabyte or for a wrong checksum in a chunk
that browsers ignore. `read_png` leaves such chunks out and returns what matters of them.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_PROFILE_BYTES = 4 * 2**20
"""Most bytes of an unpacked colour profile; the largest in use (of printers) have about two MB."""
_PIXELS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}


@dataclass
class PngFile:
    """A PNG without its side chunks, and what they say about the pixels.

    Attributes:
        data: The file with the chunks that pixels need, and no others.
        exif: Contents of the eXIf chunk.
        profile: The ICC profile.
        gamma: Exponent of the stored values, such as 0.45455.
        primaries: Chromaticities `x, y` of white, red, green and blue.
        cicp: Colour primaries and transfer function by their numbers in ITU-T H.273.
        is_srgb: Whether the file says that its colours are sRGB.
        is_animated: Whether more frames follow the first.
    """

    data: bytes = b""
    exif: bytes = b""
    profile: bytes = b""
    gamma: float = 0.0
    primaries: tuple[float, ...] = ()
    cicp: tuple[int, int] | None = None
    is_srgb: bool = False
    is_animated: bool = False


def read_png(data: bytes) -> PngFile:
    """Split a PNG file; a damaged or incomplete chunk that pixels need stays for the decoder."""
    found, kept, at = PngFile(), [SIGNATURE], len(SIGNATURE)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        is_whole = (
            end <= len(data)
            and zlib.crc32(data[at + 4 : end - 4]) == struct.unpack_from(">I", data, end - 4)[0]
        )
        is_needed = not kind[0] & 0x20  # a capital: no decoder may do without it
        if is_needed or kind in _PIXELS and is_whole:
            kept.append(data[at:end])
        elif is_whole:
            _note(found, kind, data[at + 8 : end - 4])
        if kind == b"IEND":
            break
        at = end
    found.data = b"".join(kept)
    return found


def _note(found: PngFile, kind: bytes, content: bytes) -> None:
    """Note what a whole side chunk says; a senseless one says nothing."""
    try:
        if kind == b"eXIf":
            found.exif = content
        elif kind == b"iCCP":
            packed = content[content.index(b"\0") + 2 :]
            unpack = zlib.decompressobj()
            profile = unpack.decompress(packed, MAX_PROFILE_BYTES)
            found.profile = profile if unpack.eof else b""
        elif kind == b"gAMA":
            found.gamma = struct.unpack(">I", content)[0] / 100_000
        elif kind == b"cHRM":
            found.primaries = tuple(value / 100_000 for value in struct.unpack(">8I", content))
        elif kind == b"cICP":
            found.cicp = (content[0], content[1])
        elif kind == b"sRGB":
            found.is_srgb = True
        elif kind == b"acTL":
            found.is_animated = struct.unpack(">II", content)[0] > 1
    except (ValueError, IndexError, struct.error, zlib.error):
        pass
