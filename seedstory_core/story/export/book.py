"""A story as a picture book: one HTML file with everything in it.

It needs no network and no script, and prints one panel per page, which is also the way to a PDF. A
reader's text is escaped.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence

from seedstory_core.config.palette import css_variables, load_palette
from seedstory_core.story.archive import StoryArchive
from seedstory_core.story.export.files import read_images
from seedstory_core.story.tree import Panel, StoryTree


def to_html(tree: StoryTree, archive: StoryArchive, story_id: str, leaf_id: str) -> str:
    """Return one path of the story as a picture book.

    An image that is missing or damaged, and a panel that cannot be read, leave a marked gap.
    """
    path = tree.path(leaf_id)
    return make_book(tree.title, path, read_images(archive, story_id, path))


def make_book(title: str, path: Sequence[Panel], images: dict[int, bytes]) -> str:
    """Return the HTML file of a path; `images` are PNG files by panel number."""
    pages = []
    for number, panel in enumerate(path, start=1):
        frame = ""
        if number in images:
            data = base64.b64encode(images[number]).decode("ascii")
            frame = IMAGE.format(data=data, number=number)
        elif panel.is_placeholder:
            frame = GAP.format(why=escape_html(panel.problem))
        elif panel.image_name is not None:
            frame = GAP.format(why="This picture is missing or damaged.")
        pages.append(PAGE.format(frame=frame, text=escape_html(panel.text), number=number))
    return BOOK.format(
        title=escape_html(title),
        style=css_variables(load_palette("book")) + STYLE,
        pages="\n".join(pages),
        end='<p class="end">The End</p>' if path[-1].is_end else "",
    )


def escape_html(text: str) -> str:
    """Return a text with its markup escaped and characters replaced that HTML does not allow."""
    allowed = "".join(
        c if c in "\n\t" or c >= " " and not _forbidden(c) else "\ufffd" for c in text
    )
    return html.escape(allowed, quote=True)


def _forbidden(character: str) -> bool:
    code = ord(character)
    return 0x7F <= code <= 0x9F or 0xD800 <= code <= 0xDFFF or code & 0xFFFE == 0xFFFE


BOOK = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<header><h1 dir="auto">{title}</h1><div class="rule" aria-hidden="true">&#10087;</div></header>
{pages}
{end}
</main>
</body>
</html>
"""

IMAGE = '<img src="data:image/png;base64,{data}" alt="Picture {number}">'
GAP = '<p class="gap">{why}</p>'

PAGE = """<section>
{frame}
<p class="text" dir="auto">{text}</p>
<div class="number" aria-hidden="true">{number}</div>
</section>"""

STYLE = """
* { box-sizing: border-box; }
body { margin: 0; background: var(--desk); color: var(--ink);
  font-family: "Iowan Old Style", "Palatino Linotype", Palatino, "Book Antiqua", Georgia, serif; }
main { max-width: 44rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
header { text-align: center; padding: 2rem 0 1rem; }
h1 { font-size: clamp(1.9rem, 6vw, 3rem); line-height: 1.15; margin: 0; font-weight: 600;
  overflow-wrap: anywhere; text-wrap: balance; }
.rule { color: var(--faint); font-size: 1.6rem; margin-top: .8rem; }
section { background: var(--paper); border-radius: 4px; margin: 0 0 2rem; padding: 2rem 2rem 1rem;
  box-shadow: 0 1px 2px rgb(80 60 30 / .18), 0 8px 24px rgb(80 60 30 / .10); }
img { display: block; width: 100%; max-width: 36rem; margin: 0 auto 1.5rem;
  border-radius: 10px; }
.gap { margin: 0 0 1.5rem; padding: 4rem 1rem; text-align: center; font-style: italic;
  color: var(--faint); border: 2px dashed var(--faint); border-radius: 10px; }
.text { font-size: 1.3rem; line-height: 1.6; margin: 0 auto; max-width: 34rem;
  display: flow-root; white-space: pre-wrap; overflow-wrap: anywhere; text-wrap: pretty; }
section:first-of-type .text::first-letter { font-size: 3.1em; line-height: .82; float: left;
  padding: .06em .09em 0 0; color: var(--initial); }
.number { text-align: center; color: var(--faint); font-size: .95rem; margin-top: 1.2rem; }
.end { text-align: center; font-size: 1.8rem; font-style: italic; margin: 3rem 0 0; }
@media (max-width: 34rem) { section { padding: 1rem 1rem .6rem; } .text { font-size: 1.15rem; } }
@media print {
  body, section { background: none; } main { max-width: none; padding: 0; }
  section { box-shadow: none; break-after: page; break-inside: avoid; padding: 0; margin: 0;
    min-height: 96vh; display: flex; flex-direction: column; justify-content: center; }
  section:last-of-type { break-after: auto; }
  header { break-after: page; padding-top: 30vh; }
  img { width: 100%; max-width: none; max-height: 62vh; object-fit: contain; }
}
@page { size: portrait; margin: 14mm; }
"""
