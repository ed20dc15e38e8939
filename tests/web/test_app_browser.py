"""The page in a real browser, served by `python app.py`.

One reader's whole visit, then what may go wrong. Run with `pytest -m browser`; the untrained or
the shipped tiny weights do equally well, for nothing here looks at what is told.
"""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from demo.render import typeset
from seedstory_core.config import StudioConfig
from seedstory_core.story.archive import StoryArchive
from tests.helpers.studio import CHROMIUM, Server
from tests.helpers.told_stories import branched_story

playwright_api = pytest.importorskip("playwright.sync_api")
expect = playwright_api.expect
Page = Any

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"There is no {CHROMIUM} here."),
]
PATIENCE_MS = 40_000
TURN_MS = 240_000
HELD_STEPS = 60
"""As many seconds until a held turn ends by itself; more than any test here needs meanwhile."""
GO_ON = ":is(#go-on, #another):visible"
"""The button that tells the next page, or another one where there is one already."""
LOST = "Connection to the server was lost."
"""Gradio's own sentence."""
expect.set_options(timeout=PATIENCE_MS)


def slow(value: Any) -> Any:
    """Return a case that only `make test-all` tries, because another one is like it."""
    return pytest.param(value, marks=pytest.mark.slow)


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("browser") / "stories"


@pytest.fixture(scope="module")
def server(tiny_config: StudioConfig, stories: Path) -> Iterator[Server]:
    server = Server(tiny_config, stories, "detokenizer.num_inference_steps=2", can_hold=True)
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def slow_server(
    tiny_config: StudioConfig, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Tells one turn at a time, and keeps it in the middle until the test lets it go."""
    stories = tmp_path_factory.mktemp("slow") / "stories"
    steps = f"detokenizer.num_inference_steps={HELD_STEPS}"
    server = Server(tiny_config, stories, steps, "runtime.max_turns=1", can_hold=True)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def held_server(slow_server: Server) -> Iterator[Server]:
    slow_server.hold()
    yield slow_server
    slow_server.let_go()


@pytest.fixture
def page(browser: Any) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 850})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()
    assert not problems


def panel_id(page: Page) -> str:
    return str(page.locator(".page-current:visible").first.get_attribute("id")).removeprefix(
        "page-"
    )


def wait_for_panel(page: Page, name: str) -> None:
    page.wait_for_selector(f"#page-{name}.page-current")
    page.wait_for_selector("body[data-busy='']")


def wait_for_connection(page: Page) -> None:
    """A page that missed its server takes no clicks until it has loaded itself again."""
    expect(page.get_by_text(LOST)).to_be_hidden()


def nodes(page: Page) -> list[str]:
    """Return the panels on the map."""
    found: list[str] = page.locator("#ribbon .node").evaluate_all(
        "nodes => nodes.map((node) => node.dataset.panel)"
    )
    return found


def open_told(page: Page, server: Server) -> int:
    """Open a new story with branches at its page 6; returns the number of pages."""
    story = branched_story(StoryArchive(str(server.stories)))
    page.goto(f"{server.url}?story={story.story_id}&panel=p6")
    wait_for_panel(page, "p6")
    return len(story.tree)


def test_a_whole_visit(page: Page, server: Server) -> None:
    page.goto(server.url)
    page.click("[data-do=choose][data-opening=mira]")
    page.wait_for_selector("[data-opening=mira][aria-pressed=true]")
    expect(page.locator("#sentence textarea")).to_have_value(re.compile("^One quiet evening"))
    page.click("#begin")
    # The first page is the card's; the storyteller goes on by itself.
    wait_for_panel(page, "p2")
    for number in range(3, 12):
        page.click("#go-on")
        wait_for_panel(page, f"p{number}")
    page.click("#write-own")
    page.fill("#line textarea", "then it starts to rain")
    page.click("#write")
    wait_for_panel(page, "p12")
    caption = page.locator("#page-p12 .caption")
    expect(caption.locator(".own")).to_have_text("then it starts to rain")
    expect(page.locator("#line textarea")).to_have_value("")

    # Three ways on, told at once and left where they are.
    page.click("#three-ways")
    page.wait_for_selector("#live .sketch >> nth=2")
    expect(page.locator(".page-current .way")).to_have_count(3)
    assert "panel=p12" in page.url

    # Back to page 4, and two branches from there.
    page.click("#ribbon [data-panel=p4]")
    wait_for_panel(page, "p4")
    assert "panel=p4" in page.url
    expect(page.locator("#turn-page")).to_be_visible()
    page.click("#another")
    wait_for_panel(page, "p16")
    page.keyboard.press("ArrowLeft")
    wait_for_panel(page, "p4")
    page.click("#write-own")
    page.fill("#line textarea", "A balloon came down.")
    page.check("#keep-words input")
    page.click("#write")
    wait_for_panel(page, "p17")
    expect(page.locator("#page-p17 .caption")).to_have_text("A balloon came down.")
    page.click(".page-tools [data-do=again]")
    page.wait_for_selector("#ribbon [data-panel=p18]")
    wait_for_panel(page, "p18")

    # A turn stopped midway leaves no trace, and the words typed for it stay.
    drawer = page.locator("#knobs-drawer")
    drawer.locator(".label-wrap").click()
    # Gradio mounts what is in a drawer when it opens, and a slider then sets its own value once.
    page.wait_for_timeout(1000)
    steps = drawer.get_by_label("number input for Painting steps")
    steps.fill("50")
    steps.press("Tab")
    expect(steps).to_have_value("50")
    drawer.locator(".label-wrap").click()
    page.click("#write-own")
    page.fill("#line textarea", "the wind grows")
    page.uncheck("#keep-words input")
    server.hold()
    page.click("#write")
    page.wait_for_selector("#live .gauge[aria-valuenow]")
    page.click("#stop")
    expect(page.locator(".notice")).to_contain_text("Stopped")
    server.let_go()
    wait_for_panel(page, "p18")
    expect(page.locator("#line textarea")).to_have_value("the wind grows")
    everything = nodes(page)
    assert sorted(everything) == sorted(f"p{n}" for n in range(1, 19))

    page.click("[data-do=edit-title]")
    page.fill(".title-input", "Mira drums")
    page.keyboard.press("Enter")
    expect(page.locator(".title")).to_have_text("Mira drums")
    page.keyboard.press("v")
    told = page.locator("#book .caption").all_inner_texts()
    assert len(told) == 5

    page.reload()
    wait_for_panel(page, "p18")
    assert nodes(page) == everything
    server.kill()
    server.start()
    page.goto(page.url)
    wait_for_panel(page, "p18")
    assert nodes(page) == everything
    assert page.locator("#book .caption").all_inner_texts() == told
    expect(page.locator(".title")).to_have_text("Mira drums")
    expect(page.locator("#book img").first).to_have_js_property("complete", True)
    assert page.locator("#book img").first.evaluate("image => image.naturalWidth") >= 256
    page.keyboard.press("v")
    page.click("#go-on")
    wait_for_panel(page, "p19")

    # It lies on the shelf of the start page and opens from there.
    page.click(".masthead .brand")
    page.wait_for_selector("body[data-view=start]")
    assert "story=" not in page.url
    page.click(".spine:has-text('Mira drums') .spine-open")
    wait_for_panel(page, "p19")
    page.go_back()
    page.wait_for_selector("body[data-view=start]")


def test_a_reloaded_page_follows_the_running_turn(page: Page, held_server: Server) -> None:
    open_told(page, held_server)
    page.click(GO_ON)
    page.wait_for_selector("#live .gauge[aria-valuenow]")
    page.reload()
    page.wait_for_selector("body[data-live=turn] #live .page-live")
    held_server.let_go()
    page.wait_for_selector("body[data-live='']", timeout=TURN_MS)
    assert panel_id(page) not in {f"p{n}" for n in range(1, 7)}


def test_a_turn_that_ends_elsewhere_does_not_carry_the_reader_off(
    page: Page, held_server: Server
) -> None:
    size = open_told(page, held_server)
    page.click(GO_ON)
    page.wait_for_selector("#live .gauge[aria-valuenow]")
    page.click("#ribbon [data-panel=p1]")
    page.wait_for_selector("#page-p1.page-current")
    expect(page.locator(".elsewhere")).to_be_visible()
    held_server.let_go()
    expect(page.locator(".notice")).to_contain_text("Page 7 of the story is ready", timeout=TURN_MS)
    assert panel_id(page) == "p1"
    assert len(nodes(page)) == size + 1


def test_a_page_left_open_survives_a_restart(page: Page, server: Server) -> None:
    page.goto(server.url)
    page.fill("#sentence textarea", "Cleo the cat looked at the moon.")
    page.check("#keep-first input")
    page.click("#begin")
    wait_for_panel(page, "p1")
    server.kill()
    server.start()
    wait_for_connection(page)
    page.click(GO_ON)
    wait_for_panel(page, "p2")


@pytest.mark.parametrize("way", ["written", slow("reworded")])
def test_a_restart_in_the_middle_of_a_turn_names_it_and_loses_no_words(
    page: Page, held_server: Server, way: str
) -> None:
    size = open_told(page, held_server)
    if way == "written":
        field, lost = page.locator("#line textarea"), "Page 7 was lost"
        page.click("#write-own")
        field.fill("then it snows")
        page.click("#write")
        page.wait_for_selector("#live .gauge[aria-valuenow]")
    else:
        # Held by a turn of another story, for new words alone are told in a moment.
        other = page.context.new_page()
        open_told(other, held_server)
        other.click(GO_ON)
        other.wait_for_selector("#live .gauge[aria-valuenow]")
        field, lost = page.locator(".words-editor textarea"), "The other page 6 was lost"
        page.click(".page-current .caption")
        field.fill("then it snows")
        page.click("[data-do=put-words]")
        page.wait_for_selector("body[data-live=rewrite]")
    held_server.kill()
    expect(page.get_by_text(LOST)).to_be_visible()
    held_server.start()
    wait_for_connection(page)
    wait_for_panel(page, "p6")
    expect(page.locator(".notice")).to_contain_text(lost)
    expect(field).to_have_value("then it snows")
    if way == "reworded":
        expect(field).to_be_visible()
    assert len(nodes(page)) == size
    # It can be asked for again, and a reload does not speak of it any more.
    page.reload()
    wait_for_panel(page, "p6")
    expect(page.locator(".notice")).to_have_count(0)


def test_a_reload_in_a_turns_last_moment_shows_the_new_page(
    page: Page, held_server: Server
) -> None:
    size = open_told(page, held_server)
    address = page.url
    story = re.search(r"story=([^&]+)", address)
    assert story is not None
    page.click("#write-own")
    page.fill("#line textarea", "then it snows")
    page.click("#write")
    page.wait_for_selector("#live .gauge[aria-valuenow]")
    page.goto(f"{held_server.url}studio/logo.svg")  # away, in the same tab
    held_server.let_go()
    deadline = time.monotonic() + TURN_MS / 1000
    while not page.request.get(f"{held_server.url}turns/{story[1]}").json()["ended"]:
        assert time.monotonic() < deadline
    page.goto(address)
    page.wait_for_selector(f"#ribbon [data-panel=p{size + 1}]")
    wait_for_panel(page, f"p{size + 1}")
    expect(page.locator("#line textarea")).to_have_value("")
    # Whoever comes to that address afresh is at that page, and no one is carried off.
    other = page.context.new_page()
    other.goto(address)
    wait_for_panel(other, "p6")


@pytest.mark.parametrize("lost", [1, slow(2), slow(3)])
@pytest.mark.parametrize("how", [slow("502"), "cut"])
def test_a_lost_reply_leaves_no_page_waiting(
    page: Page, server: Server, lost: int, how: str
) -> None:
    """The replies to the click, to following the turn, and to asking for its outcome."""
    size = open_told(page, server)
    page.wait_for_timeout(3000)  # until the events of the arrival are over
    seen = []

    def reply(route: Any) -> None:
        seen.append(route)
        if len(seen) != lost:
            route.continue_()
            return
        if lost == 1:
            route.fetch()  # the turn has begun, and the page does not learn of it
        if how == "cut":
            route.abort()
        else:
            route.fulfill(status=502, content_type="text/html", body="<html>Bad Gateway</html>")

    page.route("**/queue/join*", reply)
    page.click(GO_ON)
    wait_for_panel(page, f"p{size + 1}")
    assert len(seen) >= lost
    page.unroute("**/queue/join*")
    page.click(GO_ON)
    wait_for_panel(page, f"p{size + 2}")


@pytest.mark.parametrize("way", [slow("sentence"), "card", slow("reload")])
def test_a_lost_reply_to_the_beginning_leaves_no_page_waiting(
    page: Page, server: Server, way: str
) -> None:
    page.goto(server.url)
    page.wait_for_selector("body[data-view=start]")
    page.wait_for_timeout(3000)  # until the events of the arrival are over
    if way == "card":
        page.click("[data-do=choose][data-opening=mira]")
        page.wait_for_selector("[data-opening=mira][aria-pressed=true]")
    else:
        page.fill("#sentence textarea", "Mira waves.")
        page.check("#keep-first input")
    page.wait_for_timeout(500)
    seen, lost = [], []

    def reply(route: Any) -> None:
        seen.append(route)
        if len(seen) > 1:
            route.continue_()
            return
        route.fetch()  # the story has begun, and the page does not learn of it
        route.abort()
        lost.append(route)

    page.route("**/queue/join*", reply)
    page.click("#begin")
    if way == "reload":
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while not lost:
            assert time.monotonic() < deadline
            page.wait_for_timeout(50)
        page.reload()
    # The first page of a card is whole, so the storyteller goes on by itself.
    wait_for_panel(page, "p2" if way == "card" else "p1")
    assert "story=" in page.url
    page.click(".masthead .brand")
    page.wait_for_selector("body[data-view=start]")
    expect(page.locator("#sentence textarea")).to_have_value("")


def test_a_lost_reply_to_the_arrival_leaves_no_page_empty(page: Page, server: Server) -> None:
    lost: list[Any] = []

    def reply(route: Any) -> None:
        if len(lost) < 2:  # the arrival, and whether the models are there
            lost.append(route)
            route.abort()
        else:
            route.continue_()

    page.route("**/queue/join*", reply)
    page.goto(server.url)
    page.wait_for_selector("body[data-view=start]", timeout=PATIENCE_MS)
    assert len(lost) == 2


@pytest.mark.parametrize("how", [slow("502"), "cut", slow("ends"), slow("silent")])
def test_a_lost_stream_leaves_no_page_waiting(page: Page, server: Server, how: str) -> None:
    """The stream of events is refused, cut off, ended as if all was well, or says nothing."""
    size = open_told(page, server)
    page.wait_for_timeout(3000)
    count = []

    def stream(route: Any) -> None:
        count.append(route)
        if len(count) > 1:
            route.continue_()
        elif how == "502":
            route.fulfill(status=502, content_type="text/html", body="<html>Bad Gateway</html>")
        elif how == "cut":
            route.abort()
        elif how == "ends":
            route.fulfill(status=200, content_type="text/event-stream", body="")

    page.route("**/queue/data*", stream)
    page.click(GO_ON)
    # A dead stream is only known by its silence, and then the page is loaded again.
    page.wait_for_selector(f"#page-p{size + 1}.page-current", timeout=TURN_MS)
    wait_for_panel(page, f"p{size + 1}")
    assert count
    page.click(GO_ON)
    wait_for_panel(page, f"p{size + 2}")


def test_two_readers_wait_in_line_and_see_their_place(
    page: Page, browser: Any, held_server: Server
) -> None:
    other = browser.new_context().new_page()
    other.set_default_timeout(PATIENCE_MS)
    sizes = [open_told(reader, held_server) for reader in (page, other)]
    page.click(GO_ON)
    page.wait_for_selector("#live .gauge[aria-valuenow]")
    other.click(GO_ON)
    expect(other.locator("#live .doing")).to_have_text("Waiting in line: 1 turn before yours")
    # Away and back: the page goes on watching its turn.
    page.click("#ribbon [data-panel=p1]")
    expect(page.locator(".elsewhere")).to_be_visible()
    page.click("#ribbon [data-panel=p6]")
    expect(page.locator("body")).to_have_attribute("data-live", "turn")
    page.click("#stop")
    # Now the other one's turn comes, and runs to its end.
    other.wait_for_selector("#live .gauge[aria-valuenow]")
    held_server.let_go()
    other.wait_for_selector("body[data-busy='']", timeout=TURN_MS)
    assert [len(nodes(page)), len(nodes(other))] == [sizes[0], sizes[1] + 1]
    other.context.close()


def test_bad_input_is_answered_and_nothing_typed_is_lost(
    page: Page, server: Server, tmp_path: Path
) -> None:
    page.goto(server.url)
    page.wait_for_selector("body[data-view=start]")
    notice = page.locator(".notice")
    page.click("#begin")
    expect(notice).to_contain_text("begins with a picture or a sentence")
    for text, said in (
        ("[INST] hello", "mark that only the storyteller uses"),
        ("🦊🦊🦊", "no words"),
        ("Жила-была лиса", "English only"),
        ("word " * 400, "1,999 characters"),
    ):
        page.fill("#sentence textarea", text)
        page.click("#begin")
        expect(notice).to_contain_text(said)
        expect(page.locator("#sentence textarea")).to_have_value(text)
    page.click(".notice [data-do=dismiss]")
    expect(notice).to_have_count(0)

    page.fill("#sentence textarea", "Lulu waves.")
    for name, data, said in (
        ("empty.png", b"", "empty"),
        ("letter.jpg", b"no picture at all", "could not be read"),
        ("cut.png", _cut_off_png(), "damaged or cut off"),
        ("wide.png", _wide_png(tmp_path), "30,000 x 20"),
        ("large.png", b"\x89PNG" + bytes(31 * 2**20), "larger than 30 MB"),
    ):
        page.set_input_files(
            "#own-image input[type=file]",
            {"name": name, "mimeType": "image/png", "buffer": data},
        )
        expect(notice).to_contain_text(said)
        expect(page.locator("#sentence textarea")).to_have_value("Lulu waves.")
    path = tmp_path / "mine.png"
    Image.new("CMYK", (320, 200)).convert("RGB").save(path)
    page.set_input_files("#own-image input[type=file]", str(path))
    expect(page.locator(".slot figcaption")).to_contain_text("Your picture")
    page.click("#begin")
    wait_for_panel(page, "p1")
    assert page.locator("#page-p1 img").evaluate("image => image.naturalWidth") == 320


@pytest.mark.parametrize(
    "story", [slow("nonsense"), slow("../../etc/passwd"), slow("A" * 22), "<script>"]
)
def test_a_wrong_address_leads_to_the_start_page(page: Page, server: Server, story: str) -> None:
    page.goto(f"{server.url}?story={story}&panel=p1")
    expect(page.locator(".notice")).to_contain_text("There is no story under this address")
    assert page.locator("body").get_attribute("data-view") == "start"


def test_a_removed_page_can_be_brought_back(page: Page, server: Server, stories: Path) -> None:
    shelf = branched_story(StoryArchive(str(stories)))
    page.goto(f"{server.url}?story={shelf.story_id}&panel=p6")
    wait_for_panel(page, "p6")
    size = len(shelf.tree.branch("p6"))
    for way in ("notice", "keys", "bin"):
        page.click(".page-tools [data-do=remove]")
        wait_for_panel(page, "p5")
        expect(page.locator(".notice")).to_contain_text(f"Page 6 and the {size - 1} pages after it")
        assert len(nodes(page)) == len(shelf.tree) - size
        if way == "notice":
            page.click(".notice [data-do=undo]")
        elif way == "keys":
            page.keyboard.press("Control+z")
        else:
            page.keyboard.press("m")
            page.click(".bin [data-do=restore]")
            page.keyboard.press("Escape")
        wait_for_panel(page, "p6")
        assert len(nodes(page)) == len(shelf.tree)
    page.keyboard.press("Control+z")  # undoes putting it back
    wait_for_panel(page, "p5")
    page.keyboard.press("Control+Shift+Z")
    wait_for_panel(page, "p6")
    page.click(".head-tools [data-do=take]")
    with page.expect_download() as download:
        page.click("text=Picture book")
    assert download.value.suggested_filename.endswith(".html")


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_nothing_sticks_out_and_everything_can_be_reached(
    page: Page, server: Server, stories: Path, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    shelf = branched_story(StoryArchive(str(stories)))
    for address in ("", f"?story={shelf.story_id}&panel=p6"):
        page.goto(server.url + address)
        page.wait_for_selector("body[data-view=story], body[data-view=start]")
        page.wait_for_timeout(300)
        wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0
        nameless = page.evaluate(
            """() => [...document.querySelectorAll('button, a, input, textarea, img')]
                .filter((e) => e.checkVisibility({visibilityProperty: true}))
                .filter((e) => !e.closest('footer'))
                .filter((e) => !(e.innerText || e.getAttribute('aria-label') || e.title ||
                    e.hasAttribute('alt') || e.closest('label') || e.labels?.length ||
                    e.type === 'file'))
                .map((e) => e.outerHTML.slice(0, 120))"""
        )
        assert nameless == []
    page.click(".head-tools [data-do=map]")
    page.click("#map [data-panel=p2]")
    page.click(".map-detail [data-do=go]")
    wait_for_panel(page, "p2")


def test_hostile_words_stay_words(page: Page, server: Server) -> None:
    page.goto(server.url)
    words = 'Mira said "<b onclick=alert(1)>hi</b>" & ${1+1} {{value}} `x`'
    page.fill("#sentence textarea", words)
    page.check("#keep-first input")
    page.click("#begin")
    wait_for_panel(page, "p1")
    expect(page.locator("#page-p1 .caption")).to_have_text(typeset(words))
    assert page.locator("#page-p1 b").count() == 0
    stored = json.loads(page.evaluate("localStorage.getItem('seedstory-stories')"))
    assert len(stored) == 1


def _cut_off_png() -> bytes:
    import io

    buffer = io.BytesIO()
    Image.effect_noise((200, 200), 90).save(buffer, "PNG")
    return buffer.getvalue()[:5000]


def _wide_png(folder: Path) -> bytes:
    path = folder / "wide.png"
    Image.new("1", (30_000, 20)).save(path)
    return path.read_bytes()


def test_words_that_were_not_sent_survive_a_reload(page: Page, server: Server) -> None:
    page.goto(server.url)
    page.fill("#sentence textarea", "Late one night, the wind sang.")
    page.reload()
    expect(page.locator("#sentence textarea")).to_have_value("Late one night, the wind sang.")
    # Gradio knows them, too: they begin the story.
    page.check("#keep-first input")
    page.click("#begin")
    wait_for_panel(page, "p1")
    expect(page.locator("#page-p1 .caption")).to_have_text("Late one night, the wind sang.")
    page.click(".masthead .all-stories")
    expect(page.locator("#sentence textarea")).to_have_value("")


@pytest.mark.parametrize("key", ["Enter", "Escape"])
def test_keys_of_an_input_method_leave_the_title_open(page: Page, server: Server, key: str) -> None:
    open_told(page, server)
    page.click("[data-do=edit-title]")
    page.fill(".title-input", "")
    page.focus(".title-input")
    keys = page.context.new_cdp_session(page)
    keys.send("Input.imeSetComposition", {"text": "きつね", "selectionStart": 3, "selectionEnd": 3})
    pressed = {"type": "rawKeyDown", "windowsVirtualKeyCode": 229, "key": key, "code": key}
    keys.send("Input.dispatchKeyEvent", pressed)
    expect(page.locator(".title-bar.editing")).to_be_visible()
    keys.send("Input.insertText", {"text": "きつね"})
    page.keyboard.press("Enter")
    expect(page.locator("h1.title")).to_have_text("きつね")


# Reading


def at(page: Page) -> str:
    return str(page.evaluate("new URLSearchParams(location.search).get('panel') || ''"))


def test_a_book_is_read_by_keys_without_asking_the_server(page: Page, server: Server) -> None:
    open_told(page, server)
    page.wait_for_timeout(3000)  # until the events of the arrival are over
    asked: list[Any] = []
    page.on("request", lambda request: asked.append(request) if "queue" in request.url else None)
    page.keyboard.press("Home")
    assert at(page) == "p1"
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".cover .cover-title")).to_be_visible()
    page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    assert at(page) == "p2"
    expect(page.locator(".turner-place")).to_contain_text("Page 2 of")
    page.keyboard.press("End")
    expect(page.locator("#turn-page")).to_be_hidden()
    expect(page.locator("#go-on")).to_be_visible()
    page.go_back()
    wait_for_panel(page, "p2")
    assert asked == []


def test_a_fork_is_chosen_by_number_and_its_ways_by_arrows(page: Page, server: Server) -> None:
    open_told(page, server)
    fork = page.evaluate(
        """() => [...document.querySelectorAll('#ribbon .node')]
            .find((node) => node.getAttribute('aria-label').includes('way 1 of 2')).dataset.panel"""
    )
    page.click(f"#ribbon [data-panel={fork}]")
    page.keyboard.press("ArrowLeft")
    ways = page.locator(".page-current .way")
    expect(ways).to_have_count(2)
    page.keyboard.press("2")
    expect(page.locator(".page-current .arrows-go")).to_contain_text("Way 2 of 2")
    second = at(page)
    page.keyboard.press("ArrowUp")
    assert at(page) == fork
    page.keyboard.press("ArrowDown")
    assert at(page) == second
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    assert at(page) == second, "the page turns to where the reader was"


def test_the_map_is_walked_searched_folded_and_marked(page: Page, server: Server) -> None:
    size = open_told(page, server)
    page.keyboard.press("m")
    expect(page.locator("#map .node")).to_have_count(size)
    expect(page.locator(".map-facts")).to_contain_text(f"{size} pages")
    page.focus("#map [data-panel=p1]")
    page.keyboard.press("ArrowRight")
    focused = "document.activeElement.dataset.panel"
    assert page.evaluate(focused) == "p2"
    expect(page.locator("#peek")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("-")
    expect(page.locator("#map .node")).to_have_count(1)
    page.keyboard.press("ArrowRight")
    expect(page.locator("#map .node")).to_have_count(size)
    page.fill("#map-search", "zzz")
    expect(page.locator("#map .node-found")).to_have_count(0)
    page.fill("#map-search", "")
    page.click("#map [data-panel=p2]")
    page.fill(".branch-name", "By the sea")
    page.keyboard.press("Tab")
    expect(page.locator("#map .node-name")).to_have_text("By the sea")
    page.click(".map-detail [data-do=star]")
    expect(page.locator("#map .badge-star")).to_have_count(1)
    page.click(".map-detail [data-do=compare]")
    expect(page.locator("#compare-dialog .columns > div")).to_have_count(2)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0


def test_lamplight_and_the_view_stay_over_a_reload(page: Page, server: Server) -> None:
    open_told(page, server)
    page.click("[data-do=light]")
    page.keyboard.press("v")
    assert page.locator("#pages > .page").count() > 1
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.reload()
    wait_for_panel(page, "p6")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    assert page.locator("#pages > .page").count() > 1
    expect(page.locator("[data-do=light]")).to_have_attribute("aria-pressed", "true")


VOICE = """
const spoken = (window.spoken = []);
const voice = { lang: "en-GB", name: "test" };
window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
Object.defineProperty(window, "speechSynthesis", { value: {
  getVoices: () => [voice],
  cancel: () => {},
  speak: (speech) => {
    spoken.push(speech.text);
    setTimeout(() => speech.onboundary({ name: "word", charIndex: 0, charLength: 3 }), 100);
    setTimeout(() => speech.onend({}), 1500);
  },
} });
"""


def test_the_book_is_read_aloud_and_turns_its_pages(page: Page, server: Server) -> None:
    page.add_init_script(VOICE)
    open_told(page, server)
    page.keyboard.press("Home")
    page.keyboard.press("a")
    page.wait_for_function("CSS.highlights.has('spoken-word')")
    wait_for_panel(page, "p2")
    page.wait_for_function("window.spoken.length === 2")
    page.keyboard.press("Escape")
    expect(page.locator("[data-do=read-aloud]")).to_have_attribute("aria-pressed", "false")
    page.wait_for_timeout(3000)
    assert at(page) == "p2"


def test_a_swipe_turns_the_page(browser: Any, server: Server) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    open_told(page, server)
    keys = context.new_cdp_session(page)

    def swipe(start: int, end: int) -> None:
        points = [start, (start + end) // 2, end]
        keys.send("Input.dispatchTouchEvent", _touch("touchStart", points[0]))
        for x in points[1:]:
            keys.send("Input.dispatchTouchEvent", _touch("touchMove", x))
        keys.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    swipe(60, 330)
    wait_for_panel(page, "p5")
    swipe(330, 60)
    wait_for_panel(page, "p6")
    context.close()


def _touch(kind: str, x: int) -> dict[str, Any]:
    return {"type": kind, "touchPoints": [{"x": x, "y": 300}]}


def test_what_is_remembered_can_be_seen(page: Page, server: Server) -> None:
    open_told(page, server)
    expect(page.locator("#ribbon .sight")).to_have_count(6)
    page.click(".page-tools [data-do=lens]")
    expect(page.locator(".lens-words .seen").first).to_be_visible()
    page.click(".lens [data-do=policy][data-name=window]")
    page.wait_for_function("!document.querySelector('dialog[open]')")
    page.wait_for_timeout(1500)
    page.click(".page-tools [data-do=lens]")
    expect(page.locator(".policy-on")).to_contain_text("The last pages")


# The library, and other readers


def test_a_story_is_copied_renamed_found_and_deleted(page: Page, server: Server) -> None:
    open_told(page, server)
    title = page.locator(".title").inner_text()
    page.click(".masthead .all-stories")
    spines = page.locator(".spine")
    expect(spines).to_have_count(1)
    page.click(".spine [data-do=copy-story]")
    expect(spines).to_have_count(2)
    copy = page.locator(f".spine:has-text('{title} (copy)')")
    copy.locator("[data-do=edit-spine]").click()
    page.keyboard.type("My own one")
    page.keyboard.press("Enter")
    mine = page.locator(".spine:has-text('My own one')")
    expect(mine).to_have_count(1)
    mine.locator("[data-do=delete-story]").click()
    expect(page.locator(".notice")).to_contain_text("in the bin")
    expect(spines).to_have_count(1)
    page.click(".notice [data-do=restore-story]")
    expect(spines).to_have_count(2)
    page.reload()
    expect(spines).to_have_count(2)


def test_another_reader_tells_a_copy_on(page: Page, browser: Any, server: Server) -> None:
    size = open_told(page, server)
    story = page.evaluate("new URLSearchParams(location.search).get('story')")
    page.click(".head-tools [data-do=take]")
    address = page.locator(".reading-link input").input_value()
    assert story not in address
    key = address.rsplit("/", 1)[-1]
    other = browser.new_context().new_page()
    other.set_default_timeout(PATIENCE_MS)
    other.goto(f"{server.url}?fork={key}&panel=p2")
    wait_for_panel(other, "p2")
    expect(other.locator(".notice")).to_contain_text("your own copy")
    assert len(nodes(other)) == size
    copied = other.evaluate("new URLSearchParams(location.search).get('story')")
    assert copied not in ("", story) and "fork" not in other.url
    other.click("#another")
    other.wait_for_function(f"document.querySelectorAll('#ribbon .node').length === {size + 1}")
    page.reload()
    wait_for_panel(page, "p6")
    assert len(nodes(page)) == size, "the one that was read stays as it is"
    other.context.close()


def test_a_story_comes_back_from_its_file(page: Page, server: Server, tmp_path: Path) -> None:
    size = open_told(page, server)
    page.click(".head-tools [data-do=take]")
    with page.expect_download() as download:
        page.click("text=The whole story, to bring back")
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert path.name.endswith(".story.zip")
    before = page.url
    page.goto(server.url)
    page.wait_for_selector("body[data-view=start]")
    with page.expect_file_chooser() as chooser:
        page.click("[data-do=bring-story]")
    chooser.value.set_files(str(path))
    page.wait_for_selector("body[data-view=story]")
    page.wait_for_function(f"document.querySelectorAll('#ribbon .node').length === {size}")
    assert page.url != before


def test_several_pages_are_told_in_a_row_and_stopped(page: Page, held_server: Server) -> None:
    size = open_told(page, held_server)
    held_server.let_go()
    page.click("#more")
    page.fill("#num-pages", "2")
    page.click("[data-do=run]")
    page.wait_for_selector("body[data-live=run]")
    page.wait_for_function(
        f"document.querySelectorAll('#ribbon .node').length === {size + 2}", timeout=TURN_MS
    )
    wait_for_panel(page, f"p{size + 2}")


def test_a_page_that_lost_a_change_asks_for_the_whole_story(page: Page, server: Server) -> None:
    """What is sent builds on what the page holds; here it holds something else."""
    size = open_told(page, server)
    page.wait_for_timeout(2000)
    page.evaluate("window.seedstory.story.seal = 'of another time'")
    page.click(GO_ON)
    wait_for_panel(page, f"p{size + 1}")
    assert len(nodes(page)) == size + 1


def test_the_book_lies_in_the_middle(page: Page, server: Server) -> None:
    open_told(page, server)
    places = ("#pages .page-current", ".masthead", ".acts")
    for width, selector in itertools.product((1366, 1440, 1920, 2560), places):
        page.set_viewport_size({"width": width, "height": 900})
        left, right = page.evaluate(
            """(selector) => {
                const box = document.querySelector(selector).getBoundingClientRect();
                return [box.left, document.documentElement.clientWidth - box.right];
            }""",
            selector,
        )
        assert abs(left - right) <= 1, (width, selector)


def test_nothing_lies_under_the_composer(page: Page, server: Server) -> None:
    """Whatever is asked for can be scrolled to where the composer is not."""
    open_told(page, server)
    page.click(".page-tools [data-do=edit-words]")
    fields = (".words-editor textarea", "[data-do=put-words]", "[data-do=leave-words]")
    sizes = ((1440, 900), (390, 844), (844, 390), (360, 225))
    for (width, height), selector in itertools.product(sizes, fields):
        page.set_viewport_size({"width": width, "height": height})
        page.locator(selector).scroll_into_view_if_needed()
        page.locator(selector).focus()
        is_covered = page.evaluate(
            """(selector) => {
                const element = document.querySelector(selector);
                const box = element.getBoundingClientRect();
                const y = Math.max(1, Math.min(box.top + box.height / 2, innerHeight - 2));
                const top = document.elementFromPoint(box.left + box.width / 2, y);
                return !element.contains(top) && top !== element;
            }""",
            selector,
        )
        assert not is_covered, (width, selector)


def test_the_keyboard_stays_where_the_eye_is(page: Page, server: Server) -> None:
    size = open_told(page, server)
    inside = "document.activeElement.closest('.page-current, .page-tools') !== null"
    page.focus(GO_ON)
    page.keyboard.press("Enter")
    wait_for_panel(page, f"p{size + 1}")
    page.wait_for_timeout(400)
    assert page.evaluate(inside)
    page.focus(".page-tools [data-do=edit-words]")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.matches('.words-editor textarea')")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.matches('[data-do=edit-words]')")
    page.focus(".page-tools [data-do=remove]")
    page.keyboard.press("Enter")
    wait_for_panel(page, "p6")
    page.wait_for_timeout(400)
    assert page.evaluate("document.activeElement !== document.body")


def test_a_long_story_opens_with_few_requests_and_turns_for_nothing(
    page: Page, server: Server, stories: Path
) -> None:
    story = branched_story(StoryArchive(str(stories)))
    sizes: list[int] = []
    count: list[str] = []

    def answered(response: Any) -> None:
        count.append(response.url)
        sizes.append(response.request.sizes()["responseBodySize"])

    page.goto(server.url)  # the files of the page itself are counted apart
    page.wait_for_selector("body[data-view=start]")
    page.on("response", answered)
    page.goto(f"{server.url}?story={story.story_id}&panel=p1")
    wait_for_panel(page, "p1")
    page.wait_for_timeout(2500)
    assert len(count) < 60 + len(_files_of_gradio(count))
    assert sum(sizes) < 1_500_000
    count.clear()
    sizes.clear()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(1500)
    assert not any("queue" in url for url in count)


def _files_of_gradio(urls: list[str]) -> list[str]:
    return [url for url in urls if "/assets/" in url or "/static/" in url]
