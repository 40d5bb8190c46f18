import numpy as np

from mmcv.transforms import MapillaryHack, ToMask


def test_mapillary_labels_become_cityscapes():
    labels = np.arange(66, dtype=np.uint8).reshape(6, 11)
    got = MapillaryHack()({"gt_semantic_seg": labels})["gt_semantic_seg"].ravel()
    assert got.dtype == np.uint8
    assert {int(v) for v in got} == {*range(19), 255}
    # road, sidewalk, building, wall, fence, pole, light, sign, vegetation, terrain, sky, person,
    # rider, car, truck, bus, train, motorcycle, bicycle
    assert got[[13, 15, 17, 6, 3, 45, 48, 50, 30, 29, 27, 19]].tolist() == list(range(12))
    assert got[[20, 55, 61, 54, 58, 57, 52]].tolist() == list(range(12, 19))
    assert (got[[0, 1, 14, 65]] == 255).all()
    assert (
        MapillaryHack()({"gt_semantic_seg": np.array([[255]], np.uint8)})["gt_semantic_seg"] == 255
    )
    assert repr(MapillaryHack()) == "MapillaryHack"


def test_each_class_gets_its_mask():
    seg = np.array([[3, 3, 255], [0, 9, 9]], np.uint8)
    results = ToMask()({"gt_semantic_seg": seg})
    assert results["gt_labels"].tolist() == [0, 3, 9] and results["gt_labels"].dtype == np.int64
    assert results["gt_masks"].dtype == np.int64
    for label, mask in zip(results["gt_labels"], results["gt_masks"], strict=True):
        np.testing.assert_array_equal(mask, seg == label)
    assert repr(ToMask(7)) == "ToMask(ignore_index=7)"


def test_nothing_but_ignored_pixels_gives_no_mask():
    results = ToMask()({"gt_semantic_seg": np.full((4, 5), 255, np.uint8)})
    assert results["gt_labels"].shape == (0,) and results["gt_masks"].shape == (0, 4, 5)
