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
from PIL import Image, ImageCms, PngImagePlugin

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


def chunk(kind: bytes, data: bytes, off: int = 0) -> bytes:
    """A chunk of a PNG; its checksum is wrong by `off`."""
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body) ^ off)


def with_chunks(png: bytes, *chunks: bytes) -> bytes:
    """Put chunks before a PNG's pixels."""
    at = png.index(b"IDAT") - 4
    return png[:at] + b"".join(chunks) + png[at:]


def huge_png(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be enormous."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "TIFF"])
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
    assert "more than 8 bits" in opened.notes[0]


def tiff_of(values: np.ndarray, **tags: object) -> bytes:
    """A grey TIFF of one row with these values."""
    return saved(Image.fromarray(values[None]), "TIFF", **tags)


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        # A dark picture stays dark: its brightest pixel does not make it brighter.
        (saved(Image.fromarray(np.array([[0, 128, 255]], np.uint16)), "PNG"), [0, 0, 1]),
        (tiff_of(np.array([0, 200, 255], np.uint16)), [0, 1, 1]),
        (tiff_of(np.array([0, 32768, 65535], np.uint16)), [0, 128, 255]),
        (tiff_of(np.array([0, 0.25, 1], np.float32)), [0, 64, 255]),
        (tiff_of(np.array([0.5, 1.4, -3], np.float32)), [128, 255, 0]),
        (tiff_of(np.array([0.5, np.nan, np.inf], np.float32)), [128, 0, 0]),
        (tiff_of(np.array([0, 100, 255], np.float32)), [0, 100, 255]),
        (tiff_of(np.array([0, 2**30, 2**31 - 1], np.int32)), [0, 128, 255]),
    ],
    ids=["dark PNG", "dark TIFF", "TIFF", "float", "lights", "no numbers", "Pillow's", "32 bits"],
)
def test_deep_greys_are_as_bright_as_picture_programs_show_them(
    data: bytes, shown: list[int]
) -> None:
    assert np.asarray(open_image(data).image)[0, :, 0].tolist() == shown


def test_a_deep_tiff_that_stores_white_as_zero_is_not_shown_as_a_negative() -> None:
    data = tiff_of(np.array([0, 32768, 65535], np.uint16), tiffinfo={262: 0})
    assert np.asarray(open_image(data).image)[0, :, 0].tolist() == [255, 127, 0]


def test_a_hidden_deep_grey_is_shown_as_white() -> None:
    plain = saved(Image.fromarray(np.array([[0, 300, 65535]], np.uint16)), "PNG")
    data = with_chunks(plain, chunk(b"tRNS", struct.pack(">H", 300)))
    assert np.asarray(open_image(data).image)[0, :, 0].tolist() == [0, 255, 255]


def s15(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def profile_of(primaries: tuple[tuple[float, float, float], ...], gamma: float) -> bytes:
    """An ICC profile of RGB with these primaries (XYZ under D50) and one exponent."""
    name = b"desc\0\0\0\0" + struct.pack(">I", 2) + b"x\0" + bytes(80)
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, int(gamma * 256)) + b"\0\0"
    xyz = [b"XYZ \0\0\0\0" + b"".join(map(s15, one)) for one in ((0.9642, 1, 0.8249), *primaries)]
    content = [name + bytes(-len(name) % 4), b"text\0\0\0\0x\0\0\0", *xyz, curve, curve, curve]
    signs = [b"desc", b"cprt", b"wtpt", b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC"]
    start, table, data = 132 + 12 * len(signs), struct.pack(">I", len(signs)), b""
    for sign, value in zip(signs, content, strict=True):
        table += sign + struct.pack(">II", start + len(data), len(value))
        data += value
    head = struct.pack(">I", start + len(data)) + b"lcms" + struct.pack(">I", 0x02100000)
    head += b"mntrRGB XYZ " + struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acspAPPL" + bytes(24)
    head += s15(0.9642) + s15(1) + s15(0.8249)
    return head.ljust(128, b"\0") + table + data


P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
WIDE = ((0.7977, 0.2880, 0.0), (0.1352, 0.7119, 0.0), (0.0313, 0.0001, 0.8249))
PAINTS = ((200, 60, 60), (70, 160, 60), (70, 90, 200))


def painted() -> Image.Image:
    image = Image.new("RGB", (96, 32))
    for number, paint in enumerate(PAINTS):
        image.paste(paint, (32 * number, 0, 32 * number + 32, 32))
    return image


def paints_of(data: bytes) -> np.ndarray:
    image = open_image(data).image
    return np.array([image.getpixel((32 * number + 16, 16)) for number in range(3)]).astype(int)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize(
    "icc",
    [profile_of(P3, 2.2), profile_of(WIDE, 1.8), profile_of((P3[1], P3[2], P3[0]), 2.2)],
    ids=["like P3", "like ProPhoto", "exchanged"],
)
def test_a_profile_is_followed(icc: bytes, kind: str) -> None:
    stored = ImageCms.profileToProfile(
        painted(),
        ImageCms.createProfile("sRGB"),
        ImageCms.ImageCmsProfile(io.BytesIO(icc)),
        outputMode="RGB",
    )
    assert stored is not None
    options = {"quality": 95, "subsampling": "4:4:4"} if kind in ("JPEG", "AVIF") else {}
    if kind == "WEBP":
        options = {"lossless": True}
    data = saved(stored, kind, icc_profile=icc, **options)
    assert np.abs(paints_of(data) - PAINTS).max() <= 8


def test_transparent_and_flat_pictures_follow_their_profile_too() -> None:
    icc = profile_of((P3[1], P3[2], P3[0]), 2.2)
    for mode in ("RGBA", "P"):
        stored = painted().convert(mode)
        data = saved(stored, "PNG", icc_profile=icc)
        assert np.abs(paints_of(data) - paints_of(saved(stored, "PNG"))).max() > 60


def test_a_grey_profile_of_another_exponent_is_followed() -> None:
    dark = with_chunks(saved(Image.new("L", (96, 32), 128), "PNG"), chunk(b"gAMA", b"\0\1\x86\xa0"))
    assert paints_of(dark)[0].tolist() == [188, 188, 188]  # half the light


def test_a_png_without_profile_follows_its_primaries() -> None:
    usual = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
    wide = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
    gamma = chunk(b"gAMA", struct.pack(">I", 45455))
    plain = saved(painted(), "PNG")
    assert paints_of(with_chunks(plain, gamma, chunk(b"cHRM", usual))).tolist() == [
        list(paint) for paint in PAINTS
    ]
    by_name = paints_of(with_chunks(plain, chunk(b"cICP", bytes((12, 13, 0, 1)))))
    by_number = paints_of(with_chunks(plain, gamma, chunk(b"cHRM", wide)))
    by_profile = paints_of(saved(painted(), "PNG", icc_profile=profile_of(P3, 2.2)))
    assert np.abs(by_name - by_number).max() <= 1
    assert np.abs(by_name - by_profile).max() <= 8 and by_name[0, 0] > 210
    says_srgb = with_chunks(plain, gamma, chunk(b"cHRM", wide), chunk(b"sRGB", b"\0"))
    assert (paints_of(says_srgb) == PAINTS).all()


def packed_texts() -> bytes:
    notes = PngImagePlugin.PngInfo()
    notes.add_itxt("workflow", '{"node":1},' * 120_000, zip=True)
    notes.add_text("prompt", "word " * 300_000, zip=True)
    return saved(painted(), "PNG", pnginfo=notes)


@pytest.mark.parametrize(
    "data",
    [
        packed_texts(),
        with_chunks(
            saved(painted(), "PNG"), chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(10**7)))
        ),
        with_chunks(saved(painted(), "PNG"), chunk(b"iCCP", b"no profile")),
        with_chunks(saved(painted(), "PNG"), chunk(b"eXIf", b"\0\x08\0\x02\x01\x12\0\x03")),
        with_chunks(saved(painted(), "PNG"), chunk(b"tEXt", b"a\0b", 1)),
        with_chunks(saved(painted(), "PNG"), *(chunk(kind, b"\1") for kind in (b"gAMA", b"cHRM"))),
        with_chunks(saved(painted(), "PNG"), chunk(b"cHRM", bytes(32)), chunk(b"gAMA", bytes(4))),
        with_chunks(
            saved(painted(), "PNG"), chunk(b"cHRM", bytes(32)), chunk(b"gAMA", b"\0\0\1\0")
        ),
        with_chunks(saved(painted(), "PNG"), chunk(b"cICP", b""), chunk(b"acTL", b"\0")),
        saved(painted(), "PNG", icc_profile=b"no profile"),
        saved(
            painted(), "JPEG", quality=95, subsampling=0, icc_profile=b"none", exif=b"Exif\0\0II"
        ),
        saved(painted(), "WEBP", lossless=True, icc_profile=b"no profile", exif=b"Exif\0\0MM"),
    ],
    ids=[
        *(
            "texts",
            "large profile",
            "no profile",
            "Exif",
            "checksum",
            "short",
            "zeros",
            "no colour",
        ),
        *("empty", "senseless profile", "JPEG", "WebP"),
    ],
)
def test_what_lies_beside_the_pixels_never_makes_an_image_unreadable(data: bytes) -> None:
    opened = open_image(data)
    assert opened.notes == () and opened.image.size == (96, 32)
    assert np.abs(paints_of(data) - PAINTS).max() <= 8


def test_an_animated_png_gives_its_first_frame_with_a_note() -> None:
    frames = [painted(), Image.new("RGB", (96, 32))]
    data = saved(frames[0], "PNG", save_all=True, append_images=frames[1:])
    assert (paints_of(data) == PAINTS).all()
    assert "first frame" in open_image(data).notes[0]


def test_lab_and_premultiplied_pictures_are_opened() -> None:
    lab = ImageCms.profileToProfile(
        painted(), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert lab is not None
    assert np.abs(paints_of(saved(lab, "TIFF")) - PAINTS).max() <= 8
    assert np.abs(np.asarray(open_image(painted().convert("RGBa")).image)[16, 16] - 200).min() == 0


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
