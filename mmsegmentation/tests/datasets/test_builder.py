"""Data sets and loaders from configs."""

import numpy as np
import pytest

from mmcv.registry import ConfigError
from mmseg.datasets import (
    ADE20KDataset,
    ConcatDataset,
    MultiImageMixDataset,
    RepeatDataset,
    build_dataloader,
    build_dataset,
)
from mmseg.datasets.builder import PIPELINES


@pytest.fixture
def section(tiny_ade):
    return {
        "type": "ADE20KDataset",
        "data_root": str(tiny_ade),
        "img_dir": "images/training",
        "ann_dir": "annotations/training",
        "pipeline": [],
    }


def test_a_section_is_built_with_default_arguments(section):
    dataset = build_dataset(section, {"test_mode": True})
    assert isinstance(dataset, ADE20KDataset) and dataset.test_mode


def test_a_list_of_sections_is_concatenated(section):
    dataset = build_dataset([section, section])
    assert isinstance(dataset, ConcatDataset) and len(dataset) == 8


def test_a_list_of_folders_is_concatenated(section):
    section["img_dir"] = ["images/training", "images/validation"]
    section["ann_dir"] = ["annotations/training", "annotations/validation"]
    dataset = build_dataset({**section, "separate_eval": False})
    assert isinstance(dataset, ConcatDataset) and not dataset.separate_eval
    assert [len(part) for part in dataset.datasets] == [4, 3]
    assert dataset.datasets[1].ann_dir.endswith("annotations/validation")


def test_a_list_of_splits_is_concatenated(section, tmp_path):
    for name, stem in (("a", "ADE_training_00000001"), ("b", "ADE_training_00000003")):
        (tmp_path / f"{name}.txt").write_text(f"{stem}\n")
    section = {
        **section,
        "type": "CustomDataset",
        "classes": ["x"],
        "split": [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")],
    }
    dataset = build_dataset(section)
    names = [part.img_infos[0]["filename"] for part in dataset.datasets]
    assert names == ["ADE_training_00000001.jpg", "ADE_training_00000003.jpg"]


def test_lists_of_different_length_are_refused(section):
    section["img_dir"] = ["images/training"] * 2
    section["ann_dir"] = ["annotations/training"] * 3
    with pytest.raises(AssertionError, match=r"img_dir.*2.*ann_dir.*3"):
        build_dataset(section)


def test_repeat_dataset_wraps_a_section(section):
    dataset = build_dataset({"type": "RepeatDataset", "times": 3, "dataset": section})
    assert isinstance(dataset, RepeatDataset) and len(dataset) == 12
    assert dataset.CLASSES[0] == "wall"


def test_steps_of_a_mixed_data_set_are_found_among_those_of_the_task(section):
    @PIPELINES.register_module("StepOfThisTest")
    def build():
        return lambda results: {**results, "seen": True}

    section["pipeline"] = [{"type": "LoadImageFromFile"}]
    dataset = build_dataset(
        {
            "type": "MultiImageMixDataset",
            "dataset": section,
            "pipeline": [{"type": "StepOfThisTest"}],
        }
    )
    assert isinstance(dataset, MultiImageMixDataset) and dataset[0]["seen"]


def test_a_misspelt_type_and_key_are_named(section):
    with pytest.raises(ConfigError, match="did you mean 'ADE20KDataset'"):
        build_dataset({**section, "type": "ADE20kDataset"})
    with pytest.raises(ConfigError, match="did you mean 'pipeline'"):
        build_dataset({**section, "pipelines": []})


def test_a_loader_has_the_signature_of_1x(section):
    section["pipeline"] = [lambda results: {"img": np.zeros(2)}]
    dataset = build_dataset(section)
    loader = build_dataloader(dataset, 3, 0, 1, False, shuffle=False, drop_last=True)
    assert loader.batch_size == 3 and len(loader) == 1
    assert len(build_dataloader(dataset, 3, 0, dist=True, seed=0)) == 2
