"""The pipelines of the shipped data set configs: all build, and ADE20K's run on real files."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mmcv.config import Config
from mmcv.data import collate
from mmseg.datasets import build_dataset
from mmseg.datasets.pipelines import Compose

FOLDER = Path(__file__).parents[2] / "configs" / "_base_" / "datasets"
ADE20K = sorted(path.name for path in FOLDER.glob("ade20k_504x504*.py"))


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.py")))
def test_every_pipeline_builds(name):
    data = Config.fromfile(FOLDER / name).data
    for part in ("train", "val", "test"):
        section = data[part]
        section = section.dataset if section.type == "RepeatDataset" else section
        if "pipeline" in section:
            Compose(section.pipeline)


@pytest.mark.parametrize("name", ADE20K)
def test_ade20k_samples_have_the_size_of_the_crop(name, tiny_ade):
    data = Config.fromfile(FOLDER / name).data
    np.random.seed(0)
    train = build_dataset({**data.train, "data_root": str(tiny_ade)})
    sample = train[0]
    assert sample["img"].shape == (3, 504, 504) and sample["img"].dtype == torch.float32
    label = sample["gt_semantic_seg"]
    assert label.shape == (1, 504, 504) and label.dtype == torch.int64
    assert set(label.unique().tolist()) <= {*range(150), 255}

    test = build_dataset({**data.val, "data_root": str(tiny_ade)}, {"test_mode": True})
    batch = collate([test[0]])
    (img,), ((meta,),) = batch["img"], batch["img_metas"]
    # 48 x 64 pixels: the short side becomes 504, the long one the next multiple of 14.
    assert img.shape == (1, 3, 504, 672)
    assert (
        meta["ori_shape"] == (48, 64, 3) and meta["ori_filename"] == "ADE_validation_00000000.jpg"
    )
