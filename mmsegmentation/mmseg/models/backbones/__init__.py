"""Backbones, which both tasks share, at their 1.x import path."""

from mmcv.backbones import *  # noqa: F403
