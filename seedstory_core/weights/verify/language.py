"""Checks of the language: tokenizer, training samples, the story model's losses and gradients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from seedstory_core.generation.tokens import StoryTokenizer
from seedstory_core.models.story_lm import StoryLM, StoryOutput
from seedstory_core.weights.checkpoint import read_pickled_weights
from seedstory_core.weights.published import (
    LORA_A,
    LORA_B,
    is_trained_in_stage_three,
    is_trained_in_stage_two,
    our_name,
    story_weights,
)
from seedstory_core.weights.verify.comparison import Row, compare, compare_exactly, compare_numbers
from seedstory_core.weights.verify.folder import ReferenceFolder
from seedstory_core.weights.verify.released_loop import image_ids, image_text, marks_of, steered

IGNORED = -100
GRADIENT_TOLERANCE = 1e-3
"""Relative tolerance, as the recorded document suggests."""


def tokenizer(folder: ReferenceFolder) -> Iterator[Row]:
    """Check ids and texts of both styles of tokenizer files."""
    recorded = folder.document("tokenizer")
    own = folder.tokenizer
    ids = {
        "vocab_size": own.vocab_size,
        "bos": own.bos_id,
        "eos": own.eos_id,
        "unk": own.unk_id,
        "pad": own.pad_id,
        "sp_vocab": own.num_pieces,
        "boi": own.boi_id,
        "eoi": own.eoi_id,
        "img0": own.image_query_ids[0],
    }
    wanted = {name: recorded[name] for name in ids}
    yield compare_exactly("tokenizer.json: special ids", ids, wanted)
    alternative = StoryTokenizer.from_folder(folder.root / "expected" / "tokenizer_alt")
    for style, one in (("primary", own), ("alt", alternative)):
        texts = [
            {
                "text": entry["text"],
                "ids": one.encode(entry["text"]),
                "ids_with_bos": one.encode(entry["text"], add_bos=True),
                "decoded": one.decode(entry["ids"]),
            }
            for entry in recorded[style]
        ]
        yield compare_exactly(f"tokenizer.json: {style}", texts, recorded[style])


def image_scores(folder: ReferenceFolder) -> Iterator[Row]:
    """Check how the release steers image tokens while it generates."""
    tensors, recorded = folder.tensors("generate"), folder.document("processor")
    image_sequence = image_ids(marks_of(folder.tokenizer))
    scores = steered(tensors["processor_scores_in"], tensors["processor_last_ids"], image_sequence)
    yield folder.check("generate", "processor_scores_out", scores)
    own = {
        "argmax_out": scores.argmax(dim=1).tolist(),
        "image_token_list": image_sequence,
        "last_ids": tensors["processor_last_ids"].tolist(),
    }
    yield compare_exactly("processor.json", own, {name: recorded[name] for name in own})


@dataclass(frozen=True)
class Sample:
    """One training sample of the release; lists of tokens have the padded length."""

    text: str
    input_ids: list[int]
    attention_mask: list[int]
    labels: list[int]
    ids_gen_mask: list[int]
    ids_cmp_mask: list[int]
    embeds_gen_mask: list[int]
    embeds_cmp_mask: list[int]


def build_sample(
    folder: ReferenceFolder, story: Mapping[str, Any], num_given: int, max_length: int
) -> Sample | None:
    """Build a sample with `num_given + 1` images given and the next one to generate.

    Only the last panel and the end token have loss, except the panel's image tokens and EOI.

    Returns:
        The sample, or None if it has `max_length` tokens or more, which the release drops.
    """
    tokens = folder.tokenizer
    separator, image = folder.config.tokenizer.separator, image_text(tokens)
    first, *others = (caption + image for caption in story["captions"][: num_given + 2])
    panels = [
        folder.numbers["instruction_prompt"].format(instruction=first),
        *(separator + panel for panel in others),
    ]
    given = [tokens.bos_id, *tokens.encode("".join(panels[:-1]))]
    last = tokens.encode(panels[-1])
    ids = [*given, *last, tokens.eos_id]
    if len(ids) >= max_length:
        return None
    silent = {*tokens.image_query_ids, tokens.eoi_id}
    learned = [IGNORED if token in silent else token for token in last]
    is_query = [token in tokens.image_query_ids for token in ids]
    pad = folder.numbers["tokenizer"]["pad_id"]

    def padded(values: list[int], filler: int) -> list[int]:
        return values + [filler] * (max_length - len(values))

    return Sample(
        text="".join(panels),
        input_ids=padded(ids, pad),
        attention_mask=padded([1] * len(ids), 0),
        labels=padded([IGNORED] * len(given) + [*learned, tokens.eos_id], IGNORED),
        ids_gen_mask=padded([int(q and i >= len(given)) for i, q in enumerate(is_query)], 0),
        ids_cmp_mask=padded([int(q and i < len(given)) for i, q in enumerate(is_query)], 0),
        embeds_gen_mask=[0] * (len(panels) - 1) + [1],
        embeds_cmp_mask=[1] * (len(panels) - 1) + [0],
    )


@torch.no_grad()
def samples(folder: ReferenceFolder) -> Iterator[Row]:
    """Check the recorded training batch, built again from its stories."""
    recorded = folder.document("data")
    most = recorded["max_length"]
    items, features, batch = [], [], []
    for item in recorded["items"]:
        story = folder.stories[item["story"]]
        sample = build_sample(folder, story, item["num_image_given"], most)
        assert sample is not None
        batch.append(sample)
        items.append({**item, "text": sample.text})
        for name in story["images"][: len(sample.embeds_gen_mask)]:
            image = folder.image(name.removesuffix(".png"))
            features.append(folder.vision(folder.pixels(image)))
    first = recorded["items"][0]
    story = folder.stories[first["story"]]
    length = sum(batch[0].attention_mask)
    own = {
        "max_length": most,
        "items": items,
        "too_long_returns_empty": build_sample(folder, story, first["num_image_given"], length)
        is None,
    }
    yield compare_exactly("data.json: samples", own, {name: recorded[name] for name in own})
    for name in ("input_ids", "attention_mask", "labels", "ids_gen_mask", "ids_cmp_mask"):
        table = torch.tensor([getattr(sample, name) for sample in batch])
        yield folder.check("forward", name, table)
    for name in ("embeds_gen_mask", "embeds_cmp_mask"):
        flat = [value for sample in batch for value in getattr(sample, name)]
        yield folder.check("forward", name, torch.tensor(flat))
    yield folder.check("forward", "image_embeds", torch.cat(features))


BATCH = (
    "input_ids",
    "attention_mask",
    "labels",
    "image_embeds",
    "ids_cmp_mask",
    "ids_gen_mask",
    "embeds_cmp_mask",
    "embeds_gen_mask",
)


def read_batch(folder: ReferenceFolder, model: StoryLM) -> StoryOutput:
    """Run a model on the recorded batch."""
    scales = folder.numbers["story_model"]
    return model(
        *(folder.tensors("forward")[name] for name in BATCH),
        lm_loss_scale=scales["lm_loss_scale"],
        rec_loss_scale=scales["rec_loss_scale"],
    )


@torch.no_grad()
def forward(folder: ReferenceFolder) -> Iterator[Row]:
    """Check losses, scores, regressed features and inner states."""
    model, tensors = folder.story_lm, folder.tensors("forward")
    output = read_batch(folder, model)
    is_real = tensors["attention_mask"][..., None]
    for name, value in {
        "total_loss": output.loss,
        "lm_loss": output.lm_loss,
        "rec_loss": output.rec_loss,
        "recon_image_embeds": output.visual_features,
        "logits": output.logits * is_real,
        "last_hidden_state": output.last_hidden_state * is_real,
    }.items():
        yield folder.check("forward", name, value)
    given = tensors["image_embeds"][tensors["embeds_cmp_mask"].bool()]
    embeds = model.embed(tensors["input_ids"], given, tensors["ids_cmp_mask"])
    states = model.decoder(inputs_embeds=embeds, output_hidden_states=True).hidden_states
    yield folder.check("forward", "hidden_after_layer1_sample0", (states[1] * is_real)[0])
    yield folder.check("forward", "inputs_embeds_sample1", (embeds * is_real)[1])


def training(folder: ReferenceFolder) -> Iterator[Row]:
    """Check which weights the release trains, and the gradients of the recorded batch."""
    recorded = folder.document("training")
    stored = read_pickled_weights(folder.files.story_model)
    names = [name for name in stored if not name.endswith("inv_freq")]
    trained = {name for name in names if is_trained_in_stage_two(name)}
    own = {
        "story_model_trainable": sorted(trained),
        "story_model_frozen": sorted(set(names) - trained),
        "detokenizer_trainable": sorted(
            filter(is_trained_in_stage_three, read_pickled_weights(folder.files.detokenizer))
        ),
    }
    wanted = {name: sorted(recorded[name]) for name in own}
    yield compare_exactly("training.json: trainable weights", own, wanted)

    weights = story_weights(folder.files, lora_alpha=folder.config.weights.lora_alpha)
    model = folder.story_lm_from({name: value.clone() for name, value in weights.items()})
    read_batch(folder, model).loss.backward()
    gradients = dict(model.named_parameters())

    def norm(name: str) -> float:
        """Return the gradient's L2 norm for a stored weight; for LoRA by the chain rule."""
        module, is_lora, part = name.partition(".lora_")
        if not is_lora:
            return _norm(gradients[our_name(name)].grad)
        merged = gradients[our_name(module) + ".weight"].grad
        assert merged is not None
        down, up = stored[module + LORA_A].float(), stored[module + LORA_B].float()
        scale = folder.config.weights.lora_alpha / down.shape[0]
        return scale * _norm(up.T @ merged if part.startswith("A") else merged @ down.T)

    norms = recorded["gradient_norms"]
    own_norms = [norm(name) for name in norms]
    yield compare_numbers(
        "training.json: gradient norms",
        own_norms,
        list(norms.values()),
        relative=GRADIENT_TOLERANCE,
    )
    silent = recorded["trainable_without_gradient"]
    yield compare_exactly(
        "training.json: without gradient", sorted(trained - set(norms)), sorted(silent)
    )


def _norm(gradient: Tensor | None) -> float:
    return 0.0 if gradient is None else float(gradient.norm())


def logits_change(folder: ReferenceFolder, model: StoryLM) -> tuple[float, StoryOutput]:
    """Return the largest difference from the recorded scores, and the model's whole output."""
    tensors = folder.tensors("forward")
    output = read_batch(folder, model)
    scores = output.logits * tensors["attention_mask"][..., None]
    return compare("", scores, tensors["logits"], 0.0).difference, output
