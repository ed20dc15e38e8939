"""Offloading: models stay in main memory and come to the device only while they work.

The members of a group take turns: one that begins to work sends the one before it back, and one
that works rarely goes back at once. Small parts, such as embedding tables, stay on the device.
"""

from __future__ import annotations

from typing import Any

import torch
from accelerate.hooks import ModelHook, add_hook_to_module
from accelerate.utils import send_to_device
from torch import nn


class TakingTurns:
    """A group of which at most one member is on the device."""

    def __init__(self, device: torch.device) -> None:
        """Create an empty group for a device."""
        self.device = device
        self.aboard: nn.Module | None = None

    def add(
        self,
        model: nn.Module,
        member: nn.Module,
        *,
        called: nn.Module | None = None,
        is_rare: bool = False,
    ) -> None:
        """Keep a member in main memory from now on, except while it works.

        Args:
            model: The model that contains the member; its other parts go to the device.
            member: The heavy part.
            called: The module whose `forward` (or a method that diffusers hooks) begins the work;
                the member itself if not given.
            is_rare: Whether the member goes back as soon as its work is done.
        """
        heavy = {id(module) for module in member.modules()}
        for module in model.modules():
            place = torch.device("cpu") if id(module) in heavy else self.device
            module._apply(lambda tensor, place=place: tensor.to(place), recurse=False)
        add_hook_to_module(called or member, _Come(self, member, is_rare))

    def bring(self, member: nn.Module | None) -> None:
        """Move a member (or none) to the device, and the member there back to main memory."""
        if self.aboard is member:
            return
        before, self.aboard = self.aboard, None
        if before is not None:
            before.to("cpu")
        if member is None:
            return
        try:
            member.to(self.device)
        except RuntimeError:  # out of memory; part of the member may be on the device
            member.to("cpu")
            raise
        self.aboard = member


class _Come(ModelHook):
    def __init__(self, group: TakingTurns, member: nn.Module, is_rare: bool) -> None:
        self.group, self.member, self.is_rare = group, member, is_rare

    def pre_forward(self, module: nn.Module, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        self.group.bring(self.member)
        device = self.group.device
        return send_to_device(args, device), send_to_device(kwargs, device)

    def post_forward(self, module: nn.Module, output: Any) -> Any:
        if self.is_rare:
            self.group.bring(None)
        return output
