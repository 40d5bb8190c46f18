"""Pascal Context (Mottaghi et al., 2014): 59 frequent classes, with or without background."""

from __future__ import annotations

from typing import Any

from mmseg.datasets.custom import CustomDataset
from mmseg.evaluation.label_sets import PASCAL_CONTEXT, PASCAL_CONTEXT_59
from mmseg.registry import DATASETS


@DATASETS.register_module()
class PascalContextDataset(CustomDataset):
    """60 classes: label 0 is the class "background".

    Args:
        split: text file that names the images.
        kwargs: arguments of CustomDataset.
    """

    CLASSES = PASCAL_CONTEXT.names
    PALETTE = PASCAL_CONTEXT.palette

    def __init__(self, split: str, **kwargs: Any) -> None:
        super().__init__(
            img_suffix=".jpg",
            seg_map_suffix=".png",
            split=split,
            reduce_zero_label=False,
            **kwargs,
        )


@DATASETS.register_module()
class PascalContextDataset59(CustomDataset):
    """59 classes: label 0, the background, is ignored.

    Args:
        split: text file that names the images.
        kwargs: arguments of CustomDataset.
    """

    CLASSES = PASCAL_CONTEXT_59.names
    PALETTE = PASCAL_CONTEXT_59.palette

    def __init__(self, split: str, **kwargs: Any) -> None:
        super().__init__(
            img_suffix=".jpg",
            seg_map_suffix=".png",
            split=split,
            reduce_zero_label=True,
            **kwargs,
        )
