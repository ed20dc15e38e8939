"""The optimizer: Muon for matrices and convolutions, AdamW for the rest.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon) makes every update of a matrix
orthogonal; on these small models it reaches a loss in a fraction of AdamW's steps
(docs/notebook.md). torch.optim.Muon takes no convolutions and always works in bfloat16, which a CPU
without bfloat16 units has to emulate; hence our own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from seedstory_core.training.precision import has_fast_bfloat16

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic iteration, as published by Jordan et al."""


def orthogonalize(matrices: Tensor, *, steps: int = 5) -> Tensor:
    """Push all singular values of matrices to about 1 (0.7 to 1.2), by Newton-Schulz.

    The iteration is a polynomial in the Gram matrix, so a wide matrix is read only twice: to make
    its Gram matrix, and to be multiplied by the accumulated polynomial.

    Args:
        matrices: `[N, rows, columns]`, none all zero.
        steps: Steps of the iteration.

    Returns:
        float32, in the shape of `matrices`.
    """
    dtype = torch.bfloat16 if has_fast_bfloat16(matrices.device) else torch.float32
    x = matrices.to(dtype)
    is_tall = x.shape[-2] > x.shape[-1]
    x = x.mT if is_tall else x
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    a, b, c = COEFFICIENTS
    if dtype is torch.float32 and x.shape[-1] > 2 * x.shape[-2]:
        gram, product = x @ x.mT, torch.eye(x.shape[-2], dtype=dtype, device=x.device)
        for _ in range(steps):
            factor = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
            factor.diagonal(dim1=-2, dim2=-1).add_(a)
            product = factor @ product
            gram = factor @ gram @ factor
        x = product @ x
    else:
        for _ in range(steps):
            gram = x @ x.mT
            x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.mT if is_tall else x).float()


class Muon(torch.optim.Optimizer):
    """Momentum whose updates are orthogonalized; a convolution counts as `[out, in · h · w]`."""

    def __init__(
        self,
        params: list[nn.Parameter],
        *,
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        """Take parameters of two or more dimensions; the learning rate has AdamW's scale."""
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Update all parameters from their gradients."""
        for group in self.param_groups:
            # Matrices of one shape are iterated together, which a GPU does faster.
            alike: dict[tuple[int, int], list[tuple[nn.Parameter, Tensor]]] = {}
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["momentum_buffer"] = torch.zeros_like(parameter)
                momentum = state["momentum_buffer"].lerp_(parameter.grad, 1 - group["momentum"])
                nesterov = parameter.grad.lerp(momentum, group["momentum"]).flatten(1)
                alike.setdefault(tuple(nesterov.shape), []).append((parameter, nesterov))
            for shape, pairs in alike.items():
                updates = orthogonalize(torch.stack([matrix for _, matrix in pairs]))
                # An orthogonal update has an RMS of 1 / sqrt(longer side), AdamW's is about 0.2.
                size = 0.2 * max(shape) ** 0.5
                for (parameter, _), update in zip(pairs, updates, strict=True):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.add_(update.view_as(parameter), alpha=-group["lr"] * size)


class MuonWithAdamW(torch.optim.Optimizer):
    """Both as one optimizer; parameter groups 0 (Muon) and 1 (AdamW)."""

    def __init__(
        self,
        matrices: list[nn.Parameter],
        others: list[nn.Parameter],
        *,
        lr: float,
        betas: tuple[float, float],
        weight_decay: float,
    ) -> None:
        """Divide the parameters between the two.

        Args:
            matrices: Parameters of two or more dimensions.
            others: Everything else.
            lr: Learning rate of both; Muon's updates are scaled to AdamW's size.
            betas: Betas of AdamW.
            weight_decay: Weight decay of both.
        """
        super().__init__([{"params": matrices}, {"params": others}], {"lr": lr})
        self.muon = Muon(matrices, lr=lr, weight_decay=weight_decay)
        self.adamw = torch.optim.AdamW(others, lr=lr, betas=betas, weight_decay=weight_decay)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Update all parameters from their gradients."""
        for group in (*self.muon.param_groups, *self.adamw.param_groups):
            group["lr"] = self.param_groups[0]["lr"]
        self.muon.step()
        self.adamw.step()

    def state_dict(self) -> dict[str, Any]:
        """State of both optimizers."""
        return {"muon": self.muon.state_dict(), "adamw": self.adamw.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what `state_dict` returned."""
        self.muon.load_state_dict(state_dict["muon"])
        self.adamw.load_state_dict(state_dict["adamw"])


def build_optimizer(
    model: nn.Module,
    *,
    name: str,
    learning_rate: float,
    beta2: float,
    weight_decay: float,
) -> torch.optim.Optimizer:
    """Build the optimizer of a stage over all trainable parameters.

    Embedding tables and the output head use AdamW, as Muon's authors advise; so do queries and
    other single vectors, which do not map between spaces.
    """
    trainable = [p for p in model.parameters() if p.requires_grad]
    if name == "adamw":
        return torch.optim.AdamW(
            trainable, lr=learning_rate, betas=(0.9, beta2), weight_decay=weight_decay
        )
    if name != "muon":
        raise ValueError(f"The optimizer is muon or adamw, not {name!r}.")
    maps = {
        id(parameter)
        for layer_name, layer in model.named_modules()
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.MultiheadAttention)
        and not layer_name.endswith(("lm_head", "answers"))
        for parameter in layer.parameters(recurse=False)
        if parameter.ndim >= 2
    }
    return MuonWithAdamW(
        [p for p in trainable if id(p) in maps],
        [p for p in trainable if id(p) not in maps],
        lr=learning_rate,
        betas=(0.9, beta2),
        weight_decay=weight_decay,
    )
