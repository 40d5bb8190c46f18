"""The 1.x import path of the registry."""

from mmcv.registry import Registry, build_from_cfg

__all__ = ["Registry", "build_from_cfg"]
