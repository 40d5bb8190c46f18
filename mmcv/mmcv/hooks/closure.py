"""A hook made of one function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mmcv.hooks.hook import Hook
from mmcv.registry import HOOKS, ConfigError, did_you_mean


@HOOKS.register_module()
class ClosureHook(Hook):
    """Calls a function at an event.

    Args:
        fn_name: the event, such as ``after_train_iter``.
        fn: called with the runner.
    """

    def __init__(self, fn_name: str, fn: Callable[..., Any]) -> None:
        if not hasattr(self, fn_name):
            hint = did_you_mean(fn_name, Hook.stages)
            raise ConfigError(f"ClosureHook: hooks have no event {fn_name!r}{hint}")
        if not callable(fn):
            raise ConfigError(f"ClosureHook: fn must be callable, but got {fn!r}")
        setattr(self, fn_name, fn)
