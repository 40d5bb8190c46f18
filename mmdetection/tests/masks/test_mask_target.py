import numpy as np
import torch
from pycocotools import mask as mask_utils

from mmdet.masks import (
    BitmapMasks,
    PolygonMasks,
    encode_mask_results,
    mask2bbox,
    mask_target,
    split_combined_polys,
)

PIXELS = np.zeros((2, 20, 20), dtype=np.uint8)
PIXELS[0, 5:15, 5:15] = 1
PIXELS[1, 0:10] = 1
POLYGONS = [[np.array([5.0, 5, 15, 5, 15, 15, 5, 15])], [np.array([0.0, 0, 20, 0, 20, 10, 0, 10])]]
BOXES = torch.tensor([[5.0, 5, 15, 15], [0, 0, 20, 20], [-5, -5, 30, 30]])
OWNERS = torch.tensor([0, 1, 1])
CFG = {"mask_size": 4}


def test_targets_are_the_masks_within_the_boxes():
    for masks in (BitmapMasks(PIXELS, 20, 20), PolygonMasks(POLYGONS, 20, 20)):
        boxes = BOXES.clone()
        targets = mask_target([boxes, BOXES[:0]], [OWNERS, OWNERS[:0]], [masks, masks[:0]], CFG)
        assert targets.shape == (3, 4, 4) and targets.dtype == torch.float32
        assert torch.equal(boxes, BOXES)
        assert targets[0].all()
        half = torch.tensor([1.0, 1, 0, 0])[:, None].expand(4, 4)
        assert torch.equal(targets[1], half) and torch.equal(targets[2], half)


def test_targets_can_be_shares_and_have_two_sides():
    masks = BitmapMasks(PIXELS, 20, 20)
    box = torch.tensor([[0.0, 5, 20, 15]])
    cfg = {"mask_size": (1, 1), "soft_mask_target": True}
    soft = mask_target([box], [OWNERS[:1]], [masks], cfg)
    assert abs(soft.item() - 0.5) < 1e-6
    assert mask_target([box], [OWNERS[:1]], [masks], {"mask_size": (3, 5)}).shape == (1, 3, 5)
    half = box.bfloat16()
    assert mask_target([half], [OWNERS[:1]], [masks], CFG).dtype == torch.float32


def test_no_images_and_no_boxes_have_no_targets():
    masks = BitmapMasks([], 20, 20)
    assert mask_target([], [], [], CFG).shape == (0, 4, 4)
    assert mask_target([BOXES[:0]], [OWNERS[:0]], [masks], CFG).shape == (0, 4, 4)


def test_encoded_masks_can_be_decoded():
    masks = [[PIXELS[0].astype(bool), PIXELS[1]], []]
    encoded = encode_mask_results(masks)
    assert [len(per_class) for per_class in encoded] == [2, 0]
    for rle, mask in zip(encoded[0], masks[0], strict=True):
        assert np.array_equal(mask_utils.decode(rle), mask)
    assert encode_mask_results((masks, "scores")) == (encoded, "scores")


def test_boxes_around_masks():
    masks = torch.zeros(3, 9, 7)
    masks[0, 2:5, 1:7] = 0.5
    masks[2, 8, 0] = 1
    expected = [[1, 2, 7, 5], [0, 0, 0, 0], [0, 8, 1, 9]]
    for given in (masks, masks > 0):
        assert mask2bbox(given).tolist() == expected
    assert mask2bbox(masks[:0]).shape == (0, 4)


def test_joined_polygons_are_split():
    flat = list(range(20))
    assert split_combined_polys([flat], [torch.tensor([6, 8, 6])], [torch.tensor([1, 2])]) == [
        [[flat[:6]], [flat[6:14], flat[14:]]]
    ]
