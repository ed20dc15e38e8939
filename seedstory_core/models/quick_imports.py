"""Imports transformers and diffusers without what telling stories never uses.

Half of their import time goes to torch's compiler, to training on several machines, and to models
of other kinds. Inference in one process needs none of it. Everything here is undone once they are
imported, so whoever asks for the compiler later gets it; only transformers remembers that this
process does not spread its models over several machines.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any
from unittest import mock

WANTED = (
    "transformers.generation.logits_process",
    "transformers.models.auto.modeling_auto",
    "transformers.models.llama.modeling_llama",
    "diffusers.models.autoencoders.autoencoder_kl",
    "diffusers.models.unets.unet_2d_condition",
    "diffusers.schedulers.scheduling_flow_match_euler_discrete",
)
"""Modules that the models are made of."""
UNUSED = ("bitsandbytes", "peft")
"""Packages that diffusers imports if they are installed, although it needs them for training or for
quantization of its own models only."""
FAMILIES = (
    "diffusers.models.autoencoders",
    "diffusers.models.transformers",
    "diffusers.models.unets",
)
"""Packages that import dozens of models as soon as one of their modules is wanted."""
COMPILER = "torch._dynamo"
MASKS = f"{COMPILER}._trace_wrapped_higher_order_op"
"""Where transformers takes a helper of attention masks from; importing it imports the compiler."""


def import_libraries() -> None:
    """Import what the models are made of; if it is imported already, there is no time to save."""
    if not {"transformers", "diffusers"}.isdisjoint(sys.modules):
        return
    with _without_compiler(), _in_one_process(), _without(UNUSED), _bare(FAMILIES):
        for name in WANTED:
            importlib.import_module(name)


@contextmanager
def _in_one_process() -> Iterator[None]:
    """Tell transformers that models are not spread over several processes."""
    import torch.distributed

    with mock.patch.object(torch.distributed, "is_available", lambda: False):
        yield


@contextmanager
def _without(names: tuple[str, ...]) -> Iterator[None]:
    """Hide packages; with an entry of None, Python reports a module as missing."""
    with _stand_ins({name: None for name in names if name not in sys.modules}):
        yield


@contextmanager
def _bare(names: tuple[str, ...]) -> Iterator[None]:
    """Let modules of these packages be imported without running the packages' own files."""
    bare: dict[str, ModuleType | None] = {}
    for name in names:
        parent, _, folder = name.rpartition(".")
        package = ModuleType(name)
        root = importlib.util.find_spec(parent.partition(".")[0])
        assert root is not None and root.submodule_search_locations
        inner = name.split(".")[1:]
        package.__path__ = ["/".join([place, *inner]) for place in root.submodule_search_locations]
        package.__spec__ = importlib.util.spec_from_loader(name, None, is_package=True)
        bare[name] = package
    with _stand_ins(bare):
        yield


@contextmanager
def _without_compiler() -> Iterator[None]:
    """Answer for torch's compiler while libraries mark what it may not touch.

    Nothing is compiled meanwhile, so marks have nothing to say. Whoever asks for anything else gets
    the compiler itself.
    """
    import torch.compiler

    masks = _Compiler(MASKS, TransformGetItemToIndex=_late(MASKS, "TransformGetItemToIndex"))
    compiler = _Compiler(
        COMPILER,
        allow_in_graph=_unmarked,
        assume_constant_result=_unmarked,
        disable=_not_compiled,
    )
    with (
        _stand_ins({COMPILER: compiler, MASKS: masks}),
        mock.patch.object(torch.compiler, "disable", _not_compiled),
    ):
        yield


class _Compiler(ModuleType):
    """A module with a few names; any other name is looked up in the real one."""

    def __init__(self, name: str, **known: Any) -> None:
        super().__init__(name)
        vars(self).update(known)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        for stand_in in (COMPILER, MASKS):
            if isinstance(sys.modules.get(stand_in), _Compiler):
                del sys.modules[stand_in]
        return getattr(importlib.import_module(self.__name__), name)


def _unmarked(one: Any) -> Any:
    return one


def _not_compiled(
    function: Callable[..., Any] | None = None, recursive: bool = True, **options: Any
) -> Callable[..., Any]:
    """Return the function as `torch.compiler.disable` does, but import the compiler only if used.

    As long as nobody has imported the compiler, nothing is compiled.
    """
    if function is None:
        return functools.partial(_not_compiled, recursive=recursive, **options)

    @functools.wraps(function)
    def plain(*args: Any, **kwargs: Any) -> Any:
        if COMPILER not in sys.modules:
            return function(*args, **kwargs)
        from torch.compiler import disable

        return disable(function, recursive, **options)(*args, **kwargs)

    return plain


def _late(module: str, name: str) -> Callable[..., Any]:
    """Return a function that imports a class when it is called, and then creates an object."""

    def create(*args: Any, **kwargs: Any) -> Any:
        return getattr(importlib.import_module(module), name)(*args, **kwargs)

    return create


@contextmanager
def _stand_ins(modules: dict[str, ModuleType | None]) -> Iterator[None]:
    """Put modules into Python's table of modules, and take out those that are still there."""
    new = {name: module for name, module in modules.items() if name not in sys.modules}
    sys.modules.update(new)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name, module in new.items():
            if name in sys.modules and sys.modules[name] is module:
                del sys.modules[name]
