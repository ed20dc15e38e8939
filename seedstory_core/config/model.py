"""Sizes and settings of the models; the defaults describe the tiny one."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from seedstory_core.config.fields import check, check_one_of, check_positive, is_square, setting

FLOW_SAMPLERS = (
    "DPMSolverMultistepScheduler",
    "FlowMatchEulerDiscreteScheduler",
    "FlowMatchHeunDiscreteScheduler",
)
DIFFUSION_SAMPLERS = ("EulerDiscreteScheduler", "DDIMScheduler")


@dataclass
class TokenizerConfig:
    """The tokenizer and the text between panels."""

    folder: str = "assets/tiny/tokenizer"
    """Folder with `tokenizer.model` (SentencePiece) and `added_tokens.json`; if empty,
    `weights.tokenizer.folder` under `runtime.weights_folder`."""
    separator: str = "\n"
    """Plain text between one panel's image and the next panel's caption; the release has `[INST]`.
    A reader's text may not contain it."""
    latin_only: bool = True
    """Whether the model has learned Latin letters only, so that a reader's text mostly in others is
    refused."""


@dataclass
class VisionConfig:
    """The image encoder: a ViT that pools its patches into a square grid of visual tokens."""

    image_size: int = 160
    """Height and width of the image it reads, in pixels."""
    patch_size: int = 16
    """Side of one patch, in pixels."""
    width: int = 256
    """Channels of a patch token."""
    layers: int = 6
    """Transformer blocks."""
    heads: int = 4
    """Attention heads of a block."""
    mlp_ratio: float = 4.0
    """Width of the MLP divided by `width`; the product is rounded down."""
    n_queries: int = 36
    """Visual tokens per image (V), a square number."""
    output_dim: int = 256
    """Channels of a visual token (C)."""
    positional_embedding_grid: int = 10
    """Side of the stored position table, in patches; resized if the image has another grid."""
    attn_pool_num_heads: int = 4
    """Heads of the attention pooling; the release uses `output_dim // 128`."""
    layer_norm_eps: float = 1e-6
    """Epsilon of every LayerNorm, those of the attention pooling included."""
    normalize_mean: list[float] = field(default_factory=lambda: [0.48145466, 0.4578275, 0.40821073])
    """Mean subtracted from each colour channel (0 to 1); CLIP's numbers."""
    normalize_std: list[float] = field(default_factory=lambda: [0.26862954, 0.26130258, 0.27577711])
    """Standard deviation that divides each colour channel after `normalize_mean`."""

    def __post_init__(self) -> None:
        """Refuse sizes that do not fit each other."""
        check_positive(
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
        check(
            self.image_size >= self.patch_size,
            f"vision.image_size is {self.image_size} and vision.patch_size {self.patch_size}; an "
            "image must hold at least one patch.",
        )
        check(
            self.width % self.heads == 0,
            f"vision.width is {self.width}; it must be a multiple of vision.heads {self.heads}.",
        )
        check(
            is_square(self.n_queries),
            f"vision.n_queries is {self.n_queries}; it must be a square number (16, 36, 64, 256).",
        )
        check(
            self.output_dim % self.attn_pool_num_heads == 0 and self.output_dim % 4 == 0,
            f"vision.output_dim is {self.output_dim}; it must be a multiple of 4 and of "
            f"vision.attn_pool_num_heads {self.attn_pool_num_heads}.",
        )
        check(
            len(self.normalize_mean) == 3 and len(self.normalize_std) == 3,
            f"vision.normalize_mean has {len(self.normalize_mean)} numbers and "
            f"vision.normalize_std {len(self.normalize_std)}; each needs three.",
        )

    @property
    def mlp_width(self) -> int:
        """Channels inside a block's MLP."""
        return int(self.width * self.mlp_ratio)


@dataclass
class ResamplerConfig:
    """One layer of cross-attention from a square grid of queries to another grid of tokens."""

    num_queries: int = 16
    """Tokens of the output, a square number."""
    embed_dim: int = 320
    """Channels of the output."""
    kv_dim: int = 256
    """Channels of the input."""
    num_heads: int = 5
    """Attention heads."""
    layer_norm_eps: float = 1e-5
    """Epsilon of both LayerNorms."""

    def __post_init__(self) -> None:
        """Refuse sizes that do not fit each other."""
        check_positive(
            "resampler", self, "num_queries", "embed_dim", "kv_dim", "num_heads", "layer_norm_eps"
        )
        check(
            is_square(self.num_queries),
            f"A resampler's num_queries is {self.num_queries}; it must be a square number.",
        )
        check(
            self.embed_dim % self.num_heads == 0 and self.embed_dim % 4 == 0,
            f"A resampler's embed_dim is {self.embed_dim}; it must be a multiple of 4 and of its "
            f"num_heads {self.num_heads}.",
        )


@dataclass
class DecoderConfig:
    """The language model, which transformers builds from these values."""

    model_type: str = "llama"
    """Model type in transformers: a causal language model with rotary positions (llama, qwen2,
    mistral, ...)."""
    vocab_size: int = 2066
    """Rows of the embedding table, the image tokens included."""
    hidden_size: int = 320
    """Channels of a token (D)."""
    intermediate_size: int = 768
    """Channels inside an MLP."""
    num_hidden_layers: int = 8
    """Decoder layers (L)."""
    num_attention_heads: int = 5
    """Attention heads."""
    num_key_value_heads: int = 5
    """Attention heads of keys and values (H)."""
    max_position_embeddings: int = 4096
    """Longest context that the model is meant for, in tokens."""
    rms_norm_eps: float = 1e-5
    """Epsilon of the RMSNorms."""
    rope_theta: float = 10000.0
    """Base of the rotary positions."""
    tie_word_embeddings: bool = False
    """Whether the output head shares the weights of the embedding table."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the model type's config class in transformers."""

    def __post_init__(self) -> None:
        """Refuse head counts that do not divide."""
        check_positive(
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
        check(
            self.hidden_size % self.num_attention_heads == 0 or "head_dim" in self.extra,
            f"decoder.hidden_size is {self.hidden_size}; it must be a multiple of "
            f"decoder.num_attention_heads {self.num_attention_heads}.",
        )
        check(
            self.num_attention_heads % self.num_key_value_heads == 0,
            f"decoder.num_attention_heads is {self.num_attention_heads}; it must be a multiple of "
            f"decoder.num_key_value_heads {self.num_key_value_heads}.",
        )


@dataclass
class PerceiverConfig:
    """The perceiver, which turns visual features into the UNet's prompt embeddings."""

    dim: int = 256
    """Channels of a latent."""
    depth: int = 2
    """Layers of attention and MLP."""
    dim_head: int = 64
    """Channels of one attention head."""
    heads: int = 4
    """Attention heads, of the pooling too."""
    num_queries: int = 32
    """Latents: the tokens of the prompt embeddings, which the UNet's cross-attention reads (N)."""
    embedding_dim: int = 256
    """Channels of the visual features (C)."""
    output1_dim: int = 96
    """Channels of a prompt embedding's first part (in SDXL, the first text encoder's width)."""
    output2_dim: int = 160
    """Channels of its second part, and of the pooled prompt embedding."""
    ff_mult: int = 4
    """Width of the MLP divided by `dim`."""

    def __post_init__(self) -> None:
        """Refuse impossible sizes."""
        names = [f.name for f in dataclasses.fields(self)]
        check_positive("detokenizer.perceiver", self, *names)
        check(
            self.dim % self.heads == 0,
            f"detokenizer.perceiver.dim is {self.dim}; it must be a multiple of "
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
    """Block type of each resolution on the way down, finest first."""
    up_block_types: list[str] = field(default_factory=lambda: ["CrossAttnUpBlock2D", "UpBlock2D"])
    """Block type of each resolution on the way up, coarsest first."""
    layers_per_block: int = 2
    """Residual blocks per resolution."""
    transformer_layers_per_block: list[int] = field(default_factory=lambda: [1, 1])
    """For each resolution, transformer layers after each residual block of a cross-attention
    block."""
    num_attention_heads: list[int] = field(default_factory=lambda: [2, 3])
    """Attention heads of each resolution (diffusers calls this `attention_head_dim`)."""
    cross_attention_dim: int = 256
    """Channels of a prompt embedding."""
    addition_time_embed_dim: int = 16
    """Channels of each of the six numbers in `time_ids`."""
    norm_num_groups: int = 32
    """Groups of every GroupNorm."""

    def __post_init__(self) -> None:
        """Refuse lists of different lengths, unknown blocks and channels that do not divide."""
        owner = "detokenizer.unet"
        check_positive(
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
            check(
                len(getattr(self, name)) == len(self.block_out_channels),
                f"{owner}.{name} has {len(getattr(self, name))} entries and "
                f"{owner}.block_out_channels {len(self.block_out_channels)}; both need one per "
                "resolution.",
            )
        for name, way in (("down_block_types", "Down"), ("up_block_types", "Up")):
            for block in getattr(self, name):
                check_one_of(f"{owner}.{name}", block, [f"{way}Block2D", f"CrossAttn{way}Block2D"])
        for channels, heads in zip(self.block_out_channels, self.num_attention_heads, strict=True):
            check(
                channels % self.norm_num_groups == 0 and channels % heads == 0,
                f"{owner}.block_out_channels has {channels}; it must be a multiple of "
                f"norm_num_groups {self.norm_num_groups} and of num_attention_heads {heads}.",
            )


@dataclass
class VaeConfig:
    """The image codec: an unmodified `AutoencoderKL` of diffusers, behind an optional stem."""

    block_out_channels: list[int] = field(default_factory=lambda: [64, 128, 160])
    """Channels of each resolution, finest first; each further one halves height and width."""
    layers_per_block: int = 1
    """Residual blocks per resolution (the decoder has one more)."""
    latent_channels: int = 16
    """Channels of the latents."""
    norm_num_groups: int = 32
    """Groups of every GroupNorm."""
    mid_block_add_attention: bool = False
    """Whether the middle block has self-attention; in the published model it has."""
    patch_size: int = 4
    """Side of the pixel squares folded into channels before the encoder and unfolded after the
    decoder; 1 is off, as in the published model."""
    scaling_factor: float = 0.7741
    """Factor that brings raw latents, less `shift_factor`, to about unit variance."""
    shift_factor: float = 0.0113
    """Mean of the raw latents; 0 in the published model."""
    force_upcast: bool = True
    """Whether the codec stays in float32 when the rest runs in half precision."""
    tile_size: int = 0
    """Side of the overlapping tiles in which images are decoded to save memory, in pixels; 0
    decodes them whole."""

    def __post_init__(self) -> None:
        """Refuse groups that do not divide."""
        owner = "detokenizer.vae"
        check_positive(
            owner,
            self,
            "block_out_channels",
            "layers_per_block",
            "latent_channels",
            "norm_num_groups",
            "patch_size",
            "scaling_factor",
        )
        check(
            all(channels % self.norm_num_groups == 0 for channels in self.block_out_channels),
            f"{owner}.block_out_channels is {self.block_out_channels}; each must be a multiple of "
            f"{owner}.norm_num_groups {self.norm_num_groups}.",
        )
        check(
            self.tile_size >= 0 and self.tile_size % self.downscale_factor == 0,
            f"{owner}.tile_size is {self.tile_size}; it must be 0 or a multiple of "
            f"{self.downscale_factor}, the pixels along one side of a latent.",
        )

    @property
    def downscale_factor(self) -> int:
        """Pixels per latent, along one side."""
        return self.patch_size * 2 ** (len(self.block_out_channels) - 1)


@dataclass
class PreviewConfig:
    """The small decoder that shows an image while it is being drawn: diffusers' `DecoderTiny`.

    The published model uses TAESDXL's weights.
    """

    block_out_channels: list[int] = field(default_factory=lambda: [24, 24, 24, 24])
    """Channels of each resolution, coarsest first, all the same; each further one doubles height
    and width. Empty: the codec itself decodes previews."""
    num_blocks: list[int] = field(default_factory=lambda: [1, 1, 1, 1])
    """Residual blocks of each resolution."""
    every: int = 2
    """Denoising steps from one preview to the next."""

    def __post_init__(self) -> None:
        """Refuse lists of different lengths, and resolutions of different widths."""
        owner = "detokenizer.preview"
        check_positive(owner, self, "every")
        if not self.block_out_channels:
            return
        check_positive(owner, self, "block_out_channels", "num_blocks")
        check(
            len(self.num_blocks) == len(self.block_out_channels),
            f"{owner}.num_blocks has {len(self.num_blocks)} entries and "
            f"{owner}.block_out_channels {len(self.block_out_channels)}; both need one per "
            "resolution.",
        )
        check(
            len(set(self.block_out_channels)) == 1,
            f"{owner}.block_out_channels is {self.block_out_channels}; DecoderTiny needs the same "
            "number everywhere.",
        )


@dataclass
class SchedulerConfig:
    """The sampler: a scheduler class of diffusers, and those of its arguments that it takes."""

    name: str = "DPMSolverMultistepScheduler"
    """Class in diffusers. Flow: `DPMSolverMultistepScheduler` (second order, one pass per step),
    `FlowMatchEulerDiscreteScheduler`, or `FlowMatchHeunDiscreteScheduler` (second order, two
    passes per step). Diffusion: `EulerDiscreteScheduler` or `DDIMScheduler`."""
    num_train_timesteps: int = 1000
    """Length of the noise schedule."""
    shift: float = 1.0
    """Flow: shift of the noise levels; greater than 1 spends more steps at high noise."""
    beta_start: float = 0.00085
    """Diffusion: first beta."""
    beta_end: float = 0.012
    """Diffusion: last beta."""
    beta_schedule: str = "scaled_linear"
    """Diffusion: how betas grow from the first to the last."""
    timestep_spacing: str = "leading"
    """Diffusion: how the denoising steps are spread over the noise schedule."""
    steps_offset: int = 1
    """Diffusion: number added to every timestep."""

    def __post_init__(self) -> None:
        """Refuse unknown samplers and impossible numbers."""
        check_one_of(
            "detokenizer.scheduler.name",
            self.name,
            (*FLOW_SAMPLERS, *DIFFUSION_SAMPLERS),
        )
        check_positive("detokenizer.scheduler", self, "num_train_timesteps", "shift")


@dataclass
class DeTokenizerConfig:
    """The de-tokenizer: visual features in, image out."""

    perceiver: PerceiverConfig = field(default_factory=PerceiverConfig)
    unet: UNetConfig = field(default_factory=UNetConfig)
    vae: VaeConfig = field(default_factory=VaeConfig)
    preview: PreviewConfig = field(default_factory=PreviewConfig)
    scheduler: SchedulerConfig = field(default_factory=SchedulerConfig)
    image_size: int = 256
    """Height and width of the drawn image, in pixels."""
    num_inference_steps: int = setting(
        8,
        1,
        50,
        label="Painting steps",
        key="steps",
        meaning="More are slower and finer.",
    )
    """Denoising steps of an image."""
    initial_noise_scale: float = 0.4
    """Standard deviation of the noise that an image starts from. 1 samples as trained (published);
    less brings images of different seeds closer to each other and to the average image of the
    features (the temperature of Glow, arXiv:1807.03039)."""
    guidance_scale: float = setting(
        1.0,
        0,
        15,
        label="Guidance",
        key="guidance",
        step=0.5,
        meaning="How closely the picture keeps to the tale.",
    )
    """Scale of classifier-free guidance; up to 1 it is off, which halves the work."""
    guidance_start: float = 0.0
    """Fraction of the steps at which guidance begins."""
    guidance_end: float = 1.0
    """Fraction of the steps at which guidance ends."""
    prediction_type: str = "flow"
    """What the UNet predicts: `epsilon` (published), `v_prediction`, or `flow` (the velocity of a
    rectified flow, noise minus image)."""
    spatial_hint_channels: int = 16
    """Channels of the spatial hint: visual features laid out as a grid and given to the UNet
    beside the latents; 0 is off, as in the published model."""
    condition_dropout: float = 0.1
    """Training: fraction of samples whose features are replaced by those of the zero image."""
    logit_normal_mean: float = 0.0
    """Training, flow: mean of the noise level's logit; greater than 0 trains on more noise."""
    logit_normal_std: float = 1.0
    """Training, flow: standard deviation of the noise level's logit."""
    one_step_share: float = 0.0
    """Training, flow: fraction of samples denoised in one step, from the noise that an image starts
    from; after such training `num_inference_steps` may be 1."""

    def __post_init__(self) -> None:
        """Refuse impossible numbers and models that do not fit together."""
        check_positive(
            "detokenizer",
            self,
            "image_size",
            "num_inference_steps",
            "guidance_scale",
            "logit_normal_std",
        )
        check_one_of(
            "detokenizer.prediction_type",
            self.prediction_type,
            ["epsilon", "v_prediction", "flow"],
        )
        fitting = FLOW_SAMPLERS if self.prediction_type == "flow" else DIFFUSION_SAMPLERS
        check(
            self.scheduler.name in fitting,
            f"detokenizer.prediction_type '{self.prediction_type}' does not go with "
            f"detokenizer.scheduler.name '{self.scheduler.name}': it needs {' or '.join(fitting)}.",
        )
        fractions = ("initial_noise_scale", "guidance_start", "guidance_end", "condition_dropout")
        for name in (*fractions, "one_step_share"):
            value = getattr(self, name)
            check(0 <= value <= 1, f"detokenizer.{name} is {value}; it must be from 0 to 1.")
        check(
            self.spatial_hint_channels >= 0,
            f"detokenizer.spatial_hint_channels is {self.spatial_hint_channels}; "
            "it must be 0 (off) or more.",
        )
        check(
            self.one_step_share == 0 or self.prediction_type == "flow",
            f"detokenizer.one_step_share is {self.one_step_share}; it works only with "
            "detokenizer.prediction_type=flow.",
        )
        prompt_dim = self.perceiver.output1_dim + self.perceiver.output2_dim
        check(
            prompt_dim == self.unet.cross_attention_dim,
            f"detokenizer.perceiver.output1_dim + output2_dim is {prompt_dim} and "
            f"detokenizer.unet.cross_attention_dim {self.unet.cross_attention_dim}; "
            "they must be equal.",
        )
        cell = self.vae.downscale_factor
        check(
            self.image_size % cell == 0,
            f"detokenizer.image_size is {self.image_size}; it must be a multiple of {cell}, the "
            "pixels along one side of a latent.",
        )

    @property
    def latent_size(self) -> int:
        """Height and width of the latents."""
        return self.image_size // self.vae.downscale_factor
