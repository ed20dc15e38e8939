"""Panels and trees as HTML: pure functions that fill in the templates.

The templates hold the structure and escape what readers and models wrote; functions here count,
choose and word. Clickable elements carry `data-do` and its arguments, on which the scripts of
`assets/js` act, or which they send to `handlers.py`.
"""

from __future__ import annotations

import base64
import datetime
import io
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from PIL import Image

from demo.addresses import image_url
from demo.openings import Opening
from seedstory_core import (
    Act,
    Job,
    Panel,
    Progress,
    RemovedBranch,
    StorySummary,
    StoryTree,
    css_variables,
    load_palette,
)

FIRST_WORDS = 9
QUOTES = {'"': ("“", "”"), "'": ("‘", "’")}
"""Opening and closing marks in place of the typewriter's."""
BEFORE_OPENING = " \n\t([-–—“‘\"'"
"""After these, or at the beginning, a mark opens."""


class Tight(Extension):
    """Leaves out line breaks and indentation between two tags.

    On the page they would be text nodes, which the patching would have to keep in order, and spaces
    between buttons.
    """

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Change a template's source before it is compiled."""
        return re.sub(r"(?<=[>}])\s*\n\s*(?=[<{])", "", source)


TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    extensions=[Tight],
)


def fill(template: str, **values: Any) -> str:
    """Fill in a template of `templates/`."""
    return TEMPLATES.get_template(f"{template}.html").render(values)


# Called by templates


def count(number: int, noun: str) -> str:
    """Return `1 page`, `3 pages`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def data_url(image: Image.Image) -> str:
    """Return an image as a data URL (WebP, at most 256 pixels), for images not saved yet."""
    shown = image.convert("RGB")
    shown.thumbnail((256, 256))
    buffer = io.BytesIO()
    shown.save(buffer, "WEBP", quality=60)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def first_words(text: str) -> str:
    """Return the beginning of a caption."""
    words = text.split()
    if not words:
        return "A picture without words"
    return " ".join(words[:FIRST_WORDS]) + ("…" if len(words) > FIRST_WORDS else "")


def words_of(panel: Panel) -> str:
    """Return the beginning of a panel's caption, or that it could not be read."""
    return "A page that could not be read" if panel.is_placeholder else first_words(panel.text)


def own_words(text: str, reader_text: str) -> str:
    """Return the reader's words if the text begins with them, otherwise ''."""
    return reader_text if text.startswith(reader_text) else ""


def typeset(text: str, before: str = "") -> str:
    """Return a text with the quotation marks of a book, for showing it.

    Args:
        text: The text.
        before: What stands before it.
    """
    last = before[-1:]
    shown = []
    for letter in text:
        if letter in QUOTES:
            opening, closing = QUOTES[letter]
            shown.append(opening if not last or last in BEFORE_OPENING else closing)
        else:
            shown.append(letter)
        last = letter
    return "".join(shown)


def story_url(story_id: str) -> str:
    """Return the address that opens a story."""
    return f"?story={quote(story_id)}"


TEMPLATES.globals.update(
    count=count,
    date=lambda seconds: date(seconds),
    data_url=data_url,
    words_of=words_of,
    own_words=own_words,
    typeset=typeset,
    image_url=image_url,
    story_url=story_url,
)


def head() -> str:
    """Return the page's head: colours, fonts, stylesheet and scripts."""
    light, lamp = load_palette("page"), load_palette("lamplight")
    return fill(
        "head",
        light=light,
        lamp=lamp,
        variables=css_variables(light),
        at_night=css_variables(lamp, ":root[data-light=lamp]"),
    )


# The start page


def shelf(openings: Sequence[Opening], chosen: str = "") -> str:
    """Return the cards of the shelf, the chosen one marked."""
    return fill("shelf", openings=openings, chosen=chosen)


def first_image(
    url: str = "", caption: str = "", *, notes: Sequence[str] = (), has_shelf: bool = True
) -> str:
    """Return the first panel's image: from the shelf, uploaded, or still to be painted."""
    return fill("slot", url=url, caption=" ".join([caption, *notes]), has_shelf=has_shelf)


def waking(is_ready: bool) -> str:
    """Return how the storyteller is."""
    return fill("waking", is_ready=is_ready)


def story_shelf(stories: Sequence[StorySummary]) -> str:
    """Return the reader's earlier stories, the latest first, and the field to bring one in."""
    by_date = sorted(stories, key=lambda story: story.updated_at, reverse=True)
    return fill("stories", stories=by_date)


def date(seconds: float) -> str:
    """Return a day in UTC; '' for none."""
    if not seconds:
        return ""
    day = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return f"{day.day} {day:%B %Y}"


# The book


@dataclass(frozen=True)
class Way:
    """A way that leads on from a page.

    Attributes:
        panel: Its first panel.
        name: What the reader called it.
        size: How long it is, in words.
    """

    panel: Panel
    name: str
    size: str


def page(
    tree: StoryTree,
    story_id: str,
    panel: Panel,
    number: int,
    sizes: Mapping[str, tuple[int, int]],
    name_of: Callable[[str], str],
    shelf_texts: Collection[str] = (),
) -> str:
    """Return a page of the book, with the ways that lead on from it.

    Args:
        tree: The story.
        story_id: Its id, for the addresses of images.
        panel: The page's panel.
        number: Its number, from 1.
        sizes: By panel id, how many panels and how many endings there are from it on.
        name_of: Returns what the reader called the branch that begins with a panel.
        shelf_texts: Sentences of the shelf's cards, which are not marked as the reader's own.
    """
    return fill(
        "page",
        panel=panel,
        story_id=story_id,
        number=number,
        reader_text="" if panel.reader_text in shelf_texts else panel.reader_text,
        siblings=[sibling.id for sibling in tree.children(panel.parent)],
        ways=[
            Way(child, name_of(child.id), _size(*sizes[child.id]))
            for child in tree.children(panel.id)
        ],
    )


def _size(num_panels: int, num_leaves: int) -> str:
    pages = count(num_panels, "page")
    return pages if num_leaves == 1 else f"{pages}, {num_leaves} ways"


def cover(tree: StoryTree, story_id: str) -> str:
    """Return the cover of a story; '' before it has a page."""
    if not len(tree):
        return ""
    first = next(iter(tree))
    named = (panel.image_name for panel in tree)
    return fill(
        "cover",
        title=tree.title,
        story_id=story_id,
        image_name=next((name for name in named if name), None),
        date=date(first.created_at),
        num_pages=len(tree),
        num_ends=sum(panel.is_end for panel in tree),
    )


def bin_of(removed: Sequence[RemovedBranch], story_id: str) -> str:
    """Return the branches that can be put back; '' without any."""
    return fill("bin", removed=removed, story_id=story_id)


# The panel that is being made


def status(progress: Progress) -> str:
    """Return in a few words what the storyteller is doing."""
    if progress.phase == "waiting":
        if not progress.position:
            return "Waiting for the storyteller"
        ahead = count(progress.position, "turn")
        return f"Waiting in line: {ahead} before yours"
    if progress.phase == "opening":
        return "Opening the book"
    if progress.phase == "remembering":
        return f"Reading the story so far, page {progress.done} of {progress.total}"
    if progress.num_made and progress.phase in ("writing", "painting"):
        return f"{count(progress.num_made, 'page')} told, telling the next"
    if progress.alternatives and progress.phase in ("writing", "painting"):
        # Some may still be written while others are painted already.
        return f"Telling it {_number_word(len(progress.alternatives))} ways"
    if progress.phase == "writing":
        return "Writing"
    if progress.phase == "painting":
        if progress.done >= progress.total:
            return "Letting the paint dry"
        return f"Painting, step {progress.done} of {progress.total}"
    return {"done": "Ready", "stopped": "Stopped", "failed": "It did not work"}[progress.phase]


def live(
    job: Job,
    progress: Progress,
    number: int,
    *,
    own_image: str = "",
    before: Panel | None = None,
    shelf_texts: Collection[str] = (),
    seconds_left: float | None = None,
) -> str:
    """Return the panel that is being written and painted; '' once the job has ended.

    Args:
        job: The job that makes it.
        progress: Progress of the job.
        number: Number of the panel on its path, from 1.
        own_image: Address of the reader's own image, if there is one.
        before: The panel whose image is painted again; words and image stay in sight.
        shelf_texts: As for `page`.
        seconds_left: How long it will take from now on, if that is known.
    """
    if progress.has_ended:
        return ""
    shown = {
        "progress": progress,
        "number": number,
        "text": before.text if before else progress.text,
        "reader_text": before.reader_text if before else job.request.reader_text,
        "status": status(progress),
        "left": _left(seconds_left),
    }
    if shown["reader_text"] in shelf_texts:
        shown["reader_text"] = ""
    old_image = image_url(job.story_id, before.image_name, "page") if before else ""
    if progress.alternatives:
        how_many = _number_word(len(progress.alternatives))
        return fill("live_alternatives", how_many=how_many, **shown)
    total = progress.total or 1
    is_painting = progress.phase == "painting"
    haze = 1.0 - (progress.done / total if is_painting else 0.0)
    if own_image and progress.preview is None:
        haze = 0.0
    return fill(
        "live",
        is_painting=is_painting,
        haze=haze,
        share=progress.done / total if progress.phase in ("painting", "remembering") else 0.0,
        total=total,
        own_image=own_image,
        old_image=old_image,
        **shown,
    )


def _left(seconds: float | None) -> str:
    """Return a duration in words; '' if there is nothing to say."""
    if seconds is None or seconds < 1.5:
        return ""
    if seconds < 90:
        return f"about {round(seconds)} seconds"
    return f"about {round(seconds / 60)} minutes"


def _number_word(number: int) -> str:
    return {2: "two", 3: "three", 4: "four"}.get(number, str(number))


# Notices and labels


def notice(text: str, kind: str = "problem", *, undo: bool = False, deleted: str = "") -> str:
    """Return a notice with a sentence; '' removes it.

    Args:
        text: The sentence.
        kind: `problem` or `info`.
        undo: Whether it has a button that undoes what was done last.
        deleted: Id of a story that can be restored by the button.
    """
    return fill("notice", text=text, kind=kind, undo=undo, deleted=deleted)


def deleted_notice(story_id: str, title: str) -> str:
    """Return the notice that a story was deleted, with a button to restore it."""
    return notice(f"“{title}” is in the bin.", "info", deleted=story_id)


def removed_notice(number: int, size: int) -> str:
    """Return the notice that pages are in the bin, with a button to undo it.

    Args:
        number: Number of the first of them on its path, from 1.
        size: How many they are.
    """
    after = "" if size == 1 else f" and the {count(size - 1, 'page')} after it"
    verb = "is" if size == 1 else "are"
    return notice(f"Page {number}{after} {verb} in the bin.", "info", undo=True)


def place_of(act: Act | None, tree: StoryTree) -> str:
    """Return the panel at which an act can be seen, before it or after it; '' without one."""
    if act is None or act.kind in ("title", "setting"):
        return ""
    if act.kind != "tell":
        return act.subject if act.subject in tree else ""
    there = [panel_id for panel_id in act.after if panel_id in tree]
    if len(there) == 1:
        return there[0]
    return (tree.panel(there[0]).parent or there[0]) if there else ""


ACTS = {
    "remove": "removing pages",
    "restore": "putting pages back",
    "picture": "the other picture",
    "title": "the new title",
    "pinned": "what to keep in mind",
    "memory": "the choice of what to remember",
    "name": "the name of a branch",
    "star": "the star of a branch",
}
"""What can be undone, by kind of act, or by name of the setting."""


def act_words(act: Act | None) -> str:
    """Return an act in a few words; '' without one."""
    if act is None:
        return ""
    if act.kind == "tell":
        return "the new page" if len(act.after) == 1 else "the new pages"
    return ACTS[act.subject.split(":")[0] if act.kind == "setting" else act.kind]


def turned_back(act: Act, *, again: bool) -> str:
    """Return the notice that an act was undone or done again."""
    words = act_words(act)
    return notice(f"Done again: {words}." if again else f"Undone: {words}.", "info", undo=again)
