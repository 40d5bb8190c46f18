"""1.x import path of the transformer bricks."""

from typing import Any

from mmcv.cnn.drop import build_dropout
from mmcv.cnn.patch_embed import AdaptivePadding, PatchEmbed, PatchMerging
from mmcv.cnn.registry import (
    ATTENTION,
    FEEDFORWARD_NETWORK,
    POSITIONAL_ENCODING,
    TRANSFORMER_LAYER,
    TRANSFORMER_LAYER_SEQUENCE,
)
from mmcv.cnn.transformer import (
    FFN,
    MultiheadAttention,
    build_attention,
    build_feedforward_network,
    build_positional_encoding,
    build_transformer_layer,
    build_transformer_layer_sequence,
)
from mmcv.cnn.transformer_layer import BaseTransformerLayer, TransformerLayerSequence

__all__ = [
    "ATTENTION",
    "FEEDFORWARD_NETWORK",
    "FFN",
    "POSITIONAL_ENCODING",
    "TRANSFORMER_LAYER",
    "TRANSFORMER_LAYER_SEQUENCE",
    "AdaptivePadding",
    "BaseTransformerLayer",
    "MultiheadAttention",
    "PatchEmbed",
    "PatchMerging",
    "TransformerLayerSequence",
    "build_attention",
    "build_dropout",
    "build_feedforward_network",
    "build_positional_encoding",
    "build_transformer_layer",
    "build_transformer_layer_sequence",
]


def __getattr__(name: str) -> Any:
    if name == "MultiScaleDeformableAttention":  # mmcv.ops builds on mmcv.cnn
        from mmcv.ops import MultiScaleDeformableAttention

        return MultiScaleDeformableAttention
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
