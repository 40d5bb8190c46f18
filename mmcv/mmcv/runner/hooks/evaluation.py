"""1.x import path of ``mmcv.hooks.evaluation``."""

from mmcv.hooks.evaluation import DistEvalHook, EvalHook

__all__ = ["DistEvalHook", "EvalHook"]
