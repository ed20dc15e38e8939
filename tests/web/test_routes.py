"""The routes beside the page serve a story's files, and nothing else."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from demo.build import make_visitors
from demo.routes import routes
from seedstory_core.engine import TurnRequest
from seedstory_core.jobs import JobQueue
from seedstory_core.session import SessionStore
from seedstory_core.story.importing import bring_in
from tests.helpers.told_stories import branched_story


@pytest.fixture
def client(store: SessionStore) -> Iterator[TestClient]:
    with TestClient(
        Starlette(routes=routes(store, JobQueue(store), make_visitors(store.config))),
        raise_server_exceptions=False,
    ) as client:
        yield client


def test_a_page_can_ask_what_became_of_its_turn(store: SessionStore) -> None:
    queue = JobQueue(store)
    visitors = make_visitors(store.config)
    client = TestClient(Starlette(routes=routes(store, queue, visitors)))
    story_id = store.create().story_id
    assert client.get(f"/turns/{story_id}").json() == {"job": ""}
    job = queue.submit("turn", story_id, None, TurnRequest("Mira waves."), ticket="mine")
    for key in (story_id, "mine"):
        found = client.get(f"/turns/{key}").json()
        assert (found["job"], found["story"]) == (job.id, story_id)
    assert job.ended.wait(60)
    answer = client.get(f"/turns/{story_id}")
    turn = answer.json()
    assert turn["ended"] and turn["version"] == job.progress.version and 0 <= turn["age"] < 60
    assert answer.headers["cache-control"] == "no-store"
    assert client.get("/turns/nobody").json() == {"job": ""}


def test_the_page_is_told_what_the_storyteller_has_in_view(
    store: SessionStore, client: TestClient
) -> None:
    shelf = branched_story(store.archive)
    path = [panel.id for panel in shelf.tree.path("p6")]
    found = client.get(f"/sights/{shelf.story_id}/p6").json()
    assert list(found["sights"]) == path
    policies = {one["name"]: one for one in found["policies"]}
    assert policies["dense"]["seen"] == found["rows"] <= policies["dense"]["seen_later"]
    assert found["policy"] in policies
    lens = client.get(f"/sights/{shelf.story_id}/p6/p2").json()
    assert "".join(text for text, _ in lens["words"]) == shelf.tree.panel("p2").text
    assert 0 < lens["image_seen"] <= lens["image_rows"]
    assert client.get(f"/sights/{shelf.story_id}/p6/p99").status_code == 404
    assert client.get("/sights/nobody/p1").status_code == 404


def test_nothing_is_waited_for_before_the_models_are_there(
    store: SessionStore, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = branched_story(store.archive)
    monkeypatch.setattr(type(store.handle), "is_ready", False)
    assert client.get(f"/sights/{shelf.story_id}/p6").json() == {}


def test_images_come_large_and_small(store: SessionStore, client: TestClient) -> None:
    shelf = branched_story(store.archive)
    name = shelf.tree.panel("p1").image_name
    address = f"/pictures/{shelf.story_id}/{name}"
    large, small = client.get(address), client.get(f"{address}?small")
    assert Image.open(io.BytesIO(large.content)).size == (256, 256)
    assert max(Image.open(io.BytesIO(small.content)).size) == 192
    assert len(small.content) < len(large.content)
    page = client.get(f"{address}?page")
    assert page.headers["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(page.content)).size == (256, 256)
    assert len(page.content) < len(large.content) / 2
    for answer in (large, small, page):
        assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"


def test_a_story_is_taken_home_as_a_book_or_as_everything(
    store: SessionStore, client: TestClient
) -> None:
    shelf = branched_story(store.archive)
    book = client.get(f"/take/{shelf.story_id}/p3.html")
    assert book.headers["content-type"].startswith("text/html")
    assert book.headers["content-disposition"].endswith('.html"')
    assert book.headers["cache-control"] == "private, no-cache"
    everything = client.get(f"/take/{shelf.story_id}/p3.zip")
    with zipfile.ZipFile(io.BytesIO(everything.content)) as content:
        assert content.testzip() is None
    whole = client.get(f"/take/{shelf.story_id}/p3.story")
    assert whole.headers["content-disposition"].endswith('.story.zip"')
    back = bring_in(store.archive, whole.content)
    assert back.notes == () and store.open(back.header.id).tree == shelf.tree


@pytest.mark.parametrize(
    "address",
    [
        "/take/{story}/p3.exe",
        "/take/{story}/p3.html%0d%0aX-Bad:%20yes",
        "/take/{story}/p99.html",
        "/take/nobody-knows-this-story/p1.html",
        "/pictures/{story}/story.json",
        "/pictures/{story}/..%2fstory.json",
        "/pictures/{story}/p1.json",
        "/pictures/{story}/p9-00000000.png",
        "/studio/../app.py",
        "/studio/%2e%2e/app.py",
        "/studio/tiny/vae.safetensors",
        "/studio/%00.css",
        "/studio/nothing.css",
    ],
)
def test_anything_else_is_not_found(store: SessionStore, client: TestClient, address: str) -> None:
    shelf = branched_story(store.archive)
    answer = client.get(address.format(story=shelf.story_id))
    assert answer.status_code == 404
    assert "x-bad" not in answer.headers and "Traceback" not in answer.text
    assert len(answer.text) < 200


def test_a_failing_disk_is_no_missing_page(
    store: SessionStore, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = branched_story(store.archive)
    name = shelf.tree.panel("p1").image_name

    def fail(path: str) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(store.archive._files, "read", fail)
    for address in (f"/pictures/{shelf.story_id}/{name}", f"/take/{shelf.story_id}/p3.zip"):
        answer = client.get(address)
        assert answer.status_code == 503, answer.text
        assert "could not be read" in answer.text and "Traceback" not in answer.text


def test_a_damaged_picture_is_a_sentence_and_on_the_page_a_picture_that_says_so(
    store: SessionStore, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    shelf = branched_story(store.archive)
    one, two = (shelf.tree.panel(i).image_name for i in ("p1", "p2"))
    address = f"/pictures/{shelf.story_id}/{one}"
    whole = store.archive.image_bytes(shelf.story_id, str(one))
    swapped = store.archive.image_bytes(shelf.story_id, str(two))
    for data in (whole[:-30], b"", b"GIF89a", whole[:99] + b"x" + whole[100:], swapped):
        store.archive._files.write(f"{shelf.story_id}/{one}", data)
        for query in ("", "?small"):
            answer = client.get(address + query)
            assert answer.status_code == 503
            assert answer.text.startswith(f"The file {one} of this story is ")
            answer = client.get(address + query, headers={"accept": "image/svg+xml,image/*;q=0.8"})
            assert answer.status_code == 503 and answer.headers["cache-control"] == "no-store"
            assert answer.headers["content-type"] == "image/svg+xml"
            assert "This picture could not" in answer.text
    assert "Traceback" not in caplog.text
    store.archive._files.write(f"{shelf.story_id}/{one}", whole)
    assert client.get(f"{address}?small").status_code == 200


def test_the_stylesheet_is_asked_for_anew(client: TestClient) -> None:
    answer = client.get("/studio/style.css")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"


def test_a_download_keeps_a_title_of_any_script(store: SessionStore, client: TestClient) -> None:
    shelf = branched_story(store.archive)
    store.open(shelf.story_id).rename("きつねの凧")
    said = client.get(f"/take/{shelf.story_id}/p1.zip").headers["content-disposition"]
    assert said.startswith("attachment; filename=\"story.zip\"; filename*=UTF-8''%E3%81%8D")
