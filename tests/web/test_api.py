"""The endpoints, through `gradio_client`, of a running studio."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio.utils import get_function_description
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from demo.api import Api
from demo.reference import reference
from seedstory_core import DeviceFullError, InputError, JobQueue, StorageError
from seedstory_core.build import build_store
from seedstory_core.config import PROJECT_ROOT
from seedstory_core.engine import StoryEngine
from seedstory_core.session import SessionStore
from seedstory_core.story.archive import StoryArchive
from seedstory_core.weights.reference import reference_config
from tests.helpers.reference import COPY
from tests.helpers.studio import served

SENTENCE = "Late one evening, Mira the fox found a golden key."


@pytest.fixture(scope="module")
def store(tiny_engine: StoryEngine, tmp_path_factory: pytest.TempPathFactory) -> SessionStore:
    return SessionStore(tiny_engine, StoryArchive(str(tmp_path_factory.mktemp("api"))))


@pytest.fixture(scope="module")
def url(store: SessionStore) -> Iterator[str]:
    with served(store) as address:
        yield address


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    client = Client(url, verbose=False)
    yield client
    client.close()


def begin(client: Client, **changes: Any) -> tuple[dict[str, Any], Any]:
    result = client.predict(
        **{"sentence": SENTENCE, "seed": 7, "steps": 1, **changes}, api_name="/begin"
    )
    return result


def test_a_story_is_begun_continued_and_read_again(client: Client) -> None:
    panel, image = begin(client)
    assert panel["state"] == "done" and panel["page"] == 1
    assert panel["text"].startswith(SENTENCE) and panel["reader_text"] == SENTENCE
    with Image.open(image) as opened:
        assert opened.size == (256, 256)
    story_id = panel["story_id"]
    second, _ = client.predict(story_id=story_id, seed=1, steps=1, api_name="/continue_story")
    assert second["parent_id"] == panel["panel_id"] and second["seed"] == 1
    story = client.predict(story_id=story_id, api_name="/open_story")
    assert [entry["panel_id"] for entry in story["pages"]] == ["p1", "p2"]
    assert story["pages"][1]["text"] == second["text"]


def test_continuing_from_an_older_panel_begins_a_branch(client: Client) -> None:
    panel, _ = begin(client)
    story_id = panel["story_id"]
    for text in ("It rains.", "It snows."):
        client.predict(
            story_id=story_id,
            panel_id="p1",
            text=text,
            keep_words=True,
            steps=1,
            api_name="/continue_story",
        )
    outline = client.predict(story_id=story_id, api_name="/outline")
    assert outline["panels"][0]["children"] == ["p2", "p3"]
    assert outline["leaves"] == ["p2", "p3"]
    kept = client.predict(story_id=story_id, panel_id="p3", api_name="/open_story")
    assert [entry["text"] for entry in kept["pages"]][1:] == ["It snows."]
    left = client.predict(story_id=story_id, panel_id="p2", api_name="/remove_branch")
    assert left["leaves"] == ["p3"]
    back = client.predict(story_id=story_id, panel_id="p2", api_name="/restore_branch")
    assert back["leaves"] == ["p2", "p3"]
    for _ in range(2):  # putting back, and removing
        undone = client.predict(story_id=story_id, api_name="/undo")
    assert undone["leaves"] == ["p2", "p3"]
    again = client.predict(story_id=story_id, api_name="/redo")
    assert again["leaves"] == ["p3"]
    with pytest.raises(AppError, match="not in the bin"):
        client.predict(story_id=story_id, panel_id="p3", api_name="/restore_branch")


def test_several_ways_on_are_told_at_once(client: Client) -> None:
    panel, _ = begin(client)
    first, _ = client.predict(
        story_id=panel["story_id"],
        text="It rains",
        count=2,
        seed=4,
        steps=1,
        api_name="/alternatives",
    )
    assert first["panel_ids"] == ["p2", "p3"] and first["panel_id"] == "p2"
    outline = client.predict(story_id=panel["story_id"], api_name="/outline")
    assert outline["leaves"] == ["p2", "p3"]
    told = [
        client.predict(story_id=panel["story_id"], panel_id=one, api_name="/open_story")
        for one in first["panel_ids"]
    ]
    texts = [entry["pages"][1]["text"] for entry in told]
    assert all(text.startswith("It rains") for text in texts)
    assert texts[0] != texts[1]
    with pytest.raises(AppError, match="count is 9; it must be from 2 to 4"):
        client.predict(story_id=panel["story_id"], count=9, api_name="/alternatives")


def test_redrawing_changes_the_image_and_nothing_else(client: Client) -> None:
    panel, _ = begin(client)
    again, _ = client.predict(
        story_id=panel["story_id"], panel_id="p1", seed=8, steps=1, api_name="/redraw"
    )
    assert again["picture"] != panel["picture"] and again["image_seed"] == 8
    assert again["text"] == panel["text"]


def test_a_panel_gets_other_words_or_another_image_in_a_sibling(
    client: Client, tmp_path: Path
) -> None:
    panel, image = begin(client)
    story_id = panel["story_id"]
    words, same = client.predict(
        story_id=story_id, panel_id="p1", text="Mira finds a drum.", api_name="/rewrite"
    )
    assert (words["panel_id"], words["text"], words["parent_id"]) == (
        "p2",
        "Mira finds a drum.",
        None,
    )
    with Image.open(image) as one, Image.open(same) as other:
        assert one.tobytes() == other.tobytes()
    path = tmp_path / "mine.png"
    Image.new("RGB", (300, 200), "teal").save(path)
    drawn, _ = client.predict(
        story_id=story_id,
        panel_id="p1",
        picture=handle_file(str(path)),
        api_name="/replace_picture",
    )
    assert (drawn["panel_id"], drawn["text"]) == ("p3", panel["text"])
    assert drawn["picture_author"] == "reader"
    for text, said in (("", "nothing to read"), (panel["text"], "has these words already")):
        with pytest.raises(AppError, match=said):
            client.predict(story_id=story_id, panel_id="p1", text=text, api_name="/rewrite")
    outline = client.predict(story_id=story_id, api_name="/outline")
    assert outline["leaves"] == ["p1", "p2", "p3"]


def test_a_program_chooses_how_a_story_forgets(client: Client) -> None:
    story_id = begin(client)[0]["story_id"]
    first = client.predict(story_id=story_id, api_name="/memory")
    assert first["policy"] == "capped_multimodal_attention_sink"
    assert first["pinned"] == [] and first["bytes"] > 0
    changed = client.predict(story_id=story_id, policy="dense", pin="p1", api_name="/memory")
    assert (changed["policy"], changed["pinned"]) == ("dense", ["p1"])
    again = client.predict(story_id=story_id, unpin="p1", api_name="/memory")
    assert (again["policy"], again["pinned"]) == ("dense", [])
    for wrong, said in (
        ({"policy": "all"}, "must be one of capped"),
        ({"pin": "p9"}, "no page p9"),
    ):
        with pytest.raises(AppError, match=said):
            client.predict(story_id=story_id, **wrong, api_name="/memory")


def test_an_opening_and_an_own_image_can_begin(client: Client, tmp_path: Path) -> None:
    cards = client.predict(api_name="/openings")
    panel, _ = begin(client, sentence="", opening=cards[0]["opening"])
    assert panel["text"] == cards[0]["sentence"] and panel["picture_author"] == "reader"
    path = tmp_path / "mine.png"
    Image.new("RGB", (300, 200), "teal").save(path)
    panel, image = begin(client, sentence="", picture=handle_file(str(path)))
    with Image.open(image) as opened:
        assert opened.size == (300, 200)
    assert panel["text"] == ""


def test_a_title_is_given_and_taken_back(client: Client) -> None:
    story_id = begin(client)[0]["story_id"]
    named = client.predict(story_id=story_id, title=" The  key ", api_name="/rename")
    assert named["title"] == "The key"
    named = client.predict(story_id=story_id, title="", api_name="/rename")
    assert named["title"].startswith("Late one evening")


def test_progress_is_told_and_a_stopped_turn_leaves_no_trace(
    client: Client, store: SessionStore
) -> None:
    story_id = begin(client)[0]["story_id"]
    job = client.submit(story_id=story_id, steps=50, api_name="/continue_story")
    deadline = time.monotonic() + 60
    while not any(step[0]["state"] == "painting" for step in job.outputs()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert client.predict(story_id=story_id, api_name="/stop") is True
    with pytest.raises(AppError, match="Stopped"):
        job.result(timeout=30)
    states = [step[0]["state"] for step in job.outputs()]
    # A phase may be over before anybody looks, but none comes before an earlier one.
    order = ["waiting", "opening", "remembering", "writing", "painting"]
    ranks = [order.index(state) for state in states]
    assert ranks == sorted(ranks) and len(set(ranks)) > 1
    # And the words are there before the image is begun.
    assert all(step[0]["text"] for step in job.outputs() if step[0]["state"] == "painting")
    assert len(store.open(story_id).tree) == 1
    assert client.predict(story_id=story_id, api_name="/stop") is False


def test_two_readers_are_served_at_once_and_looking_around_never_waits(url: str) -> None:
    first, second = Client(url, verbose=False), Client(url, verbose=False)
    one, other = begin(first)[0]["story_id"], begin(second)[0]["story_id"]
    long = first.submit(story_id=one, steps=50, api_name="/continue_story")
    while not long.outputs():
        time.sleep(0.02)
    quick = second.submit(story_id=other, steps=1, api_name="/continue_story")
    start = time.monotonic()
    second.predict(story_id=other, api_name="/open_story")
    second.predict(story_id=other, api_name="/outline")
    looking = time.monotonic() - start
    assert not long.done(), "The turn was too short to show anything."
    assert looking < 3
    with pytest.raises(AppError, match="still working"):
        first.predict(story_id=one, steps=1, api_name="/continue_story")
    assert quick.result(timeout=60)[0]["state"] == "done"
    assert not long.done(), "The second reader had to wait for the first."
    assert long.result(timeout=60)[0]["state"] == "done"


BAD_TEXTS = {
    "x" * 100_000: "100,000 characters",
    "Привет, маленькая лиса": "English only",
    "🦊🦊": "no words",
    "<img> hello": "mark that only the storyteller uses",
    "a </img> b": "mark that only the storyteller uses",
    "a <img_00003> b": "mark that only the storyteller uses",
    "[INST] hello": "mark that only the storyteller uses",
    "<s> hello": "mark that only the storyteller uses",
    "": "begins with a picture or a sentence",
    "  \n ": "begins with a picture or a sentence",
}


@pytest.mark.parametrize("text", BAD_TEXTS, ids=lambda text: repr(text[:12]))
def test_unreadable_text_is_refused_with_a_sentence(client: Client, text: str) -> None:
    with pytest.raises(AppError, match=BAD_TEXTS[text]):
        begin(client, sentence=text)


@pytest.mark.parametrize(
    "changes",
    [
        {"temperature": -1},
        {"temperature": "hot"},
        {"top_p": 0},
        {"top_p": 7},
        {"seed": 1.5},
        {"seed": -3},
        {"steps": 0},
        {"steps": 10_000},
        {"guidance": 1e9},
    ],
    ids=str,
)
def test_impossible_numbers_are_refused_by_name(client: Client, changes: dict[str, Any]) -> None:
    with pytest.raises(AppError, match=f"{next(iter(changes))} is .*; it must be"):
        begin(client, **changes)


@pytest.mark.parametrize(
    "story_id",
    ["", "x", "../../etc/passwd", "..%2f..%2fetc", "A" * 22, "a" * 100_000, "\x00" * 20, ".trash"],
    ids=lambda text: repr(text[:12]),
)
def test_foreign_story_ids_find_nothing(client: Client, story_id: str) -> None:
    for endpoint in ("/open_story", "/outline", "/stop", "/continue_story"):
        with pytest.raises(AppError, match="There is no story under this address"):
            client.predict(story_id=story_id, api_name=endpoint)


def test_foreign_panels_are_named(client: Client) -> None:
    story_id = begin(client)[0]["story_id"]
    for panel_id, said in (("p99", "no page p99"), ("../p1", "no such page")):
        with pytest.raises(AppError, match=said):
            client.predict(story_id=story_id, panel_id=panel_id, api_name="/continue_story")


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("empty.png", b"", "empty"),
        ("letter.png", b"Dear reader, " * 20, "could not be read"),
        ("page.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "could not be read"),
        ("run.exe", bytes(range(7, 7 + 64)), "could not be read"),
    ],
)
def test_files_that_are_no_images_are_refused(
    client: Client, tmp_path: Path, name: str, data: bytes, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(AppError, match=said):
        begin(client, picture=handle_file(str(path)))


def test_cut_off_and_huge_images_are_refused(client: Client, tmp_path: Path) -> None:
    whole = tmp_path / "whole.png"
    Image.effect_noise((200, 200), 90).save(whole)
    cut = tmp_path / "cut.png"
    cut.write_bytes(whole.read_bytes()[:5000])
    wide = tmp_path / "wide.png"
    Image.new("1", (30_000, 20)).save(wide)
    for path, said in ((cut, "damaged or cut off"), (wide, "30,000 x 20 pixels")):
        with pytest.raises(AppError, match=said):
            begin(client, picture=handle_file(str(path)))


def test_a_file_of_the_server_cannot_be_named_as_an_image(url: str, tmp_path: Path) -> None:
    # By hand, for gradio_client would upload the file first.
    foreign = tmp_path / "somebody-elses.png"
    Image.new("RGB", (64, 64)).save(foreign)
    image = {"path": str(foreign), "meta": {"_type": "gradio.FileData"}}
    data = ["", image, "", False, None, None, None, 1, None]
    answer = httpx.post(f"{url}gradio_api/call/begin", json={"data": [*data, None, None]})
    assert answer.status_code == 422 and "uploaded here" in answer.text


def test_an_error_of_ours_is_logged_and_told_without_a_traceback(
    client: Client,
    store: SessionStore,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    story_id = begin(client)[0]["story_id"]

    def broken(*args: object, **named: object) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(store.engine, "turn", broken)
    with pytest.raises(AppError, match="went wrong on our side") as caught:
        client.predict(story_id=story_id, steps=1, api_name="/continue_story")
    assert "secret" not in str(caught.value) and caught.value.title == "Error"
    assert any("a secret detail" in (record.exc_text or "") for record in caplog.records)


@pytest.mark.parametrize("kind", [InputError, StorageError, DeviceFullError])
def test_an_error_says_its_kind_also_if_it_comes_from_the_turn(
    client: Client,
    store: SessionStore,
    monkeypatch: pytest.MonkeyPatch,
    kind: type[Exception],
    caplog: pytest.LogCaptureFixture,
) -> None:
    story_id = begin(client)[0]["story_id"]

    def broken(*args: object, **named: object) -> None:
        raise kind("The kite is torn.")

    monkeypatch.setattr(store.engine, "turn", broken)
    caplog.set_level("INFO", "seedstory_core.jobs")
    with pytest.raises(AppError, match="The kite is torn") as caught:
        client.predict(story_id=story_id, steps=1, api_name="/continue_story")
    assert caught.value.title == kind.__name__
    assert "The kite is torn." in caplog.text and "Traceback" not in caplog.text
    with pytest.raises(AppError) as caught:
        client.predict(story_id="nobody", api_name="/outline")
    assert caught.value.title == "StoryNotFoundError"


def test_a_story_that_never_got_a_panel_leaves_no_folder(
    client: Client, store: SessionStore
) -> None:
    before = {summary.id for summary in store.archive.list()}
    job = client.submit(sentence=SENTENCE, steps=50, api_name="/begin")
    while not any(step[0]["state"] == "painting" for step in job.outputs()):
        time.sleep(0.02)
    story_id = job.outputs()[0][0]["story_id"]
    client.predict(story_id=story_id, api_name="/stop")
    with pytest.raises(AppError, match="Stopped"):
        job.result(timeout=30)
    assert {summary.id for summary in store.archive.list()} == before


def test_the_endpoints_are_the_documented_ones(client: Client, store: SessionStore) -> None:
    page = (PROJECT_ROOT / "docs" / "api.md").read_text("utf-8")
    assert page == reference(store)
    named = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(named) == set(re.findall(r"^### `(/\w+)`$", page, re.M))
    for name, endpoint in Api(store, JobQueue(store), ()).endpoints().items():
        about, meanings, returns = get_function_description(endpoint)
        assert about and returns and all(meanings.values()), name
        parameters = [one["parameter_name"] for one in named[f"/{name}"]["parameters"]]
        assert parameters == list(meanings), name


def test_the_published_layout_is_served_by_the_same_page(tmp_path: Path) -> None:
    config = reference_config(COPY)
    config.runtime.stories_folder = str(tmp_path)
    with served(build_store(config)) as address:
        client = Client(address, verbose=False)
        panel, _ = begin(
            client,
            sentence="Mina the mouse found a red kite in the garden.",
            picture=handle_file(COPY / "expected" / "inputs" / "s0_p0.png"),
            keep_words=True,
        )
        second, image = client.predict(
            story_id=panel["story_id"], temperature=0, steps=2, api_name="/continue_story"
        )
        # What the released code writes here, from the same weights.
        assert second["text"] == "The wind pulled the kite over the tall gate."
        with Image.open(image) as opened:
            assert opened.size == (64, 64)
        assert client.predict(api_name="/openings") == []
        client.close()
