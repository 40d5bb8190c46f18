"""1.x import path of ResNet's stages; they live in ``mmcv.backbones``."""

from mmcv.backbones.resnet_blocks import ResLayer

__all__ = ["ResLayer"]
