"""A tale for people who may only read it, and what a pasted link shows of it."""

from __future__ import annotations

import gzip
import html
import io
import re
from collections.abc import Iterator
from pathlib import Path

import gradio
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from demo.addresses import studio_url
from demo.build import make_visitors
from demo.front import Front, complete
from demo.openings import load_openings
from demo.previews import Preview
from demo.routes import routes
from seedstory_core import SessionStore, reading_key_of
from seedstory_core.jobs import JobQueue
from seedstory_core.story.tree import Panel
from tests.core.test_export import ATTACK, Reader
from tests.helpers.told_stories import Shelf, branched_story

GRADIO = Path(gradio.__file__).parent / "templates" / "frontend"
DOCUMENT = (GRADIO / "index.html").read_text("utf-8")
"""Gradio's own, of the installed version, before its values are filled in."""


def app_of(store: SessionStore, document: str = DOCUMENT) -> Starlette:
    """Return the studio's routes behind the middleware, with a document at `/`."""

    def front(request: Request) -> Response:
        return HTMLResponse(document)

    def elsewhere(request: Request) -> Response:
        return RedirectResponse("./")

    openings = load_openings(store.config.runtime.openings_folder)
    own = routes(store, JobQueue(store), make_visitors(store.config))
    return Starlette(
        routes=[Route("/", front), Route("/elsewhere", elsewhere), *own],
        middleware=[Middleware(Front, store=store, openings=openings)],
    )


@pytest.fixture
def client(store: SessionStore) -> Iterator[TestClient]:
    with TestClient(app_of(store), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def shelf(store: SessionStore) -> Shelf:
    return branched_story(store.archive)


def metas(page: str) -> dict[str, str]:
    """Return the `<meta>` elements by name; a name that is there twice is an error."""
    found: dict[str, str] = {}
    for tag, attrs in Reader(page).tags:
        name = attrs.get("property") or attrs.get("name")
        if tag == "meta" and name:
            assert name not in found, name
            found[name] = str(attrs.get("content"))
    return found


# The tale


def test_a_tale_can_be_read_and_its_pictures_fetched(client: TestClient, shelf: Shelf) -> None:
    answer = client.get(f"/read/{reading_key_of(shelf.story_id)}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = Reader(answer.text)
    sections = [attrs["id"] for tag, attrs in page.tags if tag == "section"]
    assert {panel.id for panel in shelf.tree} == {*sections} - {"map"}
    sources = {str(attrs["src"]) for tag, attrs in page.tags if tag == "img"}
    for source in sources:
        picture = client.get(f"/read/{source}")
        assert picture.status_code == 200, source
        if source.endswith(".svg"):
            continue
        assert picture.headers["content-type"] == "image/webp"
        assert picture.headers["cache-control"] == "private, max-age=31536000, immutable"
        side = max(Image.open(io.BytesIO(picture.content)).size)
        assert side == (192 if source.endswith("?small") else 256)


def test_nothing_that_a_reader_gets_holds_the_storys_id(client: TestClient, shelf: Shelf) -> None:
    key = reading_key_of(shelf.story_id)
    picture = f"/read/{key}/pictures/{shelf.tree.panel('p1').image_name}"
    nothing = f"/read/{key}/pictures/p1-00000000.png"
    for address in (f"/read/{key}", picture, f"{picture}?small", nothing, f"/read/{key[:-1]}"):
        answer = client.get(address)
        assert shelf.story_id not in str(answer.headers) and shelf.story_id not in str(answer.url)
        assert shelf.story_id.encode() not in answer.content
    shown = client.get("/", params={"fork": key}).text
    assert shelf.story_id not in shown and f"read/{key}" in shown


def test_every_page_can_be_gone_on_from(client: TestClient, shelf: Shelf) -> None:
    key = reading_key_of(shelf.story_id)
    page = Reader(client.get(f"/read/{key}").text)
    forks = [str(attrs["href"]) for _, attrs in page.tags if "?fork=" in str(attrs.get("href"))]
    for panel in shelf.tree:
        assert f"../?fork={key}&panel={panel.id}" in forks
    assert "Make my own from here" in page.text


def test_a_link_to_a_tale_has_a_preview(client: TestClient, shelf: Shelf) -> None:
    key = reading_key_of(shelf.story_id)
    address = f"http://testserver/read/{key}"
    found = metas(client.get(f"/read/{key}").text)
    assert found["og:title"] == shelf.tree.title == found["twitter:title"]
    assert shelf.tree.panel("p1").text.startswith(found["og:description"].removesuffix(" …"))
    assert found["og:image"] == f"{address}/pictures/{shelf.tree.panel('p1').image_name}"
    assert found["og:url"] == address and found["og:type"] == "article"
    assert found["twitter:card"] == "summary_large_image"
    assert found["robots"] == "noindex"
    assert client.get(found["og:image"]).headers["content-type"] == "image/webp"


def test_an_unchanged_tale_is_not_sent_again(
    store: SessionStore, client: TestClient, shelf: Shelf
) -> None:
    address = f"/read/{reading_key_of(shelf.story_id)}"
    first = client.get(address)
    assert first.headers["cache-control"] == "private, no-cache"
    known = {"If-None-Match": first.headers["etag"]}
    again = client.get(address, headers=known)
    assert again.status_code == 304 and not again.content
    store.open(shelf.story_id).rename("Another title")
    assert "Another title" in client.get(address, headers=known).text


@pytest.mark.parametrize("key", ["r." + "0" * 32, "nobody", "r.<b>", "%00", "{story}"])
def test_where_no_tale_is_a_page_says_so(client: TestClient, shelf: Shelf, key: str) -> None:
    # Not even the id opens it here: a link that was made for readers stays one for readers.
    answer = client.get(f"/read/{key.format(story=shelf.story_id)}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "There is no tale here" in answer.text and 'href="../"' in answer.text
    assert "<b>" not in answer.text and "Traceback" not in answer.text


def test_a_deleted_tale_is_gone_with_its_pictures(
    store: SessionStore, client: TestClient, shelf: Shelf
) -> None:
    address = f"/read/{reading_key_of(shelf.story_id)}"
    picture = f"{address}/pictures/{shelf.tree.panel('p1').image_name}"
    assert client.get(picture).status_code == client.get(address).status_code == 200
    store.archive.delete(shelf.story_id)
    assert client.get(picture).status_code == client.get(address).status_code == 404


def test_only_pictures_that_the_tale_shows_are_given_out(
    store: SessionStore, client: TestClient, shelf: Shelf
) -> None:
    address = f"/read/{reading_key_of(shelf.story_id)}/pictures"
    last = shelf.tree.newest
    assert last is not None and client.get(f"{address}/{last.image_name}").status_code == 200
    store.open(shelf.story_id).remove_branch(last.id)
    names = (str(last.image_name), "story.json", "p1.json", "p1-00000000.png", "..%2fstory.json")
    for name in names:
        assert client.get(f"{address}/{name}").status_code == 404, name


def test_a_missing_or_damaged_picture_leaves_a_gap(
    store: SessionStore, client: TestClient, shelf: Shelf
) -> None:
    address = f"/read/{reading_key_of(shelf.story_id)}"
    one, two = (str(shelf.tree.panel(i).image_name) for i in ("p1", "p2"))
    store.archive._files.write(f"{shelf.story_id}/{one}", b"damaged")
    store.archive._files.remove(f"{shelf.story_id}/{two}")
    assert client.get(address).status_code == 200
    for name, status in ((one, 503), (two, 404)):
        answer = client.get(f"{address}/pictures/{name}")
        assert answer.status_code == status
        assert answer.headers["content-type"] == "image/svg+xml"
        assert answer.headers["cache-control"] == "no-store"
        assert "This picture could not" in answer.text


def test_a_page_that_cannot_be_read_leaves_a_gap(
    store: SessionStore, client: TestClient, shelf: Shelf
) -> None:
    store.archive._files.write(f"{shelf.story_id}/p3.json", b"damaged")
    answer = client.get(f"/read/{reading_key_of(shelf.story_id)}")
    assert answer.status_code == 200
    part = answer.text[answer.text.index('id="p3"') : answer.text.index('id="p4"')]
    assert 'class="gap"' in part and "Turn the page" in part


def test_a_disk_that_fails_is_no_missing_tale(
    store: SessionStore, client: TestClient, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: str) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(store.archive._files, "read", fail)
    monkeypatch.setattr(store.archive._files, "names", fail)
    answer = client.get(f"/read/{reading_key_of(shelf.story_id)}")
    assert answer.status_code == 503 and "cannot be read just now" in answer.text
    assert shelf.story_id not in answer.text


def test_hostile_words_are_text(store: SessionStore, client: TestClient, shelf: Shelf) -> None:
    session = store.open(shelf.story_id)
    session.tree.title = '"><script>alert(1)</script>'
    session.tree.replace(Panel("p1", None, ATTACK, image_name=session.tree.panel("p1").image_name))
    key = reading_key_of(shelf.story_id)
    for address in (f"/read/{key}", f"/?story={shelf.story_id}", f"/?fork={key}"):
        answer = client.get(address)
        read = Reader(answer.text)
        assert answer.status_code == 200 and "alert(1)" in read.text
        assert not any(name.startswith("on") for _, attrs in read.tags for name in attrs)
        assert "<script>alert" not in answer.text
        assert metas(answer.text)["og:title"].startswith('"><script>')


def test_addresses_hold_behind_a_path_prefix(store: SessionStore, shelf: Shelf) -> None:
    key = reading_key_of(shelf.story_id)
    for prefix in ("/studio", ""):
        with TestClient(app_of(store), root_path=prefix) as client:
            page = client.get(f"{prefix}/read/{key}").text
            found = metas(page)
            assert found["og:url"] == f"http://testserver{prefix}/read/{key}"
            assert found["og:image"].startswith(f"http://testserver{prefix}/read/{key}/pictures/")
            own = [attrs.get("href") or attrs.get("src") for _, attrs in Reader(page).tags]
            assert not any(str(address).startswith("/") for address in own)
            front = metas(client.get(f"{prefix}/", params={"story": shelf.story_id}).text)
            assert front["og:image"] == found["og:image"]


@pytest.mark.parametrize(
    ("headers", "root", "address"),
    [
        ({}, "", "http://here:7860/"),
        ({}, "/studio", "http://here:7860/studio/"),
        ({}, "https://there.example/studio", "https://there.example/studio/"),
        ({"x-forwarded-proto": "https, http"}, "", "https://here:7860/"),
        ({"x-forwarded-host": "there.example, b"}, "/s", "http://there.example/s/"),
        ({"x-forwarded-host": '"><b>'}, "", "http://here:7860/"),
        ({"x-forwarded-proto": "javascript"}, "", "http://here:7860/"),
        ({"host": "[::1]:7860"}, "", "http://[::1]:7860/"),
        ({"host": '"'}, "", "http://localhost/"),
    ],
)
def test_the_whole_address_is_what_the_visitor_sees(
    headers: dict[str, str], root: str, address: str
) -> None:
    sent = {"host": "here:7860", **headers}
    raw = [(name.encode(), value.encode()) for name, value in sent.items()]
    assert studio_url({"scheme": "http", "headers": raw, "root_path": root}) == address


# The front page


def test_the_front_page_has_a_title_and_a_preview_of_its_own(client: TestClient) -> None:
    page = client.get("/").text
    found = metas(page)
    assert page.count("<title>") == 1 and "<title>SEED-Story Studio</title>" in page
    assert found["og:title"] == "SEED-Story Studio" and found["og:type"] == "website"
    assert found["og:url"] == "http://testserver/" and "robots" not in found
    assert client.get(found["og:image"]).headers["content-type"] == "image/webp"
    head = page[: page.index("<script")]
    assert "Gradio" not in head and "try out the app" not in head and "{url}" not in head


def test_a_link_into_a_story_shows_its_title_words_and_picture(
    client: TestClient, shelf: Shelf
) -> None:
    page = client.get("/", params={"story": shelf.story_id, "panel": "p3"}).text
    found = metas(page)
    assert found["og:title"] == shelf.tree.title
    assert f"<title>{html.escape(shelf.tree.title)} – SEED-Story Studio</title>" in page
    assert shelf.tree.panel("p1").text.startswith(found["og:description"].removesuffix(" …"))
    assert client.get(found["og:image"]).headers["content-type"] == "image/webp"
    assert found["robots"] == "noindex"
    # A preview is kept by many; the address with which one may write is not spread by it.
    assert shelf.story_id not in str(found)


@pytest.mark.parametrize("query", ["?story=nobody", "?fork=r.0", "?story=%00&fork=", "?story=a;b"])
def test_a_link_into_no_story_shows_the_studios_own(client: TestClient, query: str) -> None:
    assert metas(client.get(f"/{query}").text)["og:title"] == "SEED-Story Studio"


def test_without_javascript_the_shelf_can_be_seen(client: TestClient, shelf: Shelf) -> None:
    page = client.get("/").text
    (part,) = re.findall(r"<noscript>.*?</noscript>", page, re.S)
    openings = load_openings("assets/openings")
    assert len(openings) > 5
    for opening in openings:
        assert html.unescape(part).count(opening.sentence) == 1
        assert client.get(opening.url).status_code == 200
    assert "JavaScript" in part and page.index("<noscript>") < page.index("<gradio-app")
    story = client.get("/", params={"story": shelf.story_id}).text
    assert f'href="read/{reading_key_of(shelf.story_id)}"' in story


def test_long_documents_are_compressed(store: SessionStore, shelf: Shelf) -> None:
    with TestClient(app_of(store, DOCUMENT + "<!-- words -->" * 9999)) as client:
        for address in ("/", f"/read/{reading_key_of(shelf.story_id)}"):
            answer = client.get(address, headers={"Accept-Encoding": "gzip"})
            assert answer.headers["content-encoding"] == "gzip"
            assert int(answer.headers["content-length"]) < len(answer.content) / 2
            plain = client.get(address, headers={"Accept-Encoding": "identity"})
            assert "content-encoding" not in plain.headers
            assert plain.content == answer.content
            assert int(plain.headers["content-length"]) == len(plain.content)
        picture = f"/read/{reading_key_of(shelf.story_id)}/pictures/p1-00000000.png"
        for address in (picture, "/studio/style.css"):
            assert "content-encoding" not in client.get(address).headers


@pytest.mark.parametrize(
    "document",
    [
        "",
        "<p>Gradio is updating.</p>",
        DOCUMENT.replace("<gradio-app", "<other-app"),
        DOCUMENT.replace('<meta charset="utf-8" />', ""),
        DOCUMENT.replace("<script", "<noscript"),
    ],
)
def test_a_document_that_looks_different_is_left_as_it_is(
    store: SessionStore, document: str
) -> None:
    with TestClient(app_of(store, document)) as client:
        assert client.get("/").text == document


def test_a_document_of_gradios_other_kind_is_completed() -> None:
    share = (GRADIO / "share.html").read_text("utf-8")
    preview = Preview(r"A \1 & <b>", "Words.", "https://a.example/x.webp", "https://a.example/")
    page = complete(share, preview, "<noscript>shelf</noscript>")
    found = metas(page)
    assert found["og:title"] == r"A \1 & <b>" and "<noscript>shelf</noscript>" in page
    assert page.endswith(share[share.index("<gradio-app") :])
    titled = complete(share.replace("<head>", "<head><title>x</title>"), preview, "")
    assert re.findall("<title>.*?</title>", titled)[0].startswith("<title>A ")


def test_other_answers_pass_unchanged(store: SessionStore, client: TestClient) -> None:
    assert client.head("/").status_code in (200, 405)
    assert client.get("/elsewhere", follow_redirects=False).status_code == 307
    assert client.get("/nothing").status_code == 404
    compressed = gzip.compress(DOCUMENT.encode())

    def front(request: Request) -> Response:
        return Response(compressed, headers={"Content-Encoding": "gzip"}, media_type="text/html")

    app = Starlette(
        routes=[Route("/", front)], middleware=[Middleware(Front, store=store, openings=())]
    )
    with TestClient(app) as other:
        assert other.get("/").text == DOCUMENT


def test_a_preview_that_fails_breaks_no_page(
    store: SessionStore, client: TestClient, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(story_id: str) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(store, "open", fail)
    assert client.get("/", params={"story": shelf.story_id}).text == DOCUMENT
