"""The testing loops under their 1.x names."""

import os
from unittest.mock import MagicMock

import cv2
import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from mmseg.apis import multi_gpu_test, single_gpu_test
from mmseg.apis.test import np2tmp


class Samples(Dataset):
    """Two samples, as test pipelines give them."""

    PALETTE = [[10, 20, 30], [40, 50, 60]]

    def __init__(self, folder):
        self.folder = folder

    def __len__(self):
        return 2

    def __getitem__(self, index):
        name = f"sub/{index}.png"
        path = str(self.folder / "img" / name)
        return {"img": [torch.full((3, 4, 4), index)], "img_metas": [(path, name)]}


class Model(nn.Module):
    """Predicts class 1 everywhere in sample 1, class 0 in sample 0."""

    def forward(self, img, img_metas, return_loss=True):
        assert not return_loss
        return [view[0].numpy() for view in img[0]]

    show_result = MagicMock()


def collate(batch):
    metas = [dict(zip(("filename", "ori_filename"), s["img_metas"][0], strict=True)) for s in batch]
    return {"img": [torch.stack([s["img"][0] for s in batch])], "img_metas": [metas]}


@pytest.fixture
def loader(tmp_path):
    (tmp_path / "img" / "sub").mkdir(parents=True)
    for i in range(2):
        cv2.imwrite(str(tmp_path / "img" / "sub" / f"{i}.png"), np.zeros((4, 4, 3)))
    return DataLoader(Samples(tmp_path), batch_size=1, collate_fn=collate)


@pytest.mark.parametrize("run", [single_gpu_test, multi_gpu_test])
def test_predictions_come_in_order(loader, run):
    results = run(Model(), loader)
    assert [result.mean() for result in results] == [0, 1]


@pytest.mark.parametrize("run", [single_gpu_test, multi_gpu_test])
def test_pre_eval_keeps_what_the_data_set_makes_of_a_prediction(loader, run):
    loader.dataset.pre_eval = lambda preds, indices: [
        (i, p.sum()) for i, p in zip(indices, preds, strict=True)
    ]
    assert run(Model(), loader, pre_eval=True) == [(0, 0), (1, 16)]


def test_format_only_returns_the_files(loader):
    loader.dataset.format_results = MagicMock(
        side_effect=lambda preds, indices, **kw: [kw["x"] + indices[0]]
    )
    assert single_gpu_test(Model(), loader, format_only=True, format_args={"x": 5}) == [5, 6]


def test_efficient_test_keeps_predictions_in_files(loader, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = single_gpu_test(Model(), loader, efficient_test=True)
    assert [np.load(name).mean() for name in names] == [0, 1]
    assert all(os.path.dirname(name).endswith(".efficient_test") for name in names)


def test_the_ways_to_keep_results_exclude_each_other(loader):
    with pytest.raises(AssertionError, match="mutually exclusive"):
        single_gpu_test(Model(), loader, pre_eval=True, format_only=True)


def test_pictures_are_drawn_over_the_image_file(loader, tmp_path):
    model = Model()
    model.show_result = MagicMock()
    single_gpu_test(model, loader, out_dir=str(tmp_path / "out"), opacity=0.7)
    first = model.show_result.call_args_list[0]
    assert first.args[0] == str(tmp_path / "img" / "sub" / "0.png")
    assert first.kwargs["out_file"] == str(tmp_path / "out" / "sub/0.png")
    assert first.kwargs["palette"] == Samples.PALETTE and first.kwargs["opacity"] == 0.7


def test_np2tmp_takes_a_name(tmp_path):
    path = np2tmp(np.arange(3), str(tmp_path / "x.npy"))
    assert path == str(tmp_path / "x.npy") and np.load(path).tolist() == [0, 1, 2]
