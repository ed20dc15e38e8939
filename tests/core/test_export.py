"""Exported books and data: complete, self-contained, and safe whatever a reader typed."""

from __future__ import annotations

import base64
import dataclasses
import html.parser
import io
import json
import re
import uuid
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from seedstory_core.errors import StorageError, StoryNotFoundError
from seedstory_core.story.archive import StoryArchive
from seedstory_core.story.export import FORMATS, file_name, to_html, to_storystream, to_zip
from seedstory_core.story.tree import Panel, StoryTree

ATTACK = (
    "</p><script>alert(1)</script><img src=x onerror=\"a()\"> & '{style}' {0} %s \x00\x1b\ud800"
)


def image_of(number: int) -> Image.Image:
    return Image.new("RGB", (8, 8), (number, 100, 200))


class Story:
    """p1 ─ p2 ─ p3 (no image) ─ p4, the end
    └ p5 (a reader's attack)"""

    def __init__(self) -> None:
        self.archive = StoryArchive(f"memory://{uuid.uuid4().hex}")
        self.id = self.archive.create("Pip's <b>Kite</b>").id
        self.tree = StoryTree(title="Pip's <b>Kite</b>")
        for number, (parent, text) in enumerate(
            [
                (None, "Pip found a red kite.\nIt was torn."),
                ("p1", "“Oh no!” said Pip."),
                ("p2", "Lena brought a needle."),
                ("p3", "Żółw też się śmiał 🐢."),
                ("p1", ATTACK),
            ],
            start=1,
        ):
            panel = Panel(
                f"p{number}",
                parent,
                text,
                seed=number,
                author="reader" if number == 5 else "model",
                reader_text=text if number == 5 else "",
                is_end=number == 4,
                created_at=1.7e9,
            )
            image = None if number == 3 else image_of(number)
            self.tree.add(self.archive.append(self.id, panel, image))

    def args(self, leaf_id: str):
        return self.tree, self.archive, self.id, leaf_id


@pytest.fixture
def story() -> Story:
    return Story()


class Reader(html.parser.HTMLParser):
    """Parses a document as a browser would."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_the_book_holds_the_path_and_its_images(story):
    page = Reader(to_html(*story.args("p4")))
    for words in ("Pip's <b>Kite</b>", "It was torn.", "“Oh no!”", "needle", "🐢", "The End"):
        assert words in page.text
    assert "alert" not in page.text  # the sibling is another story
    sources = [attrs["src"] for tag, attrs in page.tags if tag == "img"]
    assert len(sources) == 3
    for source, number in zip(sources, (1, 2, 4), strict=True):
        assert source is not None
        kind, data = source.split(",")
        assert kind == "data:image/png;base64"
        shown = Image.open(io.BytesIO(base64.b64decode(data)))
        assert shown.tobytes() == image_of(number).tobytes()
    assert "The End" not in Reader(to_html(*story.args("p2"))).text


def test_the_book_needs_nothing_from_outside(story):
    page = to_html(*story.args("p4"))
    assert not re.search(
        r"https?:|//|url\(|@import|<script|<link|<iframe", re.sub(r"base64,[^\"]+", "", page)
    )
    assert "default-src 'none'" in page


def test_whatever_a_reader_typed_is_shown_as_text(story):
    story.tree.title = ATTACK
    page = to_html(*story.args("p5"))
    read = Reader(page)
    assert [tag for tag, _ in read.tags if tag in ("script", "b")] == []
    assert len([tag for tag, _ in read.tags if tag == "img"]) == 2
    assert not any(name.startswith("on") for _, attrs in read.tags for name in attrs)
    shown = ATTACK.replace("\x00", "\ufffd").replace("\x1b", "\ufffd").replace("\ud800", "\ufffd")
    assert shown in read.text
    page.encode("utf-8")


def test_a_lost_image_leaves_a_marked_gap(story):
    name = story.tree.panel("p2").image_name
    story.archive._files.remove(f"{story.id}/{name}")
    page = Reader(to_html(*story.args("p4")))
    assert "This picture is missing or damaged." in page.text and "“Oh no!”" in page.text
    assert len([tag for tag, _ in page.tags if tag == "img"]) == 2


def test_a_page_that_could_not_be_read_leaves_a_marked_gap_in_every_format(story, tmp_path):
    story.archive._files.write(f"{story.id}/p2.json", b"")
    tree = story.archive.load(story.id).tree
    args = (tree, story.archive, story.id, "p4")
    assert "This page could not be read, because the file p2.json" in Reader(to_html(*args)).text
    with zipfile.ZipFile(io.BytesIO(to_zip(*args))) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith("story.json"))
        pages = json.loads(archive.read(name))["panels"]
    assert ["p2.json" in page["problem"] for page in pages] == [
        page["id"] == "p2" for page in pages
    ]
    assert any(page["id"] == "p2" for page in pages)
    to_storystream(tree, story.archive, story.id, str(tmp_path / "out"))


def test_the_zip_holds_book_data_and_images(story):
    data = to_zip(*story.args("p4"))
    assert data == to_zip(*story.args("p4"))
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    assert archive.namelist() == [
        f"pips-b-kite-b/{name}"
        for name in (
            "pictures/01.png",
            "pictures/02.png",
            "pictures/04.png",
            "story.html",
            "story.json",
            "storystream.jsonl",
        )
    ]
    read = {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}
    assert read["story.html"].decode() == to_html(*story.args("p4"))
    assert Image.open(io.BytesIO(read["pictures/04.png"])).tobytes() == image_of(4).tobytes()
    told = json.loads(read["story.json"])
    assert told["title"] == "Pip's <b>Kite</b>"
    assert [p["text"] for p in told["panels"]] == [p.text for p in story.tree.path("p4")]
    assert [p["picture"] for p in told["panels"]][1:3] == ["pictures/02.png", None]
    line = json.loads(read["storystream.jsonl"])
    assert line["images"] == ["pictures/01.png", "pictures/02.png", "pictures/04.png"]


def test_a_zip_of_the_strangest_story_still_opens(story):
    story.tree.title = "../../" + ATTACK
    story.tree.replace(dataclasses.replace(story.tree.panel("p5"), created_at=-1e10))
    archive = zipfile.ZipFile(io.BytesIO(to_zip(*story.args("p5"))))
    assert {name.split("/")[0] for name in archive.namelist()} == {file_name(story.tree.title)}
    assert not any(name.startswith(("/", ".")) or ".." in name for name in archive.namelist())


def test_storystream_lines_are_the_paths_and_share_their_images(story, tmp_path):
    path = to_storystream(story.tree, story.archive, story.id, str(tmp_path / "data"))
    lines = [json.loads(line) for line in Path(path).read_text("utf-8").splitlines()]
    assert [set(line) for line in lines] == [{"id", "images", "captions", "orders"}] * 2
    assert [line["id"] for line in lines] == [0, 1]
    assert lines[0]["images"] == ["images/p1.png", "images/p2.png", "images/p4.png"]
    assert lines[0]["captions"] == [
        "Pip found a red kite. It was torn.",
        "“Oh no!” said Pip.",
        "Lena brought a needle. Żółw też się śmiał 🐢.",
    ]
    assert lines[0]["orders"] == [0, 1, 2]
    assert lines[1]["images"] == ["images/p1.png", "images/p5.png"]
    for line in lines:
        for name in line["images"]:
            number = int(name[len("images/p") : -len(".png")])
            with Image.open(tmp_path / "data" / name) as image:
                assert image.tobytes() == image_of(number).tobytes()
    assert len(list((tmp_path / "data" / "images").iterdir())) == 4


def test_storystream_of_one_path_ending_without_an_image(story, tmp_path):
    path = to_storystream(story.tree, story.archive, story.id, str(tmp_path), ["p3"])
    (line,) = [json.loads(line) for line in Path(path).read_text("utf-8").splitlines()]
    assert line["captions"][-1] == "“Oh no!” said Pip. Lena brought a needle."
    assert len(line["images"]) == len(line["captions"]) == 2


def test_what_cannot_be_exported_says_so(story, tmp_path):
    for export in (to_html, to_zip):
        with pytest.raises(StoryNotFoundError, match="no page p9"):
            export(*story.args("p9"))
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="could not be written"):
        to_storystream(story.tree, story.archive, story.id, str(tmp_path / "file"))
    story.archive.delete(story.id)
    with pytest.raises(StoryNotFoundError):
        to_zip(*story.args("p4"))


def test_file_names_are_plain():
    assert file_name("Pip's Kite!") == "pips-kite"
    assert file_name("Żółw i Ćma") == "zolw-i-cma"
    assert file_name("カメ 🐢") == "カメ"
    assert file_name("../../etc/passwd") == "etc-passwd"
    assert len(file_name("word " * 99)) <= 50


def test_every_format_says_what_it_is(story):
    for ending, form in FORMATS.items():
        data = form.write(*story.args("p4"))
        assert data and form.label and "/" in form.media_type and ending.isalnum()


def test_every_export_has_the_words_as_they_were_typed() -> None:
    typed = "“Wait—what?”\nhalf past ½,  3² \U0001f469\u200d\U0001f680"
    archive, tree = StoryArchive(f"memory://{uuid.uuid4().hex}"), StoryTree()
    story_id = archive.create().id
    panel = Panel("p1", None, typed, reader_text=typed, author="reader")
    tree.add(archive.append(story_id, panel, image_of(1)))
    book = to_html(tree, archive, story_id, "p1")
    assert typed in book and "white-space: pre-wrap" in book
    with zipfile.ZipFile(io.BytesIO(to_zip(tree, archive, story_id, "p1"))) as content:
        (name,) = (name for name in content.namelist() if name.endswith("story.json"))
        assert json.loads(content.read(name))["panels"][0]["text"] == typed


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Con", "story-con"),
        ("NUL", "story-nul"),
        ("aux.", "story-aux"),
        ("COM1", "story-com1"),
        ("lpt⁹", "story-lpt9"),
        ("Con artists", "con-artists"),
        ("きつねの凧", "きつねの凧"),
        ("Лиса и змей", "лиса-и-змей"),
        ("नमस्ते दुनिया", "नमस्ते-दुनिया"),
        ("Żółw też się śmiał", "zolw-tez-sie-smial"),
        ("Straße über Ærø", "strasse-uber-aero"),
        ("نام\u200cها", "نامها"),
        ("../..\\a:b*?", "a-b"),
        ("🦊🪁", "story"),
        ("", "story"),
    ],
)
def test_a_file_name_is_one_that_any_disk_takes(title: str, name: str) -> None:
    assert file_name(title) == name


def test_a_long_file_name_fits_every_disk() -> None:
    for title in ("x" * 999, "凧" * 999, "नमस्ते" * 99):
        assert 30 <= len(file_name(title).encode()) <= 120


@pytest.mark.parametrize(
    ("seconds", "year"),
    [(0, 1980), (-1e18, 1980), (1.7e9, 2023), (5e9, 2107), (1e18, 2107), (float("nan"), 1980)],
)
def test_a_zip_holds_any_time_as_well_as_it_can(seconds: float, year: int) -> None:
    archive, tree = StoryArchive(f"memory://{uuid.uuid4().hex}"), StoryTree(title="きつね")
    story_id = archive.create().id
    panel = Panel("p1", None, "Mira waves.", created_at=seconds)
    tree.add(archive.append(story_id, panel, image_of(1)))
    with zipfile.ZipFile(io.BytesIO(to_zip(tree, archive, story_id, "p1"))) as content:
        assert {entry.date_time[0] for entry in content.infolist()} == {year}
        assert all(entry.filename.startswith("きつね/") for entry in content.infolist())
