"""The data sets that have a class of their own."""

import numpy as np
import pytest
from PIL import Image

from mmseg.datasets import (
    DATASETS,
    ADE20KDataset,
    CityscapesDataset,
    COCOStuffDataset,
    PascalContextDataset,
    PascalContextDataset59,
    PascalVOCDataset,
)
from mmseg.evaluation import get_classes, get_palette


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        (ADE20KDataset, "ade20k"),
        (COCOStuffDataset, "cocostuff"),
        (CityscapesDataset, "cityscapes"),
        (PascalVOCDataset, "voc"),
        (PascalContextDataset, "pascal_context"),
        (PascalContextDataset59, "pascal_context59"),
    ],
)
def test_classes_and_colours_are_those_of_the_table(cls, name):
    assert DATASETS.get(cls.__name__) is cls
    assert list(cls.CLASSES) == get_classes(name)
    assert get_palette(name) == cls.PALETTE


def make_ade20k(root, part="training", **options):
    folders = {"img_dir": f"images/{part}", "ann_dir": f"annotations/{part}"}
    return ADE20KDataset(pipeline=[], data_root=str(root), **folders, **options)


def test_ade20k_reduces_the_zero_label_and_is_complete(tiny_ade):
    dataset = make_ade20k(tiny_ade, "validation")
    dataset.check()
    stored = list(dataset.get_gt_seg_maps())
    assert all(label.min() == 0 for label in stored)
    perfect = [np.maximum(label, 1).astype(np.int64) - 1 for label in stored]
    records = dataset.pre_eval(perfect, [0, 1, 2])
    values = dataset.evaluate(records, logger="silent")
    assert values["aAcc"] == 1.0 and values["mIoU"] == 1.0


def test_few_shot_subsets_are_the_same_in_every_run_and_leave_random_numbers_alone(make_ade):
    root = make_ade(num_train=12, num_val=0)
    subsets = []
    for seed in (0, 1):
        np.random.seed(seed)
        state = np.random.get_state()[1].copy()
        subsets.append(make_ade20k(root, max_image_num=5).img_infos)
        np.testing.assert_array_equal(np.random.get_state()[1], state)
    assert subsets[0] == subsets[1] and len(subsets[0]) == 5
    names = [info["filename"] for info in subsets[0]]
    assert names == sorted(names) and names != sorted(
        info["filename"] for info in make_ade20k(root).img_infos[:5]
    )
    assert len(make_ade20k(root, max_image_num=99)) == 12


def test_ade20k_results_are_written_from_one_upwards(tiny_ade, tmp_path):
    pred = np.array([[0, 149], [7, 3]])
    dataset = make_ade20k(tiny_ade)
    for to_label_id, expected in ((True, pred + 1), (False, pred)):
        (path,) = dataset.format_results([pred], str(tmp_path), to_label_id=to_label_id)
        np.testing.assert_array_equal(np.array(Image.open(path)), expected)
    with pytest.raises(AssertionError, match="results must be a list"):
        dataset.format_results(pred, str(tmp_path))


def test_cityscapes_results_are_written_as_official_label_ids(tmp_path):
    folder = tmp_path / "img" / "town"
    folder.mkdir(parents=True)
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(folder / "x_leftImg8bit.png")
    dataset = CityscapesDataset(pipeline=[], img_dir=str(tmp_path / "img"), ann_dir="ann")
    assert dataset.img_infos == [
        {
            "filename": "town/x_leftImg8bit.png",
            "ann": {"seg_map": "town/x_gtFine_labelTrainIds.png"},
        }
    ]
    (path,) = dataset.format_results([np.array([[0, 1], [17, 18]])], str(tmp_path / "out"))
    np.testing.assert_array_equal(np.array(Image.open(path)), [[7, 8], [32, 33]])


def test_coco_stuff_expects_renumbered_labels(tmp_path):
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(tmp_path / "1.jpg")
    dataset = COCOStuffDataset(pipeline=[], img_dir=str(tmp_path), ann_dir="ann")
    assert dataset.img_infos[0]["ann"]["seg_map"] == "1_labelTrainIds.png"


@pytest.mark.parametrize(
    ("cls", "reduces"),
    [(PascalVOCDataset, False), (PascalContextDataset, False), (PascalContextDataset59, True)],
)
def test_pascal_data_sets_read_their_split(cls, reduces, tmp_path):
    (tmp_path / "val.txt").write_text("2007_000033\n")
    dataset = cls(split="val.txt", data_root=str(tmp_path), img_dir="JPEGImages", pipeline=[])
    assert dataset.img_infos == [{"filename": "2007_000033.jpg"}]
    assert dataset.reduce_zero_label is reduces
