"""Imports go down: no package imports one on a higher floor."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import seedstory_core

ROOT = Path(__file__).resolve().parents[2]
FLOORS: dict[str, set[str]] = {
    # room: rooms it may stand on
    "errors": set(),
    "config": {"errors"},
    "models": {"config", "errors"},
    "story": {"config", "errors"},
    "generation": {"models", "story", "config", "errors"},
    "weights": {"models", "story", "config", "errors"},
    "engine": {"generation", "weights", "models", "story", "config", "errors"},
    "session": {"engine", "generation", "weights", "models", "story", "config", "errors"},
}
FLOORS["build"] = {"session", *FLOORS["session"]}
FLOORS["requests"] = FLOORS["session"]
FLOORS["jobs"] = FLOORS["build"]
WORKSHOP = {
    "data": {"generation", "weights", "models", "story", "config", "errors"},
    # The classifier that evaluation measures with is a model that training trains.
    "training": {"data", "evaluation", "generation", "weights", "models", "config", "errors"},
    "evaluation": {"data", *FLOORS},
}
SIBLINGS = {"generation": {"weights"}, "weights": {"generation"}, "build": set()}


def room_of(path: Path) -> str:
    return path.relative_to(ROOT / "seedstory_core").parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Names of imported modules, and whether they are needed at run time."""
    tree = ast.parse(path.read_text())
    typing_only = {
        child
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node not in typing_only
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module, node not in typing_only
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node not in typing_only


CORE = sorted((ROOT / "seedstory_core").rglob("*.py"))


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_import_climbs_a_floor(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        return
    allowed = {room} | (FLOORS | WORKSHOP)[room] | SIBLINGS.get(room, set())
    for module, _ in imports(path):
        assert not module.startswith("demo"), f"{path} imports the page"
        assert module.split(".")[0] != "gradio", f"{path} imports Gradio"
        parts = module.split(".")
        if parts[0] == "seedstory_core" and len(parts) > 1:
            assert parts[1] in allowed, f"{path} ({room}) imports {module}"


def test_training_takes_only_the_classifier_from_evaluation() -> None:
    for path in (ROOT / "seedstory_core" / "training").glob("*.py"):
        for module, _ in imports(path):
            if module.startswith("seedstory_core.evaluation"):
                assert module.startswith("seedstory_core.evaluation.classifier")


def test_stories_need_no_torch() -> None:
    for path in (ROOT / "seedstory_core" / "story").glob("*.py"):
        assert all(module.split(".")[0] != "torch" for module, _ in imports(path)), path


def test_the_page_and_the_core_run_without_the_workshop() -> None:
    shops = tuple(f"seedstory_core.{shop}" for shop in WORKSHOP)
    files = [*(ROOT / "demo").rglob("*.py"), ROOT / "app.py", *CORE]
    for path in files:
        if (
            path.exists()
            and (ROOT / "seedstory_core") in path.parents
            and room_of(path) in WORKSHOP
        ):
            continue
        for module, at_run_time in imports(path) if path.exists() else ():
            assert not (at_run_time and module.startswith(shops)), f"{path} imports {module}"
            assert module.split(".")[0] != "skia", f"{path} imports skia"


PAGE = [ROOT / "app.py", *sorted((ROOT / "demo").rglob("*.py"))]


@pytest.mark.parametrize("path", PAGE, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_page_stands_on_the_public_names_only(path: Path) -> None:
    public = {"seedstory_core", *(f"seedstory_core.{name}" for name in seedstory_core.__all__)}
    for module, _ in imports(path):
        if module.split(".")[0] == "seedstory_core":
            assert module in public, f"{path} imports {module}"


@pytest.mark.parametrize("package", ["seedstory_core", "demo.__main__"])
def test_importing_costs_nothing(package: str) -> None:
    code = f"import sys, {package}; print({{'torch', 'gradio', 'transformers'}} & {{*sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()", done.stdout


def test_only_the_config_knows_omegaconf() -> None:
    for path in CORE:
        if path.parent.name == "config" or path.name == "__main__.py":
            continue
        assert all(module.split(".")[0] != "omegaconf" for module, _ in imports(path)), path


def test_memory_is_never_pickled() -> None:
    for path in CORE:
        text = path.read_text()
        assert "pickle.dump" not in text and "torch.save(" not in text, path


WORLD = sorted((ROOT / "storyworld").rglob("*.py"))
LIBRARIES = {"numpy", "skia", "PIL"}
"""What the story world needs beside the standard library."""


@pytest.mark.parametrize("path", WORLD, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_story_world_stands_beside_the_house(path: Path) -> None:
    known = {*sys.stdlib_module_names, *LIBRARIES, "storyworld"}
    for module, _ in imports(path):
        assert module.split(".")[0] in known, f"{path} imports {module}"


def test_the_story_world_draws_in_its_drawing_only() -> None:
    for path in WORLD:
        if "drawing" not in path.parts:
            needed = {module.split(".")[0] for module, _ in imports(path)} & LIBRARIES
            assert not needed, f"{path} imports {needed}"


def test_only_the_workshop_knows_the_story_world() -> None:
    for path in CORE:
        if room_of(path) not in WORKSHOP:
            for module, _ in imports(path):
                assert module.split(".")[0] != "storyworld", f"{path} imports {module}"


def test_the_studio_imports_neither_bitsandbytes_nor_peft() -> None:
    code = "import sys, seedstory_core.build; print({'bitsandbytes', 'peft'} & {*sys.modules})"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()", done.stdout


BEFORE_THE_MODELS = "config", "requests", "jobs", "session", "story.export", "story.upload"
"""What a page is made of; the models may still be on their way."""


def test_a_page_can_be_made_without_torch() -> None:
    rooms = ", ".join(f"seedstory_core.{room}" for room in BEFORE_THE_MODELS)
    code = (
        f"import sys, {rooms}; print({{'torch', 'transformers', 'diffusers'}} & {{*sys.modules}})"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()", done.stdout


SHARED = {"engine", "config"}
"""What everybody holds and nobody but its own class changes: another policy, schedule or number is
handed over with the call (`config.with_setting`)."""
OWN_CONFIG = {"seedstory_core/training/base_lm.py"}
"""Cuts layers out of a transformers model, whose own config has to count them."""


def set_from_outside(tree: ast.AST) -> Iterator[str]:
    """Places that set an attribute of an engine or of a config, however deep in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            held: ast.expr = node.value
        elif isinstance(node, ast.Call) and ast.unparse(node.func).strip("_").endswith("setattr"):
            held = node.args[0]
        else:
            continue
        if SHARED & set(ast.unparse(held).split(".")):
            yield f"line {node.lineno}: {ast.unparse(node)}"


OUTSIDE = sorted([*CORE, *(ROOT / "benchmarks").glob("*.py"), *(ROOT / "demo").rglob("*.py")])


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_sets_attributes_of_an_engine_or_a_config(path: Path) -> None:
    if str(path.relative_to(ROOT)) not in OWN_CONFIG:
        assert list(set_from_outside(ast.parse(path.read_text()))) == []


@pytest.mark.parametrize(
    "line",
    [
        "engine.policy = other",
        "self.engine.lexicon = other",
        "model.config.scheduler.name = other",
        "config.runtime.max_turns += 1",
        "del store.engine.config",
        "setattr(engine.config, name, other)",
        "monkeypatch.setattr(engine, 'policy', other)",
        "object.__setattr__(config.memory, 'policy', other)",
        "for engine.policy in policies: pass",
    ],
)
def test_whoever_sets_one_is_found(line: str) -> None:
    assert list(set_from_outside(ast.parse(line)))


@pytest.mark.parametrize("line", ["self.config = config", "self.engine = engine", "rule = 1"])
def test_a_class_may_keep_what_it_was_given(line: str) -> None:
    assert not list(set_from_outside(ast.parse(line)))
