"""Choosing classes in a config."""

import numpy as np
import pytest

from mmcv.registry import ConfigError
from mmseg.datasets.class_selection import select_classes

KNOWN = ("road", "car", "sky")
COLOURS = [[1, 1, 1], [2, 2, 2], [3, 3, 3]]


def test_a_subset_renumbers_labels_and_keeps_its_colours():
    chosen = select_classes(KNOWN, COLOURS, ["sky", "road"], None)
    assert chosen.classes == ["sky", "road"]
    assert chosen.palette == [[3, 3, 3], [1, 1, 1]]
    assert chosen.label_map == {0: 1, 1: -1, 2: 0}


def test_new_classes_get_the_same_random_colours_in_every_run():
    np.random.seed(7)
    state = np.random.get_state()[1].copy()
    first = select_classes(None, None, ("a", "b"), None)
    second = select_classes(None, None, ("a", "b"), None)
    np.testing.assert_array_equal(first.palette, second.palette)
    assert first.palette.shape == (2, 3) and first.label_map is None
    np.testing.assert_array_equal(np.random.get_state()[1], state)


def test_random_colours_are_those_of_1x():
    np.random.seed(42)
    np.testing.assert_array_equal(
        select_classes(None, None, ["a", "b", "c"], None).palette,
        np.random.randint(0, 255, size=(3, 3)),
    )


def test_classes_are_read_from_a_file(tmp_path):
    path = tmp_path / "classes.txt"
    path.write_text("car\nsky\n")
    assert select_classes(KNOWN, COLOURS, str(path), None).classes == ["car", "sky"]


def test_given_colours_win():
    assert select_classes(None, None, ["a"], [[9, 9, 9]]).palette == [[9, 9, 9]]
    assert select_classes(KNOWN, COLOURS, ["car"], [[9, 9, 9]]).palette == [[9, 9, 9]]


def test_a_misspelt_class_is_named():
    with pytest.raises(ConfigError, match=r"'rod' is no class of .*; did you mean 'road'"):
        select_classes(KNOWN, COLOURS, ["rod"], None)


def test_one_colour_per_class_is_needed():
    with pytest.raises(ValueError, match="1 colours for 2 classes"):
        select_classes(None, None, ["bus", "car"], [[200, 200, 200]])


def test_classes_must_be_names():
    with pytest.raises(ValueError, match="Unsupported type"):
        select_classes(None, None, 3, None)
