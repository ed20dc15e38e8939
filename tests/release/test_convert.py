"""Published weights, converted once, are the same weights."""

from __future__ import annotations

import dataclasses
import resource
import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from seedstory_core.config import (
    OF_ONE_MACHINE,
    RuntimeConfig,
    StudioConfig,
    load_config,
    to_yaml,
)
from seedstory_core.engine.build import build_engine
from seedstory_core.errors import WeightsError
from seedstory_core.weights import convert as module
from seedstory_core.weights.convert import convert, main
from seedstory_core.weights.memory_estimate import need_of
from seedstory_core.weights.parts import load_models
from seedstory_core.weights.published import PublishedFiles
from seedstory_core.weights.reference import reference_config
from tests.helpers.reference import COPY, copy_reference, rewrite

SMALL = 300_000
"""Bytes of a shard, so that the miniature has many."""


def published() -> StudioConfig:
    return reference_config(COPY)


def tensors_of(config: StudioConfig) -> dict[str, Tensor]:
    models = load_models(config, torch.device("cpu"))
    return {
        f"{part}.{name}": value
        for part, model in models.parts().items()
        for name, value in model.state_dict().items()
    }


@pytest.mark.parametrize("shard_bytes", [SMALL, 1 << 30])
def test_converted_weights_are_the_published_ones(tmp_path: Path, shard_bytes: int) -> None:
    total, *done = convert(published(), tmp_path / "new", shard_bytes=shard_bytes)
    assert total == sum(done)
    files = list((tmp_path / "new").glob("*.safetensors"))
    assert (len(files) > 4) == (shard_bytes == SMALL)
    assert sum(path.stat().st_size for path in files) == pytest.approx(total, rel=0.1)
    config = load_config(tmp_path / "new" / "config.yaml")
    assert config.weights.layout == "studio"
    before, after = tensors_of(published()), tensors_of(config)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert build_engine(config).tokenizer.vocab_size == config.decoder.vocab_size


def test_the_command_writes_the_asked_for_number_format(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mini.yaml"
    file.write_text(to_yaml(published(), runtime=[]))
    target = tmp_path / "new"
    arguments = [str(COPY), str(target), "--dtype", "bfloat16", "--config", str(file)]
    assert main(arguments) == 0
    assert f"--config {target / 'config.yaml'}" in capsys.readouterr().out
    tensors = tensors_of(load_config(target / "config.yaml"))
    codec = {name for name in tensors if "vae." in name}
    assert {tensors[name].dtype for name in codec} == {torch.float32}
    assert {tensors[name].dtype for name in tensors.keys() - codec} == {torch.bfloat16}
    assert main([str(COPY), str(tmp_path / "other")]) == 1  # the sizes of the 7B release
    assert "Traceback" not in (error := capsys.readouterr().err)
    assert "is missing" in error


def test_a_converted_model_needs_the_memory_that_it_needed_before(tmp_path: Path) -> None:
    other: dict[str, Any] = {
        "dtype": "bfloat16",
        "quantize": "nf4",
        "offload": ["vision", "detokenizer"],
        "pack_at_rest": True,
        "prefetch": False,
    }
    for field in dataclasses.fields(RuntimeConfig):
        if field.name not in (*OF_ONE_MACHINE, *other):
            other[field.name] = 3 + getattr(RuntimeConfig(), field.name)
    before = published()
    before = dataclasses.replace(before, runtime=dataclasses.replace(before.runtime, **other))
    assert all(getattr(RuntimeConfig(), name) != value for name, value in other.items())
    list(convert(before, tmp_path / "new"))
    after = load_config(tmp_path / "new" / "config.yaml")
    assert {name: getattr(after.runtime, name) for name in other} == other
    assert need_of(after) == need_of(before)
    # What names a machine is left to the one that reads the file.
    assert after.runtime.stories_folder == RuntimeConfig().stories_folder


def test_a_stopped_conversion_goes_on_where_it_stopped(tmp_path: Path) -> None:
    target = tmp_path / "new"
    steps = convert(published(), target, shard_bytes=SMALL)
    assert isinstance(steps, Generator)
    for _ in range(4):
        next(steps)
    steps.close()
    written = {path: path.stat().st_mtime_ns for path in target.glob("*.safetensors")}
    assert len(written) == 3
    list(convert(published(), target, shard_bytes=SMALL))
    assert {path: path.stat().st_mtime_ns for path in written} == written
    tensors_of(load_config(target / "config.yaml"))


def test_a_conversion_of_something_else_is_not_touched(tmp_path: Path) -> None:
    target = tmp_path / "new"
    list(convert(published(), target))
    config = published()
    other = dataclasses.replace(
        config, runtime=dataclasses.replace(config.runtime, dtype="float16")
    )
    with pytest.raises(WeightsError, match="another number format"):
        list(convert(other, target))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    with pytest.raises(WeightsError, match="not empty"):
        list(convert(published(), tmp_path / "full"))


def test_a_small_disk_is_noticed_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 1_000_000})()
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(WeightsError, match=r"needs \d+\.\d GB and 0\.0 GB are free"):
        list(convert(published(), tmp_path / "new"))
    assert not list((tmp_path / "new").glob("*.safetensors*"))


def test_a_disk_that_fills_up_leaves_no_half_file(tmp_path: Path) -> None:
    target = tmp_path / "new"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    # No file may grow beyond this, as on a disk that is full.
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        with pytest.raises(WeightsError, match=r"vision\.safetensors could not be written"):
            list(convert(published(), target))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert not list(target.glob("*.safetensors*"))
    list(convert(published(), target))


def test_a_damaged_shard_is_written_again(tmp_path: Path) -> None:
    target = tmp_path / "new"
    list(convert(published(), target))
    whole = (target / "vae.safetensors").read_bytes()
    (target / "vae.safetensors").write_bytes(whole[:-100])
    list(convert(published(), target))
    assert (target / "vae.safetensors").read_bytes() == whole


def test_a_converted_folder_can_be_moved(tmp_path: Path) -> None:
    list(convert(published(), tmp_path / "new"))
    (tmp_path / "new").rename(tmp_path / "moved")
    build_engine(load_config(tmp_path / "moved" / "config.yaml"))


def test_a_disk_that_lies_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = module.save_file

    def garble(tensors: dict[str, Tensor], path: Path) -> None:
        name = next(iter(tensors))
        right(tensors | {name: tensors[name] + 1}, path)

    monkeypatch.setattr(module, "save_file", garble)
    with pytest.raises(WeightsError, match="reads back differently"):
        list(convert(published(), tmp_path / "new"))


def test_weights_of_another_size_are_refused(tmp_path: Path) -> None:
    root = copy_reference(tmp_path / "reference")
    config = reference_config(root)
    name = "ln_post.weight"
    rewrite(PublishedFiles.of(config).vision, lambda weights: weights | {name: torch.zeros(3)})
    with pytest.raises(WeightsError, match=r"ln_post\.weight is \[3\] and the model needs"):
        list(convert(config, tmp_path / "new"))
