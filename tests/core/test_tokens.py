import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedstory_core.errors import WeightsError
from seedstory_core.generation.tokens import StoryTokenizer, TextStream, image_token
from seedstory_core.weights.verify.folder import ReferenceFolder
from tests.helpers.reference import COPY

STYLES = {
    "primary": COPY / "pretrained" / "cvlm_llama2_tokenizer",
    "alt": COPY / "expected" / "tokenizer_alt",
}


@pytest.fixture(scope="module", params=sorted(STYLES))
def style(request: pytest.FixtureRequest, reference: ReferenceFolder) -> str:
    return request.param


@pytest.fixture(scope="module")
def tokenizer(style: str, reference: ReferenceFolder) -> StoryTokenizer:
    folder = STYLES[style].relative_to(COPY)
    return StoryTokenizer.from_folder(reference.root / folder)


def test_special_ids_are_found_by_name(
    tokenizer: StoryTokenizer, reference: ReferenceFolder
) -> None:
    golden, queries = reference.document("tokenizer"), reference.numbers["num_img_in_tokens"]
    assert tokenizer.vocab_size == golden["vocab_size"]
    assert (tokenizer.bos_id, tokenizer.eos_id) == (golden["bos"], golden["eos"])
    assert (tokenizer.unk_id, tokenizer.pad_id) == (golden["unk"], golden["pad"])
    assert (tokenizer.boi_id, tokenizer.eoi_id) == (golden["boi"], golden["eoi"])
    assert tokenizer.image_query_ids == tuple(range(golden["img0"], golden["img0"] + queries))
    assert tokenizer.encode("<img></img>") == [tokenizer.boi_id, tokenizer.eoi_id]
    assert tokenizer.image_ids()[0] == tokenizer.boi_id
    assert tokenizer.image_ids()[-1] == tokenizer.eoi_id


TRICKS = [
    "<img>",
    "</img>",
    "<img_00003>",
    "<s>",
    "</s>",
    "<unk>",
    "[INST]",
    "a<img></img><img_00000>b",
    "<0x0A><0x3C>",
    "▁<s>▁</s>",
    "<img_00003",
    "\x00\x01",
    "🙂 \ud83d",
    "",
]


@pytest.mark.parametrize("text", TRICKS)
def test_typed_text_never_becomes_a_mark(tokenizer: StoryTokenizer, text: str) -> None:
    ids = tokenizer.encode_text(text)
    assert not set(ids) & set(tokenizer.mark_ids())


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*TRICKS, image_token(1), "x", " ", "é"]), max_size=8))
def test_no_mixture_of_tricks_becomes_a_mark_and_all_is_readable_again(parts: list[str]) -> None:
    tokenizer = StoryTokenizer.from_folder(STYLES["primary"])
    text = "".join(parts)
    ids = tokenizer.encode_text(text)
    assert not set(ids) & set(tokenizer.mark_ids())
    plain = text.encode("utf-8", "replace").decode().replace("▁", " ")
    assert tokenizer.decode_text(ids) == plain


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30).filter(lambda text: "▁" not in text))
def test_streamed_text_comes_in_whole_characters_and_adds_up(text: str) -> None:
    tokenizer = StoryTokenizer.from_folder(STYLES["primary"])
    stream = TextStream(tokenizer)
    parts = [stream.push(token_id) for token_id in tokenizer.encode_text(text)]
    assert "".join(parts) + stream.finish() == text
    if "\ufffd" not in text:
        assert not any("\ufffd" in part for part in parts)


def test_a_stream_goes_on_after_given_words_with_the_space_between() -> None:
    tokenizer = StoryTokenizer.from_folder(STYLES["primary"])
    given_ids = tokenizer.encode_text("Mina the")
    stream = TextStream(tokenizer, given_ids)
    parts = [stream.push(i) for i in tokenizer.encode_text("mouse 故事")]
    assert "".join(parts) == " mouse 故事"


def test_half_a_character_is_held_back_and_marked_at_the_end() -> None:
    tokenizer = StoryTokenizer.from_folder(STYLES["primary"])
    ids = tokenizer.encode_text("故")
    stream = TextStream(tokenizer)
    assert [stream.push(token_id) for token_id in ids[:-1]][-1] == ""
    assert set(stream.finish()) == {"\ufffd"}


def test_streams_leave_marks_out() -> None:
    tokenizer = StoryTokenizer.from_folder(STYLES["primary"])
    stream = TextStream(tokenizer)
    ids = [*tokenizer.encode_text("a kite"), *tokenizer.image_ids(), tokenizer.eos_id]
    assert "".join(stream.push(token_id) for token_id in ids) == "a kite"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STYLES["primary"], tmp_path / "tokenizer"))


def test_sentences_end_with_a_stop_and_perhaps_a_quote_mark(tokenizer: StoryTokenizer) -> None:
    ends = tokenizer.sentence_ends()
    assert not ends & set(tokenizer.mark_ids())
    for text, count in (('"Come here!" said Mira. "Why?"', 3), ("no end, only a comma", 0)):
        assert sum(token in ends for token in tokenizer.encode_text(text)) == count, text


def test_a_missing_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"tokenizer\.model is missing"):
        StoryTokenizer.from_folder(tmp_path)


def test_a_damaged_tokenizer_is_named(folder: Path) -> None:
    model = folder / "tokenizer.model"
    model.write_bytes(model.read_bytes()[:500])
    with pytest.raises(WeightsError, match="damaged"):
        StoryTokenizer.from_folder(folder)
    model.write_bytes(b"")
    with pytest.raises(WeightsError, match="damaged"):
        StoryTokenizer.from_folder(folder)


def test_a_tokenizer_without_image_tokens_is_refused(folder: Path) -> None:
    (folder / "added_tokens.json").unlink()
    with pytest.raises(WeightsError, match="lacks 3 image tokens, the first is <img>"):
        StoryTokenizer.from_folder(folder)


def test_image_tokens_inside_the_text_model_are_refused(folder: Path) -> None:
    added = json.loads((folder / "added_tokens.json").read_text())
    (folder / "added_tokens.json").write_text(json.dumps(added | {"<img>": 300}))
    with pytest.raises(WeightsError, match="inside its text model"):
        StoryTokenizer.from_folder(folder)


def test_broken_settings_are_named(folder: Path) -> None:
    (folder / "added_tokens.json").write_text("{")
    with pytest.raises(WeightsError, match=r"added_tokens\.json could not be read"):
        StoryTokenizer.from_folder(folder)


def test_the_newer_splitting_is_refused(folder: Path) -> None:
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"legacy": False}))
    with pytest.raises(WeightsError, match="legacy"):
        StoryTokenizer.from_folder(folder)
