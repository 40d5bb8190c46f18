"""Data sets made of others."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from mmcv.data import ConcatDataset as _ConcatDataset
from mmcv.data import MultiImageMixDataset as _MultiImageMixDataset
from mmcv.data import RepeatDataset
from mmcv.image.checks import require
from mmcv.utils import print_log
from mmdet.datasets.coco import CocoDataset
from mmdet.registry import DATASETS, PIPELINES

__all__ = ["ClassBalancedDataset", "ConcatDataset", "MultiImageMixDataset", "RepeatDataset"]


@DATASETS.register_module()
class ConcatDataset(_ConcatDataset):
    """Several data sets, one after the other; evaluated one by one or as a whole.

    Args:
        datasets: their classes are those of the first.
        separate_eval: metrics per data set (keys ``0_bbox_mAP``, ...) or over all images.
    """

    PRE_EVAL = True

    def __init__(self, datasets: Any, separate_eval: bool = True) -> None:
        super().__init__(datasets, separate_eval)
        if separate_eval:
            return
        if any(isinstance(dataset, CocoDataset) for dataset in datasets):
            raise NotImplementedError(
                "Evaluating concatenated CocoDataset as a whole is not supported! Please set"
                ' "separate_eval=True"'
            )
        if len({type(dataset) for dataset in datasets}) != 1:
            raise NotImplementedError("All the datasets should have same types")

    def check(self, with_labels: bool = True) -> None:
        """Checks every part; see CustomDataset.check."""
        for dataset in self.datasets:
            if hasattr(dataset, "check"):
                dataset.check(with_labels)  # type: ignore[attr-defined]

    @property
    def METRICS(self) -> Any:
        """What the parts can evaluate; see CustomDataset."""
        return getattr(self.datasets[0], "METRICS", None)

    def pre_eval(self, preds: Any, indices: Any) -> list[Any]:
        """Returns the predictions of each image in their small form."""
        first: Any = self.datasets[0]
        return first.pre_eval(preds, indices)

    def evaluate(self, results: list[Any], logger: Any = None, **kwargs: Any) -> dict[str, float]:
        """Evaluates the parts; ``kwargs`` goes to their ``evaluate``."""
        require(
            len(results) == self.cumulative_sizes[-1],
            "Dataset and results have different sizes:"
            f" {self.cumulative_sizes[-1]} v.s. {len(results)}",
        )
        for dataset in self.datasets:
            require(hasattr(dataset, "evaluate"), f"{type(dataset)} has no evaluate function")
        if self.separate_eval:
            return self._evaluate_each(results, logger, **kwargs)
        first: Any = self.datasets[0]
        own = first.data_infos
        try:
            first.data_infos = [i for d in self.datasets for i in d.data_infos]  # type: ignore[attr-defined]
            return first.evaluate(results, logger=logger, **kwargs)
        finally:
            first.data_infos = own

    def _evaluate_each(self, results: list[Any], logger: Any, **kwargs: Any) -> dict[str, float]:
        values: dict[str, float] = {}
        start = 0
        for i, (stop, dataset) in enumerate(zip(self.cumulative_sizes, self.datasets, strict=True)):
            part: Any = dataset
            print_log(f"\nEvaluating {part.ann_file} with {stop - start} images now", logger=logger)
            own = part.evaluate(results[start:stop], logger=logger, **kwargs)
            values.update((f"{i}_{key}", value) for key, value in own.items())
            start = stop
        return values


@DATASETS.register_module()
class MultiImageMixDataset(_MultiImageMixDataset):
    """Applies steps that combine a sample with further ones; see mmcv's.

    Args:
        dataset: the samples.
        pipeline: configs of the further steps.
        skip_type_keys: types of steps that are left out.
        max_refetch: how often a step is tried while it rejects.
    """

    def __init__(
        self, dataset: Any, pipeline: Any, skip_type_keys: Any = None, max_refetch: int = 15
    ) -> None:
        super().__init__(dataset, pipeline, skip_type_keys, max_refetch, registry=PIPELINES)


@DATASETS.register_module()
class ClassBalancedDataset(Dataset):
    """Repeats images with rare classes (LVIS, arXiv:1908.03195, appendix B.2).

    A class in a share f of the images has the factor max(1, sqrt(oversample_thr / f)); an image
    has the largest factor of its classes, rounded up.

    Args:
        dataset: with ``get_cat_ids``.
        oversample_thr: share below which a class is rare.
        filter_empty_gt: images without objects are never repeated; else they are a class.
    """

    def __init__(self, dataset: Any, oversample_thr: float, filter_empty_gt: bool = True) -> None:
        self.dataset = dataset
        self.oversample_thr = oversample_thr
        self.filter_empty_gt = filter_empty_gt
        self.CLASSES = dataset.CLASSES
        self.PALETTE = getattr(dataset, "PALETTE", None)
        factors = self._get_repeat_factors(dataset, oversample_thr)
        counts = [math.ceil(factor) for factor in factors]
        self.repeat_indices = np.repeat(np.arange(len(counts)), counts).tolist()
        flags = getattr(dataset, "flag", None)
        repeated = [] if flags is None else np.repeat(flags, counts)
        self.flag = np.asarray(repeated, dtype=np.uint8)

    def _get_repeat_factors(self, dataset: Any, repeat_thr: float) -> list[float]:
        """Returns the factor of each image."""
        per_image = [self._classes_of(dataset, i) for i in range(len(dataset))]
        frequency: dict[int, float] = defaultdict(float)
        for classes in per_image:
            for label in classes:
                frequency[label] += 1 / len(per_image)
        per_class = {k: max(1.0, math.sqrt(repeat_thr / f)) for k, f in frequency.items()}
        return [max((per_class[k] for k in classes), default=1) for classes in per_image]

    def _classes_of(self, dataset: Any, idx: int) -> set[int]:
        classes = set(dataset.get_cat_ids(idx))
        if not classes and not self.filter_empty_gt:
            return {len(self.CLASSES)}
        return classes

    def check(self, with_labels: bool = True) -> None:
        """Lets the data set look for problems, if it can."""
        if hasattr(self.dataset, "check"):
            self.dataset.check(with_labels=with_labels)

    def __getitem__(self, idx: int) -> Any:
        return self.dataset[self.repeat_indices[idx]]

    def get_ann_info(self, idx: int) -> dict[str, Any]:
        """Returns the annotation of a sample."""
        return self.dataset.get_ann_info(self.repeat_indices[idx])

    def get_cat_ids(self, idx: int) -> list[int]:
        """Returns the categories of a sample."""
        return self.dataset.get_cat_ids(self.repeat_indices[idx])

    def __len__(self) -> int:
        return len(self.repeat_indices)
