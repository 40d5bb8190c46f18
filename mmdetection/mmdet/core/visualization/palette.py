"""1.x import path."""

from mmdet.visualization.palette import get_palette, palette_val

__all__ = ["get_palette", "palette_val"]
