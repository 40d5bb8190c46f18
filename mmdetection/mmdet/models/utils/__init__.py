"""Parts that several heads are made of: transformers, query denoising, heat maps, small layers."""

from mmdet.models.utils.brick_wrappers import AdaptiveAvgPool2d, adaptive_avg_pool2d
from mmdet.models.utils.builder import (
    LINEAR_LAYERS,
    TRANSFORMER,
    build_linear_layer,
    build_transformer,
)
from mmdet.models.utils.conv_upsample import ConvUpsample
from mmdet.models.utils.gaussian_target import gaussian_radius, gen_gaussian_target
from mmdet.models.utils.make_divisible import make_divisible
from mmdet.models.utils.misc import interpolate_as, sigmoid_geometric_mean
from mmdet.models.utils.normed_predictor import NormedConv2d, NormedLinear
from mmdet.models.utils.positional_encoding import (
    LearnedPositionalEncoding,
    SinePositionalEncoding,
)
from mmdet.models.utils.query_denoising import (
    CdnQueryGenerator,
    DnQueryGenerator,
    build_dn_generator,
)
from mmdet.models.utils.res_layer import ResLayer
from mmdet.models.utils.se_layer import DyReLU, SELayer
from mmdet.models.utils.transformer import (
    DeformableDetrTransformer,
    DeformableDetrTransformerDecoder,
    DetrTransformerDecoder,
    DetrTransformerDecoderLayer,
    DetrTransformerEncoder,
    DinoTransformer,
    DinoTransformerDecoder,
    PatchEmbed,
    Transformer,
    inverse_sigmoid,
    nchw_to_nlc,
    nlc_to_nchw,
)

__all__ = [
    "LINEAR_LAYERS",
    "TRANSFORMER",
    "AdaptiveAvgPool2d",
    "CdnQueryGenerator",
    "ConvUpsample",
    "DeformableDetrTransformer",
    "DeformableDetrTransformerDecoder",
    "DetrTransformerDecoder",
    "DetrTransformerDecoderLayer",
    "DetrTransformerEncoder",
    "DinoTransformer",
    "DinoTransformerDecoder",
    "DnQueryGenerator",
    "DyReLU",
    "LearnedPositionalEncoding",
    "NormedConv2d",
    "NormedLinear",
    "PatchEmbed",
    "ResLayer",
    "SELayer",
    "SinePositionalEncoding",
    "Transformer",
    "adaptive_avg_pool2d",
    "build_dn_generator",
    "build_linear_layer",
    "build_transformer",
    "gaussian_radius",
    "gen_gaussian_target",
    "interpolate_as",
    "inverse_sigmoid",
    "make_divisible",
    "nchw_to_nlc",
    "nlc_to_nchw",
    "sigmoid_geometric_mean",
]
