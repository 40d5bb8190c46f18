import pytest
import torch
from torchvision.ops import box_iou, generalized_box_iou

from mmdet.boxes import BboxOverlaps2D, bbox_overlaps
from mmdet.boxes.demodata import random_boxes

A, B = random_boxes(5, 100, rng=0), random_boxes(7, 100, rng=1)


def test_iou_and_giou_equal_torchvision():
    assert torch.allclose(bbox_overlaps(A, B), box_iou(A, B), atol=1e-6)
    assert torch.allclose(bbox_overlaps(A, B, "giou"), generalized_box_iou(A, B), atol=1e-6)


def test_iof_is_the_share_of_the_first_box():
    first, second = torch.tensor([[0.0, 0, 10, 10]]), torch.tensor([[0.0, 0, 5, 20]])
    assert bbox_overlaps(first, second, "iof").item() == 0.5
    assert bbox_overlaps(second, first, "iof").item() == 0.5


@pytest.mark.parametrize("mode", ["iou", "iof", "giou"])
def test_aligned_is_the_diagonal_and_batches_are_taken_one_by_one(mode):
    full = bbox_overlaps(A, B[:5], mode)
    assert torch.allclose(bbox_overlaps(A, B[:5], mode, is_aligned=True), full.diagonal())
    batched = bbox_overlaps(torch.stack([A, A]), torch.stack([B, B + 3]), mode)
    assert torch.allclose(batched[1], bbox_overlaps(A, B + 3, mode))


@pytest.mark.parametrize("mode", ["iou", "iof", "giou"])
def test_no_boxes_have_no_overlaps(mode):
    none = torch.zeros(0, 4)
    assert bbox_overlaps(none, B, mode).shape == (0, 7)
    assert bbox_overlaps(A, none, mode).shape == (5, 0)
    assert bbox_overlaps(none, none, mode, is_aligned=True).shape == (0,)


def test_boxes_without_area_and_inverted_ones_overlap_nothing():
    odd = torch.tensor([[5.0, 5, 5, 5], [9, 9, 1, 1]])
    whole = torch.tensor([[0.0, 0, 10, 10]])
    assert bbox_overlaps(odd, whole).tolist() == [[0], [0]]
    assert torch.isfinite(bbox_overlaps(odd, odd, "giou")).all()


def test_unknown_modes_and_lengths_that_differ_are_refused():
    with pytest.raises(AssertionError, match="Unsupported mode"):
        bbox_overlaps(A, B, "x")
    with pytest.raises(AssertionError):
        bbox_overlaps(A, B, is_aligned=True)


def test_the_calculator_drops_scores_and_can_compute_in_half_precision():
    scored = torch.cat([A, torch.rand(5, 1)], 1)
    assert torch.equal(BboxOverlaps2D()(scored, B), bbox_overlaps(A, B))
    half = BboxOverlaps2D(scale=512.0, dtype="fp16")(A, B)
    assert half.dtype == torch.float32
    assert torch.allclose(half, bbox_overlaps(A, B), atol=0.05)
    assert repr(BboxOverlaps2D()) == "BboxOverlaps2D(scale=1.0, dtype=None)"
