"""Pack trained weights into the shipped folder, and copy shipped ones into a run folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_model
from torch import nn

from seedstory_core.config import StudioConfig, project_path
from seedstory_core.evaluation.classifier import AttributeClassifier
from seedstory_core.generation.typed import LEXICON_FILE, NOT_DRAWN, count_words
from seedstory_core.models.detokenizer import DeTokenizer
from seedstory_core.models.preview import PreviewDecoder
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.models.vae import ImageVae
from seedstory_core.models.vision import VisionEncoder
from seedstory_core.training.plan import DataPlan
from seedstory_core.training.runs import Runs
from seedstory_core.training.story_data import read_stories
from seedstory_core.weights.checkpoint import INDEX, load_weights, read_weights, save_weights
from storyworld.attributes import QUESTIONS
from storyworld.wordlists import not_drawn, other_names

MOST_FILE_BYTES = 50_000_000
"""Largest file of weights; larger ones are a burden to everyone who clones the repository."""
LEAST_OFTEN = 2
"""Fewest occurrences of a word in the lexicon."""


def export(runs: Runs, plan: DataPlan) -> None:
    """Pack the models trained so far into the folder that the configuration names.

    Weights are in half precision; a part too large for one file is in 8 bits. Until stage 2 is
    done, `language` stands for the story model, so that another machine can go on.
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
        "classifier": (
            "classifier",
            lambda: runs.load("classifier", AttributeClassifier(questions=QUESTIONS)),
        ),
    }
    if not runs.weights("story_lm").exists():
        parts["language"] = ("language", lambda: runs.load("language", _story_lm(config)))
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
    """Write the lexicon: the words of the story world, by which foreign words are recognised.

    Words that readers bring in are not of the world, so only stories without readers count, and
    the world's other names of its things.
    """
    stories = read_stories(runs.data / "train.jsonl")
    own = [s.captions for s in stories if not any(s.reader_texts) and not any(s.hints)]
    captions = [caption for story in own for caption in story]
    words = {word.lower(): word for word in count_words(captions, LEAST_OFTEN)}
    words |= {word.lower(): word for word in other_names() if word.lower() not in words}
    # What the storyteller says all the time is no surprise to see no image of.
    usual = {word.lower() for word in count_words(captions, len(own) // 20)}
    words |= {word: NOT_DRAWN + word for word in not_drawn() if word not in usual}
    path.write_text("\n".join(sorted(words.values())) + "\n", encoding="utf-8")


def import_weights(runs: Runs, plan: DataPlan) -> None:
    """Copy the shipped weights into the run folder, wherever it has none of its own.

    A model that is still being trained may have shipped only some of its parts.
    """
    config = runs.config
    source = project_path(config.runtime.weights_folder)
    modules: dict[str, Callable[[], nn.Module]] = {
        "classifier": lambda: AttributeClassifier(questions=QUESTIONS),
        "vision": lambda: VisionEncoder(config.vision),
        "vae": lambda: ImageVae(config.detokenizer.vae),
        "preview": lambda: _preview(config),
        "detokenizer": lambda: DeTokenizer(config.detokenizer),
        "language": lambda: _story_lm(config),
        "story_lm": lambda: _story_lm(config),
    }
    for name, build_module in modules.items():
        file, target = source / f"{name}.safetensors", runs.weights(name)
        is_there = file.exists() or file.with_name(file.name + INDEX).exists()
        if not is_there or target.exists():
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
    if config.tokenizer_path.exists() and not words.exists():
        shutil.copytree(config.tokenizer_path, words)


def _story_lm(config: StudioConfig) -> StoryLM:
    return StoryLM(config.decoder, config.input_resampler, config.output_resampler)


def _preview(config: StudioConfig) -> PreviewDecoder:
    return PreviewDecoder(config.detokenizer.preview, config.detokenizer.vae.latent_channels)
