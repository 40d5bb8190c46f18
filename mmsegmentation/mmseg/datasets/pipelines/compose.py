"""A sequence of steps, looked up among segmentation's first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmcv.data import Transform
from mmcv.registry import Registry
from mmcv.transforms.compose import Compose as _Compose
from mmseg.registry import PIPELINES


@PIPELINES.register_module()
class Compose(_Compose):
    """Runs steps one after the other; see mmcv.transforms.Compose.

    Args:
        transforms: configs of steps or callables, in order.
        registry: where types are looked up; also for the steps that a step builds.
    """

    def __init__(
        self,
        transforms: Sequence[Mapping[str, Any] | Transform],
        registry: Registry | None = PIPELINES,
    ) -> None:
        super().__init__(transforms, registry)
