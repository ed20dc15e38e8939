"""The whole recipe in small: from nothing to a story told with its weights."""

from __future__ import annotations

import re
import shutil
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from seedstory_core.config import load_config
from seedstory_core.engine import Past, TurnRequest, TurnResult
from seedstory_core.engine.build import build_engine
from seedstory_core.evaluation import measure
from seedstory_core.evaluation.classifier import AttributeClassifier
from seedstory_core.evaluation.measure import (
    ladder,
    long,
    newcomers,
    openings,
    steer,
    stories,
)
from seedstory_core.evaluation.scores import table
from seedstory_core.evaluation.showcase import show
from seedstory_core.evaluation.telling import opening, sampling_of, tell_story
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.training.__main__ import main
from seedstory_core.training.plan import DataPlan, Plan
from seedstory_core.training.prepare import export
from seedstory_core.training.recipe import ON_REQUEST, STEPS, Prepared, Trained, build
from seedstory_core.training.runs import Runs
from seedstory_core.training.stages.language import StoryPlan
from seedstory_core.training.stages.story_lm import StoryStage
from seedstory_core.weights.parts import PARTS, read_parts
from tests.helpers.small import SMALL

PLAN = Plan(
    steps=2,
    batch_size=2,
    learning_rate=1e-3,
    warmup_steps=1,
    log_every=1,
    sheet_every=99,
    mixed_precision="no",
)
DATA = DataPlan(
    stories=3,
    told_stories=4,
    validation_stories=2,
    scenes=4,
    drawn_pictures=20,
    begins_with_base=False,
)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return overrides that name the weights of a small recipe."""
    folder = tmp_path_factory.mktemp("recipe")
    places = [
        f"runtime.weights_folder={folder / 'weights'}",
        f"tokenizer.folder={folder / 'weights' / 'tokenizer'}",
    ]
    OmegaConf.save(OmegaConf.from_dotlist([*SMALL, *places]), folder / "config.yaml")
    plans = {stage: asdict(PLAN) for stage, step in STEPS.items() if isinstance(step, Trained)}
    plans["story_lm"] |= {"num_word_windows": 3}
    OmegaConf.save({"data": asdict(DATA), **plans}, folder / "recipe.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.cpu_count", lambda: 1)
        files = [f"--{name}={folder / name}.yaml" for name in ("config", "recipe")]
        assert main(["all", f"--runs={folder / 'runs'}", *files]) == 0
    return [*SMALL, *places]


def test_a_story_is_told_with_what_the_recipe_made(weights: list[str]) -> None:
    engine = build_engine(load_config(None, weights))
    *_, result = engine.turn(Past(), TurnRequest(reader_text="Mira the fox waves."))
    assert isinstance(result, TurnResult)
    assert result.image.size == (128, 128)
    assert np.isfinite(result.record.visual_features.numpy()).all()


def test_the_recipe_leaves_every_part_in_half_precision(weights: list[str]) -> None:
    config = load_config(None, weights)
    folder = Path(config.runtime.weights_folder)
    files = {path.stem for path in folder.glob("*.safetensors")}
    assert files == {*PARTS, "classifier"}


def test_every_measurement_runs_and_prints(
    weights: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "OPENINGS", measure.OPENINGS[:2])
    config = load_config(None, weights)
    engine, classifier = build_engine(config), AttributeClassifier()
    for measurement in (ladder, stories, steer, openings):
        result = measurement(engine, classifier, 1)
        assert result.columns or result.lines
        for shares in result.columns.values():
            assert all(0 <= share.value <= 1 for share in shares.values())
        # An untrained model's own captions are never understood, so their tables are empty.
        if measurement in (ladder, steer):
            assert "| place |" in table(result.columns)
    *introductions, pairs = newcomers(engine, classifier, 3).lines
    assert introductions and "the first has" in pairs
    for line in introductions:
        percents = [float(share) for share in re.findall(r"([\d.]+) %", line)]
        assert sum(percents) == pytest.approx(100, abs=0.2)
    result = long(engine, classifier, 1)
    assert any("16–25" in column for column in result.columns)


def test_measuring_paints_what_turns_paint(weights: list[str]) -> None:
    engine = build_engine(load_config(None, weights))
    panels = tell_story(engine, opening(0), 2, 7)
    past = Past()
    for number, panel in enumerate(panels):
        request = TurnRequest(
            reader_text=panels[0].text if number == 0 else "",
            complete_text=number > 0,
            sampling=sampling_of(engine, 7000 + number),
            image_seed=7000 + number,
        )
        *_, result = engine.turn(past, request)
        assert isinstance(result, TurnResult)
        assert result.text == panel.text
        both = (np.asarray(image).astype(int) for image in (result.image, panel.image))
        assert np.abs(np.subtract(*both)).max() <= 1
        past = result.past


def test_the_showcase_shows_whole_stories(weights: list[str], tmp_path: Path) -> None:
    page = show(build_engine(load_config(None, weights)), tmp_path, 2)
    text = page.read_text()
    for number in range(2):
        assert f"(images/story-{number}.webp)" in text
        assert (tmp_path / "images" / f"story-{number}.webp").stat().st_size > 0
        assert f"1. {opening(number).text}" in text


def test_stage_three_starts_from_stage_one_and_keeps_the_codec(weights: list[str]) -> None:
    config = load_config(None, weights)
    engine = build_engine(config)
    folder = Path(config.runtime.weights_folder).parent / "runs"
    runs = Runs(folder, config)
    codec = runs.vae().state_dict()
    for name, tensor in engine.detokenizer.vae.state_dict().items():
        assert torch.allclose(tensor, codec[name], atol=2e-3), name


def test_shipped_weights_can_be_trained_further(
    weights: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    config = load_config(None, weights)
    runs = Runs(tmp_path, config)
    ON_REQUEST["import_weights"](runs, DATA)
    assert {path.name for path in tmp_path.iterdir()} == {*PARTS, "classifier", "tokenizer"}
    # Everything later stages need is there: training goes on from the weights that were shipped.
    for step in ("data", "features", "latents"):
        cast(Prepared, STEPS[step])(runs, DATA)
    fresh = build("detokenizer", runs, PLAN).model.state_dict()
    shipped = {
        **read_parts(config)["detokenizer"].weights,
        **{f"vae.{name}": tensor for name, tensor in read_parts(config)["vae"].weights.items()},
    }
    assert set(shipped) == set(fresh)
    for name, tensor in shipped.items():
        assert torch.equal(fresh[name], tensor.float()), name


def test_a_recipe_can_go_on_elsewhere_before_stage_two_is_done(
    weights: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MOST_FILE_BYTES", 20_000)  # packed, and in shards
    config = load_config(None, weights)
    trained = Runs(Path(config.runtime.weights_folder).parent / "runs", config)
    here, there = Runs(tmp_path / "here", config), Runs(tmp_path / "there", config)
    here.weights("language").parent.mkdir(parents=True)
    shutil.copy(trained.weights("language"), here.weights("language"))
    config.runtime.weights_folder = str(tmp_path / "weights")
    export.export(here, DATA)
    export.import_weights(there, DATA)
    before, after = (
        runs.load("language", export._story_lm(config)).state_dict() for runs in (here, there)
    )
    for name, tensor in before.items():
        assert torch.allclose(after[name], tensor, atol=1e-2), name


def test_the_decoders_layers_are_compiled_where_the_plan_says_so() -> None:
    config = load_config(None, SMALL)
    nothing: Any = SimpleNamespace(stories=())
    for wanted in (False, True):
        plan = StoryPlan(**asdict(PLAN), compile_layers=wanted)
        stage = StoryStage(config, nothing, nothing, nothing, [], plan)
        assert isinstance(stage.model, StoryLM)
        for layer in stage.model.layers:
            assert (layer._compiled_call_impl is not None) == wanted
