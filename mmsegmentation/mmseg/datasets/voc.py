"""Pascal VOC 2012: 20 classes and background (http://host.robots.ox.ac.uk/pascal/VOC/voc2012)."""

from __future__ import annotations

from typing import Any

from mmseg.datasets.custom import CustomDataset
from mmseg.evaluation.label_sets import PASCAL_VOC
from mmseg.registry import DATASETS


@DATASETS.register_module()
class PascalVOCDataset(CustomDataset):
    """Pascal VOC.

    Args:
        split: text file that names the images.
        kwargs: arguments of CustomDataset.
    """

    CLASSES = PASCAL_VOC.names
    PALETTE = PASCAL_VOC.palette

    def __init__(self, split: str, **kwargs: Any) -> None:
        super().__init__(img_suffix=".jpg", seg_map_suffix=".png", split=split, **kwargs)
