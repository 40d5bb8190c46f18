"""ADE20K scene parsing: 150 classes (Zhou et al., 2017, https://groups.csail.mit.edu/vision/datasets/ADE20K)."""

from __future__ import annotations

import logging
import random
from typing import Any

from mmseg.datasets.custom import CustomDataset
from mmseg.evaluation.label_sets import ADE20K
from mmseg.registry import DATASETS

logger = logging.getLogger(__name__)

# The few-shot subset must be the same images on every rank and in every run.
SUBSET_SEED = 0


@DATASETS.register_module()
class ADE20KDataset(CustomDataset):
    """Labels are 0 (other objects, ignored) and 1..150, reduced to 0..149.

    Args:
        max_image_num: keep only so many images, always the same ones.
        kwargs: arguments of CustomDataset.
    """

    CLASSES = ADE20K.names
    PALETTE = ADE20K.palette

    def __init__(self, max_image_num: int | None = None, **kwargs: Any) -> None:
        super().__init__(img_suffix=".jpg", seg_map_suffix=".png", reduce_zero_label=True, **kwargs)
        if max_image_num is not None and max_image_num < len(self.img_infos):
            kept = random.Random(SUBSET_SEED).sample(range(len(self.img_infos)), max_image_num)
            self.img_infos = [self.img_infos[index] for index in sorted(kept)]
            logger.info("Kept %d images (max_image_num)", max_image_num)
