"""Anything at the studio's doors: its endpoints, the state of its page, files and folders.

What is sent begins as something sensible, because nonsense alone never comes far, and is then
changed in places. Whatever comes: no answer is the server's fault, nothing is logged as a bug, and
the stories keep every page that was not removed.
"""

from __future__ import annotations

import io
import json
import random
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from demo import render
from demo.state import PageState
from seedstory_core.engine import StoryEngine, TurnRequest
from seedstory_core.errors import OUR_FAULT, InputError, SeedStoryError
from seedstory_core.generation.sampling import Sampling
from seedstory_core.session import SessionStore, StorySession
from seedstory_core.story import records
from seedstory_core.story.archive import StoryArchive
from seedstory_core.story.export import FORMATS
from seedstory_core.story.tree import StoryTree
from seedstory_core.story.upload import KEPT_SIDE_PIXELS, open_image
from tests.helpers.archives import image_of, on_disk, write_story
from tests.helpers.faults import DAMAGES
from tests.helpers.studio import served
from tests.helpers.visitor import API

WORDS = ("", "Mira waves.", "x" * 5000, "<b>hi</b>", "\x00", "\ud800", "..", "\u202e", "null", "🦊")
LONGEST = 40
"""Pages of a story that is asked for; a longer one would only be slower."""
VALUES: tuple[Any, ...] = (
    *WORDS,
    *(None, True, False, 0, -1, 1.5, 2**63, -(10**40), 1e308),
    *([], [[]], {}, {"a": []}, ["p1"], {"path": "/etc/passwd"}, {"__type__": "update"}),
)
"""What no program should send, and what some do."""


def changed(value: Any, chance: random.Random, times: int = 2) -> Any:
    """Return a value with other values in places, at any depth."""
    for _ in range(chance.randint(0, times)):
        if isinstance(value, dict) and value and chance.random() < 0.9:
            key = chance.choice(list(value))
            if chance.random() < 0.15:
                value = {one: inside for one, inside in value.items() if one != key}
            elif chance.random() < 0.1:
                value = {**value, chance.choice(WORDS): chance.choice(VALUES)}
            else:
                value = {**value, key: changed(value[key], chance, 1)}
        elif isinstance(value, list) and value and chance.random() < 0.9:
            place = chance.randrange(len(value))
            inside = [changed(value[place], chance, 1)] * chance.choice([0, 1, 1, 1, 1, 2])
            value = [*value[:place], *inside, *value[place + 1 :]]
        else:
            value = chance.choice(VALUES)
    return value


def told(store: SessionStore, size: int) -> StorySession:
    """Return a new story that the models have told."""
    session = store.create()
    for number in range(size):
        newest = session.tree.newest
        request = TurnRequest(
            reader_text="" if newest else "Mira waves.",
            sampling=Sampling(seed=number),
            num_inference_steps=1,
        )
        list(session.turn(newest.id if newest else None, request))
    return session


# Endpoints and the page, over HTTP


class Door:
    """The page served over stories of its own, and what is known of it."""

    def __init__(self, store: SessionStore, url: str) -> None:
        self.store = store
        self.http = httpx.Client(base_url=url, timeout=120)
        self.functions = self.http.get("config").json()["dependencies"]
        self.parts = {one["id"]: one for one in self.http.get("config").json()["components"]}
        self.kept = told(store, 2).story_id
        self.all_given: list[str] = []
        self.begin_another()
        self.before = tree_of(store, self.kept)
        picture = io.BytesIO()
        image_of(1).resize((64, 64)).save(picture, "PNG")
        answer = self.http.post(f"{API}/upload", files={"files": ("m.png", picture.getvalue())})
        meta = {"_type": "gradio.FileData"}
        self.picture = {"path": answer.json()[0], "orig_name": "m.png", "meta": meta}

    def begin_another(self) -> None:
        """Tell another story, whose id is sent from now on."""
        self.given = told(self.store, 3).story_id
        self.all_given.append(self.given)

    def state(self, chance: random.Random) -> dict[str, Any]:
        """Return a state as the page sends it."""
        panels = [panel.id for panel in self.store.open(self.given).tree] or ["p1"]
        job = self.store_job(chance)
        state = PageState(
            view="story",
            story=self.given,
            panel=chance.choice([*panels, "", "p99"]),
            job=job,
            watch=job,
            due=chance.choice(["", "p4"]),
            begun=True,
            then=chance.random() < 0.2,
            mine=(self.given,),
        )
        return state.to_json()

    def store_job(self, chance: random.Random) -> str:
        """Return the id of the story's latest job, or another text."""
        latest = self.http.get(f"turns/{self.given}").json()["job"]
        return str(chance.choice([latest, "", "x"]))

    def values(self, function: dict[str, Any], chance: random.Random) -> list[Any]:
        """Return a value for each input of a function, as a page or a program sends it."""
        found: list[Any] = []
        for number in function["inputs"]:
            part = self.parts[number]
            kind, props = part["type"], part["props"]
            label = str(props.get("label") or "").lower()
            if props.get("elem_id") == "state":
                found.append(self.state(chance))
            elif props.get("elem_id") == "draft":
                found.append({"opening": chance.choice(["", "mira"])})
            elif "seed" in label:
                found.append(chance.choice([None, "", "7"]))
            elif kind in ("file", "uploadbutton", "image"):
                found.append(chance.choice([None, self.picture, self.picture]))
            elif kind in ("checkbox",):
                found.append(chance.random() < 0.5)
            elif kind in ("slider", "number"):
                found.append(props.get("value"))
            elif label.startswith("story"):
                found.append(self.given)
            elif label.startswith(("panel", "pin", "unpin")):
                found.append(chance.choice(["p1", "p2", "p3", ""]))
            elif kind == "dropdown":
                found.append(props.get("value"))
            else:
                found.append(chance.choice(["", "Then it rains.", self.given]))
        return found

    def name(self, function: dict[str, Any]) -> str:
        """Return an endpoint's name, or that of the part of the page that is clicked."""
        if not is_private(function):
            return str(function["api_name"])
        part = self.parts.get(function["targets"][0][0], {"props": {}})
        return str(part["props"].get("elem_id"))

    def ask(self, function: dict[str, Any], values: Any, event: Any) -> Iterator[str]:
        """Yield all that is answered."""
        session = uuid.uuid4().hex[:12]
        body = {
            "data": values,
            "fn_index": function["id"],
            "session_hash": session,
            "event_data": event,
        }
        try:
            sent = json.dumps(body).encode()
        except (UnicodeEncodeError, ValueError):
            return
        headers = {"Content-Type": "application/json"}
        answer = self.http.post(f"{API}/queue/join", content=sent, headers=headers)
        assert answer.status_code < 500, (function["api_name"], answer.text)
        yield answer.text
        if answer.status_code != 200:
            return
        with self.http.stream("GET", f"{API}/queue/data?session_hash={session}") as events:
            assert events.status_code == 200
            for line in events.iter_lines():
                yield line
                if '"close_stream"' in line:
                    return


DOINGS = (
    *("open", "look", "start", "stop", "policy", "rename-story", "copy-story", "begin", "go-on"),
    *("three-ways", "run", "again", "redraw", "reword", "rename", "picture", "restore", "undo"),
    *("redo", "pin", "name", "star", "remove", "restore-story"),
)
"""What a click on the page can ask for."""


@pytest.fixture(scope="module")
def door(small_engine: StoryEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    store = SessionStore(small_engine, StoryArchive(str(tmp_path_factory.mktemp("fuzzed"))))
    with served(store) as url:
        found = Door(store, url)
        yield found
        found.http.close()


def tree_of(store: SessionStore, story_id: str) -> StoryTree:
    return store.archive.load(story_id).tree


def kept_of(store: SessionStore, story_id: str) -> set[str]:
    """Return the ids of the panels that are in the tree or in the bin."""
    in_bin, _ = store.archive._reader(story_id).removed()
    return {panel.id for panel in tree_of(store, story_id)} | in_bin


def is_private(function: dict[str, Any]) -> bool:
    return function["api_visibility"] == "private"


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("is_page", [False, True], ids=["endpoints", "page"])
def test_whatever_is_asked_is_answered_and_loses_nothing(
    door: Door,
    is_page: bool,
    count: Any,
    chance: random.Random,
    tally: Counter[str],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    functions = [one for one in door.functions if one["backend_fn"] and is_private(one) is is_page]
    assert len(functions) > 10
    what = "requests of the page" if is_page else "requests of programs"
    for _ in range(count("inputs")):
        if not 2 <= len(tree_of(door.store, door.given)) <= LONGEST:
            door.begin_another()
        function = chance.choice(functions)
        values = changed(door.values(function, chance), chance)
        event = changed(
            {"do": chance.choice(DOINGS), "story": door.given, "name": "p2-00000000.png"}
            | {"panel": "p2", "title": "A title", "opening": "mira", "job": "x"}
            | {"words": "It rains.", "count": "2"},
            chance,
        )
        before = kept_of(door.store, door.given)
        said = "\n".join(door.ask(function, values, event if is_page else None))
        tally[what] += 1
        tally[f"{what}, taken"] += '"process_completed"' in said
        case = (door.name(function), values, event)
        assert OUR_FAULT not in said and "Traceback" not in said, case
        if is_page:
            # Handlers answer with a notice; a failed event would be a bug.
            assert '"success": false' not in said and '"success":false' not in said, (case, said)
        printed = capfd.readouterr().err
        assert "Traceback" not in printed, (case, printed)
        assert [one for one in caplog.records if one.levelname == "ERROR"] == [], case
        assert before <= kept_of(door.store, door.given), case
    for story_id in door.all_given:
        found = door.store.archive.load(story_id)
        assert found.warnings == []
        tally["pages told meanwhile"] += len(found.tree)
    assert tree_of(door.store, door.kept) == door.before


# Files


def pictures(chance: random.Random) -> Callable[[], bytes]:
    """Return a function that gives files of pictures of every kind, whole or not."""
    whole: list[bytes] = []
    for name, mode in (
        *(("PNG", "RGB"), ("PNG", "P"), ("PNG", "I;16"), ("PNG", "RGBA"), ("PNG", "1")),
        *(("JPEG", "RGB"), ("JPEG", "CMYK"), ("WEBP", "RGBA"), ("GIF", "P"), ("BMP", "RGB")),
        *(("TIFF", "RGB"), ("TIFF", "F"), ("AVIF", "RGB"), ("ICO", "RGB"), ("PPM", "RGB")),
    ):
        buffer = io.BytesIO()
        image = image_of(len(whole)).resize((48, 40))
        image = image.convert("L").convert(mode) if mode in ("I;16", "F") else image.convert(mode)
        image.save(buffer, name)
        whole.append(buffer.getvalue())

    def draw() -> bytes:
        data = chance.choice(whole)
        for _ in range(chance.randint(0, 3)):
            damage = chance.choice(list(DAMAGES.values()))
            data = damage(data, chance) or b""
        if chance.random() < 0.3 and len(data) > 40:  # a number in the head of the file
            place = chance.randrange(8, 40)
            size = chance.choice([1, 2, 4])
            data = data[:place] + chance.choice([b"\xff", b"\x00", b"\x7f"]) * size + data[place:]
        return data

    return draw


def test_whatever_file_is_brought_is_a_picture_or_a_sentence(
    count: Any, chance: random.Random, tally: Counter[str]
) -> None:
    draw = pictures(chance)
    for _ in range(count("inputs")):
        data = draw()
        tally["files brought"] += 1
        try:
            image = open_image(data).image
        except InputError as error:
            assert 20 < len(str(error)) < 300 and "Error" not in str(error)
            tally["files refused"] += 1
        else:
            assert isinstance(image, Image.Image) and image.mode == "RGB"
            assert 0 < max(image.size) <= KEPT_SIDE_PIXELS


def test_whatever_a_storys_folder_holds_it_opens_or_says_why(
    tmp_path: Path,
    small_engine: StoryEngine,
    count: Any,
    chance: random.Random,
    tally: Counter[str],
) -> None:
    """Records are changed and sealed again, as by another program; other files are damaged."""
    archive = on_disk(tmp_path)
    session = told(SessionStore(small_engine, archive), 3)
    story_id = session.story_id
    list(session.alternatives("p3", [TurnRequest(image_seed=seed) for seed in range(2)]))
    list(session.turn("p5", TurnRequest(num_inference_steps=1)))
    session.pin("p1")
    session.set_policy("capped_multimodal_attention_sink")
    session.remove_branch("p4")
    other, _ = write_story(archive, None, "p1")
    whole, untouched = archive.load(story_id), archive.load(other)
    folder = tmp_path / story_id
    names = {path.name for path in folder.iterdir()}
    for _ in range(count("inputs")):
        path = chance.choice(sorted(folder.iterdir()))
        data = path.read_bytes()
        damaged: bytes | None
        if path.suffix in (".json", ".group", ".removed") and chance.random() < 0.8:
            record = dict(records.from_json(path.name, data))
            for key in ("sha256", "sealed", "format"):
                record.pop(key, None)
            damaged = records.to_json(_record(changed(record, chance, 3)))
        else:
            damaged = chance.choice(list(DAMAGES.values()))(data, chance)
        path.unlink()
        if damaged is not None:
            path.write_bytes(damaged)
        tally["folders opened"] += 1
        try:
            look_at(archive, story_id)
        except SeedStoryError as error:
            assert 20 < len(str(error)) < 600
            tally["folders refused"] += 1
        if chance.random() < 0.2:
            try:
                go_on(SessionStore(small_engine, archive), story_id)
                tally["folders told on"] += 1
            except SeedStoryError as error:
                assert 20 < len(str(error)) < 600
            for new in {one.name for one in folder.iterdir()} - names:
                (folder / new).unlink()
        path.unlink(missing_ok=True)
        path.write_bytes(data)
    assert archive.load(story_id) == whole and archive.load(other) == untouched


def _record(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {"value": value}


def look_at(archive: StoryArchive, story_id: str) -> None:
    """Read a story as the page, its downloads and its shelf do."""
    summaries = archive.list()
    assert re.search("spine", render.story_shelf(summaries))
    found = archive.load(story_id)
    render.cover(found.tree, story_id)
    for panel in found.tree:
        sizes = {one.id: (1, 1) for one in found.tree}
        render.page(found.tree, story_id, panel, 1, sizes, lambda _: "")
        if panel.image_name is not None:
            try:
                archive.image(story_id, panel)
            except SeedStoryError as error:
                assert panel.image_name in str(error)
    for leaf in found.tree.leaves():
        for form in FORMATS.values():
            assert form.write(found.tree, archive, story_id, leaf.id)


def go_on(store: SessionStore, story_id: str) -> None:
    """Tell a story on below each of its ends."""
    session = store.open(story_id)
    assert session.pinned <= {panel.id for panel in session.tree}
    for leaf in session.tree.leaves():
        list(session.turn(leaf.id, TurnRequest(num_inference_steps=1)))
