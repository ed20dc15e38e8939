"""Fetching published weights: which files, from huggingface_hub over real HTTP, to where.

A small server stands in for the hub. It answers as the hub does: listings with sizes, permission
checks, files with ranges; and it can break off, refuse and disappear.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from safetensors.torch import save

from seedstory_core.config import (
    PROJECT_ROOT,
    HubSource,
    PreviewConfig,
    StudioConfig,
    WeightsConfig,
    load_config,
    to_yaml,
    with_setting,
)
from seedstory_core.engine.build import build_engine
from seedstory_core.errors import WeightsError
from seedstory_core.weights import fetch as module
from seedstory_core.weights.fetch import Hub, fetch, main, sources
from seedstory_core.weights.published import QWEN_VISION_PREFIX, PublishedFiles
from seedstory_core.weights.reference import reference_config
from tests.helpers.reference import COPY

STORY, LLAMA, QWEN, SDXL = "made/up-story", "made/up-llama", "made/up-qwen", "made/up-sdxl"
TAESDXL = "made/up-taesdxl"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class FakeHub:
    """The server's files and faults."""

    repos: dict[str, dict[str, bytes]] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    breaks_after: int = 0
    status: int = 200
    tells_sizes: bool = True
    served: list[tuple[str, int]] = field(default_factory=list)

    def files_served(self) -> list[str]:
        return [name for name, _ in self.served]


def handler(hub: FakeHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "HEAD":
                return
            if hub.breaks_after and "Accept-Ranges" in headers and len(body) > hub.breaks_after:
                body, hub.breaks_after = body[: hub.breaks_after], 0
                self.close_connection = True
            self.wfile.write(body)

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if hub.status != 200:
                return self.answer(hub.status, b"{}", {})
            if match := re.fullmatch(r"/api/models/([^/]+/[^/]+?)(/auth-check)?", path):
                repo, is_check = match.groups()
                if repo not in hub.repos:
                    return self.answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})
                if is_check and repo in hub.gated:
                    return self.answer(403, b"{}", {"X-Error-Code": "GatedRepo"})
                siblings = [
                    {"rfilename": name, **({"size": len(body)} if hub.tells_sizes else {})}
                    for name, body in hub.repos[repo].items()
                ]
                listing = {"id": repo, "sha": COMMIT, "siblings": siblings}
                return self.answer(200, json.dumps(listing).encode(), {})
            match = re.fullmatch(r"/([^/]+/[^/]+)/resolve/[^/]+/(.+)", path)
            assert match, path
            repo, name = match.groups()
            body = hub.repos[repo][name]
            etag = f'"{hashlib.sha256(body).hexdigest()}"'
            headers = {"ETag": etag, "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
            status = 200
            if wanted := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
                start, end = wanted.groups()
                headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
                body, status = body[int(start) : int(end) + 1 if end else None], 206
            if self.command == "GET":
                hub.served.append((name, len(body)))
            return self.answer(status, body, headers)

    return Handler


@pytest.fixture
def hub() -> FakeHub:
    """The miniature release, spread over repositories as the real one is."""
    pretrained = COPY / "pretrained"

    def read(folder: str) -> dict[str, bytes]:
        root = pretrained / folder
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file()
        }

    def inside(place: str, files: dict[str, bytes]) -> dict[str, bytes]:
        return {f"{place}/{name}": body for name, body in files.items()}

    encoder = torch.load(PublishedFiles.of(reference_config(COPY)).vision, weights_only=True)
    shards = {
        "pytorch_model-00001-of-00002.bin": {"transformer.h.0.weight": torch.zeros(9)},
        "pytorch_model-00002-of-00002.bin": {
            QWEN_VISION_PREFIX + name: value for name, value in encoder.items()
        },
    }
    places = {name: shard for shard, weights in shards.items() for name in weights}
    qwen = {"pytorch_model.bin.index.json": json.dumps({"weight_map": places}).encode()}
    for name, weights in shards.items():
        qwen[name] = as_bytes(weights)
    return FakeHub(
        {
            STORY: {
                "README.md": b"# read me",
                **inside("cvlm_llama2_tokenizer", read("cvlm_llama2_tokenizer")),
                **inside("seed_story/george_sft", read("seed_story/george_sft")),
                **inside("other/rabbids_sft", {"pytorch_model.bin": b"another story"}),
                **inside("detokenizer", read("detokenizer")),
            },
            LLAMA: read("Llama-2-7b-hf") | {"pytorch_model.bin": b"the same once more"},
            QWEN: qwen,
            SDXL: read("stable-diffusion-xl-base-1.0") | {"unet/model.onnx": b"not needed"},
            TAESDXL: {
                "diffusion_pytorch_model.safetensors": save(small_taesdxl().state_dict()),
                "taesdxl_decoder.safetensors": b"the same under other names",
            },
        }
    )


def small_taesdxl() -> AutoencoderTiny:
    """TAESDXL's architecture, narrower."""
    torch.manual_seed(0)
    return AutoencoderTiny(
        encoder_block_out_channels=(8,) * 4,
        decoder_block_out_channels=(8,) * 4,
        num_decoder_blocks=(1,) * 4,
    ).eval()


def as_bytes(weights: dict[str, torch.Tensor]) -> bytes:
    from io import BytesIO

    buffer = BytesIO()
    torch.save(weights, buffer)
    return buffer.getvalue()


@pytest.fixture
def endpoint(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(hub))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_TOKEN", "hf_made_up")
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def config(tmp_path: Path) -> StudioConfig:
    """The 7B configuration's own sources, of the miniature's size and repositories."""
    weights = load_config(PROJECT_ROOT / "configs" / "seed_story_7b.yaml").weights
    mini = reference_config(COPY)
    renamed = {
        "TencentARC/SEED-Story": STORY,
        "meta-llama/Llama-2-7b-hf": LLAMA,
        "Qwen/Qwen-VL-Chat": QWEN,
        "stabilityai/stable-diffusion-xl-base-1.0": SDXL,
        "madebyollin/taesdxl": TAESDXL,
    }
    places: dict[str, HubSource] = {}
    for part, source in vars(weights).items():
        if isinstance(source, HubSource):
            source.repo = renamed[source.repo]
            places[part] = source
    mini.weights = WeightsConfig(layout="published", lora_alpha=mini.weights.lora_alpha, **places)
    mini.detokenizer.preview = PreviewConfig(block_out_channels=[8] * 4)
    mini.runtime.weights_folder = str(tmp_path / "pretrained")
    return mini


@pytest.fixture
def here(config: StudioConfig, endpoint: str) -> Hub:
    return Hub(Path(config.runtime.weights_folder), endpoint=endpoint)


def test_exactly_the_needed_files_are_fetched_and_run(
    config: StudioConfig, here: Hub, hub: FakeHub
) -> None:
    said = list(fetch(config, here))
    assert sorted(hub.files_served()) == sorted(
        [
            *(name for name in hub.repos[STORY] if "tokenizer" in name or "george" in name),
            "pytorch_model.bin.index.json",
            "pytorch_model-00002-of-00002.bin",
            *(name for name in hub.repos[SDXL] if name != "unet/model.onnx"),
            "diffusion_pytorch_model.safetensors",
        ]
    )
    gigabytes = sum(size for _, size in hub.served[1:]) / 1e9
    assert any(f"to be fetched: {gigabytes:.2f} GB" in line for line in said)
    assert said[-1] == f"{LLAMA} is not needed: the story model's file holds every weight."
    assert not list(here.root.rglob(f"*{module.PARTIAL}"))
    preview = build_engine(config).preview
    assert preview is not None
    latents = torch.randn(1, 4, 2, 3, generator=torch.Generator().manual_seed(0))
    wanted = small_taesdxl().decode(latents).sample / 2 + 0.5
    assert torch.allclose(preview(latents), wanted, atol=1e-5)
    assert wanted.shape == (1, 3, 16, 24)


def test_without_the_decoder_for_previews_it_says_how_to_do_without(
    config: StudioConfig, here: Hub
) -> None:
    list(fetch(config, here))
    (here.root / "taesdxl" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"set detokenizer\.preview\.block_out_channels=\[\]"):
        build_engine(config)
    without = with_setting(config, "detokenizer.preview.block_out_channels", [])
    assert build_engine(without).preview is None


def test_what_is_here_is_not_fetched_again(config: StudioConfig, here: Hub, hub: FakeHub) -> None:
    list(fetch(config, here))
    hub.served.clear()
    (here.root / "seed_story/george_sft/pytorch_model.bin").write_bytes(b"half")
    list(fetch(config, here))
    assert hub.files_served() == ["seed_story/george_sft/pytorch_model.bin"]


def test_the_base_model_is_fetched_when_the_story_file_lacks_something(
    config: StudioConfig, here: Hub, hub: FakeHub
) -> None:
    name = "seed_story/george_sft/pytorch_model.bin"
    path = COPY / "pretrained" / name
    weights = torch.load(path, weights_only=True)
    lacking = [key for key in weights if key.endswith("layers.0.mlp.up_proj.weight")]
    hub.repos[STORY][name] = as_bytes({k: v for k, v in weights.items() if k not in lacking})
    said = list(fetch(config, here))
    assert f"lacks 1 weights that {LLAMA} supplies" in " ".join(said)
    base = {path.name for path in (here.root / "Llama-2-7b-hf").iterdir()}
    assert base == set(hub.repos[LLAMA]) - {"pytorch_model.bin", "generation_config.json"}
    build_engine(config)


def test_a_broken_download_goes_on_where_it_broke(
    config: StudioConfig, here: Hub, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 10_000)
    list(fetch(config, here, dry_run=True))
    hub.served.clear()
    hub.breaks_after = 100_000
    list(fetch(config, here))
    broken = [name for name in hub.files_served() if hub.files_served().count(name) > 1]
    sizes = [size for name, size in hub.served if name == broken[0]]
    assert sizes[1] < sizes[0]  # only the rest was asked for


class Stopped(BaseException):
    """Raised in the middle of a file, as when the user stops the download."""


def test_a_stopped_download_goes_on_in_another_process(
    config: StudioConfig, here: Hub, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "seed_story/george_sft/pytorch_model.bin"
    whole = hub.repos[STORY][name]
    (file,) = here.files(config.weights.story_model)
    real = module.http_get

    def stop(url: str, target: BinaryIO, **rest: object) -> None:
        target.write(whole[:300_000])
        raise Stopped

    monkeypatch.setattr(module, "http_get", stop)
    with pytest.raises(Stopped):
        here.fetch(file)
    assert not file.target.exists()
    assert file.missing_bytes == len(whole) - 300_000
    monkeypatch.setattr(module, "http_get", real)
    hub.served.clear()
    Hub(here.root, endpoint=here.endpoint).fetch(file)
    assert hub.served == [(name, len(whole) - 300_000)]
    assert file.target.read_bytes() == whole
    assert [path.name for path in file.target.parent.iterdir()] == [file.target.name]


def test_a_part_of_another_version_is_thrown_away(
    config: StudioConfig, here: Hub, hub: FakeHub
) -> None:
    (file,) = here.files(config.weights.story_model)
    file.target.parent.mkdir(parents=True)
    old = file.target.with_name(f"{file.target.name}.0123456789abcdef{module.PARTIAL}")
    old.write_bytes(b"of last year")
    here.fetch(file)
    assert file.target.read_bytes() == hub.repos[STORY][file.name]
    assert not old.exists()


def test_what_is_not_as_announced_is_not_kept(
    config: StudioConfig, here: Hub, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file,) = here.files(config.weights.story_model)

    def garble(url: str, target: BinaryIO, **rest: object) -> None:
        target.write(b"?" * len(hub.repos[STORY][file.name]))

    monkeypatch.setattr(module, "http_get", garble)
    with pytest.raises(WeightsError, match="wrong size or checksum"):
        here.fetch(file)
    assert list(file.target.parent.iterdir()) == []


def test_parts_may_lie_anywhere(
    config: StudioConfig, here: Hub, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("another_disk")
    config = with_setting(config, "weights.story_model.folder", str(elsewhere))
    list(fetch(config, here))
    assert [path.name for path in elsewhere.iterdir()] == ["pytorch_model.bin"]
    build_engine(config)


def test_a_mirror_that_tells_no_sizes_will_do(
    config: StudioConfig, here: Hub, hub: FakeHub
) -> None:
    hub.tells_sizes = False
    said = list(fetch(config, here))
    assert any(line.startswith("   size ?") for line in said), said
    build_engine(config)
    hub.served.clear()
    list(fetch(config, here))
    assert hub.served == []


def test_a_dry_run_says_everything_and_fetches_no_weights(
    config: StudioConfig, here: Hub, hub: FakeHub
) -> None:
    said = " ".join(fetch(config, here, dry_run=True))
    assert hub.files_served() == ["pytorch_model.bin.index.json"]
    assert f"{STORY}/seed_story/george_sft/pytorch_model.bin" in said
    assert "follows only if" in said


def test_a_gated_repository_is_explained_before_the_first_download(
    config: StudioConfig, here: Hub, hub: FakeHub
) -> None:
    hub.gated.add(SDXL)
    with pytest.raises(WeightsError, match=f"{SDXL} is gated. Open https://huggingface.co/{SDXL}"):
        list(fetch(config, here))
    assert hub.files_served() == ["pytorch_model.bin.index.json"]


def test_a_gated_base_model_is_a_warning_until_it_is_needed(
    config: StudioConfig, here: Hub, hub: FakeHub
) -> None:
    hub.gated.add(LLAMA)
    said = list(fetch(config, here))
    assert said[0].startswith(f"No access to a repository that may not be needed: {LLAMA} is gated")
    assert "is not needed" in said[-1]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda hub: hub.repos.pop(STORY), f"no repository {STORY}"),
        (lambda hub: setattr(hub, "status", 500), "answered 500"),
        (lambda hub: setattr(hub, "status", 403), r"\(403\).*Renew the token"),
        (lambda hub: hub.repos[SDXL].pop("vae/config.json"), "has no file vae/config.json"),
        (
            lambda hub: hub.repos[QWEN].update(
                {"pytorch_model.bin.index.json": b'{"weight_map": {}}'}
            ),
            "holds no weight that begins with transformer.visual.",
        ),
    ],
)
def test_what_the_hub_refuses_is_explained(
    config: StudioConfig, here: Hub, hub: FakeHub, damage, message: str
) -> None:
    damage(hub)
    with pytest.raises(WeightsError, match=message):
        list(fetch(config, here))


def test_a_prefix_without_an_index_is_explained(config: StudioConfig, here: Hub) -> None:
    config = with_setting(config, "weights.vision.files", ["*.bin"])
    with pytest.raises(WeightsError, match=r"needs the index of shards"):
        list(fetch(config, here))


def test_no_connection_is_explained(config: StudioConfig) -> None:
    nowhere = Hub(Path(config.runtime.weights_folder), endpoint="http://127.0.0.1:9")
    with pytest.raises(WeightsError, match="could not be reached"):
        list(fetch(config, nowhere))


def test_offline_mode_is_explained(
    config: StudioConfig, here: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match="HF_HUB_OFFLINE is set"):
        list(fetch(config, here))


def test_a_small_disk_is_noticed_before_the_first_download(
    config: StudioConfig, here: Hub, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 10_000})()
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(WeightsError, match=r"0\.0 GB are free"):
        list(fetch(config, here))
    assert hub.files_served() == ["pytorch_model.bin.index.json"]


def test_local_folders_need_no_hub(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    local = reference_config(COPY)
    assert sources(local) == {}
    file = tmp_path / "local.yaml"
    file.write_text(to_yaml(local, runtime=["weights_folder"]))
    assert main(["--config", str(file)]) == 0
    assert "0 files exist, 0 are to be fetched" in capsys.readouterr().out


def test_the_command_explains_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--config", str(tmp_path / "absent.yaml")]) == 1
    assert "absent.yaml could not be read" in capsys.readouterr().err
