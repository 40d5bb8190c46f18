"""tools/test.py as users start it."""

import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from mmseg.apis import inference_segmentor, init_segmentor
from mmseg.apis.testing_tool import parse_arguments
from mmseg.apis.testing_tool import test_main as run_main
from mmseg.datasets import build_dataset

TOOL = Path(__file__).parents[2] / "tools" / "test.py"


@pytest.fixture
def model(tiny_config):
    torch.manual_seed(0)
    model = init_segmentor(str(tiny_config), device="cpu")
    nn.init.normal_(model.decode_head.conv_seg.weight)
    return model


@pytest.fixture
def checkpoint(model, tmp_path):
    path = tmp_path / "weights.pth"
    meta = {"CLASSES": list(model.CLASSES), "PALETTE": list(model.PALETTE)}
    torch.save({"state_dict": model.state_dict(), "meta": meta}, path)
    return path


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """The working directory of the tests, which has nothing to do with config and data."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def names_and_predictions(model):
    dataset = build_dataset(model.cfg.data.test, {"data_root": None, "test_mode": True})
    paths = [os.path.join(dataset.img_dir, info["filename"]) for info in dataset.img_infos]
    return paths, [inference_segmentor(model, path)[0] for path in paths]


def expected_metrics(model, tiny_config):
    model.cfg.data.test.data_root = str(tiny_config.parent / "ade")
    dataset = build_dataset(model.cfg.data.test, {"test_mode": True})
    _, predictions = names_and_predictions(model)
    return dataset.evaluate(predictions, ["mIoU", "mFscore"], logger="silent"), predictions


def run_tool(*arguments):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, str(TOOL), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


@pytest.mark.processes
def test_metrics_are_printed_and_written(tiny_config, checkpoint, model, elsewhere):
    process = run_tool(tiny_config, checkpoint, "--eval", "mIoU", "mFscore", "--work-dir", "w")
    assert process.returncode == 0, process.stderr
    assert "|  mIoU |" in process.stdout or "| mIoU |" in process.stdout
    (path,) = (elsewhere / "w").iterdir()
    assert path.name.startswith("eval_single_scale_") and path.suffix == ".json"
    content = json.loads(path.read_text())
    expected, _ = expected_metrics(model, tiny_config)
    assert content["config"] == str(tiny_config)
    assert list(content["metric"]) == list(expected)
    np.testing.assert_allclose(
        list(content["metric"].values()), list(expected.values()), rtol=0, atol=1e-12
    )


@pytest.mark.processes
def test_a_user_error_is_one_line(tiny_config, checkpoint, elsewhere):
    process = run_tool(tiny_config, checkpoint, "--eval", "mIou")
    assert process.returncode == 1
    lines = process.stderr.strip().splitlines()
    assert lines[-1].startswith("error: --eval: 'mIou' is not a metric; did you mean 'mIoU'?")
    assert "Traceback" not in process.stderr


def test_results_are_pickled(tiny_config, checkpoint, model, elsewhere):
    run_main([str(tiny_config), str(checkpoint), "--out", "results.pkl"])
    results = pickle.loads((elsewhere / "results.pkl").read_bytes())
    _, predictions = expected_metrics(model, tiny_config)
    for result, prediction in zip(results, predictions, strict=True):
        np.testing.assert_array_equal(result, prediction)
    assert not (elsewhere / "work_dirs").exists()


@pytest.mark.parametrize("given", ["iter_2", "latest", "iter_2/global_step2"])
def test_folders_of_deepspeed_are_checkpoints(tiny_config, model, elsewhere, given):
    step = elsewhere / "iter_2" / "global_step2"
    step.mkdir(parents=True)
    (elsewhere / "latest").symlink_to("iter_2")
    torch.save({"module": model.state_dict()}, step / "mp_rank_00_model_states.pt")
    run_main([str(tiny_config), given, "--out", "results.pkl"])
    results = pickle.loads((elsewhere / "results.pkl").read_bytes())
    np.testing.assert_array_equal(results[0], expected_metrics(model, tiny_config)[1][0])


def test_label_maps_are_written(tiny_config, checkpoint, model, elsewhere):
    arguments = ["--format-only", "--eval-options", "imgfile_prefix=maps"]
    run_main([str(tiny_config), str(checkpoint), *arguments])
    _, predictions = expected_metrics(model, tiny_config)
    for i, prediction in enumerate(predictions):
        label = np.array(Image.open(elsewhere / "maps" / f"ADE_validation_{i:08d}.png"))
        np.testing.assert_array_equal(label, prediction + 1)


def test_pictures_are_drawn(tiny_config, checkpoint, model, elsewhere):
    arguments = ["--show-dir", "pictures", "--opacity", "1.0"]
    run_main([str(tiny_config), str(checkpoint), *arguments])
    _, predictions = expected_metrics(model, tiny_config)
    picture = cv2.imread(str(elsewhere / "pictures" / "ADE_validation_00000001.jpg"))
    colours = np.array(model.PALETTE, np.uint8)[predictions[1]][..., ::-1]
    assert np.abs(picture.astype(int) - colours).mean() < 20  # JPEG


def test_many_views_are_another_result(tiny_config, checkpoint, elsewhere, capsys):
    run_main([str(tiny_config), str(checkpoint), "--aug-test", "--eval", "mIoU"])
    (path,) = (elsewhere / "work_dirs" / "tiny").iterdir()
    assert path.name.startswith("eval_multi_scale_")


def test_options_change_the_config(tiny_config, checkpoint, model, elsewhere):
    (elsewhere / "one.txt").write_text("ADE_validation_00000002\n")
    split = f"data.test.split={elsewhere / 'one.txt'}"
    arguments = ["--cfg-options", split, "data.test.type=CustomDataset"]
    names = "data.test.classes=[" + ",".join(f"c{i}" for i in range(150)) + "]"
    run_main([str(tiny_config), str(checkpoint), "--out", "r.pkl", *arguments, names])
    (result,) = pickle.loads((elsewhere / "r.pkl").read_bytes())
    np.testing.assert_array_equal(result, expected_metrics(model, tiny_config)[1][2])


# ---- what is refused before anything runs


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "at least one of"),
        (["--eval", "mIoU", "--format-only"], "cannot be both"),
        (["--eval", "mIoU", "cityscapes"], "no other metric"),
        (["--out", "results.json"], r"must end with \.pkl"),
        (["--show", "--opacity", "2"], "opacity"),
        (["--show", "--options", "a=1", "--cfg-options", "b=2"], "only one of them"),
    ],
)
def test_flags_that_do_not_fit_are_refused(arguments, message, capsys):
    with pytest.raises(SystemExit) as error:
        parse_arguments(["config.py", "weights.pth", *arguments])
    assert error.value.code == 2
    assert re.search(message, capsys.readouterr().err)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--cfg-options", "data.test.img_dir=imgs"], "data.test: img_dir: there is no folder"),
        (["--cfg-options", "data.test.ann_dir=imgs"], "data.test: ann_dir: there is no folder"),
        (["--cfg-options", "data.test.img_sufix=.png"], "did you mean 'img_suffix'"),
        (["--eval-options", "imgfile_prefx=x"], "unexpected key 'imgfile_prefx'"),
    ],
)
def test_bad_configs_end_in_one_line(tiny_config, checkpoint, elsewhere, options, message, capsys):
    with pytest.raises(SystemExit) as error:
        run_main([str(tiny_config), str(checkpoint), "--eval", "mIoU", *options])
    assert error.value.code == 1
    assert message in capsys.readouterr().err


def test_a_missing_checkpoint_is_named(tiny_config, elsewhere, capsys):
    with pytest.raises(SystemExit):
        run_main([str(tiny_config), "missing.pth", "--eval", "mIoU"])
    assert "missing.pth" in capsys.readouterr().err


def test_the_checkpoint_of_another_model_is_refused(tiny_config, elsewhere, capsys):
    torch.save({"state_dict": {"other.weight": torch.zeros(2)}}, "other.pth")
    with pytest.raises(SystemExit):
        run_main([str(tiny_config), "other.pth", "--eval", "mIoU"])
    assert "other.pth" in capsys.readouterr().err


def test_flags_are_those_of_1x():
    args = parse_arguments(["c.py", "w.pth", "--show"])
    assert set(vars(args)) == {
        "config",
        "checkpoint",
        "work_dir",
        "aug_test",
        "out",
        "format_only",
        "eval",
        "show",
        "show_dir",
        "gpu_collect",
        "gpu_id",
        "tmpdir",
        "options",
        "cfg_options",
        "eval_options",
        "launcher",
        "opacity",
        "local_rank",
        "verbose",
    }
    assert args.gpu_id == 0 and args.launcher == "none" and args.opacity == 0.5


@pytest.mark.parametrize("spelling", ["--local_rank=1", "--local-rank=1"])
def test_both_spellings_of_the_local_rank(spelling, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.delenv("LOCAL_RANK")
    args = parse_arguments(["c.py", "w.pth", "--show", "--launcher", "pytorch", spelling])
    assert args.local_rank == 1 and os.environ["LOCAL_RANK"] == "1"
