"""From arrays to the tensors a model takes: mmcv's steps with detection's defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmcv.data.data_container import DataContainer
from mmcv.transforms import Collect, ImageToTensor, ToTensor, Transpose, to_tensor
from mmcv.transforms import DefaultFormatBundle as _DefaultFormatBundle
from mmcv.transforms import ToDataContainer as _ToDataContainer
from mmdet.datasets.pipelines.loading import set_default_meta
from mmdet.registry import PIPELINES

__all__ = [
    "Collect",
    "DefaultFormatBundle",
    "ImageToTensor",
    "ToDataContainer",
    "ToTensor",
    "Transpose",
    "WrapFieldsToLists",
    "to_tensor",
]


@PIPELINES.register_module()
class DefaultFormatBundle(_DefaultFormatBundle):
    """Converts the usual entries to tensors, see mmcv's; ``gt_masks`` stay as they are.

    Args:
        img_to_float: make uint8 images float32.
        pad_val: with what smaller images and label maps of a batch are padded.
    """

    def __init__(
        self,
        img_to_float: bool = True,
        pad_val: Mapping[str, float] = {"img": 0, "masks": 0, "seg": 255},
    ) -> None:
        self.img_to_float = img_to_float
        self.pad_val = dict(pad_val)

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Converts what is there."""
        if "img" in results:
            if self.img_to_float and results["img"].dtype == np.uint8:
                results["img"] = results["img"].astype(np.float32)
            set_default_meta(results)
        results = super().__call__(results)
        # The loader pads images with 0 and label maps with 255 by itself.
        for key, name, usual in (("img", "img", 0), ("gt_semantic_seg", "seg", 255)):
            fill = self.pad_val.get(name, usual)
            if key in results and fill != usual:
                results[key] = DataContainer(results[key], stack=True, padding_value=fill)
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(img_to_float={self.img_to_float})"


@PIPELINES.register_module()
class ToDataContainer(_ToDataContainer):
    """Wraps entries in DataContainers; see mmcv's.

    Args:
        fields: per entry a dict with ``key`` and the arguments of DataContainer.
    """

    def __init__(
        self,
        fields: Sequence[Mapping[str, Any]] = (
            {"key": "img", "stack": True},
            {"key": "gt_bboxes"},
            {"key": "gt_labels"},
        ),
    ) -> None:
        super().__init__(fields)


@PIPELINES.register_module()
class WrapFieldsToLists:
    """Makes every entry a list of one view, for tests without MultiScaleFlipAug."""

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Wraps every entry."""
        return {key: [value] for key, value in results.items()}

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
