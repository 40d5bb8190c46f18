"""1.x import path."""

from mmdet.boxes.nice_repr import NiceRepr

__all__ = ["NiceRepr"]
