"""Telling a story imports neither torch's compiler nor what trains on several machines."""

from __future__ import annotations

import subprocess
import sys

from seedstory_core.config import StudioConfig, project_path

TELL = """
import json, sys
from omegaconf import OmegaConf
from seedstory_core import build_store, load_config
config = load_config(None, sys.argv[1:])
store = build_store(config)
from seedstory_core.engine import Past, TurnRequest
events = list(store.handle.get().turn(Past(), TurnRequest(reader_text="Mira the fox sings.")))
assert events[-1].text.startswith("Mira the fox sings.")
print(json.dumps([name for name in UNUSED if name in sys.modules]))
"""
UNUSED = ("torch._dynamo", "sympy", "torch.distributed.fsdp", "diffusers.models.unets.unet_1d")

COMPILE = """
from seedstory_core.models.quick_imports import import_libraries
import_libraries()
import sys, torch
from transformers.masking_utils import TransformGetItemToIndex
from diffusers.models.autoencoders import AutoencoderTiny
import diffusers.hooks
assert "torch._dynamo" not in sys.modules
assert torch.distributed.is_available()
with TransformGetItemToIndex():
    pass
import torch._dynamo
assert torch._dynamo.__file__ and callable(torch._dynamo.optimize)
assert torch.compiler.disable(lambda: 3)() == 3
assert torch.compile(lambda x: x + 1, backend="eager")(torch.ones(1)).item() == 2
"""

ASK = """
import seedstory_core.models.quick_imports as quick, sys
with quick._without_compiler():
    from torch._dynamo import config
    import torch._dynamo
assert config.__name__ == "torch._dynamo.config"
assert torch._dynamo.__file__
"""


def run(code: str, *args: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", code, *args], cwd=project_path("."), capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_a_turn_needs_nothing_that_was_left_out(tiny_config: StudioConfig) -> None:
    told = run(
        f"UNUSED = {UNUSED!r}\n{TELL}",
        f"runtime.weights_folder={tiny_config.runtime.weights_folder}",
        f"tokenizer.folder={tiny_config.tokenizer.folder}",
        "generation.max_new_tokens=4",
    )
    assert told.strip().splitlines()[-1] == "[]"


def test_everything_left_out_can_be_had_later() -> None:
    run(COMPILE)


def test_whoever_asks_for_more_of_the_compiler_gets_all_of_it() -> None:
    run(ASK)
