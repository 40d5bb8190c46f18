"""What can be wrong with what a runner is given; found before anything runs."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmcv.registry import ConfigError, config_path


@contextmanager
def in_section(path: str, section: Any) -> Iterator[None]:
    """Lets errors from a section of the config, built by a registry or not, start with its path."""
    with config_path(path, section):
        try:
            yield
        except ConfigError as error:
            if getattr(error, "located", False):  # more precisely, by a registry
                raise
            named = type(error)(f"{path}: {error}")
            named.located = True  # type: ignore[attr-defined]
            raise named from error


def check_workflow(workflow: Any) -> None:
    """Raises ConfigError unless ``workflow`` is 1.x's for training, ``[('train', 1)]``."""
    if workflow is None or [tuple(flow) for flow in workflow] == [("train", 1)]:
        return
    raise ConfigError(
        f"workflow={workflow!r} is not supported, only [('train', 1)]; to validate while training,"
        " set evaluation=dict(interval=...)"
    )


def check_arguments(batch_processor: Any, optimizer: Any, logger: Any, meta: Any) -> None:
    """Raises TypeError if a runner's argument has a wrong type."""
    if batch_processor is not None:
        raise TypeError("batch_processor is not supported: give the model a method train_step()")
    named = optimizer if isinstance(optimizer, Mapping) else {"optimizer": optimizer}
    for name, one in named.items():
        if one is not None and not hasattr(one, "param_groups"):
            raise TypeError(f"{name} must be a torch.optim.Optimizer, but got {type(one)}")
    if not (logger is None or isinstance(logger, logging.Logger)):
        raise TypeError(f"logger must be a logging.Logger, but got {type(logger)}")
    if not (meta is None or isinstance(meta, dict)):
        raise TypeError(f"meta must be a dict or None, but got {type(meta)}")


def made_folder(work_dir: Any) -> str | None:
    """Returns the absolute path of a work dir, which is made if it is missing."""
    if work_dir is None:
        return None
    if not isinstance(work_dir, (str, Path)):
        raise TypeError('"work_dir" must be a str or None')
    folder = Path(os.path.abspath(work_dir))
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)  # users' hooks join it to names as text


def check_not_empty(loader: Any) -> Any:
    """Returns the loader; raises ConfigError if it has no batch, since nothing would be trained."""
    if len(loader) > 0:
        return loader
    num_samples = len(loader.dataset) if hasattr(loader, "dataset") else 0
    raise ConfigError(
        f"the training loader is empty: {num_samples} samples do not fill one batch of"
        f" {getattr(loader, 'batch_size', None)} on each rank; add data, lower"
        " data.samples_per_gpu, or set data.train_dataloader.drop_last=False"
    )
