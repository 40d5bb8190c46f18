"""Training from a program of one's own, as 1.x tools do it; tools/train.py does the same."""

from __future__ import annotations

from typing import Any

from torch import nn

from mmcv.config import Config
from mmcv.registry import ConfigError
from mmcv.runner.dist_utils import is_distributed
from mmcv.runner.launch import Task, build_dataset, train_model


def train_built_model(
    task: Task,
    model: nn.Module,
    dataset: Any,
    cfg: Config,
    *,
    distributed: bool,
    validate: bool,
    timestamp: str | None,
    meta: dict[str, Any] | None,
) -> None:
    """Does what ``train_segmentor`` and ``train_detector`` of 1.x did.

    Args:
        task: whose model it is.
        model: built and initialised.
        dataset: training samples; in a list of one, as 1.x had it.
        cfg: everything else; ``work_dir`` says where checkpoints and logs go.
        distributed: whether there are several processes; they must have been joined by init_dist.
        validate: evaluate on ``data.val`` in between.
        timestamp: in the names of log files.
        meta: stored in every checkpoint.

    Raises:
        ConfigError: the parts do not fit together.
    """
    datasets = dataset if isinstance(dataset, (list, tuple)) else [dataset]
    if len(datasets) != 1:
        raise ConfigError(
            f"training takes one data set, but got {len(datasets)}: evaluation between"
            " training is evaluation=dict(interval=...), not a step of the workflow"
        )
    if distributed != is_distributed():
        state = "no process group: call init_dist first" if distributed else "a process group"
        raise ConfigError(f"training with distributed={distributed}, but there is {state}")
    val_set = build_dataset(task, cfg, "val", {"test_mode": True}) if validate else None
    train_model(task, model, datasets[0], cfg, val_set=val_set, meta=meta, timestamp=timestamp)
