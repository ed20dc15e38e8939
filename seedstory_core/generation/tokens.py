"""Text to token ids and back.

A text model encodes, SentencePiece or byte-level BPE (`text_models.py`); a few added tokens mark
pictures: `<img>`, `</img>`, `<img_00000>` and so on. Nothing but this module's own methods for
marks produces their ids: whatever a reader types goes through `encode_text`, where `<img>` is five
characters like any others.

The rules are those of the released slow tokenizer: text between added tokens is encoded piece by
piece, each piece with its own leading space mark, and white space beside an image token is lost.
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

_SENTENCE_END = re.compile(r"[.!?…][\"'”’)]*$")
"""How the text of a piece ends with which a sentence ends."""


def image_token(index: int) -> str:
    """Spell the image token of one query, e.g. `<img_00003>`."""
    return f"<img_{index:05d}>"


def clean_text(text: str) -> str:
    """Remove everything that looks like a tag and the white space around, as the release does."""
    return re.sub(r"<[^>]*>", "", text).strip()


@dataclass(frozen=True)
class _AddedToken:
    """A token beside the SentencePiece model; `lstrip`/`rstrip` eat white space beside it."""

    id: int
    lstrip: bool = True
    rstrip: bool = True


class StoryTokenizer:
    """Encodes and decodes, and knows the ids of the picture marks.

    Attributes:
        bos_id: Begin of a story.
        eos_id: End of a story.
        pad_id: Fills batches; the id of the unknown token unless the folder names another.
        boi_id: Begin of an image.
        eoi_id: End of an image.
        image_query_ids: The image tokens between the two, in order.
        num_pieces: Ids of the text model alone.
        vocab_size: Ids in all, added tokens included.
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
        """Read a tokenizer folder of either style.

        `tokenizer.model` is SentencePiece's, `tokenizer.json` byte-level BPE. Added tokens stand in
        `added_tokens.json`, or with their flags under `added_tokens_decoder` in
        `tokenizer_config.json`, or in both.

        Raises:
            WeightsError: A file is missing or damaged, or lacks the image tokens.
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
                raise WeightsError(f"The tokenizer in {folder} lacks the control token {name}.")
        _check_image_tokens(added, text_model.num_pieces, folder)
        return cls(text_model, added, pad_token=_read_pad_token(folder, settings))

    def encode_text(self, text: str) -> list[int]:
        """Encode what a person or the model wrote; no mark's id can come out, whatever it says."""
        # A lone surrogate (half an emoji) has no UTF-8; it becomes a question mark.
        ids = self._text_model.encode(text.encode("utf-8", "replace").decode("utf-8"))
        # A text model without byte fallback answers <unk> to what it does not know; that one goes.
        return [token_id for token_id in ids if token_id not in self._names]

    def encode_hint(self, hint: str) -> list[int]:
        """Encode what a reader wishes for beside the text: in brackets, on a line of its own."""
        plain = hint.replace("[", "(").replace("]", ")")
        return self.encode_text(f"[{plain}]\n") if plain else []

    def encode(self, text: str, *, add_bos: bool = False) -> list[int]:
        """Encode trusted text in which `<img>`, `<s>` and so on are marks, as the release does."""
        ids = [self.bos_id] if add_bos else []
        pieces = self._splitter.split(text)
        # Odd pieces are added tokens; they may eat the white space of the texts beside them.
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
        """Give the ids of one whole picture: begin, all image queries, end."""
        return [self.boi_id, *self.image_query_ids, self.eoi_id]

    def mark_ids(self) -> list[int]:
        """Give all ids that are not text, in order; a sampler of captions forbids them."""
        return sorted(self._names)

    def sentence_ends(self) -> frozenset[int]:
        """Give the ids of the pieces with which a sentence ends: a stop, perhaps a quote mark."""
        pieces = (self._text_model.text_of(index) for index in range(self.num_pieces))
        return frozenset(
            index
            for index, piece in enumerate(pieces)
            if _SENTENCE_END.search(piece) and index not in self._names
        )

    def decode(self, ids: Sequence[int]) -> str:
        """Spell ids; image tokens stand between spaces, as in the release."""
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
        """Spell text with control tokens in it."""
        text = ""
        words: list[int] = []
        for token_id in ids:
            if token_id in self._names:
                text += self._text_model.decode(words) + self._names[token_id]
                words = []
            else:
                words.append(token_id)
        # SentencePiece drops the space before the first word; the released code drops one more.
        return (text + self._text_model.decode(words)).removeprefix(" ")

    def decode_text(self, ids: Sequence[int]) -> str:
        """Spell the text among ids and leave out every mark."""
        return self._text_model.decode([i for i in ids if i not in self._names])

    def ends_inside_character(self, ids: Sequence[int]) -> bool:
        """Tell whether the last ids are some but not all bytes of one character."""
        tail = [token_id for token_id in ids[-4:] if token_id not in self._names]
        return is_inside_character(self._text_model.last_bytes(tail))


class TextStream:
    """Spells a text that is still being written, character by whole character."""

    def __init__(self, tokenizer: StoryTokenizer, given_ids: Sequence[int] = ()) -> None:
        """Start after ids whose text is already known, so that spaces come out right."""
        self._tokenizer = tokenizer
        self._ids = list(given_ids)
        self._num_shown = len(tokenizer.decode_text(self._ids))

    def push(self, token_id: int) -> str:
        """Add a token and give the text that is now certain; often a word, sometimes nothing."""
        self._ids.append(token_id)
        if self._tokenizer.ends_inside_character(self._ids):
            return ""
        return self.finish()

    def finish(self) -> str:
        """Give what was still held back; half a character becomes a replacement mark."""
        text = self._tokenizer.decode_text(self._ids)
        new, self._num_shown = text[self._num_shown :], len(text)
        return new


def _read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; a missing file is an empty one."""
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} could not be read ({error}). Fetch it again.") from error
    if not isinstance(content, dict):
        raise WeightsError(f"{path} does not hold a JSON object. Fetch it again.")
    return content


def _read_added_tokens(
    folder: Path, settings: Mapping[str, Any], controls: Sequence[str]
) -> dict[str, _AddedToken]:
    """Collect added tokens from both places; flags exist only in the settings' style."""
    # Without flags the released library lets image tokens eat white space, control tokens not.
    added = {
        name: _AddedToken(int(token_id), lstrip=name not in controls, rstrip=name not in controls)
        for name, token_id in _read_json(folder / "added_tokens.json").items()
    }
    for token_id, entry in settings.get("added_tokens_decoder", {}).items():
        added[entry["content"]] = _AddedToken(int(token_id), entry["lstrip"], entry["rstrip"])
    return added


def _read_pad_token(folder: Path, settings: Mapping[str, Any]) -> str:
    """Find the padding token, in either style; none is an empty name."""
    named = _read_json(folder / "special_tokens_map.json").get("pad_token")
    named = named or settings.get("pad_token") or ""
    return str(named["content"]) if isinstance(named, dict) else str(named)


def _check_image_tokens(added: Mapping[str, _AddedToken], num_pieces: int, folder: Path) -> None:
    """Refuse a folder without image tokens, or whose text model could produce them."""
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
            "could become a picture mark. Add it beside the model instead."
        )
