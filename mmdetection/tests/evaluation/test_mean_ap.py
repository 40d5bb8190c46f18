"""VOC's average precision and the recall of proposals against loops."""

import numpy as np
import pytest

from mmdet.core.evaluation import (
    average_precision,
    bbox_overlaps,
    eval_map,
    eval_recalls,
    get_classes,
    tpfp_default,
    tpfp_imagenet,
)

TRUTHS = np.array([[0, 0, 10, 10], [10, 10, 20, 20], [30, 30, 45, 40]], np.float32)
FOUND = np.array(
    [[0, 0, 10, 10, 0.9], [10, 10, 20, 19, 0.8], [10, 10, 19, 20, 0.7], [50, 50, 60, 60, 0.6]],
    np.float32,
)


def loop_overlap(a, b, extra):
    w = max(min(a[2], b[2]) - max(a[0], b[0]) + extra, 0)
    h = max(min(a[3], b[3]) - max(a[1], b[1]) + extra, 0)
    area = [(c[2] - c[0] + extra) * (c[3] - c[1] + extra) for c in (a, b)]
    return w * h / (sum(area) - w * h)


@pytest.mark.parametrize("is_legacy", [False, True])
def test_overlaps_equal_a_loop(is_legacy):
    got = bbox_overlaps(TRUTHS, FOUND[:, :4], use_legacy_coordinate=is_legacy)
    for i, a in enumerate(TRUTHS):
        for j, b in enumerate(FOUND):
            assert got[i, j] == pytest.approx(loop_overlap(a, b, float(is_legacy)), abs=1e-6)
    assert bbox_overlaps(np.zeros((0, 4)), FOUND).shape == (0, 4)


def test_the_second_detection_of_an_object_is_false():
    true, false = tpfp_default(FOUND, TRUTHS)
    assert true.tolist() == [[1, 1, 0, 0]] and false.tolist() == [[0, 0, 1, 1]]


def test_objects_to_ignore_count_neither_way():
    true, false = tpfp_default(FOUND, TRUTHS[:1], TRUTHS[1:2])
    assert true.tolist() == [[1, 0, 0, 0]] and false.tolist() == [[0, 0, 0, 1]]


def test_imagenet_matches_what_is_still_free():
    true, false = tpfp_imagenet(FOUND[:3], np.vstack([TRUTHS[:2], TRUTHS[1:2] + 1]))
    assert true.tolist() == [[1, 1, 1]] and false.tolist() == [[0, 0, 0]]


def test_ranges_of_areas():
    true, false = tpfp_default(FOUND, TRUTHS, area_ranges=[(0, 101), (101, 1000)])
    assert true.tolist() == [[1, 1, 0, 0], [0, 0, 0, 0]]
    assert false.tolist() == [[0, 0, 1, 1], [0, 0, 0, 0]]


def test_average_precision():
    recalls, precisions = np.array([0.5, 0.5, 1.0]), np.array([1.0, 0.5, 2 / 3])
    assert average_precision(recalls, precisions) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    expected = (6 * 1 + 5 * 2 / 3) / 11
    assert average_precision(recalls, precisions, "11points") == pytest.approx(expected)
    with pytest.raises(ValueError, match="Unrecognized mode"):
        average_precision(recalls, precisions, "x")


def test_mean_over_the_classes_that_occur():
    annotation = {"bboxes": TRUTHS, "labels": np.array([0, 0, 2])}
    results = [[FOUND, FOUND[:1], np.zeros((0, 5), np.float32)]]
    mean, classes = eval_map(results, [annotation], logger="silent")
    # Class 0: both found first; class 1 does not occur; class 2 is not found.
    assert mean == pytest.approx((1.0 + 0.0) / 2)
    assert [c["num_gts"] for c in classes] == [2, 0, 1]
    means, _ = eval_map(results, [annotation], scale_ranges=[(0, 11), (11, 99)], logger="silent")
    assert means == [1.0, 0.0]


def test_recalls_pair_objects_with_the_best_proposals():
    recalls = eval_recalls([TRUTHS, TRUTHS[:0]], [FOUND, FOUND[:0]], [1, 4], [0.5, 0.95], "silent")
    np.testing.assert_allclose(recalls, [[1 / 3, 1 / 3], [2 / 3, 1 / 3]])


def test_class_names():
    assert get_classes("coco")[9] == "traffic_light" and len(get_classes("voc07")) == 20
    with pytest.raises(ValueError, match="did you mean 'coco'"):
        get_classes("cocoo")
