"""From panels and trees to what the page shows: pure functions that return HTML.

Everything a reader typed, and everything a model wrote, passes `escape`. Clickable parts carry
`data-do` (and what it is done to); `assets/studio.js` sends them to `handlers.py`. The page patches
its nodes in order instead of replacing them, so equal structure from one version to the next keeps
pictures from flickering.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Collection, Sequence
from urllib.parse import quote

from PIL import Image

from demo.openings import Opening
from demo.routes import picture_url
from seedstory_core import (
    FORMATS,
    MAKES_PANELS,
    Alternative,
    Job,
    Panel,
    Progress,
    StorySummary,
    StoryTree,
)

FIRST_WORDS = 9
MAX_INDENT = 4
"""Branches of branches are shifted this often; deeper ones stay there, or a phone shows nothing."""


def escape(text: str) -> str:
    """Text as HTML."""
    return html.escape(text, quote=True)


def data_url(image: Image.Image) -> str:
    """A picture inside the page, for previews that are never saved."""
    shown = image.convert("RGB")
    shown.thumbnail((512, 512))
    buffer = io.BytesIO()
    shown.save(buffer, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def count(number: int, noun: str) -> str:
    """`1 page`, `3 pages`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


# The start page


def shelf(openings: Sequence[Opening], chosen: str = "") -> str:
    """The cards of the shelf; the chosen one is marked."""
    if not openings:
        return ""
    cards = []
    for opening in openings:
        is_chosen = opening.id == chosen
        cards.append(
            f'<li><button type="button" class="card" data-do="choose" data-opening="{opening.id}" '
            f'aria-pressed="{"true" if is_chosen else "false"}">'
            f'<img src="{opening.url}" alt="" width="512" height="512">'
            f'<span class="card-text">{escape(opening.sentence)}</span></button></li>'
        )
    return f'<ul class="shelf" aria-label="Openings to choose from">{"".join(cards)}</ul>'


def first_picture(
    url: str = "", caption: str = "", *, notes: Sequence[str] = (), has_shelf: bool = True
) -> str:
    """The picture of page one: chosen, brought along, or still to be painted."""
    if not url:
        ways = "Choose a picture from the shelf, bring your own" if has_shelf else "Bring a picture"
        return (
            '<figure class="slot slot-empty"><div class="easel" aria-hidden="true"></div>'
            f"<figcaption>{ways}, or only write a sentence and let the storyteller paint."
            "</figcaption></figure>"
        )
    said = " ".join([caption, *notes])
    return (
        f'<figure class="slot"><img src="{url}" alt="The picture of page one">'
        f"<figcaption>{escape(said)}</figcaption>"
        '<button type="button" class="quiet slot-clear" data-do="clear">Take it away</button>'
        "</figure>"
    )


def story_shelf(summaries: Sequence[StorySummary]) -> str:
    """The reader's earlier stories; nothing at all while there are none."""
    cards = []
    for summary in summaries:
        if summary.problem and not summary.num_panels:
            cards.append(
                f'<li><div class="spine spine-broken"><span class="spine-picture"></span>'
                f"<strong>{escape(summary.title)}</strong>"
                f"<small>{escape(summary.problem)}</small></div></li>"
            )
            continue
        picture = ""
        if summary.thumbnail:
            url = f"pictures/{quote(summary.id)}/{quote(summary.thumbnail)}?small"
            picture = f'<img src="{url}" alt="" loading="lazy">'
        cards.append(
            f'<li><a class="spine" href="?story={quote(summary.id)}" data-do="open" '
            f'data-story="{escape(summary.id)}"><span class="spine-picture">{picture}</span>'
            f"<strong>{escape(summary.title)}</strong>"
            f"<small>{count(summary.num_panels, 'page')}</small></a></li>"
        )
    if not cards:
        return ""
    return (
        '<section class="my-stories" id="my-stories" aria-labelledby="my-stories-title">'
        '<h2 id="my-stories-title">Your stories</h2>'
        "<p>Kept on this server; this browser remembers where.</p>"
        f"<ul>{''.join(cards)}</ul></section>"
    )


# The book


def title_bar(title: str) -> str:
    """The story's title and the pencil that changes it."""
    safe = escape(title)
    return (
        f'<div class="title-bar"><h1 class="title" tabindex="-1">{safe}</h1>'
        f'<input class="title-input" type="text" maxlength="120" value="{safe}" '
        'aria-label="Title of the story">'
        '<button type="button" class="quiet" data-do="edit-title">Rename</button></div>'
    )


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
    pages = [
        _page(panel, story_id, number, number == len(path), shelf_texts)
        for number, panel in enumerate(path, start=1)
    ]
    if path and path[-1].is_end:
        pages.append(
            '<div class="the-end"><p>The End</p>'
            '<button type="button" class="ink-button" data-do="start">Begin another story</button>'
            "<small>or go on below: a tale may always have another chapter.</small></div>"
        )
    return f'<div class="book">{"".join(pages)}</div>'


def _page(
    panel: Panel, story_id: str, number: int, is_last: bool, shelf_texts: Collection[str]
) -> str:
    url = picture_url(story_id, panel.image_name)
    picture = (
        f'<img src="{url}" alt="{_alt(panel, number)}">'
        if url
        else '<span class="gap">No picture</span>'
    )
    if is_last:
        frame = f'<div class="frame">{picture}</div>'
    else:
        frame = (
            f'<button type="button" class="frame" data-do="go" data-panel="{panel.id}" '
            f'aria-label="Go back to page {number}">{picture}'
            '<span class="frame-hint" aria-hidden="true">Go back here</span></button>'
        )
    classes = "page page-current" if is_last else "page"
    if is_last and panel.is_end:
        classes += " page-end"
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in panel.notes)
    return (
        f'<section class="{classes}" id="page-{panel.id}" aria-label="Page {number}">{frame}'
        f'<div class="page-text"><p class="caption">{caption(panel, shelf_texts)}</p>{notes}</div>'
        f'<span class="folio" aria-hidden="true">{number}</span></section>'
    )


def caption(panel: Panel, shelf_texts: Collection[str] = ()) -> str:
    """A panel's text, the reader's own words marked."""
    if panel.reader_text in shelf_texts:
        return escape(panel.text)
    return _marked(*_own_words(panel.text, panel.reader_text))


def _own_words(text: str, reader_text: str) -> tuple[str, str]:
    if reader_text and text.startswith(reader_text):
        return reader_text, text[len(reader_text) :]
    return "", text


def _marked(own: str, rest: str) -> str:
    if not own:
        return escape(rest)
    return f'<span class="own" title="Your words">{escape(own)}</span>{escape(rest)}'


def _alt(panel: Panel, number: int) -> str:
    return escape(panel.text) if panel.text else f"Picture of page {number}"


def tail(
    tree: StoryTree, story_id: str, panel_id: str | None, *, elsewhere: Job | None = None
) -> str:
    """What stands after the current page: the ways that lead on from here.

    Args:
        tree: The story.
        story_id: Its id, for the pictures' addresses.
        panel_id: Where the reader is.
        elsewhere: A turn at work on another panel than this one.
    """
    path = tree.path(panel_id) if panel_id else ()
    parts = []
    if elsewhere is not None:
        parts.append(
            '<p class="elsewhere"><span>The storyteller is at work on another page of this story.'
            '</span><button type="button" class="quiet" data-do="go" '
            f'data-panel="{elsewhere.panel_id or ""}">Watch</button></p>'
        )
    children = tree.children(panel_id) if len(tree) else ()
    if children:
        # Ways that begin alike are told apart by the rest.
        say = first_words if len(children) == 1 else str
        ways = "".join(
            _way(tree, story_id, child, len(path) + 1, say(child.text)) for child in children
        )
        heading = "What happened next" if len(children) == 1 else "What happened next, each way"
        parts.append(f'<nav class="ways" aria-label="{heading}"><h2>{heading}</h2>{ways}</nav>')
    return f'<div class="tail">{"".join(parts)}</div>'


def _way(tree: StoryTree, story_id: str, child: Panel, number: int, text: str) -> str:
    last = tree.branch(child.id)[-1].id
    size = len(tree.branch(child.id))
    url = picture_url(story_id, child.image_name, small=True)
    picture = f'<img src="{url}" alt="">' if url else ""
    return (
        f'<div class="way"><button type="button" data-do="go" data-panel="{child.id}">'
        f'<span class="thumb">{picture}</span><span class="way-text"><b>Page {number}</b> '
        f"{escape(text or first_words(text))}</span></button>"
        + (
            f'<button type="button" class="quiet" data-do="go" data-panel="{last}">'
            f"Read all {count(size, 'page')}</button>"
            if size > 1
            else ""
        )
        + "</div>"
    )


def first_words(text: str) -> str:
    """A caption in short."""
    words = text.split()
    if not words:
        return "A picture without words"
    return " ".join(words[:FIRST_WORDS]) + ("…" if len(words) > FIRST_WORDS else "")


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
    if progress.alternatives:
        return _live_ways(job, progress, number)
    total = progress.total or 1
    is_painting = progress.phase == "painting"
    share = progress.done / total if progress.phase in ("painting", "remembering") else 0.0
    own, rest = _own_words(progress.text, job.request.reader_text)
    haze = 1.0 - (progress.done / total if is_painting else 0.0)
    if progress.preview is not None:
        picture = f'<img src="{data_url(progress.preview)}" alt="The picture so far">'
    elif own_picture:
        picture = f'<img src="{own_picture}" alt="Your picture">'
        haze = 0.0
    else:
        picture = '<div class="easel"></div>'
    said = status(progress)
    caret = '<span class="caret" aria-hidden="true"></span>' if not is_painting else ""
    measured = (
        f'aria-valuemin="0" aria-valuemax="{total}" aria-valuenow="{progress.done}"'
        if share
        else 'data-open="true"'
    )
    # Read aloud: the phases, and the sentence once it is whole. The streaming text itself is not a
    # live region, or a screen reader would begin it anew with every word.
    aloud = f"Page {number}. {progress.text}" if is_painting else said
    return (
        f'<section class="page page-current page-live" aria-label="Page {number}, being made" '
        f'aria-busy="true"><div class="frame" style="--haze:{haze:.2f}">{picture}</div>'
        f'<div class="page-text"><p class="caption">{_marked(own, rest)}{caret}</p></div>'
        f'<div class="gauge" role="progressbar" aria-label="{escape(said)}" {measured} '
        f'style="--share:{share:.3f}"><span class="doing">{escape(said)}</span></div>'
        f'<span class="folio" aria-hidden="true">{number}</span></section>'
        f'<p class="aloud" role="status" aria-live="polite">{escape(aloud)}</p>'
    )


def _live_ways(job: Job, progress: Progress, number: int) -> str:
    """Several pages to choose from, being made together."""
    said = status(progress)
    cards = "".join(_sketch(way, job.request.reader_text) for way in progress.alternatives)
    label = f"Page {number}, being told {_number_word(len(progress.alternatives))} ways"
    return (
        f'<section class="page page-current page-live" aria-label="{label}" aria-busy="true">'
        f'<div class="sketches">{cards}</div>'
        f'<div class="gauge" role="progressbar" aria-label="{escape(said)}" data-open="true">'
        f'<span class="doing">{escape(said)}</span></div></section>'
        f'<p class="aloud" role="status" aria-live="polite">{escape(said)}</p>'
    )


def _sketch(way: Alternative, reader_text: str) -> str:
    picture = '<div class="easel"></div>'
    if way.preview is not None:
        picture = f'<img src="{data_url(way.preview)}" alt="The picture so far">'
    own, rest = _own_words(way.text, reader_text)
    return (
        f'<div class="sketch"><div class="frame" style="--haze:.4">{picture}</div>'
        f'<p class="caption">{_marked(own, rest)}</p></div>'
    )


def _number_word(number: int) -> str:
    return {2: "two", 3: "three", 4: "four"}.get(number, str(number))


# The outline


def outline(
    tree: StoryTree,
    story_id: str,
    panel_id: str | None,
    *,
    running: Job | None = None,
    shelf_texts: Collection[str] = (),
    pinned: Collection[str] = (),
) -> str:
    """Every branch with thumbnails, where the reader is, and what can be taken home.

    The oldest way on is the trunk and stays at its indentation; younger ones hang from the page
    they leave.
    """
    here = {panel.id for panel in tree.path(panel_id)} if panel_id else set()
    items: list[str] = []
    # A walk with a stack of its own: a long story must not reach Python's depth of calls.
    stack = [(root, 1, 0) for root in reversed(tree.children(None))]
    while stack:
        panel, number, indent = stack.pop()
        children = tree.children(panel.id)
        is_branch = panel.parent is not None and tree.children(panel.parent)[0] is not panel
        marks = _marks(panel, shelf_texts, pinned)
        items.append(_node(panel, story_id, number, indent, panel_id, here, is_branch, marks))
        if running is not None and running.kind in MAKES_PANELS and running.panel_id == panel.id:
            items.append(_ghost(number + 1, indent + bool(children), is_branch=bool(children)))
        for child in children[:1]:
            stack.append((child, number + 1, indent))
        for child in children[:0:-1]:
            stack.append((child, number + 1, indent + 1))
    if running is not None and running.kind in MAKES_PANELS and running.panel_id is None:
        items.append(_ghost(1, 0))
    ways = len(tree.leaves())
    size = count(len(tree), "page") + (f", {ways} ways to tell it" if ways > 1 else "")
    home = ""
    if panel_id:
        base = f"take/{quote(story_id)}/{quote(panel_id)}"
        links = "".join(
            f'<a class="quiet" href="{base}.{ending}" download>{escape(form.label)}</a>'
            for ending, form in FORMATS.items()
        )
        home = f'<div class="take-home"><h3>Take it home</h3>{links}</div>'
    return (
        f'<div class="outline-head"><h2>The story so far</h2><p>{size}</p></div>'
        f'<ol class="tree">{"".join(items)}</ol>{home}'
    )


def _node(
    panel: Panel,
    story_id: str,
    number: int,
    indent: int,
    panel_id: str | None,
    here: set[str],
    is_branch: bool,
    marks: str,
) -> str:
    classes = ["node"]
    if panel.id in here:
        classes.append("node-path")
    if is_branch:
        classes.append("node-branch")
    is_here = panel.id == panel_id
    if is_here:
        classes.append("node-here")
    current = ' aria-current="page"' if is_here else ""
    url = picture_url(story_id, panel.image_name, small=True)
    picture = f'<img src="{url}" alt="">' if url else ""
    return (
        f'<li class="{" ".join(classes)}" style="--indent:{min(indent, MAX_INDENT)}">'
        f'<button type="button" data-do="go" data-panel="{panel.id}"'
        f"{current}>"
        f'<span class="thumb">{picture}</span>'
        f'<span class="node-text"><b>{number}</b> {escape(first_words(panel.text))}{marks}</span>'
        "</button></li>"
    )


def _marks(panel: Panel, shelf_texts: Collection[str], pinned: Collection[str]) -> str:
    marks = ""
    if panel.author == "reader" and panel.reader_text not in shelf_texts:
        marks += '<span class="mark" title="With your words or picture">yours</span>'
    if panel.id in pinned:
        marks += '<span class="mark" title="The storyteller never forgets it">kept in mind</span>'
    if panel.is_end:
        marks += '<span class="mark mark-end">the end</span>'
    return marks


def _ghost(number: int, indent: int, *, is_branch: bool = False) -> str:
    branch = " node-branch" if is_branch else ""
    return (
        f'<li class="node node-ghost{branch}" style="--indent:{min(indent, MAX_INDENT)}"><div>'
        f'<span class="thumb"></span><span class="node-text"><b>{number}</b> being made…</span>'
        "</div></li>"
    )


# Notices


def notice(text: str, kind: str = "problem") -> str:
    """A slip of paper with a sentence; '' takes it away. `kind` is `problem` or `info`."""
    if not text:
        return ""
    role = "alert" if kind == "problem" else "status"
    return (
        f'<div class="notice notice-{kind}" role="{role}"><p>{escape(text)}</p>'
        '<button type="button" class="quiet" data-do="dismiss" aria-label="Close this notice">'
        "Close</button></div>"
    )


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
        return "Continue the story"
    if tree.children(panel_id):
        return "Tell it another way from here"
    return "Go on anyway" if tree.panel(panel_id).is_end else "Continue the story"
