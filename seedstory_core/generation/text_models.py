"""Text models, which turn text into token ids: SentencePiece and byte-level BPE.

A text model knows no images; `tokens.py` adds the tokens that mark them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from sentencepiece import SentencePieceProcessor
from tokenizers import Tokenizer

from seedstory_core.errors import WeightsError


class TextModel(Protocol):
    """Encodes text and decodes ids.

    Attributes:
        num_pieces: Number of ids.
        control_tokens: Names of the tokens for unknown text, begin and end of a story.
        control_ids: Their ids, in the same order.
    """

    num_pieces: int
    control_tokens: tuple[str, str, str]
    control_ids: tuple[int, int, int]

    def encode(self, text: str) -> list[int]:
        """Encode text; nothing in it is read as a control token."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Decode ids, none of them a control token."""
        ...

    def id_of(self, piece: str) -> int:
        """Return the id of a piece, or that of the unknown token."""
        ...

    def text_of(self, token_id: int) -> str:
        """Return the text of one id by itself."""
        ...

    def last_bytes(self, ids: Sequence[int]) -> bytes:
        """Return the last bytes of the ids' text, which may end with an unfinished character."""
        ...


class SentencePieceText:
    """SentencePiece, as in Llama 2 and the release."""

    control_tokens = ("<unk>", "<s>", "</s>")

    def __init__(self, processor: SentencePieceProcessor) -> None:
        self._processor = processor
        self.num_pieces: int = processor.vocab_size()
        self.control_ids: tuple[int, int, int] = (
            *(processor.unk_id(), processor.bos_id()),
            processor.eos_id(),
        )

    @classmethod
    def from_folder(cls, folder: Path, settings: Mapping[str, Any]) -> SentencePieceText:
        """Read `tokenizer.model`.

        Raises:
            WeightsError: The file is missing or damaged, or its settings say `legacy: false`.
        """
        model_file = folder / "tokenizer.model"
        if not model_file.is_file():
            raise WeightsError(
                f"The tokenizer {model_file} is missing. Point tokenizer.folder at a folder with "
                "tokenizer.model and added_tokens.json, or fetch it (docs/published-weights.md)."
            )
        processor = SentencePieceProcessor()
        try:
            processor.LoadFromSerializedProto(model_file.read_bytes())
        except (OSError, RuntimeError) as error:
            raise WeightsError(
                f"The tokenizer {model_file} is damaged ({error}). Fetch it again."
            ) from error
        if settings.get("legacy", True) is False:
            raise WeightsError(
                f"{folder / 'tokenizer_config.json'} says legacy: false, which would give other "
                "ids than those that SEED-Story was trained with. Use its own tokenizer."
            )
        return cls(processor)

    def encode(self, text: str) -> list[int]:
        """Encode text; nothing in it is read as a control token."""
        return list(self._processor.encode(text))

    def decode(self, ids: Sequence[int]) -> str:
        """Decode ids, none of them a control token."""
        return str(self._processor.decode(list(ids)))

    def id_of(self, piece: str) -> int:
        """Return the id of a piece, or that of the unknown token."""
        token_id = int(self._processor.piece_to_id(piece))
        return token_id if self._processor.id_to_piece(token_id) == piece else self.control_ids[0]

    def text_of(self, token_id: int) -> str:
        """Return the text of one id by itself."""
        piece = str(self._processor.id_to_piece(token_id))
        if self._processor.is_byte(token_id):
            return chr(int(piece[3:5], 16))
        return piece

    def last_bytes(self, ids: Sequence[int]) -> bytes:
        """Return the last bytes of the ids' text, which may end with an unfinished character."""
        tail = bytearray()
        for token_id in reversed(ids):
            if not self._processor.is_byte(token_id):
                break
            tail.insert(0, int(self._processor.id_to_piece(token_id)[3:5], 16))
        return bytes(tail)


class BytePairText:
    """Byte-level BPE from a `tokenizer.json`, as in GPT-2 and most newer models.

    The first three ids are control tokens: unknown, begin of a story, end of a story. Special
    tokens that occur in a text are encoded as plain text, so it can never become one of them.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.num_pieces = tokenizer.get_vocab_size(with_added_tokens=True)
        names = [str(tokenizer.id_to_token(index)) for index in range(3)]
        self.control_tokens: tuple[str, str, str] = (names[0], names[1], names[2])
        self.control_ids = (0, 1, 2)
        self._bytes_of = {letter: byte for byte, letter in byte_letters().items()}

    @classmethod
    def from_folder(cls, folder: Path) -> BytePairText:
        """Read `tokenizer.json`.

        Raises:
            WeightsError: The file is damaged.
        """
        path = folder / "tokenizer.json"
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # tokenizers raises nothing narrower
            raise WeightsError(
                f"The tokenizer {path} is damaged ({error}). Fetch it again."
            ) from error
        # Otherwise a typed `<|im_end|>` would end the story.
        tokenizer.encode_special_tokens = True
        return cls(tokenizer)

    def encode(self, text: str) -> list[int]:
        """Encode text; nothing in it is read as a control token."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def decode(self, ids: Sequence[int]) -> str:
        """Decode ids, none of them a control token."""
        return b"".join(map(self._bytes, ids)).decode("utf-8", "replace")

    def id_of(self, piece: str) -> int:
        """Return the id of a piece, or that of the unknown token."""
        found = self._tokenizer.token_to_id(piece)
        return self.control_ids[0] if found is None else int(found)

    def text_of(self, token_id: int) -> str:
        """Return the text of one id by itself."""
        return self._bytes(token_id).decode("utf-8", "replace")

    def last_bytes(self, ids: Sequence[int]) -> bytes:
        """Return the last bytes of the ids' text, which may end with an unfinished character."""
        return b"".join(map(self._bytes, ids))

    def _bytes(self, token_id: int) -> bytes:
        piece = self._tokenizer.id_to_token(token_id) or ""
        return bytes(self._bytes_of[letter] for letter in piece if letter in self._bytes_of)


def byte_letters() -> dict[int, str]:
    """Return the letter that byte-level BPE writes for each byte.

    Source: GPT-2's encoder: printable bytes stand for themselves, the others for letters past 255.
    """
    own = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in own}
    moved = (byte for byte in range(256) if byte not in letters)
    return letters | {byte: chr(256 + index) for index, byte in enumerate(moved)}


def is_inside_character(tail: bytes) -> bool:
    """Whether bytes end inside a UTF-8 character."""
    for start in range(max(0, len(tail) - 4), len(tail)):
        lead = tail[start]
        length = 2 if 0xC0 <= lead < 0xE0 else 3 if 0xE0 <= lead < 0xF0 else 4
        if lead >= 0xC0 and length > len(tail) - start:
            return True
    return False
