import pytest
import torch
from torchvision.ops import box_iou

from mmdet.boxes import AssignResult, build_assigner
from mmdet.boxes.demodata import random_boxes

BOXES = torch.tensor([[0.0, 0, 10, 10], [10, 10, 20, 20], [5, 5, 15, 15], [32, 32, 38, 42]])
OBJECTS = torch.tensor([[0.0, 0, 10, 9], [0, 10, 10, 19]])
LABELS = torch.tensor([2, 3])


def assigner(**kwargs):
    thresholds = {"pos_iou_thr": 0.5, "neg_iou_thr": 0.5}
    return build_assigner({"type": "MaxIoUAssigner", **thresholds, **kwargs})


def loop(boxes, objects, positive, negative, least):
    """Does it box by box."""
    overlaps, found = box_iou(objects, boxes), []
    for column in overlaps.t():
        best = int(column.argmax())
        if column[best] >= positive:
            found.append(best + 1)
        else:
            found.append(0 if column[best] < negative else -1)
    for index, row in enumerate(overlaps):
        if row.max() >= least:
            for place in (row == row.max()).nonzero().view(-1).tolist():
                found[place] = index + 1
    return found


@pytest.mark.parametrize(("positive", "negative", "least"), [(0.7, 0.3, 0.3), (0.5, 0.5, 0.0)])
def test_assignment_equals_a_loop(positive, negative, least):
    boxes, objects = random_boxes(300, 100, rng=0), random_boxes(8, 100, rng=1)
    result = assigner(pos_iou_thr=positive, neg_iou_thr=negative, min_pos_iou=least).assign(
        boxes, objects, gt_labels=torch.arange(8)
    )
    assert result.gt_inds.tolist() == loop(boxes, objects, positive, negative, least)
    assert result.max_overlaps is not None and result.labels is not None
    assert torch.equal(result.max_overlaps, box_iou(objects, boxes).max(0)[0])
    assert torch.equal(result.labels, result.gt_inds.clamp(min=0) - 1)


def test_known_assignment():
    result = assigner().assign(BOXES, OBJECTS, gt_labels=LABELS)
    assert result.gt_inds.tolist() == [1, 0, 2, 0]
    assert result.labels.tolist() == [2, -1, 3, -1]
    assert (result.num_gts, result.num_preds) == (2, 4)


def test_negatives_can_be_a_range_of_overlaps():
    result = assigner(neg_iou_thr=(0.1, 0.4), match_low_quality=False).assign(BOXES, OBJECTS)
    overlaps = box_iou(OBJECTS, BOXES).max(0)[0]
    expected = [1 if o >= 0.5 else 0 if 0.1 <= o < 0.4 else -1 for o in overlaps]
    assert result.gt_inds.tolist() == expected


def test_one_or_all_of_tied_boxes_become_positive():
    twins, target = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 4]]), torch.tensor([[0.0, 0, 4, 10]])
    assert assigner().assign(twins, target).gt_inds.tolist() == [1, 1]
    assert assigner(gt_max_assign_all=False).assign(twins, target).gt_inds.tolist() == [1, 0]
    assert assigner(match_low_quality=False).assign(twins, target).gt_inds.tolist() == [0, 0]


@pytest.mark.parametrize("wrt_candidates", [True, False])
def test_boxes_in_ignored_regions_are_ignored(wrt_candidates):
    regions = torch.tensor([[30.0, 30, 40, 40]])
    result = assigner(ignore_iof_thr=0.5, ignore_wrt_candidates=wrt_candidates).assign(
        BOXES, OBJECTS, gt_bboxes_ignore=regions
    )
    # 48 of the box's 60 pixels, but of the region's 100 only 48.
    assert result.gt_inds.tolist() == [1, 0, 2, -1 if wrt_candidates else 0]


def test_many_objects_can_be_assigned_on_the_cpu():
    on_cpu = assigner(gpu_assign_thr=1).assign(BOXES, OBJECTS, None, LABELS)
    assert torch.equal(on_cpu.gt_inds, assigner().assign(BOXES, OBJECTS).gt_inds)


@pytest.mark.parametrize("labels", [True, False])
@pytest.mark.parametrize(("boxes", "objects"), [(0, 2), (4, 0), (0, 0)])
def test_without_boxes_or_objects_all_is_background(boxes, objects, labels):
    result = assigner(ignore_iof_thr=0.5).assign(
        BOXES[:boxes], OBJECTS[:objects], OBJECTS, LABELS[:objects] if labels else None
    )
    assert result.gt_inds.tolist() == [0] * boxes
    assert result.max_overlaps.tolist() == [0] * boxes
    assert (result.labels.tolist() == [-1] * boxes) if labels else result.labels is None


def test_a_box_that_is_not_a_number_does_not_hide_the_others():
    broken = torch.cat([OBJECTS, torch.full((1, 4), float("nan"))])
    result = assigner(min_pos_iou=0.1).assign(BOXES, broken)
    assert result.gt_inds.tolist() == [1, 0, 2, 0]
    boxes = torch.cat([BOXES, torch.full((1, 4), float("nan"))])
    assert assigner().assign(boxes, OBJECTS).gt_inds.tolist() == [1, 0, 2, 0, 0]


def test_approximations_stand_for_their_square():
    squares = torch.tensor([[0.0, 0, 10, 10], [20, 20, 30, 30]])
    approxs = torch.tensor([[50.0, 50, 60, 60], [0, 0, 10, 9], [20, 20, 30, 30], [0, 10, 10, 19]])
    config = {"type": "ApproxMaxIoUAssigner", "pos_iou_thr": 0.5, "neg_iou_thr": 0.5}
    result = build_assigner(config).assign(approxs, squares, 2, OBJECTS, None, LABELS)
    assert result.gt_inds.tolist() == [1, 2] and result.labels.tolist() == [2, 3]
    empty = build_assigner(config).assign(approxs[:0], squares[:0], 2, OBJECTS)
    assert len(empty.gt_inds) == 0
    nothing = build_assigner(config).assign(approxs, squares, 2, OBJECTS[:0])
    assert nothing.gt_inds.tolist() == [0, 0]


def test_assign_results_can_be_drawn_and_extended():
    for seed in range(9):
        result = AssignResult.random(num_preds=20, num_gts=4, rng=seed, p_use_label=True)
        assert result.num_preds == 20 and result.gt_inds.min() >= -1 and result.gt_inds.max() <= 4
        assert len(set(result.gt_inds.tolist())) > 1
    result.add_gt_(torch.tensor([7, 8]))
    assert result.gt_inds[:2].tolist() == [1, 2] and result.labels[:2].tolist() == [7, 8]
    assert result.max_overlaps[:2].tolist() == [1, 1] and result.num_preds == 22
    result.set_extra_property("key", 3)
    assert result.get_extra_property("key") == 3 == result.info["key"]
    assert "num_gts=4" in str(result)
    assert AssignResult.random(num_gts=0, num_preds=3, rng=0).gt_inds.tolist() == [0, 0, 0]
