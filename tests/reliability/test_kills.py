"""`kill -9` for `python app.py` in the middle of turns: what was answered is there, bit for bit.

Two readers tell, rewrite, redraw, rename, pin and remove over HTTP until the studio is killed. Half
of the kills come at any moment, the others just after the first file of a change has been written.
Then the studio starts again, and each story must hold all that was answered; of the call that was
broken off, either everything or nothing. Before the next kill, both stories have gone on.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from seedstory_core.story.archive import StoryArchive
from tests.helpers.studio import Server
from tests.helpers.visitor import RefusedError, Visitor, plain_png

LONGEST_SECONDS = 1.5
"""Time until a kill; a turn of the small models takes a tenth of that."""
LONGEST_STORY = 25
"""Pages after which a reader begins another story."""
UNFINISHED = "it was never finished, or its record is lost"
MAKES_ONE = ("continue_story", "rewrite", "replace_picture")
LINES = ("Mira the fox waves.", "Then it rains.", "A kite flies over the hill.")
CALLS = {
    "continue_story": 6,
    "alternatives": 2,
    "redraw": 2,
    "rewrite": 2,
    "replace_picture": 1,
    "memory": 2,
    "rename": 1,
    "remove_branch": 1,
}
"""What a reader asks for, and how often."""


class Reader:
    """Tells one story, and remembers what the studio has answered."""

    def __init__(self, url: str, chance: random.Random) -> None:
        self.url = url
        self.chance = chance
        self.story_id = ""
        self.pages: dict[str, dict[str, Any]] = {}
        self.pictures: dict[str, bytes] = {}
        self.pinned: set[str] = set()
        self.title = ""
        self.broken_off: tuple[str, dict[str, Any]] | None = None
        self.problems: list[BaseException] = []
        self.answers = 0

    def begin(self) -> None:
        visitor = Visitor(self.url)
        page = visitor.ask("begin", sentence=LINES[0], keep_words=True)
        self.story_id = page["story_id"]
        self._shown(visitor, page)
        self.title = visitor.ask("open_story", story_id=self.story_id)["title"]
        visitor.close()

    def go_on(self) -> None:
        """Ask until the studio is lost."""
        visitor = Visitor(self.url)
        try:
            while True:
                name, values = self._next()
                self.broken_off = name, values
                try:
                    self._answered(visitor, name, values)
                except RefusedError as error:
                    # A page that is the reader's own cannot be redrawn, and pins take their rows.
                    assert "our fault" not in str(error).lower(), error
                    assert name in ("redraw", "memory"), (name, values, str(error))
                self.broken_off = None
                self.answers += 1
        except httpx.TransportError:
            pass
        except BaseException as error:
            self.problems.append(error)
        finally:
            visitor.close()

    def check(self, stories: Path) -> str:
        """Compare a story with what was answered; return what became of the broken call."""
        visitor = Visitor(self.url)
        shown = visitor.pages(self.story_id)
        header = visitor.ask("open_story", story_id=self.story_id)
        assert [w for w in header["warnings"] if UNFINISHED not in w] == []
        name, values = self.broken_off or ("", {})
        self.broken_off = None
        before, pins = self.pages, self.pinned
        outcome = "kept" if shown != before else "not begun"
        new = sorted(set(shown) - set(before), key=lambda panel_id: int(panel_id[1:]))
        gone = set(before) - set(shown)
        if name in MAKES_ONE:
            assert len(new) <= 1
        elif name == "alternatives":
            assert len(new) in (0, values["count"])
        else:
            assert not new, (name, new)
        if name == "remove_branch":
            assert gone in (set(), _branch(before, values["panel_id"]))
            pins = pins - gone
        else:
            assert not gone, (name, gone)
        redrawn = values.get("panel_id") if name == "redraw" else None
        for panel_id in before.keys() & shown.keys():
            changed = {
                key for key, value in before[panel_id].items() if shown[panel_id][key] != value
            }
            allowed = {"picture", "image_seed"} if panel_id == redrawn else set()
            assert changed <= allowed, (panel_id, changed, before[panel_id], shown[panel_id])
        title = {self.title} | ({values["title"]} if name == "rename" else set())
        assert header["title"] in title
        kept = set(visitor.ask("memory", story_id=self.story_id)["pinned"])
        asked = {values["pin"]} if name == "memory" else set()
        assert pins <= kept <= pins | asked
        if header["title"] != self.title or kept != pins:
            outcome = "kept"
        self.pages, self.pinned, self.title = shown, kept, header["title"]
        for page in shown.values():
            data = visitor.picture(page["picture"])
            assert self.pictures.setdefault(page["picture"], data) == data
        # The same without a studio in between.
        assert {panel.id for panel in StoryArchive(str(stories)).load(self.story_id).tree} == set(
            shown
        )
        visitor.close()
        return outcome

    def _next(self) -> tuple[str, dict[str, Any]]:
        name = self.chance.choices(list(CALLS), list(CALLS.values()))[0]
        panel_id = self.chance.choice(list(self.pages))
        values: dict[str, Any] = {"story_id": self.story_id, "panel_id": panel_id}
        number = self.chance.randrange(10**6)
        if name == "remove_branch" and len(_branch(self.pages, panel_id)) > len(self.pages) // 2:
            name = "continue_story"
        match name:
            case "continue_story":
                values["text"] = self.chance.choice(["", *LINES])
                values["keep_words"] = bool(values["text"])
            case "alternatives":
                values["count"] = 3
            case "rewrite":
                values["text"] = f"The wind blew {number} leaves over the hill."
            case "replace_picture":
                values["picture"] = plain_png((number % 256, number // 256 % 256, 9))
            case "memory":
                values = {"story_id": self.story_id, "pin": panel_id}
            case "rename":
                values = {"story_id": self.story_id, "title": f"Story {number}"}
        return name, values

    def _answered(self, visitor: Visitor, name: str, values: dict[str, Any]) -> None:
        """Ask, and remember what is answered."""
        if name == "replace_picture":
            values = {**values, "picture": visitor.upload(values["picture"])}
        answer = visitor.ask(name, **values)
        match name:
            case "memory":
                self.pinned = set(answer["pinned"])
            case "rename":
                self.title = answer["title"]
            case "remove_branch":
                removed = _branch(self.pages, values["panel_id"])
                for panel_id in removed:
                    del self.pages[panel_id]
                self.pinned -= removed
            case _:
                for panel_id in answer.pop("panel_ids", ()):
                    # Of alternatives only the first one is answered in full.
                    self.pages[panel_id] = {"parent_id": values["panel_id"]}
                self._shown(visitor, answer)

    def _shown(self, visitor: Visitor, page: dict[str, Any]) -> None:
        page = {key: value for key, value in page.items() if key not in ("story_id", "state")}
        self.pages[page["panel_id"]] = page
        self.broken_off = None  # what comes now only looks
        self.pictures[page["picture"]] = visitor.picture(page["picture"])


def _branch(pages: dict[str, dict[str, Any]], panel_id: str) -> set[str]:
    found = {panel_id}
    for one in sorted(pages, key=lambda one: int(one[1:])):
        if pages[one]["parent_id"] in found:
            found.add(one)
    return found


def _wait_for_a_file(stories: Path, readers: list[Reader]) -> None:
    """Return as soon as a story's folder has a file that it did not have."""
    folders = [stories / reader.story_id for reader in readers]
    before = [set(folder.iterdir()) for folder in folders]
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline:
        if any(set(f.iterdir()) - b for f, b in zip(folders, before, strict=True)):
            return


def test_what_was_answered_survives_every_kill(
    small_server: Server, count: Any, chance: random.Random, tally: Counter[str]
) -> None:
    small_server.start()
    readers = [Reader(small_server.url, random.Random(chance.random())) for _ in range(2)]
    for reader in readers:
        reader.begin()
    for kill in range(count("kills")):
        threads = [threading.Thread(target=reader.go_on, daemon=True) for reader in readers]
        for thread in threads:
            thread.start()
        while not all(reader.answers or reader.problems for reader in readers):
            time.sleep(0.02)
        time.sleep(chance.uniform(0, LONGEST_SECONDS))
        if kill % 2 == 0:
            _wait_for_a_file(small_server.stories, readers)
            time.sleep(chance.uniform(0, 0.01))
        small_server.kill()
        tally["kills"] += 1
        for thread in threads:
            thread.join()
        small_server.start()
        for reader in readers:
            assert reader.problems == []
            was_broken = reader.broken_off is not None
            outcome = reader.check(small_server.stories)
            if was_broken:
                tally[f"calls broken off and {outcome}"] += 1
            tally["calls answered"] += reader.answers
            reader.answers = 0
        # A story that has grown long would be looked at for longer than it is told.
        for number, reader in enumerate(readers):
            if len(reader.pages) > LONGEST_STORY:
                readers[number] = Reader(small_server.url, reader.chance)
                readers[number].begin()
                tally["stories"] += 1
    for reader in readers:
        visitor = Visitor(small_server.url)
        page = visitor.ask("continue_story", story_id=reader.story_id)
        assert page["panel_id"] not in reader.pages
    tally["stories"] += len(readers)
    assert "Traceback" not in small_server.log.read_text(), small_server.log.read_text()
