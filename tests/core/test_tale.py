"""A tale with all its branches in one page: playable without a script, safe whatever was typed."""

from __future__ import annotations

import base64
import io
import re
import uuid

import pytest
from PIL import Image

from seedstory_core.story.archive import StoryArchive
from seedstory_core.story.export import FORMATS, TaleFrame, make_tale, to_tale
from seedstory_core.story.tree import Panel, StoryTree
from tests.core.test_export import ATTACK, Reader, Story, image_of


@pytest.fixture
def story() -> Story:
    return Story()


def tree_of(*panels: tuple[str | None, str], ends: tuple[int, ...] = ()) -> StoryTree:
    """Return a tree of panels p1, p2, … with these parents and texts."""
    return StoryTree(
        [
            Panel(f"p{n}", parent, text, image_name=f"p{n}-0a0b0c0d.png", is_end=n in ends)
            for n, (parent, text) in enumerate(panels, start=1)
        ]
    )


def frame(**more: object) -> TaleFrame:
    """Return a frame whose images lie beside the page."""
    values = {
        "image": lambda panel: f"pictures/{panel.image_name}",
        "small": lambda panel: f"pictures/{panel.image_name}?small",
        "font": "face.woff2",
        "sources": "img-src 'self'; font-src 'self'",
    }
    return TaleFrame(**{**values, **more})  # type: ignore[arg-type]


def section(page: str, panel_id: str) -> str:
    """Return the part of the page that is one panel's section."""
    found = re.search(rf'<section class="page[^>]*id="{panel_id}".*?</section>', page, re.S)
    assert found is not None
    return found[0]


def links(part: str) -> list[str]:
    return re.findall(r'href="#([\w-]+)"', part)


def test_every_link_leads_to_a_section(story: Story) -> None:
    page = to_tale(*story.args("p4"))
    sections = re.findall(r'<section [^>]*id="([\w-]+)"', page)
    assert sections == ["p1", "p2", "p3", "p4", "p5", "map"]
    assert {*links(page)} == {*sections}
    assert page.startswith("<!DOCTYPE html>") and '<html lang="en">' in page


def test_a_page_has_its_ways_on(story: Story) -> None:
    page = to_tale(*story.args("p4"))
    fork, middle, end, leaf = (section(page, panel_id) for panel_id in ("p1", "p2", "p4", "p5"))
    assert "What happens next?" in fork and fork.count("<li>") == 2
    assert links(fork) == ["p2", "p5", "map"]
    assert "Turn the page" in middle and "Back to page 1" in middle and "way 1 of 2" in middle
    assert links(middle) == ["p5", "p5", "p3", "p1", "map"]
    assert "The End" in end and "Page 4" in end
    assert links(end) == ["p1", "p1", "p3", "map"]
    assert "Read again from the beginning" in end and "Back to the last fork" in end
    assert "Here the tale stops for now." in leaf and "The End" not in leaf
    assert "5 pages, 1 ending, 1 way not told to its end" in page


def test_a_tale_without_forks_says_nothing_of_other_ends() -> None:
    page = make_tale(tree_of((None, "One."), ("p1", "Two."), ends=(2,)), frame())
    assert "Back to the last fork" not in page and "2 pages</p>" in page
    assert "way 1" not in page
    alone = make_tale(tree_of((None, "One.")), frame())
    assert "1 page</p>" in alone and "Map" not in alone
    assert "no page yet" in make_tale(StoryTree(), frame())


def test_a_tale_that_went_on_after_its_end_offers_both() -> None:
    tree = tree_of((None, "One."), ("p1", "Two."), ends=(1, 2))
    end = section(make_tale(tree, frame()), "p1")
    assert "The End" in end and "But it went on" in end and "Read again" in end
    tree.add(Panel("p3", "p1", "Three."))
    assert "Or did it go on?" in section(make_tale(tree, frame()), "p1")


def test_several_openings_are_the_first_fork() -> None:
    tree = tree_of((None, "One."), (None, "Two."), ("p2", "Three."), ends=(3,))
    page = make_tale(tree, frame())
    assert page.index('id="start"') < page.index('id="p1"')
    assert "How does it begin?" in page
    assert links(section(page, "p3"))[:2] == ["start", "start"]
    assert "Back to the beginnings" in section(page, "p1")


def test_cards_show_as_many_words_as_tell_them_apart() -> None:
    alike = "Once there was a fox who went to the sea with a small "
    tree = tree_of((None, "One."), ("p1", alike + "red boat."), ("p1", alike + "blue drum."))
    fork = section(make_tale(tree, frame()), "p1")
    assert "red boat." in fork and "blue drum." in fork
    assert fork.count("?small") == 2


def test_the_file_needs_nothing_from_outside(story: Story) -> None:
    page = to_tale(*story.args("p4"))
    bare = re.sub(r"base64,[^\"]+", "", page)
    assert not re.search(r"https?:|//|@import|<script|<link|<iframe", bare)
    assert "default-src 'none'" in page
    assert re.findall(r"url\(([^)]*)\)", bare) == ['"data:font/woff2;"']


def test_images_are_small_and_each_is_there_once(story: Story) -> None:
    page = Reader(to_tale(*story.args("p4")))
    sources = [str(attrs["src"]) for tag, attrs in page.tags if tag == "img"]
    assert len(sources) == 4 + 2  # p3 has none; two cards at the fork
    for source in sources:
        kind, data = source.split(",")
        assert kind == "data:image/webp;base64"
        assert Image.open(io.BytesIO(base64.b64decode(data))).format == "WEBP"


def test_pictures_are_described_only_where_there_are_no_words() -> None:
    tree = tree_of((None, "One."), ("p1", " \n"))
    page = make_tale(tree, frame())
    assert 'alt=""' in section(page, "p1")
    assert 'alt="Picture of page 2"' in section(page, "p2") and "without-words" in page


def test_whatever_was_typed_is_shown_as_text(story: Story) -> None:
    story.tree.title = ATTACK
    page = to_tale(*story.args("p5"))
    read = Reader(page)
    assert [tag for tag, _ in read.tags if tag in ("script", "b")] == []
    assert not any(name.startswith("on") for _, attrs in read.tags for name in attrs)
    assert not re.search("[\x00\x1b\ud800]", page)
    assert page.encode()
    for dangerous in ('" onload="x', "'><svg onload=x>", "{0}{title}%s"):
        tree = tree_of((None, dangerous), ("p1", dangerous), ("p1", dangerous + "."))
        tree.title = dangerous
        read = Reader(make_tale(tree, frame()))
        assert not any("onload" in attrs for _, attrs in read.tags)
        assert read.text.count(dangerous) >= 5


def test_words_of_any_direction_set_their_own() -> None:
    tree = tree_of((None, "كان يا ما كان"), ("p1", "Two."), ("p1", "Three."))
    page = Reader(make_tale(tree, frame()))
    marked = [attrs.get("class", tag) for tag, attrs in page.tags if attrs.get("dir") == "auto"]
    assert marked == ["h1", "text", "beginning", "beginning", "text", "text"]


def test_what_cannot_be_read_leaves_a_marked_gap(story: Story) -> None:
    name = str(story.tree.panel("p2").image_name)
    story.archive._files.write(f"{story.id}/{name}", b"damaged")
    story.tree.replace(Panel("p5", "p1", "", problem="Page p5 could <not> be read."))
    page = to_tale(*story.args("p4"))
    assert "This picture is missing or damaged." in section(page, "p2")
    assert "Page p5 could &lt;not&gt; be read." in section(page, "p5")
    assert "A page that could not be read" in section(page, "p1")


def test_a_long_and_bushy_tale_is_written() -> None:
    panels: list[tuple[str | None, str]] = [(None, "Page.")]
    panels += [(f"p{n}", "Page.") for n in range(1, 1500)]
    panels += [(f"p{n}", "Other.") for n in range(1, 60)]
    page = make_tale(tree_of(*panels), frame())
    assert page.count("<section") == len(panels) + 1
    assert 'loading="lazy"' in page
    assert "Page 1500" in section(page, "p1500")


def test_the_export_is_one_of_the_formats(story: Story) -> None:
    form = FORMATS["tale"]
    assert form.media_type == "text/html" and form.extension == "html"
    assert form.write(*story.args("p2")) == form.write(*story.args("p4"))


def test_a_tale_of_forty_pages_stays_small() -> None:
    archive, tree = StoryArchive(f"memory://{uuid.uuid4().hex}"), StoryTree()
    story_id = archive.create().id
    for number in range(1, 41):
        parent = f"p{number - 1}" if number > 1 else None
        panel = Panel(f"p{number}", parent, "Pip walked on.")
        tree.add(archive.append(story_id, panel, image_of(number).resize((512, 512))))
    assert len(to_tale(tree, archive, story_id, "p1")) < 500_000
