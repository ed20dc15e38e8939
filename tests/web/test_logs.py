"""What the command writes tells what happened, and gives nobody the key to a story."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from demo.logs import WithoutIds
from seedstory_core.story.archive import StoryArchive

WRITES = """
import logging, sys, traceback, warnings
from demo.logs import begin_log

begin_log()
import uvicorn  # as Gradio runs it

uvicorn.Config(None, log_level="info")
for story_id in sys.argv[1:]:
    print("printed", f"/stories/{story_id}/p1.json")
    sys.stdout.writelines([f"lines {story_id}"])
    logging.getLogger("studio").info("Story %s", story_id)
    logging.getLogger("uvicorn.access").info(
        '%s - "%s %s HTTP/%s" %d', "127.0.0.1", "GET", f"/?story={story_id}&panel=p1", "1.1", 200
    )
    logging.getLogger("httpx").info("GET /turns/%s", story_id)
    warnings.warn(f"of {story_id}")
    try:
        open(f"/nowhere/{story_id}/p9.json")
    except OSError:
        traceback.print_exc()
        logging.getLogger("uvicorn.error").exception("A file of %s", story_id)
"""


def test_nothing_that_anybody_writes_holds_a_storys_id(tmp_path: Path) -> None:
    ids = [StoryArchive(str(tmp_path)).create().id for _ in range(40)]
    done = subprocess.run(
        [sys.executable, "-c", WRITES, *ids], capture_output=True, text=True, check=True
    )
    shown = done.stdout + done.stderr
    assert not any(story_id in shown for story_id in ids)
    assert shown.count("p9.json") >= 80 and "FileNotFoundError" in shown
    for line in ("printed /stories/.../p1.json", "lines ...", "Story ...", "UserWarning: of ..."):
        assert shown.count(line) == 40, line
    assert shown.count('"GET /?story=...&panel=p1 HTTP/1.1" 200') == 40


@pytest.mark.parametrize("word", ["StoryNotFoundError", "seedstory_core.story.archive", "p1.json"])
def test_words_stay(word: str) -> None:
    shown = io.StringIO()
    WithoutIds(shown).write(word)
    assert shown.getvalue() == word
