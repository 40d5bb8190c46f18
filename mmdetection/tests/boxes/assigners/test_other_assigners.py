import itertools

import pytest
import torch
from torchvision.ops import box_iou

from mmdet.boxes import build_assigner, build_match_cost
from mmdet.boxes.demodata import random_boxes

BOXES = torch.tensor([[0.0, 0, 10, 10], [10, 10, 20, 20], [5, 5, 15, 15], [32, 32, 38, 42]])
OBJECTS = torch.tensor([[0.0, 0, 10, 9], [0, 10, 10, 19]])
LABELS = torch.tensor([2, 3])
META = {"img_shape": (10, 8, 3)}


def call_atss(objects, labels, boxes=BOXES):
    return build_assigner({"type": "ATSSAssigner", "topk": 9}).assign(
        boxes, [len(boxes)], objects, None, labels
    )


def call_task_aligned(objects, labels, boxes=BOXES):
    scores = torch.rand(len(boxes), 4)
    return build_assigner({"type": "TaskAlignedAssigner", "topk": 13}).assign(
        scores, boxes, boxes, objects, None, labels
    )


def call_hungarian(objects, labels, boxes=BOXES):
    return build_assigner({"type": "HungarianAssigner"}).assign(
        boxes / 50, torch.rand(len(boxes), 4), objects, labels, META
    )


def call_sim_ota(objects, labels, boxes=BOXES):
    priors = torch.cat([boxes[:, :2], torch.full((len(boxes), 2), 8.0)], 1)
    return build_assigner({"type": "SimOTAAssigner"}).assign(
        torch.rand(len(boxes), 4), priors, boxes, objects, labels
    )


def call_uniform(objects, labels, boxes=BOXES):
    config = {"type": "UniformAssigner", "pos_ignore_thr": 0.15, "neg_ignore_thr": 0.7}
    return build_assigner(config).assign(boxes, boxes, objects, None, labels)


def call_point(objects, labels, boxes=BOXES):
    points = torch.cat([boxes[:, :2], torch.full((len(boxes), 1), 4.0)], 1)
    return build_assigner({"type": "PointAssigner"}).assign(points, objects, None, labels)


def call_grid(objects, labels, boxes=BOXES):
    config = {"type": "GridAssigner", "pos_iou_thr": 0.5, "neg_iou_thr": 0.5}
    return build_assigner(config).assign(boxes, torch.ones(len(boxes)), objects, labels)


def call_center(objects, labels, boxes=BOXES):
    config = {"type": "CenterRegionAssigner", "pos_scale": 0.2, "neg_scale": 0.5}
    return build_assigner(config).assign(boxes, objects, None, labels)


def call_mask(objects, labels, boxes=BOXES):
    return build_assigner({"type": "MaskHungarianAssigner"}).assign(
        torch.rand(len(boxes), 5), torch.rand(len(boxes), 6, 6), labels,
        torch.ones(len(objects), 6, 6), META,
    )  # fmt: skip


ALL = [call_atss, call_task_aligned, call_hungarian, call_sim_ota, call_uniform, call_point,
       call_grid, call_center, call_mask]  # fmt: skip


@pytest.mark.parametrize("call", ALL)
@pytest.mark.parametrize(("boxes", "objects"), [(4, 0), (0, 2), (0, 0), (1, 2), (4, 2)])
def test_any_number_of_boxes_and_objects_can_be_assigned(call, boxes, objects):
    result = call(OBJECTS[:objects], LABELS[:objects], BOXES[:boxes])
    assert result.num_gts == objects and len(result.gt_inds) == boxes
    assert len(result.labels) == boxes
    for index, label in zip(result.gt_inds.tolist(), result.labels.tolist(), strict=True):
        assert label == (LABELS[index - 1] if index > 0 else -1)
    if objects == 0:
        assert result.gt_inds.tolist() == [0] * boxes


def test_atss_equals_the_steps_of_the_paper():
    anchors, objects = random_boxes(90, 100, rng=0), random_boxes(5, 100, rng=1)
    levels, topk = [60, 30], 4
    overlaps, best = box_iou(anchors, objects), {}
    for g, target in enumerate(objects):
        center = (target[:2] + target[2:]) / 2
        distance = ((anchors[:, :2] + anchors[:, 2:]) / 2 - center).norm(dim=1)
        near = distance[:60].argsort()[:topk].tolist()
        near += (60 + distance[60:].argsort()[:topk]).tolist()
        of_near = overlaps[near, g]
        for a in near:
            x, y = ((anchors[a, :2] + anchors[a, 2:]) / 2).tolist()
            inside = min(x - target[0], y - target[1], target[2] - x, target[3] - y) > 0.01
            if overlaps[a, g] >= of_near.mean() + of_near.std() and inside:
                best.setdefault(a, []).append((overlaps[a, g].item(), g))
    expected = [1 + max(best[a])[1] if a in best else 0 for a in range(90)]
    result = build_assigner({"type": "ATSSAssigner", "topk": topk}).assign(anchors, levels, objects)
    assert result.gt_inds.tolist() == expected and any(expected)


def test_atss_leaves_out_ignored_regions():
    config = {"type": "ATSSAssigner", "topk": 9, "ignore_iof_thr": 0.5}
    regions = torch.tensor([[30.0, 30, 40, 40]])
    result = build_assigner(config).assign(BOXES, [4], OBJECTS, regions, LABELS)
    assert result.gt_inds[3] == -1 and (result.gt_inds[:3] >= 0).all()


def test_hungarian_matching_has_the_least_cost_of_all_permutations():
    torch.manual_seed(0)
    boxes, scores = torch.rand(5, 4), torch.randn(5, 4)
    objects, labels = random_boxes(3, 8, rng=1), torch.tensor([0, 3, 1])
    costs = {
        "cls_cost": {"type": "FocalLossCost", "weight": 2.0},
        "reg_cost": {"type": "BBoxL1Cost", "weight": 5.0, "box_format": "xywh"},
        "iou_cost": {"type": "IoUCost", "iou_mode": "giou", "weight": 2.0},
    }
    scale = torch.tensor([8.0, 10, 8, 10])
    center, half = boxes[:, :2], boxes[:, 2:] / 2
    corners = torch.cat([center - half, center + half], 1) * scale
    cost = (
        build_match_cost(costs["cls_cost"])(scores, labels)
        + build_match_cost(costs["reg_cost"])(boxes, objects / scale)
        + build_match_cost(costs["iou_cost"])(corners, objects)
    )
    least = min(
        itertools.permutations(range(5), 3), key=lambda p: sum(cost[i, j] for j, i in enumerate(p))
    )
    result = build_assigner({"type": "HungarianAssigner", **costs}).assign(
        boxes, scores, objects, labels, META
    )
    assert result.gt_inds.tolist() == [least.index(i) + 1 if i in least else 0 for i in range(5)]


def test_a_prediction_that_is_not_a_number_is_matched_last():
    boxes = torch.cat([torch.full((1, 4), float("nan")), torch.rand(2, 4)])
    result = build_assigner({"type": "HungarianAssigner"}).assign(
        boxes, torch.zeros(3, 4), OBJECTS, LABELS, META
    )
    assert sorted(result.gt_inds.tolist()) == [0, 1, 2] and result.gt_inds[0] == 0


def test_sim_ota_prefers_priors_in_and_near_the_middle_of_an_object():
    config = {"type": "SimOTAAssigner", "center_radius": 2.5, "candidate_topk": 1}
    priors = torch.tensor([[12.0, 12, 8, 8], [75, 75, 8, 8]])
    objects = torch.tensor([[0.0, 0, 60, 60], [60, 60, 90, 90]])
    decoded = objects + torch.tensor([[2.0, 2, -2, -2]])
    result = build_assigner(config).assign(
        torch.full((2, 2), 0.5), priors, decoded, objects, torch.tensor([0, 1])
    )
    assert result.gt_inds.tolist() == [1, 2]
    assert torch.allclose(result.max_overlaps, box_iou(decoded, objects).diagonal())


def test_points_go_to_the_nearest_object_of_their_level():
    points = torch.tensor([[0.0, 0, 1], [10, 10, 1], [5, 5, 1], [32, 32, 1]])
    objects = torch.tensor([[0.0, 0, 10, 9], [0, 10, 10, 19]])
    result = build_assigner({"type": "PointAssigner"}).assign(points, objects)
    assert result.gt_inds.tolist() == [1, 2, 1, 0]


def test_center_regions_and_their_shadows():
    config = {"type": "CenterRegionAssigner", "pos_scale": 0.3, "neg_scale": 1.0}
    boxes = torch.tensor([[0.0, 0, 10, 10], [10, 10, 20, 20], [5, 5, 15, 15], [3, 2, 9, 8]])
    objects = torch.tensor(
        [[0.0, 0, 11, 11], [10, 10, 20, 20], [4.5, 4.5, 5.5, 5.5], [0, 0, 10, 10]]
    )
    labels = torch.tensor([2, 3, 5, 7])
    result = build_assigner({**config, "min_pos_iof": 0.01}).assign(boxes, objects, None, labels)
    # Boxes 0 and 3 lie in the cores of objects 0 and 3: the smaller wins.
    assert result.gt_inds.tolist() == [4, 2, 1, 4]
    shadowed = result.get_extra_property("shadowed_labels").tolist()
    assert all(row in shadowed for row in ([0, 2], [2, 3], [3, 2])) and [1, 3] not in shadowed
    ignored = build_assigner(config).assign(
        boxes, objects, torch.tensor([[14.0, 14, 16, 16]]), labels
    )
    assert ignored.gt_inds[1] == -1


def test_uniform_matches_come_with_their_boxes():
    config = {"type": "UniformAssigner", "pos_ignore_thr": 0.15, "neg_ignore_thr": 0.7,
              "match_times": 1}  # fmt: skip
    result = build_assigner(config).assign(BOXES, BOXES + 1, OBJECTS, None, LABELS)
    assert len(result.get_extra_property("pos_predicted_boxes")) == 2 * 1 * 2
    assert torch.equal(result.get_extra_property("target_boxes"), OBJECTS.repeat(2, 1))
    assert result.get_extra_property("pos_idx").dtype == torch.bool
