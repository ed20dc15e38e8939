"""Fixtures that several test files share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from seedstory_core.config import StudioConfig, load_config, project_path
from seedstory_core.data.stories import tell
from seedstory_core.engine import StoryEngine
from seedstory_core.engine.build import build_engine
from seedstory_core.models.detokenizer import DeTokenizer
from seedstory_core.models.preview import PreviewDecoder
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.models.vision import VisionEncoder
from seedstory_core.session import SessionStore
from seedstory_core.story.archive import StoryArchive
from seedstory_core.training.base_lm import train_tokenizer
from seedstory_core.weights.checkpoint import save_weights
from seedstory_core.weights.parts import PARTS
from seedstory_core.weights.verify.folder import ReferenceFolder
from tests.helpers.reference import COPY
from tests.helpers.small import SMALL_WORDS

NO_SKIA = "skia cannot draw here; on Linux it needs the system's libEGL and libGL"
try:
    import skia  # noqa: F401

    can_draw = True
except ImportError:
    # The studio runs without it. Only where nothing can be drawn are these left out.
    can_draw = False
    collect_ignore = [
        "workshop/test_draw.py",
        "workshop/test_recipe.py",
        "workshop/test_scores.py",
        "workshop/test_storystream.py",
        "workshop/test_training_rows.py",
    ]


def pytest_report_header() -> str:
    """Report it if the drawing tests are left out."""
    return "" if can_draw else f"Drawing is not tested: {NO_SKIA}."


if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers share the cores; more threads than cores would only wait for each other.
    torch.set_num_threads(1)

QUICK = ["detokenizer.num_inference_steps=2", "generation.max_new_tokens=24"]
"""Two denoising steps and short captions: tests are about what happens, not how it looks."""


@pytest.fixture(scope="session")
def reference() -> ReferenceFolder:
    """The miniature of the published release, with the released code's numbers."""
    return ReferenceFolder(COPY)


@pytest.fixture(scope="session")
def tiny_config(tmp_path_factory: pytest.TempPathFactory) -> StudioConfig:
    """The tiny model's configuration; untrained weights if none are shipped."""
    config = load_config(None, QUICK)
    shipped = project_path(config.runtime.weights_folder)
    if all((shipped / f"{part}.safetensors").exists() for part in PARTS):
        return config
    folder = tmp_path_factory.mktemp("untrained")
    write_untrained(config, folder)
    places = [f"runtime.weights_folder={folder}", f"tokenizer.folder={folder / 'tokenizer'}"]
    return load_config(None, [*QUICK, *places])


def write_untrained(config: StudioConfig, folder: Path) -> None:
    """Write random weights and a small tokenizer in place of trained ones."""
    captions = (panel.text for seed in range(150) for panel in tell(seed).panels)
    sizes = config.decoder.vocab_size, config.generation.num_image_queries
    train_tokenizer(captions, folder / "tokenizer", *sizes)
    write_random(config, folder)


def write_random(config: StudioConfig, folder: Path) -> None:
    """Write random weights."""
    torch.manual_seed(0)
    half = torch.float16
    save_weights(VisionEncoder(config.vision), folder / "vision.safetensors", dtype=half)
    story_lm = StoryLM(config.decoder, config.input_resampler, config.output_resampler)
    save_weights(story_lm, folder / "story_lm.safetensors", dtype=half)
    detokenizer = DeTokenizer(config.detokenizer)
    path = folder / "detokenizer.safetensors"
    save_weights(detokenizer, path, dtype=half, leave_out="vae.")
    save_weights(detokenizer.vae, folder / "vae.safetensors", dtype=half)
    preview = PreviewDecoder(config.detokenizer.preview, config.detokenizer.vae.latent_channels)
    save_weights(preview, folder / "preview.safetensors", dtype=half)


@pytest.fixture(scope="session")
def tiny_engine(tiny_config: StudioConfig) -> StoryEngine:
    """The real engine, built from configs/tiny.yaml."""
    return build_engine(tiny_config)


@pytest.fixture(scope="session")
def small_config(tmp_path_factory: pytest.TempPathFactory) -> StudioConfig:
    """The configuration of untrained models so small that hundreds of turns take seconds."""
    folder = tmp_path_factory.mktemp("small")
    config = load_config(None, [*SMALL_WORDS, f"runtime.weights_folder={folder}"])
    write_random(config, folder)
    return config


@pytest.fixture(scope="session")
def small_engine(small_config: StudioConfig) -> StoryEngine:
    """The engine of `small_config`."""
    return build_engine(small_config)


@pytest.fixture
def store(tiny_engine: StoryEngine, tmp_path: Path) -> Iterator[SessionStore]:
    """Sessions over an empty story folder."""
    yield SessionStore(tiny_engine, StoryArchive(str(tmp_path / "stories")))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium; files that use it are marked `browser`, and need Playwright."""
    playwright_api = pytest.importorskip("playwright.sync_api")
    from tests.helpers.studio import CHROMIUM, CHROMIUM_ARGS  # imports Gradio

    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        yield browser
        browser.close()
