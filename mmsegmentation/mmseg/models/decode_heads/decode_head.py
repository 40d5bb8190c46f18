"""What all decode heads share: choice of inputs, classifier, losses."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmcv.model import BaseModule
from mmseg.models.builder import build_loss
from mmseg.models.losses.accuracy import accuracy
from mmseg.models.losses.utils import at_least_fp32
from mmseg.ops import resize
from mmseg.registry import MODELS, ModelConfigError

logger = logging.getLogger(__name__)

Cfg = Mapping[str, Any]

INPUT_TRANSFORMS = ("resize_concat", "multiple_select")
CROSS_ENTROPY = {"type": "CrossEntropyLoss", "use_sigmoid": False, "loss_weight": 1.0}
SMALL_CLASSIFIER = {"type": "Normal", "std": 0.01, "override": {"name": "conv_seg"}}


class BaseDecodeHead(BaseModule):
    """Base of heads that turn feature maps into logits.

    A subclass defines ``forward`` between ``_transform_inputs(inputs)`` and ``cls_seg(feat)``.
    A head computes in the dtype of its own weights, whatever dtype the backbone returns.

    Args:
        in_channels: of the map used, or of each if there is an ``input_transform``.
        channels: of the features that are classified.
        num_classes: number of classes.
        out_channels: number of logits: ``num_classes``, or 1 for two classes.
        threshold: with one logit, the probability from which a pixel is of class 1.
        dropout_ratio: of whole channels, before the classifier.
        conv_cfg: convolutions.
        norm_cfg: norms.
        act_cfg: activations.
        in_index: position of the map used among the inputs, or positions.
        input_transform: None: one map; "resize_concat": several, resized to the first one's size
            and concatenated; "multiple_select": several, as a list.
        loss_decode: loss or list of losses. Losses of the same ``loss_name`` are added up.
        ignore_index: label that is not counted.
        sampler: which pixels enter the loss.
        align_corners: of every resize.
        init_cfg: initialisation.
    """

    def __init__(
        self,
        in_channels: int | Sequence[int],
        channels: int,
        *,
        num_classes: int,
        out_channels: int | None = None,
        threshold: float | None = None,
        dropout_ratio: float = 0.1,
        conv_cfg: Cfg | None = None,
        norm_cfg: Cfg | None = None,
        act_cfg: Cfg | None = {"type": "ReLU"},  # noqa: B006  # read only
        in_index: int | Sequence[int] = -1,
        input_transform: str | None = None,
        loss_decode: Cfg | Sequence[Cfg] = CROSS_ENTROPY,
        ignore_index: int = 255,
        sampler: Cfg | None = None,
        align_corners: bool = False,
        init_cfg: Any = SMALL_CLASSIFIER,
    ) -> None:
        super().__init__(init_cfg)
        self._init_inputs(in_channels, in_index, input_transform)
        self._init_outputs(num_classes, out_channels, threshold)
        self.channels = channels
        self.dropout_ratio = dropout_ratio
        self.conv_cfg = conv_cfg
        self.norm_cfg = norm_cfg
        self.act_cfg = act_cfg
        self.ignore_index = ignore_index
        self.align_corners = align_corners
        self.loss_decode = _build_losses(loss_decode)
        self.sampler: Any = None
        if sampler is not None:
            self.sampler = MODELS.build(sampler, default_args={"context": self})
        self.conv_seg = nn.Conv2d(channels, self.out_channels, kernel_size=1)
        self.dropout = nn.Dropout2d(dropout_ratio) if dropout_ratio > 0 else None
        self.fp16_enabled = False  # read and set by 1.x code; without effect here

    def extra_repr(self) -> str:
        """Returns what is not to be seen from the layers."""
        return (
            f"input_transform={self.input_transform}, ignore_index={self.ignore_index}, "
            f"align_corners={self.align_corners}"
        )

    def _init_inputs(self, in_channels: Any, in_index: Any, input_transform: str | None) -> None:
        """Checks that the three fit together and sets ``in_channels`` to what comes in."""
        if input_transform is None:
            if not (isinstance(in_channels, int) and isinstance(in_index, int)):
                raise ModelConfigError(
                    "without input_transform in_channels and in_index must be one int each, but are"
                    f" {in_channels} and {in_index} (input_transform: {INPUT_TRANSFORMS})"
                )
        elif input_transform not in INPUT_TRANSFORMS:
            raise ModelConfigError(
                f"input_transform must be one of {INPUT_TRANSFORMS}, but is {input_transform!r}"
            )
        elif not (
            isinstance(in_channels, Sequence)
            and isinstance(in_index, Sequence)
            and len(in_channels) == len(in_index)
        ):
            raise ModelConfigError(
                f"with input_transform={input_transform!r} in_channels and in_index must be lists"
                f" of one length, but are {in_channels} and {in_index}"
            )
        self.input_transform = input_transform
        self.in_index: Any = in_index
        self.in_channels: Any = in_channels
        if input_transform == "resize_concat":
            self.in_channels = sum(self.in_channels)

    def _init_outputs(
        self, num_classes: int, out_channels: int | None, threshold: float | None
    ) -> None:
        if out_channels is None:
            out_channels = num_classes
        if out_channels != num_classes and not (out_channels == 1 and num_classes == 2):
            raise ModelConfigError(
                "out_channels must be num_classes, or 1 if num_classes is 2, but got"
                f" out_channels={out_channels}, num_classes={num_classes}"
            )
        if out_channels == 1 and threshold is None:
            threshold = 0.3
            logger.info("threshold is not set for the single logit of a head; it is 0.3")
        self.num_classes = num_classes
        self.out_channels = out_channels
        self.threshold = threshold

    def _transform_inputs(self, inputs: Sequence[Tensor]) -> Any:
        """Returns the map or maps that the head reads, in the dtype of its weights.

        Args:
            inputs: maps (B, C_i, H_i, W_i).
        """
        dtype = next(self.parameters()).dtype
        if self.input_transform is None:
            return inputs[self.in_index].to(dtype)
        chosen = [inputs[i].to(dtype) for i in self.in_index]
        if self.input_transform == "multiple_select":
            return chosen
        size = chosen[0].shape[2:]
        return torch.cat([self._resize(x, size) for x in chosen], dim=1)

    def _resize(self, x: Tensor, size: Sequence[int]) -> Tensor:
        """Returns ``x`` bilinearly resized to ``size``."""
        return resize(x, size=size, mode="bilinear", align_corners=self.align_corners)

    @abstractmethod
    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Returns the logits (B, out_channels, H, W) of the maps of a backbone or neck."""

    def forward_train(
        self,
        inputs: Sequence[Tensor],
        img_metas: list[Any],
        gt_semantic_seg: Tensor,
        train_cfg: Any,
    ) -> dict[str, Tensor]:
        """Returns the losses and the accuracy.

        Args:
            inputs: maps (B, C_i, H_i, W_i).
            img_metas: one dict per image.
            gt_semantic_seg: (B, 1, H, W) classes.
            train_cfg: the segmentor's.
        """
        return self.losses(self(inputs), gt_semantic_seg)

    def forward_test(self, inputs: Sequence[Tensor], img_metas: list[Any], test_cfg: Any) -> Tensor:
        """Returns the logits (B, out_channels, h, w), not resized."""
        return self(inputs)

    def cls_seg(self, feat: Tensor) -> Tensor:
        """Returns the logits of features (B, channels, H, W)."""
        if self.dropout is not None:
            feat = self.dropout(feat)
        return self.conv_seg(feat)

    def losses(self, seg_logit: Tensor, seg_label: Tensor) -> dict[str, Tensor]:
        """Returns the losses by name, and ``acc_seg``, the share of right pixels in percent.

        Args:
            seg_logit: (B, out_channels, h, w); resized to the labels in float32.
            seg_label: (B, 1, H, W) classes.
        """
        seg_logit = self._resize(at_least_fp32(seg_logit), seg_label.shape[2:])
        weight = self.sampler.sample(seg_logit, seg_label) if self.sampler is not None else None
        seg_label = seg_label.squeeze(1)
        losses: dict[str, Tensor] = {}
        is_list = isinstance(self.loss_decode, nn.ModuleList)
        for loss_decode in self.loss_decode if is_list else [self.loss_decode]:
            loss = loss_decode(seg_logit, seg_label, weight=weight, ignore_index=self.ignore_index)
            name = loss_decode.loss_name
            losses[name] = losses[name] + loss if name in losses else loss
        losses["acc_seg"] = self._accuracy(seg_logit.detach(), seg_label)
        return losses

    def _accuracy(self, seg_logit: Tensor, seg_label: Tensor) -> Any:
        if self.threshold is not None and seg_logit.size(1) == 1:
            prob = seg_logit.sigmoid()
            seg_logit = torch.cat([(prob <= self.threshold).to(prob), prob > self.threshold], 1)
        return accuracy(seg_logit, seg_label, ignore_index=self.ignore_index)


def _build_losses(loss_decode: Any) -> Any:
    if isinstance(loss_decode, Mapping):
        return build_loss(loss_decode)
    if isinstance(loss_decode, (list, tuple)):
        return nn.ModuleList([build_loss(cfg) for cfg in loss_decode])
    raise TypeError(f"loss_decode must be a dict or sequence of dict, but got {type(loss_decode)}")
