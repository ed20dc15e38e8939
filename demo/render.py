"""Panels and trees as HTML: pure functions that fill in the templates.

The templates hold the structure and escape what readers and models wrote; functions here count,
choose and word. Clickable elements carry `data-do` and its arguments, which `assets/studio.js`
sends to `handlers.py`. The page patches its nodes in order instead of replacing them, so images
do not flicker as long as the structure stays the same.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from PIL import Image

from demo.addresses import image_url, take_url
from demo.openings import Opening
from seedstory_core import (
    FORMATS,
    MAKES_PANELS,
    Act,
    History,
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
MAX_INDENT = 4
"""Deepest indentation of a branch in the outline; with more, a phone has no room for the text."""
CONTINUE = "Continue the story"


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
    """Return an image as a data URL (JPEG, at most 512 pixels), for images not saved yet."""
    shown = image.convert("RGB")
    shown.thumbnail((512, 512))
    buffer = io.BytesIO()
    shown.save(buffer, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


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


def story_url(story_id: str) -> str:
    """Return the address that opens a story."""
    return f"?story={quote(story_id)}"


TEMPLATES.globals.update(
    count=count,
    data_url=data_url,
    words_of=words_of,
    own_words=own_words,
    image_url=image_url,
    story_url=story_url,
    take_url=take_url,
)


def head(script: str) -> str:
    """Return the page's head: colours, fonts, stylesheet and script."""
    palette = load_palette("page")
    return fill("head", palette=palette, variables=css_variables(palette), script=script)


# The start page


def shelf(openings: Sequence[Opening], chosen: str = "") -> str:
    """Return the cards of the shelf, the chosen one marked."""
    return fill("shelf", openings=openings, chosen=chosen)


def first_image(
    url: str = "", caption: str = "", *, notes: Sequence[str] = (), has_shelf: bool = True
) -> str:
    """Return the first panel's image: from the shelf, uploaded, or still to be painted."""
    return fill("slot", url=url, caption=" ".join([caption, *notes]), has_shelf=has_shelf)


def story_shelf(stories: Sequence[StorySummary]) -> str:
    """Return the reader's earlier stories; '' without any."""
    return fill("stories", stories=stories)


# The book


def title_bar(title: str, history: History | None = None) -> str:
    """Return the story's title, the button that changes it, and those for undo and redo."""
    history = history or History()
    undo, redo = act_words(history.last), act_words(history.next)
    return fill("title", title=title, undo=undo, redo=redo)


def book(
    tree: StoryTree,
    story_id: str,
    panel_id: str | None,
    shelf_texts: Collection[str] = (),
) -> str:
    """Return the panels on the path to a panel, the last one large.

    Args:
        tree: The story.
        story_id: Its id, for the addresses of images.
        panel_id: The panel that the reader is at; None is before the first.
        shelf_texts: Sentences of the shelf's cards, which are not marked as the reader's own.
    """
    path = tree.path(panel_id) if panel_id else ()
    ways = {panel.id: tree.children(panel.parent) for panel in path}
    return fill("book", path=path, ways=ways, story_id=story_id, shelf_texts=shelf_texts)


@dataclass(frozen=True)
class Onward:
    """A branch after the current panel.

    Attributes:
        panel: Its first panel.
        text: Its label.
        size: Number of its panels.
        last_id: Id of its newest panel.
    """

    panel: Panel
    text: str
    size: int
    last_id: str


def tail(
    tree: StoryTree, story_id: str, panel_id: str | None, *, elsewhere: Job | None = None
) -> str:
    """Return the alternatives that follow the current panel.

    Args:
        tree: The story.
        story_id: Its id, for the addresses of images.
        panel_id: The panel that the reader is at; None is before the first.
        elsewhere: A turn that runs at another panel.
    """
    children = tree.children(panel_id) if len(tree) else ()
    is_one = len(children) == 1
    alternatives = []
    for child in children:
        branch = tree.branch(child.id)
        # Alternatives may begin alike, so several are shown in full.
        text = child.text if child.text and not is_one else words_of(child)
        alternatives.append(Onward(child, text, len(branch), branch[-1].id))
    return fill(
        "tail",
        story_id=story_id,
        elsewhere=elsewhere,
        alternatives=alternatives,
        number=len(tree.path(panel_id)) + 1 if panel_id else 1,
        heading="What happened next" if is_one else "What happened next, each way",
    )


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
) -> str:
    """Return the panel that is being written and painted; '' once the job has ended.

    Args:
        job: The job that makes it.
        progress: Progress of the job.
        number: Number of the panel on its path, from 1.
        own_image: Address of the reader's own image, if there is one.
        before: The panel whose image is painted again; words and image stay in sight.
        shelf_texts: As for `book`.
    """
    if progress.has_ended:
        return ""
    shown = {
        "progress": progress,
        "number": number,
        "text": before.text if before else progress.text,
        "reader_text": before.reader_text if before else job.request.reader_text,
        "status": status(progress),
    }
    if shown["reader_text"] in shelf_texts:
        shown["reader_text"] = ""
    old_image = image_url(job.story_id, before.image_name) if before else ""
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


def _number_word(number: int) -> str:
    return {2: "two", 3: "three", 4: "four"}.get(number, str(number))


# The outline


@dataclass(frozen=True)
class Node:
    """A line of the outline.

    Attributes:
        panel: The panel it shows; None is one that is being made.
        number: Number of the panel on its path, from 1.
        indent: Steps of indentation.
        is_branch: Whether a branch begins here.
    """

    panel: Panel | None
    number: int
    indent: int
    is_branch: bool = False


def outline(
    tree: StoryTree,
    story_id: str,
    panel_id: str | None,
    *,
    running: Job | None = None,
    shelf_texts: Collection[str] = (),
    pinned: Collection[str] = (),
    removed: Sequence[RemovedBranch] = (),
) -> str:
    """Return all branches with thumbnails, the reader's panel marked, the downloads, the bin."""
    return fill(
        "outline",
        removed=removed,
        nodes=list(_nodes(tree, running)),
        story_id=story_id,
        panel_id=panel_id,
        path_ids={panel.id for panel in tree.path(panel_id)} if panel_id else set(),
        num_panels=len(tree),
        num_leaves=len(tree.leaves()),
        shelf_texts=shelf_texts,
        pinned=pinned,
        formats=FORMATS,
    )


def _nodes(tree: StoryTree, running: Job | None) -> Iterator[Node]:
    """Yield every panel once, and the one that is being made.

    A panel's oldest child keeps its indentation; younger ones are indented once more.
    """
    is_made = running is not None and running.kind in MAKES_PANELS
    made_after = running.panel_id if running is not None else None
    # A stack instead of recursion: a long story must not reach Python's recursion limit.
    stack = [(root, 1, 0) for root in reversed(tree.children(None))]
    while stack:
        panel, number, indent = stack.pop()
        children = tree.children(panel.id)
        is_branch = panel.parent is not None and tree.children(panel.parent)[0] is not panel
        yield Node(panel, number, min(indent, MAX_INDENT), is_branch)
        if is_made and made_after == panel.id:
            shift = min(indent + bool(children), MAX_INDENT)
            yield Node(None, number + 1, shift, is_branch=bool(children))
        stack += [(child, number + 1, indent) for child in children[:1]]
        stack += [(child, number + 1, indent + 1) for child in children[:0:-1]]
    if is_made and made_after is None:
        yield Node(None, 1, 0)


# Notices and labels


def notice(text: str, kind: str = "problem", *, undo: bool = False) -> str:
    """Return a notice with a sentence; '' removes it.

    Args:
        text: The sentence.
        kind: `problem` or `info`.
        undo: Whether it has a button that undoes what was done last.
    """
    return fill("notice", text=text, kind=kind, undo=undo)


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


def pin_label(is_pinned: bool) -> str:
    """Return the label of the button that pins or unpins a panel."""
    return "Let it be forgotten" if is_pinned else "Keep in mind"


def next_page(tree: StoryTree, panel_id: str | None, came_from: str, known: str) -> str:
    """Return the panel to which a page turns; '' for a page without any after it.

    Args:
        tree: The story.
        panel_id: The page; None is before the first.
        came_from: The panel that the reader was at; if it follows, the page turns towards it.
        known: The panel to which this page turned before.
    """
    children = [panel.id for panel in tree.children(panel_id or None)] if len(tree) else []
    behind = {panel.id for panel in tree.path(came_from)} if came_from in tree else set()
    return next(
        (child for child in children if child in behind),
        known if known in children else next(iter(children), ""),
    )


def go_on_label(tree: StoryTree, panel_id: str | None) -> str:
    """Return the label of the main button at a panel."""
    if panel_id is None:
        return CONTINUE
    if tree.children(panel_id):
        return "Another way"
    return "Go on anyway" if tree.panel(panel_id).is_end else CONTINUE
