"""What the model still sees of a story, panel by panel and token by token."""

from __future__ import annotations

import pytest

from seedstory_core.engine import StoryEngine
from seedstory_core.errors import StoryNotFoundError
from seedstory_core.session import SessionStore, StorySession
from seedstory_core.story.archive import StoryArchive
from tests.core.test_session import request, turn

CAPTION = 'Mira the fox waves. "Ha!" \N{FOX FACE} laughs.'


@pytest.fixture(scope="module")
def session(small_engine: StoryEngine, tmp_path_factory: pytest.TempPathFactory) -> StorySession:
    """Six panels in a row, with all words given."""
    archive = StoryArchive(str(tmp_path_factory.mktemp("stories")))
    session = SessionStore(small_engine, archive).create()
    for number in range(6):
        parent = f"p{number}" if number else None
        text = f"{CAPTION} {number}"
        turn(session, parent, request(number, reader_text=text, complete_text=False))
    return session


def test_every_row_is_seen_while_the_story_is_short(session: StorySession) -> None:
    session.set_policy("dense")
    sights = session.sights("p6")
    assert [one.panel_id for one in sights] == [f"p{n}" for n in range(1, 7)]
    assert {one.sight for one in sights} == {"whole"}
    context = session.memory.context
    assert context is not None
    assert sum(one.num_seen for one in sights) == context.num_rows


@pytest.mark.parametrize("policy", ["multimodal_attention_sink", "window"])
def test_what_is_said_to_be_seen_is_what_the_next_turn_sees(
    session: StorySession, policy: str
) -> None:
    session.set_policy(policy, window_panels=2)
    sights = session.sights("p6")
    kinds = [one.sight for one in sights]
    forgotten = "forgotten" if policy == "window" else "sink"
    assert kinds[-2:] == ["whole", "whole"] and forgotten in kinds[:-2]
    session.warm("p6")
    context = session.memory.context
    assert context is not None
    assert sum(one.num_seen for one in sights) == context.num_rows


def test_a_lens_shows_the_whole_caption_and_the_images_rows(session: StorySession) -> None:
    session.set_policy("multimodal_attention_sink", window_panels=2)
    sights = {one.panel_id: one for one in session.sights("p6")}
    for number in range(1, 7):
        panel_id = f"p{number}"
        lens = session.lens(panel_id, "p6")
        assert "".join(text for text, _ in lens.words) == session.tree.panel(panel_id).text
        if sights[panel_id].sight == "whole":
            assert all(is_seen for _, is_seen in lens.words)
            assert lens.num_image_seen == lens.num_image_rows
        else:
            assert not all(is_seen for _, is_seen in lens.words)
            assert 0 < lens.num_image_seen < lens.num_image_rows
        assert lens.row_bytes > 0


def test_a_pinned_panel_is_seen_whole(session: StorySession) -> None:
    session.set_policy("window", window_panels=1)
    session.pin("p2")
    (sight,) = [one for one in session.sights("p6") if one.panel_id == "p2"]
    assert (sight.sight, sight.is_pinned) == ("whole", True)
    session.pin("p2", False)


def test_a_panel_beside_the_path_has_no_lens(session: StorySession) -> None:
    with pytest.raises(StoryNotFoundError, match="does not read this page"):
        session.lens("p6", "p3")


def test_the_outlook_says_what_each_policy_keeps_now_and_later(session: StorySession) -> None:
    session.set_policy("dense")
    now = session.outlook("p6")
    assert now.seen["dense"] == now.num_rows == sum(one.num_rows for one in session.sights("p6"))
    later = session.outlook("p6", 10)
    assert later.seen["dense"] > now.seen["dense"] and later.num_rows == now.num_rows
    session.set_policy("window", window_panels=2)
    window = session.outlook("p6")
    assert window.seen["window"] == sum(one.num_seen for one in session.sights("p6"))
    assert window.seen["window"] == session.outlook("p6", 10).seen["window"]
    assert now.row_bytes == session.lens("p1", "p6").row_bytes
