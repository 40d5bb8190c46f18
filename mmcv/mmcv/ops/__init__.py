"""mmcv's operators under their 1.x names, over torchvision, ``mmops`` and plain torch."""

from typing import Any

from mmcv.cnn.sync_batch_norm import SyncBatchNorm
from mmcv.cnn.wrappers import Conv2d, ConvTranspose2d, Linear, MaxPool2d
from mmcv.ops.bbox import bbox_overlaps
from mmcv.ops.carafe import CARAFE, CARAFENaive, CARAFEPack, carafe, carafe_naive
from mmcv.ops.cc_attention import CrissCrossAttention
from mmcv.ops.corner_pool import CornerPool
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
from mmcv.ops.fused_bias_leakyrelu import FusedBiasLeakyReLU, fused_bias_leakyrelu
from mmcv.ops.info import (
    get_compiler_version,
    get_compiling_cuda_version,
    get_onnxruntime_op_path,
)
from mmcv.ops.masked_conv import MaskedConv2d, masked_conv2d
from mmcv.ops.merge_cells import BaseMergeCell, ConcatCell, GlobalPoolingCell, SumCell
from mmcv.ops.multi_scale_deform_attn import (
    MultiScaleDeformableAttention,
    MultiScaleDeformableAttnFunction,
    multi_scale_deformable_attn_pytorch,
)
from mmcv.ops.multi_scale_deform_attn_optimized import MultiScaleDeformableAttentionOptimized
from mmcv.ops.nms import batched_nms, nms, nms_match, soft_nms
from mmcv.ops.point_sample import (
    SimpleRoIAlign,
    point_sample,
    rel_roi_point_to_rel_img_point,
)
from mmcv.ops.psa_mask import PSAMask, psamask
from mmcv.ops.roi_align import RoIAlign, roi_align
from mmcv.ops.roi_pool import RoIPool, roi_pool
from mmcv.ops.saconv import SAConv2d
from mmcv.ops.upfirdn2d import upfirdn2d

__all__ = [
    "CARAFE",
    "BaseMergeCell",
    "CARAFENaive",
    "CARAFEPack",
    "ConcatCell",
    "Conv2d",
    "ConvTranspose2d",
    "CornerPool",
    "CrissCrossAttention",
    "DeformConv2d",
    "DeformConv2dPack",
    "FusedBiasLeakyReLU",
    "GlobalPoolingCell",
    "Linear",
    "MaskedConv2d",
    "MaxPool2d",
    "ModulatedDeformConv2d",
    "ModulatedDeformConv2dPack",
    "MultiScaleDeformableAttention",
    "MultiScaleDeformableAttentionOptimized",
    "MultiScaleDeformableAttnFunction",
    "PSAMask",
    "RoIAlign",
    "RoIPool",
    "SAConv2d",
    "SigmoidFocalLoss",
    "SimpleRoIAlign",
    "SoftmaxFocalLoss",
    "SumCell",
    "SyncBatchNorm",
    "batched_nms",
    "bbox_overlaps",
    "carafe",
    "carafe_naive",
    "deform_conv2d",
    "fused_bias_leakyrelu",
    "get_compiler_version",
    "get_compiling_cuda_version",
    "get_onnxruntime_op_path",
    "masked_conv2d",
    "modulated_deform_conv2d",
    "multi_scale_deformable_attn_pytorch",
    "nms",
    "nms_match",
    "point_sample",
    "psamask",
    "rel_roi_point_to_rel_img_point",
    "roi_align",
    "roi_pool",
    "sigmoid_focal_loss",
    "soft_nms",
    "softmax_focal_loss",
    "upfirdn2d",
]


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    # Not an AttributeError: `from mmcv.ops import x` would replace its message.
    raise ImportError(
        f"mmcv.ops.{name} is not available: this project carries the operators of dense 2-D"
        f" prediction ({', '.join(__all__)}) and none for rotated boxes, point clouds or video"
    )
