"""Cut the base language model to size: its tokens, its layers, rows for image tokens."""

from __future__ import annotations

import json

from safetensors.torch import save_model

from seedstory_core.models.story_lm import StoryLM
from seedstory_core.training import base_lm
from seedstory_core.training.plan import DataPlan
from seedstory_core.training.runs import Runs
from seedstory_core.training.story_data import read_stories


def make(runs: Runs, plan: DataPlan) -> None:
    """Write the weights that `language` begins with, and the tokenizer."""
    config, folder = runs.config, runs.folder / "base"
    folder.mkdir(parents=True, exist_ok=True)
    captions = [c for story in read_stories(runs.data / "train.jsonl") for c in story.captions]
    num_queries = config.generation.num_image_queries
    num_tokens = config.decoder.vocab_size - num_queries - 2
    story_lm = StoryLM(config.decoder, config.input_resampler, config.output_resampler)
    if not plan.begins_with_base:
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
    print(f"{len(kept)} tokens and {marks} image tokens, layers {layers}")
    cut = base_lm.cut(model, kept, layers, marks)
    story_lm.llm.load_state_dict(cut.state_dict())
    save_model(story_lm, str(runs.weights("base")))
