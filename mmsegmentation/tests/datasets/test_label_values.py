"""Renumbering of label values, against loops."""

import numpy as np

from mmseg.datasets.label_values import (
    apply_label_map,
    before_reduction,
    reduce_zero,
    undo_label_map,
)

ALL = np.arange(256, dtype=np.uint8).reshape(16, 16)


def test_reduce_zero_ignores_zero_and_shifts_the_rest():
    expected = [255 if v in (0, 255) else v - 1 for v in range(256)]
    before = ALL.copy()
    np.testing.assert_array_equal(reduce_zero(ALL).ravel(), expected)
    np.testing.assert_array_equal(ALL, before)
    assert reduce_zero(ALL).dtype == np.uint8


def test_a_label_map_replaces_all_values_at_once():
    mapped = apply_label_map(ALL, {0: 1, 1: 0, 2: -1, 7: 7})
    expected = [{0: 1, 1: 0, 2: 255}.get(v, v) for v in range(256)]
    np.testing.assert_array_equal(mapped.ravel(), expected)


def test_a_label_map_can_be_applied_before_the_reduction():
    label_map = {0: 2, 1: -1, 2: 0, 3: 1}
    seg_map = np.array([[0, 1, 2, 3, 4, 255]], dtype=np.uint8)
    after = apply_label_map(reduce_zero(seg_map), label_map)
    first = reduce_zero(apply_label_map(seg_map, before_reduction(label_map)))
    np.testing.assert_array_equal(after, [[255, 2, 255, 0, 1, 255]])
    np.testing.assert_array_equal(first, after)


def test_a_label_map_can_be_undone():
    label_map = {0: 2, 1: -1, 2: 0, 3: 1}
    np.testing.assert_array_equal(undo_label_map(np.array([[0, 1, 2]]), label_map), [[2, 3, 0]])
