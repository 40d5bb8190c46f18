"""Cityscapes: 19 classes of street scenes (Cordts et al., 2016, arXiv:1604.01685)."""

from __future__ import annotations

import logging
import os.path as osp
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from mmcv.image.checks import require
from mmseg.datasets.custom import CustomDataset
from mmseg.evaluation.label_sets import CITYSCAPES
from mmseg.registry import DATASETS

# Training class -> the label of the official files, which the benchmark server expects.
LABEL_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)


@DATASETS.register_module()
class CityscapesDataset(CustomDataset):
    """Cityscapes with labels renumbered to 0..18 (``*_gtFine_labelTrainIds.png``).

    Args:
        img_suffix: ending of image names.
        seg_map_suffix: ending of label names.
        kwargs: arguments of CustomDataset.
    """

    METRICS = (*CustomDataset.METRICS, "cityscapes")
    CLASSES = CITYSCAPES.names
    PALETTE = CITYSCAPES.palette

    def __init__(
        self,
        img_suffix: str = "_leftImg8bit.png",
        seg_map_suffix: str = "_gtFine_labelTrainIds.png",
        **kwargs: Any,
    ) -> None:
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs)

    def to_label_values(self, result: np.ndarray) -> np.ndarray:
        """Turns predicted classes into the official label ids."""
        classes = super().to_label_values(result)
        return np.asarray(LABEL_IDS, dtype=np.uint8)[classes]

    def evaluate(
        self,
        results: Sequence[Any],
        metric: str | Sequence[str] = "mIoU",
        logger: logging.Logger | str | None = None,
        gt_seg_maps: Iterable[np.ndarray] | None = None,
        imgfile_prefix: str | None = None,
    ) -> dict[str, float]:
        """Computes the usual metrics, and those of the official scripts for ``"cityscapes"``.

        Args:
            results: as in CustomDataset; for ``"cityscapes"`` not used, but see ``imgfile_prefix``.
            metric: ``cityscapes`` or some of ``mIoU``, ``mDice``, ``mFscore``.
            logger: where the tables go.
            gt_seg_maps: as in CustomDataset.
            imgfile_prefix: for ``"cityscapes"``: folder of the maps written by ``format_results``.
        """
        metrics = [metric] if isinstance(metric, str) else list(metric)
        values: dict[str, float] = {}
        if "cityscapes" in metrics:
            values |= self._evaluate_cityscapes(imgfile_prefix)
            metrics.remove("cityscapes")
        if metrics:
            values |= super().evaluate(results, metrics, logger, gt_seg_maps)
        return values

    def _evaluate_cityscapes(self, folder: str | None) -> dict[str, float]:
        try:
            from cityscapesscripts.evaluation import (  # type: ignore[import-not-found]
                evalPixelLevelSemanticLabeling as official,
            )
        except ImportError:
            raise ImportError(
                "metric 'cityscapes' needs the official scripts: pip install cityscapesscripts"
            ) from None
        require(folder is not None, "metric 'cityscapes' needs imgfile_prefix, a folder of results")
        official.args.predictionPath = osp.abspath(str(folder))
        official.args.evalInstLevelScore = official.args.evalPixelAccuracy = True
        official.args.JSONOutput = False
        names = self.file_client.list_dir_or_file(
            self.ann_dir, list_dir=False, suffix="gtFine_labelIds.png", recursive=True
        )
        truths = [osp.join(str(self.ann_dir), name) for name in sorted(names)]
        predictions = [official.getPrediction(official.args, truth) for truth in truths]
        return dict(official.evaluateImgLists(predictions, truths, official.args))
