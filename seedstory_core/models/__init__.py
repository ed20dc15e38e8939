"""The networks: tensors in, tensors out. They know no panel, tokenizer, path or session."""

import importlib
import sys

_UNUSED = ("bitsandbytes", "peft")
"""What diffusers imports wherever it is installed, and nothing here needs of it."""


def _import_diffusers() -> None:
    """Import diffusers as if it stood alone: a third of the time, and no line of bitsandbytes.

    Where somebody has imported it already, nothing is to be saved any more.
    """
    if "diffusers" in sys.modules:
        return
    hidden = [name for name in _UNUSED if name not in sys.modules]
    # An entry of None is Python's own way to say that a module cannot be had.
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        importlib.import_module("diffusers.models.unets.unet_2d_condition")
    finally:
        for name in hidden:
            del sys.modules[name]


_import_diffusers()
