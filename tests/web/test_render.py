"""The HTML of the page, as pure functions of the story."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from demo import render
from demo.addresses import image_url
from demo.openings import Opening, load_openings
from demo.serialize import outline_as_json, story_as_json
from seedstory_core.config import project_path
from seedstory_core.data.stories import parse
from seedstory_core.engine import TurnRequest
from seedstory_core.jobs import Alternative, Job, Kind, Progress
from seedstory_core.session.history import KINDS, Act
from seedstory_core.story.archive import RemovedBranch, StorySummary
from seedstory_core.story.export import FORMATS
from seedstory_core.story.tree import Panel, Picture, StoryTree

HOSTILE = '<script>alert("1")</script> & \' <img src=x onerror=alert(1)>'


class Outline(HTMLParser):
    """Checks that every tag is closed, and collects what was opened."""

    VOID = {"img", "input", "br"}

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(markup)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def grow(*edges: tuple[str, str | None], **changes: dict[str, Any]) -> StoryTree:
    tree = StoryTree()
    for name, parent in edges:
        fields: dict[str, Any] = {"text": f"Text of {name}.", "image_name": f"{name}-0a.png"}
        tree.add(Panel(id=name, parent=parent, **{**fields, **changes.get(name, {})}))
    return tree


SIZES = {"p1": (3, 2), "p2": (1, 1), "p3": (1, 1)}
BRANCHED = (("p1", None), ("p2", "p1"), ("p3", "p2"), ("p4", "p1"), ("p5", "p4"), ("p6", "p2"))


def job(panel_id: str | None = "p2", kind: Kind = "turn", size: int = 1, **request: Any) -> Job:
    return Job("1", kind, "story", panel_id, TurnRequest(**request), size)


def sheet(tree: StoryTree, panel_id: str, shelf_texts: tuple[str, ...] = ()) -> str:
    """Return a page of a story without names of branches."""
    panel, number = tree.panel(panel_id), tree.depth(panel_id)
    sizes = {one.id: (len(tree.branch(one.id)), 1) for one in tree}
    return render.page(tree, "story", panel, number, sizes, lambda _: "", shelf_texts)


def panels_in(markup: str) -> list[str]:
    return re.findall(r'data-panel="(p\d+)"', markup)


def test_a_page_with_siblings_leads_to_them() -> None:
    tree = grow(("p1", None), ("p2", "p1"), ("p3", "p1"), ("p4", "p1"))
    for here, number, leads in (("p2", 1, ["p3"]), ("p3", 2, ["p2", "p4"]), ("p4", 3, ["p3"])):
        markup = sheet(tree, here).split("arrows-go")[1]
        assert f">Way {number} of 3<" in markup
        arrows = re.findall(r'data-do="go" data-panel="(p\d+)"( disabled)?', markup)
        assert [panel for panel, off in arrows if not off] == leads
    assert "Way" not in sheet(tree, "p1")


def test_a_page_with_several_pictures_leads_to_them() -> None:
    pictures = tuple(Picture(f"p2-0000000{n}.png", None, n) for n in range(3))
    changes = {"image_name": pictures[1].name, "pictures": pictures}
    tree = grow(("p1", None), ("p2", "p1"), ("p3", "p2"), p2=changes)
    markup = sheet(tree, "p2")
    assert ">Picture 2 of 3<" in markup
    assert re.findall(r'data-name="([^"]+)"', markup) == [pictures[0].name, pictures[2].name]
    assert "Picture 2" not in sheet(tree, "p3")
    other = grow(("p2", None), p2={**changes, "image_name": "p2-0000000f.png"})
    assert "Picture" not in sheet(other, "p2"), (
        "a record may name another image than those it lists"
    )


def test_every_markup_is_well_formed() -> None:
    tree = grow(*BRANCHED, p3={"is_end": True, "notes": ("a & b",)}, p4={"image_name": None})
    for here in ("p1", "p3", "p5"):
        Outline(sheet(tree, here))
    Outline(render.cover(tree, "story"))
    Outline(render.bin_of([RemovedBranch(tree.panel("p3"), 2, 0.0)], "story"))
    for fixed in ("masthead", "story_head", "book", "page_acts", "welcome", "composer", "dialogs"):
        values = {"has_shelf": True, "can_wish": True, "max_run": 25, "formats": FORMATS}
        Outline(render.fill(fixed, **values))
    Outline(render.live(job(), Progress(phase="painting", done=1, total=4), 3))
    Outline(render.shelf(load_openings("assets/openings"), "mira"))
    Outline(render.notice("a < b"))
    Outline(render.first_image("x.png", "c", notes=("n",)))


@pytest.mark.parametrize("field", ["text", "reader_text", "notes"])
def test_nothing_a_reader_or_a_model_wrote_becomes_markup(field: str) -> None:
    value: object = (HOSTILE,) if field == "notes" else HOSTILE
    changes = {"text": HOSTILE, field: value}
    tree = grow(("p1", None), ("p2", "p1"), ("p3", "p1"), p1=changes, p2=changes, p3=changes)
    tree.title = HOSTILE
    running = job("p2", reader_text=HOSTILE)
    everything = "".join(
        (
            sheet(tree, "p2"),
            sheet(tree, "p1"),
            render.page(tree, "story", tree.panel("p1"), 1, SIZES, lambda _: HOSTILE),
            render.bin_of([RemovedBranch(tree.panel("p2"), 1, 0.0)], "story"),
            render.cover(tree, "story"),
            render.notice(HOSTILE),
            render.live(running, Progress(phase="writing", text=HOSTILE), 3),
            render.story_shelf([StorySummary("id", HOSTILE, 1, thumbnail="p1-0a.png")]),
            render.story_shelf([StorySummary("id", HOSTILE, 0, problem=HOSTILE)]),
            render.shelf([Opening(HOSTILE, HOSTILE, Path(f"{HOSTILE}.webp"))]),
            render.first_image(HOSTILE, HOSTILE, notes=(HOSTILE,)),
            render.live(
                job("p2", "alternatives", 2, reader_text=HOSTILE),
                Progress(phase="writing", alternatives=(Alternative(HOSTILE),) * 2),
                3,
            ),
        )
    )
    parsed = Outline(everything)
    assert not any(tag == "script" for tag, _ in parsed.tags)
    assert not any("onerror" in attributes for _, attributes in parsed.tags)


@pytest.mark.parametrize(
    "hostile", ["<img onerror=alert(1)>", "\"a\" 'b'", "{{ 7 * 7 }} {% raw %}"]
)
def test_a_title_is_shown_as_it_was_typed(hostile: str) -> None:
    class Words(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.found: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.found += [value for name, value in attrs if name == "value" and value]

        def handle_data(self, data: str) -> None:
            self.found.append(data)

    words = Words()
    tree = grow(("p1", None))
    tree.title = hostile
    shelf = render.story_shelf([StorySummary("id", hostile, 1)])
    words.feed(render.cover(tree, "story") + shelf)
    words.close()
    assert words.found.count(hostile) == 3, "the cover, the shelf and its field"


def test_there_is_nothing_between_two_tags_that_only_the_template_needs() -> None:
    tree = grow(*BRANCHED, p3={"is_end": True, "notes": ("a",)})
    for markup in (
        sheet(tree, "p3"),
        sheet(tree, "p1"),
        render.cover(tree, "story"),
        render.fill("book"),
        render.shelf(load_openings("assets/openings")),
        render.live(job(), Progress(phase="writing", text="Mira"), 3),
    ):
        assert "\n" not in markup and "> <" not in markup


def test_a_page_that_could_not_be_read_is_named_and_can_be_left() -> None:
    why = "This page could not be read, because the file p2.json of this story is damaged."
    tree = grow(("p1", None), ("p3", "p1"))
    broken = Panel("p2", "p1", "", problem=why)
    tree = StoryTree([tree.panel("p1"), broken, tree.panel("p3")])
    shown = sheet(tree, "p2")
    assert why in shown and '<span class="gap">This page could not be read</span>' in shown
    shown = sheet(tree, "p1")
    assert "A page that could not be read" in shown and 'data-panel="p2"' in shown


def test_every_template_escapes() -> None:
    assert render.TEMPLATES.autoescape is True
    for path in (Path(render.__file__).parent / "templates").glob("*.html"):
        unescaped = re.findall(r"\|\s*safe|autoescape", path.read_text("utf-8"))
        # The drawn signs are no text.
        assert unescaped == (["|safe"] if path.stem == "icons" else []), path


def captions(panel: Panel, shelf_texts: tuple[str, ...] = ()) -> list[str]:
    tree = StoryTree()
    tree.add(panel)
    markup = sheet(tree, panel.id, shelf_texts)
    return re.findall(r'<p class="caption" dir="auto" lang="en">(.*?)</p>', markup)


def test_the_readers_words_are_marked_and_a_cards_are_not() -> None:
    panel = Panel(id="p1", parent=None, text="It rains. Mira runs.", reader_text="It rains.")
    marked = '<span class="own" title="Your words">It rains.</span> Mira runs.'
    assert captions(panel) == [marked]
    assert captions(panel, ("It rains.",)) == ["It rains. Mira runs."]
    changed = Panel(id="p1", parent=None, text="It snows.", reader_text="It rains.")
    assert captions(changed) == ["It snows."]


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ('"Up!" said Lulu.', "“Up!” said Lulu."),
        ("Lulu said, \"It's Mira's.\"", "Lulu said, “It’s Mira’s.”"),
        ('("So", he said)', "(“So”, he said)"),
        ("“Up!” said Lulu.", "“Up!” said Lulu."),
    ],
)
def test_a_page_has_the_quotation_marks_of_a_book(typed: str, shown: str) -> None:
    assert captions(Panel(id="p1", parent=None, text=typed)) == [shown]
    assert render.typeset(typed[4:], typed[:4]) == shown[4:], "also after the reader's words"


def test_the_ways_on_are_cards_with_their_length() -> None:
    tree = grow(*BRANCHED)
    ways = sheet(tree, "p1").split('class="ways"')[1]
    assert panels_in(ways) == ["p2", "p4"] and "3 pages" in ways and "2 pages" in ways
    assert "Text of p2." in ways and "<kbd>1</kbd>" in ways
    assert "ways" not in sheet(tree, "p4") and "ways" not in sheet(tree, "p5")


def test_the_end_is_said() -> None:
    assert "The End" in sheet(grow(("p1", None), p1={"is_end": True}), "p1")
    assert "The End" not in sheet(grow(*BRANCHED), "p3")


def test_a_cover_has_the_first_picture_the_title_and_what_is_inside() -> None:
    tree = grow(*BRANCHED, p1={"image_name": None}, p3={"is_end": True}, p5={"is_end": True})
    tree.title = "Mira's Drum"
    cover = render.cover(tree, "story")
    assert "p2-0a.png" in cover and "Mira&#39;s Drum" in cover
    assert "6 pages · 2 endings" in cover
    assert render.cover(StoryTree(), "story") == ""


@pytest.mark.parametrize(
    ("progress", "said"),
    [
        (Progress(phase="waiting", position=2), "Waiting in line: 2 turns before yours"),
        (Progress(phase="waiting", position=1), "Waiting in line: 1 turn before yours"),
        (Progress(phase="remembering", done=3, total=12), "page 3 of 12"),
        (Progress(phase="writing"), "Writing"),
        (Progress(phase="painting", done=5, total=12), "Painting, step 5 of 12"),
    ],
)
def test_progress_is_said_in_true_words(progress: Progress, said: str) -> None:
    assert said in render.live(job(), progress, 3)


def test_an_image_sharpens_step_by_step() -> None:
    preview = Image.new("RGB", (64, 64), "red")
    hazes = [
        float(re.findall(r"--haze:([\d.]+)", markup)[0])
        for done in (1, 4, 8)
        if (
            markup := render.live(
                job(), Progress(phase="painting", done=done, total=8, preview=preview), 2
            )
        )
    ]
    assert hazes == sorted(hazes, reverse=True) and hazes[-1] == 0


def test_an_ended_turn_shows_nothing() -> None:
    for phase in ("done", "stopped", "failed"):
        assert render.live(job(), Progress(phase=phase), 2) == ""


def test_a_screen_reader_hears_the_sentence_once_it_is_whole() -> None:
    writing = render.live(job(), Progress(phase="writing", text="Mira ru"), 4)
    painting = render.live(job(), Progress(phase="painting", text="Mira runs.", done=1, total=8), 4)
    assert 'aria-live="polite">Writing<' in writing
    assert 'aria-live="polite">Page 4. Mira runs.<' in painting


def test_a_picture_that_is_painted_again_stays_in_sight() -> None:
    (panel,) = grow(("p1", None), p1={"text": "Mira waves.", "image_name": "p1-0000000a.png"})
    running = job("p1", "redraw")
    shown = render.live(running, Progress(phase="painting", done=1, total=4), 1, before=panel)
    assert (
        "Mira waves." in shown
        and 'class="before" src="pictures/story/p1-0000000a.png?page"' in shown
    )
    preview = Progress(phase="painting", done=2, total=4, preview=Image.new("RGB", (8, 8)))
    assert 'class="before"' not in render.live(running, preview, 1, before=panel)


def test_removing_says_how_much_went_and_can_be_undone() -> None:
    assert "Page 2 and the 2 pages after it are in the bin." in render.removed_notice(2, 3)
    assert "Page 3 is in the bin." in render.removed_notice(3, 1)
    assert 'data-do="undo"' in render.removed_notice(3, 1)


def test_every_kind_of_act_has_words() -> None:
    for kind in KINDS:
        subjects = ("pinned", "memory", "name:p2", "star:p2") if kind == "setting" else ("p2",)
        for subject in subjects:
            act = Act(kind, subject, after=["p2"])  # type: ignore[arg-type]
            assert render.act_words(act) in render.turned_back(act, again=False)


def test_ids_are_quoted_in_addresses() -> None:
    assert image_url("a b/c", "p1-0a.png") == "pictures/a%20b/c/p1-0a.png"
    assert image_url("s", None) == ""


def test_the_shelf_holds_one_opening_for_each_inhabitant_whose_words_fit_its_image() -> None:
    pytest.importorskip("skia", exc_type=ImportError)
    import json

    from seedstory_core.data.openings import scene

    folder = project_path("assets/openings")
    entries = json.loads((folder / "openings.json").read_text("utf-8"))
    assert len({entry["scene"]["actors"][0]["species"] for entry in entries}) == 8
    assert len(load_openings("assets/openings")) == len(entries)
    for entry in entries:
        assert parse(entry["sentence"], None) == scene(entry["scene"]), entry["id"]


def test_without_openings_there_is_no_shelf_and_no_word_of_it() -> None:
    assert load_openings("") == load_openings("assets/fonts") == ()
    assert render.shelf(()) == ""
    assert "shelf" in render.first_image()
    assert "shelf" not in render.first_image(has_shelf=False)


def test_a_panel_for_programs_is_plain_and_complete() -> None:
    tree = grow(*BRANCHED)
    story = story_as_json(tree, "story", "p3")
    assert [page["panel_id"] for page in story["pages"]] == ["p1", "p2", "p3"]
    outline = outline_as_json(tree, "story")
    assert outline["leaves"] == ["p3", "p5", "p6"]
