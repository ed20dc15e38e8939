"""The miniature of the published release, and ways to damage a copy of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

COPY = Path(__file__).parent.parent / "data" / "reference_mini"


def copy_reference(target: Path) -> Path:
    """Copy the miniature to where a test may damage it."""
    return Path(shutil.copytree(COPY, target))


def rewrite(path: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> None:
    """Change the contents of a file of weights."""
    if path.suffix == ".safetensors":
        save_file(change(load_file(path)), path)
    else:
        torch.save(change(torch.load(path, weights_only=True)), path)


def edit_json(path: Path, change: Callable[[dict], None]) -> None:
    """Change a document."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
