"""The libraries compute of the miniature what the released code recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seedstory_core.weights.verify.comparison import compare
from seedstory_core.weights.verify.folder import ReferenceFolder
from tests.helpers.recorder import Recorder, record
from tests.helpers.reference import copy_reference

TABLES = ("transforms", "vit", "resamplers", "forward", "generate", "detokenizer")
EXACT = ("tokenizer", "data", "processor", "mini_keys", "attention_sink")
CLOSE = ("generate", "training", "negative_controls", "schedule")
REMARKS = {"note", "story_ids", "ids_differ_between_styles"}


@pytest.fixture(scope="module")
def recorded(reference: ReferenceFolder, tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    root = copy_reference(tmp_path_factory.mktemp("recorded") / "reference")
    data, long = reference.document("data"), reference.document("attention_sink")
    cases = {
        name: {key: value for key, value in case.items() if key != "turns"}
        | {
            "num_turns": len(case["turns"]),
            "prefix": case["turns"][0]["tensors_prefix"].removesuffix("_t0_"),
        }
        for name, case in reference.document("generate").items()
    }
    plan = {
        "transforms": ["transform_landscape", "transform_rgba_small", "transform_portrait_gray"],
        "vit": ["s0_p0", "s1_p0"],
        "items": [(item["story"], item["num_image_given"]) for item in data["items"]],
        "max_length": data["max_length"],
        "sd_item": (data["sd_item"]["story"], data["sd_item"]["num_image_given"]),
        "train_image": "s3_p2",
        "from_image": "s0_p0",
        "processor_places": [],
        "schedules": [4, 10, 50],
        "draws": [4, 10],
        "texts": [entry["text"] for entry in reference.document("tokenizer")["primary"]],
        "cases": cases,
        "sinks": {
            name: {key: case[key] for key in ("captions", "num_img_tokens", "window_size")}
            for name, case in long.items()
        },
    }
    return record(root, plan, {table: reference.tensors(table) for table in TABLES})


@pytest.mark.parametrize("table", TABLES)
def test_the_tables_agree(table: str, recorded: Recorder, reference: ReferenceFolder) -> None:
    again = ReferenceFolder(recorded.root)
    for name, entry in reference.manifest[table].items():
        own, released = again.tensors(table)[name], reference.tensors(table)[name]
        assert own.dtype == released.dtype, name
        assert compare(name, own, released, entry.get("atol", 0.0)).is_ok, name
        assert again.manifest[table][name].get("atol") == entry.get("atol")
        assert again.manifest[table][name]["kind"] == entry["kind"]


@pytest.mark.parametrize("document", EXACT + CLOSE)
def test_the_documents_agree(document: str, recorded: Recorder, reference: ReferenceFolder) -> None:
    own = ReferenceFolder(recorded.root).document(document)
    relative = 1e-3 if document in CLOSE else 0.0
    assert list(differences(own, reference.document(document), relative)) == []


def test_every_document_is_recorded(recorded: Recorder, reference: ReferenceFolder) -> None:
    assert sorted(ReferenceFolder(recorded.root).documents) == sorted(reference.documents)
    documents = {Path(name).name for name in reference.documents if Path(name).suffix}
    own = {f"{name}.json" for name in recorded.documents} | {"published_keys.json.gz"}
    assert own == documents


def differences(own: Any, released: Any, relative: float, place: str = "") -> Iterator[str]:
    """Where documents differ; numbers with a fraction may by a relative share."""
    if isinstance(released, dict):
        for name in released.keys() - REMARKS:
            yield from differences(own[name], released[name], relative, f"{place}/{name}")
    elif isinstance(released, list) and len(own) == len(released):
        for index, pair in enumerate(zip(own, released, strict=True)):
            yield from differences(*pair, relative, f"{place}/{index}")
    elif isinstance(released, float):
        if not abs(own - released) <= relative * abs(released):
            yield f"{place}: {own} instead of {released}"
    elif own != released:
        yield f"{place}: {own} instead of {released}"
