"""Weights and training state in and out of models; the 1.x functions around checkpoints.

A checkpoint of one process, or of DistributedDataParallel, is one file with ``meta``,
``state_dict``, ``optimizer`` as in 1.x, and whatever else the runner needs to continue exactly.
"""

from __future__ import annotations

import logging
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor, nn

from mmcv.runner.checkpoint_content import (
    get_state_dict,
    save_checkpoint,
    unwrapped,
    weights_to_cpu,
)
from mmcv.runner.checkpoint_loader import CheckpointLoader, find_weights
from mmcv.runner.deferred import assign_deferred, check_assigned, is_deferred
from mmcv.runner.dist_utils import get_dist_info
from mmcv.runner.external import RECORD, note_recorded, read_external
from mmcv.runner.files import CheckpointError, read_file, save_file, verify_file
from mmcv.runner.store import CheckpointStore
from mmcv.weights.reading import fit_keys

__all__ = [
    "CheckpointError",
    "CheckpointLoader",
    "CheckpointStore",
    "LoadReport",
    "fill_model",
    "find_weights",
    "get_state_dict",
    "load_checkpoint",
    "load_state_dict",
    "read_file",
    "read_resumable",
    "save_checkpoint",
    "save_file",
    "verify_file",
    "weights_to_cpu",
]

logger = logging.getLogger(__name__)

NO_PREFIX = ((r"^module\.", ""),)
# Of batch norms; checkpoints of torch < 0.4.1 lack them, and nothing depends on them.
COUNTERS = "num_batches_tracked"


class LoadReport(NamedTuple):
    """What of a state dict did not fit a model."""

    missing_keys: list[str]
    unexpected_keys: list[str]
    mismatched: list[str]


def load_checkpoint(
    model: nn.Module,
    filename: str | Path,
    map_location: Any = "cpu",
    strict: bool = False,
    logger: logging.Logger | None = None,
    revise_keys: Sequence[tuple[str, str]] = NO_PREFIX,
) -> dict[str, Any]:
    """Loads weights into a model.

    Args:
        model: may be in a parallel wrapper.
        filename: file, DeepSpeed directory or URL; see :class:`CheckpointLoader`.
        map_location: as for ``torch.load``.
        strict: raise unless all keys match.
        logger: for what did not match.
        revise_keys: regular expressions and replacements, applied to every key in turn.

    Returns:
        The checkpoint as it is in the file.

    Raises:
        CheckpointError: not one weight of the file fits the model.
    """
    checkpoint = _load_checkpoint(filename, map_location, logger)
    fill_model(model, checkpoint, filename, strict, logger, revise_keys)
    return checkpoint


def fill_model(
    model: nn.Module,
    checkpoint: Any,
    filename: str | Path,
    strict: bool = False,
    logger: logging.Logger | None = None,
    revise_keys: Sequence[tuple[str, str]] = NO_PREFIX,
) -> None:
    """Does ``load_checkpoint`` with a checkpoint that is read already."""
    if not isinstance(checkpoint, dict):
        raise RuntimeError(f"No state_dict found in checkpoint file {filename}")
    weights = _revised(find_weights(checkpoint), revise_keys)
    weights = fit_keys(weights, get_state_dict(model))
    report = load_state_dict(model, weights, strict, logger)
    wanted = [key for key in get_state_dict(model) if COUNTERS not in key]
    if wanted and weights and len(report.missing_keys) + len(report.mismatched) >= len(wanted):
        raise CheckpointError(
            f"{filename}: none of its {len(weights)} tensors fits the model; the file has"
            f" {next(iter(weights))!r} ..., the model {wanted[0]!r} ..."
        )
    note_recorded(model, checkpoint.get(RECORD, {}))
    check_assigned(model, str(filename))


def _load_checkpoint(
    filename: str | Path, map_location: Any = "cpu", logger: logging.Logger | None = None
) -> Any:
    """Reads a checkpoint from wherever ``filename`` says (1.x name)."""
    return CheckpointLoader.load_checkpoint(str(filename), map_location, logger)


def _load_checkpoint_with_prefix(
    prefix: str, filename: str | Path, map_location: Any = "cpu"
) -> OrderedDict[str, Tensor]:
    """Returns the weights below ``prefix``, such as ``backbone``, with the prefix removed."""
    weights = find_weights(_load_checkpoint(filename, map_location))
    prefix = prefix if prefix.endswith(".") else prefix + "."
    found = OrderedDict((k[len(prefix) :], v) for k, v in weights.items() if k.startswith(prefix))
    if not found:
        raise AssertionError(f"{prefix} is not in the pretrained model {filename}")
    return found


def _revised(
    weights: Mapping[str, Tensor], revise_keys: Sequence[tuple[str, str]]
) -> OrderedDict[str, Tensor]:
    revised: OrderedDict[str, Tensor] = OrderedDict()
    for key, value in weights.items():
        for pattern, replacement in revise_keys:
            key = re.sub(pattern, replacement, key)
        revised[key] = value
    revised._metadata = getattr(weights, "_metadata", OrderedDict())  # type: ignore[attr-defined]
    return revised


def load_state_dict(
    module: nn.Module,
    state_dict: Mapping[str, Tensor],
    strict: bool = False,
    logger: logging.Logger | None = None,
) -> LoadReport:
    """Copies a state dict into a module that may contain parallel wrappers at any depth.

    Args:
        module: unlike ``nn.Module.load_state_dict``, misfits do not stop it.
        state_dict: keys without the ``module.`` of wrappers.
        strict: raise RuntimeError with the list of misfits instead of logging it.
        logger: where to.
    """
    metadata = getattr(state_dict, "_metadata", None)
    if is_deferred(module):
        state_dict = assign_deferred(module, state_dict)
    state_dict = OrderedDict(state_dict)
    if metadata is not None:
        state_dict._metadata = metadata  # type: ignore[attr-defined]
    missing: list[str] = []
    unexpected: list[str] = []
    mismatched: list[str] = []

    def load(module: nn.Module, prefix: str = "") -> None:
        module = unwrapped(module)
        local = {} if metadata is None else metadata.get(prefix[:-1], {})
        module._load_from_state_dict(
            state_dict, prefix, local, True, missing, unexpected, mismatched
        )
        for name, child in module._modules.items():
            if child is not None:
                load(child, f"{prefix}{name}.")

    load(module)
    missing = [key for key in missing if COUNTERS not in key]
    report = LoadReport(missing, unexpected, mismatched)
    _log_or_raise(report, strict, logger)
    return report


def _log_or_raise(report: LoadReport, strict: bool, log: logging.Logger | None) -> None:
    lines = list(report.mismatched)
    if report.unexpected_keys:
        lines.append(f"unexpected key in source state_dict: {', '.join(report.unexpected_keys)}\n")
    if report.missing_keys:
        lines.append(f"missing keys in source state_dict: {', '.join(report.missing_keys)}\n")
    if not lines:
        return
    text = "\n".join(["The model and loaded state dict do not match exactly\n", *lines])
    if strict:
        raise RuntimeError(text)
    if get_dist_info()[0] == 0:
        (log or logger).warning(text)


def read_resumable(path: Path, model: nn.Module, optimizer: Any) -> dict[str, Any]:
    """Restores model and optimizer from a file and returns the rest of it.

    Raises:
        CheckpointError: the file belongs to another model, or cannot be continued from.
    """
    checkpoint = read_file(path)
    if not isinstance(checkpoint, dict) or "meta" not in checkpoint:
        raise CheckpointError(f"{path}: has no 'meta', so it cannot be resumed; use load_from")
    record = checkpoint.pop(RECORD, {})
    weights = {**find_weights(checkpoint), **read_external(record, path, share=True)}
    try:
        load_state_dict(model, weights, strict=True)
    except RuntimeError as error:
        raise CheckpointError(f"{path}: {error}") from error
    note_recorded(model, record)
    if optimizer is not None:
        _load_optimizer(path, optimizer, checkpoint.get("optimizer"))
    return {k: v for k, v in checkpoint.items() if k not in ("state_dict", "optimizer")}


def _load_optimizer(path: Path, optimizer: Any, state: Any) -> None:
    if state is None:
        raise CheckpointError(
            f"{path}: has no optimizer state (saved with save_optimizer=False?), so it cannot be"
            " resumed; use load_from"
        )
    try:
        if isinstance(optimizer, Mapping):
            for name, one in optimizer.items():
                one.load_state_dict(state[name])
        else:
            optimizer.load_state_dict(state)
    except (ValueError, KeyError) as error:
        raise CheckpointError(f"{path}: the optimizer does not fit: {error}") from error
