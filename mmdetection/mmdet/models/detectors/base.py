"""What a detector is: training and testing entries, and how a result is drawn."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmcv.model import BaseModel
from mmdet.models.builder import build
from mmdet.registry import ModelConfigError

Metas = list[dict[str, Any]]


class BaseDetector(BaseModel):
    """Base of detectors; ``CLASSES`` is set from the data set or the checkpoint."""

    # Evaluation compares with boxes in the coordinates of the original images.
    TEST_OPTIONS: Mapping[str, Any] = {"rescale": True}

    def __init__(self, init_cfg: Any = None) -> None:
        super().__init__(init_cfg)
        self.CLASSES: Sequence[str] | None = None
        self.PALETTE: Any = None
        self.fp16_enabled = False  # read and set by 1.x code; without effect here

    @property
    def with_neck(self) -> bool:
        """Whether there is a neck."""
        return getattr(self, "neck", None) is not None

    @property
    def with_shared_head(self) -> bool:
        """Whether the box and mask heads share layers."""
        return getattr(getattr(self, "roi_head", None), "with_shared_head", False)

    @property
    def with_bbox(self) -> bool:
        """Whether there is a head for boxes."""
        in_rois = getattr(getattr(self, "roi_head", None), "with_bbox", False)
        return in_rois or getattr(self, "bbox_head", None) is not None

    @property
    def with_mask(self) -> bool:
        """Whether there is a head for masks."""
        in_rois = getattr(getattr(self, "roi_head", None), "with_mask", False)
        return in_rois or getattr(self, "mask_head", None) is not None

    def _build_trunk(self, backbone: Any, neck: Any, pretrained: str | None) -> None:
        """Sets ``backbone`` and ``neck``; ``pretrained`` is the older place of the weights."""
        if pretrained is not None and backbone.get("pretrained") not in (None, pretrained):
            raise ModelConfigError("both model.pretrained and model.backbone.pretrained are set")
        given = None if pretrained is None else {"pretrained": pretrained}
        if given and backbone.get("pretrained", "") is None:
            backbone = {**backbone, **given}
        self.backbone: Any = build(backbone, given)
        self.neck: Any = build(neck) if neck is not None else None

    def extract_feat(self, img: Tensor) -> Sequence[Tensor]:
        """Returns the maps that the heads read, from ``img`` (B, 3, H, W)."""
        x = self.backbone(img)
        return self.neck(x) if self.with_neck else x

    def extract_feats(self, imgs: list[Tensor]) -> list[Sequence[Tensor]]:
        """Returns the maps of each view."""
        assert isinstance(imgs, list)
        return [self.extract_feat(img) for img in imgs]

    def forward_train(self, img: Tensor, img_metas: Metas, **kwargs: Any) -> Any:
        """Notes the size of the batch in ``img_metas``; detectors return losses by name.

        Args:
            img: (B, 3, H, W) normalised, padded at the bottom and right.
            img_metas: one dict per image.
            **kwargs: targets.
        """
        _note_batch_shape([img], [img_metas])

    def forward_test(self, imgs: list[Tensor], img_metas: list[Any], **kwargs: Any) -> list[Any]:
        """Calls ``simple_test`` for one view, ``aug_test`` for several.

        Args:
            imgs: views of the batch, each (B, 3, H, W).
            img_metas: for each view one dict per image.
            **kwargs: options of the two; ``proposals`` has a list for each view.
        """
        if isinstance(imgs, list) and isinstance(img_metas, list) and len(imgs) == len(img_metas):
            _note_batch_shape(imgs, img_metas)
            if len(imgs) > 1:
                _check_views(imgs, kwargs)
            elif kwargs.get("proposals") is not None:
                kwargs["proposals"] = kwargs["proposals"][0]
        return super().forward_test(imgs, img_metas, **kwargs)

    @abstractmethod
    def simple_test(self, img: Tensor, img_metas: list[Any], **kwargs: Any) -> list[Any]:
        """Returns per image the boxes of each class, or a tuple of these and the masks."""

    def val_step(self, data_batch: dict[str, Any], optimizer: Any = None, **kwargs: Any) -> dict:
        """Returns the same as ``train_step``, the names to log ending with ``_val``."""
        outputs = self.train_step(data_batch, optimizer, **kwargs)
        log_vars = {f"{name}_val": value for name, value in outputs["log_vars"].items()}
        return {**outputs, "log_vars": log_vars}

    def show_result(
        self,
        img: str | Path | np.ndarray,
        result: Any,
        score_thr: float = 0.3,
        bbox_color: Any = (72, 101, 241),
        text_color: Any = (72, 101, 241),
        mask_color: Any = None,
        thickness: int = 2,
        font_size: int = 13,
        win_name: str = "",
        show: bool = False,
        wait_time: float = 0,
        out_file: str | None = None,
    ) -> np.ndarray | None:
        """Draws the detections of one image.

        Args:
            img: file or (H, W, 3) BGR.
            result: boxes per class, or a tuple of these and the masks per class.
            score_thr: lowest score drawn.
            bbox_color: of all boxes, or one per class.
            text_color: likewise.
            mask_color: likewise; None draws random colours.
            thickness: of the boxes' lines.
            font_size: of the labels.
            win_name: title of the window.
            show: open a window, unless ``out_file`` is given.
            wait_time: seconds until it closes; 0 waits for a key.
            out_file: where to write the picture.

        Returns:
            (H, W, 3) BGR, if it was neither shown nor written.
        """
        from mmcv.image import imread
        from mmdet.core.visualization import imshow_det_bboxes

        boxes, labels, masks = split_result(result)
        show = show and out_file is None
        picture = imshow_det_bboxes(
            imread(img).copy(),
            boxes,
            labels,
            masks,
            class_names=self.CLASSES,
            score_thr=score_thr,
            bbox_color=bbox_color,
            text_color=text_color,
            mask_color=mask_color,
            thickness=thickness,
            font_size=font_size,
            win_name=win_name,
            show=show,
            wait_time=wait_time,
            out_file=out_file,
        )
        return None if show or out_file else picture


def split_result(result: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Turns a result per class into boxes (n, 5), labels (n,) and masks (n, H, W) or None."""
    per_class, segms = result if isinstance(result, tuple) else (result, None)
    if isinstance(segms, tuple):  # masks with scores of their own
        segms = segms[0]
    boxes = np.vstack(per_class)
    labels = np.concatenate([np.full(len(b), i, np.int32) for i, b in enumerate(per_class)])
    masks = [mask for of_class in segms for mask in of_class] if segms is not None else []
    if not masks or not len(labels):
        return boxes, labels, None
    if isinstance(masks[0], Tensor):
        return boxes, labels, torch.stack(masks).cpu().numpy()
    return boxes, labels, np.stack(masks)


def _note_batch_shape(imgs: Sequence[Tensor], img_metas: Sequence[Any]) -> None:
    # Transformers mask what is padding, so they need the padded size.
    for img, metas in zip(imgs, img_metas, strict=True):
        for meta in metas:
            meta["batch_input_shape"] = tuple(img.shape[-2:])


def _check_views(imgs: list[Tensor], options: Mapping[str, Any]) -> None:
    if imgs[0].shape[0] != 1:
        raise AssertionError(
            f"several views of an image are tested one image at a time, but the batch has"
            f" {imgs[0].shape[0]} images: set data.test_dataloader.samples_per_gpu=1"
        )
    if "proposals" in options:
        raise AssertionError("proposals cannot be given for several views of an image")
