"""Training of detectors from a program of one's own."""

from __future__ import annotations

from typing import Any

from torch import nn

from mmcv.config import Config
from mmcv.runner.seed import init_random_seed, set_random_seed
from mmcv.runner.train_api import train_built_model
from mmdet.task import TASK

__all__ = ["init_random_seed", "set_random_seed", "train_detector"]


def train_detector(
    model: nn.Module,
    dataset: Any,
    cfg: Config,
    distributed: bool = False,
    validate: bool = False,
    timestamp: str | None = None,
    meta: dict[str, Any] | None = None,
) -> None:
    """Trains a detector that is built and initialised; see mmcv.runner.train_api."""
    options = {"timestamp": timestamp, "meta": meta, "validate": validate}
    train_built_model(TASK, model, dataset, cfg, distributed=distributed, **options)
