"""Many visitors at once: nobody meets another's words or picture, and nobody waits for ever.

Each visitor has an address, a secret word and a secret colour of their own, and tells a story with
them over HTTP until the time is over. Then every story is searched for the secrets of all others,
and the studio's threads and open files are compared with those after a quarter of the time.
"""

from __future__ import annotations

import io
import os
import random
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from PIL import Image

from seedstory_core.story.archive import StoryArchive
from tests.helpers.studio import Server
from tests.helpers.visitor import RefusedError, Visitor, plain_png

SYLLABLES = ("ba", "ke", "li", "mo", "nu", "ra", "so", "ti", "vu", "za")
REST_SECONDS = 11.0
"""After so long without work, a server's idle threads have ended."""
MORE_THREADS, MORE_FILES = 12, 12
"""What may come and go from one look to the next."""


class Guest:
    """A visitor with secrets, who tells one story."""

    def __init__(self, url: str, number: int) -> None:
        digits = [number // 10**place % 10 for place in (2, 1, 0)]
        self.secret = "Q" + "".join(SYLLABLES[digit] for digit in digits)
        self.colour = (digits[0] * 25, digits[1] * 25, digits[2] * 25)
        self.chance = random.Random(number)
        self.visitor = Visitor(url, f"127.0.{1 + number // 200}.{1 + number % 200}")
        self.story_id = ""
        self.turns = 0
        self.problem: BaseException | None = None

    def stay(self, until: float) -> None:
        """Tell the story until a time, and one turn at least."""
        try:
            if not self.story_id:
                picture = self.visitor.upload(plain_png(self.colour))
                words = f"{self.secret} waved at the sea."
                self._told(
                    self.visitor.ask("begin", sentence=words, picture=picture, keep_words=True)
                )
            while True:
                self._turn()
                if time.monotonic() > until:
                    return
        except BaseException as error:
            self.problem = error

    def _turn(self) -> None:
        words = self.chance.choice([f"{self.secret} sang.", f"Then {self.secret} slept.", ""])
        try:
            page = self.visitor.ask("continue_story", story_id=self.story_id, text=words)
        except RefusedError as error:
            assert "waiting for the storyteller" in str(error), error
            return
        assert page["text"].startswith(words), page
        self._told(page)

    def _told(self, page: dict[str, Any]) -> None:
        self.story_id = self.story_id or page["story_id"]
        assert page["story_id"] == self.story_id
        self.visitor.picture(page["picture"])
        self.turns += 1


def at_rest(pid: int) -> tuple[int, int, float]:
    """Return the threads, open files and MiB of a process once it does nothing."""
    time.sleep(REST_SECONDS)
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    values = {line.split(":")[0]: line.split()[1] for line in status if len(line.split()) > 1}
    files = len(os.listdir(f"/proc/{pid}/fd"))
    return int(values["Threads"]), files, int(values["VmRSS"]) / 2**10


def visit(guests: list[Guest], seconds: float) -> None:
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=guest.stay, args=(until,)) for guest in guests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [guest.problem for guest in guests if guest.problem is not None] == []


def test_many_visitors_meet_only_their_own_stories(
    small_server: Server, count: Any, tally: Counter[str]
) -> None:
    small_server.start()
    guests = [Guest(small_server.url, 111 + 7 * number) for number in range(count("visitors"))]
    seconds = 60 * count("minutes")
    visit(guests, seconds / 4)
    before = at_rest(small_server.pid)
    early = Counter({guest.secret: guest.turns for guest in guests})
    visit(guests, seconds * 3 / 4)
    after = at_rest(small_server.pid)

    archive = StoryArchive(str(small_server.stories))
    secrets = {guest.secret.lower() for guest in guests}
    for guest in guests:
        found = archive.load(guest.story_id)
        assert found.warnings == [] and len(found.tree) == guest.turns
        told = " ".join(f"{p.text} {p.reader_text} {p.hint}" for p in found.tree).lower()
        assert {word for word in secrets if word in told} == {guest.secret.lower()}
        first = archive.image(guest.story_id, found.tree.panel("p1"))
        assert first.convert("RGB").getpixel((5, 5)) == guest.colour
        shown = Image.open(io.BytesIO(guest.visitor.picture(_first_picture(guest))))
        assert shown.convert("RGB").getpixel((5, 5)) == guest.colour
    # Whoever has waited longest is next, so all have as many turns, but for those at the ends.
    turns = [guest.turns - early[guest.secret] for guest in guests]
    tally.update(visitors=len(guests), turns=sum(guest.turns for guest in guests))
    tally["turns of the fewest"], tally["turns of the most"] = min(turns), max(turns)
    named = ("threads", "open files", "MiB")
    for name, old, new in zip(named, before, after, strict=True):
        tally[f"{name} early"], tally[f"{name} late"] = round(old), round(new)
    assert max(turns) <= 2 * min(turns) + 2
    assert after[0] <= before[0] + MORE_THREADS and after[1] <= before[1] + MORE_FILES
    assert "Traceback" not in small_server.log.read_text(), small_server.log.read_text()


def _first_picture(guest: Guest) -> str:
    story = guest.visitor.ask("open_story", story_id=guest.story_id, panel_id="p1")
    return str(story["pages"][0]["picture"])
