"""The log tells what happened, and gives nobody the key to a story."""

from __future__ import annotations

import io
import logging

import pytest

from demo.logs import WithoutIds
from seedstory_core.story.archive import StoryArchive


def test_no_line_of_the_log_holds_a_storys_id(tmp_path) -> None:
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(WithoutIds("%(message)s"))
    log = logging.getLogger("test of ids")
    log.addHandler(handler)
    log.propagate = False
    ids = [StoryArchive(str(tmp_path)).create().id for _ in range(40)]
    for story_id in ids:
        log.info("Story %s and /stories/%s/p1.json", story_id, story_id)
        try:
            open(tmp_path / story_id / "p9.json").close()
        except OSError:
            log.exception("A file of ?story=%s&panel=p1", story_id)
    shown = text.getvalue()
    assert not any(story_id in shown for story_id in ids)
    assert "p9.json" in shown and "FileNotFoundError" in shown


@pytest.mark.parametrize("word", ["StoryNotFoundError", "seedstory_core.story.archive", "p1.json"])
def test_words_stay(word: str) -> None:
    record = logging.LogRecord("x", logging.INFO, "x", 1, word, (), None)
    assert WithoutIds("%(message)s").format(record) == word
