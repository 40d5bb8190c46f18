"""1.x import path of the modules with an ``init_cfg``; they live in ``mmcv.model``."""

from mmcv.model import BaseModule, ModuleDict, ModuleList, Sequential

__all__ = ["BaseModule", "ModuleDict", "ModuleList", "Sequential"]
