"""1.x import path of assigners."""

from mmdet.boxes.assigners import *  # noqa: F403
