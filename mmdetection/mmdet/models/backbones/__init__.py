"""Backbones; all but those with detection's own defaults are shared with segmentation."""

from mmcv.backbones import InternViT6B, InternViTAdapter, TIMMBackbone
from mmdet.models.backbones.resnet import ResNet, ResNetV1d

__all__ = ["InternViT6B", "InternViTAdapter", "ResNet", "ResNetV1d", "TIMMBackbone"]
