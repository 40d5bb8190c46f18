"""Street scenes at night with the classes of Cityscapes.

Dark Zurich (Sakaridis et al., 2019, arXiv:1901.05946) and Nighttime Driving (Dai & Van Gool, 2018,
arXiv:1810.02575).
"""

from __future__ import annotations

from typing import Any

from mmseg.datasets.cityscapes import CityscapesDataset
from mmseg.registry import DATASETS


@DATASETS.register_module()
class DarkZurichDataset(CityscapesDataset):
    """Dark Zurich; arguments are those of CustomDataset."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            img_suffix="_rgb_anon.png", seg_map_suffix="_gt_labelTrainIds.png", **kwargs
        )


@DATASETS.register_module()
class NightDrivingDataset(CityscapesDataset):
    """Nighttime Driving; arguments are those of CustomDataset."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            img_suffix="_leftImg8bit.png",
            seg_map_suffix="_gtCoarse_labelTrainIds.png",
            **kwargs,
        )
