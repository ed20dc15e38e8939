import shutil
from pathlib import Path

import pytest
import torch
from reference import Reference
from safetensors.torch import save_file
from torch import Tensor, nn

from seedstory_core.config import DecoderConfig, ResamplerConfig
from seedstory_core.errors import WeightsError
from seedstory_core.models.resampler import Resampler
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.weights.checkpoint import (
    empty_weights,
    load_weights,
    read_pickled_weights,
    read_weights,
    save_weights,
)
from seedstory_core.weights.published import (
    LORA_A,
    LORA_B,
    PublishedFolder,
    detokenizer_weights,
    story_weights,
)

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
    assert other.llm.lm_head.weight is other.llm.model.embed_tokens.weight


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


def test_a_pickle_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    torch.save({"step": 3}, path)
    with pytest.raises(WeightsError, match="no table of weights"):
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


@pytest.fixture
def copy(reference: Reference, tmp_path: Path) -> PublishedFolder:
    return PublishedFolder(
        Path(shutil.copytree(reference.root / "pretrained", tmp_path / "pretrained"))
    )


def rewrite(path: Path, **changes: Tensor | None) -> None:
    stored = torch.load(path, weights_only=True) | changes
    torch.save({name: value for name, value in stored.items() if value is not None}, path)


Q_PROJ = "llm.base_model.model.model.layers.0.self_attn.q_proj"


def test_the_base_folder_supplies_what_the_story_file_lacks(
    copy: PublishedFolder, reference: Reference
) -> None:
    rewrite(copy.story_model, **{Q_PROJ + ".weight": None})
    weights = story_weights(copy, lora_alpha=0.0)
    right = story_weights(reference.published, lora_alpha=0.0)
    name = "llm.model.layers.0.self_attn.q_proj.weight"
    assert weights.keys() == right.keys()
    assert not torch.equal(weights[name].float(), right[name])
    assert weights[name].dtype == torch.float16  # as the base folder stores it


def test_half_an_adapter_is_refused(copy: PublishedFolder) -> None:
    rewrite(copy.story_model, **{Q_PROJ + LORA_B: None})
    with pytest.raises(WeightsError, match="without its lora_B"):
        story_weights(copy, lora_alpha=1.0)


def test_the_other_half_is_refused_too(copy: PublishedFolder) -> None:
    rewrite(copy.story_model, **{Q_PROJ + LORA_A: None})
    with pytest.raises(WeightsError, match="without its lora_A"):
        story_weights(copy, lora_alpha=1.0)


def test_an_adapter_of_another_size_is_refused(copy: PublishedFolder) -> None:
    rewrite(copy.story_model, **{Q_PROJ + ".weight": torch.zeros(8, 8)})
    with pytest.raises(WeightsError, match="256 x 256 weights, and there are 8 x 8"):
        story_weights(copy, lora_alpha=1.0)


def test_an_adapter_without_its_projection_is_refused(copy: PublishedFolder) -> None:
    module = Q_PROJ.replace("layers.0", "layers.9")
    adapter = {module + LORA_A: torch.zeros(4, 256), module + LORA_B: torch.zeros(256, 4)}
    rewrite(copy.story_model, **adapter)
    with pytest.raises(WeightsError, match=r"holds .*layers\.9.*q_proj\.weight"):
        story_weights(copy, lora_alpha=1.0)


def test_a_missing_shard_is_named(copy: PublishedFolder) -> None:
    (copy.base_llm / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(WeightsError, match="model-00002-of-00002"):
        story_weights(copy, lora_alpha=1.0)


def test_an_adapted_file_may_hold_a_part_only(copy: PublishedFolder, reference: Reference) -> None:
    right = detokenizer_weights(reference.published)
    stored = torch.load(copy.detokenizer, weights_only=True)
    adapted = {k: v for k, v in stored.items() if ".to_k." in k or k.startswith("resampler.")}
    torch.save(adapted, copy.detokenizer)
    weights = detokenizer_weights(copy)
    assert weights.keys() == right.keys()
    changed = [k for k in right if not torch.equal(weights[k].float(), right[k].float())]
    assert changed
    assert all(k.startswith("unet.") and ".to_k." not in k for k in changed)


def test_weights_are_read_into_the_asked_for_format(reference: Reference) -> None:
    weights = story_weights(
        reference.published, lora_alpha=reference.lora_alpha, dtype=torch.bfloat16
    )
    assert {value.dtype for value in weights.values()} == {torch.bfloat16}


class Empty(nn.Module):
    """A model without weights."""


def test_a_model_without_weights_takes_none() -> None:
    load_weights(Empty(), {}, "nothing")
