"""Starting the studio: what is wrong is said in a sentence, and nothing is served."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from demo import __main__ as app
from seedstory_core.errors import ConfigError


@pytest.fixture(autouse=True)
def a_machine_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEEDSTORY_STORIES_FOLDER", str(tmp_path / "stories"))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--set", "runtime.weights_folder=/not/there"], "vision.safetensors is missing"),
        (["--set", "tokenizer.folder=/not/there"], "/not/there"),
        (["--set", "generation.temprature=1"], "Near ones: sampling.temperature"),
        (["--config", "absent.yaml"], "absent.yaml could not be read"),
        (["--set", "runtime.device=cuda:7"], "runtime.device is 'cuda:7'"),
        (["--set", "runtime.stories_folder=nowhere://x"], "runtime.stories_folder"),
    ],
)
def test_a_start_that_cannot_be_is_explained(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.main(arguments) == 1
    said = capsys.readouterr().err
    assert said.startswith("SEED-Story Studio could not start.")
    assert sentence in said and "Traceback" not in said


def no_temporary_folder() -> str:
    raise FileNotFoundError("No usable temporary directory found")


def test_uploads_find_room_in_the_story_folder_where_nothing_else_can_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GRADIO_TEMP_DIR")
    monkeypatch.setattr(tempfile, "gettempdir", no_temporary_folder)
    monkeypatch.setattr(tempfile, "tempdir", None)
    app.find_room_for_uploads(str(tmp_path / "stories"))
    assert Path(os.environ["GRADIO_TEMP_DIR"]).is_relative_to(tmp_path / "stories")
    assert Path(os.environ["GRADIO_TEMP_DIR"]).is_dir()


def test_a_machine_without_any_room_is_explained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GRADIO_TEMP_DIR")
    monkeypatch.setattr(tempfile, "gettempdir", no_temporary_folder)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match="cannot be written to"):
        app.find_room_for_uploads(str(tmp_path / "file"))
    with pytest.raises(ConfigError, match="GRADIO_TEMP_DIR"):
        app.find_room_for_uploads("s3://bucket/stories")
