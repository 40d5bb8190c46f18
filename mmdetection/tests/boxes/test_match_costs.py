import pytest
import torch
from torch.nn import functional as F
from torchvision.ops import generalized_box_iou

from mmdet.boxes import build_match_cost
from mmdet.boxes.demodata import random_boxes

LOGITS, LABELS = torch.randn(5, 3), torch.tensor([0, 2, 1, 1])
MASKS, TARGETS = torch.randn(5, 6, 6), (torch.rand(4, 6, 6) > 0.5).float()


def pairs(function, first, second):
    return torch.stack([torch.stack([function(a, b) for b in second]) for a in first])


def test_class_costs_equal_loops():
    probability = LOGITS.softmax(-1)
    expected = pairs(lambda p, c: -2 * p[c], probability, LABELS)
    cost = build_match_cost({"type": "ClassificationCost", "weight": 2.0})
    assert torch.allclose(cost(LOGITS, LABELS), expected)

    def focal(logit, label):
        p = logit[label].sigmoid()
        return -0.25 * (1 - p) ** 2 * p.log() + 0.75 * p**2 * (1 - p).log()

    cost = build_match_cost({"type": "FocalLossCost"})
    assert torch.allclose(cost(LOGITS, LABELS), pairs(focal, LOGITS, LABELS), atol=1e-5)


def test_box_costs_equal_loops():
    boxes, objects = random_boxes(5, 1, rng=0), random_boxes(4, 1, rng=1)
    centered = torch.cat([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], 1)
    expected = pairs(lambda a, b: (a - b).abs().sum(), boxes, objects)
    assert torch.allclose(build_match_cost({"type": "BBoxL1Cost"})(centered, objects), expected,
                          atol=1e-5)  # fmt: skip
    iou = build_match_cost({"type": "IoUCost", "weight": 2.0})
    assert torch.allclose(iou(boxes, objects), -2 * generalized_box_iou(boxes, objects), atol=1e-5)


@pytest.mark.parametrize("naive", [True, False])
def test_dice_cost_equals_a_loop(naive):
    def dice(p, t):
        p = p.sigmoid()
        total = p.sum() + t.sum() if naive else (p * p).sum() + (t * t).sum()
        return 1 - (2 * (p * t).sum() + 1e-3) / (total + 1e-3)

    cost = build_match_cost({"type": "DiceCost", "pred_act": True, "naive_dice": naive})
    assert torch.allclose(cost(MASKS, TARGETS), pairs(dice, MASKS, TARGETS), atol=1e-5)


def test_pixel_costs_equal_loops():
    cost = build_match_cost({"type": "CrossEntropyLossCost"})
    expected = pairs(F.binary_cross_entropy_with_logits, MASKS, TARGETS)
    assert torch.allclose(cost(MASKS, TARGETS), expected, atol=1e-5)

    def focal(logits, target):
        p = logits.sigmoid()
        positive, negative = -0.25 * (1 - p) ** 2 * p.log(), -0.75 * p**2 * (1 - p).log()
        return (positive * target + negative * (1 - target)).mean()

    cost = build_match_cost({"type": "FocalLossCost", "binary_input": True})
    assert torch.allclose(cost(MASKS, TARGETS), pairs(focal, MASKS, TARGETS), atol=1e-5)


def test_unknown_settings_are_refused():
    with pytest.raises(AssertionError, match="box_format"):
        build_match_cost({"type": "BBoxL1Cost", "box_format": "x"})
    with pytest.raises(AssertionError, match="use_sigmoid"):
        build_match_cost({"type": "CrossEntropyLossCost", "use_sigmoid": False})
