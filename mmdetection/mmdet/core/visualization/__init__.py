"""1.x import path of pictures of detections."""

from mmdet.visualization import *  # noqa: F403
from mmdet.visualization import __all__ as __all__
