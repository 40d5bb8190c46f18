"""Data sets of images with boxes: the protocol that all detection data sets follow."""

from __future__ import annotations

import logging
import os.path as osp
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from mmcv.data.errors import DataError
from mmcv.fileio import FileClient, list_from_file, load
from mmcv.registry import ConfigError
from mmdet.datasets.annotation_checks import SizeError, check_images
from mmdet.datasets.pipelines.compose import Compose
from mmdet.datasets.statistics import describe
from mmdet.evaluation.custom_metrics import evaluate_boxes
from mmdet.evaluation.records import encode_results
from mmdet.registry import DATASETS

logger = logging.getLogger(__name__)

# How many images are tried in place of one whose boxes were all cropped away.
MAX_REFETCH = 1000


@DATASETS.register_module()
class CustomDataset(Dataset):
    """Images with boxes in one annotation file.

    The file holds a list with one dict per image::

        dict(filename='a.jpg', width=1280, height=720,
             ann=dict(bboxes=(n, 4) float32, labels=(n,) int64,
                      bboxes_ignore=(k, 4) float32, optional))

    Args:
        ann_file: annotation file (json, yaml, pickle).
        pipeline: steps that turn a sample's paths into tensors.
        classes: names to use instead of ``CLASSES``, or a file that lists them.
        data_root: folder against which relative paths are resolved.
        img_prefix: folder of the images.
        seg_prefix: folder of semantic label maps.
        seg_suffix: ending of their names.
        proposal_file: file of proposals, one array per image.
        test_mode: samples are loaded without annotations.
        filter_empty_gt: leave images without objects out of the training.
        file_client_args: storage backend.
    """

    CLASSES: Sequence[str] | None = None
    PALETTE: Any = None
    METRICS: Sequence[str] = ("mAP", "recall")
    # Predictions are encoded image by image: full-size masks of a data set do not fit into memory.
    PRE_EVAL = True

    def __init__(
        self,
        ann_file: str,
        pipeline: Sequence[Any],
        classes: str | Sequence[str] | None = None,
        data_root: str | None = None,
        img_prefix: str | None = "",
        seg_prefix: str | None = None,
        seg_suffix: str = ".png",
        proposal_file: str | None = None,
        test_mode: bool = False,
        filter_empty_gt: bool = True,
        file_client_args: Mapping[str, Any] = {"backend": "disk"},
    ) -> None:
        self.ann_file = _below(data_root, ann_file)
        self.data_root = data_root
        self.img_prefix = _below(data_root, img_prefix)
        self.seg_prefix = _below(data_root, seg_prefix)
        self.seg_suffix = seg_suffix
        self.proposal_file = _below(data_root, proposal_file)
        self.test_mode = test_mode
        self.filter_empty_gt = filter_empty_gt
        self.file_client = FileClient(**file_client_args)
        self.CLASSES = self.get_classes(classes)
        self.data_infos = self._read(self.load_annotations, "ann_file", self.ann_file)
        self.proposals: Any = None
        if self.proposal_file is not None:
            self.proposals = self._read(self.load_proposals, "proposal_file", self.proposal_file)
        if not test_mode:
            self._keep(self._filter_imgs())
            self._set_group_flag()
        self.pipeline = Compose(pipeline)

    def __len__(self) -> int:
        return len(self.data_infos)

    def __getitem__(self, idx: int) -> Any:
        if self.test_mode:
            return self.prepare_test_img(idx)
        for _ in range(MAX_REFETCH):
            try:
                data = self.prepare_train_img(idx)
            except SizeError as error:  # not worth the end of a run that has begun
                logger.warning("%s; another image is taken instead", error)
                data = None
            if data is not None:
                return data
            idx = self._rand_another(idx)
        raise DataError(
            f"the pipeline rejected {MAX_REFETCH} images in turn: does a crop leave any box"
            " (RandomCrop(allow_negative_crop=True) keeps images without)?"
        )

    def load_annotations(self, ann_file: str) -> Any:
        """Returns one dict per image; see the class."""
        return load(ann_file)

    def load_proposals(self, proposal_file: str) -> Any:
        """Returns one array (n, 4) or (n, 5) of boxes per image."""
        return load(proposal_file)

    def get_ann_info(self, idx: int) -> dict[str, Any]:
        """Returns ``bboxes``, ``labels`` ... of a sample."""
        return self.data_infos[idx]["ann"]

    def get_cat_ids(self, idx: int) -> list[int]:
        """Returns the label of each object of a sample."""
        return np.asarray(self.data_infos[idx]["ann"]["labels"]).astype(int).tolist()

    def check(self, with_labels: bool = True) -> None:
        """Raises ConfigError unless there are images; called once before a run starts."""
        check_images(self)

    def pre_pipeline(self, results: dict[str, Any]) -> None:
        """Adds what the steps need to know about the data set."""
        results["img_prefix"] = self.img_prefix
        results["seg_prefix"] = self.seg_prefix
        results["proposal_file"] = self.proposal_file
        results["bbox_fields"] = []
        results["mask_fields"] = []
        results["seg_fields"] = []

    def prepare_train_img(self, idx: int) -> Any:
        """Returns a training sample, run through the pipeline; None if a step rejects it."""
        return self._run_pipeline(idx, {"ann_info": self.get_ann_info(idx)})

    def prepare_test_img(self, idx: int) -> Any:
        """Returns a sample without annotations, run through the pipeline."""
        return self._run_pipeline(idx, {})

    def _run_pipeline(self, idx: int, annotation: dict[str, Any]) -> Any:
        results = {"img_info": self.data_infos[idx], **annotation}
        if self.proposals is not None:
            results["proposals"] = self.proposals[idx]
        self.pre_pipeline(results)
        return self.pipeline(results)

    def _read(self, reader: Any, key: str, path: str) -> Any:
        try:
            with self.file_client.get_local_path(path) as local_path:
                return reader(local_path)
        except FileNotFoundError as error:
            name = error.filename or path
            raise ConfigError(f"{key}: there is no file {name!r} (data_root, {key})") from None

    def _keep(self, indices: Sequence[int]) -> None:
        removed = len(self.data_infos) - len(indices)
        if removed:
            logger.info("%s: %d images are left out (too small or empty)", self.ann_file, removed)
        self.data_infos = [self.data_infos[i] for i in indices]
        if self.proposals is not None:
            self.proposals = [self.proposals[i] for i in indices]

    def _filter_imgs(self, min_size: int = 32) -> list[int]:
        """Returns the indices of images whose sides are not smaller than ``min_size``."""
        if self.filter_empty_gt:
            logger.warning("CustomDataset does not support filtering empty gt images.")
        return [
            i
            for i, info in enumerate(self.data_infos)
            if min(info["width"], info["height"]) >= min_size
        ]

    def _set_group_flag(self) -> None:
        """Sets ``flag``: 1 for images wider than high, else 0; batches are of one group."""
        wide = [info["width"] / info["height"] > 1 for info in self.data_infos]
        self.flag = np.array(wide, dtype=np.uint8)

    def _rand_another(self, idx: int) -> int:
        """Draws an image of the same group."""
        return np.random.choice(np.where(self.flag == self.flag[idx])[0])

    @classmethod
    def get_classes(cls, classes: str | Sequence[str] | None = None) -> Any:
        """Returns class names.

        Args:
            classes: a list of names, a file with one per line, or None: those of the class.
        """
        if classes is None:
            return cls.CLASSES
        if isinstance(classes, str):
            return list_from_file(classes)
        if isinstance(classes, (tuple, list)):
            return classes
        raise ValueError(f"Unsupported type {type(classes)} of classes.")

    def get_cat2imgs(self) -> dict[int, list[int]]:
        """Returns for each label the indices of the images that show it."""
        if self.CLASSES is None:
            raise ValueError("self.CLASSES can not be None")
        cat2imgs: dict[int, list[int]] = {i: [] for i in range(len(self.CLASSES))}
        for idx in range(len(self)):
            for label in set(self.get_cat_ids(idx)):
                cat2imgs[label].append(idx)
        return cat2imgs

    def pre_eval(self, preds: Any, indices: Any) -> list[Any]:
        """Returns the predictions of each image with masks as RLE: the form ``evaluate`` takes.

        Args:
            preds: predictions of a batch.
            indices: the samples they belong to.
        """
        return encode_results(preds)

    def format_results(self, results: list[Any], **kwargs: Any) -> Any:
        """Writes results for a test server; data sets with a format of their own override it."""

    def evaluate(
        self,
        results: list[Any],
        metric: str | Sequence[str] = "mAP",
        logger: Any = None,
        proposal_nums: Sequence[int] = (100, 300, 1000),
        iou_thr: float | list[float] = 0.5,
        scale_ranges: list[tuple[float, float]] | None = None,
    ) -> dict[str, float]:
        """Computes VOC's mAP, or the recall of proposals.

        Args:
            results: per image one array (k, 5) per class; for ``recall`` one array of proposals.
            metric: ``mAP`` or ``recall``.
            logger: where tables go.
            proposal_nums: numbers of proposals for ``recall``.
            iou_thr: threshold(s) of the overlap.
            scale_ranges: ranges of object sizes for ``mAP``.

        Returns:
            ``AP50`` and ``mAP``; or ``recall@100@0.5`` ... and ``AR@100``.
        """
        return evaluate_boxes(
            results,
            [self.get_ann_info(i) for i in range(len(self))],
            metric,
            classes=self.CLASSES,
            logger=logger,
            proposal_nums=proposal_nums,
            iou_thr=iou_thr,
            scale_ranges=scale_ranges,
        )

    def __repr__(self) -> str:
        return describe(self)


def _below(root: str | None, path: Any) -> Any:
    if root is None or path is None or osp.isabs(path):
        return path
    return osp.join(root, path)
