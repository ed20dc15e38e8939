"""Fetch published weights: `python -m seedstory_core.weights.fetch`.

Downloads exactly the files that the configuration needs and that are missing, with progress bars,
after printing their sizes. Of Qwen-VL-Chat it fetches only the shards with the image encoder; of
the base language model nothing, unless the story model's file lacks some of its weights. A stopped
download continues where it stopped.
"""

from __future__ import annotations

import argparse
import glob
import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from urllib.parse import urlparse

from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_url
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers

from seedstory_core.config import PROJECT_ROOT, HubSource, StudioConfig, load_config, project_path
from seedstory_core.errors import SeedStoryError, WeightsError
from seedstory_core.weights.checkpoint import INDEX, read_pickled_weights
from seedstory_core.weights.parts import empty_models
from seedstory_core.weights.published import PublishedFiles, is_part, our_name

PARTIAL = ".partial"
"""Suffix of the names of incomplete files."""


@dataclass(frozen=True)
class RemoteFile:
    """One file to fetch.

    Attributes:
        repo: Repository on the hub.
        name: Path inside the repository.
        num_bytes: Size; None if a mirror does not tell it.
        target: Local path.
    """

    repo: str
    name: str
    num_bytes: int | None
    target: Path

    @property
    def is_here(self) -> bool:
        """Whether the target exists and has the right size, if that is known."""
        if not self.target.is_file():
            return False
        return self.num_bytes is None or self.target.stat().st_size == self.num_bytes

    @property
    def missing_bytes(self) -> int:
        """Bytes that are still to be fetched; 0 if the size is unknown."""
        begun = self.target.parent.glob(f"{glob.escape(self.target.name)}.*{PARTIAL}")
        here = max((path.stat().st_size for path in begun), default=0)
        return max(0, (self.num_bytes or 0) - here)


class Hub:
    """The Hugging Face hub, or a mirror of it, with errors that say what to do."""

    def __init__(self, root: Path, *, endpoint: str | None = None) -> None:
        """Create a hub that fetches into the folder `root`.

        Args:
            root: Folder of the weights.
            endpoint: Address of the hub; None takes that of HF_ENDPOINT.
        """
        self.root = root
        self.endpoint = endpoint
        self.api = HfApi(endpoint=endpoint)

    def files(self, source: HubSource) -> list[RemoteFile]:
        """Return the files of a source.

        A file found by a pattern is stored without its folders: `*story/model.bin` becomes
        `model.bin` in the source's folder.

        Raises:
            WeightsError: The repository cannot be read, or has no file for a pattern.
        """
        with _explained(source.repo):
            siblings = self.api.model_info(source.repo, files_metadata=True).siblings or []
        found: dict[str, RemoteFile] = {}
        for pattern in source.files:
            matching = [one for one in siblings if fnmatch(one.rfilename, pattern)]
            if not matching:
                raise WeightsError(
                    f"The repository {source.repo} has no file {pattern}. Its files may have been "
                    "renamed; correct the names under weights in the configuration."
                )
            for one in matching:
                inside = PurePosixPath(one.rfilename).name if "*" in pattern else pattern
                target = self.root / source.folder / inside
                found[one.rfilename] = RemoteFile(source.repo, one.rfilename, one.size, target)
        files = list(found.values())
        if source.weights_prefix:
            files = self._with_prefix(files, source.weights_prefix)
        return files

    def _with_prefix(self, files: Sequence[RemoteFile], prefix: str) -> list[RemoteFile]:
        """Return the index, and the shards with weights whose names begin with `prefix`."""
        index = next((file for file in files if file.name.endswith(INDEX)), None)
        if index is None:
            raise WeightsError(
                f"weights_prefix {prefix} needs the index of shards, and no file to fetch is one. "
                f"Add *{INDEX} under weights in the configuration."
            )
        self.fetch(index)
        try:
            places = json.loads(index.target.read_text(encoding="utf-8-sig"))["weight_map"]
            wanted = {shard for name, shard in places.items() if name.startswith(prefix)}
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise WeightsError(
                f"{index.target} is damaged ({error!r}). Delete it and fetch it again."
            ) from error
        if not wanted:
            raise WeightsError(
                f"{index.repo} holds no weight that begins with {prefix}. Correct weights_prefix "
                "in the configuration."
            )
        return [index, *(file for file in files if PurePosixPath(file.name).name in wanted)]

    def check_access(self, repo: str) -> None:
        """Check before the first download whether the hub grants access to a repository.

        Raises:
            WeightsError: The repository is gated or missing, or the hub cannot be reached.
        """
        with _explained(repo):
            self.api.auth_check(repo)

    def fetch(self, file: RemoteFile) -> None:
        """Download a file or the rest of it; it gets its name when it is whole.

        The incomplete file lies beside the target, named by the file's version, so that a stopped
        download continues, in this process or another.

        Raises:
            WeightsError: The hub refuses or cannot be reached, the disk is full, or the file's size
                or checksum is wrong.
        """
        if file.is_here:
            return
        try:
            with _explained(file.repo):
                url = hf_hub_url(file.repo, file.name, endpoint=self.endpoint)
                metadata = get_hf_file_metadata(url)
                version = (metadata.etag or "unknown").strip('"')
                partial = file.target.with_name(f"{file.target.name}.{version[:16]}{PARTIAL}")
                partial.parent.mkdir(parents=True, exist_ok=True)
                for other in partial.parent.glob(f"{glob.escape(file.target.name)}.*{PARTIAL}"):
                    if other != partial:
                        other.unlink()
                partial.touch()
                with partial.open("r+b") as target:
                    begun = target.seek(0, os.SEEK_END)
                    http_get(
                        metadata.location,
                        target,
                        resume_size=begun,
                        headers=_headers_for(metadata.location, url),
                        expected_size=metadata.size,
                        displayed_filename=file.name,
                    )
            if not _is_whole(partial, version, metadata.size):
                partial.unlink()
                raise WeightsError(
                    f"{file.name} of {file.repo} arrived with a wrong size or checksum and was "
                    "deleted. Try again."
                )
            os.replace(partial, file.target)
        except OSError as error:
            raise WeightsError(
                f"{file.target} could not be written: {error}. Check the folder and its disk."
            ) from error


def _headers_for(location: str, url: str) -> dict[str, str]:
    """Return headers that send the user's token to the hub only, not to hosts it redirects to."""
    same_host = urlparse(location).netloc == urlparse(url).netloc
    return build_hf_headers(token=None if same_host else False)


def _is_whole(path: Path, version: str, num_bytes: int | None) -> bool:
    """Check the size, and the SHA-256 if the version is one, as for large files."""
    if num_bytes is not None and path.stat().st_size != num_bytes:
        return False
    if not re.fullmatch("[0-9a-f]{64}", version):
        return True
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == version


@contextmanager
def _explained(repo: str) -> Iterator[None]:
    """Turn the hub's errors into `WeightsError`s that say what to do; pass on all others."""
    try:
        yield
    except Exception as error:
        explanation = _explain(repo, error)
        if explanation is None:
            raise
        raise explanation from error


def _explain(repo: str, error: Exception) -> WeightsError | None:
    page = f"https://huggingface.co/{repo}"
    if isinstance(error, GatedRepoError):
        return WeightsError(
            f"{repo} is gated. Open {page} in a browser, sign in and accept its licence; "
            "then run `hf auth login` here, or set HF_TOKEN, with a token of that account."
        )
    if isinstance(error, RepositoryNotFoundError):
        return WeightsError(
            f"The hub shows you no repository {repo}. If {page} exists, it is private or gated: "
            "run `hf auth login`, or set HF_TOKEN."
        )
    if isinstance(error, OfflineModeIsEnabled):
        return WeightsError(
            f"HF_HUB_OFFLINE is set, and files of {repo} are missing here. Unset it, or name a "
            "local folder under weights in the configuration."
        )
    if isinstance(error, HFValidationError):
        return WeightsError(
            f"'{repo}' is no valid name of a repository: {error} Correct it under weights in the "
            "configuration."
        )
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        said = (error.server_message or "").strip()
        if status in (401, 403):
            return WeightsError(
                f"The hub refuses you {repo} ({status}). {said} Renew the token (`hf auth login`, "
                f"or HF_TOKEN), allow it to read gated repositories, and see whether {page} asks "
                "you to accept its licence."
            )
        return WeightsError(
            f"The hub answered {status} for {repo}. Try again later; the download continues."
        )
    if isinstance(error, LocalEntryNotFoundError | ConnectionError) or _is_transport(error):
        return WeightsError(
            f"The hub could not be reached for {repo} ({type(error).__name__}). Check the "
            "connection and try again; the download continues."
        )
    return None


def _is_transport(error: BaseException) -> bool:
    """Whether the HTTP library failed to connect; which library it is depends on the hub client."""
    return any(
        kind.__name__ in ("TransportError", "RequestException") for kind in type(error).__mro__
    )


def sources(config: StudioConfig) -> dict[str, HubSource]:
    """Return the sources that can be fetched, except the base language model's."""
    weights = config.weights
    every = {
        "tokenizer": weights.tokenizer,
        "story_model": weights.story_model,
        "vision": weights.vision,
        "stable_diffusion": weights.stable_diffusion,
        "detokenizer": weights.detokenizer,
        **({"preview": weights.preview} if config.detokenizer.preview.block_out_channels else {}),
    }
    return {part: source for part, source in every.items() if source.repo}


def lacking(config: StudioConfig) -> list[str]:
    """Return the names of the story model's weights that its own file lacks."""
    stored = read_pickled_weights(PublishedFiles.of(config).story_model)
    own = {our_name(name) for name in stored if not is_part(name)}
    return [name for name in empty_models(config).story_lm.state_dict() if name not in own]


def fetch(config: StudioConfig, hub: Hub, *, dry_run: bool = False) -> Iterator[str]:
    """Fetch the files that a configuration needs and that are missing.

    Args:
        config: A configuration with `weights.layout: published`.
        hub: Lists and downloads the files.
        dry_run: Whether to only report what would be fetched.

    Yields:
        Lines for the user: each file to fetch, sums and remarks.

    Raises:
        WeightsError: As the methods of `Hub`; or the disk is too small.
    """
    files = [file for source in sources(config).values() for file in hub.files(source)]
    base = config.weights.language_model
    if base.repo:
        try:
            hub.check_access(base.repo)
        except WeightsError as error:
            yield f"No access to a repository that may not be needed: {error}"
    yield from _fetch_all(hub, files, dry_run)
    if not base.repo:
        return
    if not all(file.is_here for file in files):
        yield f"{base.repo} follows only if the story model's file lacks some of its weights."
        return
    missing = lacking(config)
    if not missing:
        yield f"{base.repo} is not needed: the story model's file holds every weight."
        return
    yield f"The story model's file lacks {len(missing)} weights that {base.repo} supplies."
    yield from _fetch_all(hub, hub.files(base), dry_run)


def _fetch_all(hub: Hub, files: Sequence[RemoteFile], dry_run: bool) -> Iterator[str]:
    wanted = [file for file in files if not file.is_here]
    total = sum(file.missing_bytes for file in wanted)
    for file in wanted:
        size = "   size ?" if file.num_bytes is None else f"{file.missing_bytes / 1e9:6.2f} GB"
        yield f"{size}  {file.repo}/{file.name} -> {file.target}"
    num_here = len(files) - len(wanted)
    yield f"{num_here} files exist, {len(wanted)} are to be fetched: {total / 1e9:.2f} GB."
    _check_space(wanted)
    for repo in dict.fromkeys(file.repo for file in wanted):
        hub.check_access(repo)
    if dry_run:
        return
    for file in wanted:
        hub.fetch(file)


def _check_space(files: Sequence[RemoteFile]) -> None:
    """Refuse files for which a disk has no room; their folders may be on several disks."""
    needed: dict[int, int] = {}
    places: dict[int, Path] = {}
    for file in files:
        place = next(folder for folder in file.target.parents if folder.exists())
        disk = place.stat().st_dev
        needed[disk] = needed.get(disk, 0) + file.missing_bytes
        places[disk] = place
    for disk, num_bytes in needed.items():
        free = shutil.disk_usage(places[disk]).free
        if num_bytes > free:
            raise WeightsError(
                f"{num_bytes / 1e9:.1f} GB are to be fetched and {free / 1e9:.1f} GB are free in "
                f"{places[disk]}. Set runtime.weights_folder to a folder on a larger disk."
            )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return 0 on success, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m seedstory_core.weights.fetch", description=__doc__
    )
    parser.add_argument(
        "--config", type=Path, default=PROJECT_ROOT / "configs" / "seed_story_7b.yaml"
    )
    parser.add_argument("--to", type=Path, default=None, help="folder (default: the config's)")
    parser.add_argument("--dry-run", action="store_true", help="only list what would be fetched")
    arguments = parser.parse_args(argv)
    changes = [] if arguments.to is None else [f"runtime.weights_folder={arguments.to.resolve()}"]
    try:
        config = load_config(arguments.config, changes)
        hub = Hub(project_path(config.runtime.weights_folder))
        for line in fetch(config, hub, dry_run=arguments.dry_run):
            print(line, flush=True)
    except SeedStoryError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
