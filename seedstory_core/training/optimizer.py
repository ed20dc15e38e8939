"""The optimizer: Muon for everything with a matrix in it, AdamW for the rest.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon) makes every update of a matrix
orthogonal; on these small models it reaches a loss in a fraction of AdamW's steps
(docs/notebook.md). torch's Muon takes plain matrices only, so a convolution is shown to it as the
matrix `[out, in x height x width]` that shares its memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


class MuonWithAdamW(torch.optim.Optimizer):
    """One optimizer over both; parameter groups 0 (Muon) and 1 (AdamW)."""

    def __init__(
        self,
        matrices: list[nn.Parameter],
        others: list[nn.Parameter],
        *,
        lr: float,
        betas: tuple[float, float],
        weight_decay: float,
    ) -> None:
        """Share the parameters out.

        Args:
            matrices: Parameters of two or more dimensions.
            others: Everything else.
            lr: Of both; Muon's updates are scaled to AdamW's size.
            betas: Of AdamW.
            weight_decay: Of both.
        """
        super().__init__([{"params": matrices}, {"params": others}], {"lr": lr})
        self._matrices = matrices
        self._flat = [nn.Parameter(_as_matrix(parameter.data)) for parameter in matrices]
        self.muon = torch.optim.Muon(
            self._flat, lr=lr, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"
        )
        self.adamw = torch.optim.AdamW(others, lr=lr, betas=betas, weight_decay=weight_decay)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Update all parameters from their gradients."""
        for group in (*self.muon.param_groups, *self.adamw.param_groups):
            group["lr"] = self.param_groups[0]["lr"]
        for parameter, flat in zip(self._matrices, self._flat, strict=True):
            if flat.data_ptr() != parameter.data_ptr():
                raise RuntimeError("A parameter was moved after the optimizer was built.")
            flat.grad = None if parameter.grad is None else _as_matrix(parameter.grad)
        self.muon.step()
        self.adamw.step()

    def state_dict(self) -> dict[str, Any]:
        """State of both optimizers."""
        return {"muon": self.muon.state_dict(), "adamw": self.adamw.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
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

    Embedding tables and the output head stay with AdamW, as Muon's authors advise; so do queries
    and other single vectors, which are no maps between spaces.
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


def _as_matrix(tensor: Tensor) -> Tensor:
    return tensor.reshape(tensor.shape[0], -1)
