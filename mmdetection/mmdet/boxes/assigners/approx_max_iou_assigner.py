"""Assignment by the best of several approximations of a box (Guided Anchoring)."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from mmdet.boxes.assigners.assign_result import AssignResult
from mmdet.boxes.assigners.max_iou_assigner import MaxIoUAssigner
from mmdet.registry import MODELS


@MODELS.register_module()
class ApproxMaxIoUAssigner(MaxIoUAssigner):
    """Does what :class:`MaxIoUAssigner` does with the overlap of each square's best approximation.

    Args:
        args: see there.
        kwargs: likewise.
    """

    def assign(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        approxs: Tensor,
        squares: Tensor,
        approxs_per_octave: int,
        gt_bboxes: Tensor,
        gt_bboxes_ignore: Tensor | None = None,
        gt_labels: Tensor | None = None,
        **kwargs: Any,
    ) -> AssignResult:
        """Assigns squares (N, 4) to objects (G, 4).

        Args:
            approxs: (N * A, 4) approximations, those of one square together.
            squares: base anchors.
            approxs_per_octave: A.
            gt_bboxes: objects.
            gt_bboxes_ignore: (K, 4) ignored regions.
            gt_labels: (G,) classes of the objects.
            kwargs: without effect.
        """
        number, num_gts = len(squares), len(gt_bboxes)
        if number == 0 or num_gts == 0:
            return self.assign_wrt_overlaps(squares.new_zeros(num_gts, number), gt_labels)
        overlaps = self.iou_calculator(gt_bboxes, approxs.view(-1, 4)).nan_to_num_(nan=0.0)
        overlaps = overlaps.view(num_gts, number, approxs_per_octave).max(dim=2)[0]
        if self.ignore_iof_thr > 0 and gt_bboxes_ignore is not None:
            self._ignore(overlaps, squares, gt_bboxes_ignore)
        return self.assign_wrt_overlaps(overlaps, gt_labels)
