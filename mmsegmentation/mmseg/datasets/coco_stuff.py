"""COCO-Stuff: 80 thing and 91 stuff classes (Caesar et al., 2018, arXiv:1612.03716)."""

from __future__ import annotations

from typing import Any

from mmseg.datasets.custom import CustomDataset
from mmseg.evaluation.label_sets import COCO_STUFF
from mmseg.registry import DATASETS


@DATASETS.register_module()
class COCOStuffDataset(CustomDataset):
    """COCO-Stuff 10k and 164k with labels renumbered to 0..170 (``*_labelTrainIds.png``)."""

    CLASSES = COCO_STUFF.names
    PALETTE = COCO_STUFF.palette

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(img_suffix=".jpg", seg_map_suffix="_labelTrainIds.png", **kwargs)
