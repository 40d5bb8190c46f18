"""Testing loops under their 1.x names, and the drawing of results."""

from __future__ import annotations

import os
import os.path as osp
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from torch import nn
from torch.utils.data import DataLoader

from mmcv.image.checks import require
from mmcv.runner.testing import OnResult, PreEval, run_inference


def single_gpu_test(
    model: nn.Module,
    data_loader: DataLoader,
    show: bool = False,
    out_dir: str | None = None,
    efficient_test: bool = False,
    opacity: float = 0.5,
    pre_eval: bool = False,
    format_only: bool = False,
    format_args: Mapping[str, Any] | None = None,
) -> list[Any]:
    """Runs the model over a data set in this process.

    Args:
        model: called with ``return_loss=False``.
        data_loader: yields the samples in order.
        show: show each result in a window.
        out_dir: folder for pictures of the results.
        efficient_test: keep each result in a file, and return the names.
        opacity: of the colours over the image.
        pre_eval: return ``dataset.pre_eval`` of each result.
        format_only: return ``dataset.format_results`` of each result.
        format_args: arguments of ``format_results``.

    Returns:
        One item per sample: (H, W) classes, a record of ``pre_eval``, or the name of a file.
    """
    keep = choose_reduction(
        data_loader, efficient_test, pre_eval, format_only, format_args=format_args
    )
    draw = None
    if show or out_dir:
        draw = drawing(model, data_loader, show=show, out_dir=out_dir, opacity=opacity)
    results = run_inference(model, data_loader, pre_eval=keep or False, on_result=draw)
    return results or []


def multi_gpu_test(
    model: nn.Module,
    data_loader: DataLoader,
    tmpdir: str | None = None,
    gpu_collect: bool = False,
    efficient_test: bool = False,
    pre_eval: bool = False,
    format_only: bool = False,
    format_args: Mapping[str, Any] | None = None,
) -> list[Any] | None:
    """Runs the model over a data set that is split over the ranks.

    Args:
        model: called with ``return_loss=False``.
        data_loader: yields this rank's share.
        tmpdir: accepted; results travel through the process group, not through files.
        gpu_collect: accepted.
        efficient_test: as in :func:`single_gpu_test`, and so are the others.
        pre_eval: see there.
        format_only: see there.
        format_args: see there.

    Returns:
        All results in the order of the data set on rank 0, None elsewhere.
    """
    keep = choose_reduction(
        data_loader, efficient_test, pre_eval, format_only, format_args=format_args
    )
    return run_inference(model, data_loader, pre_eval=keep or False)


def choose_reduction(
    data_loader: DataLoader,
    efficient_test: bool,
    pre_eval: bool,
    format_only: bool,
    *,
    format_args: Mapping[str, Any] | None = None,
) -> PreEval | None:
    """Returns what is made of the predictions of a batch; None: they are kept."""
    require(
        [efficient_test, pre_eval, format_only].count(True) <= 1,
        "efficient_test, pre_eval and format_only are mutually exclusive",
    )
    dataset: Any = data_loader.dataset
    if efficient_test:
        return lambda predictions, indices: [
            np2tmp(p, tmpdir=".efficient_test") for p in predictions
        ]
    if pre_eval:
        return dataset.pre_eval
    if format_only:
        arguments = dict(format_args or {})
        return lambda predictions, indices: dataset.format_results(
            predictions, indices=indices, **arguments
        )
    return None


def drawing(
    model: Any, data_loader: DataLoader, *, show: bool, out_dir: str | None, opacity: float
) -> OnResult:
    """Returns a function that draws the predictions of a batch over their images.

    Args:
        model: the segmentor, maybe in a parallel wrapper.
        data_loader: whose data set has the colours.
        show: show each picture in a window.
        out_dir: where pictures are written, under the names of the images.
        opacity: of the colours.
    """
    draw: Callable[..., Any] = getattr(model, "module", model).show_result
    palette = getattr(data_loader.dataset, "PALETTE", None)

    def draw_batch(predictions: list[Any], indices: list[int], batch: Any) -> None:
        for prediction, meta in zip(predictions, batch["img_metas"][0], strict=True):
            out_file = osp.join(out_dir, meta["ori_filename"]) if out_dir else None
            draw(
                meta["filename"],
                [prediction],
                palette=palette,
                show=show,
                out_file=out_file,
                opacity=opacity,
            )

    return draw_batch


def np2tmp(array: np.ndarray, temp_file_name: str | None = None, tmpdir: str | None = None) -> str:
    """Saves an array as ``.npy`` and returns the name of the file.

    Args:
        array: what is saved.
        temp_file_name: the name; None: a new one.
        tmpdir: folder of a new file.
    """
    if temp_file_name is None:
        if tmpdir is not None:
            os.makedirs(tmpdir, exist_ok=True)
        handle, temp_file_name = tempfile.mkstemp(suffix=".npy", dir=tmpdir)
        os.close(handle)
    np.save(temp_file_name, array)
    return temp_file_name
