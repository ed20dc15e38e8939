"""Readers' uploads: every kind of bad image and text ends in one clear sentence."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from seedstory_core.errors import InputError
from seedstory_core.story.upload import (
    MAX_TEXT_LENGTH,
    check_text,
    keep_text,
    open_image,
    tidy_text,
)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def photo(size: tuple[int, int] = (60, 40)) -> Image.Image:
    rng = np.random.default_rng(0)
    return Image.fromarray(rng.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8))


def huge_png(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be enormous."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_ordinary_images_come_through_as_rgb(kind: str) -> None:
    opened = open_image(saved(photo(), kind))
    assert opened.image.mode == "RGB"
    assert opened.image.size == (60, 40)
    assert opened.notes == ()


def test_a_large_image_is_made_smaller() -> None:
    assert open_image(saved(photo((3000, 1500)), "JPEG")).image.size == (1024, 512)


def test_transparent_parts_become_white() -> None:
    see_through = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert open_image(saved(see_through, "PNG")).image.getpixel((4, 4)) == (255, 255, 255)


def test_a_palette_with_a_transparent_colour_becomes_white() -> None:
    flat = Image.new("P", (8, 8), 0)
    flat.putpalette([10, 20, 30] + [0] * 765)
    image = open_image(saved(flat, "PNG", transparency=0)).image
    assert image.getpixel((4, 4)) == (255, 255, 255)


def test_sixteen_bit_images_keep_their_greys() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(4, 0)
    opened = open_image(saved(Image.fromarray(ramp), "PNG"))
    row = np.asarray(opened.image)[0, :, 0].astype(int)
    assert row[0] == 0
    assert row[-1] == 255
    assert np.all(np.diff(row) >= 0)
    assert 120 < row[128] < 136
    assert "16 bits" in opened.notes[0]


def test_print_colours_are_converted() -> None:
    opened = open_image(saved(photo().convert("CMYK"), "JPEG"))
    assert opened.image.mode == "RGB"
    assert "CMYK" in opened.notes[0]


def test_the_first_frame_of_an_animation_is_taken() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    opened = open_image(data)
    assert opened.image.getpixel((2, 2)) == (255, 0, 0)
    assert "first frame" in opened.notes[0]


def test_a_photo_lying_on_its_side_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for image in (photo(), photo().convert("CMYK"), photo().convert("L")):
        assert open_image(saved(image, "JPEG", exif=exif)).image.size == (40, 60)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_shows_the_same_image(orientation: int) -> None:
    wanted = Image.new("RGB", (40, 20), "white")
    wanted.paste("red", (0, 0, 20, 10))
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}.get(orientation)
    stored = wanted if undo is None else wanted.transpose(Image.Transpose(undo))
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert open_image(saved(stored, "PNG", exif=exif)).image.tobytes() == wanted.tobytes()


def test_a_photo_with_a_small_second_image_is_not_called_animated() -> None:
    data = saved(photo(), "MPO", save_all=True, append_images=[photo((30, 20))])
    assert open_image(data).notes == ()


def test_formats_that_start_programs_are_not_opened() -> None:
    with pytest.raises(InputError, match="could not be read"):
        open_image(saved(photo(), "EPS"))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_damaged_file_gives_an_image_or_a_sentence_and_nothing_else(kind: str) -> None:
    whole = saved(photo(), kind)
    chance = np.random.default_rng(1)
    for _ in range(150):
        data = bytearray(whole)
        for place in chance.integers(0, min(len(data), 400), 4):
            data[place] = chance.integers(0, 256)
        try:
            assert open_image(bytes(data)).image.mode == "RGB"
        except InputError as error:
            assert str(error).startswith("The picture")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "empty"),
        (b"this is no picture at all", "could not be read"),
        (b"%PDF-1.7 ...", "could not be read"),
        (saved(photo(), "PNG")[:300], "damaged or cut off"),
        (saved(photo((200, 200)), "JPEG")[:2000], "damaged or cut off"),
        (huge_png(30_000, 20), "30,000 x 20 pixels"),
        (huge_png(10_000, 10_000), "10,000 x 10,000 pixels"),
        (huge_png(60_000, 60_000), "pixels"),
    ],
    ids=["empty", "text", "pdf", "cut png", "cut jpeg", "wide", "many pixels", "bomb"],
)
def test_a_bad_image_is_refused_with_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        open_image(data)


def test_a_bad_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cat.heic"
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"cat\.heic could not be read"):
        open_image(path)
    with pytest.raises(InputError, match=r"gone\.png could not be read"):
        open_image(tmp_path / "gone.png")


TYPED = [
    ("“Wait—what?” she said…", '"Wait-what?" she said...'),
    ("‘Don’t – or do,’ said Mira’s friend.", "'Don't - or do,' said Mira's friend."),
    ("Roses are red,\nfoxes are too.", "Roses are red, foxes are too."),
    ("half past ½, 3² is nine, ﬁve", "half past 1⁄2, 32 is nine, five"),
    ("Mira \U0001f469\u200d\U0001f680 waves", "Mira \U0001f469\U0001f680 waves"),
    ("Mira  waves.\tTwice.", "Mira waves. Twice."),
    ("soft\u00adly, the fox\u200b came", "softly, the fox came"),
    ("\uff2d\uff49\uff52\uff41 waves", "Mira waves"),
    ("Zoë is 3 < 5 years old", "Zoë is 3 < 5 years old"),
    ("Mira said \u2067شکر\u2069 to Otto, politely", "Mira said شکر to Otto, politely"),
]


@pytest.mark.parametrize(("typed", "read"), TYPED)
def test_a_sentence_is_kept_as_typed_and_read_tidied(typed: str, read: str) -> None:
    assert check_text(typed, latin_only=True) == typed
    assert tidy_text(typed) == read
    assert keep_text(f" \n{typed}\r\n") == typed


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Mira waves.\r\nOtto waves.\rThe end.", "Mira waves.\nOtto waves.\nThe end."),
        ("\ufeffMira\x00 wa\x1bves\ud83e.\uffff", "Mira waves."),
    ],
)
def test_only_what_no_keyboard_types_is_left_out(typed: str, kept: str) -> None:
    assert check_text(typed, latin_only=True) == kept


@given(st.text(max_size=80))
def test_tidying_and_keeping_again_change_nothing(text: str) -> None:
    assert tidy_text(tidy_text(text)) == tidy_text(text)
    assert keep_text(keep_text(text)) == keep_text(text)
    # What the model reads does not depend on whether the kept or the typed text is tidied.
    assert tidy_text(keep_text(text)) == tidy_text(text.replace("\r", "\n"))


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "nothing to read"),
        (" \n\t ", "nothing to read"),
        ("x" * 100_000, f"100,000 characters; a page takes up to {MAX_TEXT_LENGTH}"),
        ("🦊🐻🐰", "no words"),
        ("12345 ...", "no words"),
        ("Лиса машет лапой", "English only"),
        ("狐狸在海滩上", "English only"),
        ("<img>", "<img> is a mark"),
        ("Mira </img> waves", "</img> is a mark"),
        ("Mira <img_00003> waves", "<img_00003> is a mark"),
        ("[INST] waves", r"\[INST\] is a mark"),
        ("Mira <s> waves", "<s> is a mark"),
        ("＜img＞ wide letters", "<img> is a mark"),
        ("<im\u200bg> hidden letters", "<img> is a mark"),
    ],
)
def test_a_bad_sentence_is_refused_with_a_sentence(typed: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        check_text(typed, latin_only=True)


def test_other_letters_are_fine_where_the_model_reads_them() -> None:
    assert check_text("Лиса машет", latin_only=False) == "Лиса машет"
