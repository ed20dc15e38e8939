import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from seedstory_core.config import DecoderConfig, ResamplerConfig, StudioConfig, with_setting
from seedstory_core.engine.build import build_engine
from seedstory_core.errors import WeightsError
from seedstory_core.models.resampler import Resampler
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.weights import published
from seedstory_core.weights.checkpoint import (
    empty_weights,
    load_weights,
    read_pickled_weights,
    read_weights,
    save_weights,
)
from seedstory_core.weights.parts import load_models
from seedstory_core.weights.published import (
    LORA_A,
    LORA_B,
    QWEN_VISION_PREFIX,
    PublishedFiles,
    detokenizer_weights,
    story_weights,
    vision_weights,
)
from seedstory_core.weights.reference import reference_config
from tests.helpers.reference import COPY, copy_reference, rewrite

CONFIG = ResamplerConfig(num_queries=4, embed_dim=16, kv_dim=12, num_heads=2)


def test_saved_weights_come_back_bit_for_bit(tmp_path: Path) -> None:
    model, path = Resampler(CONFIG), tmp_path / "deep" / "resampler.safetensors"
    save_weights(model, path, metadata={"made by": "a test"})
    with empty_weights():
        other = Resampler(CONFIG)
    load_weights(other, read_weights(path), path)
    for name, value in model.state_dict().items():
        assert torch.equal(value, other.state_dict()[name])
    assert [p.requires_grad for p in other.parameters()] == [
        p.requires_grad for p in model.parameters()
    ]
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_half_precision_files_keep_computed_tables_exact(tmp_path: Path) -> None:
    model, path = Resampler(CONFIG), tmp_path / "resampler.safetensors"
    save_weights(model, path, dtype=torch.float16)
    stored = read_weights(path)
    assert stored["query"].dtype == torch.float16
    assert torch.equal(stored["pos_embed"], model.pos_embed)
    with empty_weights():
        other = Resampler(CONFIG)
    load_weights(other, stored, path, dtype=torch.float32)
    assert {p.dtype for p in other.parameters()} == {torch.float32}
    assert torch.equal(other.pos_embed, model.pos_embed)


def change(weights: dict[str, Tensor], kind: str) -> dict[str, Tensor]:
    weights = dict(weights)
    if kind == "missing":
        del weights["query"], weights["ln_q.bias"]
    elif kind == "unexpected":
        weights["query_2"] = torch.zeros(1)
    else:
        weights["query"] = torch.zeros(9, 16)
    return weights


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("missing", "some.file lacks 2 weights Resampler needs, the first are query, ln_q.bias"),
        ("unexpected", "has 1 weight Resampler does not know, the first is query_2"),
        ("misshapen", r"query: \[9, 16\] in the file, \[4, 16\] in the model"),
    ],
)
def test_weights_that_do_not_fit_are_named(kind: str, wanted: str) -> None:
    model = Resampler(CONFIG)
    before = model.query.clone()
    with pytest.raises(WeightsError, match=wanted) as caught:
        load_weights(model, change(model.state_dict(), kind), "some.file")
    assert "Was it saved with another configuration?" in str(caught.value)
    assert torch.equal(model.query, before)


def test_a_tied_output_head_stays_tied(tmp_path: Path) -> None:
    decoder = DecoderConfig(
        vocab_size=20,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        tie_word_embeddings=True,
    )
    resamplers = (
        ResamplerConfig(num_queries=4, embed_dim=16, kv_dim=16, num_heads=2),
        ResamplerConfig(num_queries=4, embed_dim=16, kv_dim=16, num_heads=2),
    )
    model, path = StoryLM(decoder, *resamplers), tmp_path / "story_lm.safetensors"
    save_weights(model, path)
    with empty_weights():
        other = StoryLM(decoder, *resamplers)
    load_weights(other, read_weights(path), path)
    head = other.llm.get_parameter("lm_head.weight")
    assert head is other.llm.get_parameter("model.embed_tokens.weight")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"absent\.safetensors is missing"):
        read_weights(tmp_path / "absent.safetensors")


@pytest.mark.parametrize("suffix", ["safetensors", "bin"])
@pytest.mark.parametrize("length", [0, 7, 200])
def test_a_truncated_file_is_named(tmp_path: Path, suffix: str, length: int) -> None:
    path = tmp_path / f"weights.{suffix}"
    weights = {"a": torch.zeros(50, 50)}
    if suffix == "bin":
        torch.save(weights, path)
    else:
        save_file(weights, path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(WeightsError, match=r"weights.*damaged"):
        (read_pickled_weights if suffix == "bin" else read_weights)(path)


@pytest.mark.parametrize("content", [b"half", b"<html>busy</html>", b"\x80\x02}q\x00.", b"{}"])
def test_a_file_of_something_else_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"weights\.bin"):
        read_pickled_weights(path)


@pytest.mark.parametrize("read", [read_weights, read_pickled_weights])
def test_a_git_lfs_pointer_is_recognised(tmp_path: Path, read) -> None:
    path = tmp_path / "weights.bin"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(WeightsError, match="Git LFS pointer"):
        read(path)


class Trap:
    """Pickles into a call that leaves a file behind, should anything run it."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.trace,))


def test_code_in_a_pickle_never_runs(tmp_path: Path) -> None:
    path, trace = tmp_path / "weights.bin", tmp_path / "trace"
    torch.save({"a": Trap(trace)}, path)
    with pytest.raises(WeightsError, match="could run code"):
        read_pickled_weights(path)
    assert not trace.exists()


def test_a_file_of_an_old_torch_is_read(tmp_path: Path) -> None:
    path, weights = tmp_path / "weights.bin", {"a": torch.arange(4.0)}
    torch.save(weights, path, _use_new_zipfile_serialization=False)
    assert torch.equal(read_pickled_weights(path)["a"], weights["a"])


def test_a_pickle_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    torch.save({"step": 3}, path)
    with pytest.raises(WeightsError, match="does not hold weights by name"):
        read_pickled_weights(path)


def test_a_full_disk_leaves_no_partial_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        (tmp_path / "w.safetensors.partial").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("seedstory_core.weights.checkpoint.save_file", fail)
    with pytest.raises(WeightsError, match="No space left"):
        save_weights(Resampler(CONFIG), tmp_path / "w.safetensors")
    assert list(tmp_path.iterdir()) == []


ALPHA = reference_config(COPY).weights.lora_alpha
ORIGINALS = PublishedFiles.of(reference_config(COPY))


@pytest.fixture
def copy(tmp_path: Path) -> PublishedFiles:
    return PublishedFiles.of(reference_config(copy_reference(tmp_path / "reference")))


def change_story_model(copy: PublishedFiles, **changes: Tensor | None) -> None:
    def change(weights: dict[str, Tensor]) -> dict[str, Tensor]:
        return {name: w for name, w in (weights | changes).items() if w is not None}

    rewrite(copy.story_model, change)


Q_PROJ = "llm.base_model.model.model.layers.0.self_attn.q_proj"


def test_the_base_folder_supplies_what_the_story_file_lacks(copy: PublishedFiles) -> None:
    change_story_model(
        copy, **{Q_PROJ + ".weight": None, Q_PROJ + LORA_A: None, Q_PROJ + LORA_B: None}
    )
    weights = story_weights(copy, lora_alpha=ALPHA)
    right = story_weights(ORIGINALS, lora_alpha=ALPHA)
    name = "llm.model.layers.0.self_attn.q_proj.weight"
    assert weights.keys() == right.keys()
    assert not torch.equal(weights[name].float(), right[name])
    assert weights[name].dtype == torch.float16  # as the base folder stores it


def test_half_an_adapter_is_refused(copy: PublishedFiles) -> None:
    change_story_model(copy, **{Q_PROJ + LORA_B: None})
    with pytest.raises(WeightsError, match="without its lora_B"):
        story_weights(copy, lora_alpha=1.0)


def test_the_other_half_is_refused_too(copy: PublishedFiles) -> None:
    change_story_model(copy, **{Q_PROJ + LORA_A: None})
    with pytest.raises(WeightsError, match="without its lora_A"):
        story_weights(copy, lora_alpha=1.0)


def test_an_adapter_of_another_size_is_refused(copy: PublishedFiles) -> None:
    change_story_model(copy, **{Q_PROJ + ".weight": torch.zeros(8, 8)})
    with pytest.raises(WeightsError, match="256 x 256 weights, and the projection has 8 x 8"):
        story_weights(copy, lora_alpha=1.0)


def test_an_adapter_without_its_projection_is_refused(copy: PublishedFiles) -> None:
    module = Q_PROJ.replace("layers.0", "layers.9")
    adapter = {module + LORA_A: torch.zeros(4, 256), module + LORA_B: torch.zeros(256, 4)}
    change_story_model(copy, **adapter)
    with pytest.raises(WeightsError, match=r"holds .*layers\.9.*q_proj\.weight"):
        story_weights(copy, lora_alpha=1.0)


def test_a_missing_shard_is_named(copy: PublishedFiles) -> None:
    (copy.base_llm / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(WeightsError, match="model-00002-of-00002"):
        story_weights(copy, lora_alpha=1.0)


def test_a_half_downloaded_shard_is_named(copy: PublishedFiles) -> None:
    shard = copy.base_llm / "model-00002-of-00002.safetensors"
    shard.write_bytes(shard.read_bytes()[:-1000])
    with pytest.raises(WeightsError, match=r"model-00002-of-00002.*incomplete"):
        story_weights(copy, lora_alpha=1.0)


@pytest.mark.parametrize("content", ["", "{}", '{"weight_map": 3}', "[1, 2]"])
def test_a_damaged_index_is_named(copy: PublishedFiles, content: str) -> None:
    (copy.base_llm / "model.safetensors.index.json").write_text(content)
    with pytest.raises(WeightsError, match=r"index\.json is damaged"):
        story_weights(copy, lora_alpha=1.0)


def test_a_folder_without_weights_is_named(copy: PublishedFiles) -> None:
    for path in copy.base_llm.iterdir():
        path.unlink()
    with pytest.raises(WeightsError, match=r"Llama-2-7b-hf are missing: it holds none of"):
        story_weights(copy, lora_alpha=1.0)


def test_the_base_model_is_needed_only_for_what_the_story_file_lacks(tmp_path: Path) -> None:
    config = reference_config(copy_reference(tmp_path / "reference"))
    files = PublishedFiles.of(config)
    right = load_models(config, torch.device("cpu")).story_lm.state_dict()
    shutil.rmtree(files.base_llm)
    alone = load_models(config, torch.device("cpu")).story_lm.state_dict()
    assert all(torch.equal(right[name], alone[name]) for name in right)
    change_story_model(files, **{"llm.base_model.model.lm_head.weight": None})
    with pytest.raises(WeightsError, match=r"lm_head\.weight.*Llama-2-7b-hf is missing"):
        load_models(config, torch.device("cpu"))


DAMAGES: dict[str, tuple[Callable[[StudioConfig], StudioConfig], str]] = {
    "wrong folder": (
        lambda config: with_setting(config, "runtime.weights_folder", "/no/such/folder"),
        r"/no/such/folder.*tokenizer\.model is missing",
    ),
    "no tokenizer": (
        lambda config: with_setting(config, "tokenizer.folder", config.runtime.weights_folder),
        r"tokenizer\.model is missing. Point tokenizer\.folder",
    ),
    "truncated": (
        lambda config: _spoil(config, "story_model", cut=5000),
        r"pytorch_model\.bin is damaged or incomplete",
    ),
    "pointer": (
        lambda config: _spoil(config, "detokenizer", text=POINTER),
        "Git LFS pointer",
    ),
    "code": (
        lambda config: _spoil(config, "vision", pickled={"a": Trap(Path("/x"))}),
        "could run code",
    ),
    "another model": (
        lambda config: with_setting(config, "vision.layers", 4),
        r"lacks 12 weights VisionEncoder needs, the first are transformer\.resblocks\.3",
    ),
}
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"


def _spoil(
    config: StudioConfig, part: str, *, cut: int = 0, text: str = "", pickled: object = None
) -> StudioConfig:
    path: Path = getattr(PublishedFiles.of(config), part)
    if pickled is not None:
        torch.save(pickled, path)
    else:
        path.write_bytes(text.encode() or path.read_bytes()[:-cut])
    return config


@pytest.mark.parametrize("damage", DAMAGES)
def test_bad_published_files_end_in_one_sentence(tmp_path: Path, damage: str) -> None:
    spoil, message = DAMAGES[damage]
    config = spoil(reference_config(copy_reference(tmp_path / "reference")))
    with pytest.raises(WeightsError, match=message) as caught:
        build_engine(config)
    assert "\n" not in str(caught.value).strip()


def test_an_adapted_file_may_hold_a_part_only(copy: PublishedFiles) -> None:
    right = detokenizer_weights(ORIGINALS)

    def keep_adapted(weights: dict[str, Tensor]) -> dict[str, Tensor]:
        return {k: v for k, v in weights.items() if ".to_k." in k or k.startswith("resampler.")}

    rewrite(copy.detokenizer, keep_adapted)
    weights = detokenizer_weights(copy)
    assert weights.keys() == right.keys()
    changed = [k for k in right if not torch.equal(weights[k].float(), right[k].float())]
    assert changed
    assert all(k.startswith("unet.") and ".to_k." not in k for k in changed)


@pytest.mark.parametrize("suffix", ["bin", "safetensors"])
def test_the_encoder_is_found_inside_qwen_vl_chat(copy: PublishedFiles, suffix: str) -> None:
    right = vision_weights(copy)
    copy.vision.unlink()
    folder = copy.vision.parent
    stem = "pytorch_model" if suffix == "bin" else "model"
    shards = {
        f"{stem}-00001-of-00002.{suffix}": {"transformer.h.0.ln_1.weight": torch.zeros(3)},
        f"{stem}-00002-of-00002.{suffix}": {
            **{QWEN_VISION_PREFIX + name: value for name, value in right.items()},
            "lm_head.weight": torch.zeros(3),
        },
    }
    places = {name: shard for shard, weights in shards.items() for name in weights}
    (folder / f"{stem}.{suffix}.index.json").write_text(json.dumps({"weight_map": places}))
    # The first shard holds nothing of the encoder and need not be there.
    last = f"{stem}-00002-of-00002.{suffix}"
    if suffix == "bin":
        torch.save(shards[last], folder / last)
    else:
        save_file(shards[last], folder / last)
    found = dataclasses.replace(copy, vision=folder)
    weights = vision_weights(found)
    assert weights.keys() == right.keys()
    assert all(torch.equal(weights[name], right[name]) for name in right)
    (folder / f"{stem}.{suffix}.index.json").write_text(
        json.dumps({"weight_map": {"lm_head.weight": last}})
    )
    with pytest.raises(WeightsError, match="another model's folder"):
        vision_weights(found)


def test_weights_are_computed_one_by_one_into_the_asked_for_format() -> None:
    config = reference_config(COPY)
    with empty_weights():
        model = StoryLM(config.decoder, config.input_resampler, config.output_resampler)
    weights = story_weights(ORIGINALS, lora_alpha=ALPHA)
    load_weights(model, weights, "story", dtype=torch.bfloat16)
    assert {value.dtype for value in model.state_dict().values()} == {torch.bfloat16}
    name = "llm.model.layers.0.self_attn.q_proj.weight"
    assert torch.equal(model.state_dict()[name], weights[name].bfloat16())
    assert weights[name] is not weights[name]


def test_every_adapter_is_merged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    merged: list[tuple[int, ...]] = []
    merge = published._merge_lora

    def count(base: Tensor, *rest: Any) -> Tensor:
        merged.append(tuple(base.shape))
        return merge(base, *rest)

    monkeypatch.setattr(published, "_merge_lora", count)
    config = reference_config(COPY)
    model = load_models(config, torch.device("cpu")).story_lm
    assert len(merged) == 7 * len(model.layers)


def test_a_part_can_be_left_to_another_file() -> None:
    model = nn.ModuleDict({"own": nn.Linear(2, 2), "other": nn.Linear(2, 2)})
    other = model.get_parameter("other.weight").clone()
    weights = {"own.weight": torch.ones(2, 2), "own.bias": torch.ones(2)}
    load_weights(model, weights, "file", leave_out="other.")
    assert torch.equal(model.get_parameter("own.weight"), torch.ones(2, 2))
    assert torch.equal(model.get_parameter("other.weight"), other)


class Empty(nn.Module):
    """A model without weights."""


def test_a_model_without_weights_takes_none() -> None:
    load_weights(Empty(), {}, "nothing")


def test_an_index_may_have_a_byte_order_mark_and_a_senseless_one_is_named(tmp_path: Path) -> None:
    save_file({"a": torch.ones(1)}, tmp_path / "x.safetensors")
    index = tmp_path / "m.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "x.safetensors"}}), encoding="utf-8-sig")
    assert list(read_weights(tmp_path / "m.safetensors")) == ["a"]
    for odd in ({"a": 5}, {"a": None}, ["a"], "a", {"a": ["x"]}):
        index.write_text(json.dumps({"weight_map": odd}))
        with pytest.raises(WeightsError, match="damaged"):
            read_weights(tmp_path / "m.safetensors")
