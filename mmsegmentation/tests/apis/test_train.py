"""Training from a program, and tools/test.py on what it saved."""

import json

import pytest
import torch

from mmcv.config import Config
from mmcv.registry import ConfigError
from mmseg.apis import init_random_seed, set_random_seed, train_segmentor
from mmseg.apis.testing_tool import test_main as run_test_tool
from mmseg.datasets import build_dataset
from mmseg.models import build_segmentor


@pytest.fixture
def trained(tiny_config, tmp_path):
    """The work dir of two iterations, with an evaluation behind the second."""
    cfg = Config.fromfile(tiny_config)
    cfg.merge_from_dict({"model.backbone.pretrained": None, "work_dir": str(tmp_path / "work")})
    for part in ("train", "val", "test"):
        cfg.data[part].data_root = str(tmp_path / "ade")
    cfg.seed = init_random_seed(0)
    set_random_seed(cfg.seed)
    (tmp_path / "work").mkdir()
    model = build_segmentor(cfg.model)
    model.init_weights()
    train_segmentor(model, [build_dataset(cfg.data.train)], cfg, validate=True, timestamp="now")
    return tmp_path / "work"


def test_the_tool_gives_the_metrics_of_the_evaluation_in_training(trained, tiny_config, tmp_path):
    lines = [json.loads(line) for line in (trained / "now.log.json").read_text().splitlines()]
    (in_training,) = [line for line in lines if line.get("mode") == "val"]
    checkpoint, folder = str(trained / "iter_2.pth"), str(tmp_path / "metrics")
    run_test_tool([str(tiny_config), checkpoint, "--eval", "mIoU", "--work-dir", folder])
    (path,) = (tmp_path / "metrics").iterdir()
    metrics = json.loads(path.read_text())["metric"]
    assert metrics["aAcc"] > 0
    for name in ("aAcc", "mIoU", "mAcc", "IoU.wall"):
        assert metrics[name] == pytest.approx(in_training[name], abs=1e-12)


def test_checkpoints_know_the_classes(trained):
    meta = torch.load(trained / "latest.pth", weights_only=True)["meta"]
    assert meta["CLASSES"][0] == "wall" and meta["PALETTE"][0] == [120, 120, 120]
    assert meta["mmseg_version"] == "0.27.0"


def test_several_data_sets_are_refused(tiny_config):
    with pytest.raises(ConfigError, match="one data set"):
        train_segmentor(torch.nn.Linear(1, 1), [[], []], Config.fromfile(tiny_config))


def test_distributed_training_needs_a_process_group(tiny_config):
    with pytest.raises(ConfigError, match="call init_dist first"):
        train_segmentor(torch.nn.Linear(1, 1), [[]], Config.fromfile(tiny_config), distributed=True)
