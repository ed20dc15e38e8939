"""Compares language models with which stage 2 may begin, on the same stories.

`python -m benchmarks.base_models DATA WORK` trains every candidate on the texts of the stories in
DATA (`storyworld.dataset`) and prints its loss on the storyteller's tokens of validation stories
and its CPU time. All candidates have the same (pruned) tokenizer, so that their losses are
comparable.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from seedstory_core.training import base_lm
from seedstory_core.training.optimizer import build_optimizer
from storyworld.dataset import read_lines

WINDOW = 10
"""Panels of a window."""
CANDIDATES = ("scratch", "lora", "layers-12", "layers-16", "layers-20")


def make_tokenizer(base: Path, data: Path, work: Path) -> tuple[Tokenizer, list[int]]:
    """Return the pruned tokenizer, and the old id of every token."""
    path = work / "tokenizer.json"
    if not path.exists():
        _, full = base_lm.load(base)
        stories = [c for line in read_lines(data / "train.jsonl") for c in line["captions"]]
        content = json.loads(full.backend_tokenizer.to_str())
        pruned, kept = base_lm.prune_tokenizer(content, base_lm.tokenizer_texts(stories, 8_000))
        work.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(pruned))
        (work / "kept.json").write_text(json.dumps(kept))
    return Tokenizer.from_file(str(path)), json.loads((work / "kept.json").read_text())


def rows(data: Path, split: str, tokenizer: Tokenizer) -> list[tuple[list[int], list[bool]]]:
    """Return windows of stories: token ids, and for each whether it has loss."""
    boi, found = tokenizer.get_vocab_size(), []
    for line in read_lines(data / f"{split}.jsonl"):
        count = len(line["captions"])
        for first in range(0, max(1, count - WINDOW + 1), WINDOW // 2):
            ids, own = [1], [False]
            for panel in range(first, min(first + WINDOW, count)):
                if panel > first:
                    ids, own = ids + tokenizer.encode("\n").ids, [*own, False]
                given = f"[{line['hints'][panel]}]\n" if line["hints"][panel] else ""
                reader, caption = line["reader_texts"][panel], line["captions"][panel]
                for text, learn in (
                    (given, False),
                    (reader, False),
                    (caption[len(reader) :], True),
                ):
                    part = tokenizer.encode(text, add_special_tokens=False).ids
                    ids, own = ids + part, own + [learn] * len(part)
                ids, own = [*ids, boi, boi + 1], [*own, True, False]
            found.append((ids, own))
    return found


def collate(batch: list[tuple[list[int], list[bool]]]) -> tuple[Tensor, Tensor]:
    """Return ids and labels, `[B, S]`; labels are -100 at tokens without loss."""
    size = max(len(ids) for ids, _ in batch)
    tokens, labels = (
        torch.zeros(len(batch), size, dtype=torch.long),
        torch.full((len(batch), size), -100),
    )
    for index, (ids, own) in enumerate(batch):
        tokens[index, : len(ids)] = torch.tensor(ids)
        labels[index, : len(ids)] = torch.tensor(
            [token if learn else -100 for token, learn in zip(ids, own, strict=True)]
        )
    return tokens, labels


def build(name: str, base: Path, kept: list[int]) -> Any:
    """Build one candidate."""
    torch.manual_seed(7)
    if name == "scratch":
        config = LlamaConfig(
            vocab_size=len(kept) + 2,
            hidden_size=448,
            intermediate_size=1216,
            num_hidden_layers=8,
            num_attention_heads=7,
            tie_word_embeddings=True,
            max_position_embeddings=4096,
        )
        return LlamaForCausalLM(config)
    model, _ = base_lm.load(base)
    layers = list(range(30))
    if name.startswith("layers-"):
        layers = base_lm.choose_layers(INFLUENCE, int(name.removeprefix("layers-")))
    model = base_lm.cut(model, kept, layers, 2)
    if name == "lora":
        from peft import LoraConfig, get_peft_model

        targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
        model = get_peft_model(
            model, LoraConfig(r=16, lora_alpha=32, target_modules=targets, lora_dropout=0.0)
        )
    return model


INFLUENCE = [
    *(
        1.008,
        0.183,
        0.039,
        0.032,
        0.034,
        0.033,
        0.034,
        0.038,
        0.048,
        0.036,
        0.042,
        0.039,
        0.029,
        0.026,
    ),
    *(
        0.027,
        0.032,
        0.033,
        0.028,
        0.041,
        0.042,
        0.057,
        0.047,
        0.045,
        0.066,
        0.131,
        0.021,
        0.026,
        0.041,
    ),
    *(0.048, 1.104),
]
"""Result of `base_lm.layer_influence` on twelve stories."""


@torch.no_grad()
def validate(model: Any, windows: list[tuple[list[int], list[bool]]]) -> float:
    """Return the mean loss of the storyteller's tokens."""
    model.eval()
    total, count = 0.0, 0
    for start in range(0, len(windows), 4):
        ids, labels = collate(windows[start : start + 4])
        scores = model(input_ids=ids).logits[:, :-1]
        total += float(
            F.cross_entropy(scores.flatten(0, 1), labels[:, 1:].flatten(), reduction="sum")
        )
        count += int((labels[:, 1:] >= 0).sum())
    model.train()
    return total / count


def train(name: str, given: argparse.Namespace, tokenizer: Tokenizer, kept: list[int]) -> None:
    """Train one candidate and print its losses and times."""
    windows = rows(given.data, "train", tokenizer)
    held_out = rows(given.data, "validation", tokenizer)[:32]
    random.Random(0).shuffle(windows)
    model = build(name, given.base, kept)
    rate = {"scratch": 4e-3, "lora": 1e-3}.get(name, given.rate)
    kind = "muon" if name == "scratch" else given.optimizer
    optimizer = build_optimizer(model, name=kind, learning_rate=rate, beta2=0.98, weight_decay=0.01)
    weights = sum(p.numel() for p in model.parameters()) / 1e6
    before = validate(model, held_out)
    print(f"{name}: {weights:.1f} M weights, {len(windows)} windows, {before:.3f}", flush=True)
    seconds, tokens = 0.0, 0
    for step, (ids, labels) in zip(range(given.steps), _batches(windows), strict=False):
        started = time.process_time()
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 12) * (1 - 0.95 * step / given.steps)
        scores = model(input_ids=ids).logits[:, :-1]
        loss = F.cross_entropy(scores.flatten(0, 1), labels[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        seconds, tokens = seconds + time.process_time() - started, tokens + ids.numel()
        if step % 16 == 15 or step == given.steps - 1:
            line = f"{name}: {step + 1} steps, {tokens} tokens, {seconds:.0f} CPU seconds"
            line += f", loss {loss.item():.3f}, validation {validate(model, held_out):.3f}"
            print(line, flush=True)
    torch.save(model.state_dict(), given.work / f"{name}.pt")
    sample(model, tokenizer)


def _batches(windows: list[tuple[list[int], list[bool]]]) -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        for start in range(0, len(windows) - 3, 4):
            yield collate(windows[start : start + 4])


@torch.no_grad()
def sample(model: Any, tokenizer: Tokenizer) -> None:
    """Print two stories that begin with sentences from outside the data."""
    model.eval()
    for text in (
        "Mira the fox finds a telescope in the garden.",
        "the bear is sad because his drum broke",
    ):
        ids = torch.tensor([[1, *tokenizer.encode(text).ids]])
        for _ in range(170):
            scores = model(input_ids=ids).logits[0, -1] / 0.6
            ids = torch.cat([ids, torch.multinomial(scores.softmax(-1), 1)[None]], 1)
        print(
            "   ",
            tokenizer.decode(
                [i for i in ids[0].tolist() if i < tokenizer.get_vocab_size()],
                skip_special_tokens=True,
            ).replace("\n", " / "),
            flush=True,
        )


def main() -> None:
    """Train the candidates one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--base", type=Path, default=Path("train-runs/base"))
    parser.add_argument("--steps", type=int, default=48, help="of four windows")
    parser.add_argument("--candidates", nargs="*", default=list(CANDIDATES))
    parser.add_argument("--optimizer", default="adamw")
    parser.add_argument("--rate", type=float, default=6e-4)
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.autograd.set_multithreading_enabled(False)
    tokenizer, kept = make_tokenizer(given.base, given.data, given.work)
    print(len(kept), "tokens")
    for name in given.candidates:
        train(name, given, tokenizer, kept)


if __name__ == "__main__":
    main()
