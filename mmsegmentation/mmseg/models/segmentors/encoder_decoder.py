"""Backbone, optional neck, decode head and auxiliary heads as one segmentor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from mmseg.models.builder import build_backbone, build_head, build_neck
from mmseg.models.losses.utils import at_least_fp32
from mmseg.models.segmentors.base import BaseSegmentor
from mmseg.models.segmentors.sliding_window import check_test_cfg, inference_mode, slide
from mmseg.ops import resize
from mmseg.registry import MODELS, ModelConfigError

Cfg = Mapping[str, Any]
Metas = list[Any]


@MODELS.register_module()
class EncoderDecoder(BaseSegmentor):
    """A segmentor whose decode head reads the maps of a backbone.

    Args:
        backbone: returns maps (B, C_i, H / s_i, W / s_i).
        decode_head: its losses are logged as ``decode.*``; its logits are the result.
        neck: maps between backbone and heads.
        auxiliary_head: one head or several that only add losses, ``aux.*`` or ``aux_0.*``, ...
        train_cfg: passed to the heads.
        test_cfg: ``mode`` "whole", or "slide" with ``crop_size``, ``stride`` (height, width) and
            ``window_batch_size``, the number of windows that go through the model at a time.
        pretrained: weights of the backbone; 1.x's place for ``backbone.pretrained``.
        init_cfg: initialisation.
    """

    def __init__(
        self,
        backbone: Cfg,
        decode_head: Cfg,
        neck: Cfg | None = None,
        auxiliary_head: Cfg | Sequence[Cfg] | None = None,
        train_cfg: Cfg | None = None,
        test_cfg: Cfg | None = None,
        pretrained: str | None = None,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(init_cfg)
        check_test_cfg(test_cfg)
        if pretrained is not None:
            if backbone.get("pretrained") is not None:
                raise ModelConfigError(
                    "both model.pretrained and model.backbone.pretrained are set"
                )
            backbone = {**backbone, "pretrained": pretrained}
        self.backbone = build_backbone(backbone)
        self.neck = build_neck(neck) if neck is not None else None
        self._init_decode_head(decode_head)
        self._init_auxiliary_head(auxiliary_head)
        self.train_cfg: Any = train_cfg
        self.test_cfg: Any = test_cfg

    def _init_decode_head(self, decode_head: Any) -> None:
        self.decode_head = build_head(decode_head)
        self.align_corners = self.decode_head.align_corners
        self.num_classes = self.decode_head.num_classes
        self.out_channels = self.decode_head.out_channels
        self.threshold = self.decode_head.threshold

    def _init_auxiliary_head(self, auxiliary_head: Any) -> None:
        self.auxiliary_head = None
        if isinstance(auxiliary_head, (list, tuple)):
            self.auxiliary_head = nn.ModuleList([build_head(cfg) for cfg in auxiliary_head])
        elif auxiliary_head is not None:
            self.auxiliary_head = build_head(auxiliary_head)

    def extract_feat(self, img: Tensor) -> Sequence[Tensor]:
        """Returns the maps that the heads read, from ``img`` (B, 3, H, W)."""
        x = self.backbone(img)
        return self.neck(x) if self.with_neck else x

    def encode_decode(self, img: Tensor, img_metas: Any) -> Tensor:
        """Returns logits (B, C, H, W) of the size of ``img`` (B, 3, H, W), at least float32."""
        out = self._decode_head_forward_test(self.extract_feat(img), img_metas)
        return self._resize(at_least_fp32(out), img.shape[2:])

    def forward_dummy(self, img: Tensor) -> Tensor:
        """Returns logits of ``img`` (B, 3, H, W); for counting operations."""
        return self.encode_decode(img, None)

    def forward_train(
        self, img: Tensor, img_metas: Metas, gt_semantic_seg: Tensor, **kwargs: Any
    ) -> dict[str, Any]:
        """Returns the losses of all heads by name.

        Args:
            img: (B, 3, H, W) normalised.
            img_metas: one dict per image.
            gt_semantic_seg: (B, 1, H, W) classes.
            kwargs: further targets in the batch, which heads of this class do not use.
        """
        x = self.extract_feat(img)
        losses = self._decode_head_forward_train(x, img_metas, gt_semantic_seg)
        if self.with_auxiliary_head:
            losses.update(self._auxiliary_head_forward_train(x, img_metas, gt_semantic_seg))
        return losses

    def _decode_head_forward_train(
        self, x: Sequence[Tensor], img_metas: Metas, gt_semantic_seg: Tensor
    ) -> dict[str, Any]:
        loss = self.decode_head.forward_train(x, img_metas, gt_semantic_seg, self.train_cfg)
        return add_prefix(loss, "decode")

    def _decode_head_forward_test(self, x: Sequence[Tensor], img_metas: Any) -> Tensor:
        return self.decode_head.forward_test(x, img_metas, self.test_cfg)

    def _auxiliary_head_forward_train(
        self, x: Sequence[Tensor], img_metas: Metas, gt_semantic_seg: Tensor
    ) -> dict[str, Any]:
        if not isinstance(self.auxiliary_head, nn.ModuleList):
            heads: dict[str, Any] = {"aux": self.auxiliary_head}
        else:
            heads = {f"aux_{i}": head for i, head in enumerate(self.auxiliary_head)}
        losses: dict[str, Any] = {}
        for name, head in heads.items():
            loss = head.forward_train(x, img_metas, gt_semantic_seg, self.train_cfg)
            losses.update(add_prefix(loss, name))
        return losses

    def slide_inference(self, img: Tensor, img_meta: Metas, rescale: bool) -> Tensor:
        """Returns logits averaged over overlapping windows.

        Args:
            img: (B, 3, H, W).
            img_meta: one dict per image.
            rescale: return (B, C, *ori_shape) instead of (B, C, H, W).
        """

        def predict(crops: Tensor, num_windows: int) -> Tensor:
            return self.encode_decode(crops, img_meta * num_windows)

        logits = slide(
            predict,
            img,
            crop_size=self.test_cfg["crop_size"],
            stride=self.test_cfg["stride"],
            window_batch_size=self.test_cfg.get("window_batch_size", 1),
        )
        return self._rescale(logits, img_meta) if rescale else logits

    def whole_inference(self, img: Tensor, img_meta: Metas, rescale: bool) -> Tensor:
        """Returns logits of whole images; for the arguments see :meth:`slide_inference`."""
        logits = self.encode_decode(img, img_meta)
        return self._rescale(logits, img_meta) if rescale else logits

    def _rescale(self, logits: Tensor, img_meta: Metas) -> Tensor:
        """Cuts the padding off and resizes to the image file's size."""
        height, width = img_meta[0]["img_shape"][:2]
        return self._resize(logits[:, :, :height, :width], img_meta[0]["ori_shape"][:2])

    def _resize(self, logits: Tensor, size: Sequence[int]) -> Tensor:
        return resize(
            logits,
            size=size,
            mode="bilinear",
            align_corners=self.align_corners,
            warning=False,
        )

    def inference(self, img: Tensor, img_meta: Metas, rescale: bool) -> Tensor:
        """Returns the probabilities of the classes, flipped back if the view is flipped.

        Args:
            img: (B, 3, H, W).
            img_meta: one dict per image, alike in ``ori_shape`` and ``flip``.
            rescale: return (B, C, *ori_shape) instead of (B, C, H, W).
        """
        shapes = [meta["ori_shape"] for meta in img_meta]
        assert all(shape == shapes[0] for shape in shapes), (
            f"images tested in one batch must have one ori_shape, but have {shapes}"
        )
        is_slide = inference_mode(self.test_cfg) == "slide"
        infer = self.slide_inference if is_slide else self.whole_inference
        logits = infer(img, img_meta, rescale)
        probs = logits.sigmoid() if self.out_channels == 1 else logits.softmax(dim=1)
        if img_meta[0].get("flip"):
            direction = img_meta[0]["flip_direction"]
            assert direction in ("horizontal", "vertical")
            probs = probs.flip(dims=(3 if direction == "horizontal" else 2,))
        return probs

    def simple_test(
        self, img: Tensor, img_metas: Metas, rescale: bool = True, **kwargs: Any
    ) -> list[np.ndarray]:
        """Returns the class of each pixel, (H, W) int64, for each image.

        Args:
            img: (B, 3, H, W).
            img_metas: one dict per image.
            rescale: to the size of the image file.
            kwargs: not used; options of other segmentors.
        """
        return list(self._classes(self.inference(img, img_metas, rescale)))

    def simple_test_logits(self, img: Tensor, img_metas: Metas, rescale: bool = True) -> np.ndarray:
        """Returns the probabilities (B, C, H, W) that ``simple_test`` decides by."""
        return self.inference(img, img_metas, rescale).cpu().numpy()

    def aug_test(
        self, imgs: list[Tensor], img_metas: list[Metas], rescale: bool = True, **kwargs: Any
    ) -> list[np.ndarray]:
        """Returns the class of each pixel by the mean of several views' probabilities.

        Args:
            imgs: views of the batch, each (B, 3, H, W).
            img_metas: for each view one dict per image.
            rescale: must be True: views have only the size of the image file in common.
            kwargs: not used; options of other segmentors.
        """
        return list(self._classes(self._mean_of_views(imgs, img_metas, rescale)))

    def aug_test_logits(
        self, img: list[Tensor], img_metas: list[Metas], rescale: bool = True
    ) -> np.ndarray:
        """Returns the probabilities (B, C, H, W) that ``aug_test`` decides by."""
        return self._mean_of_views(img, img_metas, rescale).cpu().numpy()

    def _mean_of_views(self, imgs: list[Tensor], img_metas: list[Metas], rescale: bool) -> Tensor:
        assert rescale, "views can only be averaged at the size of the image file"
        total = self.inference(imgs[0], img_metas[0], rescale)
        for img, metas in zip(imgs[1:], img_metas[1:], strict=True):
            total = total + self.inference(img, metas, rescale)
        return total / len(imgs)

    def _classes(self, probs: Tensor) -> np.ndarray:
        if self.out_channels == 1:
            classes = (probs > self.threshold).squeeze(1).long()
        else:
            classes = probs.argmax(dim=1)
        return classes.cpu().numpy()


def add_prefix(inputs: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Returns ``inputs`` with keys ``prefix.key``."""
    return {f"{prefix}.{name}": value for name, value in inputs.items()}
