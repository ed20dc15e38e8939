"""How large the models are: the tiny one fits its budget, the full-size one takes every key."""

import pytest
from torch import nn

from seedstory_core.config import StudioConfig
from seedstory_core.evaluation.classifier import AttributeClassifier
from seedstory_core.models.detokenizer import DeTokenizer
from seedstory_core.models.preview import PreviewDecoder
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.models.vision import VisionEncoder
from seedstory_core.weights.checkpoint import empty_weights

BUDGET = 40e6
"""Weights of the tiny model and of the classifier that measures it: 80 MB in float16."""


def build_all(config: StudioConfig) -> dict[str, nn.Module]:
    with empty_weights():
        return {
            "vision": VisionEncoder(config.vision),
            "story_lm": StoryLM(config.decoder, config.input_resampler, config.output_resampler),
            "detokenizer": DeTokenizer(config.detokenizer),
            "preview": PreviewDecoder(
                config.detokenizer.preview, config.detokenizer.vae.latent_channels
            ),
        }


def test_the_tiny_models_fit_their_budget(capsys: pytest.CaptureFixture[str]) -> None:
    models = build_all(StudioConfig()) | {"classifier": AttributeClassifier()}
    counts = {name: sum(p.numel() for p in m.parameters()) for name, m in models.items()}
    with capsys.disabled():
        shown = ", ".join(f"{name} {count / 1e6:.2f} M" for name, count in counts.items())
        print(f"\n{shown}, together {sum(counts.values()) / 1e6:.2f} M")  # noqa: T201 - wanted
    assert sum(counts.values()) <= BUDGET
