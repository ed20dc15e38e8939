"""The release's computations, written once more with the libraries alone.

Nothing here imports the studio: text goes through SentencePiece, images through Pillow and numpy,
the language model is transformers' with its adapters beside the projections, drawing is diffusers'
own pipeline. Rules and names of weights are those of the miniature's README.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import (
    StableDiffusionXLPipeline,
)
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from PIL import Image
from sentencepiece import SentencePieceProcessor
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM, LogitsProcessor, LogitsProcessorList

CONTROLS = ("<unk>", "<s>", "</s>")
NORMS = ("input_layernorm", "post_attention_layernorm", "norm")
Weights = Mapping[str, Tensor]


class PlainTokens:
    """The slow tokenizer's rule: split at added tokens, encode every piece by itself."""

    def __init__(self, model_file: Path, marks: Mapping[str, int]) -> None:
        self.pieces = SentencePieceProcessor(model_file=str(model_file))
        self.marks = dict(marks)
        self.controls = {name: self.pieces.piece_to_id(name) for name in CONTROLS}
        self.names = {id_: name for name, id_ in self.marks.items()}
        self.bos, self.eos = self.controls["<s>"], self.controls["</s>"]
        self.boi, self.eoi = self.marks["<img>"], self.marks["</img>"]
        count = sum(name.startswith("<img_") for name in self.marks)
        self.queries = [self.marks[f"<img_{index:05d}>"] for index in range(count)]
        self.image_text = f"<img>{''.join(f'<img_{i:05d}>' for i in range(count))}</img>"
        self.image_ids = [self.boi, *self.queries, self.eoi]

    def encode(self, text: str) -> list[int]:
        ids: list[int] = []
        every = "|".join(map(re.escape, [*self.controls, *self.marks]))
        blank = "|".join(map(re.escape, self.marks))
        text = re.sub(rf"\s*({blank})\s*", r"\1", text)
        for part in re.split(f"({every})", text):
            if part in self.marks or part in self.controls:
                ids.append((self.controls | self.marks)[part])
            elif part:
                ids += self.pieces.encode(part)
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        parts: list[str] = []
        run: list[str] = []
        for token in [*ids, None]:
            if token is not None and token not in self.names:
                run.append(self.pieces.id_to_piece(token))
                continue
            if run:
                parts.append(self._spell(run))
                run = []
            if token is not None:
                parts.append(self.names[token])
        return " ".join(parts)

    def _spell(self, run: list[str]) -> str:
        run = [run[0].removeprefix("▁"), *run[1:]]
        text = ""
        for part in re.split(f"({'|'.join(CONTROLS)})", "\0".join(run)):
            is_text = part not in CONTROLS
            text += self.pieces.decode_pieces(part.strip("\0").split("\0")) if is_text else part
        return text


def clean(text: str) -> str:
    return re.sub("<[^>]*>", "", text).strip()


def pixels_of(image: Image.Image, kind: str, size: int, keep_ratio: bool) -> Tensor:
    """`[3, size, size]` through the `clip` (bilinear) or `sd` (bicubic) transform."""
    image = image.convert("RGB")
    width, height = size, size
    if keep_ratio:
        short = min(image.size)
        width, height = (size if side == short else int(size * side / short) for side in image.size)
    bilinear, bicubic = Image.Resampling.BILINEAR, Image.Resampling.BICUBIC
    image = image.resize((width, height), bilinear if kind == "clip" else bicubic)
    left, top = (round((side - size) / 2) for side in (width, height))
    cut = np.asarray(image)[top : top + size, left : left + size].astype(np.float32) / 255
    mean = std = np.array([0.5], np.float32)
    if kind == "clip":
        mean = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
        std = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)
    return torch.from_numpy(((cut - mean) / std).transpose(2, 0, 1).copy())


def resized(table: Tensor, positions: int) -> Tensor:
    """A square table of positions for another square grid."""
    old, new = math.isqrt(len(table)), math.isqrt(positions)
    if old == new:
        return table
    grid = table.reshape(old, old, -1).movedim(-1, 0)[None]
    grid = F.interpolate(grid, (new, new), mode="bicubic", align_corners=False)
    return grid[0].movedim(0, -1).reshape(positions, -1)


class PlainResampler(nn.Module):
    """Learned queries look once at all tokens."""

    def __init__(self, queries: int, dim: int, kv_dim: int, heads: int, eps: float) -> None:
        super().__init__()
        self.pos_embed = nn.Parameter(torch.zeros(queries, dim), requires_grad=False)
        self.query = nn.Parameter(torch.zeros(queries, dim))
        if kv_dim != dim:
            self.kv_proj = nn.Linear(kv_dim, dim, bias=False)
        self.attn = nn.MultiheadAttention(dim, heads)
        self.ln_q, self.ln_kv = nn.LayerNorm(dim, eps), nn.LayerNorm(dim, eps)

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = self.kv_proj(tokens) if hasattr(self, "kv_proj") else tokens
        values = self.ln_kv(tokens).transpose(0, 1)
        keys = values + resized(self.pos_embed, len(values))[:, None]
        queries = (self.ln_q(self.query) + self.pos_embed)[:, None].repeat(1, len(tokens), 1)
        return self.attn(queries, keys, values)[0].transpose(0, 1)


def story_resampler(numbers: Mapping[str, Any]) -> PlainResampler:
    names = ("num_queries", "embed_dim", "kv_dim", "num_heads", "layer_norm_eps")
    return PlainResampler(*(numbers[name] for name in names))


def attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """`[..., S, head_dim]` each; softmax in float32."""
    scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
    return scores.softmax(-1) @ value


@torch.no_grad()
def see(weights: Weights, numbers: Mapping[str, Any], pixels: Tensor) -> dict[str, Tensor]:
    """The image encoder's features `[B, V, C]` and inner states."""
    eps, heads = numbers["layer_norm_eps"], numbers["heads"]

    def norm(name: str, x: Tensor) -> Tensor:
        return F.layer_norm(
            x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], eps
        )

    def linear(name: str, x: Tensor) -> Tensor:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    x = F.conv2d(pixels, weights["conv1.weight"], stride=numbers["patch_size"])
    x = x.flatten(2).transpose(1, 2)
    positions = resized(weights["positional_embedding"], x.shape[1])
    x = norm("ln_pre", x + positions)
    states = {"positions": positions, "after_ln_pre": x}
    for layer in range(numbers["layers"]):
        block = f"transformer.resblocks.{layer}"
        fused = linear(f"{block}.attn.in_proj", norm(f"{block}.ln_1", x))
        fused = fused.unflatten(-1, (heads, 3, -1)).permute(3, 0, 2, 1, 4)
        mixed = attention(*fused).transpose(1, 2).flatten(2)
        x = x + linear(f"{block}.attn.out_proj", mixed)
        inner = linear(f"{block}.mlp.c_fc", norm(f"{block}.ln_2", x))
        inner = inner * (1 + torch.erf(inner / math.sqrt(2))) / 2
        x = x + linear(f"{block}.mlp.c_proj", inner)
        states.setdefault("after_block0", x)
    pool = PlainResampler(
        numbers["n_queries"],
        numbers["output_dim"],
        numbers["width"],
        numbers["attn_pool_num_heads"],
        eps,
    )
    prefix = "attn_pool."
    pool.load_state_dict(
        {name[len(prefix) :]: w for name, w in weights.items() if name.startswith(prefix)}
    )
    states["after_attn_pool"] = pool(x)
    states["features"] = norm("ln_post", states["after_attn_pool"]) @ weights["proj"]
    return states


@torch.no_grad()
def condition(weights: Weights, numbers: Mapping[str, Any], x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the UNet's conditioning: a sequence `[B, N, E]` and a pooled vector `[B, P]`."""

    def norm(name: str, x: Tensor) -> Tensor:
        scale, shift = weights[f"resampler.{name}.weight"], weights[f"resampler.{name}.bias"]
        return F.layer_norm(x, x.shape[-1:], scale, shift)

    def linear(name: str, x: Tensor) -> Tensor:
        bias = weights.get(f"resampler.{name}.bias")
        return F.linear(x, weights[f"resampler.{name}.weight"], bias)

    def attend(*parts: Tensor) -> Tensor:
        split = (part.unflatten(-1, (numbers["heads"], -1)).transpose(1, 2) for part in parts)
        return attention(*split).transpose(1, 2).flatten(2)

    # Over the tokens, not over the channels.
    x = linear("proj_in", x / x.norm(dim=1, keepdim=True))
    latents = weights["resampler.latents"].repeat(len(x), 1, 1)
    for layer in range(numbers["depth"]):
        look, think = f"layers.{layer}.0", f"layers.{layer}.1"
        asked = norm(f"{look}.norm2", latents)
        seen = torch.cat([norm(f"{look}.norm1", x), asked], dim=1)
        key, value = linear(f"{look}.to_kv", seen).chunk(2, dim=-1)
        mixed = attend(linear(f"{look}.to_q", asked), key, value)
        latents = latents + linear(f"{look}.to_out", mixed)
        inner = F.gelu(linear(f"{think}.1", norm(f"{think}.0", latents)))
        latents = latents + linear(f"{think}.3", inner)
    latents = norm("norm_out", latents)
    sequence = torch.cat([linear("unet_proj_1", latents), linear("unet_proj_2", latents)], dim=-1)
    tokens = torch.cat([latents.mean(1, keepdim=True), latents], dim=1)
    tokens = tokens + weights["resampler.unet_attnpool.positional_embedding"]
    query, key, value = (linear(f"unet_attnpool.{part}_proj", tokens) for part in "qkv")
    return sequence, linear("unet_attnpool.c_proj", attend(query[:, :1], key, value)[:, 0])


class Adapted(nn.Module):
    """A projection with its adapter beside it."""

    def __init__(self, linear: nn.Linear, rank: int, scale: float) -> None:
        super().__init__()
        self.weight, self.scale = linear.weight, scale
        down = nn.Linear(linear.in_features, rank, bias=False)
        up = nn.Linear(rank, linear.out_features, bias=False)
        self.lora_A, self.lora_B = nn.ModuleDict({"default": down}), nn.ModuleDict({"default": up})

    def forward(self, x: Tensor) -> Tensor:
        change = self.lora_B["default"](self.lora_A["default"](x))
        return F.linear(x, self.weight) + self.scale * change


class SavedCopy(nn.Module):
    """A norm whose trained copy is used instead of it."""

    def __init__(self, original: nn.Module, copy: nn.Module) -> None:
        super().__init__()
        self.original_module = original
        self.modules_to_save = nn.ModuleDict({"default": copy})
        self.uses_original = False

    def forward(self, x: Tensor) -> Tensor:
        return (self.original_module if self.uses_original else self.modules_to_save["default"])(x)


def llama_config(numbers: Mapping[str, Any], vocab_size: int) -> LlamaConfig:
    names = (
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
        "num_attention_heads",
        "num_key_value_heads",
        "head_dim",
        "max_position_embeddings",
        "rms_norm_eps",
        "hidden_act",
        "tie_word_embeddings",
    )
    rope = {"rope_type": "default", "rope_theta": 10000.0}
    own = {name: numbers[name] for name in names}
    return LlamaConfig(vocab_size=vocab_size, rope_parameters=rope, **own)


class PlainStory(nn.Module):
    """The story model; its `state_dict` has the names of the published file."""

    def __init__(self, numbers: Mapping[str, Any]) -> None:
        super().__init__()
        lora, language = numbers["lora"], numbers["language_model"]
        llama = LlamaForCausalLM(llama_config(language, language["vocab_size_after_resize"]))
        scale = lora["lora_alpha"] / lora["r"]
        for path, module in list(llama.named_modules()):
            parent, _, name = path.rpartition(".")
            if name in lora["target_modules"]:
                setattr(llama.get_submodule(parent), name, Adapted(module, lora["r"], scale))
            elif name in NORMS:
                copy = type(module)(language["hidden_size"], language["rms_norm_eps"])
                setattr(llama.get_submodule(parent), name, SavedCopy(module, copy))
        self.llm = nn.ModuleDict({"base_model": nn.ModuleDict({"model": llama})})
        self.input_resampler = story_resampler(numbers["input_resampler"])
        self.output_resampler = story_resampler(numbers["output_resampler"])
        self.adapters = [m for m in self.modules() if isinstance(m, Adapted)]
        self.saved_copies = [m for m in self.modules() if isinstance(m, SavedCopy)]

    @property
    def llama(self) -> LlamaForCausalLM:
        base = cast(nn.ModuleDict, self.llm["base_model"])
        return cast(LlamaForCausalLM, base["model"])

    def embed(self, ids: Tensor, features: Tensor, is_image: Tensor) -> Tensor:
        embeds = self.llama.model.embed_tokens(ids)
        if len(features):
            embeds = embeds.clone()
            embeds[is_image.bool()] = self.input_resampler(features).flatten(0, 1)
        return embeds

    def read(self, batch: Mapping[str, Tensor], scales: Sequence[float]) -> dict[str, Any]:
        """Return losses and states of a batch that is padded at the end."""
        features = batch["image_embeds"]
        given = features[batch["embeds_cmp_mask"].bool()]
        embeds = self.embed(batch["input_ids"], given, batch["ids_cmp_mask"])
        output = self.llama(inputs_embeds=embeds, output_hidden_states=True, use_cache=False)
        last = output.hidden_states[-1]
        logits, labels = output.logits[:, :-1], batch["labels"][:, 1:]
        lm_loss = F.cross_entropy(logits[labels != -100], labels[labels != -100])
        wanted = features[batch["embeds_gen_mask"].bool()]
        made = last[batch["ids_gen_mask"].bool()].unflatten(0, (len(wanted), -1))
        made = self.output_resampler(made)
        rec_loss = (1 - F.cosine_similarity(made, wanted, dim=-1)).mean()
        return {
            "total_loss": scales[0] * lm_loss + scales[1] * rec_loss,
            "lm_loss": lm_loss,
            "rec_loss": rec_loss,
            "recon_image_embeds": made,
            "logits": output.logits,
            "states": output.hidden_states,
        }


class ImageTokens(LogitsProcessor):
    """The released image-token processor."""

    def __init__(self, tokens: PlainTokens) -> None:
        self.ids = tokens.image_ids

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        scores = scores.clone()
        for row, last in zip(scores, input_ids[:, -1].tolist(), strict=True):
            if last in self.ids[:-1]:
                row[self.ids[self.ids.index(last) + 1]] = row.max() + 10
            else:
                row[self.ids[1:]] = 0.0
        return scores


@torch.no_grad()
def answer(
    story: PlainStory, tokens: PlainTokens, ids: list[int], features: Tensor, most: int
) -> dict[str, Any]:
    """Generate greedily with transformers' own loop."""
    input_ids = torch.tensor([ids])
    is_image = torch.isin(input_ids, torch.tensor(tokens.queries))
    output = story.llama.generate(
        input_ids=input_ids,
        inputs_embeds=story.embed(input_ids, features, is_image),
        attention_mask=torch.ones_like(input_ids),
        logits_processor=LogitsProcessorList([ImageTokens(tokens)]),
        do_sample=False,
        max_new_tokens=most,
        eos_token_id=tokens.eos,
        pad_token_id=tokens.eos,
        return_dict_in_generate=True,
        output_hidden_states=True,
        output_logits=True,
        output_scores=True,
    )
    written = output.sequences[0, -len(output.logits) :].tolist()
    made = torch.zeros(0)
    if tokens.eoi in written:
        # The state of a token that was fed in is computed with the step after it.
        end = len(written) - 1 - written[::-1].index(tokens.eoi)
        steps = output.hidden_states[end - len(tokens.queries) + 1 : end + 1]
        made = story.output_resampler(torch.cat([step[-1][:, -1:] for step in steps], dim=1))
    best = torch.cat(output.scores).topk(2).values
    return {
        "generated_ids": written,
        "img_gen_feat": made,
        "raw_scores": torch.cat(output.logits),
        "margin": float((best[:, 0] - best[:, 1]).min()),
    }


@torch.no_grad()
def draw(
    sdxl: Path,
    unet: UNet2DConditionModel,
    with_image: tuple[Tensor, Tensor],
    without: tuple[Tensor, Tensor],
    latents: Tensor,
    numbers: Mapping[str, Any],
    steps: int,
) -> dict[str, Tensor]:
    """Draw one image with diffusers' pipeline."""
    words = ("text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2")
    no_words: dict[str, Any] = dict.fromkeys(words)
    pipeline = StableDiffusionXLPipeline(
        vae=AutoencoderKL.from_pretrained(sdxl / "vae", torch_dtype=torch.float32),
        unet=unet,
        scheduler=EulerDiscreteScheduler.from_pretrained(sdxl / "scheduler"),
        add_watermarker=False,
        **no_words,
    )
    pipeline.set_progress_bar_config(disable=True)
    states: list[Tensor] = []

    def keep(pipe: Any, step: int, time: Any, values: dict[str, Tensor]) -> dict[str, Tensor]:
        states.append(values["latents"].clone())
        return values

    image = pipeline(
        prompt_embeds=with_image[0],
        pooled_prompt_embeds=with_image[1],
        negative_prompt_embeds=without[0],
        negative_pooled_prompt_embeds=without[1],
        latents=latents,
        height=numbers["height"],
        width=numbers["width"],
        guidance_scale=numbers["guidance_scale"],
        num_inference_steps=steps,
        output_type="pt",
        callback_on_step_end=keep,
    ).images
    bytes_ = (image[0].permute(1, 2, 0).numpy() * 255).round().astype("uint8")
    return {
        "latents": states[-1],
        "trajectory": torch.cat(states),
        "image": image,
        "uint8": torch.from_numpy(bytes_),
    }
