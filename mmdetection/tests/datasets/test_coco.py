"""Data sets in COCO's format."""

import json
import logging

import cv2
import numpy as np
import pytest

from mmcv.data.errors import DataError
from mmcv.registry import ConfigError
from mmdet.datasets import CocoDataset

CLASSES = ["cat", "dog"]
LOAD = [{"type": "LoadImageFromFile"}, {"type": "LoadAnnotations", "with_mask": True}]


def dataset(path, **options):
    options = {
        "pipeline": [],
        "classes": CLASSES,
        "img_prefix": str(path.parent / "train"),
    } | options
    return CocoDataset(ann_file=str(path), **options)


def test_boxes_are_corners_and_labels_follow_the_classes(coco_file):
    ann = dataset(coco_file).get_ann_info(2)
    np.testing.assert_array_equal(ann["bboxes"], [[4, 6, 12, 26], [14, 6, 22, 27], [24, 6, 32, 28]])
    assert ann["bboxes"].dtype == np.float32
    assert ann["labels"].tolist() == [0, 1, 0] and ann["labels"].dtype == np.int64
    assert len(ann["masks"]) == 3 and ann["seg_map"] == "2.png"


def test_crowds_are_ignored_regions(coco_file):
    ann = dataset(coco_file).get_ann_info(1)
    assert ann["labels"].tolist() == [0]
    np.testing.assert_array_equal(ann["bboxes_ignore"], [[14, 6, 22, 27]])


def test_ids_need_not_be_contiguous(coco_file):
    data = dataset(coco_file)
    assert data.cat_ids == [7, 3] and data.cat2label == {7: 0, 3: 1}
    assert data.img_ids == [0, 10, 20, 30]
    assert data.get_cat_ids(1) == [7, 3]


def test_a_subset_of_the_classes_filters_images(coco_file):
    data = dataset(coco_file, classes=["dog"])
    assert data.img_ids == [10, 20, 30]  # image 0 shows a cat only
    assert len(dataset(coco_file, classes=["dog"], filter_empty_gt=False)) == 4
    assert data.get_ann_info(1)["labels"].tolist() == [0]


def test_small_images_are_left_out(change_coco):
    path = change_coco(lambda content: content["images"][3].update(height=20))
    assert dataset(path).img_ids == [0, 10, 20]
    assert len(dataset(path, test_mode=True)) == 4


def test_groups_are_by_aspect_ratio(change_coco):
    def turn(content):
        content["images"][2].update(height=90)

    assert dataset(change_coco(turn)).flag.tolist() == [1, 1, 0, 1]


def test_classes_by_images(coco_file):
    assert dataset(coco_file).get_cat2imgs() == {0: [0, 1, 2, 3], 1: [1, 2, 3]}


def test_description_counts_objects(coco_file):
    text = repr(dataset(coco_file))
    assert "number of images 4" in text and "0 [cat]" in text


# ---- bad input


def first(content, **changes):
    content["annotations"][0].update(changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bbox": [100, 0, 10, 10]}, "outside of their image"),
        ({"bbox": [4, 6, 0, 10]}, "no area"),
        ({"bbox": [20, 6, -8, 10]}, "negative width"),
        ({"bbox": [float("nan"), 6, 8, 10]}, "NaN"),
        ({"bbox": [4, 6, 8]}, "missing or hold NaN"),
        ({"area": 0}, "no area"),
        ({"segmentation": {"size": [48, 64], "counts": [5, 5]}}, "does not cover"),
        ({"segmentation": {"size": [48, 64], "counts": "PPPPPP00h"}}, "broken RLE"),
        ({"segmentation": {"size": [9, 9], "counts": [81]}}, "another size"),
        ({"segmentation": [[1, 2, float("nan"), 4, 5, 6]]}, "polygons hold NaN"),
        ({"segmentation": "??"}, "neither polygons nor RLE"),
        ({"image_id": 999}, "images that it does not list"),
    ],
)
def test_annotations_of_no_use_are_left_out_with_a_warning(change_coco, caplog, changes, message):
    path = change_coco(lambda content: first(content, **changes))
    with caplog.at_level(logging.WARNING):
        data = dataset(path, filter_empty_gt=False, pipeline=LOAD)
    assert message in caplog.text and "train.json" in caplog.text
    assert len(data.get_ann_info(0)["labels"]) == 0
    assert len(data[0]["gt_masks"]) == 0
    results = [[np.zeros((0, 5), np.float32), np.array([[4, 6, 12, 26, 1]], np.float32)]] * 4
    data.test_mode = True
    assert 0 <= data.evaluate(results, logger="silent")["bbox_mAP"] <= 1


def test_a_class_that_the_file_lacks_is_named(coco_file, caplog):
    with caplog.at_level(logging.WARNING):
        data = dataset(coco_file, classes=["bird", "dog"])
    assert "no category for 1 of 2 classes" in caplog.text and "'bird'" in caplog.text
    assert data.get_ann_info(1)["labels"].tolist() == [1]  # not 0, which is bird
    results = [[np.array([[0, 0, 9, 9, 0.9]], np.float32), np.zeros((0, 5), np.float32)]] * len(
        data
    )
    assert data._det2json(results) == []  # a bird cannot be right or wrong


def test_no_known_class_is_an_error(coco_file):
    with pytest.raises(ConfigError, match="none of the 80 classes"):
        CocoDataset(ann_file=str(_without(coco_file)), pipeline=[])


def _without(path):
    content = json.loads(path.read_text())
    content["categories"] = [{"id": 7, "name": "catt"}, {"id": 3, "name": "dogg"}]
    path.write_text(json.dumps(content))
    return path


def test_another_order_of_categories_is_reported_and_labels_follow_the_config(coco_file, caplog):
    with caplog.at_level(logging.WARNING):
        data = dataset(coco_file, classes=["dog", "cat"])
    assert "another order" in caplog.text
    assert data.get_ann_info(1)["labels"].tolist() == [1]


def test_ids_must_be_unique(change_coco):
    path = change_coco(lambda content: content["annotations"][1].update(id=1))
    with pytest.raises(AssertionError, match="ids in .*train.json' are not unique"):
        dataset(path)


def test_a_truncated_json_is_named(coco_file):
    coco_file.write_text(coco_file.read_text()[:100])
    with pytest.raises(ConfigError, match=r"train\.json is no complete json"):
        dataset(coco_file)


def test_a_missing_file_names_the_key(tmp_path):
    with pytest.raises(ConfigError, match="ann_file: there is no file"):
        dataset(tmp_path / "none.json")


def test_no_images_are_an_error_before_the_run(change_coco):
    data = dataset(change_coco(lambda content: content.update(images=[], annotations=[])))
    with pytest.raises(ConfigError, match="no image left"):
        data.check()


def test_images_of_another_size_are_named_before_the_run(coco_file):
    cv2.imwrite(str(coco_file.parent / "train" / "2.jpg"), np.zeros((30, 40, 3), np.uint8))
    with pytest.raises(DataError, match=r"2\.jpg is 40x30 pixels, but .* says 64x56"):
        dataset(coco_file).check()


def test_in_an_epoch_they_are_replaced_and_in_a_test_refused(coco_file, caplog):
    cv2.imwrite(str(coco_file.parent / "train" / "2.jpg"), np.zeros((30, 40, 3), np.uint8))
    with caplog.at_level(logging.WARNING):
        sample = dataset(coco_file, pipeline=LOAD)[2]
    assert sample["ori_filename"] != "2.jpg" and "another image is taken instead" in caplog.text
    with pytest.raises(DataError, match="40x30"):
        dataset(coco_file, pipeline=LOAD[:1], test_mode=True)[2]


def test_two_thousand_objects_in_one_image(change_coco):
    def fill(content):
        one = content["annotations"][0]
        more = [{**one, "id": 1000 + i, "bbox": [i % 50, i // 50 % 20, 9, 9]} for i in range(2000)]
        content["annotations"] = more

    data = dataset(change_coco(fill), pipeline=LOAD)
    assert len(data[0]["gt_masks"]) == 2000


def test_pipelines_that_reject_everything_end(coco_file):
    steps = [*LOAD, {"type": "FilterAnnotations", "min_gt_bbox_wh": (1000, 1000)}]
    with pytest.raises(DataError, match="rejected"):
        dataset(coco_file, pipeline=steps)[0]
