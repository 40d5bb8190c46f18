"""What is in a checkpoint directory of the DeepSpeed strategy, and how a run continues from one.

    iter_1000/
        manifest.json                                    sizes, sha256, world size, stage, versions
        global_step1000/mp_rank_00_model_states.pt       'module': the bare model, 'meta', the rest
        global_step1000/frozen_states.pt                 what of it is frozen, if that is large
        global_step1000/zero_pp_rank_R_mp_rank_00_optim_states.pt      the slices of rank R

The paths are those that users of the original know; the content is plain (``weights_only=True``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from mmcv.runner.dist_utils import get_dist_info
from mmcv.runner.files import CheckpointError, plain, read_file
from mmcv.runner.zero import directory
from mmcv.runner.zero.directory import FROZEN_FILE, MODEL_FILE, TOP_LEVEL
from mmcv.runner.zero.frozen import FrozenWeights
from mmcv.runner.zero.optimizer_state import pack_optimizer, restore_optimizer
from mmcv.runner.zero.partition import Partition

SHARD_FILE = "zero_pp_rank_{}_mp_rank_00_optim_states.pt"
SCALER_FIELDS = ("cur_scale", "cur_iter", "last_overflow_iter", "cur_hysteresis")


class Trained(Protocol):
    """What is saved: the part of the strategy that this file uses."""

    module: nn.Module
    optimizer: torch.optim.Optimizer
    partition: Partition
    frozen: FrozenWeights
    stage: int

    @property
    def counters(self) -> dict[str, int]:
        """What the engine counts."""
        ...

    @counters.setter
    def counters(self, values: Mapping[str, int]) -> None: ...


def save(run: Trained, path: Path, state: Mapping[str, Any], *, with_optimizer: bool) -> None:
    """Writes ``path``; ``state`` is the runner's. Collective."""
    rank, world_size = get_dist_info()
    folder = f"global_step{run.counters['global_steps']}"
    writers = {}
    if with_optimizer:
        shard = pack_optimizer(run.partition, run.optimizer, rank, world_size)
        shard["counters"] = run.counters
        shard["loss_scale"] = _scaler_state(run.partition.scaler)
        writers[f"{folder}/{SHARD_FILE.format(rank)}"] = directory.save_tensors(shard)
    writes_frozen = run.frozen.must_write()
    module = _gather_module(run, keep=rank == 0, with_frozen=writes_frozen)
    if rank == 0:
        split = {name: module.pop(name) for name in run.frozen.names if name in module}
        if run.frozen.names:
            writer = run.frozen.writer(split if writes_frozen else None)
            writers[f"{folder}/{FROZEN_FILE}"] = writer
        state = {**state, "meta": plain(state.get("meta", {}))}
        top = {key: state["meta"][key] for key in TOP_LEVEL if key in state["meta"]}
        content = {**top, **state, "module": module, "state_keys": list(state)}
        writers[f"{folder}/{MODEL_FILE}"] = directory.save_tensors(content)
    facts = {
        "world_size": world_size,
        "stage": run.stage,
        "with_optimizer": with_optimizer,
        "torch": torch.__version__,
    }
    run.frozen.remember(path, directory.write_directory(path, writers, facts))


def load(run: Trained, path: Path, *, with_optimizer: bool) -> dict[str, Any]:
    """Restores the model and all that belongs to its optimizer; returns the state. Collective."""
    manifest = directory.verify_together(path)
    content = directory.read_directory(path)
    _assign_module(run, content["module"], path)
    if with_optimizer:
        shards = read_shards(path, manifest)
        restore_optimizer(run.partition, run.optimizer, shards)
        run.counters = shards[0]["counters"]
        _restore_scaler(run.partition.scaler, shards[0]["loss_scale"])
        run.partition.publish()
    else:
        run.partition.adopt()
    run.frozen.remember(path, manifest)
    return {key: content[key] for key in content["state_keys"]}


def read_shards(path: Path, manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns the optimizer shards of all ranks, memory-mapped.

    Args:
        path: checkpoint directory.
        manifest: its manifest.

    Raises:
        CheckpointError: it was saved without them.
    """
    if not manifest["with_optimizer"]:
        raise CheckpointError(
            f"{path}: has no optimizer state (saved with save_optimizer=False?), so it cannot be"
            " resumed; use load_from"
        )
    folder = next(path / name for name in manifest["files"] if name.endswith(MODEL_FILE)).parent
    files = [folder / SHARD_FILE.format(rank) for rank in range(manifest["world_size"])]
    return [read_file(file) for file in files]


def _gather_module(run: Trained, *, keep: bool, with_frozen: bool) -> dict[str, Tensor]:
    """Returns the state dict of the bare model on the CPU, tensors of their own; {} unless kept."""
    state = {}
    for name, value in run.module.state_dict(keep_vars=True).items():
        if name in run.frozen.names and not with_frozen:
            continue
        whole = run.partition.full(value)
        if keep:
            copy = torch.empty_like(whole, device="cpu")
            state[name] = copy.copy_(whole)
    return state


def _assign_module(run: Trained, state: Mapping[str, Tensor], path: Path) -> None:
    targets = run.module.state_dict(keep_vars=True)
    missing, unexpected = targets.keys() - state.keys(), state.keys() - targets.keys()
    if missing or unexpected:
        raise CheckpointError(
            f"{path}: is of another model: missing {sorted(missing)[:3]}, "
            f"unexpected {sorted(unexpected)[:3]}"
        )
    with torch.no_grad():
        for name, target in targets.items():
            shape = getattr(target, "ds_shape", target.shape)
            if shape != state[name].shape:
                raise CheckpointError(
                    f"{path}: {name} has shape {tuple(state[name].shape)}, "
                    f"the model needs {tuple(shape)}"
                )
            run.partition.assign(target, state[name])


def _scaler_state(scaler: Any) -> dict[str, Any]:
    return {key: getattr(scaler, key) for key in SCALER_FIELDS if hasattr(scaler, key)}


def _restore_scaler(scaler: Any, state: Mapping[str, Any]) -> None:
    """Continues a dynamic loss scale; a run in another precision has its own, fixed one."""
    if getattr(scaler, "last_overflow_iter", None) is not None:
        for key, value in state.items():
            setattr(scaler, key, value)
