"""Testing loops under their 1.x names, and the drawing of results."""

from __future__ import annotations

import os.path as osp
from typing import Any

from torch import nn
from torch.utils.data import DataLoader

from mmcv.runner.testing import OnResult, run_inference
from mmdet.evaluation.records import encode_results


def single_gpu_test(
    model: nn.Module,
    data_loader: DataLoader,
    show: bool = False,
    out_dir: str | None = None,
    show_score_thr: float = 0.3,
) -> list[Any]:
    """Runs the model over a data set in this process; masks are returned as RLE.

    Args:
        model: called with ``return_loss=False, rescale=True``.
        data_loader: yields the samples in order.
        show: show each result in a window.
        out_dir: folder for pictures of the results.
        show_score_thr: lowest score drawn.
    """
    draw = None
    if show or out_dir:
        draw = drawing(model, data_loader, show=show, out_dir=out_dir, score_thr=show_score_thr)
    return run_inference(model, data_loader, pre_eval=_encode, on_result=draw) or []


def multi_gpu_test(
    model: nn.Module, data_loader: DataLoader, tmpdir: str | None = None, gpu_collect: bool = False
) -> list[Any] | None:
    """Returns the results of all ranks in the order of the data set on rank 0, None elsewhere.

    Args:
        model: called with ``return_loss=False, rescale=True``.
        data_loader: yields this rank's share.
        tmpdir: accepted; results travel through the process group, not through files.
        gpu_collect: accepted.
    """
    return run_inference(model, data_loader, pre_eval=_encode)


def _encode(predictions: list[Any], indices: list[int]) -> list[Any]:
    return encode_results(predictions)


def drawing(
    model: Any, data_loader: DataLoader, *, show: bool, out_dir: str | None, score_thr: float
) -> OnResult:
    """Returns a function that draws the predictions of a batch over their images.

    Args:
        model: the detector, maybe in a parallel wrapper.
        data_loader: whose data set has the colours.
        show: show each picture in a window.
        out_dir: where pictures are written, under the names of the images.
        score_thr: lowest score drawn.
    """
    draw: Any = getattr(model, "module", model).show_result
    palette = getattr(data_loader.dataset, "PALETTE", None) or "random"
    colours = {"bbox_color": palette, "mask_color": palette, "text_color": (255, 255, 255)}

    def draw_batch(predictions: list[Any], indices: list[int], batch: Any) -> None:
        for prediction, meta in zip(predictions, batch["img_metas"][0], strict=True):
            out_file = osp.join(out_dir, meta["ori_filename"]) if out_dir else None
            options = {"show": show, "out_file": out_file, "score_thr": score_thr}
            draw(meta["filename"], prediction, **options, **colours)

    return draw_batch
