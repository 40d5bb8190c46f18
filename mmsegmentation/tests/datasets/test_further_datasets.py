"""Names of files, classes and label values of the data sets that other recipes of 1.x use."""

import numpy as np
import pytest
from PIL import Image

from mmseg.datasets import DATASETS, build_dataset
from mmseg.evaluation import get_classes, get_palette

TABLE = [
    ("DRIVEDataset", ".png", "_manual1.png", "drive", 2, False),
    ("STAREDataset", ".png", ".ah.png", "stare", 2, False),
    ("ChaseDB1Dataset", ".png", "_1stHO.png", "chase_db1", 2, False),
    ("HRFDataset", ".png", ".png", "hrf", 2, False),
    ("LoveDADataset", ".png", ".png", "loveda", 7, True),
    ("PotsdamDataset", ".png", ".png", "potsdam", 6, True),
    ("ISPRSDataset", ".png", ".png", "vaihingen", 6, True),
    ("iSAIDDataset", ".png", "_instance_color_RGB.png", "isaid", 16, False),
    ("DarkZurichDataset", "_rgb_anon.png", "_gt_labelTrainIds.png", "cityscapes", 19, False),
    (
        "NightDrivingDataset",
        "_leftImg8bit.png",
        "_gtCoarse_labelTrainIds.png",
        "cityscapes",
        19,
        False,
    ),
]


@pytest.mark.parametrize(("name", "img", "seg", "table", "count", "reduces"), TABLE)
def test_files_are_found_and_perfect_predictions_score_one(
    tmp_path, name, img, seg, table, count, reduces
):
    for folder, suffix in (("img", img), ("ann", seg)):
        (tmp_path / folder).mkdir()
        values = np.arange(count, dtype=np.uint8)[None].repeat(4, 0) + reduces
        Image.fromarray(values).save(tmp_path / folder / f"x{suffix}")
    section = dict(type=name, data_root=str(tmp_path), img_dir="img", ann_dir="ann", pipeline=[])
    dataset = build_dataset(section)
    dataset.check()
    assert [info["filename"] for info in dataset.img_infos] == [f"x{img}"]
    assert list(dataset.CLASSES) == get_classes(table) and len(dataset.CLASSES) == count
    assert get_palette(table) == dataset.PALETTE
    records = dataset.pre_eval(np.arange(count)[None].repeat(4, 0), 0)
    assert dataset.evaluate(records, logger="silent")["mIoU"] == 1.0
    assert DATASETS.get(name).__name__.lower() == name.lower()


def test_loveda_is_submitted_from_zero(tmp_path):
    (tmp_path / "img").mkdir()
    Image.fromarray(np.zeros((2, 3), np.uint8)).save(tmp_path / "img/5.png")
    dataset = build_dataset(
        dict(type="LoveDADataset", img_dir=str(tmp_path / "img"), pipeline=[], test_mode=True)
    )
    (file,) = dataset.format_results([np.array([[0, 1, 6]])], str(tmp_path / "out"))
    assert np.asarray(Image.open(file)).tolist() == [[0, 1, 6]]
