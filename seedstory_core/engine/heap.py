"""Gives freed memory back to the system.

A turn frees hundreds of tensors between others that stay. The C library keeps the gaps for later,
and in a process that lives for days they add up to more than all stories together
(docs/performance.md).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable


def _find_trim() -> Callable[[int], int] | None:
    """Return glibc's `malloc_trim`; None where the C library is another one."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None


_trim = _find_trim()


def trim() -> None:
    """Give the gaps in this process's heap back to the system, where the C library can."""
    if _trim is not None:
        _trim(0)
