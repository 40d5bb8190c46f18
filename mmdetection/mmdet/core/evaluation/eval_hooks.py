"""1.x import path; mmcv's hook serves detection as it is."""

from mmcv.hooks.evaluation import DistEvalHook, EvalHook

__all__ = ["DistEvalHook", "EvalHook"]
