import dataclasses
from pathlib import Path

import pytest
from omegaconf import DictConfig, OmegaConf

from seedstory_core.build import build_archive
from seedstory_core.config import (
    PROJECT_ROOT,
    RuntimeConfig,
    StudioConfig,
    load_config,
    project_path,
    with_setting,
)
from seedstory_core.config.reference import reference
from seedstory_core.errors import ConfigError

CONFIGS = sorted((PROJECT_ROOT / "configs").glob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_loads(path: Path) -> None:
    assert isinstance(load_config(path), StudioConfig)


def test_every_recipe_has_a_plan_for_every_stage() -> None:
    pytest.importorskip("skia", exc_type=ImportError)
    from seedstory_core.training.recipe import STEPS, Trained

    for path in (PROJECT_ROOT / "configs" / "train").glob("*.yaml"):
        recipe = OmegaConf.load(path)
        assert isinstance(recipe, DictConfig)
        trained = {name: step for name, step in STEPS.items() if isinstance(step, Trained)}
        assert set(recipe) == {"data", *trained}
        for name, step in trained.items():
            assert OmegaConf.merge(OmegaConf.structured(step.plan), recipe[name]).steps > 0


def test_the_tiny_file_says_what_the_defaults_say() -> None:
    assert {path.stem for path in CONFIGS} >= {"tiny", "seed_story_7b"}
    assert load_config(PROJECT_ROOT / "configs" / "tiny.yaml") == StudioConfig() == load_config()


def test_the_tiny_file_lists_every_model_number() -> None:
    written = OmegaConf.to_container(OmegaConf.load(PROJECT_ROOT / "configs" / "tiny.yaml"))
    assert isinstance(written, dict)
    defaults = dataclasses.asdict(StudioConfig())
    # A sampling setting has no second home, so that adding one does not change this file.
    for group in defaults.keys() - {"weights", "sampling"}:
        assert written[group] == defaults[group]


def test_what_only_the_tiny_model_needs_is_off_for_the_published_one() -> None:
    published = load_config(PROJECT_ROOT / "configs" / "seed_story_7b.yaml").detokenizer
    assert (published.prediction_type, published.spatial_hint_channels) == ("epsilon", 0)
    assert (published.vae.patch_size, published.initial_noise_scale) == (1, 1.0)


def test_overrides_win_over_environment_over_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("runtime:\n  device: cpu\n  num_threads: 1\n  dtype: float16\n")
    monkeypatch.setenv("SEEDSTORY_NUM_THREADS", "2")
    monkeypatch.setenv("SEEDSTORY_DTYPE", "bfloat16")
    runtime = load_config(file, ["runtime.dtype=float32"]).runtime
    assert (runtime.device, runtime.num_threads, runtime.dtype) == ("cpu", 2, "float32")


def test_every_machine_setting_has_an_environment_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    changed = {"device": "cpu", "dtype": "float16", "quantize": "nf4", "offload": "vision"}
    changed["pack_at_rest"] = changed["prefetch"] = changed["public"] = "True"
    for item in dataclasses.fields(RuntimeConfig):
        monkeypatch.setenv(f"SEEDSTORY_{item.name.upper()}", changed.get(item.name, "7"))
    runtime = load_config().runtime
    for item in dataclasses.fields(RuntimeConfig):
        wanted = changed.get(item.name, "7")
        assert str(getattr(runtime, item.name)) in (wanted, "7.0", str([wanted]))


@pytest.mark.parametrize(
    ("override", "public"), [("=true", True), ("=false", False), ("=null", None)]
)
def test_a_studio_is_public_not_public_or_undecided(override: str, public: bool | None) -> None:
    assert load_config().runtime.public is None
    assert load_config(None, [f"runtime.public{override}"]).runtime.public is public
    with pytest.raises(ConfigError, match=r"runtime\.public"):
        load_config(None, ["runtime.public=perhaps"])
    with pytest.raises(ConfigError, match=r"runtime\.visitor_turns is 0"):
        load_config(None, ["runtime.visitor_turns=0"])


def test_models_that_change_places_tell_one_story_at_a_time() -> None:
    plain, away = (RuntimeConfig(offload=parts) for parts in (["vision"], ["story_lm"]))
    assert (plain.turns_at_once, plain.prefetches) == (plain.max_turns, True)
    assert (away.turns_at_once, away.prefetches) == (1, False)


def test_a_setting_can_be_emptied() -> None:
    assert load_config(None, ["runtime.openings_folder="]).runtime.openings_folder == ""
    assert load_config(None, ["generation.end_phrase="]).generation.end_phrase == ""


def test_all_other_settings_come_from_one_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEDSTORY_SET", "sampling.top_p=0.5 generation.end_phrase='All done.'")
    config = load_config(None, ["sampling.temperature=0.3"])
    assert (config.sampling.top_p, config.sampling.temperature) == (0.5, 0.3)
    assert config.generation.end_phrase == "All done."
    monkeypatch.setenv("SEEDSTORY_SET", "generation.topp=0.5")
    with pytest.raises(ConfigError, match=r"SEEDSTORY_SET has the unknown key 'generation\.topp'"):
        load_config()


def test_a_misspelt_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEDSTORY_STORY_FOLDER", "/data")
    with pytest.raises(ConfigError, match="SEEDSTORY_STORIES_FOLDER"):
        load_config()


def test_a_place_for_stories_that_cannot_be_opened_is_named() -> None:
    for place in ("no-such-kind://bucket/x", "s3://bucket/x"):
        config = load_config(None, [f"runtime.stories_folder={place}"])
        with pytest.raises(ConfigError, match="stories_folder is"):
            build_archive(config)


def test_relative_story_folders_lie_in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert build_archive(load_config()).root == str(PROJECT_ROOT / "stories")


@pytest.mark.parametrize(
    ("override", "wanted"),
    [
        (
            "decoder.hiden_size=3",
            "unknown key 'decoder.hiden_size'. Similar ones: decoder.hidden_s",
        ),
        ("hidden_size=3", "decoder.hidden_size"),
        ("runtim.device=cpu", "Similar ones: runtime"),
        ("decoder.hidden_size=wide", "'decoder.hidden_size'"),
        ("decoder.hidden_size=null", "'decoder.hidden_size'"),
        ("vision=3", "impossible value"),
        ("runtime.device", "not of the form key=value"),
        ("runtime.dtype=bfloat61", "Did you mean 'bfloat16'"),
        ("runtime.num_threads=-1", "num_threads"),
        ("vision.n_queries=35", "square number"),
        ("vision.image_size=7", "at least one patch"),
        ("vision.heads=3", "vision.width is 256; it must be a multiple of"),
        ("vision.layers=0", "vision.layers is 0; it must be greater than 0"),
        ("input_resampler.kv_dim=64", "vision.output_dim"),
        ("decoder.num_attention_heads=6", "decoder.hidden_size is 320"),
        ("decoder.num_key_value_heads=2", "num_key_value_heads"),
        ("detokenizer.prediction_type=epsilon", "needs EulerDiscreteScheduler or DDIMScheduler"),
        ("detokenizer.scheduler.name=Euler", "EulerDiscreteScheduler"),
        ("detokenizer.image_size=100", "multiple of 16"),
        ("detokenizer.unet.num_attention_heads=[1]", "both need one per resolution"),
        ("detokenizer.unet.block_out_channels=[100,192]", "norm_num_groups"),
        ("detokenizer.perceiver.output1_dim=1", "cross_attention_dim"),
        ("detokenizer.condition_dropout=1.5", "from 0 to 1"),
        ("sampling.top_p=0", "top_p"),
        ("sampling.temperature=-1", "temperature"),
        ("sampling.temperature=9", "from 0 to 5"),
        ("detokenizer.unet.up_block_types=[UpBlock2D,CrosAttnUpBlock2D]", "'CrossAttnUpBlock2D'"),
        ("runtime.stories_folder=''", "stories_folder is empty"),
        ("runtime.device=[a", "the override 'runtime.device=[a' is not valid YAML"),
        ("generation.num_image_queries=25", "input_resampler.num_queries is 16"),
    ],
)
def test_a_wrong_key_or_value_is_explained(override: str, wanted: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(overrides=[override])
    assert wanted in str(caught.value)


def test_a_wrong_key_in_a_file_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("vision:\n  image_sise: 160\n")
    with pytest.raises(ConfigError, match=r"mine\.yaml has the unknown key 'vision\.image_sise'"):
        load_config(file)


@pytest.mark.parametrize(
    ("content", "wanted"),
    [(b"a: [", "not valid YAML"), (b"- 1\n", "holds a list"), (b"\xff\xfe\x00", "could not be")],
)
def test_unreadable_files_are_explained(tmp_path: Path, content: bytes, wanted: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=wanted):
        load_config(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.yaml could not be read"):
        load_config(tmp_path / "absent.yaml")


def test_an_empty_file_is_the_tiny_model(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("")
    assert load_config(file) == StudioConfig()


def test_relative_paths_start_at_the_project() -> None:
    assert project_path("assets/tiny") == PROJECT_ROOT / "assets" / "tiny"
    assert project_path("/data/x") == Path("/data/x")


def test_no_omegaconf_object_leaves() -> None:
    config = load_config(overrides=["decoder.extra.attention_bias=true"])
    assert type(config.detokenizer.unet.block_out_channels) is list
    assert type(config.decoder.extra) is dict


def test_the_page_about_settings_says_what_the_fields_say() -> None:
    assert (PROJECT_ROOT / "docs" / "configuration.md").read_text("utf-8") == reference()


def test_every_setting_has_a_meaning() -> None:
    rows = [line for line in reference().splitlines() if line.startswith("| `")]
    assert len(rows) > 80
    assert [row for row in rows if not row.split("|")[-2].strip(" .")] == []


def test_one_setting_is_exchanged_and_the_other_config_stays() -> None:
    config = load_config()
    changed = with_setting(config, "detokenizer.vae.tile_size", 512)
    assert changed.detokenizer.vae.tile_size == 512
    assert config == load_config()
    assert with_setting(changed, "detokenizer.vae.tile_size", 0) == config
    with pytest.raises(ConfigError, match="must be one of none, int8, nf4"):
        with_setting(config, "runtime.quantize", "int4")
    with pytest.raises(ConfigError, match="they must be equal"):
        with_setting(config, "vision.output_dim", 64)


def test_a_service_of_that_name_in_a_cluster_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    place = "tcp://10.0.0.7:7860"
    for name, value in {
        "SEEDSTORY_PORT": place,
        "SEEDSTORY_PORT_7860_TCP": place,
        "SEEDSTORY_PORT_7860_TCP_ADDR": "10.0.0.7",
        "SEEDSTORY_SERVICE_HOST": "10.0.0.7",
        "SEEDSTORY_SERVICE_PORT": "7860",
        "SEEDSTORY_SERVICE_PORT_HTTP": "7860",
        "SEEDSTORY_WEB_PORT": place,
        "SEEDSTORY_WEB_SERVICE_HOST": "10.0.0.7",
        "SEEDSTORY_NAME": "/app/seedstory",
        "SEEDSTORY_ENV_PATH": "/bin",
    }.items():
        monkeypatch.setenv(name, value)
    assert load_config() == load_config(None, [])


def test_a_port_in_the_environment_is_told_where_it_belongs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SEEDSTORY_PORT", "7861")
    with pytest.raises(ConfigError, match="--port or in GRADIO_SERVER_PORT"):
        load_config()


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("sampling:\n  top_p: 0.5\n", encoding="utf-8-sig")
    assert load_config(path).sampling.top_p == 0.5
