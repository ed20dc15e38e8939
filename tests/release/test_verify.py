"""Our classes give the results of the released code, and the verification can fail."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import torch

from seedstory_core.errors import WeightsError
from seedstory_core.weights.published import LORA_A, LORA_B, ORIGINAL, SAVED, PublishedFiles
from seedstory_core.weights.reference import reference_config
from seedstory_core.weights.verify import __main__ as command
from seedstory_core.weights.verify import files, images, language, released_loop, stories
from seedstory_core.weights.verify.__main__ import Check, main, run, verify
from seedstory_core.weights.verify.comparison import Row, compare, compare_exactly, compare_numbers
from seedstory_core.weights.verify.folder import ReferenceFolder
from tests.helpers.other_reference import write_other_reference
from tests.helpers.other_sizes import NUMBERS
from tests.helpers.reference import COPY, copy_reference, edit_json, rewrite

CODEC = "diffusion_pytorch_model.safetensors"


def wrong(rows: Iterable[Row]) -> list[str]:
    return [str(row) for row in rows if not row.is_ok]


def test_the_released_schedule_tells_the_recorded_stories(reference: ReferenceFolder) -> None:
    rows = list(stories.stories(reference, answer=released_loop.generate))
    assert len(rows) > 50
    assert wrong(rows) == []


P = "<img><img_00000></img>"


@pytest.mark.parametrize(
    ("written", "given", "prompts"),
    [
        # As many characters as the separator has are cut off with a panel, come what may.
        (
            ["<s>STb ", "cc", "STd", ""],
            None,
            [f"a{P}", f"a{P}STb{P}", f"b{P}cc{P}", f"{P}STd{P}"],
        ),
        # Captions are given, and nothing stands between panels.
        (
            ["<s>", "", "", ""],
            ["b", "c", "d", "e"],
            [f"a{P}b", f"a{P}b{P}c", f"b{P}c{P}d", f"c{P}d{P}e"],
        ),
    ],
)
def test_the_released_scripts_cut_their_prompts(
    written: list[str], given: list[str] | None, prompts: list[str]
) -> None:
    case = {"start_caption": "a", "window_size": 2, "given_texts": given}
    first, *others = (torch.full((1, 1, 1), float(number)) for number in range(5))
    story = released_loop.ReleasedStory(case, first, image_text=P, separator="ST")
    found = []
    for text, features in zip(written, others, strict=True):
        found.append(story.next_prompt())
        story.add(text, features)
    assert [prompt.text for prompt in found] == prompts
    seen = [[int(features) for features in prompt.features] for prompt in found]
    assert seen == [[0], [0, 1], [1, 2], [2, 3]]
    # The visualisation loses the begin of story with its first panel.
    is_first = [True, True, False, False]
    assert [prompt.has_bos for prompt in found] == (is_first if given else [True] * 4)


def test_the_released_schedule_draws_the_same_image(reference: ReferenceFolder) -> None:
    features = reference.tensors("detokenizer")["generate_image_embeds"]
    vision, detokenizer = reference.vision, reference.detokenizer
    drawn = released_loop.draw(vision, detokenizer, features, num_inference_steps=4)
    ours = detokenizer.draw(
        features,
        negative_visual_features=reference.negative_features,
        num_inference_steps=4,
        seed=released_loop.SEED,
    )
    assert torch.equal(drawn, ours)


def test_everything_recorded_of_the_release_is_computed_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main([str(COPY)])
    shown = capsys.readouterr().out
    assert [line for line in shown.splitlines() if "NOT OK" in line] == []
    assert shown.endswith("rows, all ok.\n")
    assert "not computed again" not in shown
    assert status == 0
    assert main([str(tmp_path)]) == 1
    assert "config.json could not be read" in capsys.readouterr().err


def test_a_folder_of_other_sizes_passes_unchanged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_other_reference(tmp_path / "other")
    told = ReferenceFolder(root).document("generate").values()
    turns = [turn for case in told for turn in case["turns"]]
    # What a model that knows nothing writes would prove nothing.
    assert all(turn["num_gen_imgs"] == 1 and turn["ended_with_eos"] for turn in turns)
    assert min(turn["min_top1_top2_margin"] for turn in turns) > 2
    capsys.readouterr()
    status = main([str(root)])
    shown = capsys.readouterr().out
    assert [line for line in shown.splitlines() if "NOT OK" in line] == []
    assert shown.endswith("rows, all ok.\n")
    assert "not computed again" not in shown
    assert status == 0


SHARED = {
    # What the release fixes, and no size.
    "instruction_prompt",
    "language_model/rope_theta",
    "language_model/hidden_act",
    "language_model/tie_word_embeddings",
    "lora/target_modules",
    "lora/modules_to_save",
    "lora/adapter_name",
    "lora/bias",
    "stable_diffusion_xl/configs",
    "transforms/story_picture/type",
}


def test_the_other_folder_has_no_size_of_the_miniature() -> None:
    def leaves(numbers: dict[str, Any], place: str = "") -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in numbers.items():
            is_inner = isinstance(value, dict)
            found |= leaves(value, f"{place}{name}/") if is_inner else {place + name: value}
        return found

    own, recorded = leaves(NUMBERS), leaves(ReferenceFolder(COPY).numbers)
    assert own.keys() == recorded.keys()
    assert {name for name in own if own[name] == recorded[name]} == SHARED


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copy_reference(tmp_path / "reference")


def test_an_entry_that_nothing_computes_is_not_ok(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = {"kind": "output", "meaning": "new", "atol": 1.0}

    def add(manifest: dict) -> None:
        manifest["tensors"]["expected/vit.safetensors"]["another"] = entry
        manifest["documents"]["expected/another.json"] = "new"

    edit_json(folder / "expected" / "manifest.json", add)
    monkeypatch.setattr(command, "CHECKS", (images.vit,))
    red = {row.split()[0] for row in wrong(verify(ReferenceFolder(folder)))}
    assert {"vit/another", "another.json", "forward/logits", "data.json"} <= red
    assert "vit/image_embeds" not in red
    assert "forward/input_ids" not in red  # an input, to be fed as it is


@pytest.mark.parametrize("scale", [1e-6, 1.0])
def test_another_lora_scale_turns_rows_red(folder: Path, scale: float) -> None:
    def rescale(numbers: dict) -> None:
        numbers["lora"]["lora_alpha"] = scale * numbers["lora"]["r"]

    edit_json(folder / "config.json", rescale)
    red = wrong(language.forward(ReferenceFolder(folder)))
    assert any("forward/logits" in row for row in red)
    assert any("forward/rec_loss" in row for row in red)


def test_the_original_norms_turn_rows_red(folder: Path) -> None:
    def exchange(weights: dict) -> dict:
        return weights | {
            name.replace(ORIGINAL, SAVED): value
            for name, value in weights.items()
            if ORIGINAL in name
        }

    rewrite(PublishedFiles.of(reference_config(folder)).story_model, exchange)
    red = wrong(language.forward(ReferenceFolder(folder)))
    assert any("forward/logits" in row for row in red)


def is_projection(name: str) -> bool:
    return name.startswith("llm.") and name.endswith("proj.weight")


def test_the_base_projections_turn_rows_red(folder: Path) -> None:
    def forget(weights: dict) -> dict:
        return {name: w for name, w in weights.items() if not is_projection(name)}

    rewrite(PublishedFiles.of(reference_config(folder)).story_model, forget)
    red = wrong(language.forward(ReferenceFolder(folder)))
    assert any("forward/lm_loss" in row for row in red)


def test_the_base_unet_turns_rows_red(folder: Path) -> None:
    def forget(weights: dict) -> dict:
        return {name: w for name, w in weights.items() if not name.startswith("unet.")}

    rewrite(PublishedFiles.of(reference_config(folder)).detokenizer, forget)
    reference = ReferenceFolder(folder)
    assert any("forward_noise_pred" in row for row in wrong(images.detokenizer(reference)))
    assert any("generate_4steps" in row for row in wrong(images.drawing(reference)))


LAYER = "llm.base_model.model.model.layers.1."
FLIPS: list[tuple[str, str, Check]] = [
    ("story_model", LAYER + "self_attn.k_proj.weight", language.forward),
    ("story_model", LAYER + "input_layernorm.modules_to_save.default.weight", language.forward),
    ("story_model", LAYER + "mlp.down_proj.lora_B.default.weight", language.forward),
    ("story_model", "llm.base_model.model.lm_head.weight", stories.stories),
    ("story_model", "output_resampler.ln_kv.bias", images.resamplers),
    ("vision", "transformer.resblocks.1.mlp.c_fc.bias", images.vit),
    ("detokenizer", "unet.mid_block.attentions.0.proj_in.bias", images.detokenizer),
    ("detokenizer", "resampler.latents", images.detokenizer),
    ("codec", "decoder.mid_block.resnets.0.conv1.bias", images.drawing),
    ("codec", "encoder.conv_in.weight", images.detokenizer),
]


@pytest.mark.parametrize(("file", "name", "check"), FLIPS, ids=[name for _, name, _ in FLIPS])
def test_a_flipped_weight_turns_a_row_red(folder: Path, file: str, name: str, check: Check) -> None:
    found = PublishedFiles.of(reference_config(folder))
    is_codec = file == "codec"
    path = found.sdxl / "vae" / CODEC if is_codec else getattr(found, file)
    rewrite(path, lambda weights: weights | {name: -weights[name]})
    assert wrong(run(check, ReferenceFolder(folder)))


CANCELLED = {
    # A softmax does not change when all its scores grow by the same.
    "resampler.unet_attnpool.k_proj.bias",
    "vae.autoencoder.encoder.mid_block.attentions.0.to_k.bias",
    "vae.autoencoder.decoder.mid_block.attentions.0.to_k.bias",
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "checks"),
    [
        ("vision", [images.vit]),
        ("story_lm", [images.resamplers, language.forward, stories.stories]),
        ("detokenizer", [images.detokenizer, images.drawing]),
    ],
)
def test_every_flipped_tensor_turns_a_row_red(part: str, checks: list[Check]) -> None:
    folder = ReferenceFolder(COPY)
    passed = set()
    for name, weight in getattr(folder, part).state_dict().items():
        folder.__dict__.pop("negative_features", None)
        weight.neg_()
        if all(row.is_ok for check in checks for row in run(check, folder)):
            passed.add(name)
        weight.neg_()
    assert passed == (CANCELLED if part == "detokenizer" else set())


def test_another_file_content_is_noticed(folder: Path) -> None:
    path = PublishedFiles.of(reference_config(folder)).story_model

    def half_an_adapter(weights: dict) -> dict:
        (first, *_) = (name for name in weights if name.endswith(LORA_A))
        del weights[first], weights[first.replace(LORA_A, LORA_B)]
        return weights

    rewrite(path, half_an_adapter)
    assert wrong(files.contents(ReferenceFolder(folder)))


def test_a_check_that_cannot_be_computed_is_a_red_row(folder: Path) -> None:
    PublishedFiles.of(reference_config(folder)).vision.write_bytes(b"half")
    (red,) = wrong(run(images.vit, ReferenceFolder(folder)))
    assert red.startswith("images.vit") and "qwen_vit_G.pt is damaged" in red


def test_a_description_that_lacks_numbers_is_refused(folder: Path) -> None:
    edit_json(folder / "config.json", lambda numbers: numbers["lora"].clear())
    with pytest.raises(WeightsError, match="'lora_alpha'"):
        ReferenceFolder(folder)


def test_rows_tell_differences_apart() -> None:
    ones = torch.ones(2)
    assert compare("a", ones, ones, 0.0).is_ok
    assert compare("a", ones + 0.1, ones, 0.2).is_ok
    assert not compare("a", ones + 0.3, ones, 0.2).is_ok
    assert not compare("a", torch.tensor([1.0, float("nan")]), ones, 1.0).is_ok
    assert not compare("a", torch.ones(3), ones, 1.0).is_ok
    assert compare_exactly("b", {"x": [1, 2]}, {"x": [1, 2]}).is_ok
    row = compare_exactly("b", {"x": [1, 3], "z": 0}, {"x": [1, 2], "y": 0})
    assert (row.difference, row.is_ok) == (3.0, False)
    assert "/x/1 (3 instead of 2)" in row.remark
    assert compare_numbers("c", [1.0005], [1.0], relative=1e-3).is_ok
    assert not compare_numbers("c", [1.0, 2.0], [1.0], relative=1e-3).is_ok
    assert not compare_numbers("c", [1.0, float("nan"), 2.0], [1.0, 1.0, 2.0], relative=1).is_ok
