"""Training resumes exactly where it stopped."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seedstory_core.training.loop import train
from seedstory_core.training.optimizer import build_optimizer, orthogonalize
from seedstory_core.training.plan import Plan, SchedulePhase
from seedstory_core.training.stage import Batch, Stage


class Toy(Stage):
    """Noise in, noise out: every step draws batches and noise of its own."""

    name = "toy"

    def __init__(self, stop_after: int | None = None) -> None:
        torch.manual_seed(0)
        self.model: nn.Module = nn.Sequential(
            nn.Conv2d(2, 4, 3), nn.Flatten(), nn.Linear(16, 6), nn.LayerNorm(6)
        )
        self.stop_after = stop_after
        self.seen: list[int] = []

    def make_batch(self, number: int, size: int) -> Batch:
        generator = torch.Generator().manual_seed(number)
        return {"images": torch.randn(size, 2, 4, 4, generator=generator)}

    def loss(self, model: nn.Module, batch: Batch, step: int) -> tuple[Tensor, dict[str, float]]:
        self.seen.append(step)
        if step == self.stop_after:
            os.kill(os.getpid(), signal.SIGTERM)
        noisy = batch["images"] + 0.1 * torch.randn_like(batch["images"])
        return (model(noisy) - 1).square().mean(), {"figure": float(step)}

    def draw_sheet(self, model: nn.Module, path: Path) -> None:
        path.with_suffix(".txt").write_text("sheet")


def plan(**changes: Any) -> Plan:
    settings: dict[str, Any] = {
        "steps": 8,
        "batch_size": 3,
        "learning_rate": 0.01,
        "warmup_steps": 2,
        "log_every": 2,
        "sheet_every": 4,
        "mixed_precision": "no",
    }
    return Plan(**{**settings, **changes})


def test_a_training_of_which_only_weights_are_left_goes_on_at_its_step(tmp_path: Path) -> None:
    toy = Toy(stop_after=6)
    assert not train(toy, plan(first_step=5), tmp_path)
    assert toy.seen == [5, 6]
    # From the next time on its own checkpoint says where it is.
    again = Toy()
    assert train(again, plan(first_step=5), tmp_path)
    assert again.seen == [7]


def test_the_learning_rate_begins_anew_after_every_sitting() -> None:
    phases = [SchedulePhase(8, 0.01), SchedulePhase(12, 0.02)]
    whole = plan(steps=20, phases=phases, warmup_steps=0, learning_rate=0.005)
    start = 0
    for phase in (*phases, SchedulePhase(20, 0.005)):
        # Up to its end the rate is that of a plan that knows no other.
        alone = plan(steps=phase.steps, learning_rate=phase.learning_rate, warmup_steps=0)
        for step in range(start, phase.steps):
            assert whole.rate(step) == alone.rate(step)
        start = phase.steps
    assert whole.rate(8) > whole.rate(7)


def test_a_sitting_that_ended_early_keeps_the_rates_it_was_planned_with() -> None:
    early = SchedulePhase(8, 0.01, planned_steps=16, final_learning_rate=0.5)
    whole = plan(steps=20, phases=[early], warmup_steps=0, learning_rate=0.005)
    planned = plan(steps=16, learning_rate=0.01, final_learning_rate=0.5, warmup_steps=0)
    assert [whole.rate(step) for step in range(8)] == [planned.rate(step) for step in range(8)]
    assert whole.rate(8) < planned.rate(8)


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(tmp_path: Path, optimizer: str) -> None:
    whole = Toy()
    assert train(whole, plan(optimizer=optimizer), tmp_path / "whole")
    assert whole.seen == list(range(8))

    stopped = Toy(stop_after=3)
    assert not train(stopped, plan(optimizer=optimizer), tmp_path / "parts")
    assert stopped.seen == [0, 1, 2, 3]
    resumed = Toy()
    assert train(resumed, plan(optimizer=optimizer), tmp_path / "parts")
    assert resumed.seen == [4, 5, 6, 7]
    for one, two in zip(whole.model.parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(one, two)


def test_a_kill_while_saving_leaves_the_old_state(tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(Toy(stop_after=3), plan(), run)
    # Killed between moving the old state away and the new one in.
    (run / "state").rename(run / "state.old")
    resumed = Toy()
    assert train(resumed, plan(), run)
    assert resumed.seen == [4, 5, 6, 7]


def test_the_run_folder_tells_what_happened(tmp_path: Path) -> None:
    train(Toy(), plan(), tmp_path)
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert lines[0].startswith("step,seconds,learning_rate,loss,figure")
    assert [line.split(",")[0] for line in lines[1:]] == ["2", "4", "6", "8"]
    assert {path.name for path in (tmp_path / "sheets").iterdir()} == {
        "0000004.txt",
        "0000008.txt",
        "final.txt",
    }


def test_the_learning_rate_rises_then_falls() -> None:
    rates = [plan(steps=100, warmup_steps=10).rate(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.001)
    assert max(rates) == pytest.approx(0.01)
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert rates[-1] < 0.0003


@pytest.mark.parametrize("shape", [(24, 200), (200, 24), (40, 60)])
def test_an_update_is_orthogonal_whatever_the_shape(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    update = orthogonalize(matrix[None])[0]
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    sizes = torch.linalg.svdvals(update)
    assert update.shape == shape and sizes.min() > 0.6 and sizes.max() < 1.3
    # It turns the gradient neither left nor right: only the singular values change.
    turned = left.T @ update @ right.T
    assert torch.allclose(turned, turned.diagonal().diag(), atol=0.05)


def test_matrices_of_a_shape_are_orthogonalized_together_as_alone() -> None:
    matrices = torch.randn(3, 24, 200, generator=torch.Generator().manual_seed(0))
    together = orthogonalize(matrices)
    for matrix, update in zip(matrices, together, strict=True):
        assert torch.allclose(update, orthogonalize(matrix[None])[0], atol=0.02)


def test_muon_takes_the_matrices_and_adamw_the_rest() -> None:
    model = Toy().model
    optimizer = build_optimizer(
        model, name="muon", learning_rate=0.01, beta2=0.99, weight_decay=0.0
    )
    matrices, others = (group["params"] for group in optimizer.param_groups)
    assert [parameter.ndim for parameter in matrices] == [4, 2]
    assert all(parameter.ndim == 1 for parameter in others)
