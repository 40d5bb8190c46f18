"""COCO: 80 classes of objects with boxes and masks (Lin et al., 2014, arXiv:1405.0312)."""

from __future__ import annotations

import contextlib
import os.path as osp
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np

from mmcv.image.checks import require
from mmdet.datasets.annotation_checks import Findings, check_categories
from mmdet.datasets.api_wrappers import COCO
from mmdet.datasets.coco_annotations import drop_unusable, parse_annotations
from mmdet.datasets.custom import CustomDataset
from mmdet.evaluation import coco_json, coco_metrics
from mmdet.evaluation.label_sets import COCO as COCO_LABELS
from mmdet.registry import DATASETS


@DATASETS.register_module()
class CocoDataset(CustomDataset):
    """Images with annotations in COCO's json; arguments as of CustomDataset.

    ``cat_ids`` are the ids of the categories in the order of the labels, ``cat2label`` maps them to
    labels: the index of the category's name in CLASSES.
    """

    CLASSES = COCO_LABELS.names
    PALETTE = COCO_LABELS.palette
    METRICS = coco_metrics.ALLOWED

    def load_annotations(self, ann_file: str) -> list[dict[str, Any]]:
        """Reads the json and returns its images, each with ``filename``."""
        self.coco = COCO(ann_file)
        self._map_categories(ann_file)
        self.img_ids = self.coco.get_img_ids()
        infos = self.coco.load_imgs(self.img_ids)
        for info in infos:
            info["filename"] = info["file_name"]
        self._report_problems(ann_file, infos)
        return infos

    def _map_categories(self, ann_file: str) -> None:
        known = {cat["name"]: cat["id"] for cat in self.coco.dataset["categories"]}
        is_explicit = self.CLASSES is not type(self).CLASSES
        assert self.CLASSES is not None
        self.cat2label = check_categories(ann_file, known, list(self.CLASSES), explicit=is_explicit)
        self.cat_ids = list(self.cat2label)

    def _report_problems(self, ann_file: str, infos: Sequence[dict[str, Any]]) -> None:
        """Warns of annotations that are left out; they would be so silently, image by image."""
        findings = Findings(ann_file)
        drop_unusable(self.coco, infos, findings)
        for info in infos:
            parse_annotations(self.coco.imgToAnns[info["id"]], info, self.cat2label, findings)
        findings.report()
        self.coco.img_ann_map, self.coco.cat_img_map = self.coco.imgToAnns, self.coco.catToImgs

    def get_ann_info(self, idx: int) -> dict[str, Any]:
        """Returns ``bboxes``, ``labels``, ``bboxes_ignore``, ``masks`` and ``seg_map``."""
        info = self.data_infos[idx]
        ann_ids = self.coco.get_ann_ids(img_ids=[info["id"]])
        return self._parse_ann_info(info, self.coco.load_anns(ann_ids))

    def get_cat_ids(self, idx: int) -> list[int]:
        """Returns the category id of each annotation of a sample."""
        ann_ids = self.coco.get_ann_ids(img_ids=[self.data_infos[idx]["id"]])
        return [ann["category_id"] for ann in self.coco.load_anns(ann_ids)]

    def get_cat2imgs(self) -> dict[int, list[int]]:
        """Returns for each label the indices of the images that show it."""
        cat2imgs: dict[int, list[int]] = {label: [] for label in range(len(self.CLASSES or ()))}
        for idx in range(len(self)):
            for cat_id in set(self.get_cat_ids(idx)) & set(self.cat2label):
                cat2imgs[self.cat2label[cat_id]].append(idx)
        return cat2imgs

    def _parse_ann_info(
        self, img_info: dict[str, Any], ann_info: Sequence[dict[str, Any]]
    ) -> dict[str, Any]:
        ann = parse_annotations(ann_info, img_info, self.cat2label)
        ann["seg_map"] = img_info["filename"].rsplit(".", 1)[0] + self.seg_suffix
        return ann

    def _filter_imgs(self, min_size: int = 32) -> list[int]:
        """Returns the indices of images that are large enough and, if asked for, not empty."""
        with_ann = {ann["image_id"] for ann in self.coco.anns.values()}
        of_classes: set[Any] = set()
        for cat_id in self.cat_ids:
            of_classes |= set(self.coco.catToImgs[cat_id])
        wanted = of_classes & with_ann
        valid, valid_ids = [], []
        for i, info in enumerate(self.data_infos):
            if self.filter_empty_gt and self.img_ids[i] not in wanted:
                continue
            if min(info["width"], info["height"]) >= min_size:
                valid.append(i)
                valid_ids.append(self.img_ids[i])
        self.img_ids = valid_ids
        return valid

    def xyxy2xywh(self, bbox: np.ndarray) -> list[float]:
        """Turns a box x1, y1, x2, y2 into x, y, width, height."""
        return coco_json.xyxy2xywh(bbox)

    def _proposal2json(self, results: Sequence[Any]) -> list[dict[str, Any]]:
        # 1 as in 1.x; where no category has that id, pycocotools would drop them all.
        cat_id = 1 if 1 in self.cat_ids else self.cat_ids[0]
        return coco_json.proposals_to_json(results, self.img_ids, cat_id)

    def _det2json(self, results: Sequence[Any]) -> list[dict[str, Any]]:
        return coco_json.boxes_to_json(results, self.img_ids, self._label2cat)

    def _segm2json(self, results: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        return coco_json.masks_to_json(results, self.img_ids, self._label2cat)

    @property
    def _label2cat(self) -> dict[int, int]:
        return {label: cat_id for cat_id, label in self.cat2label.items()}

    def results2json(self, results: list[Any], outfile_prefix: str) -> dict[str, str]:
        """Writes results in COCO's format.

        Args:
            results: per image a list of boxes per class, a tuple of boxes and masks, or an array
                of proposals.
            outfile_prefix: ``<prefix>.bbox.json``, ``.segm.json`` and ``.proposal.json`` are
                written.

        Returns:
            The file for each of ``bbox``, ``proposal`` and ``segm``.
        """
        return coco_json.write(self, results, outfile_prefix)

    def format_results(
        self, results: list[Any], jsonfile_prefix: str | None = None, **kwargs: Any
    ) -> tuple[dict[str, str], tempfile.TemporaryDirectory | None]:
        """Writes results for COCO's server.

        Args:
            results: one per image.
            jsonfile_prefix: see ``results2json``; None: in a temporary folder.
            kwargs: accepted.

        Returns:
            The files, and the temporary folder, which the caller cleans up.
        """
        require(isinstance(results, list), "results must be a list")
        require(
            len(results) == len(self),
            f"The length of results is not equal to the dataset len: {len(results)} != {len(self)}",
        )
        folder = None
        if jsonfile_prefix is None:
            folder = tempfile.TemporaryDirectory()
            jsonfile_prefix = osp.join(folder.name, "results")
        return self.results2json(results, jsonfile_prefix), folder

    def fast_eval_recall(
        self, results: list[Any], proposal_nums: Any, iou_thrs: Any, logger: Any = None
    ) -> np.ndarray:
        """Returns the recall of proposals, averaged over thresholds, per number of proposals."""
        return coco_metrics.fast_eval_recall(
            self.coco, self.img_ids, results, proposal_nums, iou_thrs, logger=logger
        )

    def evaluate_det_segm(
        self,
        results: list[Any],
        result_files: dict[str, str],
        coco_gt: COCO,
        metrics: Sequence[str],
        logger: Any = None,
        classwise: bool = False,
        proposal_nums: Sequence[int] = (100, 300, 1000),
        iou_thrs: Any = None,
        metric_items: Any = None,
        backend: str = "pycocotools",
    ) -> dict[str, Any]:
        """Computes metrics of result files; arguments as of ``evaluate``."""
        return coco_metrics.evaluate_files(
            self,
            results,
            result_files,
            coco_gt,
            metrics,
            coco_metrics.Options(
                logger=logger,
                classwise=classwise,
                proposal_nums=proposal_nums,
                iou_thrs=iou_thrs,
                metric_items=metric_items,
                backend=backend,
            ),
        )

    def evaluate(  # type: ignore[override]
        self,
        results: list[Any],
        metric: str | Sequence[str] = "bbox",
        logger: Any = None,
        jsonfile_prefix: str | None = None,
        classwise: bool = False,
        proposal_nums: Sequence[int] = (100, 300, 1000),
        iou_thrs: Any = None,
        metric_items: Any = None,
        backend: str = "pycocotools",
    ) -> dict[str, Any]:
        """Computes COCO's metrics.

        Args:
            results: one per image, as ``pre_eval`` returns them.
            metric: some of ``bbox``, ``segm``, ``proposal``, ``proposal_fast``.
            logger: where tables go.
            jsonfile_prefix: keep the results in COCO's format under this prefix.
            classwise: add a table of AP per class.
            proposal_nums: largest numbers of detections per image.
            iou_thrs: thresholds of the overlap; None: 0.50, 0.55, ... 0.95.
            metric_items: which values to return (``mAP``, ``mAP_50``, ``AR@100`` ...).
            backend: "pycocotools", or "faster_coco_eval" if it is installed: the same numbers.

        Returns:
            ``bbox_mAP``, ``bbox_mAP_50``, ..., ``bbox_mAP_copypaste``; the same for ``segm``;
            rounded to three digits.
        """
        metrics: Any = list(metric) if isinstance(metric, (list, tuple)) else [metric]
        for name in metrics:
            if name not in coco_metrics.ALLOWED:
                raise KeyError(f"metric {name} is not supported")
        result_files, folder = self.format_results(results, jsonfile_prefix)
        with folder or contextlib.nullcontext():
            return self.evaluate_det_segm(
                results,
                result_files,
                self.coco,
                metrics,
                logger,
                classwise,
                proposal_nums,
                iou_thrs,
                metric_items,
                backend,
            )
