"""1.x import path of ``mmcv.cnn.generalized_attention``."""

from mmcv.cnn.generalized_attention import GeneralizedAttention

__all__ = ["GeneralizedAttention"]
