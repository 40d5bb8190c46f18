"""Backbones that both tasks share; importing this registers them."""

from mmcv.backbones.intern_vit import InternViT6B

__all__ = ["InternViT6B"]
