"""LVIS: a thousand rare and frequent classes on COCO's images (arXiv:1908.03195)."""

from __future__ import annotations

import contextlib
import logging
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np

from mmcv.registry import ConfigError
from mmcv.utils import print_log
from mmdet.datasets.api_wrappers import COCO
from mmdet.datasets.coco import CocoDataset
from mmdet.evaluation import coco_metrics
from mmdet.registry import DATASETS

COCO_HOST = "http://images.cocodataset.org/"


@DATASETS.register_module(name=["LVISV05Dataset", "LVISDataset"])
class LVISV05Dataset(CocoDataset):
    """LVIS v0.5; arguments as of CustomDataset.

    The names of the classes are those of the annotation file, in the order of their ids.
    """

    CLASSES = None
    PALETTE = None

    def load_annotations(self, ann_file: str) -> list[dict[str, Any]]:
        """Reads the json and returns its images, each with ``filename``."""
        self.coco = COCO(ann_file)
        categories = sorted(self.coco.dataset["categories"], key=lambda cat: cat["id"])
        if self.CLASSES is None:
            self.CLASSES = tuple(cat["name"] for cat in categories)
        self._map_categories(ann_file)
        self.img_ids = self.coco.get_img_ids()
        infos = self.coco.load_imgs(self.img_ids)
        for info in infos:
            info["filename"] = self._file_name(info)
        self._report_problems(ann_file, infos)
        return infos

    def _file_name(self, info: dict[str, Any]) -> str:
        # As in 1.x: names may start with "COCO_train2014_", the files of 2017 do not.
        name = info["file_name"]
        return name[-16:] if name.startswith("COCO") else name

    def evaluate(  # type: ignore[override]
        self,
        results: list[Any],
        metric: str | Sequence[str] = "bbox",
        logger: Any = None,
        jsonfile_prefix: str | None = None,
        classwise: bool = False,
        proposal_nums: Sequence[int] = (100, 300, 1000),
        iou_thrs: Any = None,
    ) -> dict[str, Any]:
        """Computes the metrics of LVIS, with the package ``lvis``.

        Args:
            results: as of CocoDataset.evaluate, as the others.
            metric: see there.
            logger: see there.
            jsonfile_prefix: see there.
            classwise: see there.
            proposal_nums: see there.
            iou_thrs: see there.

        Returns:
            ``bbox_AP``, ``bbox_AP50``, ``bbox_APr`` ... and ``bbox_mAP_copypaste``

        Raises:
            ConfigError: the package is missing.
        """
        package = _lvis()
        metrics: Any = list(metric) if isinstance(metric, (list, tuple)) else [metric]
        for name in metrics:
            if name not in coco_metrics.ALLOWED:
                raise KeyError(f"metric {name} is not supported")
        files, folder = self.format_results(results, jsonfile_prefix)
        options = coco_metrics.Options(
            logger=logger, classwise=classwise, proposal_nums=proposal_nums, iou_thrs=iou_thrs
        )
        values: dict[str, Any] = OrderedDict()
        with folder or contextlib.nullcontext():
            for name in metrics:
                print_log(f"Evaluating {name}...", logger=logger)
                if name == "proposal_fast":
                    values.update(coco_metrics.fast_proposals(self, results, options))
                else:
                    values.update(self._evaluate_one(package, files, name, options))
        return values

    def _evaluate_one(
        self, package: Any, files: dict[str, str], metric: str, options: coco_metrics.Options
    ) -> dict[str, Any]:
        if metric not in files:
            raise KeyError(f"{metric} is not in results")
        truth = package.LVIS(self.ann_file)
        try:
            found = package.LVISResults(truth, files[metric])
        except IndexError:
            message = "The testing results of the whole dataset is empty."
            print_log(message, logger=options.logger, level=logging.ERROR)
            return {}
        judge = package.LVISEval(truth, found, "bbox" if metric == "proposal" else metric)
        judge.params.img_ids = judge.params.imgIds = self.img_ids
        if metric == "proposal":
            judge.params.use_cats = judge.params.useCats = 0
            judge.params.max_dets = max(options.proposal_nums)
        judge.run()
        stats = judge.get_results()
        if metric == "proposal":
            return {k: round(float(v), 3) for k, v in stats.items() if k.startswith("AR")}
        if options.classwise:
            self._print_classes(judge, options.logger)
        precisions = {k: float(v) for k, v in stats.items() if k.startswith("AP")}
        values: dict[str, Any] = {f"{metric}_{k}": round(v, 3) for k, v in precisions.items()}
        line = " ".join(f"{k}:{v:.3f}" for k, v in precisions.items())
        values[f"{metric}_mAP_copypaste"] = line
        return values

    def _print_classes(self, judge: Any, logger: Any) -> None:
        names = {cat["id"]: cat["name"] for cat in self.coco.dataset["categories"]}
        lines = []
        for k, cat_id in enumerate(self.cat_ids):
            values = judge.eval["precision"][:, :, k, 0]
            values = values[values > -1]
            ap = np.mean(values) if values.size else float("nan")
            lines.append(f"{names[cat_id]}: {float(ap):0.3f}")
        print_log("\n" + "\n".join(lines), logger=logger)


@DATASETS.register_module()
class LVISV1Dataset(LVISV05Dataset):
    """LVIS v1: 1203 classes on the images of COCO 2017; arguments as of CustomDataset."""

    def _file_name(self, info: dict[str, Any]) -> str:
        return info["coco_url"].replace(COCO_HOST, "")


def _lvis() -> Any:
    try:
        import lvis  # type: ignore[import-not-found]
    except ImportError:
        raise ConfigError("evaluation of LVIS needs a package: pip install lvis") from None
    return lvis
