"""Pascal VOC: 20 classes (http://host.robots.ox.ac.uk/pascal/VOC)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmdet.datasets.xml_style import XMLDataset
from mmdet.evaluation.custom_metrics import evaluate_boxes
from mmdet.evaluation.label_sets import VOC
from mmdet.registry import DATASETS


@DATASETS.register_module()
class VOCDataset(XMLDataset):
    """VOC 2007 or 2012, as ``img_prefix`` says; arguments as of XMLDataset."""

    CLASSES = VOC.names
    PALETTE = VOC.palette

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        years = [year for year in (2007, 2012) if f"VOC{year}" in self.img_prefix]
        if not years:
            raise ValueError("Cannot infer dataset year from img_prefix")
        self.year = years[0]

    def evaluate(
        self,
        results: list[Any],
        metric: str | Sequence[str] = "mAP",
        logger: Any = None,
        proposal_nums: Sequence[int] = (100, 300, 1000),
        iou_thr: float | list[float] = 0.5,
        scale_ranges: Any = None,
    ) -> dict[str, float]:
        """Evaluates as VOC does: x2 and y2 are inside, and 2007's AP has 11 points.

        Args:
            results: as of CustomDataset.evaluate, as the others.
            metric: see there.
            logger: see there.
            proposal_nums: see there.
            iou_thr: see there.
            scale_ranges: accepted; objects of all sizes are evaluated, as in 1.x.
        """
        values = evaluate_boxes(
            results,
            [self.get_ann_info(i) for i in range(len(self))],
            metric,
            classes="voc07" if self.year == 2007 else self.CLASSES,
            logger=logger,
            proposal_nums=proposal_nums,
            iou_thr=iou_thr,
            options={"use_legacy_coordinate": True},
        )
        # The mean comes first, which is what save_best='auto' looks at.
        return {key: values[key] for key in sorted(values, key=lambda key: key != "mAP")}
