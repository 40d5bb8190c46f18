"""Steps of the package albumentations, if it is installed."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmcv.registry import ConfigError
from mmdet.masks import BitmapMasks, PolygonMasks
from mmdet.registry import PIPELINES

KEYS = {"img": "image", "gt_masks": "masks", "gt_bboxes": "bboxes"}


@PIPELINES.register_module()
class Albu:
    """Runs a pipeline of albumentations on image, boxes and bitmap masks.

    Args:
        transforms: its steps as dicts with ``type``.
        bbox_params: its BboxParams; with ``filter_lost_elements`` the ``label_fields`` and masks
            of boxes that got lost are dropped.
        keymap: entry of the sample -> its name in albumentations.
        update_pad_shape: set pad_shape to the new size.
        skip_img_without_anno: reject samples whose boxes all got lost.
    """

    def __init__(
        self,
        transforms: Sequence[Mapping[str, Any]],
        bbox_params: Mapping[str, Any] | None = None,
        keymap: Mapping[str, str] | None = None,
        update_pad_shape: bool = False,
        skip_img_without_anno: bool = False,
    ) -> None:
        try:
            import albumentations  # type: ignore[import-not-found]
        except ImportError:
            raise ConfigError("Albu needs a package: pip install albumentations") from None
        self.transforms = copy.deepcopy(list(transforms))
        params = dict(copy.deepcopy(bbox_params) or {})
        self.filter_lost_elements = bool(params.pop("filter_lost_elements", False))
        if self.filter_lost_elements:
            self.origin_label_fields = params["label_fields"]
            params["label_fields"] = ["idx_mapper"]
        steps = [_build(albumentations, step) for step in self.transforms]
        boxes = _build(albumentations, params) if params else None
        self.aug = albumentations.Compose(steps, bbox_params=boxes)
        self.keymap_to_albu = dict(keymap or KEYS)
        self.keymap_back = {new: old for old, new in self.keymap_to_albu.items()}
        self.update_pad_shape = update_pad_shape
        self.skip_img_without_anno = skip_img_without_anno

    def __call__(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Runs the steps."""
        given = {self.keymap_to_albu.get(key, key): value for key, value in results.items()}
        masks = given.get("masks")
        if isinstance(masks, PolygonMasks):
            raise NotImplementedError("Albu only supports BitMap masks now")
        if masks is not None:
            given["masks"] = list(masks.masks)
        if "bboxes" in given:
            given["bboxes"] = list(given["bboxes"])
            given["idx_mapper"] = np.arange(len(given["bboxes"]))
        changed = self.aug(**given)
        if not self._keep(changed, masks is not None):
            return None
        back: dict[Any, Any] = {
            self.keymap_back.get(key, key): value for key, value in changed.items()
        }
        if "gt_labels" in back:
            back["gt_labels"] = np.asarray(back["gt_labels"]).astype(np.int64)
        if self.update_pad_shape:
            back["pad_shape"] = back["img"].shape
        return back

    def _keep(self, changed: dict[str, Any], has_masks: bool) -> bool:
        """Drops what belongs to lost boxes; returns whether the sample is kept."""
        kept: Any = np.asarray(changed.pop("idx_mapper", []), dtype=int)
        if "bboxes" in changed:
            changed["bboxes"] = np.array(changed["bboxes"], dtype=np.float32).reshape(-1, 4)
            if self.filter_lost_elements:
                if len(kept) == 0 and self.skip_img_without_anno:
                    return False
                for field in self.origin_label_fields:
                    changed[field] = np.asarray(changed[field])[kept]
        if has_masks:
            chosen = kept if self.filter_lost_elements else range(len(changed["masks"]))
            size = changed["image"].shape[:2]
            changed["masks"] = BitmapMasks([changed["masks"][i] for i in chosen], *size)
        return True

    def __repr__(self) -> str:
        return f"{type(self).__name__}(transforms={self.transforms})"


def _build(package: Any, cfg: Mapping[str, Any]) -> Any:
    args = dict(cfg)
    kind = args.pop("type")
    if "transforms" in args:
        args["transforms"] = [_build(package, step) for step in args["transforms"]]
    return getattr(package, kind)(**args) if isinstance(kind, str) else kind(**args)
