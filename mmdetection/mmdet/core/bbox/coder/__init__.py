"""1.x import path of box coders."""

from mmdet.boxes.coders import *  # noqa: F403
