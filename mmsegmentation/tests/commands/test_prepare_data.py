"""Tiny archives in the layouts of the published ones."""

import io
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from mmseg.commands.prepare_data import main
from mmseg.datasets import CityscapesDataset, COCOStuffDataset, PascalVOCDataset
from mmseg.preparation.labels import coco_stuff_table


def png(values) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.array(values, np.uint8)).save(file, format="PNG")
    return file.getvalue()


def write_zip(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def write_tar(path, files, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


@pytest.fixture
def downloads(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "downloads").mkdir()
    return tmp_path / "downloads"


def labels(path):
    return np.asarray(Image.open(path)).tolist()


def test_ade20k(downloads, capsys, caplog):
    root = "ADEChallengeData2016"
    files = {f"{root}/images/training/ADE_train_1.jpg": b"x", f"{root}/objectInfo150.txt": b"y"}
    write_zip(downloads / "ADEChallengeData2016.zip", files)
    main(["ade20k", "downloads"])
    assert (downloads.parent / f"data/ade/{root}/images/training/ADE_train_1.jpg").exists()
    assert "1 *.jpg   NOT the published 20210" in capsys.readouterr().out
    assert "another version, or damaged" in caplog.text


def test_coco_stuff(downloads):
    write_zip(downloads / "train2017.zip", {"train2017/7.jpg": png([[0]])})
    write_zip(downloads / "val2017.zip", {"val2017/8.jpg": png([[0]])})
    maps = {"train2017/7.png": png([[0, 10, 12, 91]]), "val2017/8.png": png([[181, 255, 24, 26]])}
    write_zip(downloads / "stuffthingmaps_trainval2017.zip", maps)
    main(["coco_stuff164k", "downloads"])
    root = downloads.parent / "data/coco_stuff164k"
    assert labels(root / "annotations/train2017/7_labelTrainIds.png") == [[0, 10, 11, 80]]
    assert labels(root / "annotations/val2017/8_labelTrainIds.png") == [[170, 255, 23, 24]]
    folders = {"img_dir": "images/train2017", "ann_dir": "annotations/train2017"}
    dataset = COCOStuffDataset(pipeline=[], data_root=str(root), **folders)
    dataset.check()
    names = [dataset.CLASSES[i] for i in (0, 10, 11, 80)]
    # The published names of labels 1, 11, 13 and 92.
    assert names == ["person", "fire hydrant", "stop sign", "banner"]


def test_coco_stuff_table_is_a_numbering_of_171_classes():
    table = coco_stuff_table()
    assert sorted(table[table != 255]) == list(range(171))


def test_cityscapes(downloads):
    image = {"leftImg8bit/train/aachen/a_1_leftImg8bit.png": png([[0]]), "README": b"x"}
    write_zip(downloads / "leftImg8bit_trainvaltest.zip", image)
    label = {
        "gtFine/train/aachen/a_1_gtFine_labelIds.png": png([[0, 7, 8, 33, 34]]),
        "gtFine/train/aachen/a_1_gtFine_color.png": png([[0]]),
    }
    write_zip(downloads / "gtFine_trainvaltest.zip", label)
    main(["cityscapes", "downloads"])
    root = downloads.parent / "data/cityscapes"
    made = root / "gtFine/train/aachen/a_1_gtFine_labelTrainIds.png"
    assert labels(made) == [[255, 0, 1, 18, 255]]
    assert not list(root.rglob("*_color.png")) and not (root / "README").exists()
    folders = {"img_dir": "leftImg8bit/train", "ann_dir": "gtFine/train"}
    CityscapesDataset(pipeline=[], data_root=str(root), **folders).check()


def test_voc_with_sbd(downloads):
    base = "VOCdevkit/VOC2012"
    lists = f"{base}/ImageSets/Segmentation"
    files = {
        f"{base}/JPEGImages/a.jpg": b"x",
        f"{base}/JPEGImages/c.jpg": b"x",
        f"{base}/SegmentationClass/a.png": png([[3]]),
        f"{lists}/train.txt": b"a\n",
        f"{lists}/val.txt": b"b\n",
    }
    write_tar(downloads / "VOCtrainval_11-May-2012.tar", files)
    mat = io.BytesIO()
    savemat(mat, {"GTcls": {"Segmentation": np.array([[5, 0], [1, 2]], np.uint8)}})
    root = "benchmark_RELEASE/dataset"
    extra = {
        f"{root}/cls/c.mat": mat.getvalue(),
        f"{root}/img/c.jpg": b"x",
        f"{root}/train.txt": b"a\nc\n",
        f"{root}/val.txt": b"b\n",
    }
    write_tar(downloads / "benchmark.tgz", extra, "w:gz")
    main(["voc2012", "downloads"])
    root = downloads.parent / "data/VOCdevkit/VOC2012"
    assert labels(root / "SegmentationClassAug/c.png") == [[5, 0], [1, 2]]
    assert (root / "ImageSets/Segmentation/trainaug.txt").read_text() == "a\nc\n"
    assert (root / "ImageSets/Segmentation/aug.txt").read_text() == "c\n"
    dataset = PascalVOCDataset(
        split="ImageSets/Segmentation/aug.txt",
        pipeline=[],
        data_root=str(root),
        img_dir="JPEGImages",
        ann_dir="SegmentationClassAug",
    )
    dataset.check()


def test_a_second_run_writes_nothing_and_completes_what_is_missing(downloads, caplog):
    write_zip(downloads / "ADEChallengeData2016.zip", {"A/images/x.jpg": b"abc", "A/y.jpg": b"d"})
    main(["ade20k", "downloads"])
    one, two = (downloads.parent / "data/ade/A" / name for name in ("images/x.jpg", "y.jpg"))
    before = one.stat().st_mtime_ns
    two.write_bytes(b"")  # as if interrupted
    main(["ade20k", "downloads"])
    assert one.stat().st_mtime_ns == before and two.read_bytes() == b"d"


def test_errors(downloads, capsys):
    with pytest.raises(SystemExit):
        main(["cityscapes", "downloads"])
    assert "has no leftImg8bit_trainvaltest.zip" in capsys.readouterr().err
    (downloads / "ADEChallengeData2016.zip").write_bytes(b"PK cut off")
    with pytest.raises(SystemExit):
        main(["ade20k", "downloads"])
    assert "cannot be unpacked" in capsys.readouterr().err
    write_zip(downloads / "ADEChallengeData2016.zip", {"../../evil.txt": b"x"})
    with pytest.raises(SystemExit):
        main(["ade20k", "downloads"])
    assert "leads out of" in capsys.readouterr().err
