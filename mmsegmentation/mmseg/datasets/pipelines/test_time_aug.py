"""Import path of 1.x for test-time augmentation."""

from mmcv.transforms import MultiScaleFlipAug

__all__ = ["MultiScaleFlipAug"]
