"""Backbones that both tasks share; importing this registers them."""

from mmcv.backbones.beit import BEiT, BEiTAdapter
from mmcv.backbones.intern_vit import InternViT6B
from mmcv.backbones.resnet import ResNet, ResNetV1c, ResNetV1d
from mmcv.backbones.timm_backbone import TIMMBackbone
from mmcv.backbones.vit import TIMMVisionTransformer, ViTBaseline
from mmcv.backbones.vit_adapter import InternViTAdapter, ViTAdapter

__all__ = [
    "BEiT",
    "BEiTAdapter",
    "InternViT6B",
    "InternViTAdapter",
    "ResNet",
    "ResNetV1c",
    "ResNetV1d",
    "TIMMBackbone",
    "TIMMVisionTransformer",
    "ViTAdapter",
    "ViTBaseline",
]
