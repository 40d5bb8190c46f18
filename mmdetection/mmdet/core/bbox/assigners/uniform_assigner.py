"""1.x import path."""

from mmdet.boxes import UniformAssigner

__all__ = ["UniformAssigner"]
