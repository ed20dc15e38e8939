"""From panels and trees to what the page shows: pure functions that fill in the templates.

The shape stands in `templates/`, where everything is escaped that a reader typed or a model wrote;
what has to be counted, chosen or said stands here. Clickable parts carry `data-do` (and what it is
done to); `assets/studio.js` sends them to `handlers.py`. The page patches its nodes in order
instead of replacing them, so equal structure from one version to the next keeps pictures from
flickering.
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

from demo.openings import Opening
from demo.routes import picture_url, take_url
from seedstory_core import (
    FORMATS,
    MAKES_PANELS,
    Job,
    Panel,
    Progress,
    StorySummary,
    StoryTree,
    css_variables,
    load_palette,
)

FIRST_WORDS = 9
MAX_INDENT = 4
"""Branches of branches are shifted this often; deeper ones stay there, or a phone shows nothing."""
CONTINUE = "Continue the story"


class Tight(Extension):
    """Leaves out line breaks and indentation between two tags.

    They are there for whoever reads a template. On the page they would be text nodes, which the
    patching would have to keep in order, and spaces between buttons.
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


# What templates call


def count(number: int, noun: str) -> str:
    """`1 page`, `3 pages`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def data_url(image: Image.Image) -> str:
    """A picture inside the page, for previews that are never saved."""
    shown = image.convert("RGB")
    shown.thumbnail((512, 512))
    buffer = io.BytesIO()
    shown.save(buffer, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def first_words(text: str) -> str:
    """A caption in short."""
    words = text.split()
    if not words:
        return "A picture without words"
    return " ".join(words[:FIRST_WORDS]) + ("…" if len(words) > FIRST_WORDS else "")


def own_words(text: str, reader_text: str) -> str:
    """The beginning of a text that the reader wrote; '' where it was changed since."""
    return reader_text if text.startswith(reader_text) else ""


def story_url(story_id: str) -> str:
    """Where a story is opened, on this page."""
    return f"?story={quote(story_id)}"


TEMPLATES.globals.update(
    count=count,
    data_url=data_url,
    first_words=first_words,
    own_words=own_words,
    picture_url=picture_url,
    story_url=story_url,
    take_url=take_url,
)


def head(script: str) -> str:
    """What belongs into the page's head: colours, fonts, stylesheet, and the page's own script."""
    palette = load_palette("page")
    return fill("head", palette=palette, variables=css_variables(palette), script=script)


# The start page


def shelf(openings: Sequence[Opening], chosen: str = "") -> str:
    """The cards of the shelf; the chosen one is marked."""
    return fill("shelf", openings=openings, chosen=chosen)


def first_picture(
    url: str = "", caption: str = "", *, notes: Sequence[str] = (), has_shelf: bool = True
) -> str:
    """The picture of page one: chosen, brought along, or still to be painted."""
    return fill("slot", url=url, caption=" ".join([caption, *notes]), has_shelf=has_shelf)


def story_shelf(stories: Sequence[StorySummary]) -> str:
    """The reader's earlier stories; nothing at all while there are none."""
    return fill("stories", stories=stories)


# The book


def title_bar(title: str) -> str:
    """The story's title and the pencil that changes it."""
    return fill("title", title=title)


def book(
    tree: StoryTree,
    story_id: str,
    panel_id: str | None,
    shelf_texts: Collection[str] = (),
) -> str:
    """The path to a panel as pages, the last one large.

    Args:
        tree: The story.
        story_id: Its id, for the pictures' addresses.
        panel_id: Where the reader is; None is before the first page.
        shelf_texts: Sentences that came with a card of the shelf; they are not marked as the
            reader's own.
    """
    path = tree.path(panel_id) if panel_id else ()
    return fill("book", path=path, story_id=story_id, shelf_texts=shelf_texts)


@dataclass(frozen=True)
class Onward:
    """A way on from the current page.

    Attributes:
        panel: Its first panel.
        text: What is said of it.
        size: How many panels it has.
        last_id: Where it ends.
    """

    panel: Panel
    text: str
    size: int
    last_id: str


def tail(
    tree: StoryTree, story_id: str, panel_id: str | None, *, elsewhere: Job | None = None
) -> str:
    """What stands after the current page: the alternatives that lead on from here.

    Args:
        tree: The story.
        story_id: Its id, for the pictures' addresses.
        panel_id: Where the reader is.
        elsewhere: A turn that runs on another panel than this one.
    """
    children = tree.children(panel_id) if len(tree) else ()
    is_one = len(children) == 1
    alternatives = []
    for child in children:
        branch = tree.branch(child.id)
        # Alternatives that begin alike are told apart by the rest.
        text = child.text if child.text and not is_one else first_words(child.text)
        alternatives.append(Onward(child, text, len(branch), branch[-1].id))
    return fill(
        "tail",
        story_id=story_id,
        elsewhere=elsewhere,
        alternatives=alternatives,
        number=len(tree.path(panel_id)) + 1 if panel_id else 1,
        heading="What happened next" if is_one else "What happened next, each way",
    )


# The page that is being made


def status(progress: Progress) -> str:
    """What the storyteller is doing, in a few true words."""
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


def live(job: Job, progress: Progress, number: int, *, own_picture: str = "") -> str:
    """The page that is being written and painted; '' once it has ended.

    Args:
        job: What is being made.
        progress: How far it is.
        number: Which page of its story it will be.
        own_picture: Address of the reader's own picture, where there is one.
    """
    if progress.has_ended:
        return ""
    shown = {
        "progress": progress,
        "number": number,
        "reader_text": job.request.reader_text,
        "status": status(progress),
    }
    if progress.alternatives:
        how_many = _number_word(len(progress.alternatives))
        return fill("live_alternatives", how_many=how_many, **shown)
    total = progress.total or 1
    is_painting = progress.phase == "painting"
    haze = 1.0 - (progress.done / total if is_painting else 0.0)
    if own_picture and progress.preview is None:
        haze = 0.0
    return fill(
        "live",
        is_painting=is_painting,
        haze=haze,
        share=progress.done / total if progress.phase in ("painting", "remembering") else 0.0,
        total=total,
        own_picture=own_picture,
        **shown,
    )


def _number_word(number: int) -> str:
    return {2: "two", 3: "three", 4: "four"}.get(number, str(number))


# The outline


@dataclass(frozen=True)
class Node:
    """A line of the outline.

    Attributes:
        panel: What it shows; None is a page that is being made.
        number: Which page of its story that is.
        indent: How far it is shifted.
        is_branch: Whether it hangs from the page it leaves, beside the trunk.
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
) -> str:
    """Every branch with thumbnails, where the reader is, and what can be taken home."""
    return fill(
        "outline",
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
    """Every panel once, and the one that is being made.

    The oldest way on is the trunk and stays at its indentation; younger ones hang from the page
    they leave.
    """
    is_made = running is not None and running.kind in MAKES_PANELS
    made_after = running.panel_id if running is not None else None
    # A walk with a stack of its own: a long story must not reach Python's depth of calls.
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


def notice(text: str, kind: str = "problem") -> str:
    """A slip of paper with a sentence; '' takes it away. `kind` is `problem` or `info`."""
    return fill("notice", text=text, kind=kind)


def removal_question(tree: StoryTree, panel_id: str) -> str:
    """What would go if this page went."""
    number, size = tree.depth(panel_id), len(tree.branch(panel_id))
    after = "" if size == 1 else f" and the {count(size - 1, 'page')} after it"
    return f"Remove page {number}{after} from the story? This cannot be undone."


def pin_label(is_pinned: bool) -> str:
    """What the button does that keeps a page in mind."""
    return "Let it be forgotten" if is_pinned else "Keep in mind"


def go_on_label(tree: StoryTree, panel_id: str | None) -> str:
    """What the big button does from here."""
    if panel_id is None:
        return CONTINUE
    if tree.children(panel_id):
        return "Tell it another way from here"
    return "Go on anyway" if tree.panel(panel_id).is_end else CONTINUE
