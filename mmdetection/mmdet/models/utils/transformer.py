"""1.x import path of the transformers; each lives in a file of its own."""

from mmcv.cnn.bricks.registry import TRANSFORMER_LAYER, TRANSFORMER_LAYER_SEQUENCE
from mmcv.cnn.detr_transformer import (
    DetrTransformerDecoder,
    DetrTransformerDecoderLayer,
    DetrTransformerEncoder,
)
from mmcv.cnn.patch_embed import AdaptivePadding, PatchEmbed, PatchMerging
from mmdet.models.utils.builder import TRANSFORMER, build_transformer
from mmdet.models.utils.deformable_transformer import (
    DeformableDetrTransformer,
    DeformableDetrTransformerDecoder,
)
from mmdet.models.utils.detr_transformer import Transformer, nchw_to_nlc, nlc_to_nchw
from mmdet.models.utils.dino_transformer import (
    DinoTransformer,
    DinoTransformerDecoder,
    build_MLP,
)
from mmdet.models.utils.reference_points import inverse_sigmoid

__all__ = [
    "TRANSFORMER",
    "TRANSFORMER_LAYER",
    "TRANSFORMER_LAYER_SEQUENCE",
    "AdaptivePadding",
    "DeformableDetrTransformer",
    "DeformableDetrTransformerDecoder",
    "DetrTransformerDecoder",
    "DetrTransformerDecoderLayer",
    "DetrTransformerEncoder",
    "DinoTransformer",
    "DinoTransformerDecoder",
    "PatchEmbed",
    "PatchMerging",
    "Transformer",
    "build_MLP",
    "build_transformer",
    "inverse_sigmoid",
    "nchw_to_nlc",
    "nlc_to_nchw",
]
