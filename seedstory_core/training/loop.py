"""One training loop for every stage: resumable at any step, logged, with sample sheets.

A stage says what to train, how to make batch number `i`, and what the loss is. Batches are made
from their number alone and every step seeds its own noise, so a run that was stopped and resumed
sees exactly what an uninterrupted run would have seen. `accelerate` places the model, runs
autocast, averages gradients over processes and saves the state.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import torch
from accelerate import Accelerator, PartialState
from diffusers.training_utils import EMAModel
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from seedstory_core.training.optimizer import build_optimizer
from seedstory_core.training.precision import has_fast_bfloat16

Batch = dict[str, Tensor]


@dataclass(frozen=True)
class SchedulePhase:
    """An earlier part of a training.

    Attributes:
        steps: Its last step, counted from the very first.
        learning_rate: Its highest.
        planned_steps: The step that its learning rate fell towards; 0 is `steps`.
        final_learning_rate: The floor of its cosine; 0 is the plan's.
    """

    steps: int
    learning_rate: float
    planned_steps: int = 0
    final_learning_rate: float = 0.0


@dataclass(frozen=True)
class Plan:
    """How long and how fast a stage trains.

    Attributes:
        steps: Optimizer steps in all; the learning rate falls to its floor at the last one.
        first_step: Where a training goes on of which only the weights are left (`import_weights`).
        batch_size: Samples per process and step.
        phases: Earlier parts of the same training, in order: up to the end of each the learning
            rate falls as if it were the last one, and then begins anew.
        learning_rate: The highest, reached after `warmup_steps`.
        final_learning_rate: The floor of the cosine, as a fraction of `learning_rate`.
        optimizer: `muon` (matrices and convolutions by Muon, the rest by AdamW) or `adamw`.
        ema_decay: Decay of the averaged weights, which are the ones that are used.
        num_workers: Processes that draw data; 0 draws in the training process.
        save_minutes: Minutes between checkpoints.
        mixed_precision: `bf16`, `no`, or `auto`: bf16 where the hardware is fast at it.
        num_threads: CPU threads of this process. Several one-thread processes beat one with many.
    """

    steps: int
    batch_size: int
    learning_rate: float
    warmup_steps: int = 200
    final_learning_rate: float = 0.02
    weight_decay: float = 0.01
    beta2: float = 0.99
    max_grad_norm: float = 1.0
    optimizer: str = "muon"
    ema_decay: float = 0.999
    seed: int = 0
    num_workers: int = 0
    save_minutes: float = 10.0
    log_every: int = 50
    sheet_every: int = 2000
    mixed_precision: str = "auto"
    num_threads: int = 1
    phases: list[SchedulePhase] = field(default_factory=list)
    first_step: int = 0

    def rate(self, step: int) -> float:
        """Learning rate at a step: linear warm-up, then a half cosine to the phase's end."""
        last = SchedulePhase(self.steps, self.learning_rate)
        floor = self.final_learning_rate
        phase = next((one for one in self.phases if step < one.steps), last)
        if step < self.warmup_steps:
            return phase.learning_rate * (step + 1) / self.warmup_steps
        end = phase.planned_steps or phase.steps
        done = (step - self.warmup_steps) / max(1, end - self.warmup_steps)
        fall = 0.5 * (1 + torch.cos(torch.tensor(min(1.0, done) * torch.pi)).item())
        low = phase.final_learning_rate or floor
        return phase.learning_rate * (low + (1 - low) * fall)


class Stage(Protocol):
    """What one training stage brings along."""

    name: str
    model: nn.Module

    def make_batch(self, number: int, size: int) -> Batch:
        """Make batch `number` (a pure function of number and size)."""
        ...

    def loss(self, model: nn.Module, batch: Batch, step: int) -> tuple[Tensor, dict[str, float]]:
        """Mean loss of a batch and figures for the log."""
        ...

    def draw_sheet(self, model: nn.Module, path: Path) -> None:
        """Write a sample sheet that shows how the model is doing."""
        ...


class _Batches(Dataset[Batch]):
    def __init__(self, stage: Stage, plan: Plan, process: int, num_processes: int) -> None:
        self.stage, self.plan = stage, plan
        self.process, self.num_processes = process, num_processes

    def __len__(self) -> int:
        return self.plan.steps

    def __getitem__(self, step: int) -> Batch:
        number = step * self.num_processes + self.process
        return self.stage.make_batch(number, self.plan.batch_size)


class _Progress:
    def __init__(self) -> None:
        self.step = 0
        self.seconds = 0.0

    def state_dict(self) -> dict[str, Any]:
        return {"step": self.step, "seconds": self.seconds}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.step, self.seconds = state["step"], state["seconds"]


def train(stage: Stage, plan: Plan, run: Path, *, max_minutes: float | None = None) -> bool:
    """Train a stage in its run folder, going on from the last checkpoint there.

    The folder gets `log.csv`, `sheets/`, `state/` (the checkpoint), `plan.json`. When the plan is
    done, the averaged weights are left in the model. SIGTERM and SIGINT save and return.

    Args:
        stage: What to train.
        plan: How.
        run: Folder of this run, made when missing.
        max_minutes: Save and return after this long, whatever is left.

    Returns:
        True when the plan is done, False when there are steps left.
    """
    torch.set_num_threads(plan.num_threads)
    accelerator = _accelerator(plan)
    if accelerator.device.type == "cpu":
        # One thread a process: a second autograd thread only fights for the same core.
        torch.autograd.set_multithreading_enabled(False)
    run.mkdir(parents=True, exist_ok=True)
    model = stage.model
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = build_optimizer(
        model,
        name=plan.optimizer,
        learning_rate=plan.learning_rate,
        beta2=plan.beta2,
        weight_decay=plan.weight_decay,
    )
    model, optimizer = accelerator.prepare(model, optimizer)
    average = EMAModel(trainable, decay=plan.ema_decay, use_ema_warmup=True, power=0.75)
    average.to(accelerator.device)
    progress = _Progress()
    progress.step = plan.first_step
    accelerator.register_for_checkpointing(progress, average)
    state = run / "state"
    if not state.exists() and (run / "state.old").exists():
        (run / "state.old").rename(state)
    if state.exists():
        accelerator.load_state(str(state))
        average.to(accelerator.device)  # accelerate loads it to the CPU
        average.decay = plan.ema_decay  # a new phase may average over fewer steps
    if accelerator.is_main_process:
        (run / "plan.json").write_text(json.dumps(asdict(plan), indent=1))

    asked_to_stop = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal asked_to_stop
        asked_to_stop = True

    previous = {n: signal.signal(n, stop) for n in (signal.SIGTERM, signal.SIGINT)}
    loader = DataLoader(
        _Batches(stage, plan, accelerator.process_index, accelerator.num_processes),
        batch_size=None,
        sampler=range(progress.step, plan.steps),
        num_workers=plan.num_workers,
        persistent_workers=False,
    )
    started = saved = time.monotonic()
    already = progress.seconds
    sums: dict[str, float] = {}
    num_summed = 0
    model.train()
    for batch in loader:
        step = progress.step
        torch.manual_seed(plan.seed * 1_000_003 + step * 64 + accelerator.process_index)
        for group in optimizer.param_groups:
            group["lr"] = plan.rate(step)
        batch = {name: tensor.to(accelerator.device) for name, tensor in batch.items()}
        with accelerator.autocast():
            loss, figures = stage.loss(model, batch, step)
        accelerator.backward(loss)
        norm = accelerator.clip_grad_norm_(trainable, plan.max_grad_norm)
        if torch.isfinite(norm):
            optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        average.step(trainable)
        progress.step = step + 1
        now = time.monotonic()
        progress.seconds = already + now - started
        for name, value in {"loss": float(loss.detach()), **figures}.items():
            sums[name] = sums.get(name, 0.0) + value
        num_summed += 1
        if progress.step % plan.log_every == 0 and accelerator.is_main_process:
            means = {name: value / num_summed for name, value in sums.items()}
            _log(run / "log.csv", progress, plan.rate(step), means)
            sums, num_summed = {}, 0
        out_of_time = max_minutes is not None and now - started > max_minutes * 60
        if asked_to_stop or out_of_time or now - saved > plan.save_minutes * 60:
            _save(accelerator, state)
            saved = now
        if progress.step % plan.sheet_every == 0 and accelerator.is_main_process:
            _sheet(stage, accelerator, model, average, trainable, run, progress.step)
        if asked_to_stop or out_of_time:
            break
    for number, handler in previous.items():
        signal.signal(number, handler)
    done = progress.step >= plan.steps
    if done:
        _save(accelerator, state)
        average.copy_to(trainable)
        if accelerator.is_main_process:
            model.eval()
            (run / "sheets").mkdir(exist_ok=True)
            stage.draw_sheet(accelerator.unwrap_model(model), run / "sheets" / "final.png")
    return done


def _accelerator(plan: Plan) -> Accelerator:
    precision = plan.mixed_precision
    if precision == "auto":
        precision = "bf16" if has_fast_bfloat16(PartialState().device) else "no"
    return Accelerator(mixed_precision=precision)


def _sheet(
    stage: Stage,
    accelerator: Accelerator,
    model: nn.Module,
    average: EMAModel,
    trainable: list[nn.Parameter],
    run: Path,
    step: int,
) -> None:
    (run / "sheets").mkdir(exist_ok=True)
    average.store(trainable)
    average.copy_to(trainable)
    model.eval()
    with torch.no_grad():
        stage.draw_sheet(accelerator.unwrap_model(model), run / "sheets" / f"{step:07d}.png")
    model.train()
    average.restore(trainable)


def _save(accelerator: Accelerator, state: Path) -> None:
    """Save beside the old state, then swap: a kill at any moment leaves one whole state."""
    fresh, old = state.with_suffix(".new"), state.with_suffix(".old")
    if accelerator.is_main_process:
        shutil.rmtree(fresh, ignore_errors=True)
    accelerator.wait_for_everyone()
    accelerator.save_state(str(fresh))
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        shutil.rmtree(old, ignore_errors=True)
        if state.exists():
            os.rename(state, old)
        os.rename(fresh, state)
        shutil.rmtree(old, ignore_errors=True)


def _log(path: Path, progress: _Progress, rate: float, means: dict[str, float]) -> None:
    row = {
        "step": progress.step,
        "seconds": round(progress.seconds, 1),
        "learning_rate": f"{rate:.3g}",
        **{name: f"{value:.5g}" for name, value in means.items()},
    }
    fresh = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)
