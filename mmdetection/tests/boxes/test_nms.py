import numpy as np
import pytest
import torch
from torchvision.ops import box_iou, nms

from mmdet.boxes import (
    fast_nms,
    mask_matrix_nms,
    merge_aug_bboxes,
    merge_aug_masks,
    merge_aug_proposals,
    merge_aug_scores,
    multiclass_nms,
)
from mmdet.boxes.demodata import random_boxes

CFG = {"type": "nms", "iou_threshold": 0.4}
BOXES, SCORES = random_boxes(60, 100, rng=0), torch.rand(60, 4, generator=torch.manual_seed(0))


def class_by_class(boxes, scores, threshold):
    found = []
    for c in range(3):
        own = boxes if boxes.shape[1] == 4 else boxes[:, 4 * c : 4 * c + 4]
        (candidates,) = (scores[:, c] > threshold).nonzero(as_tuple=True)
        keep = candidates[nms(own[candidates], scores[candidates, c], 0.4)]
        found += [(scores[i, c].item(), c, int(i) * 3 + c, own[i].tolist()) for i in keep]
    return sorted(found, reverse=True)


@pytest.mark.parametrize("boxes", [BOXES, BOXES.repeat(1, 3) + torch.arange(12)])
@pytest.mark.parametrize("max_num", [-1, 5])
def test_multiclass_nms_equals_torchvision_class_by_class(boxes, max_num):
    expected = class_by_class(boxes, SCORES, 0.3)[: None if max_num < 0 else max_num]
    dets, labels, inds = multiclass_nms(boxes, SCORES, 0.3, CFG, max_num, return_inds=True)
    assert labels.tolist() == [e[1] for e in expected] and inds.tolist() == [e[2] for e in expected]
    assert torch.allclose(dets, torch.tensor([[*e[3], e[0]] for e in expected]))


def test_factors_count_after_the_threshold():
    factors = torch.full((60,), 0.01)
    plain, scaled = (
        multiclass_nms(BOXES, SCORES, 0.3, CFG, score_factors=f) for f in (None, factors)
    )
    assert len(plain[0]) == len(scaled[0])
    assert torch.allclose(scaled[0][:, 4], plain[0][:, 4] * 0.01)


def test_nothing_above_the_threshold_gives_nothing():
    for boxes, scores in ((BOXES, SCORES), (BOXES[:0], SCORES[:0])):
        dets, labels, inds = multiclass_nms(boxes, scores, 2.0, CFG, return_inds=True)
        assert dets.shape == (0, 5) and len(labels) == len(inds) == 0


def test_boxes_that_are_not_finite_are_left_out():
    broken = BOXES.clone()
    broken[0], broken[1, 2] = float("nan"), float("inf")
    dets, labels = multiclass_nms(broken, SCORES, 0.3, CFG)
    expected, expected_labels = multiclass_nms(BOXES[2:], SCORES[2:], 0.3, CFG)
    assert torch.equal(dets, expected) and torch.equal(labels, expected_labels)


def test_fast_nms_suppresses_by_any_better_box():
    dets, classes, coeffs = fast_nms(BOXES, SCORES, torch.arange(60.0)[:, None], 0.3, 0.4, 20)
    expected = set()
    for c in range(3):
        order = SCORES[:, c].argsort(descending=True)[:20]
        ious = box_iou(BOXES[order], BOXES[order])
        for rank, i in enumerate(order.tolist()):
            if SCORES[i, c] > 0.3 and (rank == 0 or ious[:rank, rank].max() <= 0.4):
                expected.add((c, i))
    assert set(zip(classes.tolist(), coeffs[:, 0].int().tolist(), strict=True)) == expected
    assert (dets[:, 4].diff() <= 0).all()
    assert len(fast_nms(BOXES, SCORES, SCORES, 0.3, 0.4, 20, max_num=3)[0]) == 3
    assert fast_nms(BOXES[:0], SCORES[:0], SCORES[:0], 0.3, 0.4, 20)[0].shape == (0, 5)


@pytest.mark.parametrize("kernel", ["gaussian", "linear"])
def test_matrix_nms_equals_a_loop(kernel):
    generator = torch.manual_seed(0)
    masks = (torch.rand(8, 6, 6, generator=generator) > 0.3).float()
    labels, scores = torch.tensor([0, 1] * 4), torch.rand(8, generator=generator)

    def iou(a, b):
        return ((a * b).sum() / ((a + b) > 0).sum()).item()

    order = scores.argsort(descending=True).tolist()
    expected = {}
    for rank, j in enumerate(order):
        factor = 1.0
        for k, i in enumerate(order[:rank]):
            own = iou(masks[i], masks[j]) if labels[i] == labels[j] else 0.0
            worst = max(
                [iou(masks[h], masks[i]) for h in order[:k] if labels[h] == labels[i]], default=0.0
            )
            if kernel == "linear":
                factor = min(factor, (1 - own) / (1 - worst))
            else:
                factor = min(factor, float(np.exp(-2 * own**2) / np.exp(-2 * worst**2)))
        expected[j] = scores[j].item() * factor
    result, _, _, kept = mask_matrix_nms(masks, labels, scores, kernel=kernel)
    for score, index in zip(result.tolist(), kept.tolist(), strict=True):
        assert score == pytest.approx(expected[index], abs=1e-5)
    assert (result.diff() <= 0).all()
    limits = {"filter_thr": 0.1, "nms_pre": 5, "max_num": 3}
    few = mask_matrix_nms(masks, labels, scores, kernel=kernel, **limits)
    assert len(few[0]) <= 3 and torch.equal(few[2], masks[few[3]])


def test_matrix_nms_checks_its_input_and_takes_empty_masks():
    masks, labels, scores = torch.zeros(2, 4, 4), torch.tensor([1, 1]), torch.tensor([0.5, 0.4])
    for arguments in ((masks, labels[:1], scores), (masks[:1], labels, scores)):
        with pytest.raises(AssertionError):
            mask_matrix_nms(*arguments)
    with pytest.raises(AssertionError):
        mask_matrix_nms(masks, labels, scores, mask_area=torch.zeros(1))
    with pytest.raises(NotImplementedError, match="None"):
        mask_matrix_nms(masks, labels, scores, kernel="None")
    assert torch.isfinite(mask_matrix_nms(masks, labels, scores)[0]).all()
    assert [len(r) for r in mask_matrix_nms(masks[:0], labels[:0], scores[:0])] == [0] * 4


META = {"img_shape": (100, 100, 3), "scale_factor": np.float32([2, 2, 2, 2]), "flip": False}
FLIPPED = {**META, "flip": True, "flip_direction": "horizontal"}


def test_proposals_of_a_mirrored_image_are_mapped_back_and_joined():
    first = torch.tensor([[10.0, 20, 30, 40, 0.9], [60, 60, 80, 80, 0.3]])
    second = torch.tensor([[70.0, 20, 90, 40, 0.8], [0, 0, 4, 4, 0.7]])
    cfg = {"nms": {"type": "nms", "iou_threshold": 0.5}, "max_per_img": 2}
    merged = merge_aug_proposals([first, second], [META, FLIPPED], cfg)
    expected = torch.tensor([[5.0, 10, 15, 20, 0.9], [48, 0, 50, 2, 0.7]])
    assert torch.allclose(merged, expected)
    older = {"nms_thr": 0.5, "max_num": 2}
    assert torch.equal(merge_aug_proposals([first, second], [META, FLIPPED], older), merged)
    with pytest.raises(AssertionError, match="two values"):
        merge_aug_proposals([first], [META], {**cfg, "max_num": 3})


def test_boxes_scores_and_masks_are_averaged():
    boxes = torch.tensor([[10.0, 20, 30, 40]])
    mirrored = torch.tensor([[74.0, 20, 94, 40]])
    merged, scores = merge_aug_bboxes(
        [boxes, mirrored], [torch.tensor([[0.2]]), torch.tensor([[0.4]])], [[META], [FLIPPED]], None
    )
    assert merged.tolist() == [[4, 10, 14, 20]] and scores.item() == pytest.approx(0.3)
    assert torch.equal(merge_aug_bboxes([boxes], None, [[META]], None), boxes / 2)
    assert merge_aug_scores([np.array([1.0]), np.array([3.0])]).tolist() == [2]
    masks = np.arange(4.0).reshape(1, 1, 2, 2)
    assert merge_aug_masks([masks, masks[..., ::-1]], [[META], [FLIPPED]], None).tolist() == (
        masks.tolist()
    )
    weighted = merge_aug_masks([masks, masks + 4], [[META], [META]], None, weights=[1, 3])
    assert np.array_equal(weighted, masks + 3)
    with pytest.raises(ValueError, match="direction"):
        merge_aug_masks([masks], [[{"flip": True, "flip_direction": "up"}]], None)
