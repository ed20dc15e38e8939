"""Every number of the studio, as dataclasses whose defaults are the tiny model.

One set of classes serves the tiny model and the published 7B release; only the numbers here differ.
`load_config` reads a YAML file, environment variables and `key=value` overrides on top of the
defaults. OmegaConf checks spelling and types there and does not leave that function; each
`__post_init__` refuses impossible values before anything is built or loaded.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from seedstory_core.errors import ConfigError

_PACKAGE = Path(__file__).resolve().parent
IS_CHECKOUT = (_PACKAGE.parent / "configs").is_dir()
"""Whether the code lies in its repository; installed, it has assets and configs inside."""
PROJECT_ROOT = _PACKAGE.parent if IS_CHECKOUT else _PACKAGE
"""Where the folders `assets` and `configs` lie."""
ENV_PREFIX = "SEEDSTORY_"
ENV_CONFIG = ENV_PREFIX + "CONFIG"
ENV_SETTINGS = ENV_PREFIX + "SET"
POLICIES = (
    "dense",
    "window",
    "attention_sink",
    "multimodal_attention_sink",
    "capped_multimodal_attention_sink",
)


FLOW_SAMPLERS = (
    "DPMSolverMultistepScheduler",
    "FlowMatchEulerDiscreteScheduler",
    "FlowMatchHeunDiscreteScheduler",
)
DIFFUSION_SAMPLERS = ("EulerDiscreteScheduler", "DDIMScheduler")


def project_path(path: str) -> Path:
    """Give the absolute path of a folder or file named in a config.

    Relative ones start at the repository. In an installed copy that is so for what it brought
    along; everything else, such as the stories, starts at the working directory.
    """
    given = Path(path).expanduser()
    shipped = (PROJECT_ROOT / given).resolve()
    return shipped if IS_CHECKOUT or shipped.exists() else given.resolve()


def _check(is_possible: bool, message: str) -> None:
    if not is_possible:
        raise ConfigError(message)


def _check_one_of(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        near = difflib.get_close_matches(value, choices, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise ConfigError(f"{name} is '{value}'; possible are {', '.join(choices)}.{hint}")


def _check_positive(owner: str, config: object, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        values = value if isinstance(value, list) else [value]
        _check(
            bool(values) and all(v > 0 for v in values),
            f"{owner}.{name} is {value}; it must be greater than 0.",
        )


def _is_square(number: int) -> bool:
    return math.isqrt(number) ** 2 == number


@dataclass
class TokenizerConfig:
    """Where the words come from."""

    folder: str = "assets/tiny/tokenizer"
    """Folder with `tokenizer.model` (SentencePiece) and `added_tokens.json`; empty where
    `weights.tokenizer` says which folder under `runtime.weights_folder` it is."""
    separator: str = "\n"
    """Plain text between one panel's image and the next panel's caption; the release has `[INST]`.
    A reader's text may not contain it."""
    latin_only: bool = True
    """Whether the model has learned nothing but Latin letters, so that others are refused."""


@dataclass
class VisionConfig:
    """The picture encoder: a ViT that pools its patches into a square grid of visual tokens."""

    image_size: int = 160
    """Height and width of the picture it reads, in pixels."""
    patch_size: int = 16
    """Side of one patch, in pixels."""
    width: int = 256
    """Channels of a patch token."""
    layers: int = 6
    """Transformer blocks."""
    heads: int = 4
    """Attention heads of a block."""
    mlp_ratio: float = 4.0
    """MLP width over `width`; the product is cut to an integer."""
    n_queries: int = 36
    """Visual tokens per picture (V), a square number."""
    output_dim: int = 256
    """Channels of a visual token (C)."""
    positional_embedding_grid: int = 10
    """Side of the stored position table, in patches; resized when the picture has another grid."""
    attn_pool_num_heads: int = 4
    """Heads of the attention pooling; the release uses `output_dim // 128`."""
    layer_norm_eps: float = 1e-6
    """Epsilon of every LayerNorm, the pooling's included."""
    normalize_mean: list[float] = field(default_factory=lambda: [0.48145466, 0.4578275, 0.40821073])
    """Subtracted from each colour channel (range 0 to 1); CLIP's numbers."""
    normalize_std: list[float] = field(default_factory=lambda: [0.26862954, 0.26130258, 0.27577711])
    """Divides each colour channel after `normalize_mean`."""

    def __post_init__(self) -> None:
        """Refuse sizes that do not divide."""
        _check_positive(
            "vision",
            self,
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
        _check(
            self.image_size >= self.patch_size,
            f"vision.image_size {self.image_size} is less than vision.patch_size "
            f"{self.patch_size}: there is no patch in such a picture.",
        )
        _check(
            self.width % self.heads == 0,
            f"vision.width {self.width} cannot be shared by vision.heads {self.heads}.",
        )
        _check(
            _is_square(self.n_queries),
            f"vision.n_queries is {self.n_queries}; visual tokens form a square grid "
            "(16, 36, 64, 256).",
        )
        _check(
            self.output_dim % self.attn_pool_num_heads == 0 and self.output_dim % 4 == 0,
            f"vision.output_dim {self.output_dim} must be a multiple of 4 and of "
            f"vision.attn_pool_num_heads {self.attn_pool_num_heads}.",
        )
        _check(
            len(self.normalize_mean) == 3 and len(self.normalize_std) == 3,
            "vision.normalize_mean and vision.normalize_std need three numbers each.",
        )

    @property
    def mlp_width(self) -> int:
        """Channels inside a block's MLP."""
        return int(self.width * self.mlp_ratio)


@dataclass
class ResamplerConfig:
    """One layer of cross-attention from a square grid of queries to another grid of tokens."""

    num_queries: int = 16
    """Tokens that come out, a square number."""
    embed_dim: int = 320
    """Channels that come out."""
    kv_dim: int = 256
    """Channels that go in."""
    num_heads: int = 5
    """Attention heads."""
    layer_norm_eps: float = 1e-5
    """Epsilon of both LayerNorms."""

    def __post_init__(self) -> None:
        """Refuse sizes that do not divide."""
        _check_positive(
            "resampler", self, "num_queries", "embed_dim", "kv_dim", "num_heads", "layer_norm_eps"
        )
        _check(
            _is_square(self.num_queries),
            f"A resampler's num_queries is {self.num_queries}; queries form a square grid.",
        )
        _check(
            self.embed_dim % self.num_heads == 0 and self.embed_dim % 4 == 0,
            f"A resampler's embed_dim {self.embed_dim} must be a multiple of 4 and of its "
            f"num_heads {self.num_heads}.",
        )


@dataclass
class DecoderConfig:
    """The language model, built by transformers from these numbers."""

    model_type: str = "llama"
    """A rotary causal language model of transformers (llama, qwen2, mistral, ...)."""
    vocab_size: int = 2066
    """Rows of the token table, the image tokens included."""
    hidden_size: int = 320
    """Channels of a token (D)."""
    intermediate_size: int = 768
    """Channels inside an MLP."""
    num_hidden_layers: int = 8
    """Decoder layers (L)."""
    num_attention_heads: int = 5
    """Attention heads."""
    num_key_value_heads: int = 5
    """Heads of keys and values (H)."""
    max_position_embeddings: int = 4096
    """Longest context the model is meant for, in tokens."""
    rms_norm_eps: float = 1e-5
    """Epsilon of the RMSNorms."""
    rope_theta: float = 10000.0
    """Base of the rotary positions."""
    tie_word_embeddings: bool = False
    """Whether the output head is the token table."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the model type's transformers config, as they are."""

    def __post_init__(self) -> None:
        """Refuse head counts that do not divide."""
        _check_positive(
            "decoder",
            self,
            "vocab_size",
            "hidden_size",
            "intermediate_size",
            "num_hidden_layers",
            "num_attention_heads",
            "num_key_value_heads",
            "max_position_embeddings",
            "rms_norm_eps",
            "rope_theta",
        )
        _check(
            self.hidden_size % self.num_attention_heads == 0 or "head_dim" in self.extra,
            f"decoder.hidden_size {self.hidden_size} cannot be shared by "
            f"decoder.num_attention_heads {self.num_attention_heads}.",
        )
        _check(
            self.num_attention_heads % self.num_key_value_heads == 0,
            f"decoder.num_attention_heads {self.num_attention_heads} is no multiple of "
            f"decoder.num_key_value_heads {self.num_key_value_heads}.",
        )


@dataclass
class PerceiverConfig:
    """Turns visual features into what the UNet listens to."""

    dim: int = 256
    """Channels of a latent."""
    depth: int = 2
    """Layers of attention and MLP."""
    dim_head: int = 64
    """Channels of one head."""
    heads: int = 4
    """Attention heads, of the pooling too."""
    num_queries: int = 32
    """Latents, i.e. tokens that the UNet's cross-attention sees."""
    embedding_dim: int = 256
    """Channels of the visual features that come in (C)."""
    output1_dim: int = 96
    """First part of a prompt embedding's channels (SDXL: its first text encoder's width)."""
    output2_dim: int = 160
    """Second part, and the width of the pooled prompt embedding."""
    ff_mult: int = 4
    """MLP width over `dim`."""

    def __post_init__(self) -> None:
        """Refuse heads that do not divide."""
        names = [f.name for f in dataclasses.fields(self)]
        _check_positive("detokenizer.perceiver", self, *names)
        _check(
            self.dim % self.heads == 0,
            f"detokenizer.perceiver.dim {self.dim} cannot be shared by "
            f"detokenizer.perceiver.heads {self.heads}.",
        )


@dataclass
class UNetConfig:
    """The denoiser: the SDXL architecture, an unmodified `UNet2DConditionModel` of diffusers."""

    block_out_channels: list[int] = field(default_factory=lambda: [128, 192])
    """Channels of each resolution, finest first."""
    down_block_types: list[str] = field(
        default_factory=lambda: ["DownBlock2D", "CrossAttnDownBlock2D"]
    )
    """Block of each resolution on the way down."""
    up_block_types: list[str] = field(default_factory=lambda: ["CrossAttnUpBlock2D", "UpBlock2D"])
    """Block of each resolution on the way up, coarsest first."""
    layers_per_block: int = 2
    """Residual blocks per resolution."""
    transformer_layers_per_block: list[int] = field(default_factory=lambda: [1, 1])
    """Transformer layers behind each residual block of a cross-attention block."""
    num_attention_heads: list[int] = field(default_factory=lambda: [2, 3])
    """Attention heads of each resolution (diffusers calls this `attention_head_dim`)."""
    cross_attention_dim: int = 256
    """Channels of a prompt embedding."""
    addition_time_embed_dim: int = 16
    """Channels of each of the six numbers in `time_ids`."""
    norm_num_groups: int = 32
    """Groups of every GroupNorm."""

    def __post_init__(self) -> None:
        """Refuse lists of different lengths and groups that do not divide."""
        owner = "detokenizer.unet"
        _check_positive(
            owner,
            self,
            "block_out_channels",
            "layers_per_block",
            "transformer_layers_per_block",
            "num_attention_heads",
            "cross_attention_dim",
            "addition_time_embed_dim",
            "norm_num_groups",
        )
        for name in (
            "down_block_types",
            "up_block_types",
            "transformer_layers_per_block",
            "num_attention_heads",
        ):
            _check(
                len(getattr(self, name)) == len(self.block_out_channels),
                f"{owner}.{name} has {len(getattr(self, name))} entries and "
                f"{owner}.block_out_channels {len(self.block_out_channels)}; one each per "
                "resolution.",
            )
        for name, way in (("down_block_types", "Down"), ("up_block_types", "Up")):
            for block in getattr(self, name):
                _check_one_of(f"{owner}.{name}", block, [f"{way}Block2D", f"CrossAttn{way}Block2D"])
        for channels, heads in zip(self.block_out_channels, self.num_attention_heads, strict=True):
            _check(
                channels % self.norm_num_groups == 0 and channels % heads == 0,
                f"{owner}.block_out_channels {channels} must be a multiple of norm_num_groups "
                f"{self.norm_num_groups} and of its num_attention_heads {heads}.",
            )


@dataclass
class VaeConfig:
    """The picture codec: an unmodified `AutoencoderKL` of diffusers, behind an optional stem."""

    block_out_channels: list[int] = field(default_factory=lambda: [64, 128, 160])
    """Channels of each resolution, finest first; each further one halves the side."""
    layers_per_block: int = 1
    """Residual blocks per resolution (the decoder has one more)."""
    latent_channels: int = 16
    """Channels of the latents."""
    norm_num_groups: int = 32
    """Groups of every GroupNorm."""
    mid_block_add_attention: bool = False
    """Whether the middle block attends; the published model does."""
    patch_size: int = 4
    """Side of the pixel squares folded into channels before the encoder and unfolded after the
    decoder; 1 is off, as in the published model."""
    scaling_factor: float = 0.7741
    """Latents are multiplied by this after `shift_factor` is taken off, for about unit variance."""
    shift_factor: float = 0.0113
    """Mean of the raw latents; the published model has none."""
    force_upcast: bool = True
    """Whether the codec stays in float32 when the rest runs in half precision."""
    tile_size: int = 0
    """Side in pixels of the overlapping tiles that pictures are decoded in, to save memory; 0
    decodes them whole."""

    def __post_init__(self) -> None:
        """Refuse groups that do not divide."""
        owner = "detokenizer.vae"
        _check_positive(
            owner,
            self,
            "block_out_channels",
            "layers_per_block",
            "latent_channels",
            "norm_num_groups",
            "patch_size",
            "scaling_factor",
        )
        _check(
            all(channels % self.norm_num_groups == 0 for channels in self.block_out_channels),
            f"{owner}.block_out_channels {self.block_out_channels} must be multiples of "
            f"{owner}.norm_num_groups {self.norm_num_groups}.",
        )
        _check(
            self.tile_size >= 0 and self.tile_size % self.downscale_factor == 0,
            f"{owner}.tile_size is {self.tile_size}; it must be a multiple of "
            f"{self.downscale_factor}, the pixels of one latent, or 0.",
        )

    @property
    def downscale_factor(self) -> int:
        """Pixels of picture per latent, along one side."""
        return self.patch_size * 2 ** (len(self.block_out_channels) - 1)


@dataclass
class PreviewConfig:
    """The small decoder that shows a picture while it is being painted: diffusers' `DecoderTiny`.

    The published model takes TAESDXL's.
    """

    block_out_channels: list[int] = field(default_factory=lambda: [24, 24, 24, 24])
    """Channels of each resolution, coarsest first, all the same; each further one doubles the
    side. Empty: the codec itself shows previews."""
    num_blocks: list[int] = field(default_factory=lambda: [1, 1, 1, 1])
    """Residual blocks of each resolution."""
    every: int = 2
    """Steps of painting from one preview to the next."""

    def __post_init__(self) -> None:
        """Refuse lists of different lengths, and resolutions of different widths."""
        owner = "detokenizer.preview"
        _check_positive(owner, self, "every")
        if not self.block_out_channels:
            return
        _check_positive(owner, self, "block_out_channels", "num_blocks")
        _check(
            len(self.num_blocks) == len(self.block_out_channels),
            f"{owner}.num_blocks has {len(self.num_blocks)} entries and "
            f"{owner}.block_out_channels {len(self.block_out_channels)}; one each per resolution.",
        )
        _check(
            len(set(self.block_out_channels)) == 1,
            f"{owner}.block_out_channels {self.block_out_channels} must all be the same number; "
            "diffusers' small decoder knows no others.",
        )


@dataclass
class SchedulerConfig:
    """The sampler, a scheduler of diffusers; it is given those of the numbers that it knows."""

    name: str = "DPMSolverMultistepScheduler"
    """Class in diffusers. Flow: `DPMSolverMultistepScheduler` (second order, one pass per step),
    `FlowMatchEulerDiscreteScheduler`, or `FlowMatchHeunDiscreteScheduler` (second order, two
    passes per step). Diffusion: `EulerDiscreteScheduler` or `DDIMScheduler`."""
    num_train_timesteps: int = 1000
    """Length of the noise schedule."""
    shift: float = 1.0
    """Flow: greater than 1 spends more steps at high noise."""
    beta_start: float = 0.00085
    """Diffusion: first beta."""
    beta_end: float = 0.012
    """Diffusion: last beta."""
    beta_schedule: str = "scaled_linear"
    """Diffusion: how betas grow in between."""
    timestep_spacing: str = "leading"
    """Diffusion: how few steps are spread over the schedule."""
    steps_offset: int = 1
    """Diffusion: added to every timestep."""

    def __post_init__(self) -> None:
        """Refuse unknown samplers."""
        _check_one_of(
            "detokenizer.scheduler.name",
            self.name,
            (*FLOW_SAMPLERS, *DIFFUSION_SAMPLERS),
        )
        _check_positive("detokenizer.scheduler", self, "num_train_timesteps", "shift")


@dataclass
class DeTokenizerConfig:
    """The picture decoder: visual features in, picture out."""

    perceiver: PerceiverConfig = field(default_factory=PerceiverConfig)
    unet: UNetConfig = field(default_factory=UNetConfig)
    vae: VaeConfig = field(default_factory=VaeConfig)
    preview: PreviewConfig = field(default_factory=PreviewConfig)
    scheduler: SchedulerConfig = field(default_factory=SchedulerConfig)
    image_size: int = 256
    """Height and width of the drawn picture, in pixels."""
    num_inference_steps: int = 8
    """Denoising steps of a finished picture."""
    initial_noise_scale: float = 0.4
    """Size of the noise that a drawing starts from. 1 samples as trained (published); with less,
    pictures of different seeds differ less and lie nearer to what the features say on average
    (the temperature of Glow, arXiv:1807.03039)."""
    guidance_scale: float = 1.0
    """Classifier-free guidance; 1 is off and halves the work."""
    guidance_start: float = 0.0
    """Guidance is used from this fraction of the steps ..."""
    guidance_end: float = 1.0
    """... up to this one."""
    prediction_type: str = "flow"
    """What the UNet predicts: `epsilon` (published), `v_prediction`, or `flow` (the velocity of a
    rectified flow, noise minus picture)."""
    spatial_hint_channels: int = 16
    """Channels of the visual features laid out as a picture and given to the UNet beside the
    latents; 0 is off, as in the published model."""
    condition_dropout: float = 0.1
    """Training: fraction of samples whose features are replaced by those of the zero picture."""
    logit_normal_mean: float = 0.0
    """Training, flow: mean of the noise level's logit; greater than 0 trains on more noise."""
    logit_normal_std: float = 1.0
    """Training, flow: spread of the noise level's logit."""

    def __post_init__(self) -> None:
        """Refuse parts that do not fit together."""
        _check_positive(
            "detokenizer",
            self,
            "image_size",
            "num_inference_steps",
            "guidance_scale",
            "logit_normal_std",
        )
        _check_one_of(
            "detokenizer.prediction_type",
            self.prediction_type,
            ["epsilon", "v_prediction", "flow"],
        )
        fitting = FLOW_SAMPLERS if self.prediction_type == "flow" else DIFFUSION_SAMPLERS
        _check(
            self.scheduler.name in fitting,
            f"detokenizer.prediction_type '{self.prediction_type}' does not go with "
            f"detokenizer.scheduler.name '{self.scheduler.name}': it needs {' or '.join(fitting)}.",
        )
        fractions = ("initial_noise_scale", "guidance_start", "guidance_end", "condition_dropout")
        for name in fractions:
            value = getattr(self, name)
            _check(0 <= value <= 1, f"detokenizer.{name} is {value}; it is a fraction, 0 to 1.")
        _check(
            self.spatial_hint_channels >= 0,
            f"detokenizer.spatial_hint_channels is {self.spatial_hint_channels}; "
            "it is 0 (off) or more.",
        )
        prompt_dim = self.perceiver.output1_dim + self.perceiver.output2_dim
        _check(
            prompt_dim == self.unet.cross_attention_dim,
            f"detokenizer.perceiver.output1_dim + output2_dim is {prompt_dim} and "
            f"detokenizer.unet.cross_attention_dim {self.unet.cross_attention_dim}; "
            "they must be equal.",
        )
        cell = self.vae.downscale_factor
        _check(
            self.image_size % cell == 0,
            f"detokenizer.image_size {self.image_size} is no multiple of {cell}, the pixels under "
            "one latent.",
        )

    @property
    def latent_size(self) -> int:
        """Height and width of the latents."""
        return self.image_size // self.vae.downscale_factor


@dataclass
class GenerationConfig:
    """How a panel is written and what of the story the model keeps in view."""

    num_image_queries: int = 16
    """Image tokens per picture (Q)."""
    max_new_tokens: int = 160
    """Most text tokens of one panel."""
    temperature: float = 0.3
    """Sampling temperature; 0 takes the best token."""
    top_p: float = 0.9
    """Smallest probability mass to sample from."""
    top_k: int = 0
    """Most of the likeliest tokens to sample from; 0 is off."""
    repetition_penalty: float = 1.0
    """Divides the scores of tokens already in the panel's text; 1 is off."""
    no_repeat_ngram_size: int = 0
    """Word pieces in a row that may not occur twice in the visible story; 0 is off."""
    no_repeat_sentences: bool = True
    """Whether a sentence that stands in the story already is taken back for another one."""
    end_phrase: str = "The end."
    """Last words of a finished tale; empty when the model has none."""
    next_tale_temperature: float = 0.8
    """Least temperature of a page after a tale's end that no reader begins, where the model chooses
    what the next one is about (but 0 stays 0); 0 is off."""
    answers_wishes: bool = False
    """Whether the model learned to answer wishes that are no part of a page. Then a reader's words
    that a picture book does not say, or that it cannot read, become wishes."""
    policy: str = "capped_multimodal_attention_sink"
    """What stays in view beyond the window: `dense` all, `window` nothing, `attention_sink` the
    first positions, `multimodal_attention_sink` also the rows around evicted pictures' marks, and
    `capped_multimodal_attention_sink` as many of these as `sink_max_rows` has room for."""
    window_panels: int = 8
    """Most recent panels kept whole."""
    sink_positions: int = 4
    """First positions of the story kept for ever."""
    sink_before_boi: int = 4
    """Rows kept before the begin mark of an evicted picture ..."""
    sink_after_boi: int = 8
    """... and from the mark on."""
    sink_before_eoi: int = 8
    """Rows kept before the end mark of an evicted picture ..."""
    sink_after_eoi: int = 4
    """... and from the mark on."""
    sink_max_rows: int = 640
    """Most rows of the story in view under the capped policy, whatever its length. Ten panels of
    the tiny model's stories, which is what it was trained on, have about as many."""

    def __post_init__(self) -> None:
        """Refuse impossible sampling numbers."""
        _check_positive(
            "generation",
            self,
            "num_image_queries",
            "max_new_tokens",
            "top_p",
            "repetition_penalty",
            "window_panels",
        )
        for name in ("temperature", "next_tale_temperature"):
            value = getattr(self, name)
            _check(0 <= value <= 5, f"generation.{name} is {value}; it is from 0 to 5.")
        _check(self.top_p <= 1, f"generation.top_p is {self.top_p}; it is a probability.")
        _check_one_of(
            "generation.policy",
            self.policy,
            POLICIES,
        )
        for name in (
            "top_k",
            "no_repeat_ngram_size",
            "sink_positions",
            "sink_before_boi",
            "sink_after_boi",
            "sink_before_eoi",
            "sink_after_eoi",
            "sink_max_rows",
        ):
            _check(getattr(self, name) >= 0, f"generation.{name} must be 0 or more.")


@dataclass
class HubSource:
    """One part of published weights: where it can be fetched and where it lies afterwards."""

    repo: str = ""
    """Repository on the Hugging Face hub; empty where nothing has to be fetched."""
    files: list[str] = field(default_factory=list)
    """Files or patterns (`*.safetensors`) to fetch from it."""
    weights_prefix: str = ""
    """Of shards, fetch only those with weights whose names begin so."""
    folder: str = ""
    """Where the files lie: a folder under `runtime.weights_folder` or anywhere, or the one file."""


@dataclass
class WeightsConfig:
    """In which form the weights come."""

    layout: str = "studio"
    """`studio`: our own safetensors files; `published`: the files of the SEED-Story release."""
    lora_alpha: float = 32.0
    """Published layout: LoRA's alpha; its deltas are scaled by alpha / rank."""
    tokenizer: HubSource = field(default_factory=HubSource)
    story_model: HubSource = field(default_factory=HubSource)
    language_model: HubSource = field(default_factory=HubSource)
    vision: HubSource = field(default_factory=HubSource)
    stable_diffusion: HubSource = field(default_factory=HubSource)
    detokenizer: HubSource = field(default_factory=HubSource)
    preview: HubSource = field(default_factory=HubSource)

    def __post_init__(self) -> None:
        """Refuse unknown layouts."""
        _check_one_of("weights.layout", self.layout, ["studio", "published"])
        _check_positive("weights", self, "lora_alpha")


@dataclass
class RuntimeConfig:
    """The machine. Each of these may come from an environment variable, e.g. SEEDSTORY_DEVICE."""

    device: str = "auto"
    """`auto` takes a GPU when there is one; or `cpu`, `cuda`, `cuda:1`, `mps`."""
    dtype: str = "float32"
    """Number format of the running models: float32, bfloat16 or float16."""
    quantize: str = "none"
    """Weights of the language model's layers: `none` as `dtype` says, `int8`, or `nf4` (4 bits);
    needs the package bitsandbytes."""
    offload: list[str] = field(default_factory=list)
    """Which of `vision`, `story_lm` and `detokenizer` wait in main memory and come to the device
    only while they work, one at a time."""
    num_threads: int = 0
    """CPU threads; 0 leaves the choice to torch."""
    weights_folder: str = "assets/tiny"
    """Where the weights lie; relative paths start at the project's root, in a configuration file
    those that begin with `./` beside the file."""
    openings_folder: str = "assets/openings"
    """Pictures and sentences that the page offers to begin with; empty offers none."""
    stories_folder: str = "stories"
    """Where stories are saved: a folder or an fsspec address."""
    memory_budget_bytes: int = 256 * 2**20
    """Most bytes of kept keys and values per story; older panels are read again when needed."""
    memory_pool_bytes: int = 1024 * 2**20
    """Most bytes that all stories keep together; what was not used for longest is dropped first."""
    rest_seconds: float = 120.0
    """A story unused for this long leaves the accelerator and gives up its working buffers."""
    pack_at_rest: bool = False
    """Whether a resting story's keys and values are kept in 8 bits. They come back a little
    different, so that a panel may not be told again to the letter."""
    max_turns: int = 4
    """Turns that are told at once, in one batch; more wait in line. One at a time with an offloaded
    `story_lm`, which would otherwise change places with the painter at every word."""
    write_ahead: bool = True
    """Whether the next page's words are written while its reader still looks at this one; never
    with an offloaded `story_lm`, for the same reason."""
    max_sessions: int = 32
    """Stories kept open at once."""
    session_timeout_seconds: float = 3600.0
    """A story unused for this long is closed; it stays on disk."""

    @property
    def turns_at_once(self) -> int:
        """How many turns are really told at once."""
        return 1 if "story_lm" in self.offload else self.max_turns

    @property
    def writes_ahead(self) -> bool:
        """Whether words are really written ahead."""
        return self.write_ahead and "story_lm" not in self.offload

    def __post_init__(self) -> None:
        """Refuse unknown number formats."""
        _check_one_of("runtime.dtype", self.dtype, ["float32", "bfloat16", "float16"])
        _check_one_of("runtime.quantize", self.quantize, ["none", "int8", "nf4"])
        for part in self.offload:
            _check_one_of("runtime.offload", part, ["vision", "story_lm", "detokenizer"])
        _check(
            self.quantize != "int8" or "story_lm" not in self.offload,
            "runtime.quantize=int8 and an offloaded story_lm do not go together: bitsandbytes "
            "keeps 8-bit weights where they were made. Set runtime.quantize=nf4.",
        )
        _check_positive(
            "runtime",
            self,
            "memory_budget_bytes",
            "memory_pool_bytes",
            "rest_seconds",
            "max_turns",
            "max_sessions",
            "session_timeout_seconds",
        )
        _check(self.num_threads >= 0, "runtime.num_threads must be 0 or more.")
        _check(bool(self.stories_folder.strip()), "runtime.stories_folder is empty; name a folder.")


@dataclass
class StudioConfig:
    """Everything: the models, how they are used, and the machine."""

    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    vision: VisionConfig = field(default_factory=VisionConfig)
    input_resampler: ResamplerConfig = field(default_factory=ResamplerConfig)
    output_resampler: ResamplerConfig = field(
        default_factory=lambda: ResamplerConfig(
            num_queries=36, embed_dim=256, kv_dim=320, num_heads=4
        )
    )
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    detokenizer: DeTokenizerConfig = field(default_factory=DeTokenizerConfig)
    generation: GenerationConfig = field(default_factory=GenerationConfig)
    weights: WeightsConfig = field(default_factory=WeightsConfig)
    runtime: RuntimeConfig = field(default_factory=RuntimeConfig)

    @property
    def tokenizer_path(self) -> Path:
        """Where the tokenizer lies."""
        if self.tokenizer.folder:
            return project_path(self.tokenizer.folder)
        return project_path(self.runtime.weights_folder) / self.weights.tokenizer.folder

    def __post_init__(self) -> None:
        """Refuse models whose shapes do not meet."""
        for left, right in (
            ("input_resampler.kv_dim", "vision.output_dim"),
            ("input_resampler.embed_dim", "decoder.hidden_size"),
            ("input_resampler.num_queries", "generation.num_image_queries"),
            ("output_resampler.kv_dim", "decoder.hidden_size"),
            ("output_resampler.embed_dim", "vision.output_dim"),
            ("output_resampler.num_queries", "vision.n_queries"),
            ("detokenizer.perceiver.embedding_dim", "vision.output_dim"),
        ):
            one, other = _value_at(self, left), _value_at(self, right)
            _check(
                one == other,
                f"{left} is {one} and {right} is {other}; the two meet and must be equal.",
            )
        _check(
            _is_square(self.generation.num_image_queries),
            f"generation.num_image_queries is {self.generation.num_image_queries}; "
            "image queries form a square grid.",
        )


def _value_at(config: object, key: str) -> Any:
    for part in key.split("."):
        config = getattr(config, part)
    return config


def load_config(
    path: str | Path | None = None, overrides: Sequence[str] | None = None
) -> StudioConfig:
    """Read a configuration: defaults, then the file, then the environment, then the overrides.

    Args:
        path: YAML file with the keys that differ from the tiny model; `None` is the tiny model.
        overrides: `key=value` texts such as `runtime.device=cpu`; they win.

    Raises:
        ConfigError: Unreadable file, unknown key (the text names near ones), wrong type or an
            impossible value.
    """
    merged = OmegaConf.structured(StudioConfig)
    source = "the defaults"
    try:
        if path is not None:
            source = str(path)
            if not Path(path).exists():
                path = project_path(str(path))
            from_file = OmegaConf.load(path)
            _check(
                isinstance(from_file, DictConfig) or not from_file,
                f"{path} holds a list; a configuration is a mapping of keys to values.",
            )
            merged = OmegaConf.merge(merged, _beside(from_file or {}, Path(path).resolve().parent))
        source = "the environment"
        for name, value in _environment().items():
            source = f"the environment variable {ENV_PREFIX}{name.upper()}"
            is_list = isinstance(getattr(RuntimeConfig(), name), list)
            content = value.replace(",", " ").split() if is_list else value
            merged = OmegaConf.merge(merged, {"runtime": {name: content}})
        for override in shlex.split(os.environ.get(ENV_SETTINGS, "")):
            source = f"'{override}' in the environment variable {ENV_SETTINGS}"
            _check("=" in override, f"{source} is not of the form key=value.")
            merged = OmegaConf.merge(merged, _parse(override))
        for override in overrides or []:
            source = f"the override '{override}'"
            _check("=" in override, f"{source} is not of the form key=value.")
            merged = OmegaConf.merge(merged, _parse(override))
        source = "the configuration"
        config = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        raise ConfigError(_explain(error, source)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The configuration {path} could not be read: {error}") from error
    except YAMLError as error:
        raise ConfigError(f"{source} is not valid YAML: {error}") from error
    assert isinstance(config, StudioConfig)
    return config


def _beside(from_file: Any, folder: Path) -> Any:
    """Let a weights folder `./…` begin where the file lies."""
    place = OmegaConf.select(OmegaConf.create(from_file), "runtime.weights_folder")
    if isinstance(place, str) and place.startswith("./"):
        from_file.runtime.weights_folder = str(folder / place)
    return from_file


def _parse(override: str) -> DictConfig:
    """Read `key=value`; nothing behind the sign is the empty text."""
    return OmegaConf.from_dotlist([f"{override}''" if override.endswith("=") else override])


def to_yaml(config: StudioConfig, *, runtime: Sequence[str]) -> str:
    """Write a configuration as `load_config` reads it.

    Args:
        config: Any.
        runtime: Which of the machine's settings to write; the others are left to the machine that
            reads the file.
    """
    content = dataclasses.asdict(config)
    content["runtime"] = {name: content["runtime"][name] for name in runtime}
    return OmegaConf.to_yaml(OmegaConf.create(content))


def _environment() -> dict[str, str]:
    """Runtime settings that the environment names, e.g. SEEDSTORY_NUM_THREADS.

    Raises:
        ConfigError: A variable with our prefix names no setting.
    """
    names = [f.name for f in dataclasses.fields(RuntimeConfig)]
    known = [ENV_SETTINGS, ENV_CONFIG, *(ENV_PREFIX + name.upper() for name in names)]
    for variable in os.environ:
        if variable.startswith(ENV_PREFIX) and variable not in known:
            near = difflib.get_close_matches(variable, known, n=3, cutoff=0.6) or known
            raise ConfigError(
                f"The environment variable {variable} names no setting. Near ones: "
                f"{', '.join(near)}. Everything else goes into {ENV_SETTINGS}."
            )
    found = {name: os.environ.get(ENV_PREFIX + name.upper(), "") for name in names}
    return {name: value for name, value in found.items() if value}


def _explain(error: OmegaConfBaseException, source: str) -> str:
    """Say which key is wrong, where it stood, and which known keys look like it."""
    full_key = str(getattr(error, "full_key", "") or "")
    known = _all_keys(StudioConfig())
    first_line = str(error.msg or error).splitlines()[0]
    if full_key and full_key not in known:
        leaf = full_key.rsplit(".", 1)[-1]
        near = difflib.get_close_matches(full_key, known, n=3, cutoff=0.6)
        near += [key for key in known if key.rsplit(".", 1)[-1] == leaf and key not in near]
        if not near:
            parent = full_key.rsplit(".", 1)[0] + "." if "." in full_key else ""
            near = [
                key for key in known if key.startswith(parent) and "." not in key[len(parent) :]
            ]
        return f"{source} has the unknown key '{full_key}'. Near ones: {', '.join(near)}."
    where = f" for '{full_key}'" if full_key else ""
    return f"{source} has an impossible value{where}: {first_line}"


def _all_keys(config: object, prefix: str = "") -> list[str]:
    """Every dotted key of a config, groups included."""
    keys = []
    for item in dataclasses.fields(config):  # type: ignore[arg-type]
        value = getattr(config, item.name)
        keys.append(prefix + item.name)
        if dataclasses.is_dataclass(value):
            keys += _all_keys(value, f"{prefix}{item.name}.")
    return keys
