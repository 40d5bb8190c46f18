"""1.x import path of metrics, class names and the evaluation hook."""

from mmdet.core.evaluation.eval_hooks import DistEvalHook, EvalHook
from mmdet.evaluation import *  # noqa: F403
from mmdet.evaluation import __all__ as _metrics

__all__ = ["DistEvalHook", "EvalHook", *_metrics]
