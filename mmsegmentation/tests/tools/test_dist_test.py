"""tools/dist_test.sh: two processes give what one gives."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mmseg.apis import init_segmentor
from mmseg.apis.testing_tool import test_main as run_test_tool

SCRIPT = Path(__file__).parents[2] / "tools" / "dist_test.sh"


@pytest.mark.processes
def test_two_processes_give_the_metrics_of_one(tiny_config, tmp_path):
    """Three images on two ranks: the sampler repeats one of them, which must not count."""
    torch.manual_seed(0)
    model = init_segmentor(str(tiny_config), device="cpu")
    model.decode_head.conv_seg.bias.data[:3] = 1.0  # the classes of the data set
    torch.save({"state_dict": model.state_dict()}, tmp_path / "weights.pth")
    arguments = [str(tiny_config), str(tmp_path / "weights.pth")]
    run_test_tool([*arguments, "--eval", "mIoU", "--work-dir", str(tmp_path / "one")])

    environment = {**os.environ, "PYTHON": sys.executable, "CUDA_VISIBLE_DEVICES": ""}
    options = ["--eval", "mIoU", "--work-dir", str(tmp_path / "two")]
    command = [str(SCRIPT), *arguments, "2", *options, "--show-dir", str(tmp_path / "pictures")]
    process = subprocess.run(command, capture_output=True, text=True, env=environment, cwd="/")
    assert process.returncode == 0, process.stderr

    one, two = (
        json.loads(next((tmp_path / name).iterdir()).read_text())["metric"]
        for name in ("one", "two")
    )
    assert one["aAcc"] > 0 and list(one) == list(two)
    assert str(one) == str(two)  # as text, because nan is not equal to itself
    assert len(list((tmp_path / "pictures").iterdir())) == 3
