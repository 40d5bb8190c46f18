"""Which slice of which parameter this rank optimises, at every ZeRO stage: to read it and set it.

The optimizers of DeepSpeed keep master weights in flat buffers of their own layout. A ``Fragment``
names the part of one parameter inside such a buffer, so that the rest of the project sees
``(parameter name, offset, values)`` and no layout: that is what makes a checkpoint independent of
the number of ranks and of the stage.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True)
class Fragment:
    """A part of one parameter, as a part of a buffer that the torch optimizer updates.

    Attributes:
        name: of the parameter in the bare model.
        offset: first element of the part, in the flattened parameter.
        numel: number of elements.
        buffer: what the optimizer updates, fp32; the key of its state.
        start: first element of the part, in the flattened buffer.
    """

    name: str
    offset: int
    numel: int
    buffer: Tensor
    start: int

    def of(self, tensor: Tensor) -> Tensor:
        """Returns this part of the buffer, or of a state tensor of the same shape, as (numel,)."""
        return tensor.detach().reshape(-1).narrow(0, self.start, self.numel)


class Partition:
    """The fragments of one engine and the exchange between master weights and model parameters.

    Attributes:
        fragments: what this rank can set; the same on every rank at stage 0.
        groups: for each param group of the optimizer, the names of its parameters (of all ranks).
        is_replicated: every rank holds everything.
        scaler: of the loss; None where the engine has none.
    """

    fragments: list[Fragment]
    groups: list[list[str]]
    scaler: Any = None
    is_replicated = False

    def owned(self, rank: int, world_size: int) -> Iterator[Fragment]:
        """Yields the fragments that this rank has to save: those of all ranks cover everything."""
        for f in self.fragments:
            if not self.is_replicated:
                yield f
                continue
            low, high = f.numel * rank // world_size, f.numel * (rank + 1) // world_size
            if high > low:
                yield Fragment(f.name, low, high - low, f.buffer, low)

    def publish(self) -> None:
        """Gives the model the values of the master weights. Collective."""
        raise NotImplementedError

    def adopt(self) -> None:
        """Gives the master weights the values of the model, after ``assign``. Collective."""
        raise NotImplementedError

    def full(self, value: Tensor) -> Tensor:
        """Returns the whole of a parameter or buffer of the model. Collective."""
        return value.detach()

    def local(self, value: Tensor) -> Tensor:
        """Returns what this rank holds of a parameter or buffer of the model."""
        return value.detach()

    def numel(self, value: Tensor) -> int:
        """Returns the number of elements of the whole."""
        return value.numel()

    def assign(self, target: Tensor, value: Tensor) -> None:
        """Sets a parameter or buffer of the model to ``value``, of the full shape."""
        target.detach().copy_(value)


class PlainPartition(Partition):
    """Stage 0 in fp32: the optimizer updates the parameters themselves."""

    is_replicated = True

    def __init__(self, optimizer: torch.optim.Optimizer, names: Mapping[Any, str]) -> None:
        self.groups = [[names[p] for p in g["params"]] for g in optimizer.param_groups]
        self.fragments = [
            Fragment(names[p], 0, p.numel(), p, 0)
            for g in optimizer.param_groups
            for p in g["params"]
        ]

    def publish(self) -> None:
        """Does nothing: they are the same tensors."""

    def adopt(self) -> None:
        """Does nothing: they are the same tensors."""


class CopiedPartition(Partition):
    """Stage 0 in half precision: every rank keeps an fp32 copy of every parameter."""

    is_replicated = True

    def __init__(self, zero: Any, names: Mapping[Any, str]) -> None:
        self.scaler = zero.loss_scale_config
        self._pairs = [
            (half, full)
            for halves, fulls in zip(zero.fp16_groups, zero.fp32_groups, strict=True)
            for half, full in zip(halves, fulls, strict=True)
        ]
        self.groups = [[names[p] for p in group] for group in zero.fp16_groups]
        self.fragments = [Fragment(names[h], 0, h.numel(), f, 0) for h, f in self._pairs]

    def publish(self) -> None:
        """Rounds the master weights."""
        for half, full in self._pairs:
            half.detach().copy_(full.detach())

    def adopt(self) -> None:
        """Copies."""
        for half, full in self._pairs:
            full.detach().copy_(half.detach())


class FlatPartition(Partition):
    """Stages 1 and 2: one flat buffer per param group, cut into equal parts for the ranks."""

    def __init__(self, zero: Any, names: Mapping[Any, str]) -> None:
        self._zero = zero
        self.scaler = getattr(zero, "loss_scaler", None)
        halves = zero.bf16_groups if hasattr(zero, "bf16_groups") else zero.bit16_groups
        self.groups = [[names[p] for p in group] for group in halves]
        self.fragments, self._params = [], []
        for group, param_group in zip(halves, zero.param_groups, strict=True):
            for param in group:
                link = param._hp_mapping
                if link is not None:
                    self._params.append(param)
                    here, there = link.lp_fragment_address, link.hp_fragment_address
                    self.fragments.append(
                        Fragment(
                            names[param],
                            here.start,
                            here.numel,
                            param_group["params"][0],
                            there.start,
                        )
                    )

    def publish(self) -> None:
        """Rounds this rank's part and gathers the others'."""
        self._zero.update_lp_params()

    def adopt(self) -> None:
        """Copies this rank's part."""
        for fragment, param in zip(self.fragments, self._params, strict=True):
            part = param.detach().reshape(-1).narrow(0, fragment.offset, fragment.numel)
            fragment.of(fragment.buffer).copy_(part)


class ShardedPartition(Partition):
    """Stage 3: the model's parameters are cut too, each into equal parts for the ranks."""

    def __init__(self, zero: Any, names: Mapping[Any, str], device: torch.device) -> None:
        self._zero = zero
        self.scaler = zero.loss_scaler
        self._device = device
        self._rank, self._world_size = dist.get_rank(), dist.get_world_size()
        groups: dict[int, list[str]] = {i: [] for i in range(len(zero.param_groups))}
        self.fragments = []
        for sub_group, params in enumerate(zero.fp16_groups):
            buffer = zero.fp32_partitioned_groups_flat[sub_group]
            for param in params:
                groups[zero.sub_group_to_group_id[sub_group]].append(names[param])
                _, start, _ = zero.grad_position[zero.get_param_id(param)]
                offset, numel = self._own(param)
                if numel:
                    self.fragments.append(Fragment(names[param], offset, numel, buffer, start))
        self.groups = list(groups.values())

    def _own(self, param: Any) -> tuple[int, int]:
        """Returns offset and length of this rank's part; the last parts may be padding."""
        size = param.partition_numel()
        offset = size * self._rank
        return offset, max(0, min(size, param.ds_numel - offset))

    def publish(self) -> None:
        """Rounds this rank's part and gathers the small parameters that are always whole."""
        self._zero.checkpoint_event_prologue()
        for part, master in self._parts():
            part.copy_(master)
        self._zero.checkpoint_event_epilogue()

    def adopt(self) -> None:
        """Copies this rank's part; gathers as above, because ``assign`` has set the parts only."""
        for part, master in self._parts():
            master.copy_(part)
        self.publish()

    def _parts(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yields this rank's part of each parameter and of its master weights."""
        zero = self._zero
        for params, buffer in zip(zero.fp16_groups, zero.fp32_partitioned_groups_flat, strict=True):
            start = 0
            for param in params:
                part = param.ds_tensor.detach()
                yield part, buffer.detach().narrow(0, start, part.numel())
                start += part.numel()

    def full(self, value: Tensor) -> Tensor:
        """Gathers a parameter from all ranks."""
        if not hasattr(value, "ds_tensor"):
            return value.detach()
        param: Any = value
        part = param.ds_tensor.detach()
        whole = part.new_empty(part.numel() * self._world_size, device=self._device)
        dist.all_gather_into_tensor(whole, part.to(self._device))
        return whole.narrow(0, 0, param.ds_numel).view(param.ds_shape)

    def local(self, value: Any) -> Tensor:
        """Returns this rank's part, with what pads it."""
        return value.ds_tensor.detach() if hasattr(value, "ds_tensor") else value.detach()

    def numel(self, value: Any) -> int:
        """Returns the number of elements of the whole."""
        return value.ds_numel if hasattr(value, "ds_numel") else value.numel()

    def assign(self, target: Tensor, value: Tensor) -> None:
        """Keeps this rank's part."""
        if not hasattr(target, "ds_tensor"):
            super().assign(target, value)
            return
        param: Any = target
        offset, numel = self._own(param)
        if numel:
            part = value.reshape(-1).narrow(0, offset, numel)
            param.ds_tensor.detach().narrow(0, 0, numel).copy_(part)
