"""mmcv's operators under their 1.x names, over torchvision, ``mmops`` and plain torch."""

from typing import Any

from mmcv.cnn.sync_batch_norm import SyncBatchNorm
from mmcv.cnn.wrappers import Conv2d, ConvTranspose2d, Linear, MaxPool2d
from mmcv.ops.bbox import bbox_overlaps
from mmcv.ops.deform_conv import (
    DeformConv2d,
    DeformConv2dPack,
    ModulatedDeformConv2d,
    ModulatedDeformConv2dPack,
    deform_conv2d,
    modulated_deform_conv2d,
)
from mmcv.ops.focal_loss import (
    SigmoidFocalLoss,
    SoftmaxFocalLoss,
    sigmoid_focal_loss,
    softmax_focal_loss,
)
from mmcv.ops.multi_scale_deform_attn import (
    MultiScaleDeformableAttention,
    MultiScaleDeformableAttnFunction,
    multi_scale_deformable_attn_pytorch,
)
from mmcv.ops.nms import batched_nms, nms, nms_match, soft_nms
from mmcv.ops.point_sample import (
    SimpleRoIAlign,
    point_sample,
    rel_roi_point_to_rel_img_point,
)
from mmcv.ops.roi_align import RoIAlign, RoIPool, roi_align, roi_pool

__all__ = [
    "Conv2d",
    "ConvTranspose2d",
    "DeformConv2d",
    "DeformConv2dPack",
    "Linear",
    "MaxPool2d",
    "ModulatedDeformConv2d",
    "ModulatedDeformConv2dPack",
    "MultiScaleDeformableAttention",
    "MultiScaleDeformableAttnFunction",
    "RoIAlign",
    "RoIPool",
    "SigmoidFocalLoss",
    "SimpleRoIAlign",
    "SoftmaxFocalLoss",
    "SyncBatchNorm",
    "batched_nms",
    "bbox_overlaps",
    "deform_conv2d",
    "modulated_deform_conv2d",
    "multi_scale_deformable_attn_pytorch",
    "nms",
    "nms_match",
    "point_sample",
    "rel_roi_point_to_rel_img_point",
    "roi_align",
    "roi_pool",
    "sigmoid_focal_loss",
    "soft_nms",
    "softmax_focal_loss",
]


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    # Not an AttributeError: `from mmcv.ops import x` would replace its message.
    raise ImportError(
        f"mmcv.ops.{name} is not available: this project carries the operators of dense 2-D"
        f" prediction ({', '.join(__all__)}) and none for rotated boxes, point clouds or video"
    )
