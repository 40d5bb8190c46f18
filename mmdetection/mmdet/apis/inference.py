"""Detection in single images: build a model from a config, run it, look at the result."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmcv.config import Config
from mmcv.data import collate
from mmcv.runner.device import device_of, to_device
from mmcv.runner.inference import load_config, load_weights
from mmdet.datasets.pipelines import Compose
from mmdet.models import build_detector
from mmdet.registry import DATASETS


def init_detector(
    config: str | Path | Config,
    checkpoint: str | Path | None = None,
    device: str = "cuda:0",
    cfg_options: Mapping[str, Any] | None = None,
) -> Any:
    """Builds a detector for inference.

    Args:
        config: a config, or its file. It is not changed.
        checkpoint: weights; None keeps random ones.
        device: where to run. Without a GPU, "cuda" means the CPU.
        cfg_options: changes of the config.

    Returns:
        The model in evaluation mode, with ``cfg``, ``CLASSES`` and ``PALETTE``.
    """
    cfg = load_config(config, cfg_options)
    test = cfg.get("data", {}).get("test")
    named = isinstance(test, Mapping) and "type" in test
    dataset = DATASETS.get(test["type"]) if named else DATASETS.get("CocoDataset")

    def build() -> Any:
        return build_detector(cfg.model, test_cfg=cfg.get("test_cfg"))

    return load_weights(build, cfg, checkpoint, dataset, device)


def inference_detector(
    model: Any, imgs: str | Path | np.ndarray | Sequence[str | Path | np.ndarray]
) -> Any:
    """Detects objects in images, one after the other, so that their sizes may differ.

    Args:
        model: from :func:`init_detector`.
        imgs: files, or (H, W, 3) BGR arrays; one or several.

    Returns:
        The result of one image (boxes per class, or a tuple of boxes and masks per class), or a
        list of such if a list was given.
    """
    several = imgs if isinstance(imgs, (list, tuple)) else [imgs]
    device = device_of(model)
    results = []
    for img in several:
        batch = to_device(collate([_sample(model.cfg, img)]), device)
        with torch.no_grad():
            results += model(return_loss=False, rescale=True, **batch)
    return results if isinstance(imgs, (list, tuple)) else results[0]


def _sample(cfg: Any, img: Any) -> dict[str, Any]:
    steps = copy.deepcopy(list(cfg.data.test.pipeline))
    if isinstance(img, np.ndarray):
        steps[0] = {"type": "LoadImageFromWebcam"}
        return Compose(steps)({"img": img})
    return Compose(steps)({"img_info": {"filename": str(img)}, "img_prefix": None})


def show_result_pyplot(
    model: Any,
    img: str | Path | np.ndarray,
    result: Any,
    score_thr: float = 0.3,
    title: str = "result",
    wait_time: float = 0,
    palette: Any = None,
    out_file: str | None = None,
) -> None:
    """Shows a result in a window, or writes it to ``out_file`` if one is given.

    Args:
        model: the detector, maybe in a parallel wrapper.
        img: file or (H, W, 3) BGR array.
        result: from :func:`inference_detector`.
        score_thr: lowest score drawn.
        title: of the window.
        wait_time: seconds until it closes; 0 waits for a key.
        palette: colours; None: the model's.
        out_file: picture to write.
    """
    model = getattr(model, "module", model)
    colours = palette if palette is not None else (getattr(model, "PALETTE", None) or "random")
    model.show_result(
        img,
        result,
        score_thr=score_thr,
        show=out_file is None,
        wait_time=wait_time,
        win_name=title,
        bbox_color=colours,
        text_color=(200, 200, 200),
        mask_color=colours,
        out_file=out_file,
    )
