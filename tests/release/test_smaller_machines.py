"""Switches for smaller machines change where and how weights are stored, not the story."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch
from PIL import Image

from seedstory_core.config import PROJECT_ROOT, StudioConfig, load_config, with_setting
from seedstory_core.engine import Past, StoryEngine, TurnRequest, TurnResult
from seedstory_core.engine.build import build_engine
from seedstory_core.errors import ConfigError
from seedstory_core.generation.sampling import Sampling
from seedstory_core.models.offload import TakingTurns
from seedstory_core.models.packed import PackedLinear, num_weights
from seedstory_core.models.transforms import sd_pixels
from seedstory_core.models.vae import ImageVae
from seedstory_core.weights import memory_estimate
from seedstory_core.weights.parts import empty_models, load_models
from seedstory_core.weights.reference import reference_config
from seedstory_core.weights.verify.folder import ReferenceFolder
from tests.helpers.reference import COPY

CPU = torch.device("cpu")


def mini(**changes: Any) -> StudioConfig:
    config = with_setting(reference_config(COPY), "detokenizer.num_inference_steps", 2)
    return dataclasses.replace(config, runtime=dataclasses.replace(config.runtime, **changes))


def tell(engine: StoryEngine, count: int) -> list[TurnResult]:
    """Go on from a reader's image, as the recorded story does."""
    with Image.open(COPY / "expected" / "inputs" / "s0_p0.png") as opened:
        image = opened.convert("RGB")
    opening = "Mina the mouse found a red kite in the garden."
    past = Past()
    results = []
    for number in range(count):
        *_, result = engine.turn(
            past,
            TurnRequest(
                reader_text="" if number else opening,
                reader_image=None if number else image,
                complete_text=bool(number),
                sampling=Sampling(temperature=0.0),
            ),
        )
        assert isinstance(result, TurnResult)
        past = result.past
        results.append(result)
    return results


@pytest.fixture(scope="module")
def plain() -> list[TurnResult]:
    return tell(build_engine(mini()), 3)


def test_the_studio_continues_a_story_as_the_release_does(
    plain: list[TurnResult], reference: ReferenceFolder
) -> None:
    turns = reference.document("generate")["story0_window8"]["turns"]
    for result, recorded in zip(plain[1:], turns, strict=False):
        assert "[INST]" + result.text == recorded["text_clean"]
        name = recorded["tensors_prefix"] + "img_gen_feat"
        assert reference.check("generate", name, result.record.visual_features[None]).is_ok


def test_offloaded_models_tell_the_same_story(
    plain: list[TurnResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    came: list[str | None] = []
    bring = TakingTurns.bring

    def note(group: TakingTurns, member: torch.nn.Module | None) -> None:
        if group.aboard is not member:
            came.append(type(member).__name__ if member is not None else None)
        bring(group, member)

    monkeypatch.setattr(TakingTurns, "bring", note)
    offloaded = tell(build_engine(mini(offload=["vision", "story_lm", "detokenizer"])), 3)
    for one, other in zip(plain, offloaded, strict=True):
        assert one.text == other.text
        assert torch.equal(one.record.visual_features, other.record.visual_features)
        assert one.image.tobytes() == other.image.tobytes()
    # The zero image; the reader's image; then words and their features before the painting.
    encoder, layers, unet = "VisionEncoder", "ModuleList", "UNet2DConditionModel"
    assert came == [encoder, None, encoder, None, layers, unet, layers, unet]


def test_only_the_one_at_work_is_on_the_device() -> None:
    # Nothing but the weights' place is looked at, so the device may be one that cannot compute.
    model = torch.nn.ModuleDict({"one": torch.nn.Linear(2, 2), "two": torch.nn.Linear(2, 2)})
    model["small"] = torch.nn.Linear(2, 2)
    group = TakingTurns(torch.device("meta"))
    group.add(model["one"], model["one"])
    group.add(model, model["two"])
    assert model["two"].weight.device.type == "cpu"
    assert model["small"].weight.is_meta
    group.bring(model["two"])
    assert model["two"].weight.is_meta
    group.bring(model["two"])
    assert group.aboard is model["two"]


def test_a_member_that_finds_no_room_can_come_later(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    group = TakingTurns(torch.device("meta"))
    for member in (one, two):
        group.add(member, member)
    group.bring(one)
    move = torch.nn.Module.to

    def fail(module: torch.nn.Module, place: Any) -> torch.nn.Module:
        if module is two and place != "cpu":
            raise torch.OutOfMemoryError
        return module if place == "cpu" else move(module, place)

    monkeypatch.setattr(torch.nn.Module, "to", fail)
    with pytest.raises(torch.OutOfMemoryError):
        group.bring(two)
    assert group.aboard is None
    group.bring(one)
    assert group.aboard is one


@pytest.mark.parametrize(("kind", "bytes_per_weight"), [("int8", 1.05), ("nf4", 0.65)])
def test_quantized_layers_are_smaller_and_nearly_as_good(
    plain: list[TurnResult], kind: str, bytes_per_weight: float
) -> None:
    pytest.importorskip("bitsandbytes")
    engine = build_engine(mini(quantize=kind))
    numbers = num_weights(load_models(mini(), CPU).story_lm.layers)
    stored = sum(
        value.numel() * value.element_size()
        for value in engine.story_lm.layers.state_dict().values()
        if isinstance(value, torch.Tensor)
    )
    assert stored < bytes_per_weight * numbers
    assert type(engine.story_lm.llm.lm_head) in (torch.nn.Linear, PackedLinear)
    quantized = tell(engine, 2)
    for one, other in zip(plain, quantized, strict=False):
        assert one.text == other.text
    features = (plain[1].record.visual_features, quantized[1].record.visual_features)
    assert torch.cosine_similarity(*features, dim=-1).mean() > (0.999 if kind == "int8" else 0.97)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "bitsandbytes", None)
    with pytest.raises(ConfigError, match="pip install bitsandbytes"):
        build_engine(mini(quantize="int8"))


@torch.no_grad()
def test_tiles_decode_nearly_the_same_image(tiny_config: StudioConfig) -> None:
    config = tiny_config.detokenizer.vae
    whole = load_models(tiny_config, CPU).detokenizer.vae
    tiled = ImageVae(dataclasses.replace(config, tile_size=128))
    tiled.load_state_dict(whole.state_dict())
    tiled.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as loading does
    with Image.open(PROJECT_ROOT / "assets" / "openings" / "bruno.webp") as image:
        latents = whole.encode(sd_pixels(image, 256)[None])
    one, other = whole.decode(latents), tiled.decode(latents)
    assert one.shape == other.shape == (1, 3, 256, 256)
    # Every tile has its own statistics in the norms.
    assert 0 < (one - other).abs().mean() < 0.05
    # An image no larger than a tile is decoded as ever.
    small = latents[..., :8, :8]
    assert torch.equal(whole.decode(small), tiled.decode(small))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("runtime.quantize=int4", "must be one of none, int8, nf4"),
        ("runtime.offload=[visions]", "Did you mean 'vision'"),
        ("runtime={quantize: int8, offload: [story_lm]}", "do not go together"),
        ("detokenizer.vae.tile_size=100", "multiple of 16"),
    ],
)
def test_impossible_switches_are_refused(setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(None, [setting])


def test_the_environment_can_offload(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEDSTORY_OFFLOAD", "vision, story_lm")
    assert load_config().runtime.offload == ["vision", "story_lm"]


GIB, GPU = 2**30, torch.device("cuda", 0)
FULL = PROJECT_ROOT / "configs" / "seed_story_7b.yaml"


@dataclasses.dataclass
class Memory:
    available: int


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    def set_free(device_gib: int, host_gib: int) -> None:
        monkeypatch.setattr(
            memory_estimate, "free_bytes", lambda device: (device_gib * GIB, "this one")
        )
        memory = Memory(available=host_gib * GIB)
        monkeypatch.setattr(memory_estimate.psutil, "virtual_memory", lambda: memory)

    return set_free


TILES, BUDGET = "detokenizer.vae.tile_size=512", "runtime.memory_pool_bytes=1610612736"
OFFLOAD = "runtime.offload=[vision,detokenizer]"
ALONE = "runtime.prefetch=false runtime.max_turns=1"


@pytest.mark.parametrize(
    ("free_gib", "wanted"),
    [
        (40, None),
        (34, f"Set {TILES}."),
        (24, f"Set {TILES} {BUDGET} {OFFLOAD}."),
        (20, f"Set {TILES} {BUDGET} {OFFLOAD} runtime.quantize=int8."),
        (16, f"Set {TILES} {BUDGET} {OFFLOAD} runtime.quantize=nf4."),
        (4, "No setting makes them small enough"),
    ],
)
def test_a_start_that_cannot_fit_names_the_switches(
    free: Callable[[int, int], None], free_gib: int, wanted: str | None
) -> None:
    free(free_gib, 64)
    config = load_config(FULL)
    if wanted is None:
        memory_estimate.check_fit(config, GPU)
        return
    with pytest.raises(ConfigError) as caught:
        memory_estimate.check_fit(config, GPU)
    message = str(caught.value)
    assert f"about 38.5 GB on this one, and {free_gib * GIB / 1e9:.1f} GB are free" in message
    assert wanted in message


def test_many_turns_at_once_are_given_up_before_anything_else(
    free: Callable[[int, int], None],
) -> None:
    many = ["runtime.max_turns=4", "runtime.prefetch=true"]  # as the tiny model has them
    free(40, 64)
    with pytest.raises(ConfigError, match=rf"about 71\.7 GB .* Set {ALONE}\."):
        memory_estimate.check_fit(load_config(FULL, many), GPU)
    free(24, 64)
    with pytest.raises(ConfigError) as caught:
        memory_estimate.check_fit(load_config(FULL, many), GPU)
    assert f"Set {ALONE} {TILES} {BUDGET} {OFFLOAD}." in str(caught.value)
    memory_estimate.check_fit(
        load_config(FULL, [*many, *ALONE.split(), TILES, BUDGET, OFFLOAD]), GPU
    )


def test_a_context_is_as_long_as_its_policy_and_the_longest_page() -> None:
    capped = memory_estimate.need_of(load_config(FULL))
    wider = memory_estimate.need_of(load_config(FULL, ["memory.max_rows=2817"]))
    row = 2 * 32 * 4096 * 2  # keys and values of 32 layers in 16 bits
    assert wider.contexts - capped.contexts == row
    dense = memory_estimate.need_of(load_config(FULL, ["memory.policy=dense"]))
    assert dense.contexts - capped.contexts == (4096 - 2816) * row
    # What a turn sees is held while it runs, whether the pool has room for it or not.
    little = memory_estimate.need_of(load_config(FULL, ["runtime.memory_pool_bytes=1"]))
    assert little.memory == 2816 * row
    assert int(BUDGET.split("=")[1]) >= little.memory
    assert BUDGET in memory_estimate.table(load_config(FULL))[-1]


def test_the_margin_is_a_part_of_what_comes_and_goes() -> None:
    need = memory_estimate.need_of(load_config(FULL))
    weights = need.story_lm + need.vision + need.detokenizer + need.codec
    moving = need.memory + need.contexts + need.work
    assert need.margin == pytest.approx(0.5e9 + 0.05 * moving)
    assert need.device == pytest.approx(weights + moving + need.margin)


@pytest.mark.parametrize(
    ("setting", "needed"), [(OFFLOAD, "9.0"), ("runtime.quantize=nf4", "13.0")]
)
def test_what_waits_or_passes_has_to_fit_into_main_memory(
    free: Callable[[int, int], None], setting: str, needed: str
) -> None:
    free(80, 6)
    with pytest.raises(ConfigError, match=rf"{needed} GB of main memory.* 6\.4 GB are free"):
        memory_estimate.check_fit(load_config(FULL, [setting]), GPU)


def test_on_a_processor_nothing_is_gained_by_sending_models_away(
    free: Callable[[int, int], None],
) -> None:
    free(24, 24)
    with pytest.raises(ConfigError) as caught:
        memory_estimate.check_fit(load_config(FULL), CPU)
    assert "offload" not in str(caught.value)
    free(28, 28)
    with pytest.raises(ConfigError, match=rf"{TILES} {BUDGET}\."):
        memory_estimate.check_fit(load_config(FULL), CPU)


def test_the_settings_that_are_named_work() -> None:
    config = load_config(FULL)
    models = empty_models(config)
    before = memory_estimate.need_of(config, models).device
    for settings, changed in memory_estimate.smaller(config, models):
        again = memory_estimate.need_of(load_config(FULL, settings), models)
        assert again == memory_estimate.need_of(changed, models)
        assert again.device < before
        before = again.device


def test_what_saves_nothing_or_cannot_be_is_not_advised() -> None:
    config = load_config(FULL, ["runtime.offload=[vision,story_lm,detokenizer]", TILES])
    names = [settings for settings, _ in memory_estimate.smaller(config, empty_models(config))]
    assert names == [[BUDGET], [BUDGET, "runtime.quantize=nf4"]]


def test_weights_are_counted_as_they_are() -> None:
    config = load_config()
    need = memory_estimate.need_of(config)
    models = load_models(config, CPU)
    for part, model in (("story_lm", models.story_lm), ("vision", models.vision)):
        assert getattr(need, part) == 4 * num_weights(model)
    assert models.preview is not None
    drawer = num_weights(models.detokenizer) + num_weights(models.preview)
    assert need.detokenizer + need.codec == 4 * drawer


def test_the_table_has_a_row_per_switch(capsys: pytest.CaptureFixture[str]) -> None:
    assert memory_estimate.main([]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    config = load_config(FULL)
    assert rows[1].startswith("| as configured | 13.8 | 3.9 | 5.3 | 0.3 | 8.6 |")
    assert len(rows) == 2 + len(list(memory_estimate.smaller(config, empty_models(config))))
