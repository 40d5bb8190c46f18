"""Segmentation of single images: build a model from a config, run it, look at the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from mmcv.config import Config
from mmcv.data import collate
from mmcv.image import imwrite
from mmcv.runner.inference import LoadImage, load_config, load_weights
from mmseg.datasets.pipelines import Compose
from mmseg.models import build_segmentor
from mmseg.registry import DATASETS


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
    cfg = load_config(config)

    def build() -> nn.Module:
        return build_segmentor(cfg.model, test_cfg=cfg.get("test_cfg"))

    return load_weights(build, cfg, checkpoint, _dataset_class(cfg), device)


def _dataset_class(config: Config) -> Any:
    test = config.get("data", {}).get("test")
    return DATASETS.get(test["type"]) if isinstance(test, Mapping) and "type" in test else None


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
