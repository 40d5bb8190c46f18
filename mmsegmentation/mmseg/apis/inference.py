"""Segmentation of single images: build a model from a config, run it, look at the result."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from mmcv.config import Config
from mmcv.data import collate
from mmcv.image import imread, imwrite
from mmcv.runner.checkpoint import load_checkpoint
from mmcv.runner.precision import apply_precision
from mmseg.datasets.pipelines import Compose
from mmseg.models import build_segmentor
from mmseg.registry import DATASETS

logger = logging.getLogger(__name__)


def init_segmentor(
    config: str | Path | Config, checkpoint: str | Path | None = None, device: str = "cuda:0"
) -> Any:
    """Builds a segmentor for inference.

    Args:
        config: a config, or its file. It is not changed.
        checkpoint: weights; None keeps random ones.
        device: where to run. Without a GPU, "cuda" means the CPU.

    Returns:
        The model in evaluation mode, with ``cfg``, ``CLASSES`` and ``PALETTE``.
    """
    if isinstance(config, (str, Path)):
        config = Config.fromfile(config)
    elif not isinstance(config, Config):
        raise TypeError(f"config must be a filename or Config object, but got {type(config)}")
    config = without_pretrained(config)
    model = build_segmentor(config.model, test_cfg=config.get("test_cfg"))
    apply_precision(model, config)
    meta: Mapping[str, Any] = {}
    if checkpoint is not None:
        meta = checkpoint_meta(load_checkpoint(model, checkpoint, map_location="cpu"))
    set_classes(model, meta, _dataset_class(config))
    model.cfg = config  # type: ignore[assignment]
    if device.startswith("cuda") and not torch.cuda.is_available():
        logger.info("no CUDA device: the model runs on the CPU")
        device = "cpu"
    return model.to(device).eval()


def _dataset_class(config: Config) -> Any:
    test = config.get("data", {}).get("test")
    return DATASETS.get(test["type"]) if isinstance(test, Mapping) and "type" in test else None


def without_pretrained(config: Config) -> Config:
    """Returns a copy of a config that does not ask for the weights that training started from.

    A checkpoint replaces them all, and the file may be far away by now.
    """
    config = copy.deepcopy(config)
    config.model.pretrained = None
    config.model.train_cfg = None
    if config.model.get("backbone", {}).get("pretrained") is not None:
        config.model.backbone.pretrained = None
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


def inference_segmentor(
    model: nn.Module, imgs: str | Path | np.ndarray | Sequence[str | Path | np.ndarray]
) -> list[np.ndarray]:
    """Segments images, one after the other, so that their sizes may differ.

    Args:
        model: from :func:`init_segmentor`.
        imgs: files, or (H, W, 3) BGR arrays; one or several.

    Returns:
        One map of classes (H, W) int64 per image.
    """
    several = imgs if isinstance(imgs, (list, tuple)) else [imgs]
    config: Any = model.cfg
    # The loading step is left out: the images are given.
    pipeline = Compose([LoadImage(), *config.data.test.pipeline[1:]])
    device = next(model.parameters()).device
    results: list[np.ndarray] = []
    for img in several:
        batch = collate([pipeline({"img": img})])
        batch["img"] = [view.to(device) for view in batch["img"]]
        with torch.no_grad():
            results += model(return_loss=False, rescale=True, **batch)
    return results


def show_result_pyplot(
    model: Any,
    img: str | Path | np.ndarray,
    result: Sequence[np.ndarray],
    palette: Sequence[Sequence[int]] | None = None,
    fig_size: tuple[float, float] = (15, 10),
    opacity: float = 0.5,
    title: str = "",
    block: bool = True,
    out_file: str | None = None,
) -> None:
    """Shows a result in a matplotlib window, and writes it to ``out_file`` if one is given.

    Args:
        model: the segmentor, maybe in a parallel wrapper.
        img: file or (H, W, 3) BGR array.
        result: from :func:`inference_segmentor`.
        palette: RGB colours; None: the model's.
        fig_size: inches.
        opacity: of the colours over the image.
        title: of the figure.
        block: wait until the window is closed.
        out_file: picture to write.
    """
    from matplotlib import pyplot as plt

    model = getattr(model, "module", model)
    drawn = model.show_result(img, result, palette=palette, show=False, opacity=opacity)
    if out_file is not None:
        imwrite(drawn, out_file)
    if plt.get_backend().lower() == "agg":  # no display
        return
    plt.figure(figsize=fig_size)
    plt.imshow(drawn[..., ::-1])
    plt.title(title)
    plt.tight_layout()
    plt.show(block=block)
