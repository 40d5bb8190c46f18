"""The registries of 1.x's building blocks: names for the one model registry.

Initialisers have a registry of their own: ``Normal``, ``Constant`` and ``Uniform`` say nothing
outside of an ``init_cfg``.
"""

from mmcv.registry import MODELS, Registry

INITIALIZERS = Registry("initializer", scope="mmcv")

CONV_LAYERS = MODELS
NORM_LAYERS = MODELS
ACTIVATION_LAYERS = MODELS
PADDING_LAYERS = MODELS
UPSAMPLE_LAYERS = MODELS
PLUGIN_LAYERS = MODELS
DROPOUT_LAYERS = MODELS
POSITIONAL_ENCODING = MODELS
ATTENTION = MODELS
FEEDFORWARD_NETWORK = MODELS
TRANSFORMER_LAYER = MODELS
TRANSFORMER_LAYER_SEQUENCE = MODELS

__all__ = [
    "ACTIVATION_LAYERS",
    "ATTENTION",
    "CONV_LAYERS",
    "DROPOUT_LAYERS",
    "FEEDFORWARD_NETWORK",
    "INITIALIZERS",
    "MODELS",
    "NORM_LAYERS",
    "PADDING_LAYERS",
    "PLUGIN_LAYERS",
    "POSITIONAL_ENCODING",
    "TRANSFORMER_LAYER",
    "TRANSFORMER_LAYER_SEQUENCE",
    "UPSAMPLE_LAYERS",
]
