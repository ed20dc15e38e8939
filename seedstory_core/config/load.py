"""The whole configuration as one object, and the functions that read and write it.

`load_config` reads a YAML file, environment variables and `key=value` overrides on top of the
defaults. OmegaConf checks spelling and types there; no OmegaConf object leaves the function.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from seedstory_core.config.fields import check, is_square
from seedstory_core.config.model import (
    DecoderConfig,
    DeTokenizerConfig,
    ResamplerConfig,
    TokenizerConfig,
    VisionConfig,
)
from seedstory_core.config.paths import project_path
from seedstory_core.config.run import (
    GenerationConfig,
    MemoryConfig,
    RuntimeConfig,
    SamplingConfig,
    WeightsConfig,
)
from seedstory_core.errors import ConfigError

Config = TypeVar("Config")

ENV_PREFIX = "SEEDSTORY_"
ENV_CONFIG = ENV_PREFIX + "CONFIG"
ENV_SETTINGS = ENV_PREFIX + "SET"
FROM_CLUSTER = re.compile(
    rf"{ENV_PREFIX}(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)"
    rf"|{ENV_PREFIX}(NAME|ENV_\w+)"
)
"""Variables that Kubernetes sets in every container beside a service called `seedstory`, and old
links of Docker likewise; none is a setting."""


@dataclass
class StudioConfig:
    """The whole configuration: the models, how they are used, and the machine."""

    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    vision: VisionConfig = field(default_factory=VisionConfig)
    input_resampler: ResamplerConfig = field(default_factory=ResamplerConfig)
    output_resampler: ResamplerConfig = field(
        default_factory=lambda: ResamplerConfig(
            num_queries=36, embed_dim=256, kv_dim=320, num_heads=4
        )
    )
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    detokenizer: DeTokenizerConfig = field(default_factory=DeTokenizerConfig)
    generation: GenerationConfig = field(default_factory=GenerationConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    memory: MemoryConfig = field(default_factory=MemoryConfig)
    weights: WeightsConfig = field(default_factory=WeightsConfig)
    runtime: RuntimeConfig = field(default_factory=RuntimeConfig)

    @property
    def tokenizer_path(self) -> Path:
        """Folder of the tokenizer."""
        if self.tokenizer.folder:
            return project_path(self.tokenizer.folder)
        return project_path(self.runtime.weights_folder) / self.weights.tokenizer.folder

    def __post_init__(self) -> None:
        """Refuse models whose shapes do not match."""
        for left, right in (
            ("input_resampler.kv_dim", "vision.output_dim"),
            ("input_resampler.embed_dim", "decoder.hidden_size"),
            ("input_resampler.num_queries", "generation.num_image_queries"),
            ("output_resampler.kv_dim", "decoder.hidden_size"),
            ("output_resampler.embed_dim", "vision.output_dim"),
            ("output_resampler.num_queries", "vision.n_queries"),
            ("detokenizer.perceiver.embedding_dim", "vision.output_dim"),
        ):
            one, other = _value_at(self, left), _value_at(self, right)
            check(
                one == other,
                f"{left} is {one} and {right} is {other}; they must be equal.",
            )
        check(
            is_square(self.generation.num_image_queries),
            f"generation.num_image_queries is {self.generation.num_image_queries}; "
            "it must be a square number (16, 36, 64, 256).",
        )


def with_setting(config: Config, key: str, value: object) -> Config:
    """Return a copy of a configuration with one key changed, such as `runtime.dtype`.

    Raises:
        ConfigError: The value is impossible.
    """
    name, _, rest = key.partition(".")
    if rest:
        value = with_setting(getattr(config, name), rest, value)
    section: Any = config
    return dataclasses.replace(section, **{name: value})


def _value_at(config: object, key: str) -> Any:
    for part in key.split("."):
        config = getattr(config, part)
    return config


def load_config(
    path: str | Path | None = None, overrides: Sequence[str] | None = None
) -> StudioConfig:
    """Read a configuration: defaults, then the file, then the environment, then the overrides.

    Args:
        path: YAML file with the keys that differ from the tiny model; `None` is the tiny model.
        overrides: `key=value` texts such as `runtime.device=cpu`; they win.

    Raises:
        ConfigError: The file is unreadable, a key is unknown (the text names similar ones), or a
            value has the wrong type or is impossible.
    """
    merged = OmegaConf.structured(StudioConfig)
    for section in ("sampling", "memory"):
        # OmegaConf takes a frozen dataclass as read-only; here its values are still to be merged.
        OmegaConf.set_readonly(merged[section], False)
    source = "the defaults"
    try:
        if path is not None:
            source = str(path)
            if not Path(path).exists():
                path = project_path(str(path))
            from_file = OmegaConf.load(path)
            check(
                isinstance(from_file, DictConfig) or not from_file,
                f"{path} holds a list; a configuration must map keys to values.",
            )
            merged = OmegaConf.merge(merged, _beside(from_file or {}, Path(path).resolve().parent))
        source = "the environment"
        for name, value in _environment().items():
            source = f"the environment variable {ENV_PREFIX}{name.upper()}"
            is_list = isinstance(getattr(RuntimeConfig(), name), list)
            content = value.replace(",", " ").split() if is_list else value
            merged = OmegaConf.merge(merged, {"runtime": {name: content}})
        for override in shlex.split(os.environ.get(ENV_SETTINGS, "")):
            source = f"'{override}' in the environment variable {ENV_SETTINGS}"
            merged = OmegaConf.merge(merged, _parse(override, source))
        for override in overrides or []:
            source = f"the override '{override}'"
            merged = OmegaConf.merge(merged, _parse(override, source))
        source = "the configuration"
        config = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        raise ConfigError(_explain(error, source)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The configuration {path} could not be read: {error}") from error
    except YAMLError as error:
        raise ConfigError(f"{source} is not valid YAML: {error}") from error
    assert isinstance(config, StudioConfig)
    return config


def _beside(from_file: Any, folder: Path) -> Any:
    """Make a weights folder that begins with `./` relative to the file's own folder."""
    place = OmegaConf.select(OmegaConf.create(from_file), "runtime.weights_folder")
    if isinstance(place, str) and place.startswith("./"):
        from_file.runtime.weights_folder = str(folder / place)
    return from_file


def _parse(override: str, source: str) -> DictConfig:
    """Read `key=value`; nothing after `=` means an empty text."""
    check("=" in override, f"{source} is not of the form key=value.")
    return OmegaConf.from_dotlist([f"{override}''" if override.endswith("=") else override])


def to_yaml(config: StudioConfig, *, runtime: Sequence[str]) -> str:
    """Return a configuration as YAML for `load_config`.

    Args:
        config: The configuration to write.
        runtime: Fields of `runtime` to write; the others are left to the machine that reads the
            file.
    """
    content = dataclasses.asdict(config)
    content["runtime"] = {name: content["runtime"][name] for name in runtime}
    return OmegaConf.to_yaml(OmegaConf.create(content))


def _environment() -> dict[str, str]:
    """Return the runtime settings from environment variables such as SEEDSTORY_NUM_THREADS.

    Raises:
        ConfigError: A variable with our prefix names no runtime setting.
    """
    names = [f.name for f in dataclasses.fields(RuntimeConfig)]
    known = [ENV_SETTINGS, ENV_CONFIG, *(ENV_PREFIX + name.upper() for name in names)]
    for variable, value in os.environ.items():
        if variable == f"{ENV_PREFIX}PORT" and "://" not in value:
            raise ConfigError(
                f"The environment variable {variable} names no setting. Name the port with "
                "--port or in GRADIO_SERVER_PORT."
            )
        is_ours = variable.startswith(ENV_PREFIX) and not FROM_CLUSTER.fullmatch(variable)
        if is_ours and variable not in known:
            near = difflib.get_close_matches(variable, known, n=3, cutoff=0.6) or known
            raise ConfigError(
                f"The environment variable {variable} names no setting of `runtime`. Similar "
                f"ones: {', '.join(near)}. Put other settings into {ENV_SETTINGS} as key=value."
            )
    found = {name: os.environ.get(ENV_PREFIX + name.upper(), "") for name in names}
    return {name: value for name, value in found.items() if value}


def _explain(error: OmegaConfBaseException, source: str) -> str:
    """Return a message that names the wrong key, its source, and similar known keys."""
    full_key = str(getattr(error, "full_key", "") or "")
    known = _all_keys(StudioConfig())
    first_line = str(error.msg or error).splitlines()[0]
    if full_key and full_key not in known:
        # Compare the last part alone too: it finds a field that moved to another section.
        leaves = {key.rsplit(".", 1)[-1]: key for key in known}
        leaf = full_key.rsplit(".", 1)[-1]
        alike = difflib.get_close_matches(leaf, leaves, n=2, cutoff=0.8)
        near = [leaves[name] for name in alike]
        close = difflib.get_close_matches(full_key, known, n=3, cutoff=0.6)
        near = list(dict.fromkeys([*near, *close]))[:4]
        if not near:
            parent = full_key.rsplit(".", 1)[0] + "." if "." in full_key else ""
            near = [
                key for key in known if key.startswith(parent) and "." not in key[len(parent) :]
            ]
        return f"{source} has the unknown key '{full_key}'. Similar ones: {', '.join(near)}."
    where = f" for '{full_key}'" if full_key else ""
    return f"{source} has an impossible value{where}: {first_line}"


def _all_keys(config: object, prefix: str = "") -> list[str]:
    """Return every dotted key of a config, sections included."""
    keys = []
    for item in dataclasses.fields(config):  # type: ignore[arg-type]
        value = getattr(config, item.name)
        keys.append(prefix + item.name)
        if dataclasses.is_dataclass(value):
            keys += _all_keys(value, f"{prefix}{item.name}.")
    return keys
