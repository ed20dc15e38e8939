"""A whole story as one HTML page: all branches, played by following links.

A panel is a section, and a link leads to the next one. The stylesheet shows the section that the
address names, so the tale needs no script and no server; without the stylesheet the sections stand
one after the other, each branch in order. Printed, every section has a number of its own and a
fork says where to turn to. What readers and models wrote is escaped.

As an export everything lies in the one file. The studio serves the same page to people who may only
read a story (`demo/reading.py`): a `TaleFrame` says what differs.
"""

from __future__ import annotations

import base64
import functools
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from seedstory_core.config.palette import css_variables, load_palette
from seedstory_core.config.paths import project_path
from seedstory_core.story.archive import StoryArchive
from seedstory_core.story.export.book import escape_html
from seedstory_core.story.export.files import read_images
from seedstory_core.story.layout import Layout, lay_out
from seedstory_core.story.records import from_png
from seedstory_core.story.tree import Panel, StoryTree

IMAGE_QUALITY = 85
SMALL_PIXELS = 224
FIRST_WORDS = 12
"""Words of a page at a fork; more if two pages begin alike."""
MOST_WORDS = 60
MAX_EAGER = 16
"""Most panels of a tale whose images are fetched before they are seen."""
START = "start"
"""Address of the section with several openings."""
MAP = "map"
COLUMN, ROW, MARGIN, RADIUS = 46, 44, 24, 13
"""Sizes of the map in pixels."""


@dataclass(frozen=True)
class TaleFrame:
    """What surrounds the pages of a tale, and where its images lie.

    Attributes:
        image: Returns the address of a panel's image; '' if it is missing or damaged.
        small: Returns the address of the same image in a small size, or ''.
        font: Address of the typeface.
        sources: Rules of the page's content policy for images and typefaces.
        head: Markup for the head.
        bar: Markup above the title.
        fork: Returns the address at which a reader goes on from a panel; None if there is none.
    """

    image: Callable[[Panel], str]
    small: Callable[[Panel], str]
    font: str
    sources: str
    head: str = ""
    bar: str = ""
    fork: Callable[[Panel], str] | None = None


def to_tale(tree: StoryTree, archive: StoryArchive, story_id: str, leaf_id: str) -> str:
    """Return the whole story with all its branches as one HTML file.

    An image that is missing or damaged, and a panel that cannot be read, leave a marked gap.

    Args:
        tree: The story.
        archive: The archive that holds its images.
        story_id: Its id in the archive.
        leaf_id: Any of its panels; the file does not depend on it.
    """
    tree.panel(leaf_id)
    tree = StoryTree(tree.panels, title=tree.title)  # a turn may add to it meanwhile
    images: dict[str, str] = {}
    small: dict[str, str] = {}
    for panel in tree:
        for data in read_images(archive, story_id, [panel]).values():
            image = from_png(str(panel.image_name), data).convert("RGB")
            images[panel.id] = _data_url(image)
            if len(tree.children(panel.parent)) > 1:
                image.thumbnail((SMALL_PIXELS, SMALL_PIXELS), Image.Resampling.LANCZOS)
                small[panel.id] = _data_url(image)
    frame = TaleFrame(
        image=lambda panel: images.get(panel.id, ""),
        small=lambda panel: small.get(panel.id, ""),
        font=_font(),
        sources="img-src data:; font-src data:",
    )
    return make_tale(tree, frame)


def make_tale(tree: StoryTree, frame: TaleFrame) -> str:
    """Return the HTML page of a story; nobody may change the tree meanwhile."""
    layout = lay_out(tree)
    pages = _Pages(tree, layout, frame)
    dark = css_variables(load_palette("book-dark"))
    return TALE.format(
        title=escape_html(tree.title),
        sources=frame.sources,
        style=css_variables(load_palette("book"))
        + f"\n@media screen and (prefers-color-scheme: dark) {{ {dark} }}\n"
        + FONT.format(address=frame.font)
        + _style(),
        head=frame.head,
        bar=frame.bar,
        summary=_summary(tree),
        pages="\n".join(pages.all()),
    )


class _Pages:
    """The sections of a tale."""

    def __init__(self, tree: StoryTree, layout: Layout, frame: TaleFrame) -> None:
        self._tree = tree
        self._layout = layout
        self._frame = frame
        self._roots = tree.children(None)
        self._printed = {panel_id: n for n, panel_id in enumerate(layout.places, start=1)}
        self._lazy = ' loading="lazy" decoding="async"' if len(tree) > MAX_EAGER else ""
        self._last_forks: dict[str, str] = {}
        """By panel: the address of the last fork before it; '' without any."""
        for panel_id in layout.places:
            parent = tree.panel(panel_id).parent
            before = (self._last_forks[parent] if parent else "") or ""
            is_fork = len(tree.children(parent)) > 1
            self._last_forks[panel_id] = (parent or START) if is_fork else before

    def all(self) -> Sequence[str]:
        """Return all sections: every branch in order, the oldest first."""
        pages = [self._page(self._tree.panel(panel_id)) for panel_id in self._layout.places]
        if not pages:
            return [EMPTY]
        if len(self._roots) > 1:
            ways = self._ways(self._roots)
            pages.insert(0, OPENINGS.format(id=START, ways=ways))
        if len(pages) > 1:
            pages.append(self._map())
        return pages

    def _page(self, panel: Panel) -> str:
        number = self._layout.places[panel.id].column + 1
        kinds = ["page"]
        picture = self._picture(panel, number)
        if panel.parent is None:
            kinds.append("opening")
        if not picture:
            kinds.append("without-picture")
        if not panel.text.strip():
            kinds.append("without-words")
        return PAGE.format(
            id=panel.id,
            kinds=" ".join(kinds),
            number=number,
            picture=picture,
            text=TEXT.format(text=escape_html(panel.text)) if panel.text.strip() else "",
            end='<p class="end">The End</p>' if panel.is_end else "",
            siblings=self._siblings(panel),
            printed=self._printed[panel.id],
            onward=self._onward(panel),
            back=self._back(panel, number),
            map=MAP_LINK.format(id=MAP) if len(self._tree) > 1 else "",
            fork=self._fork(panel, "own"),
        )

    def _picture(self, panel: Panel, number: int) -> str:
        if panel.is_placeholder:
            return GAP.format(why=escape_html(panel.problem))
        if panel.image_name is None:
            return ""
        address = self._frame.image(panel)
        if not address:
            return GAP.format(why="This picture is missing or damaged.")
        alt = "" if panel.text.strip() else f"Picture of page {number}"
        return IMAGE.format(address=escape_html(address), alt=alt, lazy=self._lazy)

    def _siblings(self, panel: Panel) -> str:
        """Return where this way stands among those that begin at the same fork."""
        ids = [sibling.id for sibling in self._tree.children(panel.parent)]
        if len(ids) == 1:
            return ""
        at = ids.index(panel.id)
        return SIBLINGS.format(
            before=ids[at - 1], number=at + 1, total=len(ids), after=ids[(at + 1) % len(ids)]
        )

    def _onward(self, panel: Panel) -> str:
        children = self._tree.children(panel.id)
        again = self._again(panel)
        if not children:
            return again if panel.is_end else UNFINISHED + self._fork(panel, "onward") + again
        if len(children) == 1:
            words = "But it went on" if panel.is_end else "Turn the page"
            onward = ONWARD.format(id=children[0].id, words=words)
        else:
            question = "Or did it go on?" if panel.is_end else "What happens next?"
            onward = FORK.format(question=question, ways=self._ways(children))
        return onward + again if panel.is_end else onward

    def _again(self, panel: Panel) -> str:
        """Return the links of an end: to the beginning, and to the last fork."""
        first = START if len(self._roots) > 1 else self._roots[0].id
        fork = self._last_forks[panel.id]
        links = [AGAIN.format(id=first, words="Read again from the beginning")]
        if fork:
            links.append(AGAIN.format(id=fork, words="Back to the last fork"))
        return f'<p class="again">{" ".join(links)}</p>'

    def _back(self, panel: Panel, number: int) -> str:
        if panel.parent is not None:
            return BACK.format(id=panel.parent, words=f"Back to page {number - 1}")
        if len(self._roots) > 1:
            return BACK.format(id=START, words="Back to the beginnings")
        return ""

    def _fork(self, panel: Panel, kind: str) -> str:
        if self._frame.fork is None or panel.is_placeholder:
            return ""
        return OWN.format(kind=kind, address=escape_html(self._frame.fork(panel)))

    def _ways(self, panels: Sequence[Panel]) -> str:
        words = _beginnings(panels)
        return "".join(
            WAY.format(
                id=panel.id,
                image=SMALL.format(address=escape_html(small), lazy=self._lazy)
                if panel.image_name is not None and (small := self._frame.small(panel))
                else "",
                words=escape_html(words[index]),
                turn=self._printed[panel.id],
            )
            for index, panel in enumerate(panels)
        )

    def _map(self) -> str:
        """Return the drawing of all pages, on which those that were read are filled."""
        places = self._layout.places
        lines, dots = [], []
        for panel_id, place in places.items():
            panel = self._tree.panel(panel_id)
            x, y = MARGIN + place.column * COLUMN, MARGIN + place.row * ROW
            if panel.parent is not None:
                before = places[panel.parent]
                x0, y0 = MARGIN + before.column * COLUMN, MARGIN + before.row * ROW
                bend = "" if y0 == y else f"V{y - 10}Q{x0} {y} {x0 + 10} {y}"
                lines.append(f"M{x0} {y0}{bend}H{x}")
            words = escape_html(_beginning(panel, FIRST_WORDS))
            number = place.column + 1
            label = f"Page {number}{', The End' if panel.is_end else ''}: {words}"
            shape = RING.format(x=x, y=y, radius=RADIUS + 4) if panel.is_end else ""
            dots.append(
                DOT.format(id=panel_id, label=label, ring=shape, x=x, y=y, r=RADIUS, number=number)
            )
        width = 2 * MARGIN + (self._layout.num_columns - 1) * COLUMN
        height = 2 * MARGIN + (self._layout.num_rows - 1) * ROW
        return CHART.format(
            id=MAP,
            width=width,
            height=height,
            most=round(1.5 * width),
            lines="".join(lines),
            dots="".join(dots),
        )


def _beginnings(panels: Sequence[Panel]) -> Sequence[str]:
    """Return the first words of siblings, as many as tell them apart."""
    for number in range(FIRST_WORDS, MOST_WORDS, 6):
        words = [_beginning(panel, number) for panel in panels]
        if len(set(words)) == len(words):
            break
    return words


def _beginning(panel: Panel, number: int) -> str:
    if panel.is_placeholder:
        return "A page that could not be read"
    words = panel.text.split()
    if not words:
        return "A picture without words"
    return " ".join(words[:number]) + (" …" if len(words) > number else "")


def _summary(tree: StoryTree) -> str:
    """Return how much there is to read."""
    leaves = tree.leaves()
    endings = sum(panel.is_end for panel in tree)
    untold = sum(not panel.is_end for panel in leaves)
    parts = [_count(len(tree), "page")]
    if endings and len(leaves) > 1:
        parts.append(_count(endings, "ending"))
    if untold and len(leaves) > 1:
        parts.append(f"{_count(untold, 'way')} not told to {'its' if untold == 1 else 'their'} end")
    return ", ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _data_url(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=IMAGE_QUALITY)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


@functools.cache
def _font() -> str:
    data = project_path("assets/fonts/fraunces.woff2").read_bytes()
    return "data:font/woff2;base64," + base64.b64encode(data).decode("ascii")


@functools.cache
def _style() -> str:
    return Path(__file__).with_name("tale.css").read_text("utf-8")


TALE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; {sources}; base-uri 'none';
 form-action 'none'">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
{head}<style>{style}</style>
</head>
<body>
{bar}<header class="title"><h1 dir="auto">{title}</h1><p>{summary}</p></header>
<main>
{pages}
</main>
</body>
</html>
"""

FONT = """@font-face {{ font-family: "Fraunces"; src: url("{address}") format("woff2");
  font-weight: 100 900; font-display: swap; }}
"""

PAGE = """<section class="{kinds}" id="{id}" tabindex="-1" aria-label="Page {number}">
<div class="spread">{picture}<div class="words">{text}{end}
<p class="folio"><span class="number">Page {number}</span>{siblings}
<span class="printed">{printed}</span></p></div></div>
<nav aria-label="On from page {number}">{onward}{back}{map}{fork}</nav>
</section>"""

EMPTY = """<section class="page" id="p1" tabindex="-1" aria-label="Page 1">
<div class="spread"><div class="words"><p class="text">This tale has no page yet.</p></div></div>
</section>"""

OPENINGS = """<section class="page" id="{id}" tabindex="-1" aria-label="Beginnings">
<nav aria-label="Beginnings"><h2>How does it begin?</h2><ol class="ways">{ways}</ol></nav>
</section>"""

CHART = """<section class="chart" id="{id}" tabindex="-1" aria-label="Map of the tale">
<h2>Map of the tale</h2>
<p>Every dot is a page, and a ring is an ending. Pages that you have read are filled.</p>
<nav class="scroll" aria-label="All pages" tabindex="0">
<svg viewBox="0 0 {width} {height}" style="min-width: {width}px; max-width: {most}px">
<path d="{lines}"/>{dots}</svg></nav>
</section>"""

DOT = (
    '<a href="#{id}" aria-label="{label}"><title>{label}</title>{ring}'
    '<circle cx="{x}" cy="{y}" r="{r}"/><text x="{x}" y="{y}">{number}</text></a>'
)
RING = '<circle class="ring" cx="{x}" cy="{y}" r="{radius}"/>'

IMAGE = '<div class="picture"><img src="{address}" alt="{alt}"{lazy}></div>'
GAP = '<div class="picture"><p class="gap">{why}</p></div>'
TEXT = '<p class="text" dir="auto">{text}</p>'
SIBLINGS = (
    ' <span class="siblings"><a href="#{before}" aria-label="The way before">‹</a>'
    ' way {number} of {total} <a href="#{after}" aria-label="The next way">›</a></span>'
)

ONWARD = '<a class="onward" href="#{id}">{words}</a>'
FORK = '<h2>{question}</h2><ol class="ways">{ways}</ol>'
WAY = """<li><a href="#{id}">{image}<span class="beginning" dir="auto">{words}</span>
<span class="turn">turn to {turn}</span></a></li>"""
SMALL = '<img src="{address}" alt=""{lazy}>'
UNFINISHED = '<p class="unfinished">Here the tale stops for now.</p>'
AGAIN = '<a href="#{id}">{words}</a>'
BACK = '<a class="back" href="#{id}">{words}</a>'
MAP_LINK = '<a class="to-map" href="#{id}">Map of the tale</a>'
OWN = '<a class="{kind}" href="{address}">Make my own from here</a>'
