"""Overlaps of boxes against loops over pairs."""

import pytest
import torch

from mmcv.ops import bbox_overlaps

FIRST = torch.tensor([[0.0, 0, 4, 4], [1, 2, 3, 9], [5, 5, 5, 7], [-2, -2, 1, 1]])
SECOND = torch.tensor([[0.0, 0, 4, 4], [2, 2, 6, 6], [5, 5, 5, 7], [10, 10, 12, 12]])


def loop(a, b, mode, offset):
    width = max(min(a[2], b[2]) - max(a[0], b[0]) + offset, 0)
    height = max(min(a[3], b[3]) - max(a[1], b[1]) + offset, 0)
    inter = width * height
    areas = [(x[2] - x[0] + offset) * (x[3] - x[1] + offset) for x in (a, b)]
    base = sum(areas) - inter if mode == "iou" else areas[0]
    return inter / base if base > 0 else 0.0


@pytest.mark.parametrize("mode", ["iou", "iof"])
@pytest.mark.parametrize("offset", [0, 1])
def test_overlaps_equal_loops(mode, offset):
    expected = torch.tensor(
        [[loop(a, b, mode, offset) for b in SECOND.tolist()] for a in FIRST.tolist()]
    )
    assert torch.allclose(bbox_overlaps(FIRST, SECOND, mode, False, offset), expected)
    assert torch.allclose(bbox_overlaps(FIRST, SECOND, mode, True, offset), expected.diagonal())


def test_no_boxes():
    none = torch.zeros(0, 4)
    assert bbox_overlaps(none, SECOND).shape == (0, 4)
    assert bbox_overlaps(FIRST, torch.zeros(0)).shape == (4, 0)
    assert bbox_overlaps(none, none, aligned=True).shape == (0,)


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(mode="giou"), "mode must be one of"),
        (dict(offset=2), "offset must be 0 or 1"),
        (dict(bboxes2=SECOND[:, :3]), r"bboxes2 must be \(N, 4\)"),
        (dict(bboxes2=SECOND[:1], aligned=True), "as many bboxes1"),
    ],
)
def test_wrong_arguments_are_named(change, message):
    with pytest.raises(AssertionError, match=message):
        bbox_overlaps(**{"bboxes1": FIRST, "bboxes2": SECOND, **change})
