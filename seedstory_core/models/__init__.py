"""The networks: tensors in, tensors out. They know no panel, tokenizer, path or session."""

import importlib
import sys

_UNUSED = ("bitsandbytes", "peft")
"""Packages that diffusers imports if they are installed, although nothing here needs them."""


def _import_diffusers() -> None:
    """Import diffusers without the packages of `_UNUSED`, which are slow to import.

    If diffusers has been imported already, there is no time left to save.
    """
    if "diffusers" in sys.modules:
        return
    hidden = [name for name in _UNUSED if name not in sys.modules]
    # With an entry of None, Python's import system reports the module as missing.
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        importlib.import_module("diffusers.models.unets.unet_2d_condition")
    finally:
        for name in hidden:
            del sys.modules[name]


_import_diffusers()
