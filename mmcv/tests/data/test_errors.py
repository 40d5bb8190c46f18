import numpy as np
import pytest

from mmcv.data import DataError, check_label_range, check_label_size


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_classes_and_ignored_labels_pass(dtype):
    check_label_range(np.array([[0, 4, 255]], dtype), 5, 255, "a.png")
    check_label_range(np.array([[0, 4]], dtype), 5, 255, "a.png")


def test_a_label_that_is_no_class_is_named():
    seg = np.array([[0, 5], [5, 9]], np.uint8)
    with pytest.raises(DataError, match=r"b\.png: 3 pixels hold the values 5, 9, .* 0\.\.4 or 255"):
        check_label_range(seg, 5, 255, "b.png")
    with pytest.raises(DataError, match="values -1,"):
        check_label_range(np.array([[-1]]), 5, 255, "b.png")
    check_label_range(np.array([[-1]]), 5, -1, "b.png")
    many = np.arange(256, dtype=np.uint8)
    with pytest.raises(DataError, match=r"values 5, 6, .*12, \.\.\., but"):
        check_label_range(many[None], 5, 255, "b.png")


def test_sizes_of_label_and_image_must_agree():
    check_label_size(np.zeros((3, 4)), (3, 4, 3), "a.png", "a.jpg")
    with pytest.raises(DataError, match=r"a\.png is 4x3 pixels, but its image a\.jpg is 3x4"):
        check_label_size(np.zeros((3, 4)), (4, 3, 3), "a.png", "a.jpg")
