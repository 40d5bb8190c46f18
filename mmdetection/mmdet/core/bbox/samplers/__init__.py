"""1.x import path of samplers."""

from mmdet.boxes.samplers import *  # noqa: F403
