"""The package declares its dependencies, and an installed copy finds its data files."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import inspect
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import seedstory_core
from seedstory_core.config import paths

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("seedstory_core", "storyworld", "demo")
MODULES = {"pillow": "PIL", "pyyaml": "yaml", "skia-python": "skia"}
"""Distributions whose modules have other names."""
OPTIONAL = {"bitsandbytes"}


def required(*files: str) -> set[str]:
    lines = [line for file in files for line in (ROOT / file).read_text().splitlines()]
    names = [re.split(r"[><=\[ ]", line)[0] for line in lines if line and line[0] not in "#-"]
    return {MODULES.get(name, name).replace("-", "_") for name in names}


def imported(package: str) -> set[str]:
    found: set[str] = set()
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {*PACKAGES, "benchmarks"}


def test_everything_imported_is_required() -> None:
    train = required("requirements.txt", "requirements/train.txt")
    assert imported("demo") <= required("requirements.txt")
    assert imported("seedstory_core") | imported("storyworld") <= train | OPTIONAL


def test_the_files_of_requirements_are_all_there_is() -> None:
    described = tomllib.loads((ROOT / "pyproject.toml").read_text())
    hook = described["tool"]["hatch"]["metadata"]["hooks"]["requirements_txt"]
    extras = {file for files in hook["optional-dependencies"].values() for file in files}
    assert hook["files"] == ["requirements.txt"]
    assert extras == {f"requirements/{path.name}" for path in (ROOT / "requirements").iterdir()}
    dev = (ROOT / "requirements-dev.txt").read_text()
    assert {"requirements.txt", *extras} == set(re.findall(r"^-r (\S+)$", dev, re.M))


def test_no_gradio_with_published_holes_is_allowed() -> None:
    """Those before 6.16 have path traversals, fetched addresses and open redirects."""
    described = tomllib.loads((ROOT / "pyproject.toml").read_text())
    hook = described["tool"]["hatch"]["metadata"]["hooks"]["requirements_txt"]
    lines = [line for file in hook["files"] for line in (ROOT / file).read_text().splitlines()]
    (wanted,) = (line for line in lines if line.startswith("gradio"))
    allowed = Requirement(wanted).specifier
    assert not any(allowed.contains(version) for version in ("5.50.0", "6.0.0", "6.15.9"))
    assert allowed.contains("6.16.0") and allowed.contains(importlib.metadata.version("gradio"))


def test_the_command_and_the_packages_are_there() -> None:
    described = tomllib.loads((ROOT / "pyproject.toml").read_text())
    module, function = described["project"]["scripts"]["seedstory"].split(":")
    assert callable(getattr(importlib.import_module(module), function))
    packages = described["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert set(packages) == set(PACKAGES)
    assert all((ROOT / package / "py.typed").exists() for package in packages)


def test_the_newest_version_is_described() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    released = re.findall(r"^## \[?(\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert released[0] == version


def test_an_installed_copy_keeps_stories_where_it_is_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shipped = tmp_path / "package"
    (shipped / "assets").mkdir(parents=True)
    monkeypatch.setattr(paths, "PROJECT_ROOT", shipped)
    monkeypatch.setattr(paths, "IS_CHECKOUT", False)
    monkeypatch.chdir(tmp_path)
    assert paths.project_path("assets") == shipped / "assets"
    assert paths.project_path("stories") == tmp_path / "stories"


def test_every_public_name_is_there() -> None:
    import seedstory_core

    homes = [name for names in seedstory_core._HOMES.values() for name in names]
    assert sorted(homes) == sorted(seedstory_core.__all__)
    for name in seedstory_core.__all__:
        assert getattr(seedstory_core, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = seedstory_core.nothing


def test_the_example_of_the_package_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEDSTORY_STORIES_FOLDER", str(tmp_path))
    text = inspect.cleandoc(seedstory_core.__doc__ or "")
    example = "\n".join(line[4:] for line in text.splitlines() if line.startswith("    "))
    names: dict[str, object] = {}
    exec(example, names)
    assert isinstance(names["event"], seedstory_core.PanelAdded)
    assert len(list(tmp_path.iterdir())) == 1
