"""Custom and VOC data sets, wrappers, and what builds them."""

import logging
import math
import pickle

import cv2
import numpy as np
import pytest

from mmcv.data import DataLoader
from mmcv.data.group_samplers import DistributedGroupSampler
from mmcv.registry import ConfigError
from mmdet.datasets import (
    ClassBalancedDataset,
    CustomDataset,
    LVISV1Dataset,
    NumClassCheckHook,
    VOCDataset,
    build_dataloader,
    build_dataset,
    get_loading_pipeline,
    replace_ImageToTensor,
)

EMPTY = np.zeros((0, 5), np.float32)
BOX = np.array([[10, 10, 40, 40]], np.float32)


@pytest.fixture
def custom_file(tmp_path):
    infos = [
        {
            "filename": f"{i}.jpg",
            "width": 100 if i % 2 else 50,
            "height": 80,
            "ann": {"bboxes": BOX, "labels": np.array([i % 2])},
        }
        for i in range(4)
    ]
    path = tmp_path / "custom.pkl"
    path.write_bytes(pickle.dumps(infos))
    return str(path)


@pytest.fixture
def voc_root(tmp_path):
    root = tmp_path / "VOC2007"
    for folder in ("JPEGImages", "Annotations", "ImageSets"):
        (root / folder).mkdir(parents=True)
    cv2.imwrite(str(root / "JPEGImages/one.jpg"), np.zeros((60, 80, 3), np.uint8))
    objects = "".join(
        f"<object><name>{name}</name><difficult>{difficult}</difficult><bndbox><xmin>11</xmin>"
        "<ymin>11</ymin><xmax>41</xmax><ymax>41</ymax></bndbox></object>"
        for name, difficult in (("dog", 0), ("cat", 1), ("unicorn", 0))
    )
    size = "<size><width>80</width><height>60</height></size>"
    xml = f"<annotation>{size}{objects}</annotation>"
    (root / "Annotations/one.xml").write_text(xml)
    (root / "ImageSets/all.txt").write_text("one\n")
    return root


def voc(root, **options):
    return VOCDataset(ann_file=str(root / "ImageSets/all.txt"), img_prefix=str(root), **options)


def test_custom_data_sets(custom_file):
    data = CustomDataset(custom_file, [], ["a", "b"])
    assert data.flag.tolist() == [0, 1, 0, 1] and data.get_cat2imgs() == {0: [0, 2], 1: [1, 3]}
    results = [[np.hstack([BOX, [[0.9]]]).astype(np.float32), EMPTY], [EMPTY, EMPTY]] * 2
    assert dict(data.evaluate(results, logger="silent")) == {"AP50": 0.5, "mAP": 0.5}
    recalls = data.evaluate([BOX] * 4, "recall", "silent", (1, 10), [0.5, 0.7])
    assert list(recalls) == [
        "recall@1@0.5",
        "recall@1@0.7",
        "recall@10@0.5",
        "recall@10@0.7",
        "AR@1",
        "AR@10",
    ]
    with pytest.raises(KeyError, match="metric x is not supported"):
        data.evaluate(results, "x")


def test_proposals_go_with_their_images(custom_file, tmp_path):
    path = tmp_path / "proposals.pkl"
    path.write_bytes(pickle.dumps([np.full((2, 5), i, np.float32) for i in range(4)]))
    data = CustomDataset(
        custom_file,
        [{"type": "LoadProposals"}],
        ["a", "b"],
        proposal_file=str(path),
        test_mode=True,
    )
    sample = data[2]
    assert sample["proposals"].tolist() == [[2, 2, 2, 2]] * 2
    assert sample["bbox_fields"] == ["proposals"]


def test_voc_counts_from_one_and_ignores_difficult_objects(voc_root):
    data = voc(voc_root, pipeline=[{"type": "LoadImageFromFile"}, {"type": "LoadAnnotations"}])
    sample = data[0]
    assert sample["gt_bboxes"].tolist() == [[10, 10, 40, 40]]
    assert sample["gt_bboxes_ignore"].tolist() == [[10, 10, 40, 40]]
    assert data.get_ann_info(0)["labels"].tolist() == [11] and data.year == 2007
    results = [[EMPTY] * 20]
    results[0][11] = np.array([[10, 10, 40, 40, 0.9]], np.float32)
    assert dict(data.evaluate(results, logger="silent")) == {"mAP": 1.0, "AP50": 1.0}


def test_broken_xml_is_named(voc_root):
    (voc_root / "Annotations/one.xml").write_text("<annotation>")
    with pytest.raises(ConfigError, match=r"one\.xml is no complete XML"):
        voc(voc_root, pipeline=[])


def test_lvis_takes_its_classes_from_the_file_and_names_the_package(change_coco):
    def urls(content):
        for image in content["images"]:
            url = f"http://images.cocodataset.org/val2017/{image['file_name']}"
            image["coco_url"] = url

    data = LVISV1Dataset(str(change_coco(urls)), [], test_mode=True)
    assert data.CLASSES == ("dog", "cat") and data.cat_ids == [3, 7]
    assert data.data_infos[0]["filename"] == "val2017/0.jpg"
    with pytest.raises(ConfigError, match="pip install lvis"):
        data.evaluate([[EMPTY, EMPTY]] * 4)


def test_concatenated_data_sets_are_evaluated_one_by_one_or_together(custom_file):
    section = {
        "type": "CustomDataset",
        "ann_file": [custom_file] * 2,
        "classes": ["a", "b"],
        "pipeline": [],
    }
    found = [[np.hstack([BOX, [[0.9]]]).astype(np.float32), EMPTY], [EMPTY, EMPTY]] * 4
    each = build_dataset(section)
    assert each.evaluate(found, logger="silent") == {
        "0_AP50": 0.5,
        "0_mAP": 0.5,
        "1_AP50": 0.5,
        "1_mAP": 0.5,
    }
    whole = build_dataset({**section, "separate_eval": False})
    assert dict(whole.evaluate(found, logger="silent")) == {"AP50": 0.5, "mAP": 0.5}
    assert len(whole.datasets[0]) == 4 and len(each.flag) == 8
    with pytest.raises(ValueError, match="different sizes"):
        each.evaluate(found[:3])


def test_coco_cannot_be_evaluated_together(coco_file):
    section = {"type": "CocoDataset", "ann_file": [str(coco_file)] * 2, "classes": ["cat", "dog"]}
    with pytest.raises(NotImplementedError, match="separate_eval=True"):
        build_dataset({**section, "pipeline": [], "separate_eval": False})


def test_rare_classes_are_repeated(coco_file):
    section = {
        "type": "CocoDataset",
        "ann_file": str(coco_file),
        "classes": ["cat", "dog"],
        "pipeline": [],
    }
    data = build_dataset(
        {"type": "ClassBalancedDataset", "oversample_thr": 2.5, "dataset": section}
    )
    assert isinstance(data, ClassBalancedDataset)
    # cat in 4 of 4 images: sqrt(2.5) -> 2; dog in 3 of 4: sqrt(2.5 / .75) -> 2
    dogs = math.ceil(math.sqrt(2.5 / 0.75))
    assert data.repeat_indices == [0] * 2 + [1] * dogs + [2] * dogs + [3] * dogs
    assert len(data.flag) == len(data) == 8


def test_shuffled_loaders_group_by_aspect_ratio(custom_file):
    data = CustomDataset(
        custom_file, [lambda results: {"i": results["img_info"]["width"]}], ["a", "b"]
    )
    loader = build_dataloader(data, 2, 0, dist=True, seed=0)
    assert isinstance(loader, DataLoader) and isinstance(loader.sampler, DistributedGroupSampler)
    assert sorted(batch["i"] for batch in loader) == [[50, 50], [100, 100]]


def test_parts_of_pipelines():
    steps = [{"type": "LoadImageFromFile"}, {"type": "LoadAnnotations"}, {"type": "RandomFlip"}]
    assert get_loading_pipeline(steps) == steps[:2]
    with pytest.raises(ValueError, match="must include loading"):
        get_loading_pipeline(steps[1:])
    test = [
        {"type": "MultiScaleFlipAug", "transforms": [{"type": "ImageToTensor", "keys": ["img"]}]}
    ]
    with pytest.warns(UserWarning, match="is replaced by"):
        assert replace_ImageToTensor(test)[0]["transforms"] == [{"type": "DefaultFormatBundle"}]


def test_a_head_of_another_number_of_classes_is_named():
    from types import SimpleNamespace

    from torch import nn

    head = nn.Identity()
    head.num_classes = 80
    runner = SimpleNamespace(
        data_loader=SimpleNamespace(dataset=SimpleNamespace(CLASSES=("a", "b"))),
        strategy=SimpleNamespace(module=nn.ModuleDict({"bbox_head": head})),
        logger=logging.getLogger("mmdet"),
    )
    with pytest.raises(ConfigError, match=r"bbox_head\.num_classes=80 of Identity .* 2 CLASSES"):
        NumClassCheckHook().before_train_epoch(runner)
