"""Reads the configuration of a reference folder, which holds small weights in the published layout.

Such a folder has `config.json`, `pretrained/` and `expected/`; with it `verify` proves that our
models compute what the released code does. All sizes come from its files.

`python -m seedstory_core.weights.reference FOLDER > mini.yaml` writes a configuration with which
the studio runs on such a folder: `python app.py --config mini.yaml`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from seedstory_core.config import (
    DecoderConfig,
    DeTokenizerConfig,
    GenerationConfig,
    HubSource,
    MemoryConfig,
    PerceiverConfig,
    PreviewConfig,
    ResamplerConfig,
    RuntimeConfig,
    SamplingConfig,
    SchedulerConfig,
    StudioConfig,
    TokenizerConfig,
    UNetConfig,
    VaeConfig,
    VisionConfig,
    WeightsConfig,
    to_yaml,
)
from seedstory_core.errors import SeedStoryError, WeightsError


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        WeightsError: The file is missing, damaged, or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"{path} could not be read: {error}. Is {path.parent} part of a reference folder?"
        ) from error
    if not isinstance(content, dict):
        raise WeightsError(f"{path} does not hold a JSON object. Restore the reference folder.")
    return content


def _pick(content: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: content[name] for name in names}


def unet_config(diffusers_config: dict[str, Any]) -> UNetConfig:
    """Convert a diffusers UNet `config.json` of the SDXL family."""
    levels = len(diffusers_config["block_out_channels"])
    heads, depths = (
        value if isinstance(value, list) else [value] * levels
        for value in (
            diffusers_config["attention_head_dim"],
            diffusers_config["transformer_layers_per_block"],
        )
    )
    return UNetConfig(
        num_attention_heads=heads,
        transformer_layers_per_block=depths,
        **_pick(
            diffusers_config,
            "block_out_channels",
            "down_block_types",
            "up_block_types",
            "layers_per_block",
            "cross_attention_dim",
            "addition_time_embed_dim",
            "norm_num_groups",
        ),
    )


def vae_config(diffusers_config: dict[str, Any]) -> VaeConfig:
    """Convert a diffusers `AutoencoderKL` `config.json`."""
    return VaeConfig(
        mid_block_add_attention=diffusers_config.get("mid_block_add_attention", True),
        patch_size=1,
        shift_factor=diffusers_config.get("shift_factor") or 0.0,
        **_pick(
            diffusers_config,
            "block_out_channels",
            "layers_per_block",
            "latent_channels",
            "norm_num_groups",
            "scaling_factor",
            "force_upcast",
        ),
    )


def scheduler_config(diffusers_config: dict[str, Any]) -> SchedulerConfig:
    """Convert a diffusers scheduler `config.json`."""
    return SchedulerConfig(
        name=diffusers_config["_class_name"],
        **_pick(
            diffusers_config,
            "num_train_timesteps",
            "beta_start",
            "beta_end",
            "beta_schedule",
            "timestep_spacing",
            "steps_offset",
        ),
    )


def reference_config(folder: Path) -> StudioConfig:
    """Return the configuration of a reference folder's models.

    Raises:
        WeightsError: `config.json` or a part of it is missing.
    """
    try:
        return _reference_config(folder.resolve())
    except (KeyError, TypeError) as error:
        raise WeightsError(
            f"{folder / 'config.json'} does not describe reference weights ({error!r}). Name a "
            "reference folder."
        ) from error


def _reference_config(folder: Path) -> StudioConfig:
    numbers = read_json(folder / "config.json")
    sdxl = folder / numbers["stable_diffusion_xl"]["folder"]
    scheduler = read_json(sdxl / "scheduler" / "scheduler_config.json")
    llm, vision = numbers["language_model"], numbers["visual_tokenizer"]
    return StudioConfig(
        tokenizer=TokenizerConfig(folder="", separator=numbers["separator"], latin_only=False),
        vision=VisionConfig(
            **_pick(
                vision,
                "image_size",
                "patch_size",
                "width",
                "layers",
                "heads",
                "mlp_ratio",
                "n_queries",
                "output_dim",
                "positional_embedding_grid",
                "attn_pool_num_heads",
                "layer_norm_eps",
            )
        ),
        input_resampler=_resampler(numbers["input_resampler"]),
        output_resampler=_resampler(numbers["output_resampler"]),
        decoder=DecoderConfig(
            vocab_size=llm["vocab_size_after_resize"],
            # The released rotary tables always have this base, even if a config has another.
            rope_theta=10000.0,
            extra={"head_dim": llm["head_dim"], "hidden_act": llm["hidden_act"]},
            **_pick(
                llm,
                "hidden_size",
                "intermediate_size",
                "num_hidden_layers",
                "num_attention_heads",
                "num_key_value_heads",
                "max_position_embeddings",
                "rms_norm_eps",
                "tie_word_embeddings",
            ),
        ),
        detokenizer=DeTokenizerConfig(
            perceiver=PerceiverConfig(**numbers["detokenizer_resampler"]),
            unet=unet_config(read_json(sdxl / "unet" / "config.json")),
            preview=PreviewConfig(block_out_channels=[]),
            vae=vae_config(read_json(sdxl / "vae" / "config.json")),
            scheduler=scheduler_config(scheduler),
            image_size=numbers["inference"]["height"],
            num_inference_steps=50,
            initial_noise_scale=1.0,
            guidance_scale=numbers["inference"]["guidance_scale"],
            prediction_type=scheduler["prediction_type"],
            spatial_hint_channels=0,
            condition_dropout=0.0,
        ),
        generation=GenerationConfig(
            num_image_queries=numbers["num_img_in_tokens"],
            max_new_tokens=numbers["inference"]["max_new_tokens"],
        ),
        sampling=SamplingConfig(temperature=0.0),
        memory=MemoryConfig(
            policy="multimodal_attention_sink",
            window_panels=numbers["inference"]["window_size"],
        ),
        weights=WeightsConfig(
            layout="published",
            lora_alpha=numbers["lora"]["lora_alpha"],
            tokenizer=HubSource(folder=numbers["tokenizer"]["folder"]),
            story_model=HubSource(folder=numbers["story_model"]["file"]),
            language_model=HubSource(folder=llm["folder"]),
            vision=HubSource(folder=vision["file"]),
            stable_diffusion=HubSource(folder=numbers["stable_diffusion_xl"]["folder"]),
            detokenizer=HubSource(folder=numbers["detokenizer"]["file"]),
        ),
        # The openings belong to the tiny model's world, which these weights do not know.
        runtime=RuntimeConfig(weights_folder=str(folder), openings_folder=""),
    )


def _resampler(numbers: dict[str, Any]) -> ResamplerConfig:
    return ResamplerConfig(
        **_pick(numbers, "num_queries", "embed_dim", "kv_dim", "num_heads", "layer_norm_eps")
    )


def main() -> int:
    """Print the configuration of a reference folder as YAML; return 0 on success, else 1."""
    parser = argparse.ArgumentParser(prog="python -m seedstory_core.weights.reference")
    parser.add_argument("folder", type=Path, help="with config.json and pretrained/")
    try:
        config = reference_config(parser.parse_args().folder)
    except SeedStoryError as error:
        print(error, file=sys.stderr)
        return 1
    print(to_yaml(config, runtime=["weights_folder", "openings_folder"]), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
