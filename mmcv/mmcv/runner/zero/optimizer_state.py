"""Optimizer state as slices of named parameters: what a rank stores, how any rank restores it.

A shard is plain dicts, numbers and tensors, so ``torch.load(weights_only=True)`` reads it. Slices
carry the parameter's name and offset: the ranks and the stage that read them need not be those
that wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mmcv.runner.files import CheckpointError
from mmcv.runner.zero.partition import Fragment, Partition

MASTER = "master"
# How an optimizer computes, which is the business of the machine it runs on.
IMPLEMENTATION = ("foreach", "fused", "capturable", "differentiable")
Shard = Mapping[str, Any]


def pack_optimizer(
    partition: Partition, optimizer: torch.optim.Optimizer, rank: int, world_size: int
) -> dict[str, Any]:
    """Returns what this rank stores.

    Returns:
        ``optimizer``: class name; ``groups``: hyper-parameters and ``names`` per param group;
        ``fragments``: per parameter name ``offset``, ``numel``, ``master`` and the state tensors,
        each (numel,), in part views of the live buffers; ``step`` and other numbers as they are.
    """
    groups = [
        {**{k: v for k, v in group.items() if k not in ("params", "param_names")}, "names": names}
        for group, names in zip(optimizer.param_groups, partition.groups, strict=True)
    ]
    fragments = {}
    for fragment in partition.owned(rank, world_size):
        entry: dict[str, Any] = {"offset": fragment.offset, "numel": fragment.numel}
        entry[MASTER] = fragment.of(fragment.buffer)
        for key, value in optimizer.state.get(fragment.buffer, {}).items():
            is_part = torch.is_tensor(value) and value.shape == fragment.buffer.shape
            entry[key] = fragment.of(value) if is_part else value
        fragments[fragment.name] = entry
    return {"optimizer": type(optimizer).__name__, "groups": groups, "fragments": fragments}


def restore_optimizer(
    partition: Partition, optimizer: torch.optim.Optimizer, shards: Iterable[Shard]
) -> None:
    """Fills master weights, moments, step counts and hyper-parameters from the shards of all ranks.

    Raises:
        CheckpointError: another optimizer, other parameters, or slices that leave gaps.
    """
    shards = list(shards)
    _restore_groups(partition, optimizer, shards[0])
    slices = _index(shards)
    # Such implementations keep step counts where the parameters are.
    on_device = any(g.get("fused") or g.get("capturable") for g in optimizer.param_groups)
    for fragment in partition.fragments:
        pieces = _pieces(fragment, slices.get(fragment.name, []))
        covered = sum(piece.numel for piece in pieces)
        if covered != fragment.numel:
            raise CheckpointError(
                f"the optimizer shards hold {covered} of {fragment.numel} elements of "
                f"{fragment.name!r}; the checkpoint is of another model"
            )
        state = optimizer.state[fragment.buffer]
        _fill(fragment, state, pieces)
        if on_device:
            device = fragment.buffer.device
            state.update({k: v.to(device) for k, v in state.items() if torch.is_tensor(v)})


def join_masters(shards: Iterable[Shard]) -> Callable[[str], Tensor | None]:
    """Returns a function that gives the fp32 master weights of a parameter, flattened, by name.

    It gives None for names that were not trained.
    """
    slices = _index(list(shards))

    def join(name: str) -> Tensor | None:
        entries = sorted(slices.get(name, []), key=lambda entry: entry["offset"])
        return torch.cat([entry[MASTER] for entry in entries]) if entries else None

    return join


def _restore_groups(partition: Partition, optimizer: torch.optim.Optimizer, shard: Shard) -> None:
    """Sets each group's own hyper-parameters; groups are matched by their parameters' names."""
    if shard["optimizer"] != type(optimizer).__name__:
        raise CheckpointError(
            f"the checkpoint was written with optimizer {shard['optimizer']}, "
            f"but the config builds {type(optimizer).__name__}; set optimizer.type to it"
        )
    saved = {name: group for group in shard["groups"] for name in group["names"]}
    for group, names in zip(optimizer.param_groups, partition.groups, strict=True):
        sources = {id(saved.get(name)): saved.get(name) for name in names}
        if len(sources) != 1 or None in sources.values():
            unknown = [name for name in names if name not in saved]
            raise CheckpointError(
                f"the checkpoint has no optimizer state of {unknown[0]!r}: frozen in that run, "
                "or another model"
                if unknown
                else f"the checkpoint groups {names[0]!r} and others differently: paramwise_cfg of "
                "the optimizer has changed"
            )
        source = saved[names[0]] if names else {}
        kept = ("names", *IMPLEMENTATION)
        group.update({k: v for k, v in source.items() if k not in kept})


def _index(shards: list[Shard]) -> dict[str, list[Mapping[str, Any]]]:
    slices: dict[str, list[Mapping[str, Any]]] = {}
    for shard in shards:
        for name, entry in shard["fragments"].items():
            slices.setdefault(name, []).append(entry)
    return slices


class _Piece(NamedTuple):
    """What one shard has of a fragment."""

    entry: Mapping[str, Any]
    source: int  # first element in the entry's tensors
    target: int  # first element in the fragment
    numel: int


def _pieces(fragment: Fragment, entries: list[Mapping[str, Any]]) -> list[_Piece]:
    pieces = []
    for entry in entries:
        low = max(fragment.offset, entry["offset"])
        high = min(fragment.offset + fragment.numel, entry["offset"] + entry["numel"])
        if high > low:
            pieces.append(_Piece(entry, low - entry["offset"], low - fragment.offset, high - low))
    return pieces


def _fill(fragment: Fragment, state: dict[str, Any], pieces: list[_Piece]) -> None:
    for key, value in pieces[0].entry.items():
        if key in ("offset", "numel"):
            continue
        if key == MASTER:
            _copy(fragment, fragment.buffer, key, pieces)
        elif torch.is_tensor(value) and value.dim() > 0:
            if key not in state:
                state[key] = torch.zeros_like(fragment.buffer, requires_grad=False)
            _copy(fragment, state[key], key, pieces)
        else:
            # A tensor of its own for each buffer: Adam advances `step` in place.
            state[key] = value.clone() if torch.is_tensor(value) else value


def _copy(fragment: Fragment, buffer: Tensor, key: str, pieces: list[_Piece]) -> None:
    part = buffer.detach().view(-1).narrow(0, fragment.start, fragment.numel)
    for entry, source, target, numel in pieces:
        part.narrow(0, target, numel).copy_(entry[key].narrow(0, source, numel))
