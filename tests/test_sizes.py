"""How large the models are: the tiny one fits its budget, the full-size one takes every key."""

import gzip
import json

import pytest
from reference import Reference
from torch import nn

from seedstory_core.config import PROJECT_ROOT, StudioConfig, load_config
from seedstory_core.evaluation.reader import AttributeReader
from seedstory_core.models.detokenizer import DeTokenizer
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.models.vision import VisionEncoder
from seedstory_core.weights import published
from seedstory_core.weights.checkpoint import empty_weights

BUDGET = 40e6
"""Weights of the tiny model and of the reader that measures it: 80 MB in float16."""


def build_all(config: StudioConfig) -> dict[str, nn.Module]:
    with empty_weights():
        return {
            "vision": VisionEncoder(config.vision),
            "story_lm": StoryLM(config.decoder, config.input_resampler, config.output_resampler),
            "detokenizer": DeTokenizer(config.detokenizer),
        }


def test_the_tiny_models_fit_their_budget(capsys: pytest.CaptureFixture[str]) -> None:
    models = build_all(StudioConfig()) | {"reader": AttributeReader()}
    counts = {name: sum(p.numel() for p in m.parameters()) for name, m in models.items()}
    with capsys.disabled():
        shown = ", ".join(f"{name} {count / 1e6:.2f} M" for name, count in counts.items())
        print(f"\n{shown}, together {sum(counts.values()) / 1e6:.2f} M")  # noqa: T201 - wanted
    assert sum(counts.values()) <= BUDGET


@pytest.fixture(scope="module")
def full_size() -> dict[str, dict[str, list[int]]]:
    config = load_config(PROJECT_ROOT / "configs" / "seed_story_7b.yaml")
    return {
        name: {key: list(value.shape) for key, value in model.state_dict().items()}
        for name, model in build_all(config).items()
    }


@pytest.fixture(scope="module")
def inventory(reference: Reference) -> dict[str, dict[str, list[int]]]:
    content = gzip.decompress((reference.root / "expected/published_keys.json.gz").read_bytes())
    return {name: dict(keys) for name, keys in json.loads(content)["files"].items()}


def test_the_full_size_encoder_takes_every_published_key(full_size, inventory) -> None:
    assert full_size["vision"] == inventory["visual_tokenizer__qwen_vit_G"]


def test_the_full_size_story_model_takes_every_published_key(full_size, inventory) -> None:
    keys = inventory["story_model__seed_story_george_sft"]
    merged, num_adapters = {}, 0
    for name, shape in keys.items():
        if name.endswith(published.LORA_A):
            module = name.removesuffix(published.LORA_A)
            rows, columns = keys[module + ".weight"]
            assert shape[1] == columns
            assert keys[module + published.LORA_B] == [rows, shape[0]]
            num_adapters += 1
        elif not (name.endswith((published.LORA_B, "inv_freq")) or published.ORIGINAL in name):
            target = name.replace(published.LLM_PREFIX, "llm.").replace(published.SAVED, ".")
            assert target not in merged
            merged[target] = shape
    assert num_adapters == 7 * 32
    assert full_size["story_lm"] == merged


def test_the_base_language_model_has_a_place_for_every_key(full_size, inventory) -> None:
    for name, shape in inventory["llama_2_7b_hf_base"].items():
        if name.endswith("inv_freq"):
            continue
        place = full_size["story_lm"][f"llm.{name}"]
        # The two token tables grow by the image tokens.
        is_token_table = name in ("model.embed_tokens.weight", "lm_head.weight")
        assert place == ([32066, shape[1]] if is_token_table else shape)


def test_the_full_size_detokenizer_takes_every_published_key(full_size, inventory) -> None:
    own = {k: v for k, v in full_size["detokenizer"].items() if not k.startswith("vae.")}
    assert own == inventory["detokenizer__george_adapted"]
    unet = {k.removeprefix("unet."): v for k, v in own.items() if k.startswith("unet.")}
    assert unet == inventory["sdxl_base_unet"]
