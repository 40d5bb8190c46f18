"""A sequence of steps, looked up among detection's first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmcv.registry import Registry
from mmcv.transforms.compose import Compose as _Compose
from mmdet.registry import PIPELINES


@PIPELINES.register_module()
class Compose(_Compose):
    """Runs steps one after the other; see mmcv.transforms.Compose."""

    def __init__(
        self, transforms: Sequence[Mapping[str, Any] | Any], registry: Registry | None = PIPELINES
    ) -> None:
        super().__init__(transforms, registry)
