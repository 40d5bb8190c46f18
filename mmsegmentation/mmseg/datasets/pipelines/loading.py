"""Loading of label maps (images are loaded by mmcv's LoadImageFromFile)."""

from __future__ import annotations

import os.path as osp
from collections.abc import Mapping
from typing import Any

import numpy as np

from mmcv.data.errors import DataError, check_label_size
from mmcv.transforms.loading import LoadImageFromFile, make_file_client, read_array
from mmseg.datasets.label_values import apply_label_map, reduce_zero
from mmseg.registry import PIPELINES

__all__ = ["LoadAnnotations", "LoadImageFromFile"]


@PIPELINES.register_module()
class LoadAnnotations:
    """Reads the label map of a sample into ``gt_semantic_seg``.

    Needs ``ann_info.seg_map`` and ``seg_prefix``; renumbers by ``label_map`` if there is one.

    Args:
        reduce_zero_label: label 0 becomes 255 (ignored), the others decrease by one.
        file_client_args: storage backend.
        imdecode_backend: decoder; "pillow" reads palette images as indices, "cv2" as colours.
    """

    def __init__(
        self,
        reduce_zero_label: bool = False,
        file_client_args: Mapping[str, Any] = {"backend": "disk"},
        imdecode_backend: str = "pillow",
    ) -> None:
        self.reduce_zero_label = reduce_zero_label
        self.file_client_args = dict(file_client_args)
        self.file_client: Any = None
        self.imdecode_backend = imdecode_backend

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Adds ``gt_semantic_seg``: (H, W) uint8.

        Raises:
            DataError: the file is missing, broken, no label map, or not of the image's size.
        """
        path = results["ann_info"]["seg_map"]
        if results.get("seg_prefix") is not None:
            path = osp.join(results["seg_prefix"], path)
        seg_map = self._read(path)
        _require_label_map(seg_map, path)
        if "ori_shape" in results:
            check_label_size(seg_map, results["ori_shape"], path, results["filename"])
        seg_map = seg_map.astype(np.uint8)
        if self.reduce_zero_label:
            seg_map = reduce_zero(seg_map)
        # Label maps number the classes, so they come after the reduction (1.x had it the other way
        # round, which shifted a subset of ADE20K's classes by one).
        if results.get("label_map") is not None:
            seg_map = apply_label_map(seg_map, results["label_map"])
        results["gt_semantic_seg"] = seg_map
        results["seg_fields"].append("gt_semantic_seg")
        return results

    def _read(self, path: str) -> np.ndarray:
        if self.file_client is None:  # made in the worker process that uses it
            self.file_client = make_file_client(self.file_client_args)
        options = {"flag": "unchanged", "backend": self.imdecode_backend, "what": "label"}
        seg_map = read_array(path, client=self.file_client, **options)
        return seg_map[..., 0] if seg_map.shape[2:] == (1,) else seg_map

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(reduce_zero_label={self.reduce_zero_label},"
            f"imdecode_backend='{self.imdecode_backend}')"
        )


def _require_label_map(seg_map: np.ndarray, path: str) -> None:
    if seg_map.ndim != 2:
        raise DataError(
            f"label file {path} has shape {seg_map.shape}: a label map has one channel, whose"
            " values are class indices (colours must be converted to indices first)"
        )
    if seg_map.dtype != np.uint8 and (seg_map.min() < 0 or seg_map.max() > 255):
        raise DataError(
            f"label file {path} has values {seg_map.min()}..{seg_map.max()}, possible are 0..255"
        )
