"""1.x import path of the position encodings; they live in ``mmcv.cnn``."""

from mmcv.cnn.positional_encoding import LearnedPositionalEncoding, SinePositionalEncoding

__all__ = ["LearnedPositionalEncoding", "SinePositionalEncoding"]
