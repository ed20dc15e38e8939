"""A whole reference folder of other sizes than the miniature's, made anew from a seed.

Tokenizer, weights, stories and images are new, and the story model is over-fitted on its stories
until it writes them by heart. Its numbers and stories are in `other_sizes.py`; its expected numbers
come from the libraries (`recorder.py`), so that verifying it compares the studio with them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import sentencepiece
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from PIL import Image, ImageDraw
from torch import Tensor, nn
from transformers import LlamaForCausalLM

from tests.helpers import plain_release as plain
from tests.helpers.other_sizes import CODEC, LONG_STORY, NUMBERS, PLAN, SCHEDULE, STORIES, UNET
from tests.helpers.recorder import IGNORED, Recorder, record, sample, write_json

Model = TypeVar("Model", bound=nn.Module)


def write_other_reference(target: Path) -> Path:
    """Write the whole folder: sizes, inputs, tokenizer, weights, and what they compute."""
    torch.manual_seed(11)
    write_json(target / "config.json", NUMBERS)
    write_inputs(target / "expected" / "inputs")
    write_tokenizers(target)
    write_image_weights(target)
    write_story_weights(target, over_fitted(target))
    record(target, PLAN)
    return target


def write_inputs(folder: Path) -> None:
    """Draw an image of its own size for every panel, and those of the transforms."""
    chance = random.Random(3)
    folder.mkdir(parents=True)

    def draw(name: str, size: tuple[int, int], mode: str = "RGB") -> None:
        image = Image.new(mode, size, tuple(chance.choices(range(256), k=len(mode))))
        pen = ImageDraw.Draw(image)
        for _ in range(5):
            x, y, side = chance.randrange(size[0]), chance.randrange(size[1]), chance.randrange(40)
            colour = tuple(chance.choices(range(256), k=len(mode)))
            pen.ellipse((x - side, y - side, x + 20, y + 9), fill=colour)
        image.save(folder / f"{name}.png")

    listed = []
    for story, captions in enumerate(STORIES):
        names = [f"tale{story}_{'abcdef'[panel]}" for panel in range(len(captions))]
        for name in names:
            draw(name, (chance.randrange(60, 150), chance.randrange(60, 150)))
        listed.append(
            {
                "id": story,
                "images": [f"{name}.png" for name in names],
                "captions": captions,
                "orders": list(range(len(names))),
            }
        )
    write_json(folder / "stories.json", {"stories": listed})
    draw("wide_picture", (173, 61))
    draw("clear_picture", (40, 55), "RGBA")
    draw("tall_grey_picture", (62, 131), "L")


def write_tokenizers(root: Path) -> None:
    """Train the text model, and save it in both styles; the marks have an order of their own."""
    folder = root / NUMBERS["tokenizer"]["folder"]
    folder.mkdir(parents=True)
    numbers = NUMBERS["tokenizer"]
    ids = {name: numbers[name] for name in ("pad_id", "eos_id", "bos_id", "unk_id")}
    texts = [*(caption for story in STORIES for caption in story), *LONG_STORY]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(NUMBERS["separator"] + text for text in texts * 3),
        model_prefix=str(folder / "tokenizer"),
        model_type="bpe",
        vocab_size=numbers["sentencepiece_vocab"],
        byte_fallback=True,
        character_coverage=1.0,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        split_digits=True,
        num_threads=1,
        minloglevel=2,
        **ids,
    )
    (folder / "tokenizer.vocab").unlink()
    marks = {
        f"<img_{i:05d}>": numbers["first_image_id"] + i for i in range(NUMBERS["num_img_in_tokens"])
    }
    marks |= {"<img>": numbers["boi_id"], "</img>": numbers["eoi_id"]}
    controls = dict(zip(("<pad>", "</s>", "<s>", "<unk>"), ids.values(), strict=True))
    special = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}

    def entry(name: str) -> dict[str, Any]:
        is_mark = name in marks
        strips = {"lstrip": is_mark, "rstrip": is_mark, "normalized": is_mark}
        return {"content": name, "single_word": False, "special": not is_mark, **strips}

    own = {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "add_eos_token": False}
    both = {str(id_): entry(name) for name, id_ in (controls | marks).items()}
    listed = {"added_tokens_decoder": both, "legacy": True}
    write_json(folder / "tokenizer_config.json", {**own, **special, **listed})
    write_json(folder / "special_tokens_map.json", special)
    write_json(folder / "added_tokens.json", controls | marks)

    plain_style = root / "expected" / "tokenizer_alt"
    plain_style.mkdir()
    (plain_style / "tokenizer.model").write_bytes((folder / "tokenizer.model").read_bytes())
    write_json(plain_style / "tokenizer_config.json", {**own, "pad_token": None})
    described = {name: {"content": token, "lstrip": False} for name, token in special.items()}
    write_json(plain_style / "special_tokens_map.json", described)
    write_json(plain_style / "added_tokens.json", marks)


def drawn(shapes: Mapping[str, Iterable[int]]) -> dict[str, Tensor]:
    """Random weights that keep what goes through them at about its size."""
    weights = {}
    for name, shape in shapes.items():
        sizes = tuple(shape)
        noise = torch.randn(sizes)
        if name.endswith("bias"):
            weights[name] = 0.1 * noise
        elif len(sizes) == 1:
            weights[name] = 1 + 0.1 * noise
        else:
            weights[name] = noise / math.sqrt(math.prod(sizes[1:]))
    return weights


def linear(name: str, rows: int, columns: int, *, bias: bool = True) -> dict[str, tuple[int, ...]]:
    weight: dict[str, tuple[int, ...]] = {f"{name}.weight": (rows, columns)}
    return weight | ({f"{name}.bias": (rows,)} if bias else {})


def norm(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def vision_shapes() -> dict[str, tuple[int, ...]]:
    numbers = NUMBERS["visual_tokenizer"]
    width, dim, patch = numbers["width"], numbers["output_dim"], numbers["patch_size"]
    shapes: dict[str, tuple[int, ...]] = {
        "positional_embedding": (numbers["positional_embedding_grid"] ** 2, width),
        "proj": (dim, dim),
        "conv1.weight": (width, 3, patch, patch),
        **norm("ln_pre", width),
    }
    for layer in range(numbers["layers"]):
        block = f"transformer.resblocks.{layer}"
        shapes |= norm(f"{block}.ln_1", width) | norm(f"{block}.ln_2", width)
        shapes |= linear(f"{block}.attn.in_proj", 3 * width, width)
        shapes |= linear(f"{block}.attn.out_proj", width, width)
        shapes |= linear(f"{block}.mlp.c_fc", numbers["mlp_width"], width)
        shapes |= linear(f"{block}.mlp.c_proj", width, numbers["mlp_width"])
    return shapes | {
        "attn_pool.pos_embed": (numbers["n_queries"], dim),
        "attn_pool.query": (numbers["n_queries"], dim),
        **linear("attn_pool.kv_proj", dim, width, bias=False),
        "attn_pool.attn.in_proj_weight": (3 * dim, dim),
        "attn_pool.attn.in_proj_bias": (3 * dim,),
        **linear("attn_pool.attn.out_proj", dim, dim),
        **norm("attn_pool.ln_q", dim),
        **norm("attn_pool.ln_kv", dim),
        **norm("ln_post", dim),
    }


def perceiver_shapes() -> dict[str, tuple[int, ...]]:
    numbers = NUMBERS["detokenizer_resampler"]
    dim, pooled = numbers["dim"], numbers["output2_dim"]
    inner, middle = numbers["dim_head"] * numbers["heads"], dim * numbers["ff_mult"]
    shapes: dict[str, tuple[int, ...]] = {
        "latents": (1, numbers["num_queries"], dim),
        **linear("proj_in", dim, numbers["embedding_dim"]),
        **norm("norm_out", dim),
    }
    for layer in range(numbers["depth"]):
        look, think = f"layers.{layer}.0", f"layers.{layer}.1"
        shapes |= norm(f"{look}.norm1", dim) | norm(f"{look}.norm2", dim)
        shapes |= linear(f"{look}.to_q", inner, dim, bias=False)
        shapes |= linear(f"{look}.to_kv", 2 * inner, dim, bias=False)
        shapes |= linear(f"{look}.to_out", dim, inner, bias=False)
        shapes |= norm(f"{think}.0", dim)
        shapes |= linear(f"{think}.1", middle, dim, bias=False)
        shapes |= linear(f"{think}.3", dim, middle, bias=False)
    shapes |= linear("unet_proj_1", numbers["output1_dim"], dim)
    shapes |= linear("unet_proj_2", pooled, dim)
    shapes["unet_attnpool.positional_embedding"] = (numbers["num_queries"] + 1, dim)
    for part in "kqv":
        shapes |= linear(f"unet_attnpool.{part}_proj", dim, dim)
    shapes |= linear("unet_attnpool.c_proj", pooled, dim)
    return {f"resampler.{name}": shape for name, shape in shapes.items()}


def save(path: Path, weights: Mapping[str, Tensor], dtype: torch.dtype) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({name: value.detach().to(dtype) for name, value in weights.items()}, path)


def write_image_weights(root: Path) -> None:
    """Image encoder, codec, base UNet, and the de-tokenizer with another UNet."""
    save(root / NUMBERS["visual_tokenizer"]["file"], drawn(vision_shapes()), torch.float16)
    sdxl = root / NUMBERS["stable_diffusion_xl"]["folder"]
    unet, codec = UNet2DConditionModel(**UNET), AutoencoderKL(**CODEC)
    shaken(codec).half().save_pretrained(sdxl / "vae")
    shaken(unet).save_pretrained(sdxl / "unet")
    EulerDiscreteScheduler(**SCHEDULE).save_pretrained(sdxl / "scheduler")
    adapted = {f"unet.{name}": value for name, value in shaken(unet).state_dict().items()}
    path = root / NUMBERS["detokenizer"]["file"]
    save(path, adapted | drawn(perceiver_shapes()), torch.float16)


@torch.no_grad()
def shaken(module: Model) -> Model:
    """Move every weight a little, also those that begin as ones and zeros."""
    for weight in module.parameters():
        weight.add_(0.2 * weight.std(correction=0) * torch.randn_like(weight))
        weight.add_(0.05 * torch.randn_like(weight) * (weight.dim() == 1))
    return module


def over_fitted(root: Path, *, num_steps: int = 150) -> plain.PlainStory:
    """Teach a new story model the stories by heart, from any panel on, told or illustrated."""
    recorder = Recorder(root, PLAN)
    story = plain.PlainStory(NUMBERS)
    with torch.no_grad():
        for resampler in (story.input_resampler, story.output_resampler):
            resampler.pos_embed.normal_(std=0.7)
            resampler.query.normal_()
    features = [[recorder.features(name) for name in one["images"]] for one in recorder.stories]
    weights = [w for name, w in story.named_parameters() if "original" not in name]
    optimizer = torch.optim.Adam([w for w in weights if w.requires_grad], lr=1.3e-3)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, num_steps)
    chance = random.Random(1)
    parts: list[tuple[int, int, int]] = []
    for _ in range(num_steps):
        if len(parts) < 6:
            parts += chance.sample(PARTS, len(PARTS))
        batch = lesson(recorder.tokens, features, [parts.pop() for _ in range(6)], chance)
        optimizer.zero_grad()
        story.read(batch, (1.0, 1.0))["total_loss"].backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        decay.step()
    return story


PARTS = [
    (story, first, last)
    for story, captions in enumerate(STORIES)
    for last in range(len(captions))
    for first in range(last)
]
"""A story, and the first and last panel of a part of it."""


def lesson(
    tokens: plain.PlainTokens,
    features: list[list[Tensor]],
    parts: list[tuple[int, int, int]],
    chance: random.Random,
) -> dict[str, Tensor]:
    """A batch of parts of stories; of a told one every caption but the first is learned."""
    rows, seen, given = [], [], []
    for story, first, last in parts:
        is_told, captions = chance.random() < 0.65, STORIES[story][first : last + 1]
        separator = NUMBERS["separator"] if is_told else ""
        has_bos = is_told or not first
        row = sample(tokens, separator, captions, has_bos=has_bos)
        ids, silent = row["input_ids"], {*tokens.queries, tokens.eoi}
        begin = ids.index(tokens.eoi)
        if is_told:
            learned = [t if at > begin and t not in silent else IGNORED for at, t in enumerate(ids)]
        else:
            learned = [t if t in (tokens.boi, tokens.eos) else IGNORED for t in ids]
        rows.append(row | {"labels": learned})
        seen += features[story][first : last + 1]
        given += [1] * (last - first) + [0]
    most = max(len(row["input_ids"]) for row in rows)
    batch = {
        name: torch.tensor(
            [row[name] + [IGNORED * (name == "labels")] * (most - len(row[name])) for row in rows]
        )
        for name in rows[0]
    }
    images, is_given = torch.cat(seen), torch.tensor(given)
    images = images + 0.1 * images.std() * torch.randn_like(images)
    masks = {"embeds_cmp_mask": is_given, "embeds_gen_mask": 1 - is_given}
    return batch | masks | {"image_embeds": images}


@torch.no_grad()
def write_story_weights(root: Path, story: plain.PlainStory) -> None:
    """Write the story model in bfloat16, and a base model in float32 that differs from it.

    The last layer's output projections are in the base folder alone.
    """
    for copy in story.saved_copies:
        copy.original_module.get_parameter("weight").normal_(1.0, 0.1)
    own = story.state_dict()
    language, prefix = NUMBERS["language_model"], "llm.base_model.model."
    layers = f"{prefix}model.layers."
    lent = [
        f"{layers}{language['num_hidden_layers'] - 1}.{name}.weight"
        for name in ("self_attn.o_proj", "mlp.down_proj")
    ]
    base = LlamaForCausalLM(plain.llama_config(language, language["vocab_size_before_resize"]))
    for name, value in base.state_dict().items():
        if prefix + name in lent:
            value.copy_(own[prefix + name])
        elif name.endswith("proj.weight"):
            value.add_(own[prefix + name])
    base.save_pretrained(root / language["folder"], max_shard_size="3MB")
    stored = {name: value for name, value in own.items() if name not in lent}
    head = language["head_dim"]
    frequencies = 10000.0 ** (-torch.arange(0, head, 2) / head)
    for layer in range(language["num_hidden_layers"]):
        stored[f"{layers}{layer}.self_attn.rotary_emb.inv_freq"] = frequencies
    save(root / NUMBERS["story_model"]["file"], stored, torch.bfloat16)
