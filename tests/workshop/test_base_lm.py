"""Cutting the base language model does not change the parts that are kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

from seedstory_core.generation.tokens import StoryTokenizer
from seedstory_core.training.base_lm import (
    choose_layers,
    cut,
    prune_tokenizer,
    train_tokenizer,
    write_tokenizer,
)

TEXTS = [
    "Mira the fox found a kite in the garden, and Bruno laughed.",
    "The kite hung in the tree. The ladder stood in the workshop.",
    "Nobody had seen the key, nobody had heard the bell.",
] * 20


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("bpe")
    train_tokenizer(TEXTS, folder, 420, 4)
    return json.loads((folder / "tokenizer.json").read_text())


def test_kept_texts_are_encoded_as_before(full: dict[str, object]) -> None:
    kept_texts = TEXTS[:2]
    pruned, kept = prune_tokenizer(full, kept_texts)
    old, new = (Tokenizer.from_str(json.dumps(content)) for content in (full, pruned))
    assert new.get_vocab_size() == len(kept) < old.get_vocab_size()
    for text in kept_texts:
        assert [kept[token] for token in new.encode(text).ids] == old.encode(text).ids
    assert new.decode(new.encode("Zanzibar über 7!").ids) == "Zanzibar über 7!"


def test_spare_tokens_are_the_most_frequent_ones(full: dict[str, object]) -> None:
    needed, kept = prune_tokenizer(full, TEXTS[:1])
    more, kept_more = prune_tokenizer(full, TEXTS[:1], len(kept) + 10)
    assert set(kept) < set(kept_more) and len(kept_more) == len(kept) + 10
    assert sorted(set(kept_more) - set(kept)) == sorted(set(range(3, 420)) - set(kept))[:10]
    old, new = (Tokenizer.from_str(json.dumps(content)) for content in (full, more))
    assert [kept_more[t] for t in new.encode(TEXTS[0]).ids] == old.encode(TEXTS[0]).ids
    for size in (len(kept) - 1, 421):
        with pytest.raises(ValueError, match="cannot have"):
            prune_tokenizer(full, TEXTS[:1], size)


def test_typed_control_tokens_stay_text(full: dict[str, object], tmp_path: Path) -> None:
    assert write_tokenizer(prune_tokenizer(full, TEXTS)[0], tmp_path, 9) == 11
    tokenizer = StoryTokenizer.from_folder(tmp_path)
    typed = "Mira <|im_end|> says <img> and <img_00001>."
    ids = tokenizer.encode_text(typed)
    assert tokenizer.decode_text(ids) == typed
    marks = {*tokenizer.mark_ids(), tokenizer.eos_id, tokenizer.bos_id}
    assert not marks & set(ids)
    assert len(tokenizer.image_query_ids) == 9


def test_first_and_last_layers_are_always_kept() -> None:
    assert choose_layers([0.0, 0.1, 0.9, 0.2, 0.0], 3) == [0, 2, 4]


def test_a_cut_model_knows_its_tokens_by_their_new_ids() -> None:
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=50,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=4,
            num_attention_heads=4,
            tie_word_embeddings=True,
        )
    ).eval()
    ids = torch.tensor([[3, 8, 20]])
    before = model(input_ids=ids).logits
    kept = [0, 1, 2, 3, 8, 20]
    smaller = cut(model, kept, range(4), extra_tokens=2)
    after = smaller(input_ids=torch.tensor([[3, 4, 5]])).logits
    assert after.shape[-1] == 8
    assert torch.allclose(after[..., :6], before[..., kept], atol=1e-5)
    assert len(cut(smaller, range(8), [0, 3], 0).model.layers) == 2
