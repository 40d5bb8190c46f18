"""The evaluation hook with segmentation's default: intervals are in iterations."""

from __future__ import annotations

from typing import Any

from mmcv.hooks.evaluation import EvalHook as BaseEvalHook


class EvalHook(BaseEvalHook):
    """``mmcv.hooks.EvalHook`` by iteration.

    Args:
        args: as of the base class.
        by_epoch: whether ``interval`` counts epochs.
        kwargs: as of the base class.
    """

    def __init__(self, *args: Any, by_epoch: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, by_epoch=by_epoch, **kwargs)


DistEvalHook = EvalHook  # one class: the runner knows whether it is one of several
