"""Data sets made of others."""

from __future__ import annotations

import logging
from itertools import chain
from typing import Any

import numpy as np

from mmcv.data import ConcatDataset as _ConcatDataset
from mmcv.data import MultiImageMixDataset, RepeatDataset
from mmcv.image.checks import require
from mmcv.utils import is_list_of, print_log
from mmseg.registry import DATASETS

__all__ = ["ConcatDataset", "MultiImageMixDataset", "RepeatDataset"]


@DATASETS.register_module()
class ConcatDataset(_ConcatDataset):
    """Several data sets, one after the other; evaluated one by one or as a whole.

    Args:
        datasets: their classes are those of the first.
        separate_eval: metrics per data set (keys ``0_mIoU``, ``1_mIoU``, ...) or over all images.
    """

    def check(self, with_labels: bool = True) -> None:
        """Checks every part; see CustomDataset.check."""
        for dataset in self.datasets:
            if hasattr(dataset, "check"):  # users' data sets need not have it
                dataset.check(with_labels)  # type: ignore[attr-defined]

    @property
    def METRICS(self) -> Any:
        """What the parts can evaluate; see CustomDataset."""
        return getattr(self.datasets[0], "METRICS", None)

    def evaluate(
        self, results: list[Any], logger: logging.Logger | str | None = None, **kwargs: Any
    ) -> dict[str, float]:
        """Evaluates the parts; ``kwargs`` goes to their ``evaluate``."""
        require(
            len(results) == len(self),
            f"the data sets have {len(self)} images, but there are {len(results)} results",
        )
        if self.separate_eval:
            return self._evaluate_each(results, logger, **kwargs)
        if len({type(dataset) for dataset in self.datasets}) != 1:
            raise NotImplementedError("separate_eval=False needs data sets of one type")
        gt_seg_maps = None
        if is_list_of(results, (np.ndarray, str)):
            gt_seg_maps = chain.from_iterable(d.get_gt_seg_maps() for d in self.datasets)
        first: Any = self.datasets[0]
        return first.evaluate(results, logger=logger, gt_seg_maps=gt_seg_maps, **kwargs)

    def _evaluate_each(self, results: list[Any], logger: Any, **kwargs: Any) -> dict[str, float]:
        values: dict[str, float] = {}
        start = 0
        for i, (stop, dataset) in enumerate(zip(self.cumulative_sizes, self.datasets, strict=True)):
            part: Any = dataset
            print_log(f"\nEvaluating {part.img_dir} with {stop - start} images", logger=logger)
            own = part.evaluate(results[start:stop], logger=logger, **kwargs)
            values |= {f"{i}_{key}": value for key, value in own.items()}
            start = stop
        return values

    def format_results(
        self,
        results: list[Any],
        imgfile_prefix: str,
        indices: list[int] | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Writes results to one folder per data set; see CustomDataset.format_results."""
        require(isinstance(results, list), "results must be a list.")
        require(indices is None or isinstance(indices, list), "indices must be a list.")
        paths = []
        for result, index in zip(results, indices or range(len(self)), strict=False):
            which, own = self.get_dataset_idx_and_sample_idx(index)
            dataset: Any = self.datasets[which]
            folder = f"{imgfile_prefix}/{which}"
            paths += dataset.format_results([result], folder, indices=[own], **kwargs)
        return paths

    def pre_eval(self, preds: Any, indices: Any) -> list[Any]:
        """Compares predictions with labels; see CustomDataset.pre_eval."""
        preds = preds if isinstance(preds, list) else [preds]
        indices = indices if isinstance(indices, list) else [indices]
        records = []
        for pred, index in zip(preds, indices, strict=True):
            which, own = self.get_dataset_idx_and_sample_idx(index)
            dataset: Any = self.datasets[which]
            records += dataset.pre_eval(pred, own)
        return records
