import math

import pytest
import torch

from mmdet.boxes import (
    DeltaXYWHBBoxCoder,
    DistancePointBBoxCoder,
    LegacyDeltaXYWHBBoxCoder,
    PseudoBBoxCoder,
    TBLRBBoxCoder,
    YOLOBBoxCoder,
    build_bbox_coder,
)
from mmdet.boxes.demodata import random_boxes

PRIORS, OBJECTS = random_boxes(6, 50, rng=0) + 1, random_boxes(6, 50, rng=1) + 1
PRIORS[:, 2:] += 2
OBJECTS[:, 2:] += 2


@pytest.mark.parametrize(
    "coder",
    [
        DeltaXYWHBBoxCoder(clip_border=False),
        DeltaXYWHBBoxCoder((0.1, 0.2, 0.3, 0.4), (0.1, 0.1, 0.2, 0.2)),
        TBLRBBoxCoder(),
        TBLRBBoxCoder(normalizer=(4.0, 3.0, 2.0, 1.0)),
        PseudoBBoxCoder(),
    ],
)
def test_decoding_undoes_encoding(coder):
    assert torch.allclose(coder.decode(PRIORS, coder.encode(PRIORS, OBJECTS)), OBJECTS, atol=1e-3)


def test_deltas_equal_the_formula():
    (px, py, pw, ph), (gx, gy, gw, gh) = (5.0, 6, 4, 8), (7.0, 5, 8, 4)
    corners = [[x - w / 2, y - h / 2, x + w / 2, y + h / 2]
               for x, y, w, h in ((px, py, pw, ph), (gx, gy, gw, gh))]  # fmt: skip
    coder = DeltaXYWHBBoxCoder((0.1, 0, 0, 0), (0.5, 1, 1, 2))
    deltas = coder.encode(torch.tensor(corners[:1]), torch.tensor(corners[1:]))
    expected = [((gx - px) / pw - 0.1) / 0.5, (gy - py) / ph, math.log(2), math.log(0.5) / 2]
    assert deltas[0].tolist() == pytest.approx(expected)


def test_decoded_boxes_are_clipped_and_their_growth_is_limited():
    rois = torch.tensor([[0.0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1], [5, 5, 5, 5]])
    deltas = torch.tensor(
        [[0.0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 2, -1], [0.7, -1.9, -0.5, 0.3]]
    )  # fmt: skip
    expected = torch.tensor(
        [[0.0, 0, 1, 1], [0.1409, 0.1409, 2.8591, 2.8591], [0, 0.3161, 4.1945, 0.6839], [5] * 4]
    )
    coder = DeltaXYWHBBoxCoder()
    for max_shape in ((32, 32), (32, 32, 3), torch.tensor([32.0, 32.0])):
        assert torch.allclose(coder.decode(rois, deltas, max_shape), expected, atol=1e-4)
    grown = coder.decode(rois[:1], torch.tensor([[0.0, 0, 99, 99]]))
    assert (grown[0, 2] - grown[0, 0]).item() == pytest.approx(1000 / 16, rel=1e-4)


def test_every_class_and_every_image_of_a_batch_is_decoded_by_itself():
    coder, deltas = DeltaXYWHBBoxCoder(), torch.randn(6, 12)
    by_class = coder.decode(PRIORS, deltas, (40, 30))
    for c in range(3):
        one = coder.decode(PRIORS, deltas[:, 4 * c : 4 * c + 4], (40, 30))
        assert torch.allclose(by_class[:, 4 * c : 4 * c + 4], one)
    batch = coder.decode(PRIORS.view(2, 3, 4), deltas.view(2, 3, 12), [(40, 30), (20, 10)])
    assert torch.allclose(batch[0], by_class[:3])
    assert torch.allclose(batch[1], coder.decode(PRIORS[3:], deltas[3:], (20, 10)))
    with pytest.raises(AssertionError, match="3 max_shapes"):
        coder.decode(PRIORS.view(2, 3, 4), deltas.view(2, 3, 12), [(1, 1)] * 3)


def test_centre_clamp_limits_the_shift_in_pixels():
    coder = DeltaXYWHBBoxCoder(add_ctr_clamp=True, ctr_clamp=2)
    moved = coder.decode(torch.tensor([[0.0, 0, 6, 6]]), torch.tensor([[1.0, -1, 0, -9]]))
    assert moved[0, [0, 2]].tolist() == pytest.approx([2, 8])
    assert moved[0, 3] - moved[0, 1] < 0.01  # shrinking is not limited


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_deltas_are_applied_in_float32(dtype):
    rois = torch.tensor([[1000.0, 1000, 1333, 1101]])
    boxes = DeltaXYWHBBoxCoder().decode(rois, torch.zeros(1, 4, dtype=dtype))
    assert boxes.dtype == torch.float32 and torch.equal(boxes, rois)


def test_boxes_without_area_have_finite_deltas():
    flat = torch.tensor([[5.0, 5, 5, 5], [3, 3, 9, 9]])
    deltas = DeltaXYWHBBoxCoder().encode(flat, flat)
    assert torch.equal(deltas, torch.zeros(2, 4))
    assert torch.isfinite(DeltaXYWHBBoxCoder().encode(PRIORS[:2], flat)).all()


@pytest.mark.parametrize(
    "coder", [DeltaXYWHBBoxCoder(), LegacyDeltaXYWHBBoxCoder(), TBLRBBoxCoder()]
)
def test_no_boxes_are_coded_as_no_boxes(coder):
    none = torch.zeros(0, 4)
    assert coder.encode(none, none).shape == (0, 4)
    assert coder.decode(none, none, max_shape=(9, 9)).shape == (0, 4)


def test_legacy_deltas_count_pixels():
    prior, target = torch.tensor([[0.0, 0, 9, 9]]), torch.tensor([[0.0, 0, 19, 9]])
    deltas = LegacyDeltaXYWHBBoxCoder().encode(prior, target)
    assert deltas[0].tolist() == pytest.approx([0.5, 0, math.log(2), 0])
    assert LegacyDeltaXYWHBBoxCoder().decode(prior, deltas, max_shape=(8, 15)).tolist() == [
        [0, 0, 14, 7]
    ]  # fmt: skip


def test_tblr_equals_the_formula():
    prior, target = torch.tensor([[0.0, 0, 4, 8]]), torch.tensor([[1.0, 2, 5, 9]])
    expected = [(4 - 2) / 8 / 4, (9 - 4) / 8 / 4, (2 - 1) / 4 / 4, (5 - 2) / 4 / 4]
    assert TBLRBBoxCoder().encode(prior, target)[0].tolist() == pytest.approx(expected)


def test_distances_from_points():
    coder = DistancePointBBoxCoder()
    points, boxes = torch.tensor([[5.0, 5]]), torch.tensor([[1.0, 2, 9, 30]])
    assert coder.encode(points, boxes).tolist() == [[4, 3, 4, 25]]
    assert coder.encode(points, boxes, max_dis=16, eps=0.1)[0, 3].item() == pytest.approx(15.9)
    assert coder.decode(points, coder.encode(points, boxes), (20, 20)).tolist() == [[1, 2, 9, 20]]
    free = DistancePointBBoxCoder(clip_border=False)
    assert free.decode(points, free.encode(points, boxes), (20, 20)).tolist() == [[1, 2, 9, 30]]


def test_yolo_centres_are_shares_of_the_cell():
    coder = build_bbox_coder({"type": "YOLOBBoxCoder"})
    assert isinstance(coder, YOLOBBoxCoder)
    anchors = torch.tensor([[-42.0, -29, 74, 61], [-10, -24, 42, 56]])
    inside = torch.tensor([[-40.0, -30, 80, 50], [0, -20, 40, 60]])
    codes = coder.encode(anchors, inside, 32)
    assert torch.allclose(coder.decode(anchors, codes, 32), inside, atol=1e-3)
    assert torch.allclose(coder.encode(anchors, inside, torch.tensor([32, 32])), codes)
