"""Text to token ids and back.

A text model encodes text (`text_models.py`); a few added tokens mark images: `<img>`, `</img>`,
`<img_00000>` and so on. A reader's text goes through `encode_text`, which never returns their ids:
there `<img>` is five characters like any others.

The rules are those of the released slow tokenizer: text between added tokens is encoded piece by
piece, each with its own leading space mark, and white space beside an image token is dropped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seedstory_core.errors import WeightsError
from seedstory_core.generation.text_models import (
    BytePairText,
    SentencePieceText,
    TextModel,
    is_inside_character,
)

BOI_TOKEN = "<img>"
EOI_TOKEN = "</img>"

MAX_READER_TOKENS = 640
"""Most tokens of a reader's text. 600 letters have fewer; 600 emoji have four times as many."""

_SENTENCE_END = re.compile(r"[.!?…][\"'”’)]*$")
"""End of a piece that ends a sentence: a stop, perhaps quote marks or brackets."""


def image_token(index: int) -> str:
    """Return the name of an image query's token, such as `<img_00003>`."""
    return f"<img_{index:05d}>"


def clean_text(text: str) -> str:
    """Remove everything that looks like a tag, then outer white space, as the release does."""
    return re.sub(r"<[^>]*>", "", text).strip()


@dataclass(frozen=True)
class _AddedToken:
    """A token outside the text model; `lstrip`/`rstrip` drop white space before/after it."""

    id: int
    lstrip: bool = True
    rstrip: bool = True


class StoryTokenizer:
    """Encodes and decodes text, and knows the ids of the added tokens.

    Attributes:
        bos_id: Begin of a story.
        eos_id: End of a story.
        pad_id: Padding; the id of the unknown token unless the folder names another.
        boi_id: BOI, the begin of an image.
        eoi_id: EOI, the end of an image.
        image_query_ids: The image queries between BOI and EOI, in order.
        num_pieces: Number of the text model's ids.
        vocab_size: Number of all ids, added tokens included.
    """

    def __init__(
        self,
        text_model: TextModel,
        added_tokens: Mapping[str, _AddedToken],
        *,
        pad_token: str = "",
    ) -> None:
        self._text_model = text_model
        self._added = dict(added_tokens)
        self._names = {token.id: name for name, token in self._added.items()}
        # Longest first, so that a token that begins like another one is still found.
        names = sorted(self._added, key=len, reverse=True)
        self._splitter = re.compile("(" + "|".join(re.escape(name) for name in names) + ")")
        self.unk_id, self.bos_id, self.eos_id = text_model.control_ids
        self.pad_id: int = self.unk_id
        if pad_token:
            own = self._added.get(pad_token)
            self.pad_id = own.id if own else text_model.id_of(pad_token)
        self.boi_id = self._added[BOI_TOKEN].id
        self.eoi_id = self._added[EOI_TOKEN].id
        num_queries = sum(name.startswith("<img_") for name in self._added)
        self.image_query_ids = tuple(
            self._added[image_token(index)].id for index in range(num_queries)
        )
        self.num_pieces: int = text_model.num_pieces
        self.vocab_size = max(self.num_pieces, max(self._names) + 1)

    @classmethod
    def from_folder(cls, folder: str | Path) -> StoryTokenizer:
        """Read a tokenizer folder.

        `tokenizer.model` is SentencePiece, `tokenizer.json` byte-level BPE. Added tokens are listed
        in `added_tokens.json`, or with their flags under `added_tokens_decoder` in
        `tokenizer_config.json`, or in both.

        Raises:
            WeightsError: A file is missing or damaged, or control or image tokens are missing.
        """
        folder = Path(folder)
        settings = _read_json(folder / "tokenizer_config.json")
        text_model: TextModel
        if (folder / "tokenizer.model").is_file() or not (folder / "tokenizer.json").is_file():
            text_model = SentencePieceText.from_folder(folder, settings)
        else:
            text_model = BytePairText.from_folder(folder)
        added = _read_added_tokens(folder, settings, text_model.control_tokens)
        for name, token_id in zip(text_model.control_tokens, text_model.control_ids, strict=True):
            if text_model.id_of(name) == token_id:
                added.setdefault(name, _AddedToken(token_id, lstrip=False, rstrip=False))
            elif name not in added:
                raise WeightsError(
                    f"The tokenizer in {folder} lacks the control token {name}. Fetch it again."
                )
        _check_image_tokens(added, text_model.num_pieces, folder)
        return cls(text_model, added, pad_token=_read_pad_token(folder, settings))

    def encode_text(self, text: str) -> list[int]:
        """Encode untrusted text; the result never contains ids of added or control tokens."""
        # A lone surrogate (half an emoji) has no UTF-8; it becomes a question mark.
        ids = self._text_model.encode(text.encode("utf-8", "replace").decode("utf-8"))
        # A text model without byte fallback returns <unk> for unknown characters; drop it.
        return [token_id for token_id in ids if token_id not in self._names]

    def encode_hint(self, hint: str) -> list[int]:
        """Encode a hint, in brackets and on a line of its own."""
        plain = hint.replace("[", "(").replace("]", ")")
        return self.encode_text(f"[{plain}]\n") if plain else []

    def encode(self, text: str, *, add_bos: bool = False) -> list[int]:
        """Encode trusted text, in which `<img>`, `<s>` and so on are tokens, as in the release."""
        ids = [self.bos_id] if add_bos else []
        pieces = self._splitter.split(text)
        # Odd pieces are added tokens; they may drop the white space of the texts beside them.
        for index in range(1, len(pieces), 2):
            token = self._added[pieces[index]]
            if token.rstrip:
                pieces[index + 1] = pieces[index + 1].lstrip()
            if token.lstrip:
                pieces[index - 1] = pieces[index - 1].rstrip()
        for index, piece in enumerate(pieces):
            if index % 2:
                ids.append(self._added[piece].id)
            elif piece:
                ids += self.encode_text(piece)
        return ids

    def image_ids(self) -> list[int]:
        """Return the ids of one whole image: BOI, all image queries, EOI."""
        return [self.boi_id, *self.image_query_ids, self.eoi_id]

    def mark_ids(self) -> list[int]:
        """Return the ids of all added and control tokens, sorted."""
        return sorted(self._names)

    def sentence_ends(self) -> frozenset[int]:
        """Return the ids of the pieces that end a sentence."""
        pieces = (self._text_model.text_of(index) for index in range(self.num_pieces))
        return frozenset(
            index
            for index, piece in enumerate(pieces)
            if _SENTENCE_END.search(piece) and index not in self._names
        )

    def decode(self, ids: Sequence[int]) -> str:
        """Decode ids; image tokens stand between spaces, as in the release."""
        parts: list[str] = []
        run: list[int] = []

        def end_run() -> None:
            if run:
                parts.append(self._decode_run(run))
                run.clear()

        for token_id in ids:
            name = self._names.get(token_id)
            if name is None or name in self._text_model.control_tokens:
                run.append(token_id)
            else:
                end_run()
                parts.append(name)
        end_run()
        return " ".join(parts)

    def _decode_run(self, ids: Sequence[int]) -> str:
        """Decode ids of text and control tokens."""
        text = ""
        words: list[int] = []
        for token_id in ids:
            if token_id in self._names:
                text += self._text_model.decode(words) + self._names[token_id]
                words = []
            else:
                words.append(token_id)
        # SentencePiece drops the space before the first word; the released code drops another one.
        return (text + self._text_model.decode(words)).removeprefix(" ")

    def decode_text(self, ids: Sequence[int]) -> str:
        """Decode the text among ids, without added and control tokens."""
        return self._text_model.decode([i for i in ids if i not in self._names])

    def ends_inside_character(self, ids: Sequence[int]) -> bool:
        """Whether the ids' text ends with an unfinished character."""
        tail = [token_id for token_id in ids[-4:] if token_id not in self._names]
        return is_inside_character(self._text_model.last_bytes(tail))


class TextStream:
    """Decodes a text while it is written, in whole characters."""

    def __init__(self, tokenizer: StoryTokenizer, given_ids: Sequence[int] = ()) -> None:
        """Start after ids whose text is known already; they decide about the first space."""
        self._tokenizer = tokenizer
        self._ids = list(given_ids)
        self._num_shown = len(tokenizer.decode_text(self._ids))

    def push(self, token_id: int) -> str:
        """Add a token and return the new text; empty while a character is unfinished."""
        self._ids.append(token_id)
        if self._tokenizer.ends_inside_character(self._ids):
            return ""
        return self.finish()

    def finish(self) -> str:
        """Return the text held back so far; an unfinished character becomes a replacement mark."""
        text = self._tokenizer.decode_text(self._ids)
        new, self._num_shown = text[self._num_shown :], len(text)
        return new


def _read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; a missing file counts as an empty one."""
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} could not be read ({error}). Fetch it again.") from error
    if not isinstance(content, dict):
        raise WeightsError(f"{path} does not hold a JSON object. Fetch it again.")
    return content


def _read_added_tokens(
    folder: Path, settings: Mapping[str, Any], controls: Sequence[str]
) -> dict[str, _AddedToken]:
    """Read the added tokens from both files; only `tokenizer_config.json` has their flags."""
    # Without flags, the released library drops white space beside all but control tokens.
    added = {
        name: _AddedToken(int(token_id), lstrip=name not in controls, rstrip=name not in controls)
        for name, token_id in _read_json(folder / "added_tokens.json").items()
    }
    for token_id, entry in settings.get("added_tokens_decoder", {}).items():
        added[entry["content"]] = _AddedToken(int(token_id), entry["lstrip"], entry["rstrip"])
    return added


def _read_pad_token(folder: Path, settings: Mapping[str, Any]) -> str:
    """Return the name of the padding token from either file; empty if there is none."""
    named = _read_json(folder / "special_tokens_map.json").get("pad_token")
    named = named or settings.get("pad_token") or ""
    return str(named["content"]) if isinstance(named, dict) else str(named)


def _check_image_tokens(added: Mapping[str, _AddedToken], num_pieces: int, folder: Path) -> None:
    """Refuse a folder without image tokens, or with a text model that contains them."""
    num_queries = sum(name.startswith("<img_") for name in added)
    wanted = [BOI_TOKEN, EOI_TOKEN, *(image_token(index) for index in range(max(1, num_queries)))]
    missing = [name for name in wanted if name not in added]
    if missing:
        raise WeightsError(
            f"The tokenizer in {folder} lacks {len(missing)} image tokens, the first is "
            f"{missing[0]}. Is it the language model's own tokenizer instead of SEED-Story's?"
        )
    inside = [name for name in wanted if added[name].id < num_pieces]
    if inside:
        raise WeightsError(
            f"The tokenizer in {folder} has {inside[0]} inside its text model, so that typed text "
            "could become an image token. Add it to added_tokens.json instead."
        )
