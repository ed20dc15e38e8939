"""A folder of stories whose writer is killed, whose disk fails or loses its power, or is damaged.

The archive alone, without models or a page; `test_kills.py` kills the whole studio.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from seedstory_core.errors import StorageError, UnconfirmedError
from seedstory_core.story.archive import StoryArchive
from seedstory_core.story.files import LocalFiles, open_files
from seedstory_core.story.tree import StoryTree
from tests.helpers.archives import (
    ACTIONS,
    act,
    check_consistent,
    features_of,
    image_of,
    is_done,
    killed_at_step,
    new_story,
    on_disk,
    panel_of,
    place_of,
    write_story,
)
from tests.helpers.faults import FailingFiles, FailingSystem, Nth, PowerCut, damaged_folders


@pytest.fixture
def disk(tmp_path) -> StoryArchive:
    return on_disk(tmp_path / "stories")


@pytest.mark.parametrize("took_effect", [False, True])
@pytest.mark.parametrize("for_ever", [False, True])
@pytest.mark.parametrize("kind", ["disk", "memory"])
@pytest.mark.parametrize("action", ACTIONS)
def test_after_any_failed_call_what_is_said_is_true(
    tmp_path, action, kind, for_ever, took_effect, tally
):
    """The first call fails, then the second, and so on, for once or from then on."""
    for nth in range(100):
        place = place_of(kind, tmp_path / str(nth))
        whole = on_disk(place) if kind == "disk" else StoryArchive(place)
        story_id, tree = new_story(whole)
        faults = Nth(nth, took_effect=took_effect, for_ever=for_ever)
        files: Any = (
            LocalFiles(place, FailingSystem(faults))
            if kind == "disk"
            else FailingFiles(open_files(place), faults)
        )
        said = "done"
        try:
            act(action, StoryArchive(place, files), story_id, tree)
        except UnconfirmedError as error:
            said = "unknown" if "it is not known whether" in str(error) else "done"
        except StorageError as error:
            said = "not done"
            assert " was not " in str(error) and "Errno" not in str(error)
        done = is_done(action, whole, story_id)
        assert said == "unknown" or done == (said == "done"), (nth, faults.calls, said)
        # The reader goes on as if nothing had been.
        if not done:
            act(action, whole, story_id, tree)
            assert is_done(action, whole, story_id)
        tally["failed calls"] += faults.has_failed
        if not faults.has_failed:
            assert nth >= 2
            return
    raise AssertionError("the call never came to an end")


@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize("action", ACTIONS)
def test_a_power_cut_leaves_the_story_as_before_or_after(
    tmp_path, action, in_order, count, chance, tally
):
    root = str(tmp_path / "live")
    story_id, tree = new_story(on_disk(root))
    recorder = PowerCut(root)
    act(action, StoryArchive(root, LocalFiles(root, recorder)), story_id, tree)
    assert len(recorder) >= 4
    for cut in range(len(recorder) + 1):
        for trial in range(count("cuts")):
            target = str(tmp_path / f"{cut}-{trial}")
            recorder.survivors(cut, target, chance, in_order=in_order)
            done = is_done(action, on_disk(target), story_id)
            assert done or cut < len(recorder), "what was reported is gone"
            shutil.rmtree(target, ignore_errors=True)
            tally["power cuts"] += 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("action", ["append", "replace", "remove_branch", "set_title", "delete"])
def test_killed_before_any_one_step_the_story_is_as_before_or_after(disk, action, tally):
    """The writer is killed before its first touch of the disk, before its second, and so on."""
    for step in range(200):
        story_id, tree = write_story(disk, None, "p1", "p2")
        disk.set_title(story_id, "Before")
        redrawn = dataclasses.replace(tree.panel("p2"), image_seed=70)
        after = StoryTree(tree.panels, title="Before")
        child = os.fork()
        if child == 0:
            mortal = killed_at_step(disk.root, step)
            match action:
                case "append":
                    mortal.append(story_id, panel_of(4, "p3"), image_of(4), features_of(4))
                case "replace":
                    mortal.replace(story_id, redrawn, image_of(70))
                case "remove_branch":
                    mortal.remove_branch(story_id, tree.branch("p2"))
                case "set_title":
                    mortal.set_title(story_id, "After")
                case "delete":
                    mortal.delete(story_id)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        finished = status == 0
        tally["writers killed before a step"] += not finished
        assert finished or os.WTERMSIG(status) == signal.SIGKILL

        if action == "delete" and (finished or story_id not in [s.id for s in disk.list()]):
            (trashed,) = Path(disk.root, ".trash").glob(f"{story_id}-*")
            assert (trashed / "p3.json").exists()
        else:
            found = check_consistent(disk, story_id)
            summary = next(s for s in disk.list() if s.id == story_id)
            assert summary.problem == "" and summary.num_panels == len(found)
            before, changed = ["p1", "p2", "p3"], [p.id for p in found]
            match action:
                case "append":
                    assert changed in (before, [*before, "p4"])
                    assert not finished or len(changed) == 4
                case "replace":
                    assert changed == before and found.panel("p2").image_seed in (2, 70)
                    assert not finished or found.panel("p2").image_seed == 70
                case "remove_branch":
                    assert changed in (before, ["p1"]) and found.next_id() == "p4"
                    assert not finished or changed == ["p1"]
                case "set_title":
                    assert found.title in ("Before", "After")
                    assert not finished or found.title == "After"
            if found == after:  # the reader goes on as if nothing had been
                disk.append(story_id, panel_of(4, "p3"), image_of(4), features_of(4))
                assert len(check_consistent(disk, story_id)) == 4
        if finished:
            assert step >= 2
            return
    raise AssertionError("the writer never came to an end")


WRITER = """
import dataclasses, sys
sys.path.insert(0, {repo!r})
from seedstory_core.story.archive import StoryArchive
from tests.helpers.archives import features_of, image_of, panel_of

archive = StoryArchive({root!r})
tree = archive.load({story_id!r}).tree
print("ready", flush=True)
while True:
    number = int(tree.next_id()[1:])
    middle = tree.panels[len(tree) // 2].id if len(tree) else None
    parent = tree.newest.id if len(tree) and number % 3 else middle
    parts = image_of(number), features_of(number)
    tree.add(archive.append({story_id!r}, panel_of(number, parent), *parts))
    print(f"added {{number}}", flush=True)  # one write, so that a kill cannot halve it
    if number % 4 == 0:
        panel = dataclasses.replace(tree.newest, image_seed=number + 1000)
        tree.replace(archive.replace({story_id!r}, panel, image_of(number + 1000)))
    if number % 7 == 0:
        branch = tree.branch(tree.newest.id)
        archive.remove_branch({story_id!r}, branch)
        tree.remove_branch(branch[0].id)
        print(f"removed {{number}}", flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_writer_killed_at_any_moment_loses_at_most_the_unfinished_panel(
    disk, count, chance, tally
):
    story_id = disk.create().id
    repo = str(Path(__file__).resolve().parents[2])
    script = WRITER.format(repo=repo, root=disk.root, story_id=story_id)
    alive: set[str] = set()
    for kills in range(10 * count("writers")):
        if (
            kills >= count("writers") and len(alive) > 10
        ):  # on a busy machine a writer does not come far
            break
        writer = subprocess.Popen(
            [sys.executable, "-c", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout is not None and writer.stderr is not None
        assert writer.stdout.readline() == "ready\n", writer.stderr.read()
        time.sleep(chance.uniform(0.01, 0.3))
        writer.kill()
        tally["writers killed at any moment"] += 1
        said, errors = writer.communicate()
        assert errors == ""
        tree = check_consistent(disk, story_id)
        for line in said.splitlines():
            word, number = line.split()
            (alive.add if word == "added" else alive.discard)(f"p{number}")
        found = {panel.id for panel in tree}
        # What the writer reported is there. The panel it was at may be there or not.
        assert len(alive ^ found) <= 1
        assert alive - found <= {f"p{n}" for n in range(7, 9999, 7)}  # at most a removal unreported
        alive = found
    assert len(alive) > 10
    removed = [n for n in disk._files.names(story_id) if n.endswith(".removed")]
    assert int(tree.next_id()[1:]) > len(tree) + len(removed)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_group_is_kept_whole_or_not_at_all_by_a_killed_writer(tmp_path, tally):
    outcomes = set()
    for step in range(200):
        archive = on_disk(tmp_path / str(step))
        story_id, tree = new_story(archive)
        child = os.fork()
        if child == 0:
            act("append_group", killed_at_step(archive.root, step), story_id, tree)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        outcomes.add(is_done("append_group", archive, story_id))
        tally["writers killed before a step"] += status != 0
        if status == 0:
            assert outcomes == {False, True}
            return
        assert os.WTERMSIG(status) == signal.SIGKILL
        tree = archive.load(story_id).tree
        number = int(tree.next_id()[1:])
        archive.append(story_id, panel_of(number, "p3"), image_of(number), features_of(number))
        assert len(archive.load(story_id).tree) == len(tree) + 1
    raise AssertionError("the writer never came to an end")


def test_every_damage_to_every_file_is_named_and_hides_nothing_else(tmp_path, count, chance, tally):
    archive = on_disk(tmp_path)
    story_id = archive.create("", "tiny-1").id
    grandparents = {None: None, "p1": None, "p2": "p1", "p3": "p2"}
    parents = [None, "p1", "p2", "p2", "p3"]
    for number, parent in enumerate(parents, start=1):
        archive.append(
            story_id,
            panel_of(number, parent),
            image_of(number),
            features_of(number),
            grandparent=grandparents[parent],
        )
    archive.set_title(story_id, "The Bell")
    whole = archive.load(story_id)
    shape = [(panel.id, panel.parent) for panel in whole.tree]
    repeated = range(count("damages"))
    folder = tmp_path / story_id
    for name, damage in chain(*(damaged_folders(folder, chance) for _ in repeated)):
        tally["damaged files"] += 1
        found = archive.load(story_id)
        panel_id = name.split(".")[0].split("-")[0]
        what = f"{name}: {damage}"
        placeholders = [p.id for p in found.tree if p.is_placeholder]
        others = [p for p in found.tree if p.id != panel_id]
        assert others == [p for p in whole.tree if p.id != panel_id], what
        if damage == "missing" and name in ("p4.json", "p5.json"):
            # Nobody follows it, so that it was there is known by its picture only.
            assert placeholders == [] and f"files of a page {panel_id} without" in str(
                found.warnings
            )
        else:
            assert set(placeholders) <= {panel_id}, what
            guessed = "Its place is lost" in str(found.warnings)
            assert guessed or [(p.id, p.parent) for p in found.tree] == shape, what
            assert not guessed or panel_id in ("p4", "p5"), what
        if name.endswith(".png"):
            with pytest.raises(StorageError, match=name):
                archive.image_bytes(story_id, name)
            with pytest.raises(StorageError, match=name):
                archive.image(story_id, found.tree.panel(panel_id))
        elif name == "story-1.json":
            assert found.tree.title == "The Bell"
        elif damage != "missing":
            assert any(name in warning for warning in found.warnings), what
        assert found.tree.next_id() == "p6" and archive.list()[0].num_panels >= 4, what
    assert archive.load(story_id) == whole
