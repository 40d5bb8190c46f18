"""Backbones; all but those with detection's own defaults are shared with segmentation."""

from mmcv.backbones import *  # noqa: F403
from mmdet.models.backbones.resnet import ResNet, ResNetV1d

__all__ = ["ResNet", "ResNetV1d"]
