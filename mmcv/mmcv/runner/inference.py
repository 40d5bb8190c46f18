"""Models for inference: a config, a checkpoint's weights, and the names of the classes."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mmcv.config import Config
from mmcv.image import imread
from mmcv.runner.model_loading import build_and_load
from mmcv.runner.precision import apply_precision

logger = logging.getLogger(__name__)


def load_config(config: str | Path | Config, options: Mapping[str, Any] | None = None) -> Config:
    """Returns a config without the weights that training started from; the argument is kept.

    Args:
        config: a config, or its file.
        options: changes, as of ``--cfg-options``.
    """
    if isinstance(config, (str, Path)):
        config = Config.fromfile(config)
    elif not isinstance(config, Config):
        raise TypeError(f"config must be a filename or Config object, but got {type(config)}")
    config = copy.deepcopy(config)
    if options:
        config.merge_from_dict(options)
    return without_pretrained(config)


def load_weights(
    build: Callable[[], nn.Module],
    config: Config,
    checkpoint: str | Path | None,
    dataset: Any,
    device: str,
) -> nn.Module:
    """Returns a model in evaluation mode, with ``cfg``, ``CLASSES`` and ``PALETTE``.

    Args:
        build: builds it, on the CPU.
        config: the config it is from.
        checkpoint: weights; None keeps random ones.
        dataset: gives the names and colours that the checkpoint lacks.
        device: where to run. Without a GPU, "cuda" means the CPU.
    """
    meta: Mapping[str, Any] = {}
    if checkpoint is None:
        model: Any = apply_precision(build(), config)
    else:
        model, content = build_and_load(build, checkpoint, config)
        meta = checkpoint_meta(content)
    set_classes(model, meta, dataset)
    model.cfg = config
    if device.startswith("cuda") and not torch.cuda.is_available():
        logger.info("no CUDA device: the model runs on the CPU")
        device = "cpu"
    return model.to(device).eval()


def without_pretrained(config: Config) -> Config:
    """Returns a copy of a config that does not ask for the weights that training started from.

    A checkpoint replaces them all, and the file may be far away by now.
    """
    config = copy.deepcopy(config)
    for key in ("pretrained", "train_cfg"):
        if key in config.model:
            config.model[key] = None
    backbone = config.model.get("backbone", {})
    if backbone.get("pretrained") is not None:
        backbone.pretrained = None
    if (backbone.get("init_cfg") or {}).get("type") == "Pretrained":
        backbone.init_cfg = None
    return config


def checkpoint_meta(checkpoint: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns what a checkpoint says about itself; in DeepSpeed's it stands at the top level."""
    meta = checkpoint.get("meta")
    return meta if isinstance(meta, Mapping) else checkpoint


def set_classes(model: Any, meta: Mapping[str, Any], dataset: Any) -> None:
    """Sets the model's class names and colours: the checkpoint's, or else the data set's."""
    for name in ("CLASSES", "PALETTE"):
        if meta.get(name) is None:
            logger.info('"%s" not found in meta, use dataset.%s instead', name, name)
            setattr(model, name, getattr(dataset, name, None))
        else:
            setattr(model, name, meta[name])


class LoadImage:
    """The first step of an inference pipeline: takes a file or an array from ``img``."""

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Adds what LoadImageFromFile would."""
        name = str(results["img"]) if isinstance(results["img"], (str, Path)) else None
        img = imread(results["img"])
        results.update(filename=name, ori_filename=name, img=img)
        results.update(img_shape=img.shape, ori_shape=img.shape)
        return results
