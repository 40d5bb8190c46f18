"""The documents' commands work as they stand there."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
TASK = ROOT / "mmsegmentation"
FLAGS_ELSEWHERE = {
    "test": ["mmcv.runner.evaluation_arguments", "mmseg.apis.testing_arguments"],
    "train": ["mmcv.runner.train_arguments"],
}
# The recipe at toy size; nothing but sizes, weights and the number format of CPUs.
TOY = shlex.split(
    "model.backbone.embed_dim=32 model.backbone.depth=4 model.backbone.num_heads=2"
    " model.backbone.out_indices=[0,1,2,3] model.backbone.pretrained=None"
    " model.decode_head.in_channels=[32,32,32,32] model.decode_head.channels=16"
    " model.auxiliary_head.in_channels=32 model.auxiliary_head.channels=16"
    " optimizer.paramwise_cfg.num_layers=4 runner.max_iters=4 data.samples_per_gpu=2"
    " data.workers_per_gpu=0 checkpoint_config.interval=4 evaluation.interval=4"
    " deepspeed_config=zero1_fp32 custom_hooks=[]"
)


def blocks(document, language):
    return re.findall(rf"```{language}\n(.*?)```", document.read_text(), re.DOTALL)


def make_photos(root):
    """Grey pictures with a green leaf and a red flower somewhere."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 4), ("val", 2)):
        images, labels = root / "images" / part, root / "annotations" / part
        images.mkdir(parents=True)
        labels.mkdir(parents=True)
        for i in range(count):
            img, label = np.full((90, 120, 3), 120, np.uint8), np.zeros((90, 120), np.uint8)
            for value, colour in ((1, (0, 200, 0)), (2, (0, 0, 200))):
                x, y = rng.integers(0, 60, 2)
                img[y : y + 30, x : x + 30] = colour
                label[y : y + 30, x : x + 30] = value
            img = np.clip(img + rng.integers(-9, 9, img.shape), 0, 255).astype(np.uint8)
            cv2.imwrite(str(images / f"{part}{i}.jpg"), img)
            cv2.imwrite(str(labels / f"{part}{i}.png"), label)


@pytest.mark.slow
def test_own_photographs_from_folder_to_overlay(tmp_path):
    make_photos(tmp_path / "my_photos")
    for name in ("tools", "configs", "zero_configs"):
        (tmp_path / name).symlink_to(TASK / name)
    (config,) = blocks(DOCS / "custom_data.md", "python")
    (tmp_path / "my_dataset.py").write_text(config)
    commands = "".join(blocks(DOCS / "custom_data.md", "bash")).splitlines()
    assert len(commands) == 5
    for command in commands:
        words = [sys.executable, *shlex.split(command)[1:], "--cfg-options", *TOY]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    overlays = sorted(path.name for path in (tmp_path / "predictions/overlays").iterdir())
    assert overlays == ["val0.jpg", "val1.jpg"]
    assert (tmp_path / "sheets/train.jpg").exists()


def commands_in(document):
    """Returns the calls of tools, from blocks and from indented lines."""
    text = document.read_text()
    return re.findall(r"(?:^|`| )(?:python )?(tools/\w+\.(?:py|sh)[^\n`|]*)", text, re.MULTILINE)


@pytest.mark.parametrize("document", sorted(DOCS.glob("*.md")), ids=lambda path: path.stem)
def test_tools_and_flags_that_documents_name_exist(document):
    for command in commands_in(document):
        tool, *rest = shlex.split(command.rstrip("."))
        assert (TASK / tool).exists(), command
        known = flags_of(TASK / tool)
        for flag in (word for word in rest if word.startswith("--")):
            assert known is None or flag in known, f"{command}: {flag} is not among {sorted(known)}"


def flags_of(tool):
    """Returns the flags of a Python tool, from the sources of its main and of what parses them."""
    if tool.suffix != ".py":
        return None
    modules = re.findall(r"from ((?:mmcv|mmseg)[\w.]*) import", tool.read_text())
    texts = [source_of(module) for module in modules]
    if tool.stem in FLAGS_ELSEWHERE:
        texts += map(source_of, FLAGS_ELSEWHERE[tool.stem])
    return set(re.findall(r"\"(--[\w-]+)\"", "".join(texts)))


def source_of(module):
    package = ROOT / {"mmcv": "mmcv", "mmseg": "mmsegmentation"}[module.split(".")[0]]
    return package.joinpath(*module.split(".")).with_suffix(".py").read_text()


@pytest.mark.parametrize("document", sorted(DOCS.glob("*.md")), ids=lambda path: path.stem)
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
        assert "://" in target or (document.parent / target).exists(), target
