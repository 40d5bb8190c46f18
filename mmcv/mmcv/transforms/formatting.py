"""From arrays to the tensors a model takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmcv.data.data_container import DataContainer
from mmcv.image.checks import InvalidArgument
from mmcv.registry import PIPELINES, did_you_mean

META_KEYS = (
    "filename",
    "ori_filename",
    "ori_shape",
    "img_shape",
    "pad_shape",
    "scale_factor",
    "flip",
    "flip_direction",
    "img_norm_cfg",
)


def to_tensor(data: Any) -> Tensor:
    """Converts a tensor, array, sequence, int or float; numbers become tensors of one element."""
    if isinstance(data, Tensor):
        return data
    if isinstance(data, np.ndarray):
        return torch.from_numpy(data)
    if isinstance(data, Sequence) and not isinstance(data, str):
        return torch.tensor(data)
    if isinstance(data, int):
        return torch.LongTensor([data])
    if isinstance(data, float):
        return torch.FloatTensor([data])
    raise TypeError(f"type {type(data)} cannot be converted to tensor.")


def image_to_tensor(img: np.ndarray) -> Tensor:
    """Converts (H, W, C) or (H, W) to (C, H, W)."""
    channels_last = img[..., None] if img.ndim < 3 else img
    return to_tensor(np.ascontiguousarray(channels_last.transpose(2, 0, 1)))


@PIPELINES.register_module()
class ToTensor:
    """Converts entries to tensors.

    Args:
        keys: of the entries.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = keys

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Converts in the sample."""
        for key in self.keys:
            results[key] = to_tensor(results[key])
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(keys={self.keys})"


@PIPELINES.register_module()
class ImageToTensor:
    """Converts images (H, W, C) to tensors (C, H, W).

    Args:
        keys: of the images.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = keys

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Converts in the sample."""
        for key in self.keys:
            results[key] = image_to_tensor(results[key])
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(keys={self.keys})"


@PIPELINES.register_module()
class Transpose:
    """Reorders the dimensions of entries.

    Args:
        keys: of the entries.
        order: as numpy.transpose takes it.
    """

    def __init__(self, keys: Sequence[str], order: Sequence[int]) -> None:
        self.keys = keys
        self.order = order

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Transposes in the sample."""
        for key in self.keys:
            results[key] = results[key].transpose(self.order)
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(keys={self.keys}, order={self.order})"


@PIPELINES.register_module()
class ToDataContainer:
    """Wraps entries in DataContainers, for plug-ins that expect them.

    Args:
        fields: per entry a dict with ``key`` and the arguments of DataContainer.
    """

    def __init__(
        self,
        fields: Sequence[Mapping[str, Any]] = (
            {"key": "img", "stack": True},
            {"key": "gt_semantic_seg"},
        ),
    ) -> None:
        self.fields = fields

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Wraps in the sample."""
        for field in self.fields:
            options = {name: value for name, value in field.items() if name != "key"}
            results[field["key"]] = DataContainer(results[field["key"]], **options)
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(fields={self.fields})"


@PIPELINES.register_module()
class DefaultFormatBundle:
    """Converts the usual entries to tensors.

    ``img`` (H, W, C) becomes (C, H, W); ``gt_semantic_seg`` (H, W) becomes (1, H, W) int64; boxes,
    labels and mask arrays become tensors; instance masks of other types stay.
    """

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Converts what is there."""
        if "img" in results:
            results["img"] = image_to_tensor(results["img"])
        if "gt_semantic_seg" in results:
            results["gt_semantic_seg"] = to_tensor(
                results["gt_semantic_seg"][None, ...].astype(np.int64)
            )
        for key in ("proposals", "gt_bboxes", "gt_bboxes_ignore", "gt_labels"):
            if key in results:
                results[key] = to_tensor(results[key])
        if isinstance(results.get("gt_masks"), np.ndarray):
            results["gt_masks"] = to_tensor(results["gt_masks"])
        return results

    def __repr__(self) -> str:
        return type(self).__name__


@PIPELINES.register_module()
class Collect:
    """Keeps what the model takes: the last step of a pipeline.

    Args:
        keys: entries to keep.
        meta_keys: entries to put into ``img_metas``.
    """

    def __init__(self, keys: Sequence[str], meta_keys: Sequence[str] = META_KEYS) -> None:
        self.keys = keys
        self.meta_keys = meta_keys

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Returns ``{img_metas: {...}, key: ...}``."""
        data = {"img_metas": {key: self._entry(results, key) for key in self.meta_keys}}
        for key in self.keys:
            data[key] = self._entry(results, key)
        return data

    def _entry(self, results: Mapping[str, Any], key: str) -> Any:
        if key not in results:
            raise InvalidArgument(
                f"Collect: the sample has no entry {key!r}{did_you_mean(key, results)}; no earlier "
                f"step of the pipeline made it (there are: {', '.join(results)})"
            )
        return results[key]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(keys={self.keys}, meta_keys={self.meta_keys})"
