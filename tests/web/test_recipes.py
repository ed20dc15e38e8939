"""One fact, one home: the recipes of `docs/contributing.md` are short, and what they add works.

Each recipe is an example: edits by file, so the files that it touches can be counted. All of them
are made in a copy of the studio, where `tests/helpers/added.py` uses what they added.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from seedstory_core.config import PROJECT_ROOT

NEW = ""
"""Stands for the text before which something is inserted, if the file is new."""

Edits = dict[str, dict[str, str]]
"""By file: new text by the text before which it is inserted."""

SETTING: Edits = {
    "seedstory_core/config/run.py": {
        "    no_repeat_ngram_size: int = setting(": """\
    min_p: float = setting(
        0.0,
        0,
        1,
        label="Min-p",
        step=0.05,
        meaning="Leave out words less likely than this share, compared with the likeliest one.",
    )
""",
    },
    "seedstory_core/generation/sampler.py": {
        "    NoRepeatNGramLogitsProcessor,\n": "    MinPLogitsWarper,\n",
        "        if not self._is_greedy and sampling.top_p < 1:\n": """\
        if not self._is_greedy and sampling.min_p:
            self._warp.append(MinPLogitsWarper(sampling.min_p))
""",
    },
}

POLICY: Edits = {
    "seedstory_core/generation/policies.py": {
        "@dataclass(frozen=True)\nclass Policy:": '''\
def _first_page(spans: Sequence[PanelSpan], policy: MemoryPolicy) -> list[range]:
    """Keep the window and the first panel."""
    first = dataclasses.replace(policy, pinned_panels=(0, *policy.pinned_panels))
    return _window(spans, first)


''',
        '    "dense": Policy(': """\
    "first_page": Policy("The first page and the last pages", _first_page),
""",
    },
}

FORMAT: Edits = {
    "seedstory_core/story/export/words.py": {
        NEW: '''\
"""A story's words as plain text."""

from __future__ import annotations

from seedstory_core.story.archive import StoryArchive
from seedstory_core.story.tree import StoryTree


def to_text(tree: StoryTree, archive: StoryArchive, story_id: str, leaf_id: str) -> str:
    """Return the words of one path of the story."""
    return "\\n\\n".join(panel.text for panel in tree.path(leaf_id)) + "\\n"
''',
    },
    "seedstory_core/story/export/__init__.py": {
        "from seedstory_core.story.tree import StoryTree\n": """\
from seedstory_core.story.export.words import to_text
""",
        '    "zip": Format(': """\
    "txt": Format("Words only", "text/plain", to_text),
""",
    },
}

BUTTON: Edits = {
    "demo/templates/page_acts.html": {
        '  {{ labelled("remove",': """\
  {{ labelled("to-first", "first", "To the first page") }}
""",
    },
    "demo/handlers.py": {
        '            "stop": self._stop,\n': """\
            "to-first": self._to_first,
""",
        "    def set_policy(self": '''\
    def _to_first(self, state: PageState, click: Click) -> PageUpdate:
        """Go to the first panel of the current path."""
        session, panel = self._here(state)
        first = session.tree.path(panel.id)[0]
        return self.updates.story(state, session, first.id, watch=False)

''',
    },
}

RECIPES = {
    "A sampling setting": SETTING,
    "A memory policy": POLICY,
    "An export format": FORMAT,
    "A button": BUTTON,
}


def apply(edits: Edits, root: Path) -> None:
    """Make the edits of a recipe; where one no longer fits, say so."""
    for name, inserted in edits.items():
        path = root / name
        assert path.exists() == (NEW not in inserted), f"{name} is not as the recipe expects"
        text = "" if NEW in inserted else path.read_text("utf-8")
        for place, new in inserted.items():
            assert place == NEW or text.count(place) == 1, f"{name} has no single {place!r}"
            text = text.replace(place, new + place, 1)
        path.write_text(text, "utf-8")


def copy_studio(root: Path) -> None:
    """Copy what the recipes change and what runs there; the rest is only looked at.

    Compiled modules come along, and Python compiles only those anew that were edited.
    """
    for package in ("seedstory_core", "demo"):
        shutil.copytree(PROJECT_ROOT / package, root / package)
    for name in ("assets", "configs", "storyworld", "pyproject.toml"):
        (root / name).symlink_to(PROJECT_ROOT / name)
    shutil.copytree(PROJECT_ROOT / "tests" / "helpers", root / "tests" / "helpers")
    for name in ("__init__.py", "conftest.py"):
        shutil.copy(PROJECT_ROOT / "tests" / name, root / "tests" / name)


def test_a_recipe_touches_no_more_files_than_promised() -> None:
    touched = {title: len(edits) for title, edits in RECIPES.items()}
    assert touched == {
        "A sampling setting": 2,
        "A memory policy": 1,
        "An export format": 2,  # its own, and the line of FORMATS
        "A button": 2,
    }
    changed = [name for name, inserted in FORMAT.items() if NEW not in inserted]
    assert changed == ["seedstory_core/story/export/__init__.py"]


@pytest.mark.parametrize("title", RECIPES)
def test_the_docs_name_the_files_of_a_recipe(title: str) -> None:
    page = (PROJECT_ROOT / "docs" / "contributing.md").read_text("utf-8")
    (recipe,) = re.findall(rf"^\*\*{title}\.\*\* (.+?)\n\n", page, re.M | re.S)
    for name, inserted in RECIPES[title].items():
        shown = str(Path(name).parent) + "/" if NEW in inserted else name
        assert f"`{shown}`" in recipe, f"{title} touches {name}"


def test_what_the_recipes_add_works(tmp_path: Path) -> None:
    copy_studio(tmp_path)
    for edits in RECIPES.values():
        apply(edits, tmp_path)
    checks = [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*checks, "tests/helpers/added.py"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_an_edit_that_no_longer_fits_says_so(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("a = 1\na = 1\n")
    for place in ("a = 1\n", "b = 1\n"):
        with pytest.raises(AssertionError, match="one.py has no single"):
            apply({"one.py": {place: "c = 1\n"}}, tmp_path)
    with pytest.raises(AssertionError, match="other.py is not as"):
        apply({"other.py": {"a = 1\n": "c = 1\n"}}, tmp_path)
