"""Reading label maps."""

import numpy as np
import pytest
from PIL import Image

from mmcv.data import DataError
from mmcv.registry import build_from_cfg
from mmseg.datasets import PIPELINES
from mmseg.datasets.pipelines import LoadAnnotations

LABEL = np.array([[0, 1, 2], [3, 255, 254]], dtype=np.uint8)


@pytest.fixture
def sample(tmp_path):
    """Returns a function that writes a label map and gives the sample that refers to it."""

    def make(label, name="label.png", **entries):
        picture = label if isinstance(label, Image.Image) else Image.fromarray(label)
        picture.save(tmp_path / name)
        ann_info = {"seg_map": name}
        return {"seg_prefix": str(tmp_path), "ann_info": ann_info, "seg_fields": [], **entries}

    return make


def test_labels_are_read_as_they_are(sample):
    results = LoadAnnotations()(sample(LABEL))
    assert results["gt_semantic_seg"].dtype == np.uint8
    np.testing.assert_array_equal(results["gt_semantic_seg"], LABEL)
    assert results["seg_fields"] == ["gt_semantic_seg"]


def test_without_a_prefix_the_path_is_taken_as_it_is(sample, tmp_path):
    results = sample(LABEL)
    results |= {"seg_prefix": None, "ann_info": {"seg_map": str(tmp_path / "label.png")}}
    np.testing.assert_array_equal(LoadAnnotations()(results)["gt_semantic_seg"], LABEL)


def test_palette_images_are_read_as_indices(sample):
    picture = Image.fromarray(LABEL, mode=None).convert("P")
    picture.putdata(LABEL.ravel().tolist())
    picture.putpalette(bytes(range(256)) * 3)
    np.testing.assert_array_equal(LoadAnnotations()(sample(picture))["gt_semantic_seg"], LABEL)


def test_zero_label_is_reduced(sample):
    results = LoadAnnotations(reduce_zero_label=True)(sample(LABEL))
    np.testing.assert_array_equal(results["gt_semantic_seg"], [[255, 0, 1], [2, 255, 253]])


def test_labels_of_a_subset_of_classes_are_renumbered(sample):
    label_map = {0: 0, 1: -1, 2: 1, 3: -1}
    results = LoadAnnotations()(sample(LABEL, label_map=label_map))
    np.testing.assert_array_equal(results["gt_semantic_seg"], [[0, 255, 1], [255, 255, 254]])


def test_a_subset_counts_from_the_first_class_behind_the_zero_label(sample):
    label_map = {0: 1, 1: -1, 2: 0}  # classes are stored as 1, 2, 3
    results = LoadAnnotations(reduce_zero_label=True)(sample(LABEL, label_map=label_map))
    np.testing.assert_array_equal(results["gt_semantic_seg"], [[255, 1, 255], [0, 255, 253]])


def test_small_values_in_sixteen_bits_are_accepted_and_large_ones_refused(sample):
    results = LoadAnnotations()(sample(LABEL.astype(np.uint16)))
    np.testing.assert_array_equal(results["gt_semantic_seg"], LABEL)
    with pytest.raises(DataError, match=r"label\.png.*0\.\.256"):
        LoadAnnotations()(sample(np.array([[0, 256]], dtype=np.uint16)))


def test_a_colour_picture_is_no_label_map(sample):
    with pytest.raises(DataError, match=r"label\.png.*one channel"):
        LoadAnnotations()(sample(np.zeros((4, 4, 3), np.uint8)))


def test_a_missing_file_is_named(sample):
    results = sample(LABEL)
    results["ann_info"] = {"seg_map": "other.png"}
    with pytest.raises(DataError, match=r"other\.png.*seg_map_suffix"):
        LoadAnnotations()(results)


def test_a_truncated_file_is_named(sample, tmp_path):
    results = sample(np.random.default_rng(0).integers(0, 150, (64, 64)).astype(np.uint8))
    path = tmp_path / "label.png"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"label\.png"):
        LoadAnnotations()(results)


def test_a_label_map_of_another_size_than_its_image_is_refused(sample):
    entries = {"ori_shape": (3, 2, 3), "filename": "image.jpg"}
    with pytest.raises(DataError, match=r"label\.png is 3x2 .*image\.jpg is 2x3"):
        LoadAnnotations()(sample(LABEL, **entries))


def test_it_is_found_by_name_and_prints_its_arguments():
    step = build_from_cfg({"type": "LoadAnnotations", "reduce_zero_label": True}, PIPELINES)
    assert repr(step) == "LoadAnnotations(reduce_zero_label=True,imdecode_backend='pillow')"
