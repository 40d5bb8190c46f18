import re
import shutil

import numpy as np
import pytest
from PIL import Image

from mmcv.fileio import dump
from mmseg.commands import browse_dataset, check_data, confusion_matrix


def label_files(root, part="training"):
    return sorted((root / "ade/annotations" / part).glob("*.png"))


def test_clean_data(toy, capsys):
    check_data.main(["tiny.py", "--out", "sheets"])
    out = capsys.readouterr().out
    assert "== train: 4 images" in out and "== val: 3 images" in out and "no problems" in out
    assert out.count("==") == 2  # test is val
    assert (toy / "sheets/train.jpg").stat().st_size > 1000
    counts = sum(
        np.bincount(np.asarray(Image.open(f)).ravel(), minlength=4) for f in label_files(toy)
    )
    share = counts[1] / counts.sum()
    assert re.search(rf"0 wall +{share:.2%}", out)


def test_every_kind_of_problem_is_found(toy, capsys):
    first, second, third, fourth = label_files(toy)
    Image.fromarray(np.full((48, 64), 200, np.uint8)).save(first)
    second.write_bytes(b"broken")
    Image.fromarray(np.ones((9, 9), np.uint8)).save(third)
    Image.fromarray(np.zeros((48, 64, 3), np.uint8)).save(fourth)
    image = sorted((toy / "ade/images/training").glob("*.jpg"))[0]
    shutil.copy(image, sorted((toy / "ade/images/validation").glob("*.jpg"))[0])
    with pytest.raises(SystemExit, match="error: 5 problems"):
        check_data.main(["tiny.py"])
    out = capsys.readouterr().out
    assert "PROBLEM label value 200, but there are only 150 classes: ADE_training_00000000" in out
    assert "PROBLEM label cannot be read" in out
    assert "PROBLEM label and image differ in size" in out
    assert "PROBLEM label has 3 channels" in out
    assert "PROBLEM the same image in two splits: train/ADE_training_00000000.jpg = val/" in out


def own_dataset(root, values, reduces):
    for i, label in enumerate(values):
        for part in ("images", "labels"):
            (root / part).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8, 3), i, np.uint8)).save(root / f"images/{i}.png")
        Image.fromarray(np.array(label, np.uint8)).save(root / f"labels/{i}.png")
    path = root / "own.py"
    path.write_text(
        f"steps = [dict(type='LoadAnnotations', reduce_zero_label={reduces})]\n"
        "data = dict(train=dict(type='CustomDataset', img_dir='images', ann_dir='labels',"
        f" data_root={str(root)!r}, img_suffix='.png', classes=['a', 'b'], pipeline=steps))\n"
    )
    return str(path)


def test_missing_reduce_zero_label_is_suggested(tmp_path, capsys):
    label = np.ones((8, 8))
    label[0], label[1] = 0, 2
    with pytest.raises(SystemExit):
        check_data.main([own_dataset(tmp_path, [label], False)])
    assert "reduce_zero_label=True is missing" in capsys.readouterr().out


def test_wrong_reduce_zero_label_is_noticed(tmp_path, capsys):
    label = np.zeros((8, 8))
    label[0] = 1
    with pytest.raises(SystemExit):
        check_data.main([own_dataset(tmp_path, [label], True)])
    assert "is 0 a class?" in capsys.readouterr().out


def test_browse_writes_a_picture_per_sample(toy, capsys):
    browse_dataset.main(["tiny.py", "--output-dir", "browse"])
    assert len(list((toy / "browse").glob("*.jpg"))) == 4
    browse_dataset.main(["tiny.py", "--output-dir", "origin", "--show-origin", "--number", "1"])
    picture = np.asarray(Image.open(next((toy / "origin").glob("*.jpg"))))
    assert picture.shape[0] == 48 and picture.shape[1] > 64  # the legend
    assert "wrote 1 pictures" in capsys.readouterr().out


def test_confusion_matrix_counts_as_a_loop_would(toy, capsys):
    labels = [np.asarray(Image.open(f)) for f in label_files(toy, "validation")]
    rng = np.random.default_rng(0)
    predictions = [rng.integers(0, 3, label.shape) for label in labels]
    dump(predictions, "results.pkl")
    confusion_matrix.main(["tiny.py", "results.pkl", "matrix"])
    expected = np.zeros((150, 150), np.int64)
    for pred, label in zip(predictions, labels, strict=True):
        for p, value in zip(pred.ravel(), label.ravel(), strict=True):
            if value:
                expected[value - 1, p] += 1
    assert np.array_equal(np.load("matrix/confusion_matrix.npy"), expected)
    assert (toy / "matrix/confusion_matrix.png").exists()
    assert "->" in capsys.readouterr().out


def test_confusion_matrix_refuses_counts(toy, capsys):
    dump([(1, 2)] * 3, "results.pkl")
    with pytest.raises(SystemExit):
        confusion_matrix.main(["tiny.py", "results.pkl", "matrix"])
    assert "holds no label maps" in capsys.readouterr().err
