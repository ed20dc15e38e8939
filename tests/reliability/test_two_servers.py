"""Two servers on one folder, in any order, killed at any step: what was answered is there.

Hypothesis draws what two `SessionStore`s do to the same stories, and a third one that has just been
started looks at the folder after every step. A server that does not know what the other one did may
refuse, and opens the story again; a server that is killed leaves all or nothing of its call.
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import seed as drawn_from
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from seedstory_core.engine import StoryEngine, TurnRequest
from seedstory_core.errors import InputError, StoryChangedError, StoryNotFoundError
from seedstory_core.generation.sampling import Sampling
from seedstory_core.session import PanelAdded, SessionStore, StorySession
from seedstory_core.story.archive import StoryArchive
from seedstory_core.story.files import LocalFiles
from seedstory_core.story.tree import Panel
from tests.helpers.faults import KilledError, MortalSystem

UNFINISHED = "it was never finished, or"
REMOVED = "was removed in another window or by another server"


@dataclasses.dataclass
class Told:
    """What was answered of one story."""

    panels: dict[str, Panel] = dataclasses.field(default_factory=dict)
    pixels: dict[str, bytes] = dataclasses.field(default_factory=dict)
    buried: set[str] = dataclasses.field(default_factory=set)
    pinned: set[str] = dataclasses.field(default_factory=set)
    title: str = ""
    is_deleted: bool = False

    def shown(self) -> dict[str, Panel | None]:
        """Return the panels that a reader sees; None for one that only holds those after it."""
        found: dict[str, Panel | None] = {
            name: panel for name, panel in self.panels.items() if name not in self.buried
        }
        for panel in [panel for panel in found.values() if panel is not None]:
            parent = panel.parent
            while parent is not None and parent not in found:
                found[parent] = None
                parent = self.panels[parent].parent
        return found


class Server:
    """A server's sessions over the folder, and the calls after which it dies."""

    def __init__(self, engine: StoryEngine, root: Path) -> None:
        self.system = MortalSystem()
        files = LocalFiles(str(root), self.system)
        self.store = SessionStore(engine, StoryArchive(str(root), files))


def difference(archive: StoryArchive, story_id: str, told: Told) -> str:
    """Return what a story's folder holds otherwise than it was answered; '' for nothing."""
    if told.is_deleted:
        return "it is there" if story_id in [one.id for one in archive.list()] else ""
    try:
        found = archive.load(story_id)
    except StoryNotFoundError:
        return "it is gone"
    strange = [w for w in found.warnings if UNFINISHED not in w and REMOVED not in w]
    if strange:
        return f"it warns of {strange}"
    shown = told.shown()
    if (ids := {panel.id for panel in found.tree}) != set(shown):
        return f"its panels are {sorted(ids)}, not {sorted(shown)}"
    for panel in found.tree:
        answered = shown[panel.id]
        if answered is None:
            if not panel.is_placeholder or panel.parent != told.panels[panel.id].parent:
                return f"{panel.id} is not the gap that it was"
        elif panel != answered:
            return f"{panel} is not {answered}"
        elif archive.image(story_id, panel).tobytes() != told.pixels[panel.id]:
            return f"the picture of {panel.id} is another one"
    if found.tree.own_title != told.title:
        return f"its title is {found.tree.own_title!r}, not {told.title!r}"
    pinned = set(found.header.settings.get("pinned", ()))
    if pinned & set(shown) != told.pinned & set(shown):
        return f"its pins are {sorted(pinned)}, not {sorted(told.pinned)}"
    return ""


def is_behind(archive: StoryArchive, session: StorySession) -> bool:
    """Whether a server does not know what is in the folder by now."""
    try:
        found = archive.load(session.story_id)
    except StoryNotFoundError:
        return True
    return found.tree != session.tree or found.header.settings != session._settings


SERVERS = st.integers(0, 1)
PLACES = st.integers(0, 999)
"""Chooses among the panels that a server shows."""
DYING = st.none() | st.none() | st.integers(0, 24)
"""Changes of the disk after which a server dies in a call; a turn makes about twenty."""


def two_servers(engine: StoryEngine, tally: Counter[str]) -> type[RuleBasedStateMachine]:
    """Return the machine that draws what two servers do."""

    class TwoServers(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.root = Path(tempfile.mkdtemp())
            self.servers = [Server(engine, self.root) for _ in range(2)]
            self.told: dict[str, Told] = {}
            self.seed = 0
            tally["runs"] += 1

        def teardown(self) -> None:
            shutil.rmtree(self.root)

        @initialize()
        def begin(self) -> None:
            session = self.servers[0].store.create()
            self.told[session.story_id] = Told()
            added = self.run(session.turn(None, self.request("Mira waves.")))
            self.add(self.told[session.story_id], added)

        @precondition(lambda self: len(self.told) < 2)
        @rule(number=SERVERS)
        def begin_another(self, number: int) -> None:
            session = self.servers[number].store.create()
            self.told[session.story_id] = Told()
            added = self.run(session.turn(None, self.request("Otto sings.")))
            self.add(self.told[session.story_id], added)

        @rule(number=SERVERS, place=PLACES, dies=DYING)
        def tell(self, number: int, place: int, dies: int | None) -> None:
            request = self.request("Then it rains." if place % 3 == 0 else "")
            self.call(number, dies, lambda one, at: one.turn(at, request), place)

        @rule(number=SERVERS, place=PLACES, size=st.integers(2, 3), dies=DYING)
        def alternatives(self, number: int, place: int, size: int, dies: int | None) -> None:
            requests = [self.request("") for _ in range(size)]

            def act(session: StorySession, at: str) -> Iterator[Any]:
                return (event for _, event in session.alternatives(at, requests))

            self.call(number, dies, act, place, size)

        @rule(number=SERVERS, place=PLACES, dies=DYING)
        def rewrite(self, number: int, place: int, dies: int | None) -> None:
            self.seed += 1
            words = f"The wind blew {self.seed} leaves."
            self.call(number, dies, lambda one, at: one.rewrite(at, words), place)

        @rule(number=SERVERS, place=PLACES, dies=DYING)
        def redraw(self, number: int, place: int, dies: int | None) -> None:
            request = self.request("")
            self.call(number, dies, lambda one, at: one.redraw(at, request), place, 0)

        @rule(number=SERVERS, place=PLACES, dies=DYING)
        def remove(self, number: int, place: int, dies: int | None) -> None:
            removed: set[str] = set()

            def act(session: StorySession, at: str) -> None:
                removed.update(panel.id for panel in session.tree.branch(at))
                session.remove_branch(at)

            def effect(told: Told) -> None:
                told.buried |= removed

            self.change(number, dies, act, effect, place)

        @rule(number=SERVERS, title=st.sampled_from(["", "One", "Two", "Three"]), dies=DYING)
        def rename(self, number: int, title: str, dies: int | None) -> None:
            def effect(told: Told) -> None:
                told.title = title

            self.change(number, dies, lambda one, at: one.rename(title), effect)

        @rule(number=SERVERS, place=PLACES, is_pinned=st.booleans(), dies=DYING)
        def pin(self, number: int, place: int, is_pinned: bool, dies: int | None) -> None:
            chosen = ""

            def act(session: StorySession, at: str) -> None:
                nonlocal chosen
                chosen = at
                session.pin(at, is_pinned)

            def effect(told: Told) -> None:
                (told.pinned.add if is_pinned else told.pinned.discard)(chosen)

            self.change(number, dies, act, effect, place)

        @precondition(lambda self: len(self.told) > 1)
        @rule(number=SERVERS, dies=DYING)
        def delete(self, number: int, dies: int | None) -> None:
            def effect(told: Told) -> None:
                told.is_deleted = True

            store = self.servers[number].store
            self.change(number, dies, lambda one, at: store.discard(one.story_id), effect)

        @precondition(lambda self: any(told.is_deleted for told in self.told.values()))
        @rule()
        def undelete(self) -> None:
            """Move a folder out of the trash, as whoever runs the studio would."""
            for story_id, told in self.told.items():
                if told.is_deleted:
                    (trashed,) = (self.root / ".trash").glob(f"{story_id}-*")
                    trashed.rename(self.root / story_id)
                    told.is_deleted = False

        @rule(number=SERVERS)
        def restart(self, number: int) -> None:
            self.servers[number] = Server(engine, self.root)

        @invariant()
        def everything_that_was_answered_is_there(self) -> None:
            for story_id, told in self.told.items():
                assert difference(self.folder(), story_id, told) == ""

        # What the rules do

        def folder(self) -> StoryArchive:
            """Return the folder as a server sees it that has just been started."""
            return StoryArchive(str(self.root))

        def request(self, words: str) -> TurnRequest:
            self.seed += 1
            return TurnRequest(
                reader_text=words,
                complete_text=not words,
                sampling=Sampling(seed=self.seed),
                image_seed=self.seed,
                num_inference_steps=1,
            )

        @staticmethod
        def run(events: Iterator[Any]) -> list[PanelAdded]:
            return [event for event in events if isinstance(event, PanelAdded)]

        @staticmethod
        def add(told: Told, added: list[PanelAdded]) -> None:
            for event in added:
                told.panels[event.panel.id] = event.panel
                told.pixels[event.panel.id] = event.image.tobytes()

        def call(
            self,
            number: int,
            dies: int | None,
            act: Callable[[StorySession, Any], Iterator[Any]],
            place: int = 0,
            size: int = 1,
        ) -> None:
            """Let a server make `size` panels, or change one for 0."""
            added: list[PanelAdded] = []

            def run(session: StorySession, at: str) -> None:
                added.extend(self.run(act(session, at)))

            story_id, is_dead = self.ask(number, dies, run, place)
            told = self.told[story_id]
            if not is_dead:
                self.add(told, added)
                return
            found, archive = self.folder().load(story_id), self.folder()
            after = dataclasses.replace(
                told, panels=dict(told.panels), pixels=dict(told.pixels), buried=set(told.buried)
            )
            new = [p for p in found.tree if p.id not in told.panels and not p.is_placeholder]
            assert len(new) in (0, size)
            if size == 0:
                new = [p for p in found.tree if p.image_seed == self.seed and p.id in told.panels]
            tally["killed calls whose panels are there"] += bool(new)
            self.add(after, [PanelAdded(p, archive.image(story_id, p)) for p in new])
            self.told[story_id] = after

        def change(
            self,
            number: int,
            dies: int | None,
            act: Callable[[StorySession, Any], None],
            effect: Callable[[Told], None],
            place: int = 0,
        ) -> None:
            """Let a server change a story without making a panel."""
            story_id, is_dead = self.ask(number, dies, act, place)
            told = self.told[story_id]
            if is_dead is None:
                return
            after = dataclasses.replace(told, buried=set(told.buried), pinned=set(told.pinned))
            effect(after)
            if not is_dead or difference(self.folder(), story_id, told):
                self.told[story_id] = after

        def ask(
            self,
            number: int,
            dies: int | None,
            act: Callable[[StorySession, Any], None],
            place: int,
        ) -> tuple[str, bool | None]:
            """Return the story, and whether the server died in the call; None if it refused."""
            server = self.servers[number]
            story_id = list(self.told)[place % len(self.told)]
            try:
                session = server.store.open(story_id)
            except StoryNotFoundError:
                assert self.told[story_id].is_deleted
                return story_id, None
            ids = [panel.id for panel in session.tree]
            if not ids:
                return story_id, None
            server.system.calls_left = dies
            try:
                act(session, ids[place // 2 % len(ids)])
            except KilledError:
                tally["killed calls"] += 1
                self.servers[number] = Server(engine, self.root)
                return story_id, True
            except InputError:
                return story_id, None
            except (StoryChangedError, StoryNotFoundError):
                # It did not know what the other one did; now the reader opens the story again.
                assert is_behind(self.folder(), session)
                session.is_stale = True
                tally["refused calls"] += 1
                return story_id, None
            finally:
                server.system.calls_left = None
            tally["answered calls"] += 1
            return story_id, False

    return TwoServers


# Threads of the engine share this process and its random state with the strategies.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")
def test_two_servers_in_any_order_keep_all_that_was_answered(
    small_engine: StoryEngine, count: Any, seed: int, tally: Counter[str]
) -> None:
    chosen = settings(
        max_examples=count("runs"),
        stateful_step_count=count("steps"),
        deadline=None,
        database=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    machine = drawn_from(seed)(two_servers(small_engine, tally))
    run_state_machine_as_test(machine, settings=chosen)
