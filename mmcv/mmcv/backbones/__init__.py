"""Backbones that both tasks share; importing this registers them."""

from mmcv.backbones.intern_vit import InternViT6B
from mmcv.backbones.vit_adapter import InternViTAdapter

__all__ = ["InternViT6B", "InternViTAdapter"]
