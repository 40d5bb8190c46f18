import numpy as np
import pytest
import torch

from mmcv.data import DataContainer
from mmcv.registry import ConfigError
from mmcv.transforms import (
    Collect,
    DefaultFormatBundle,
    ImageToTensor,
    ToDataContainer,
    ToTensor,
    Transpose,
    to_tensor,
)


def test_to_tensor_of_each_kind():
    tensor = torch.arange(3)
    assert to_tensor(tensor) is tensor
    assert torch.equal(to_tensor(np.array([1, 2])), torch.tensor([1, 2]))
    assert torch.equal(to_tensor([1.5, 2]), torch.tensor([1.5, 2.0]))
    assert torch.equal(to_tensor(3), torch.tensor([3]))
    assert torch.equal(to_tensor(0.5), torch.tensor([0.5]))
    with pytest.raises(TypeError, match="cannot be converted"):
        to_tensor("text")


def test_images_become_channels_first_even_if_flipped_views():
    img = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)[:, ::-1]
    got = ImageToTensor(["img"])({"img": img})["img"]
    assert got.shape == (3, 2, 4) and got.is_contiguous()
    assert got[1, 0, 2] == img[0, 2, 1]
    assert ImageToTensor(["img"])({"img": img[..., 0]})["img"].shape == (1, 2, 4)


def test_bundle_converts_what_is_there():
    results = {
        "img": np.zeros((2, 3, 3), np.float32),
        "gt_semantic_seg": np.array([[1, 2, 255]], np.uint8),
        "gt_bboxes": np.zeros((0, 4), np.float32),
        "gt_masks": np.zeros((2, 2, 3), np.int64),
        "other": "kept",
    }
    got = DefaultFormatBundle()(results)
    assert got["img"].shape == (3, 2, 3) and got["img"].dtype == torch.float32
    assert got["gt_semantic_seg"].tolist() == [[[1, 2, 255]]]
    assert got["gt_semantic_seg"].dtype == torch.int64
    assert got["gt_bboxes"].shape == (0, 4) and got["gt_masks"].shape == (2, 2, 3)
    assert got["other"] == "kept"
    masks = object()
    assert DefaultFormatBundle()({"gt_masks": masks})["gt_masks"] is masks


META = {
    "filename": "a/b.jpg",
    "ori_filename": "b.jpg",
    "ori_shape": (2, 3, 3),
    "img_shape": (2, 3, 3),
    "pad_shape": (2, 3, 3),
    "scale_factor": 1.0,
    "flip": False,
    "flip_direction": "horizontal",
    "img_norm_cfg": {},
}


def test_collect_keeps_entries_and_meta():
    got = Collect(["img"])({**META, "img": 5, "seg_fields": []})
    assert got == {"img_metas": META, "img": 5}
    assert list(got) == ["img_metas", "img"]
    got = Collect(["img"], meta_keys=("flip",))({**META, "img": 5})
    assert got["img_metas"] == {"flip": False}


def test_collect_names_what_is_missing():
    with pytest.raises(ConfigError, match="'flip'"):
        Collect(["img"])({k: v for k, v in META.items() if k != "flip"})
    with pytest.raises(KeyError, match="did you mean 'gt_semantic_seg'"):
        Collect(["gt_semantic_segs"])({**META, "gt_semantic_seg": 1})


def test_data_containers_for_plugins():
    got = ToDataContainer()({"img": torch.zeros(3, 2, 2), "gt_semantic_seg": torch.ones(1)})
    assert isinstance(got["img"], DataContainer) and got["img"].stack
    assert isinstance(got["gt_semantic_seg"], DataContainer) and not got["gt_semantic_seg"].stack
    fields = [{"key": "a", "cpu_only": True}]
    step = ToDataContainer(fields)
    assert step({"a": 1})["a"].cpu_only and step({"a": 1})["a"].cpu_only
    assert fields == [{"key": "a", "cpu_only": True}]


def test_to_tensor_and_transpose_steps():
    got = ToTensor(["a", "b"])({"a": [1, 2], "b": np.zeros(2), "c": 1})
    assert isinstance(got["a"], torch.Tensor) and isinstance(got["b"], torch.Tensor)
    assert got["c"] == 1
    assert Transpose(["a"], (2, 0, 1))({"a": np.zeros((4, 5, 3))})["a"].shape == (3, 4, 5)


def test_reprs():
    assert repr(ToTensor(["img"])) == "ToTensor(keys=['img'])"
    assert repr(ImageToTensor(["img"])) == "ImageToTensor(keys=['img'])"
    assert repr(Transpose(["img"], (2, 0, 1))) == "Transpose(keys=['img'], order=(2, 0, 1))"
    assert repr(DefaultFormatBundle()) == "DefaultFormatBundle"
    assert repr(Collect(["img"], ("flip",))) == "Collect(keys=['img'], meta_keys=('flip',))"
    assert repr(ToDataContainer([])) == "ToDataContainer(fields=[])"
