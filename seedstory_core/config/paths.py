"""Paths of the project's own files."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
IS_CHECKOUT = (_PACKAGE.parent / "configs").is_dir()
"""Whether the code runs from its repository; an installed package contains assets and configs."""
PROJECT_ROOT = _PACKAGE.parent if IS_CHECKOUT else _PACKAGE
"""Folder that holds `assets` and `configs`."""


def project_path(path: str) -> Path:
    """Return the absolute path of a folder or file named in a config.

    In a checkout, relative paths start at the repository. In an installed package, they start at
    the package if the file is there, otherwise (as for stories) at the working directory.
    """
    given = Path(path).expanduser()
    shipped = (PROJECT_ROOT / given).resolve()
    return shipped if IS_CHECKOUT or shipped.exists() else given.resolve()
