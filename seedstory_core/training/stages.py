"""The recipe's steps by name, each built from the configuration and the runs before it.

In order: `reader`, `vae`, `preview`, `vision` learn from drawn pictures; `data` writes the stories,
`base` cuts the base language model to size, `language` lets it read the stories' words; `features`
and `latents` run the frozen picture models over their pictures; then come the three stages of the
paper: `detokenizer` (1), `story_lm` (2), `regress` and `detokenizer_stage3` (3). `export` packs the
weights, and `import_weights` does the opposite: it lays the shipped weights into a run folder, so
that single later stages can be trained on their own or further.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from safetensors.torch import load_model, save_model
from torch import nn

from seedstory_core.config import StudioConfig, project_path
from seedstory_core.evaluation.reader import AttributeReader
from seedstory_core.generation.tokens import StoryTokenizer
from seedstory_core.generation.typed import LEXICON_FILE, NOT_DRAWN, count_words
from seedstory_core.models.detokenizer import DeTokenizer
from seedstory_core.models.preview import PreviewDecoder
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.models.vae import PictureVae
from seedstory_core.models.vision import VisionEncoder
from seedstory_core.training import base_lm
from seedstory_core.training.cache import (
    PictureCache,
    cache_features,
    cache_latents,
    open_cache,
    take,
)
from seedstory_core.training.detokenizer import DeTokenizerStage, features_of
from seedstory_core.training.loop import Plan, Stage
from seedstory_core.training.precision import fast_autocast
from seedstory_core.training.preview import PreviewStage
from seedstory_core.training.reader import ReaderStage
from seedstory_core.training.rows import attention_mask, pack, run_rows
from seedstory_core.training.story_data import read_stories
from seedstory_core.training.story_lm import LanguageStage, StoryPlan, StoryStage
from seedstory_core.training.vae import VaeStage, latent_statistics
from seedstory_core.training.vision import VisionStage
from seedstory_core.weights.checkpoint import load_weights, read_weights, save_weights
from storyworld.attributes import QUESTIONS
from storyworld.dataset import write_scenes, write_stories
from storyworld.wordlists import not_drawn, other_names

TRAINED = (
    "reader",
    "vae",
    "preview",
    "vision",
    "language",
    "detokenizer",
    "story_lm",
    "detokenizer_stage3",
)
PLANS: dict[str, type[Plan]] = {"language": StoryPlan, "story_lm": StoryPlan}
"""Of the stages whose plan says more than any plan."""
PREPARED = ("data", "base", "features", "latents", "regress", "export", "import_weights")
ORDER = (
    *("reader", "vae", "preview", "vision", "data", "base", "language", "features", "latents"),
    *("detokenizer", "story_lm", "regress", "detokenizer_stage3", "export"),
)
MOST_FILE_BYTES = 50_000_000
"""Of one file of weights: larger ones are a burden to whoever clones the repository."""
LEAST_OFTEN = 2
"""A word of the lexicon occurs at least so often."""


@dataclass(frozen=True)
class DataPlan:
    """How much there is to learn from.

    Attributes:
        stories: Of the training split.
        told_stories: Further ones that nobody draws: only their words are learned.
        validation_stories: That training never sees.
        scenes: Pictures of the world at large, for the picture models.
        drawn_pictures: Of the stories' pictures, how many stages 1 and 3 learn to draw.
        base: The wheel of the base language model; empty begins with nothing.
        english_words: How many of the most frequent English words keep their tokens.
    """

    stories: int
    told_stories: int
    validation_stories: int
    scenes: int
    drawn_pictures: int
    base: str = base_lm.WHEEL
    english_words: int = 8000


class Runs:
    """Where every step of one training keeps its things."""

    def __init__(self, folder: Path, config: StudioConfig) -> None:
        """Name the folder of all runs."""
        self.folder = folder
        self.config = config
        self.data = folder / "data"
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def weights(self, name: str) -> Path:
        """The file of a finished stage's weights; the stage may not have come so far."""
        return self.folder / name / "weights.safetensors"

    def start(self, name: str, model: nn.Module) -> nn.Module:
        """Give a model its trained weights, to train on from there."""
        if not self.weights(name).exists():
            raise SystemExit(f"{self.weights(name)} is missing: train {name} first.")
        load_model(model, str(self.weights(name)))
        return model

    def load(self, name: str, model: nn.Module) -> nn.Module:
        """Give a model its trained weights and freeze it."""
        return self.start(name, model).requires_grad_(False).eval().to(self.device)

    def vision(self) -> VisionEncoder:
        """The trained picture encoder."""
        encoder = VisionEncoder(self.config.vision)
        self.load("vision", encoder)
        return encoder

    def vae(self) -> PictureVae:
        """The trained codec."""
        vae = PictureVae(self.config.detokenizer.vae)
        self.load("vae", vae)
        return vae

    def tokenizer(self) -> StoryTokenizer:
        """The trained tokenizer."""
        return StoryTokenizer.from_folder(self.folder / "tokenizer")

    def cache(self, name: str, *, with_latents: bool = False) -> PictureCache:
        """The finished cache of a data set."""
        return open_cache(
            self.data / f"{name}.jsonl", self.folder / "cache" / name, with_latents=with_latents
        )

    def story_lm(self) -> StoryLM:
        """The trained story model."""
        config = self.config
        model = StoryLM(config.decoder, config.input_resampler, config.output_resampler)
        self.load("story_lm", model)
        return model

    def zero_features(self) -> torch.Tensor:
        """Features `[1, V, C]` of the zero picture."""
        return self.vision().zero_picture_features().float().cpu()


def build(name: str, runs: Runs, plan: Plan) -> Stage:
    """Build a stage that `loop.train` trains by a plan of the kind in `PLANS`.

    A run folder that holds weights but no training state was made by `import_weights`: training
    starts from those weights.
    """
    stage = _build(name, runs, plan)
    if runs.weights(name).exists() and not (runs.folder / name / "state").exists():
        part = stage.model.encoder if isinstance(stage, VisionStage) else stage.model
        runs.start(name, cast(nn.Module, part))
    return stage


def _build(name: str, runs: Runs, plan: Plan) -> Stage:
    config = runs.config
    size = config.detokenizer.image_size
    if name == "reader":
        return ReaderStage()
    if name == "vae":
        return VaeStage(config.detokenizer.vae, size)
    if name == "preview":
        return PreviewStage(config.detokenizer, runs.vae(), runs.device)
    if name == "vision":
        # The encoder looks at small pictures: larger ones need not be drawn for it.
        return VisionStage(config.vision, min(size, 256))
    if name in ("detokenizer", "detokenizer_stage3"):
        stage_3 = name == "detokenizer_stage3"
        regressed = runs.folder / "regress" / "features.npy"
        stage = DeTokenizerStage(
            name,
            config.detokenizer,
            [runs.cache(part, with_latents=True) for part in ("train", "scenes")],
            runs.zero_features(),
            regressed=np.load(regressed, mmap_mode="r") if stage_3 else None,
        )
        if stage_3:
            runs.start("detokenizer", stage.model)
        else:
            stage.model.vae.load_state_dict(runs.vae().cpu().state_dict())  # type: ignore[union-attr]
        return stage
    if name in ("language", "story_lm"):
        assert isinstance(plan, StoryPlan)
        words = [
            s for part in ("train", "words") for s in read_stories(runs.data / f"{part}.jsonl")
        ]
        tokenizer = runs.tokenizer()
        if name == "language":
            held_out = list(read_stories(runs.data / "validation.jsonl"))
            stage_2 = LanguageStage(config, tokenizer, words, held_out, plan)
        else:
            caches = runs.cache("train"), runs.cache("validation")
            stage_2 = StoryStage(config, tokenizer, *caches, words, plan)
        runs.start("base" if name == "language" else "language", stage_2.model)
        return stage_2
    raise ValueError(f"There is no stage {name!r}.")


def prepare(name: str, runs: Runs, plan: DataPlan) -> None:
    """Do a step that is not a training."""
    config = runs.config
    if name == "data":
        processes = os.cpu_count() or 1
        told = range(plan.stories, plan.stories + plan.told_stories)
        write_stories(runs.data, "validation", range(plan.validation_stories), processes=processes)
        write_stories(runs.data, "train", range(plan.stories), processes=processes)
        write_stories(runs.data, "train", told, name="words", processes=processes)
        write_scenes(runs.data, plan.scenes)
    elif name == "base":
        make_base(runs, plan)
    elif name == "features":
        for part in ("validation", "train", "scenes"):
            folder = runs.folder / "cache" / part
            cache_features(runs.data / f"{part}.jsonl", folder, config.vision, runs.vision())
    elif name == "latents":
        for part, most in (("train", plan.drawn_pictures), ("scenes", plan.scenes)):
            folder = runs.folder / "cache" / part
            file = runs.data / f"{part}.jsonl"
            cache_latents(file, folder, config.detokenizer, runs.vae(), most=most)
    elif name == "regress":
        regress(runs, most=plan.drawn_pictures)
    elif name == "export":
        export(runs)
    elif name == "import_weights":
        import_weights(runs)
    else:
        raise ValueError(f"There is no step {name!r}.")


def make_base(runs: Runs, plan: DataPlan) -> None:
    """Cut the base language model to size: its tokens, its layers, rows for picture marks."""
    config, folder = runs.config, runs.folder / "base"
    folder.mkdir(parents=True, exist_ok=True)
    captions = [c for story in read_stories(runs.data / "train.jsonl") for c in story.captions]
    num_queries = config.generation.num_image_queries
    num_tokens = config.decoder.vocab_size - num_queries - 2
    story_lm = StoryLM(config.decoder, config.input_resampler, config.output_resampler)
    if not plan.base:
        sizes = config.decoder.vocab_size, num_queries
        base_lm.train_tokenizer(captions, runs.folder / "tokenizer", *sizes)
        save_model(story_lm, str(runs.weights("base")))
        return
    base_lm.fetch(folder)
    model, full = base_lm.load(folder)
    content, kept = base_lm.prune_tokenizer(
        json.loads(full.backend_tokenizer.to_str()),
        base_lm.tokenizer_texts(captions, plan.english_words),
        num_tokens,
    )
    marks = base_lm.write_tokenizer(content, runs.folder / "tokenizer", num_queries)
    layers = list(range(len(model.model.layers)))  # type: ignore[union-attr, arg-type]
    if config.decoder.num_hidden_layers < len(layers):
        influence = base_lm.layer_influence(
            model, [full(text, return_tensors="pt").input_ids for text in captions[:40]]
        )
        layers = base_lm.choose_layers(influence, config.decoder.num_hidden_layers)
    print(f"{len(kept)} tokens and {marks} picture marks, layers {layers}")
    cut = base_lm.cut(model, kept, layers, marks)
    story_lm.llm.load_state_dict(cut.state_dict())
    save_model(story_lm, str(runs.weights("base")))


@torch.no_grad()
def regress(runs: Runs, *, most: int) -> None:
    """Let the story model regress training pictures from their stories so far.

    Windows of at most ten panels, one after the other, as stage 2 saw them; token lengths are
    those of the true features, since a cosine leaves them open. Only the first `most` pictures
    are needed, those that stage 3 learns to draw.
    """
    cache, tokenizer, model = runs.cache("train"), runs.tokenizer(), runs.story_lm()
    folder = runs.folder / "regress"
    folder.mkdir(parents=True, exist_ok=True)
    target = np.lib.format.open_memmap(
        folder / "features.npy", mode="w+", dtype=np.float16, shape=cache.features.shape
    )
    for number, story in enumerate(cache.stories):
        begin = int(cache.first[number])
        if begin >= most:
            break
        for first in range(0, len(story.captions), 10):
            captions = story.captions[first : first + 10]
            row = pack(
                *(tokenizer, runs.config.tokenizer.separator, captions, [""] * len(captions)),
                hints=story.hints[first : first + 10],
                from_middle=first > 0,
            )
            rows = np.arange(begin + first, begin + first + len(captions))
            batch = {
                "input_ids": torch.tensor([row.ids]),
                "positions": torch.tensor([row.positions]),
                "mask": attention_mask(row)[None, None],
                "image_places": torch.tensor([row.image_of]) >= 0,
                "query_places": torch.tensor([row.query_of]) >= 0,
                "features": take(cache.features, rows),
            }
            batch = {key: value.to(runs.device) for key, value in batch.items()}
            with fast_autocast(runs.device):
                _, regressed, true = run_rows(model, batch)
            target[rows] = features_of(regressed.float(), true).cpu().numpy()
    target.flush()


def export(runs: Runs) -> None:
    """Pack what is trained so far into the folder the configuration names.

    In half precision; a part that would not fit into one file so, in 8 bits.
    """
    config = runs.config
    target = project_path(config.runtime.weights_folder)

    drawer = "detokenizer_stage3" if runs.weights("detokenizer_stage3").exists() else "detokenizer"
    parts: dict[str, tuple[str, Callable[[], nn.Module]]] = {
        "vision": ("vision", runs.vision),
        "vae": ("vae", runs.vae),
        "story_lm": ("story_lm", runs.story_lm),
        "detokenizer": (drawer, lambda: runs.load(drawer, DeTokenizer(config.detokenizer))),
        "preview": ("preview", lambda: runs.load("preview", _preview(config))),
        "reader": ("reader", lambda: runs.load("reader", AttributeReader(questions=QUESTIONS))),
    }
    for part, (run, load) in parts.items():
        if runs.weights(run).exists():
            path = target / f"{part}.safetensors"
            leave_out = "vae." if part == "detokenizer" else ""
            module = load()
            half = sum(2 * parameter.numel() for parameter in module.parameters())
            save_weights(
                module,
                path,
                dtype=torch.float16,
                leave_out=leave_out,
                packed=half > MOST_FILE_BYTES,
                shard_bytes=MOST_FILE_BYTES,
            )
    words = config.tokenizer_path
    for file in ("tokenizer.json", "added_tokens.json"):
        if (runs.folder / "tokenizer" / file).exists():
            words.mkdir(parents=True, exist_ok=True)
            (words / file).write_bytes((runs.folder / "tokenizer" / file).read_bytes())
    if (runs.data / "train.jsonl").exists():
        write_lexicon(runs, words / LEXICON_FILE)


def write_lexicon(runs: Runs, path: Path) -> None:
    """Write the words of the storyteller's own texts, which its readers need not stay with.

    What readers bring into a story is no word of its world; so only stories that nobody spoke in
    count, and the other names of what the world has.
    """
    stories = read_stories(runs.data / "train.jsonl")
    own = [s.captions for s in stories if not any(s.reader_texts) and not any(s.hints)]
    captions = [caption for story in own for caption in story]
    words = {word.lower(): word for word in count_words(captions, LEAST_OFTEN)}
    words |= {word.lower(): word for word in other_names() if word.lower() not in words}
    # What the storyteller says all the time is no surprise to see no picture of.
    usual = {word.lower() for word in count_words(captions, len(own) // 20)}
    words |= {word: NOT_DRAWN + word for word in not_drawn() if word not in usual}
    path.write_text("\n".join(sorted(words.values())) + "\n", encoding="utf-8")


def import_weights(runs: Runs) -> None:
    """Lay the shipped weights into the run folder, wherever it has none of its own."""
    config = runs.config
    source = project_path(config.runtime.weights_folder)
    modules: dict[str, Callable[[], nn.Module]] = {
        "reader": lambda: AttributeReader(questions=QUESTIONS),
        "vision": lambda: VisionEncoder(config.vision),
        "vae": lambda: PictureVae(config.detokenizer.vae),
        "preview": lambda: _preview(config),
        "detokenizer": lambda: DeTokenizer(config.detokenizer),
        "story_lm": lambda: StoryLM(
            config.decoder, config.input_resampler, config.output_resampler
        ),
    }
    for name, build_module in modules.items():
        file, target = source / f"{name}.safetensors", runs.weights(name)
        if not file.exists() or target.exists():
            continue
        weights = read_weights(file)
        if name == "detokenizer":
            codec = read_weights(source / "vae.safetensors")
            weights |= {f"vae.{key}": tensor for key, tensor in codec.items()}
        module = build_module()
        load_weights(module, weights, file, dtype=torch.float32)
        target.parent.mkdir(parents=True, exist_ok=True)
        save_model(module, str(target))
    words = runs.folder / "tokenizer"
    if not words.exists():
        shutil.copytree(config.tokenizer_path, words)


def _preview(config: StudioConfig) -> PreviewDecoder:
    return PreviewDecoder(config.detokenizer.preview, config.detokenizer.vae.latent_channels)


def finish(name: str, stage: Stage, runs: Runs) -> None:
    """Write a finished stage's weights, and what later steps need beside them."""
    # The heads that taught the picture encoder are not needed again.
    model = stage.model.encoder if isinstance(stage, VisionStage) else stage.model
    save_model(cast(nn.Module, model), str(runs.weights(name)))
    if name == "vae":
        assert isinstance(stage.model, PictureVae)
        shift, scale = latent_statistics(stage.model, runs.config.detokenizer.image_size)
        numbers = {"shift_factor": round(shift, 4), "scaling_factor": round(1 / scale, 4)}
        (runs.folder / name / "statistics.json").write_text(json.dumps(numbers) + "\n")
