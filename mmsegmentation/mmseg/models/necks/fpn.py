"""The feature pyramid network with the arguments of segmentation's 1.x configs."""

from __future__ import annotations

from typing import Any

from mmcv.necks import FPN as FeaturePyramid
from mmseg.registry import MODELS, ModelConfigError


@MODELS.register_module()
class FPN(FeaturePyramid):
    """:class:`mmcv.necks.FPN`, two of whose arguments mean something else here.

    Args:
        in_channels: of the maps, finest first.
        out_channels: of the results.
        num_outs: number of results.
        start_level: first map used.
        end_level: map before which to stop; -1 uses all.
        add_extra_convs: True means "on_output".
        extra_convs_on_inputs: with ``add_extra_convs=True``, "on_input".
        kwargs: further arguments of :class:`mmcv.necks.FPN`.
    """

    def __init__(
        self,
        in_channels: list[int],
        out_channels: int,
        num_outs: int,
        start_level: int = 0,
        end_level: int = -1,
        add_extra_convs: bool | str = False,
        extra_convs_on_inputs: bool = False,
        **kwargs: Any,
    ) -> None:
        if add_extra_convs is True:
            add_extra_convs = "on_input" if extra_convs_on_inputs else "on_output"
        num_ins = len(in_channels)
        if end_level != -1 and (end_level > num_ins or num_outs != end_level - start_level):
            raise ModelConfigError(
                f"with end_level={end_level} num_outs must be end_level - start_level and end_level"
                f" at most {num_ins}, but num_outs is {num_outs}"
            )
        last = end_level if end_level == -1 else end_level - 1
        super().__init__(
            in_channels, out_channels, num_outs, start_level, last, add_extra_convs, **kwargs
        )
        self.end_level = end_level
