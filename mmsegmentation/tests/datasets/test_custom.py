"""CustomDataset: what it lists, loads, measures and refuses."""

import logging
from unittest.mock import MagicMock, patch

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from mmcv.data import DataContainer, DataError
from mmcv.registry import ConfigError
from mmseg.datasets import CustomDataset
from mmseg.evaluation import intersect_and_union, mean_iou

CLASSES = ["a", "b", "c", "d"]
LOAD = [
    {"type": "LoadImageFromFile"},
    {"type": "LoadAnnotations"},
    {"type": "DefaultFormatBundle"},
    {"type": "Collect", "keys": ["img", "gt_semantic_seg"], "meta_keys": ["ori_filename"]},
]


@pytest.fixture
def folder(tmp_path):
    """Four images of 6x8 pixels, two of them in a subfolder, with labels 0..3 and 255."""
    rng = np.random.default_rng(0)
    for name in ("b", "a", "sub/c", "sub/a-b"):
        for part in ("img", "ann"):
            (tmp_path / part / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / "img" / f"{name}.jpg"), rng.integers(0, 256, (6, 8, 3)))
        label = rng.choice(np.array([0, 1, 2, 3, 255], np.uint8), (6, 8))
        Image.fromarray(label).save(tmp_path / "ann" / f"{name}.png")
    return tmp_path


def make(folder, pipeline=(), **options):
    options = {"data_root": str(folder), "img_dir": "img", "ann_dir": "ann", **options}
    return CustomDataset(pipeline=list(pipeline), **{"classes": CLASSES, **options})


def truths(folder):
    names = ["a", "b", "sub/a-b", "sub/c"]
    return [np.array(Image.open(folder / "ann" / f"{name}.png")) for name in names]


def test_samples_are_sorted_by_file_name(folder):
    assert make(folder).img_infos == [
        {"filename": "a.jpg", "ann": {"seg_map": "a.png"}},
        {"filename": "b.jpg", "ann": {"seg_map": "b.png"}},
        {"filename": "sub/a-b.jpg", "ann": {"seg_map": "sub/a-b.png"}},
        {"filename": "sub/c.jpg", "ann": {"seg_map": "sub/c.png"}},
    ]


def test_a_split_file_chooses_and_orders(folder):
    (folder / "train.txt").write_text("sub/c\n\n  b \n")
    dataset = make(folder, split="train.txt")
    assert [info["filename"] for info in dataset.img_infos] == ["sub/c.jpg", "b.jpg"]


def test_only_the_ending_of_a_name_is_replaced(folder):
    cv2.imwrite(str(folder / "img" / "x.jpg.jpg"), np.zeros((2, 2, 3)))
    assert make(folder).img_infos[-1]["ann"] == {"seg_map": "x.jpg.png"}


def test_absolute_folders_are_not_joined_to_the_root(folder):
    dataset = make("/nowhere", img_dir=str(folder / "img"), ann_dir=None)
    assert len(dataset) == 4 and "ann" not in dataset.img_infos[0]


def test_training_samples_have_image_and_label(folder):
    sample = make(folder, LOAD)[3]
    np.testing.assert_array_equal(sample["gt_semantic_seg"][0].numpy(), truths(folder)[3])
    assert sample["img"].shape == (3, 6, 8)
    assert sample["img_metas"]["ori_filename"] == "sub/c.jpg"


def test_test_samples_have_no_label(folder):
    seen = []
    dataset = make(folder, [lambda results: seen.append(dict(results)) or results], test_mode=True)
    dataset[1]
    assert seen[0]["img_info"]["filename"] == "b.jpg" and "ann_info" not in seen[0]
    assert seen[0]["img_prefix"] == str(folder / "img")


def test_testing_needs_class_names(folder):
    with pytest.raises(AssertionError, match="CLASSES"):
        make(folder, classes=None, test_mode=True)


# ---- metrics


def predictions():
    return list(np.random.default_rng(1).integers(0, 4, (4, 6, 8)))


def test_pre_eval_counts_per_image(folder):
    dataset = make(folder)
    records = dataset.pre_eval(predictions()[1:3], [1, 2])
    for record, pred, truth in zip(records, predictions()[1:3], truths(folder)[1:3], strict=True):
        for counts, expected in zip(record, intersect_and_union(pred, truth, 4, 255), strict=True):
            assert torch.equal(counts, expected)
    assert len(dataset.pre_eval(predictions()[0], 0)) == 1


@pytest.mark.parametrize("kind", ["records", "maps", "files"])
def test_evaluate_takes_records_maps_and_files(folder, kind, capsys):
    dataset = make(folder)
    results = predictions()
    if kind == "records":
        results = dataset.pre_eval(results, list(range(4)))
    elif kind == "files":
        for i, pred in enumerate(results):
            np.save(folder / f"{i}.npy", pred)
        results = [str(folder / f"{i}.npy") for i in range(4)]
    values = dataset.evaluate(results, metric=["mIoU"])
    expected = mean_iou(predictions(), truths(folder), 4, 255)
    assert list(values) == ["aAcc", "mIoU", "mAcc"] + [
        f"{name}.{c}" for name in ("IoU", "Acc") for c in CLASSES
    ]
    assert values["aAcc"] == round(expected["aAcc"].item(), 4)
    assert values["mIoU"] == pytest.approx(round(expected["IoU"].mean(), 4), abs=1e-12)
    assert values["IoU.c"] == pytest.approx(round(expected["IoU"][2], 4), abs=1e-12)
    assert "| Class |" in capsys.readouterr().out


def test_evaluate_uses_given_labels_and_logger(folder, caplog):
    logger = logging.getLogger("test_custom")
    with caplog.at_level(logging.INFO, "test_custom"):
        values = make(folder).evaluate(
            predictions(), "mDice", logger=logger, gt_seg_maps=predictions()
        )
    assert values["mDice"] == 1.0
    assert "mDice" in caplog.text


def test_a_class_that_does_not_occur_is_left_out_of_the_mean(folder):
    dataset = make(folder, classes=[*CLASSES, "e"])
    values = dataset.evaluate(predictions(), logger="silent")
    assert np.isnan(values["IoU.e"]) and not np.isnan(values["mIoU"])


def test_evaluate_reduces_the_zero_label_exactly_once(folder):
    expected = [
        np.where((t == 0) | (t == 255), 255, t - 1).astype(np.uint8) for t in truths(folder)
    ]
    preds = [np.where(t == 255, 0, t) for t in expected]
    for loader in (None, {"reduce_zero_label": True}):
        dataset = make(
            folder, classes=CLASSES[:3], reduce_zero_label=True, gt_seg_map_loader_cfg=loader
        )
        records = dataset.pre_eval(preds, list(range(4)))
        assert dataset.evaluate(records, logger="silent")["mIoU"] == 1.0
        assert dataset.evaluate(preds, logger="silent")["mIoU"] == 1.0


class Reduced(CustomDataset):
    """Labels 1..3 are three classes."""

    CLASSES = ("x", "y", "z")
    PALETTE = [[1, 1, 1], [2, 2, 2], [3, 3, 3]]


def test_a_subset_of_classes_is_evaluated_on_its_own_labels(folder):
    dataset = Reduced(
        pipeline=[],
        img_dir=str(folder / "img"),
        ann_dir=str(folder / "ann"),
        classes=["z", "x"],
        reduce_zero_label=True,
    )
    new_of_stored = {1: 1, 3: 0}
    preds = [np.vectorize(lambda v: new_of_stored.get(v, 0))(t) for t in truths(folder)]
    values = dataset.evaluate(dataset.pre_eval(preds, list(range(4))), logger="silent")
    assert values["aAcc"] == 1.0
    assert list(dataset.PALETTE) == [[3, 3, 3], [1, 1, 1]]


# ---- results as files


def test_results_are_written_in_the_numbering_of_the_label_files(folder):
    pred = np.array([[0, 1], [1, 0]])
    for options, expected in (({}, pred), ({"reduce_zero_label": True}, pred + 1)):
        dataset = make(folder, **options)
        paths = dataset.format_results([pred], str(folder / "out"), indices=[3])
        assert paths == [str(folder / "out" / "c.png")]
        np.testing.assert_array_equal(np.array(Image.open(paths[0])), expected)


# ---- bad input


def test_a_missing_folder_says_what_is_there(folder):
    with pytest.raises(ConfigError, match=r"img_dir: there is no folder .*imgs.* holds: ann, img"):
        make(folder, img_dir="imgs")


def test_a_missing_split_file_is_named(folder):
    with pytest.raises(ConfigError, match=r"split: there is no file .*val\.txt"):
        make(folder, split="val.txt")


def test_check_accepts_a_complete_data_set(folder):
    make(folder).check()


def test_check_refuses_a_folder_without_images(folder):
    dataset = make(folder, img_suffix=".tif")
    with pytest.raises(ConfigError, match=r"img_suffix='\.tif' \(it holds 4 x '\.jpg'\)"):
        dataset.check()


def test_check_names_the_first_images_without_label_and_their_number(folder):
    for name in ("a", "b", "sub/c", "sub/a-b"):
        (folder / "ann" / f"{name}.png").unlink()
    Image.fromarray(np.zeros((6, 8), np.uint8)).save(folder / "ann" / "b.png")
    dataset = make(folder)
    with pytest.raises(ConfigError, match=r"3 images have no label .*: a\.jpg \(wants a\.png\)"):
        dataset.check()
    dataset.check(with_labels=False)


def test_check_refuses_training_without_label_folder(folder):
    with pytest.raises(ConfigError, match="ann_dir is not set"):
        make(folder, ann_dir=None).check()
    with pytest.raises(ConfigError, match="ann_dir: there is no folder"):
        make(folder, ann_dir="labels").check()


def test_a_label_that_is_no_class_is_refused_in_training_and_evaluation(folder):
    dataset = make(folder, LOAD, classes=CLASSES[:3])
    with pytest.raises(DataError, match=r"ann/a\.png.*3.*0\.\.2.*reduce_zero_label"):
        dataset[0]
    with pytest.raises(DataError, match=r"ann/b\.png"):
        dataset.pre_eval(predictions()[1], 1)


def test_labels_in_the_containers_of_plug_ins_are_checked_too(folder):
    steps = [*LOAD[:2], lambda results: {"gt_semantic_seg": wrap(results["gt_semantic_seg"])}]
    dataset = make(folder, steps, classes=CLASSES[:3])
    with pytest.raises(DataError, match=r"ann/a\.png"):
        dataset[0]


def wrap(seg_map):
    return DataContainer(torch.from_numpy(seg_map.astype(np.int64)), stack=True)


def test_a_prediction_of_another_size_than_its_label_names_both_files(folder):
    with pytest.raises(DataError, match=r"ann/b\.png is 8x6 .*b\.jpg is 9x6"):
        make(folder).pre_eval(np.zeros((6, 9), int), 1)


def test_padding_is_accepted_whatever_is_ignored(folder):
    for name in ("a", "b", "sub/c", "sub/a-b"):
        label = np.array(Image.open(folder / "ann" / f"{name}.png"))
        Image.fromarray(np.where(label == 255, 77, label).astype(np.uint8)).save(
            folder / "ann" / f"{name}.png"
        )
    pad = {"type": "Pad", "size": (10, 10), "pad_val": 0, "seg_pad_val": 255}
    dataset = make(folder, [*LOAD[:2], pad, *LOAD[2:]], ignore_index=77)
    assert dataset[0]["gt_semantic_seg"].max() == 255


def test_a_broken_image_is_not_replaced_by_another(folder):
    path = folder / "img" / "a.jpg"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match=r"a\.jpg"):
        make(folder, LOAD)[0]


def test_unknown_keys_of_evaluation_are_refused(folder):
    with pytest.raises(TypeError, match="metrics"):
        make(folder).evaluate([], metrics="mIoU")


# ---- 1.x callers


@patch("mmseg.datasets.CustomDataset.load_annotations", MagicMock())
def test_it_can_be_built_without_files():
    dataset = CustomDataset(
        pipeline=[], img_dir=MagicMock(), split=MagicMock(), classes=["bus", "car"], test_mode=True
    )
    assert len(dataset.PALETTE) == 2


def test_efficient_test_is_accepted_with_a_warning(folder):
    with pytest.warns(UserWarning, match="efficient_test"):
        maps = list(make(folder).get_gt_seg_maps(efficient_test=True))
    for got, expected in zip(maps, truths(folder), strict=True):
        np.testing.assert_array_equal(got, expected)
