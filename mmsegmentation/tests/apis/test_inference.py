"""Inference on single images."""

import logging

import cv2
import matplotlib
import numpy as np
import pytest
import torch
from torch import nn

from mmcv.config import Config
from mmseg.apis import inference_segmentor, init_segmentor, show_result_pyplot
from mmseg.evaluation import get_classes

matplotlib.use("agg")


@pytest.fixture
def model(tiny_config):
    return init_segmentor(str(tiny_config), device="cpu")


def images(tiny_config):
    return sorted((tiny_config.parent / "ade" / "images" / "validation").iterdir())


def test_files_and_arrays_give_one_map_of_the_original_size_each(model, tiny_config):
    path = images(tiny_config)[0]
    wide = cv2.resize(cv2.imread(str(path)), (90, 40))
    results = inference_segmentor(model, [str(path), path, cv2.imread(str(path)), wide])
    assert [result.shape for result in results] == [(48, 64)] * 3 + [(40, 90)]
    assert results[0].dtype == np.int64
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])
    np.testing.assert_array_equal(inference_segmentor(model, str(path))[0], results[0])


def test_the_weights_that_training_starts_from_are_not_read(tiny_config):
    cfg = Config.fromfile(tiny_config)
    assert cfg.model.backbone.pretrained == "/nowhere/weights.pth"
    model = init_segmentor(cfg, device="cpu")
    assert cfg.model.backbone.pretrained == "/nowhere/weights.pth"
    assert model.cfg.model.backbone.pretrained is None


@pytest.mark.parametrize("layout", ["meta", "deepspeed", "bare"])
def test_a_checkpoint_gives_weights_and_names(model, tiny_config, tmp_path, layout):
    nn.init.constant_(model.decode_head.conv_seg.bias, 0.5)
    names = {"CLASSES": [f"c{i}" for i in range(150)], "PALETTE": [[i, i, i] for i in range(150)]}
    content = {
        "meta": {"state_dict": model.state_dict(), "meta": names},
        "deepspeed": {"module": model.state_dict(), **names},
        "bare": model.state_dict(),
    }[layout]
    torch.save(content, tmp_path / "weights.pth")
    loaded = init_segmentor(str(tiny_config), str(tmp_path / "weights.pth"), device="cpu")
    for name, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value)
    expected = get_classes("ade20k") if layout == "bare" else names["CLASSES"]
    assert list(loaded.CLASSES) == expected
    assert len(loaded.PALETTE) == 150 and not loaded.training


def test_without_a_gpu_the_default_device_is_the_cpu(tiny_config, monkeypatch, caplog):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with caplog.at_level(logging.INFO, "mmcv"):
        model = init_segmentor(str(tiny_config))
    assert next(model.parameters()).device.type == "cpu" and "CPU" in caplog.text


def test_a_config_of_another_type_is_refused():
    with pytest.raises(TypeError, match="config must be a filename or Config"):
        init_segmentor({"model": {}})


def test_test_time_augmentation_averages_over_views(tiny_config):
    cfg = Config.fromfile(tiny_config)
    cfg.data.test.pipeline[1].update(flip=True, img_ratios=[0.75, 1.0])
    model = init_segmentor(cfg, device="cpu")
    assert inference_segmentor(model, images(tiny_config)[0])[0].shape == (48, 64)


def test_a_result_is_drawn_to_a_file(model, tiny_config, tmp_path):
    path = images(tiny_config)[0]
    result = inference_segmentor(model, path)
    out = tmp_path / "out" / "drawn.png"
    show_result_pyplot(model, str(path), result, out_file=str(out), opacity=1.0)
    colours = np.array(model.PALETTE, np.uint8)[result[0]][..., ::-1]
    np.testing.assert_array_equal(cv2.imread(str(out)), colours)
