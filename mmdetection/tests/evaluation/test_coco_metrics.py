"""COCO's metrics on a data set whose answers are known."""

import json

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmcv.registry import ConfigError
from mmdet.datasets import CocoDataset

CLASSES = ["cat", "dog"]
EMPTY = np.zeros((0, 5), np.float32)


@pytest.fixture
def data(coco_file):
    folder = str(coco_file.parent / "train")
    return CocoDataset(str(coco_file), [], CLASSES, img_prefix=folder, test_mode=True)


def perfect(data, with_masks=False):
    results = []
    for i in range(len(data)):
        ann = data.get_ann_info(i)
        info = data.data_infos[i]
        boxes, masks = [], []
        for label in range(2):
            own = [k for k, one in enumerate(ann["labels"]) if one == label]
            boxes.append(
                np.array([[*ann["bboxes"][k], 0.9] for k in own], np.float32).reshape(-1, 5)
            )
            of = []
            for k in own:
                x1, y1, x2, y2 = ann["bboxes"][k].astype(int)
                mask = np.zeros((info["height"], info["width"]), bool)
                mask[y1:y2, x1:x2] = True
                of.append(mask)
            masks.append(of)
        results.append((boxes, masks) if with_masks else boxes)
    return results


def test_perfect_results_have_an_ap_of_one(data):
    values = data.evaluate(data.pre_eval(perfect(data, True), range(4)), ["bbox", "segm"], "silent")
    assert list(values) == [
        *(f"bbox_{n}" for n in ("mAP", "mAP_50", "mAP_75", "mAP_s", "mAP_m", "mAP_l")),
        "bbox_mAP_copypaste",
        *(f"segm_{n}" for n in ("mAP", "mAP_50", "mAP_75", "mAP_s", "mAP_m", "mAP_l")),
        "segm_mAP_copypaste",
    ]
    assert values["bbox_mAP"] == values["bbox_mAP_s"] == values["segm_mAP"] == 1
    assert values["bbox_mAP_m"] == -1  # there are no such objects
    assert values["bbox_mAP_copypaste"] == "1.000 1.000 1.000 1.000 -1.000 -1.000"


def test_half_of_the_dogs_found(data):
    results = perfect(data)
    for result in results[2:]:
        result[1] = EMPTY  # 1 + 2 dogs of images 2 and 3; that of image 1 is a crowd
    results[3][1] = perfect(data)[3][1]
    values = data.evaluate(results, "bbox", "silent")
    # Cats: 1. Dogs: two of three, so precision is 1 up to a recall of 2/3: 67 of 101 points.
    assert values["bbox_mAP_50"] == pytest.approx((1 + 67 / 101) / 2, abs=6e-4)


def test_a_false_detection_of_a_higher_score_halves_the_precision(data):
    results = [[EMPTY, EMPTY] for _ in range(4)]
    results[0] = [np.array([[4, 6, 12, 26, 0.5], [40, 0, 60, 10, 0.9]], np.float32), EMPTY]
    values = data.evaluate(results, "bbox", "silent")
    # One of six cats at precision 1/2: recalls 0 ... 1/6 are 17 of 101 points.
    assert values["bbox_mAP_50"] == pytest.approx(0.5 * 17 / 101 / 2, abs=6e-4)


def test_a_shifted_box_counts_up_to_its_overlap(data):
    results = perfect(data)
    for result in results:
        for boxes in result:
            boxes[:, 0:4:2] += 1.0  # 7 of 9 pixels: 0.777...
    values = data.evaluate(results, "bbox", "silent")
    assert values["bbox_mAP_75"] == 1 and values["bbox_mAP"] == 0.6  # thresholds .50 ... .75


def test_items_and_thresholds_can_be_chosen(data):
    values = data.evaluate(
        perfect(data), iou_thrs=[0.5, 0.7], metric_items="AR@100", logger="silent"
    )
    assert values["bbox_AR@100"] == 1 and "bbox_mAP" not in values
    with pytest.raises(KeyError, match="metric item mAPx"):
        data.evaluate(perfect(data), metric_items=["mAPx"], logger="silent")
    with pytest.raises(KeyError, match="metric bboxes is not supported"):
        data.evaluate(perfect(data), metric="bboxes")


def test_proposals(data):
    proposals = [np.vstack(result) for result in perfect(data)]
    assert data.evaluate(proposals, "proposal", "silent")["AR@100"] == 1
    values = data.evaluate(proposals, "proposal_fast", "silent")
    assert values["AR@100"] == 1 and list(values) == ["AR@100", "AR@300", "AR@1000"]


def test_the_table_names_each_class_beside_its_own_ap(data, caplog):
    results = perfect(data)
    for result in results:
        result[1] = EMPTY
    import logging

    with caplog.at_level(logging.INFO):
        data.evaluate(results, classwise=True, logger=logging.getLogger("mmdet"))
    rows = [line for line in caplog.text.splitlines() if "dog" in line and "cat" in line]
    cells = [cell.strip() for cell in rows[-1].strip("|").split("|")]
    assert dict(zip(cells[::2], cells[1::2], strict=True)) == {"cat": "1.000", "dog": "0.000"}


def test_without_detections_there_are_no_values(data):
    assert data.evaluate([[EMPTY, EMPTY]] * 4, logger="silent") == {}


def test_json_files(data, tmp_path):
    files, folder = data.format_results(perfect(data, True), str(tmp_path / "out"))
    assert folder is None and set(files) == {"bbox", "segm", "proposal"}
    boxes = json.loads((tmp_path / "out.bbox.json").read_text())
    assert boxes[0] == {
        "image_id": 0,
        "bbox": [4.0, 6.0, 8.0, 20.0],
        "score": pytest.approx(0.9),
        "category_id": 7,
    }
    masks = json.loads((tmp_path / "out.segm.json").read_text())
    assert mask_utils.area(masks[0]["segmentation"]) == 160


def test_the_number_of_results_is_checked(data):
    with pytest.raises(ValueError, match="not equal to the dataset len: 1 != 4"):
        data.evaluate([[EMPTY, EMPTY]])


def test_the_fast_backend_gives_the_same_or_says_what_to_install(data):
    try:
        import faster_coco_eval  # noqa: F401
    except ImportError:
        with pytest.raises(ConfigError, match="pip install faster-coco-eval"):
            data.evaluate(perfect(data), backend="faster_coco_eval", logger="silent")
        return
    results = perfect(data, True)
    results[0][0][1] = np.array([[0, 0, 9, 9, 0.3]], np.float32)
    results[0][1][1] = [np.ones((48, 64), bool)]
    plain = data.evaluate(results, ["bbox", "segm"], "silent")
    assert data.evaluate(results, ["bbox", "segm"], "silent", backend="faster_coco_eval") == plain


def test_an_unknown_backend_is_named(data):
    with pytest.raises(ConfigError, match="did you mean 'pycocotools'"):
        data.evaluate(perfect(data), backend="pycocotool", logger="silent")
