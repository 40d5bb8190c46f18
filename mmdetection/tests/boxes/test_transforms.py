import numpy as np
import pytest
import torch

from mmdet.boxes import (
    bbox2distance,
    bbox2result,
    bbox2roi,
    bbox_cxcywh_to_xyxy,
    bbox_flip,
    bbox_mapping,
    bbox_mapping_back,
    bbox_rescale,
    bbox_xyxy_to_cxcywh,
    distance2bbox,
    find_inside_bboxes,
    roi2bbox,
)
from mmdet.boxes.demodata import random_boxes

BOXES = random_boxes(7, 50, rng=0)


@pytest.mark.parametrize("direction", ["horizontal", "vertical", "diagonal"])
def test_flip_equals_drawing_the_boxes_and_mirroring_the_picture(direction):
    height, width = 30, 40
    boxes = torch.tensor([[3.0, 4, 10, 8], [0, 0, 40, 30], [39, 1, 40, 2]])
    axes = {"horizontal": (1,), "vertical": (0,), "diagonal": (0, 1)}[direction]
    for box, mirrored in zip(boxes, bbox_flip(boxes, (height, width, 3), direction), strict=True):
        pictures = []
        for x1, y1, x2, y2 in (box.int().tolist(), mirrored.int().tolist()):
            picture = np.zeros((height, width))
            picture[y1:y2, x1:x2] = 1
            pictures.append(picture)
        assert np.array_equal(np.flip(pictures[0], axes), pictures[1])


def test_flip_of_an_unknown_direction_is_refused():
    with pytest.raises(AssertionError, match="direction"):
        bbox_flip(BOXES, (10, 10), "up")


@pytest.mark.parametrize("flip", [False, True])
def test_mapping_back_undoes_mapping(flip):
    factor = np.array([1.5, 2.0, 1.5, 2.0], dtype=np.float32)
    there = bbox_mapping(BOXES, (120, 90, 3), factor, flip, "diagonal")
    back = bbox_mapping_back(there, (120, 90, 3), factor, flip, "diagonal")
    assert torch.allclose(back, BOXES, atol=1e-4)


def test_regions_and_boxes_are_inverse_for_images_with_boxes():
    rois = bbox2roi([BOXES[:3], BOXES[:0], BOXES[3:]])
    assert rois[:, 0].tolist() == [0] * 3 + [2] * 4
    first, last = roi2bbox(rois)
    assert torch.equal(first, BOXES[:3]) and torch.equal(last, BOXES[3:])
    assert bbox2roi([BOXES[:0]]).shape == bbox2roi([]).shape == (0, 5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_results_are_arrays_by_class(dtype):
    boxes = torch.arange(15.0).view(3, 5).to(dtype)
    results = bbox2result(boxes, torch.tensor([2, 0, 2]), 3)
    assert [len(r) for r in results] == [1, 0, 2]
    assert all(r.dtype == np.float32 for r in results)
    assert results[2][1].tolist() == [10, 11, 12, 13, 14]
    empty = bbox2result(torch.zeros(0, 5), torch.zeros(0, dtype=torch.long), 2)
    assert [r.shape for r in empty] == [(0, 5), (0, 5)]


def test_distances_and_boxes_are_inverse():
    centers = (BOXES[:, :2] + BOXES[:, 2:]) / 2
    assert torch.allclose(distance2bbox(centers, bbox2distance(centers, BOXES)), BOXES, atol=1e-5)
    assert bbox2distance(centers, BOXES, max_dis=5).max() <= 4.9
    assert distance2bbox(torch.zeros(0, 2), torch.zeros(0, 4), (5, 5)).shape == (0, 4)


def test_decoded_distances_are_clipped_to_one_or_many_images():
    points, distance = torch.tensor([[74.0, 61], [29, 106]]), torch.full((2, 4), 120.0)
    expected = torch.tensor([[0.0, 0, 100, 120], [0, 0, 100, 120]])
    assert torch.equal(distance2bbox(points, distance, (120, 100)), expected)
    assert torch.equal(distance2bbox(points, distance, torch.tensor((120, 100))), expected)
    batch = points[None].repeat(2, 1, 1), distance[None].repeat(2, 1, 1)
    many = distance2bbox(*batch, max_shape=[(120, 100), (60, 50)])
    assert torch.equal(many, torch.stack([expected, expected / 2]))
    with pytest.raises(AssertionError, match="3 max_shapes for 2 images"):
        distance2bbox(*batch, max_shape=[(1, 1)] * 3)


def test_rescaling_keeps_centres_and_image_indices():
    half = bbox_rescale(BOXES, 0.5)
    assert torch.allclose(half[:, :2] + half[:, 2:], BOXES[:, :2] + BOXES[:, 2:], atol=1e-5)
    assert torch.allclose((half[:, 2:] - half[:, :2]) * 2, BOXES[:, 2:] - BOXES[:, :2], atol=1e-5)
    rois = torch.cat([torch.arange(7.0)[:, None], BOXES], 1)
    assert torch.equal(bbox_rescale(rois, 0.5)[:, 1:], half)
    assert torch.equal(bbox_rescale(rois, 0.5)[:, 0], rois[:, 0])


def test_centre_and_corner_forms_are_inverse():
    assert torch.allclose(bbox_cxcywh_to_xyxy(bbox_xyxy_to_cxcywh(BOXES)), BOXES, atol=1e-5)
    assert bbox_xyxy_to_cxcywh(torch.tensor([[1.0, 2, 5, 10]])).tolist() == [[3, 6, 4, 8]]


def test_boxes_that_only_touch_the_image_are_outside():
    boxes = torch.tensor([[-5.0, 0, 0, 5], [-5, 0, 1, 5], [10, 0, 12, 5], [9, 9, 20, 20]])
    assert find_inside_bboxes(boxes, 10, 10).tolist() == [False, True, False, True]
