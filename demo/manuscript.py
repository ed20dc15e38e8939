"""A story as the browser holds it: every page as HTML, and the places of the pages on the map.

The browser turns pages without asking, so it needs the whole story. After a change only the pages
that changed are sent: the page says by a seal what it holds, and `Manuscripts` knows what was in
it. A seal that is not known any more, after a restart for example, is answered with everything.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from demo import render
from seedstory_core import (
    RemovedBranch,
    SeedStoryError,
    StorySession,
    StoryTree,
    lay_out,
    reading_key_of,
    suggest_title,
)

KEPT_SEALS = 200
"""Seals that are known; a page with an older one is sent the whole story."""


@dataclass(frozen=True)
class Page:
    """A panel as the browser holds it.

    Attributes:
        html: The page of the book, with the ways that lead on from it.
        text: The caption as it was saved.
        words: Its beginning, for the map.
        thumb: Address of the small image; '' without one.
        image: Address of the image.
        name: What the reader called the branch that begins here.
        star: The branch is starred.
        pinned: The storyteller never forgets the page.
        yours: Words or image are the reader's.
        end: The tale ends here.
        redraw: The image may be painted again.
        again: The page may be told again.
    """

    html: str
    text: str
    words: str
    thumb: str
    image: str
    name: str
    star: bool
    pinned: bool
    yours: bool
    end: bool
    redraw: bool
    again: bool


@dataclass(frozen=True)
class Manuscript:
    """A story at a moment.

    Attributes:
        story: The story's id.
        key: Its reading key, by which others may read it.
        title: Its title.
        suggested: A title that the tale itself suggests; '' without one.
        undo: What an undo would undo, in a few words; '' is nothing.
        redo: Likewise for a redo.
        cover: The cover as HTML.
        bin: The removed branches as HTML.
        pages: The pages by panel id.
        places: Panel id, id of the panel before ('' without one), column and row of the map.
    """

    story: str
    key: str
    title: str
    suggested: str
    undo: str
    redo: str
    cover: str
    bin: str
    pages: Mapping[str, Page]
    places: Sequence[tuple[str, str, int, int]]


def write(session: StorySession, shelf_texts: Collection[str] = ()) -> Manuscript:
    """Write a story's manuscript.

    Args:
        session: The story.
        shelf_texts: Sentences of the shelf's cards, which are not marked as the reader's own.
    """
    tree, story_id = session.tree, session.story_id
    layout, pinned = lay_out(tree), session.pinned
    sizes = _sizes(tree, list(layout.places))
    pages, places = {}, []
    for panel_id, place in layout.places.items():
        panel, mark = tree.panel(panel_id), session.mark(panel_id)
        places.append((panel_id, panel.parent or "", place.column, place.row))
        number = place.column + 1
        pages[panel_id] = Page(
            html=render.page(
                *(tree, story_id, panel, number, sizes),
                name_of=lambda child_id: session.mark(child_id).name,
                shelf_texts=shelf_texts,
            ),
            text=panel.text,
            words=render.words_of(panel),
            thumb=render.image_url(story_id, panel.image_name, "small"),
            image=render.image_url(story_id, panel.image_name, "page"),
            name=mark.name,
            star=mark.is_starred,
            pinned=panel.id in pinned,
            yours=panel.author == "reader" and panel.reader_text not in shelf_texts,
            end=panel.is_end,
            redraw=panel.image_source == "model" and not panel.is_placeholder,
            again=not (panel.image_source == "reader" and panel.text == panel.reader_text),
        )
    removed: Sequence[RemovedBranch] = ()
    with contextlib.suppress(SeedStoryError):  # the bin is no part of the story
        removed = session.removed()
    history = session.history
    path = tree.path(tree.newest.id) if tree.newest else ()
    return Manuscript(
        story=story_id,
        key=reading_key_of(story_id),
        title=tree.title,
        suggested=suggest_title([panel.text for panel in path]),
        undo=render.act_words(history.last),
        redo=render.act_words(history.next),
        cover=render.cover(tree, story_id),
        bin=render.bin_of(removed, story_id),
        pages=pages,
        places=places,
    )


def _sizes(tree: StoryTree, order: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return by panel id how many panels and how many leaves there are from it on.

    In the order, a panel stands before those that follow it.
    """
    sizes = dict.fromkeys(order, (1, 0))
    for panel_id in reversed(order):
        num_panels, num_leaves = sizes[panel_id]
        sizes[panel_id] = num_panels, num_leaves or 1
        parent = tree.panel(panel_id).parent
        if parent is not None:
            before = sizes[parent]
            sizes[parent] = before[0] + num_panels, before[1] + (num_leaves or 1)
    return sizes


class Manuscripts:
    """Knows what is in the manuscripts that pages hold; any thread may ask."""

    def __init__(self) -> None:
        """Begin without any."""
        self._digests: OrderedDict[str, Mapping[str, str]] = OrderedDict()
        self._lock = threading.Lock()

    def change(self, now: Manuscript, seal: str) -> dict[str, Any] | None:
        """Return what a page must change so that it holds a manuscript.

        Args:
            now: The manuscript.
            seal: The seal of what the page holds; '' is nothing.

        Returns:
            The manuscript as plain JSON, with those `pages` alone that are new or changed, its
            `seal`, and in `base` the seal on which it builds ('' is none); None if the page holds
            it already.
        """
        digests = {panel_id: _digest(asdict(page)) for panel_id, page in now.pages.items()}
        rest = {**vars(now), "pages": None}
        sealed = _digest([rest, digests])
        with self._lock:
            known = self._digests.get(seal, {}) if seal else {}
            self._digests[sealed] = digests
            self._digests.move_to_end(sealed)
            while len(self._digests) > KEPT_SEALS:
                self._digests.popitem(last=False)
        if seal == sealed:
            return None
        changed = {
            panel_id: asdict(page)
            for panel_id, page in now.pages.items()
            if known.get(panel_id) != digests[panel_id]
        }
        return {**rest, "pages": changed, "seal": sealed, "base": seal if known else ""}


def _digest(value: Any) -> str:
    data = json.dumps(value, sort_keys=True).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=9).hexdigest()
