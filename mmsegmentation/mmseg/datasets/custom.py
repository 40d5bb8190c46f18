"""Data sets of images with one label map each."""

from __future__ import annotations

import logging
import os
import os.path as osp
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset

from mmcv.data.errors import check_label_range, check_label_size
from mmcv.fileio import FileClient
from mmcv.image.checks import require
from mmcv.registry import ConfigError
from mmcv.utils import is_list_of
from mmseg.datasets import label_values, samples
from mmseg.datasets.class_selection import select_classes
from mmseg.datasets.pipelines import Compose, LoadAnnotations
from mmseg.evaluation.metrics import (
    ALLOWED_METRICS,
    Areas,
    eval_metrics,
    intersect_and_union,
    pre_eval_to_metrics,
)
from mmseg.evaluation.report import report_metrics
from mmseg.registry import DATASETS

logger = logging.getLogger(__name__)

Palette = Sequence[Sequence[int]] | np.ndarray


@DATASETS.register_module()
class CustomDataset(Dataset):
    """Images in one folder, label maps in another, matched by name.

    The label map of ``img_dir/x<img_suffix>`` is ``ann_dir/x<seg_map_suffix>``: one channel, each
    pixel the index of a class.

    Args:
        pipeline: steps that turn a sample's paths into tensors.
        img_dir: folder of the images, searched recursively.
        img_suffix: ending of image names.
        ann_dir: folder of the label maps; None if there are none.
        seg_map_suffix: ending of label names.
        split: text file that names the samples to take, one per line, without suffix.
        data_root: folder against which relative paths are resolved.
        test_mode: samples are loaded without labels.
        ignore_index: label value that counts neither in the loss nor in the metrics.
        reduce_zero_label: label 0 is ignored and the others decrease by one.
        classes: names to use instead of ``CLASSES`` or a subset of it, or a file that lists them.
        palette: RGB colours of the classes.
        gt_seg_map_loader_cfg: arguments of LoadAnnotations when labels are read for evaluation.
        file_client_args: storage backend.
    """

    METRICS: Sequence[str] = ALLOWED_METRICS
    CLASSES: Sequence[str] | None = None
    PALETTE: Palette | None = None

    def __init__(
        self,
        pipeline: Sequence[Any],
        img_dir: str,
        img_suffix: str = ".jpg",
        ann_dir: str | None = None,
        seg_map_suffix: str = ".png",
        split: str | None = None,
        data_root: str | None = None,
        test_mode: bool = False,
        ignore_index: int = 255,
        reduce_zero_label: bool = False,
        classes: str | Sequence[str] | None = None,
        palette: Palette | None = None,
        gt_seg_map_loader_cfg: Mapping[str, Any] | None = None,
        file_client_args: Mapping[str, Any] = {"backend": "disk"},
    ) -> None:
        self.pipeline = Compose(pipeline)
        self.img_suffix = img_suffix
        self.seg_map_suffix = seg_map_suffix
        self.data_root = data_root
        self.img_dir, self.ann_dir, self.split = (
            _below(data_root, path) for path in (img_dir, ann_dir, split)
        )
        self.test_mode = test_mode
        self.ignore_index = ignore_index
        self.reduce_zero_label = reduce_zero_label
        self.label_map: dict[int, int] | None = None
        self.custom_classes = False
        self.CLASSES, self.PALETTE = self.get_classes_and_palette(classes, palette)
        self.gt_seg_map_loader = LoadAnnotations(**(gt_seg_map_loader_cfg or {}))
        self.file_client_args = dict(file_client_args)
        self.file_client = FileClient.infer_client(self.file_client_args)
        needs = f"{type(self).__name__} needs its CLASSES or the key `classes` for testing"
        require(not test_mode or self.CLASSES is not None, needs)
        self.img_infos = self.load_annotations(
            self.img_dir, self.img_suffix, self.ann_dir, self.seg_map_suffix, self.split
        )

    def __len__(self) -> int:
        return len(self.img_infos)

    def __getitem__(self, idx: int) -> Any:
        return self.prepare_test_img(idx) if self.test_mode else self.prepare_train_img(idx)

    def load_annotations(
        self, img_dir: str, img_suffix: str, ann_dir: str | None, seg_map_suffix: str, split: Any
    ) -> list[samples.ImageInfo]:
        """Lists the samples: ``{filename, ann: {seg_map}}`` each, sorted by file name."""
        img_infos = samples.list_samples(
            self.file_client, img_dir, img_suffix, ann_dir, seg_map_suffix, split
        )
        logger.info("Loaded %d images", len(img_infos))
        return img_infos

    def check(self, with_labels: bool = True) -> None:
        """Raises ConfigError unless there are images and, if asked for, a label for each.

        Called once before a run starts: not by the constructor, because listing is slow on some
        file systems and tools also look at data sets that are incomplete.
        """
        samples.require_images(self.file_client, self.img_infos, self.img_dir, self.img_suffix)
        if with_labels:
            suffix = self.seg_map_suffix
            samples.require_labels(self.file_client, self.img_infos, self.ann_dir, suffix)

    def get_ann_info(self, idx: int) -> dict[str, Any]:
        """Returns the ``ann`` entry of a sample."""
        return self.img_infos[idx]["ann"]

    def pre_pipeline(self, results: dict[str, Any]) -> None:
        """Adds what the loading steps need to know about the data set."""
        results["seg_fields"] = []
        results["img_prefix"] = self.img_dir
        results["seg_prefix"] = self.ann_dir
        if self.custom_classes:
            results["label_map"] = self.label_map

    def prepare_train_img(self, idx: int) -> Any:
        """Returns a training sample, run through the pipeline.

        Raises:
            DataError: a label value is no class.
        """
        results = {"img_info": self.img_infos[idx], "ann_info": self.get_ann_info(idx)}
        self.pre_pipeline(results)
        sample = self.pipeline(results)
        if isinstance(sample, Mapping) and self.CLASSES is not None:
            # The tensor, also if a plug-in's pipeline wraps it into a DataContainer.
            seg_map = getattr(sample.get("gt_semantic_seg"), "data", None)
            if isinstance(seg_map, torch.Tensor):
                self._require_classes(seg_map.numpy(), idx)
        return sample

    def prepare_test_img(self, idx: int) -> Any:
        """Returns a sample without label, run through the pipeline."""
        results = {"img_info": self.img_infos[idx]}
        self.pre_pipeline(results)
        return self.pipeline(results)

    def get_gt_seg_map_by_idx(self, index: int) -> np.ndarray:
        """Returns the (H, W) uint8 label map of a sample as stored: zero label not yet reduced."""
        results: dict[str, Any] = {"ann_info": self.get_ann_info(index)}
        self.pre_pipeline(results)
        if results.get("label_map") and self._reduces_after_loading:
            results["label_map"] = label_values.before_reduction(results["label_map"])
        self.gt_seg_map_loader(results)
        return results["gt_semantic_seg"]

    def get_gt_seg_maps(self, efficient_test: bool | None = None) -> Iterator[np.ndarray]:
        """Yields the label maps of all samples."""
        if efficient_test is not None:
            warnings.warn("efficient_test has no effect: maps are read one by one", stacklevel=2)
        return (self.get_gt_seg_map_by_idx(index) for index in range(len(self)))

    def pre_eval(
        self, preds: np.ndarray | list[np.ndarray], indices: int | list[int]
    ) -> list[Areas]:
        """Compares predictions with the labels of their samples.

        Args:
            preds: (H, W) predicted classes, one map or several.
            indices: the samples they belong to.

        Returns:
            The four counts per class of each sample (``intersect_and_union``).

        Raises:
            DataError: a label value is no class.
        """
        maps = preds if isinstance(preds, list) else [preds]
        several = indices if isinstance(indices, list) else [indices]
        return [self._counts(pred, index) for pred, index in zip(maps, several, strict=True)]

    def _counts(self, pred: np.ndarray, index: int) -> Areas:
        seg_map = self.get_gt_seg_map_by_idx(index)
        if self._reduces_after_loading:
            seg_map = label_values.reduce_zero(seg_map)
        self._require_classes(seg_map, index)
        filename = self.img_infos[index]["filename"]
        check_label_size(seg_map, pred.shape, self._label_path(index), filename)
        return intersect_and_union(pred, seg_map, self._num_classes, self.ignore_index)

    @property
    def _num_classes(self) -> int:
        if self.CLASSES is None:
            raise ConfigError(f"{type(self).__name__} has no class names: set classes=[...]")
        return len(self.CLASSES)

    @property
    def _reduces_after_loading(self) -> bool:
        return self.reduce_zero_label and not self.gt_seg_map_loader.reduce_zero_label

    def _require_classes(self, seg_map: np.ndarray, index: int) -> None:
        if self.ignore_index != 255:  # padding is 255 whatever the data set ignores
            seg_map = np.where(seg_map == 255, self.ignore_index, seg_map)
        check_label_range(seg_map, self._num_classes, self.ignore_index, self._label_path(index))

    def _label_path(self, index: int) -> str:
        return osp.join(self.ann_dir or "", self.get_ann_info(index)["seg_map"])

    def evaluate(
        self,
        results: Sequence[Any],
        metric: str | Sequence[str] = "mIoU",
        logger: logging.Logger | str | None = None,
        gt_seg_maps: Iterable[np.ndarray] | None = None,
    ) -> dict[str, float]:
        """Computes, logs and returns the metrics of a data set.

        Args:
            results: records of :meth:`pre_eval`, or (H, W) predictions, or names of ``.npy`` files.
            metric: some of ``mIoU``, ``mDice``, ``mFscore``.
            logger: where the tables go.
            gt_seg_maps: labels to compare predictions with, instead of the data set's own.

        Returns:
            ``aAcc``, the means over the classes (``mIoU``, ``mAcc``, ...), then one value per class
            (``IoU.wall``, ...); all in 0..1 and rounded to four digits.
        """
        metrics = [metric] if isinstance(metric, str) else list(metric)
        if is_list_of(results, (np.ndarray, str)):
            values = eval_metrics(
                results,
                self.get_gt_seg_maps() if gt_seg_maps is None else gt_seg_maps,
                self._num_classes,
                self.ignore_index,
                metrics,
                reduce_zero_label=self._reduces_after_loading,
            )
        else:
            values = pre_eval_to_metrics(results, metrics)
        return report_metrics(values, self.CLASSES, logger)

    def format_results(
        self,
        results: list[np.ndarray],
        imgfile_prefix: str,
        to_label_id: bool = True,
        indices: list[int] | None = None,
    ) -> list[str]:
        """Writes predictions as label maps (PNG), in the numbering of the data set's own labels.

        Args:
            results: (H, W) predicted classes.
            imgfile_prefix: folder to write to.
            to_label_id: number as in the label files; False: as predicted.
            indices: the samples the predictions belong to; None: the first, second, ...

        Returns:
            The paths written.
        """
        require(isinstance(results, list), "results must be a list.")
        require(indices is None or isinstance(indices, list), "indices must be a list.")
        return self.results2img(results, imgfile_prefix, to_label_id, indices)

    def results2img(
        self,
        results: list[np.ndarray],
        imgfile_prefix: str,
        to_label_id: bool,
        indices: list[int] | None = None,
    ) -> list[str]:
        """Writes each prediction as ``<imgfile_prefix>/<image name>.png``; returns the paths."""
        os.makedirs(imgfile_prefix, exist_ok=True)
        paths = []
        for result, index in zip(results, indices or range(len(self)), strict=False):
            stem = osp.splitext(osp.basename(self.img_infos[index]["filename"]))[0]
            label = self.to_label_values(result) if to_label_id else result
            paths.append(osp.join(imgfile_prefix, f"{stem}.png"))
            Image.fromarray(label.astype(np.uint8)).save(paths[-1])
        return paths

    def to_label_values(self, result: np.ndarray) -> np.ndarray:
        """Turns predicted classes into the values that the data set's label files use."""
        if self.label_map:
            result = label_values.undo_label_map(result, self.label_map)
        return result + 1 if self.reduce_zero_label else result

    def get_classes_and_palette(
        self, classes: str | Sequence[str] | None = None, palette: Palette | None = None
    ) -> tuple[Sequence[str] | None, Palette | None]:
        """Returns names and colours; sets ``label_map`` if ``classes`` is a subset of CLASSES."""
        if classes is None:
            return self.CLASSES, self.PALETTE if palette is None else palette
        chosen = select_classes(self.CLASSES, self.PALETTE, classes, palette)
        self.custom_classes = True
        self.label_map = chosen.label_map
        return chosen.classes, chosen.palette


def _below(root: str | None, path: Any) -> Any:
    return path if root is None or path is None else osp.join(root, path)
