"""Train the tiny tokenizer: byte-fallback BPE on the stories' captions, with SentencePiece.

Written in the published layout: `tokenizer.model` holds the words, `added_tokens.json` the picture
marks beside them. Captions have no line breaks, so the tiny model separates panels by one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import sentencepiece

from seedstory_core.config import StudioConfig
from seedstory_core.generation.tokens import BOI_TOKEN, EOI_TOKEN, image_token


def train_tokenizer(captions: Iterable[str], folder: Path, config: StudioConfig) -> None:
    """Learn the pieces and write the tokenizer folder.

    Args:
        captions: The texts to learn from.
        folder: Where the two files go.
        config: Its `decoder.vocab_size` is the number of all tokens, picture marks included.
    """
    num_queries = config.generation.num_image_queries
    folder.mkdir(parents=True, exist_ok=True)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(captions),
        model_prefix=str(folder / "tokenizer"),
        model_type="bpe",
        vocab_size=config.decoder.vocab_size - num_queries - 2,
        byte_fallback=True,
        character_coverage=1.0,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        split_digits=True,
        allow_whitespace_only_pieces=True,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=-1,
        max_sentence_length=8192,
        num_threads=1,
        minloglevel=2,
    )
    (folder / "tokenizer.vocab").unlink()
    first = config.decoder.vocab_size - num_queries - 2
    names = [BOI_TOKEN, EOI_TOKEN, *(image_token(index) for index in range(num_queries))]
    added = {name: first + index for index, name in enumerate(names)}
    (folder / "added_tokens.json").write_text(json.dumps(added, indent=1) + "\n")
