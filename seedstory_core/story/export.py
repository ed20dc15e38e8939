"""A story to take away: a picture book for people, StoryStream files for training.

The book is one HTML file with everything in it: it opens without a network, runs no script, and
prints one panel to a page, which is also the way to a PDF. Whatever a reader typed is escaped.
"""

from __future__ import annotations

import base64
import datetime
import html
import io
import json
import os
import re
import unicodedata
import zipfile
from collections.abc import Sequence
from typing import Any

from seedstory_core.errors import StorageError
from seedstory_core.story.archive import StoryArchive
from seedstory_core.story.records import from_png
from seedstory_core.story.tree import Panel, StoryTree

MAX_NAME_CHARS = 50


def to_html(tree: StoryTree, archive: StoryArchive, story_id: str, leaf_id: str) -> str:
    """One path of the story as a picture book in a single file.

    A picture that is missing or damaged leaves a marked gap; the rest of the book is whole.
    """
    path = tree.path(leaf_id)
    return _book(tree.title, path, _pictures(archive, story_id, path))


def to_zip(tree: StoryTree, archive: StoryArchive, story_id: str, leaf_id: str) -> bytes:
    """One path of the story as a ZIP archive.

    It holds one folder with `story.html` (the picture book), `story.json` (the same for programs,
    with seeds and settings), `storystream.jsonl` (the same for training) and `pictures/`.
    """
    path = tree.path(leaf_id)
    pictures = _pictures(archive, story_id, path)
    files = {f"pictures/{number:02d}.png": data for number, data in pictures.items()}
    names = {path[number - 1].id: f"pictures/{number:02d}.png" for number in pictures}
    texts = {
        "story.html": _book(tree.title, path, pictures),
        "story.json": _story_json(tree.title, path, names),
        "storystream.jsonl": _storystream_line(0, path, names),
    }
    files |= {name: text.encode("utf-8", "replace") for name, text in texts.items()}
    folder = file_name(tree.title)
    moment = datetime.datetime.fromtimestamp(max(path[-1].created_at, 0.0), datetime.UTC)
    date = max(moment.timetuple()[:6], (1980, 1, 1, 0, 0, 0))  # ZIP knows nothing earlier
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive_file:
        for name in sorted(files):
            entry = zipfile.ZipInfo(f"{folder}/{name}", date)
            entry.external_attr = 0o644 << 16
            packed = zipfile.ZIP_STORED if name.endswith(".png") else zipfile.ZIP_DEFLATED
            archive_file.writestr(entry, files[name], packed)
    return buffer.getvalue()


def to_storystream(
    tree: StoryTree,
    archive: StoryArchive,
    story_id: str,
    folder: str,
    leaf_ids: Sequence[str] | None = None,
) -> str:
    """Write paths of the story in the StoryStream format and return the path of the JSON lines.

    Every line of `storystream.jsonl` is one path with `id`, `images`, `captions` and `orders`; the
    pictures lie in `images/`, once each, however many paths share them. The words of a panel
    without a picture move to the next one that has one, or at the end to the last.

    Args:
        tree: The story.
        archive: Where its pictures are.
        story_id: Its id there.
        folder: A folder on this machine, made where it is missing.
        leaf_ids: Where each path ends; None for every leaf of the tree.

    Raises:
        StorageError: The folder cannot be written.

    Source: the released data set, https://huggingface.co/datasets/TencentARC/StoryStream
    """
    leaves = [panel.id for panel in tree.leaves()] if leaf_ids is None else list(leaf_ids)
    target = os.path.join(folder, "storystream.jsonl")
    try:
        os.makedirs(os.path.join(folder, "images"), exist_ok=True)
        names: dict[str, str] = {}
        lines = []
        for number, leaf_id in enumerate(leaves):
            path = tree.path(leaf_id)
            fresh = tuple(panel for panel in path if panel.id not in names)
            for index, data in _pictures(archive, story_id, fresh).items():
                panel_id = fresh[index - 1].id
                names[panel_id] = f"images/{panel_id}.png"
                with open(os.path.join(folder, names[panel_id]), "wb") as file:
                    file.write(data)
            lines.append(_storystream_line(number, path, names))
        with open(target, "wb") as file:
            file.write("".join(lines).encode("utf-8", "replace"))
    except OSError as error:
        raise StorageError(
            f"The story could not be written to {folder}: {error.strerror or error}. "
            "Choose another folder or free some space."
        ) from error
    return target


def file_name(title: str) -> str:
    """A title as a file name any disk takes: `Pip's Kite` becomes `pips-kite`."""
    ascii_only = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode("ascii")
    words = re.findall(r"[a-z0-9]+", ascii_only.lower().replace("'", ""))
    return "-".join(words)[:MAX_NAME_CHARS].strip("-") or "story"


def _pictures(archive: StoryArchive, story_id: str, path: Sequence[Panel]) -> dict[int, bytes]:
    """PNG files by page number; pages without a picture that can be read are left out."""
    pictures = {}
    for number, panel in enumerate(path, start=1):
        if panel.image_name is None:
            continue
        try:
            data = archive.image_bytes(story_id, panel.image_name)
            from_png(panel.image_name, data)
        except StorageError:
            continue
        pictures[number] = data
    return pictures


def _story_json(title: str, path: Sequence[Panel], names: dict[str, str]) -> str:
    panels = [
        {
            "id": panel.id,
            "text": panel.text,
            "author": panel.author,
            "reader_text": panel.reader_text,
            "picture": names.get(panel.id),
            "picture_author": panel.image_source,
            "seed": panel.seed,
            "image_seed": panel.image_seed,
            "settings": panel.settings,
            "is_end": panel.is_end,
        }
        for panel in path
    ]
    return json.dumps({"title": title, "panels": panels}, indent=2, ensure_ascii=False) + "\n"


def _storystream_line(number: int, path: Sequence[Panel], names: dict[str, str]) -> str:
    images: list[str] = []
    captions: list[str] = []
    waiting: list[str] = []
    for panel in path:
        waiting.append(" ".join(panel.text.split()))
        if panel.id in names:
            images.append(names[panel.id])
            captions.append(" ".join(filter(None, waiting)))
            waiting = []
    if captions:
        captions[-1] = " ".join(filter(None, [captions[-1], *waiting]))
    line: dict[str, Any] = {
        "id": number,
        "images": images,
        "captions": captions,
        "orders": list(range(len(images))),
    }
    return json.dumps(line, ensure_ascii=False) + "\n"


def _book(title: str, path: Sequence[Panel], pictures: dict[int, bytes]) -> str:
    pages = []
    for number, panel in enumerate(path, start=1):
        frame = ""
        if number in pictures:
            data = base64.b64encode(pictures[number]).decode("ascii")
            frame = IMAGE.format(data=data, number=number)
        elif panel.image_name is not None:
            frame = GAP
        pages.append(PAGE.format(frame=frame, text=_escape(panel.text), number=number))
    return BOOK.format(
        title=_escape(title),
        style=STYLE,
        pages="\n".join(pages),
        end='<p class="end">The End</p>' if path[-1].is_end else "",
    )


def _escape(text: str) -> str:
    """Text for HTML: markup escaped, characters HTML does not allow replaced."""
    allowed = "".join(
        c if c in "\n\t" or c >= " " and not _forbidden(c) else "\ufffd" for c in text
    )
    return html.escape(allowed, quote=True)


def _forbidden(character: str) -> bool:
    code = ord(character)
    return 0x7F <= code <= 0x9F or 0xD800 <= code <= 0xDFFF or code & 0xFFFE == 0xFFFE


BOOK = """<!DOCTYPE html>
<html>
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
GAP = '<p class="gap">This picture is missing.</p>'

PAGE = """<section>
{frame}
<p class="text" dir="auto">{text}</p>
<div class="number" aria-hidden="true">{number}</div>
</section>"""

STYLE = """
:root { --paper: #fbf6ea; --ink: #3a2f28; --faint: #a8937c; --desk: #e9dfcb; }
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
  display: flow-root; white-space: pre-line; overflow-wrap: anywhere; text-wrap: pretty; }
section:first-of-type .text::first-letter { font-size: 3.1em; line-height: .82; float: left;
  padding: .06em .09em 0 0; color: #b4562f; }
.number { text-align: center; color: var(--faint); font-size: .95rem; margin-top: 1.2rem; }
.end { text-align: center; font-size: 1.8rem; font-style: italic; margin: 3rem 0 0; }
@media (max-width: 34rem) { section { padding: 1rem 1rem .6rem; } .text { font-size: 1.15rem; } }
@media print {
  body, section { background: none; } main { max-width: none; padding: 0; }
  section { box-shadow: none; break-after: page; break-inside: avoid; padding: 0; margin: 0; }
  section:last-of-type { break-after: auto; }
  header { break-after: page; padding-top: 30vh; } img { max-height: 62vh; width: auto; }
}
"""
