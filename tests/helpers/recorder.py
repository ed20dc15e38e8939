"""Records the results of a reference folder's weights, with the libraries alone.

Only its prompts are the studio's, those of the one copy of the released loop
(`weights/verify/released_loop.py`), which are tested on the miniature and by themselves.

`record` writes `expected/` beside `pretrained/`: every table and document of the miniature, with
the miniature's tolerances. That it records rightly is tested on the miniature itself, whose numbers
are the released code's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from seedstory_core.weights.verify.released_loop import ReleasedStory
from tests.helpers import plain_release as plain
from tests.helpers.long_story import follow_long_story
from tests.helpers.reference import COPY

Tables = dict[str, dict[str, Tensor]]
IGNORED = -100


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a pickled file, a safetensors file, or all of a folder's; formats as stored."""
    if path.is_dir() or "*" in path.name:
        folder = path if path.is_dir() else path.parent
        shards = [load_file(shard) for shard in sorted(folder.glob("*.safetensors"))]
        return {name: value for shard in shards for name, value in shard.items()}
    return torch.load(path, weights_only=True)


def widened(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.float() for name, value in weights.items()}


class Recorder:
    """One folder's weights, read by the libraries, and what they compute.

    Args:
        root: With `config.json`, `pretrained/`, `expected/inputs/`, `expected/tokenizer_alt/`.
        plan: What to record; see `other_reference.PLAN`.
        given: Tables to take random inputs from; they are drawn where it has none.
    """

    def __init__(self, root: Path, plan: Mapping[str, Any], given: Tables | None = None) -> None:
        self.root, self.plan, self.given = root, plan, given or {}
        self.numbers = read_json(root / "config.json")
        self.inputs = root / "expected" / "inputs"
        self.stories = read_json(self.inputs / "stories.json")["stories"]
        self.sdxl = root / self.numbers["stable_diffusion_xl"]["folder"]
        self.tables: Tables = {}
        self.documents: dict[str, Any] = {}
        self.meanings: dict[str, str] = {}
        self.random = torch.Generator().manual_seed(5)

    def noise(self, table: str, name: str, *shape: int) -> Tensor:
        drawn = torch.randn(shape, generator=self.random)
        return self.given.get(table, {}).get(name, drawn)

    @cached_property
    def tokens(self) -> plain.PlainTokens:
        return self.tokens_of(self.root / self.numbers["tokenizer"]["folder"])

    def tokens_of(self, folder: Path) -> plain.PlainTokens:
        """Read either style; only marks of images matter beside the text model's own tokens."""
        settings = read_json(folder / "tokenizer_config.json").get("added_tokens_decoder", {})
        marks = {entry["content"]: int(id_) for id_, entry in settings.items()}
        marks |= read_json(folder / "added_tokens.json")
        is_mark = re.compile(r"</?img(_\d+)?>").fullmatch
        marks = {name: id_ for name, id_ in marks.items() if is_mark(name)}
        return plain.PlainTokens(folder / "tokenizer.model", marks)

    def image(self, name: str) -> Image.Image:
        with Image.open(self.inputs / f"{name.removesuffix('.png')}.png") as opened:
            return opened.copy()

    def pixels(self, name: str) -> Tensor:
        numbers = self.numbers["transforms"]["story_picture"]
        size, keep_ratio = numbers["image_size"], numbers["keep_ratio"]
        return plain.pixels_of(self.image(name), "clip", size, keep_ratio)[None]

    @cached_property
    def vision(self) -> dict[str, Tensor]:
        return widened(read_weights(self.root / self.numbers["visual_tokenizer"]["file"]))

    def see(self, pixels: Tensor) -> dict[str, Tensor]:
        return plain.see(self.vision, self.numbers["visual_tokenizer"], pixels)

    def features(self, name: str) -> Tensor:
        return self.see(self.pixels(name))["features"]

    @cached_property
    def story(self) -> plain.PlainStory:
        return load_story(self.root, self.numbers)

    @cached_property
    def unet(self) -> UNet2DConditionModel:
        unet = UNet2DConditionModel.from_pretrained(self.sdxl / "unet", torch_dtype=torch.float32)
        adapted = {
            name[len("unet.") :]: w for name, w in self.drawer.items() if name.startswith("unet.")
        }
        unet.load_state_dict(adapted)
        return unet.eval()

    @cached_property
    def drawer(self) -> dict[str, Tensor]:
        return widened(read_weights(self.root / self.numbers["detokenizer"]["file"]))

    def condition(self, features: Tensor) -> tuple[Tensor, Tensor]:
        return plain.condition(self.drawer, self.numbers["detokenizer_resampler"], features)

    # What is recorded, table by table.

    def transforms(self) -> None:
        table = self.tables["transforms"] = {}
        numbers = self.numbers["transforms"]
        for name in self.plan["transforms"]:
            for kind, keep_ratio in (("clip", 0), ("clip", 1), ("sd", 0), ("sd", 1)):
                size = numbers[f"fixture_{kind}_size"]
                pixels = plain.pixels_of(self.image(name), kind, size, bool(keep_ratio))
                table[f"{name}__{kind}_{size}_keep{keep_ratio}"] = pixels

    def vit(self) -> None:
        names = self.plan["vit"]
        states = self.see(torch.cat([self.pixels(name) for name in names]))
        self.meanings["vit/image"] = f"inputs/{names[0]}.png, clip transform; further rows: " + (
            ", ".join(f"inputs/{name}.png" for name in names[1:])
        )
        size = self.numbers["visual_tokenizer"]["image_size"]
        self.tables["vit"] = {
            "image": self.pixels(names[0]),
            "image_embeds": states["features"],
            "pos_embed_interpolated": states["positions"],
            "after_ln_pre_0": states["after_ln_pre"][:1],
            "after_block0_0": states["after_block0"][:1],
            "after_attn_pool_0": states["after_attn_pool"][:1],
            "image_embeds_zero_picture": self.see(torch.zeros(1, 3, size, size))["features"],
        }

    @torch.no_grad()
    def resamplers(self) -> None:
        into, out = self.story.input_resampler, self.story.output_resampler
        features, num = self.tables["vit"]["image_embeds"], self.numbers["num_img_out_tokens"]
        width = self.numbers["output_resampler"]["kv_dim"]
        hidden = self.noise("resamplers", "hidden", 2, num, width)
        self.tables["resamplers"] = {
            "input_resampler_out": into(features),
            "hidden": hidden,
            "output_resampler_out": out(hidden),
            "input_pos_embed_for_keys": plain.resized(into.pos_embed, features.shape[1]),
            "output_pos_embed_for_keys": plain.resized(out.pos_embed, num),
        }

    def forward(self) -> None:
        """The batch, what it gives, its gradients, and what mistakes would change."""
        batch, texts = self.batch()
        scales = [self.numbers["story_model"][f"{kind}_loss_scale"] for kind in ("lm", "rec")]
        self.story.requires_grad_(True)
        self.story.zero_grad()
        output = self.story.read(batch, scales)
        output["total_loss"].backward()
        is_real = batch["attention_mask"][..., None]
        states = output.pop("states")
        self.tables["forward"] = batch | output
        self.tables["forward"] |= {
            "logits": output["logits"] * is_real,
            "last_hidden_state": states[-1] * is_real,
            "hidden_after_layer1_sample0": (states[1] * is_real)[0],
            "inputs_embeds_sample1": (states[0] * is_real)[1],
        }
        self.documents["data"] = {
            "max_length": self.plan["max_length"],
            "items": [
                {"story": story, "num_image_given": given, "text": text}
                for (story, given), text in zip(self.plan["items"], texts, strict=True)
            ],
            "too_long_returns_empty": True,
            "sd_item": self.stage_three_item(),
        }
        self.training()
        self.story.requires_grad_(False)
        self.mistakes(batch, scales)

    def batch(self) -> tuple[dict[str, Tensor], list[str]]:
        rows, features, texts = [], [], []
        for story, num_given in self.plan["items"]:
            count = num_given + 2
            captions = self.stories[story]["captions"][:count]
            texts.append(
                self.numbers["separator"].join(c + self.tokens.image_text for c in captions)
            )
            rows.append(sample(self.tokens, self.numbers["separator"], captions))
            features += [self.features(name) for name in self.stories[story]["images"][:count]]
        fillers = {"input_ids": self.numbers["tokenizer"]["pad_id"], "labels": IGNORED}
        most = self.plan["max_length"]
        batch = {
            name: torch.tensor(
                [row[name] + [fillers.get(name, 0)] * (most - len(row[name])) for row in rows]
            )
            for name in ("input_ids", "attention_mask", "labels", "ids_gen_mask", "ids_cmp_mask")
        }
        given = [[1] * (num_given + 1) + [0] for _, num_given in self.plan["items"]]
        batch["embeds_cmp_mask"] = torch.tensor([value for row in given for value in row])
        batch["embeds_gen_mask"] = 1 - batch["embeds_cmp_mask"]
        for name in ("ids_gen_mask", "ids_cmp_mask", "embeds_cmp_mask", "embeds_gen_mask"):
            batch[name] = batch[name].to(torch.uint8)
        return batch | {"image_embeds": torch.cat(features)}, texts

    def stage_three_item(self) -> dict[str, Any]:
        """Size conditioning with the released slips: the last image's size, corner swapped."""
        story, num_given = self.plan["sd_item"]
        width, height = self.image(self.stories[story]["images"][-1]).size
        size = self.numbers["transforms"]["stage3_sd_size"]
        short = min(width, height)
        left, top = (round((int(size * side / short) - size) / 2) for side in (width, height))
        return {
            "story": story,
            "num_image_given": num_given,
            "time_ids": [height, width, left, top, size, size],
            "sd_target_panel": num_given + 1,
        }

    def training(self) -> None:
        """Lists follow from what each part is; norms come from the adapters themselves."""
        stored = read_weights(self.root / self.numbers["story_model"]["file"])
        modules = self.numbers["lora"]["target_modules"]
        is_frozen = re.compile(rf"\.({'|'.join(modules)})\.weight|pos_embed").search
        names = [name for name in stored if not name.endswith("inv_freq")]
        frozen = [name for name in names if "lora_" not in name and is_frozen(name)]
        norms = {
            name: float(value.grad.norm())
            for name, value in self.story.named_parameters()
            if name in stored and name not in frozen and value.grad is not None
        }
        trainable = [name for name in names if name not in frozen]
        is_drawn = re.compile(r"resampler\..*|unet\..*\.to_[kv]\.weight").fullmatch
        self.documents["training"] = {
            "story_model_trainable": trainable,
            "story_model_frozen": frozen,
            "gradient_norms": norms,
            "trainable_without_gradient": [name for name in trainable if name not in norms],
            "detokenizer_trainable": [name for name in self.drawer if is_drawn(name)],
        }

    @torch.no_grad()
    def mistakes(self, batch: dict[str, Tensor], scales: list[float]) -> None:
        right = self.tables["forward"]["logits"]
        found = self.documents["negative_controls"] = {}

        def note(mistake: str) -> None:
            output = self.story.read(batch, scales)
            change = output["logits"] * batch["attention_mask"][..., None] - right
            found[mistake] = {
                "max_abs_logit_change": change.abs().max().item(),
                "lm_loss": output["lm_loss"].item(),
                "rec_loss": output["rec_loss"].item(),
            }

        scale = self.numbers["lora"]["lora_alpha"] / self.numbers["lora"]["r"]
        for mistake, wrong in (("LoRA ignored", 0.0), ("LoRA scaling alpha/r taken as 1", 1.0)):
            self._scale_adapters(wrong)
            note(mistake)
        self._scale_adapters(scale)
        for copy in self.story.saved_copies:
            copy.uses_original = True
        note("original_module used instead of modules_to_save.default")
        for copy in self.story.saved_copies:
            copy.uses_original = False
        own = self.story.llama.state_dict()
        base = read_weights(self.root / self.numbers["language_model"]["folder"])
        base = {name: w for name, w in base.items() if name.endswith("proj.weight")}
        kept = {name: own[name].clone() for name in base}
        self.story.llama.load_state_dict(widened(base), strict=False)
        folder = Path(self.numbers["language_model"]["folder"]).name
        mistake = f"base projections taken from {folder} instead of the story model file"
        note(mistake)
        found[mistake]["tensors"] = len(base)
        self.story.llama.load_state_dict(kept, strict=False)

    def _scale_adapters(self, scale: float) -> None:
        for adapter in self.story.adapters:
            adapter.scale = scale

    def generate(self) -> None:
        table = self.tables["generate"] = {}
        self.documents["generate"] = {}
        for name, case in self.plan["cases"].items():
            turns = list(self.turns(case, table))
            self.documents["generate"][name] = {**case, "turns": turns}
        ids = [self.tokens.image_ids[place] for place in self.plan["processor_places"]]
        ids += [self.tokens.pieces.piece_to_id("▁the"), self.tokens.eos]
        last_ids = self.given.get("generate", {}).get("processor_last_ids", torch.tensor(ids))
        vocab = self.numbers["tokenizer"]["vocab_size"]
        scores = self.noise("generate", "processor_scores_in", len(last_ids), vocab)
        if "generate" not in self.given:
            scores[-2] -= 6
        steered = plain.ImageTokens(self.tokens)(last_ids[:, None], scores)
        table["processor_last_ids"] = last_ids
        table["processor_scores_in"], table["processor_scores_out"] = scores, steered
        self.documents["processor"] = {
            "argmax_out": steered.argmax(1).tolist(),
            "last_ids": last_ids.tolist(),
            "image_token_list": self.tokens.image_ids,
        }

    def turns(self, case: Mapping[str, Any], table: dict[str, Tensor]) -> Iterator[dict[str, Any]]:
        """The released loop; what answers its prompts are the libraries."""
        tokens = self.tokens
        story = ReleasedStory(
            case,
            self.features(Path(case["start_image"]).name),
            image_text=tokens.image_text,
            separator=self.numbers["separator"],
        )
        for turn in range(case["num_turns"]):
            prompt = story.next_prompt()
            ids = [tokens.bos] * prompt.has_bos + tokens.encode(prompt.text)
            stacked = torch.cat(prompt.features)
            made = plain.answer(self.story, tokens, ids, stacked, case["max_new_tokens"])
            written = made["generated_ids"]
            raw = tokens.decode(written)
            prefix = f"{case['prefix']}_t{turn}_"
            yield {
                "turn": turn,
                "prompt": prompt.text,
                "input_length": len(ids),
                "starts_with_bos": prompt.has_bos,
                "images_in_context": len(prompt.features),
                "generated_ids": written,
                "text_raw": raw,
                "text_clean": plain.clean(raw),
                "has_img_output": tokens.eoi in written,
                "num_gen_imgs": written.count(tokens.eoi),
                "min_top1_top2_margin": round(made["margin"], 4),
                "ended_with_eos": written[-1] == tokens.eos,
                "raw_scores_negative_maximum": bool((made["raw_scores"].amax(1) < 0).any()),
                "tensors_prefix": prefix,
            }
            input_ids = torch.tensor(ids)
            is_image = torch.isin(input_ids, torch.tensor(tokens.queries)).to(torch.uint8)
            recorded = {
                "input_ids": input_ids,
                "ids_cmp_mask": is_image,
                "generated_ids": torch.tensor(written),
                "img_gen_feat": made["img_gen_feat"],
            }
            if turn == 0:
                recorded |= {"image_embeds": stacked, "raw_scores": made["raw_scores"]}
            table |= {prefix + name: value for name, value in recorded.items()}
            story.add(raw, made["img_gen_feat"])

    @torch.no_grad()
    def detokenizer(self) -> None:
        table = self.tables["detokenizer"] = {}
        given = self.given.get("detokenizer", {})
        size, unet = self.numbers["inference"], self.unet
        factor = self.numbers["stable_diffusion_xl"]["vae_scale_factor"]
        features = self.tables["vit"]["image_embeds"]
        rows, channels = len(features), unet.config["in_channels"]
        shape = (channels, size["height"] // factor, size["width"] // factor)
        sequence, pooled = self.condition(features)
        noisy = self.noise("detokenizer", "forward_noisy_latents", rows, *shape)
        noise = self.noise("detokenizer", "forward_noise", rows, *shape)
        times = given.get("forward_timesteps", torch.tensor([37, 710, 401][:rows]))
        crops = torch.tensor([[90, 70, 0, 5, 48, 64], [48, 64, 0, 0, 48, 64], [33, 99, 7, 1, 8, 9]])
        time_ids = given.get("forward_time_ids", crops[:rows])
        extra = {"text_embeds": pooled, "time_ids": time_ids}
        predicted = unet(noisy, times, sequence, added_cond_kwargs=extra).sample
        table |= {
            "prompt_embeds": sequence,
            "pooled_embeds": pooled,
            "forward_noisy_latents": noisy,
            "forward_timesteps": times,
            "forward_noise": noise,
            "forward_time_ids": time_ids,
            "forward_noise_pred": predicted,
            "forward_loss": ((predicted - noise) ** 2).mean(),
        }
        base = UNet2DConditionModel.from_pretrained(self.sdxl / "unet", torch_dtype=torch.float32)
        change = base(noisy, times, sequence, added_cond_kwargs=extra).sample - predicted
        self.documents["negative_controls"]["base UNet used instead of the adapted UNet"] = {
            "max_abs_noise_pred_change": change.abs().max().item()
        }
        self.stage_three(table, given, channels)
        self.drawing(table, shape)
        name = self.plan["from_image"]
        self.meanings["detokenizer/from_picture_cond"] = (
            f"conditional sequence of inputs/{name}.png"
        )
        table["from_picture_cond"] = self.condition(self.features(name))[0]

    def stage_three(
        self, table: dict[str, Tensor], given: dict[str, Tensor], channels: int
    ) -> None:
        name, size = self.plan["train_image"], self.numbers["transforms"]["stage3_sd_size"]
        self.meanings["detokenizer/train_sd_image"] = f"sd transform of inputs/{name}.png"
        pixels = plain.pixels_of(self.image(name), "sd", size, True)[None]
        vae = plain.AutoencoderKL.from_pretrained(self.sdxl / "vae", torch_dtype=torch.float32)
        latents = vae.encode(pixels).latent_dist
        side = latents.mean.shape[-1]
        noise = self.noise("detokenizer", "train_noise", 1, channels, side, side)
        time = given.get("train_timestep", torch.tensor([333]))
        training = DDPMScheduler.from_pretrained(self.sdxl / "scheduler")
        table |= {
            "train_sd_image": pixels,
            "train_latent_mean": latents.mean,
            "train_latent_logvar": latents.logvar,
            "train_noise": noise,
            "train_timestep": time,
            "train_noisy_latents": training.add_noise(
                latents.mean * vae.config.scaling_factor, noise, time
            ),
        }

    def drawing(self, table: dict[str, Tensor], shape: tuple[int, ...]) -> None:
        size = self.numbers["inference"]
        first = next(iter(self.plan["cases"].values()))["prefix"]
        drawn = self.tables["generate"][f"{first}_t0_img_gen_feat"]
        drawn = self.given.get("detokenizer", {}).get("generate_image_embeds", drawn)
        side = size["negative_picture_size"]
        with_image = self.condition(drawn)
        without = self.condition(self.see(torch.zeros(1, 3, side, side))["features"])
        start = self.noise("detokenizer", "generate_initial_latents", 1, *shape)
        table |= {
            "generate_image_embeds": drawn,
            "generate_initial_latents": start,
            "generate_cond": with_image[0],
            "generate_uncond": without[0],
            "generate_pooled_cond": with_image[1],
            "generate_pooled_uncond": without[1],
        }
        scheduler = EulerDiscreteScheduler.from_pretrained(self.sdxl / "scheduler")
        for steps in sorted(self.plan["schedules"]):
            scheduler.set_timesteps(steps)
            table[f"schedule_{steps}_timesteps"] = scheduler.timesteps.clone()
            table[f"schedule_{steps}_sigmas"] = scheduler.sigmas.clone()
        self.documents["schedule"] = {"init_noise_sigma": float(scheduler.init_noise_sigma)}
        for steps in self.plan["draws"]:
            made = plain.draw(self.sdxl, self.unet, with_image, without, start, size, steps)
            table |= {f"generate_{steps}steps_{name}": value for name, value in made.items()}

    def tokenizer(self) -> None:
        own = self.tokens
        recorded = self.documents["tokenizer"] = {
            "vocab_size": self.numbers["tokenizer"]["vocab_size"],
            "sp_vocab": own.pieces.vocab_size(),
            "bos": own.bos,
            "eos": own.eos,
            "unk": own.controls["<unk>"],
            "pad": self.numbers["tokenizer"]["pad_id"],
            "boi": own.boi,
            "eoi": own.eoi,
            "img0": own.queries[0],
        }
        alternative = self.tokens_of(self.root / "expected" / "tokenizer_alt")
        for style, one in (("primary", own), ("alt", alternative)):
            recorded[style] = [
                {
                    "text": text,
                    "ids": (ids := one.encode(text)),
                    "ids_with_bos": [one.bos, *ids],
                    "decoded": one.decode(ids),
                }
                for text in self.plan["texts"]
            ]

    def keys(self) -> None:
        parts = ("story_model", "visual_tokenizer", "detokenizer")
        sdxl = self.numbers["stable_diffusion_xl"]["folder"]
        files = [
            *(self.numbers[part]["file"] for part in parts),
            self.numbers["language_model"]["folder"] + "/*.safetensors",
            f"{sdxl}/unet",
            f"{sdxl}/vae",
        ]
        self.documents["mini_keys"] = {
            file.removeprefix("pretrained/"): [
                [name, list(value.shape), str(value.dtype).removeprefix("torch.")]
                for name, value in read_weights(self.root / file).items()
            ]
            for file in files
        }

    def attention_sink(self) -> None:
        found = self.documents["attention_sink"] = {}
        for name, case in self.plan["sinks"].items():
            found[name] = follow_long_story(self.tokens, **case)


def load_story(root: Path, numbers: Mapping[str, Any]) -> plain.PlainStory:
    """The base folder supplies what the story model's file lacks."""
    stored = widened(read_weights(root / numbers["story_model"]["file"]))
    story = plain.PlainStory(numbers)
    names = story.state_dict().keys()
    base = widened(read_weights(root / numbers["language_model"]["folder"]))
    base = {f"llm.base_model.model.{name}": value for name, value in base.items()}
    lacking = [name for name in names if name not in stored]
    stored |= {name: base[name] for name in lacking}
    story.load_state_dict({name: stored[name] for name in names})
    return story.eval()


def sample(
    tokens: plain.PlainTokens, separator: str, captions: list[str], *, has_bos: bool = True
) -> dict[str, list[int]]:
    """Return one training sample; the images of all panels but the last are given."""
    texts = [caption + tokens.image_text for caption in captions]
    texts = [separator * (place > 0) + text for place, text in enumerate(texts)]
    before = [tokens.bos] * has_bos + tokens.encode("".join(texts[:-1]))
    last = [*tokens.encode(texts[-1]), tokens.eos]
    ids, silent = before + last, {*tokens.queries, tokens.eoi}
    places = [token in tokens.queries for token in ids]
    return {
        "input_ids": ids,
        "attention_mask": [1] * len(ids),
        "labels": [IGNORED] * len(before) + [IGNORED if t in silent else t for t in last],
        "ids_gen_mask": [int(is_it and at >= len(before)) for at, is_it in enumerate(places)],
        "ids_cmp_mask": [int(is_it and at < len(before)) for at, is_it in enumerate(places)],
    }


def record(root: Path, plan: Mapping[str, Any], given: Tables | None = None) -> Recorder:
    """Write `expected/` with its manifest; entries have the miniature's tolerances."""
    recorder = Recorder(root, plan, given)
    for part in (
        recorder.transforms,
        recorder.vit,
        recorder.resamplers,
        recorder.forward,
        recorder.generate,
        recorder.detokenizer,
        recorder.tokenizer,
        recorder.keys,
        recorder.attention_sink,
    ):
        part()
    write_recorded(recorder)
    return recorder


def write_recorded(recorder: Recorder) -> None:
    expected = recorder.root / "expected"
    own = read_json(COPY / "expected" / "manifest.json")
    known = {
        (file, re.sub(r"\d+", "#", name)): entry
        for file, entries in own["tensors"].items()
        for name, entry in entries.items()
    }
    listed: dict[str, dict[str, Any]] = {}
    for table, tensors in recorder.tables.items():
        file = f"expected/{table}.safetensors"
        listed[file] = {}
        for name, value in tensors.items():
            pattern = re.sub(r"\d+", "#", name)
            if table == "transforms":
                pattern = "transform_landscape" + pattern[pattern.index("__") :]
            entry = dict(known[file, pattern])
            entry["meaning"] = recorder.meanings.get(f"{table}/{name}", entry["meaning"])
            entry |= {
                "shape": list(value.shape),
                "dtype": str(value.dtype).removeprefix("torch."),
                "how": "the libraries alone (tests/helpers/plain_release.py), fp32",
            }
            entry.pop("sensitivity", None)
            listed[file][name] = entry
        stored = {name: value.detach().clone().contiguous() for name, value in tensors.items()}
        save_file(stored, recorder.root / file)
    for name, content in recorder.documents.items():
        write_json(expected / f"{name}.json", content)
    (expected / "published_keys.json.gz").write_bytes(
        (COPY / "expected" / "published_keys.json.gz").read_bytes()
    )
    manifest = {**own, "tensors": listed, "environment": {"dtype": "float32"}}
    write_json(expected / "manifest.json", manifest)
