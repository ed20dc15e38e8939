"""Where the project's own files lie."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
IS_CHECKOUT = (_PACKAGE.parent / "configs").is_dir()
"""Whether the code lies in its repository; installed, it has assets and configs inside."""
PROJECT_ROOT = _PACKAGE.parent if IS_CHECKOUT else _PACKAGE
"""Where the folders `assets` and `configs` lie."""


def project_path(path: str) -> Path:
    """Give the absolute path of a folder or file named in a config.

    Relative ones start at the repository. In an installed copy that is so for what it brought
    along; everything else, such as the stories, starts at the working directory.
    """
    given = Path(path).expanduser()
    shipped = (PROJECT_ROOT / given).resolve()
    return shipped if IS_CHECKOUT or shipped.exists() else given.resolve()
