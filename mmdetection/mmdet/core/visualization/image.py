"""1.x import path."""

from mmdet.visualization.image import *  # noqa: F403
