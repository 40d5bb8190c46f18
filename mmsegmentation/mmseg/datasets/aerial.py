"""Pictures from above: LoveDA, ISPRS Potsdam and Vaihingen, iSAID.

Wang et al., 2021 (arXiv:2110.08733); the ISPRS 2D labelling contest; Waqas Zamir et al., 2019
(arXiv:1905.12886).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mmseg.datasets.custom import CustomDataset
from mmseg.evaluation.label_sets import ISAID, ISPRS, LOVEDA
from mmseg.registry import DATASETS


@DATASETS.register_module()
class LoveDADataset(CustomDataset):
    """LoveDA: 7 classes, label 0 is "no data"; arguments are those of CustomDataset."""

    CLASSES = LOVEDA.names
    PALETTE = LOVEDA.palette

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(img_suffix=".png", seg_map_suffix=".png", reduce_zero_label=True, **kwargs)

    def to_label_values(self, result: np.ndarray) -> np.ndarray:
        """Returns the classes as they are: the contest's server wants 0 to 6."""
        return result


@DATASETS.register_module()
class PotsdamDataset(CustomDataset):
    """ISPRS Potsdam: 6 classes, label 0 is ignored; arguments are those of CustomDataset."""

    CLASSES = ISPRS.names
    PALETTE = ISPRS.palette

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(img_suffix=".png", seg_map_suffix=".png", reduce_zero_label=True, **kwargs)


@DATASETS.register_module()
class ISPRSDataset(PotsdamDataset):
    """ISPRS Vaihingen: classes and labels as Potsdam's."""


@DATASETS.register_module(name="iSAIDDataset")
class ISAIDDataset(CustomDataset):
    """iSAID: 15 kinds of objects and the background; arguments are those of CustomDataset."""

    CLASSES = ISAID.names
    PALETTE = ISAID.palette

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{"ignore_index": 255, **kwargs},
            img_suffix=".png",
            seg_map_suffix="_instance_color_RGB.png",
        )
