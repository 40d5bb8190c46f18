"""What is in a checkpoint directory of the DeepSpeed strategy, and how a run continues from one.

    iter_1000/
        manifest.json                                    sizes, sha256, world size, stage, versions
        global_step1000/mp_rank_00_model_states.pt       'module': the bare model, 'meta', the rest
        global_step1000/frozen_states.pt                 what of it is frozen, if that is large
        global_step1000/zero_pp_rank_R_mp_rank_00_optim_states.pt      the slices of rank R

The paths are those that users of the original know; the content is plain (``weights_only=True``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from mmcv.runner.dist_utils import get_dist_info
from mmcv.runner.external import RECORD, ExternalWeights, note_recorded, read_external
from mmcv.runner.files import CheckpointError, plain, read_file
from mmcv.runner.zero import directory
from mmcv.runner.zero.background import Copies
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
    external: ExternalWeights
    stage: int

    @property
    def counters(self) -> dict[str, int]:
        """What the engine counts."""
        ...

    @counters.setter
    def counters(self, values: Mapping[str, int]) -> None: ...


def collect(
    run: Trained, state: Mapping[str, Any], *, with_optimizer: bool, copies: Copies | None = None
) -> tuple[directory.Writers, dict[str, Any]]:
    """Returns what this rank has to write, and facts for the manifest. Collective.

    Args:
        run: what is saved.
        state: of the runner.
        with_optimizer: else only the model and the state.
        copies: where values are copied to; by default they must be written before training goes on.
    """
    rank, world_size = get_dist_info()
    folder = f"global_step{run.counters['global_steps']}"
    files: dict[str, Any] = {}
    if with_optimizer:
        shard = pack_optimizer(run.partition, run.optimizer, rank, world_size)
        shard["counters"] = run.counters
        shard["loss_scale"] = _scaler_state(run.partition.scaler)
        files[SHARD_FILE.format(rank)] = shard
    frozen = None
    if run.frozen.must_write():
        frozen = _gather(run, run.frozen.names, is_kept=rank == 0, copies=None)
    external = run.external.record()
    elsewhere = {*run.frozen.names, *external}
    trained = [name for name in run.module.state_dict() if name not in elsewhere]
    module = _gather(run, trained, is_kept=rank == 0, copies=copies)
    if rank == 0:
        state = {**state, "meta": plain(state.get("meta", {}))}
        top = {key: state["meta"][key] for key in TOP_LEVEL if key in state["meta"]}
        files[MODEL_FILE] = {**top, **state, "state_keys": list(state), RECORD: external}
    if copies is not None:
        files = {name: copies.of(content, name) for name, content in files.items()}
        copies.wait()
    if rank == 0:
        files[MODEL_FILE]["module"] = module
    writers: dict[str, directory.Writer] = {
        f"{folder}/{name}": directory.save_tensors(content) for name, content in files.items()
    }
    if rank == 0 and run.frozen.names:
        writers[f"{folder}/{FROZEN_FILE}"] = run.frozen.writer(frozen)
    facts = {
        "world_size": world_size,
        "stage": run.stage,
        "with_optimizer": with_optimizer,
        "torch": torch.__version__,
    }
    return writers, facts


def load(run: Trained, path: Path, *, with_optimizer: bool) -> dict[str, Any]:
    """Restores the model and all that belongs to its optimizer; returns the state. Collective."""
    manifest = directory.verify_together(path)
    content = directory.read_directory(path)
    record = content.get(RECORD, {})
    external = read_external(record, path, share=True)
    _assign_module(run, {**content["module"], **external}, path)
    note_recorded(run.module, record)
    run.frozen.choose()
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


def _gather(
    run: Trained, names: Iterable[str], *, is_kept: bool, copies: Copies | None
) -> dict[str, Tensor]:
    """Returns parameters and buffers on the CPU, tensors of their own; {} unless kept."""
    values = run.module.state_dict(keep_vars=True)
    state = {}
    for name in names:
        whole = run.partition.full(values[name])
        if is_kept and copies is not None:
            state[name] = copies.of(whole, f"module/{name}")
        elif is_kept:
            state[name] = torch.empty_like(whole, device="cpu").copy_(whole)
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
