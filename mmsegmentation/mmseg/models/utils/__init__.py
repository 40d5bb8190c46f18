"""Blocks that heads share, at their 1.x import path."""

from mmseg.models.utils.self_attention_block import SelfAttentionBlock

__all__ = ["SelfAttentionBlock"]
