import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcv.data import DataContainer, DataError, collate

sizes = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=4)


def training_sample(h: int, w: int, name: str = "a.jpg", channels: int = 3) -> dict:
    return {
        "img_metas": {"filename": name},
        "img": torch.rand(channels, h, w) + 1,
        "gt_semantic_seg": torch.randint(0, 9, (1, h, w)),
        "gt_bboxes": torch.rand(h, 4),
    }


@settings(max_examples=50, deadline=None)
@given(sizes=sizes)
def test_images_and_labels_are_padded_to_the_largest(sizes):
    samples = [training_sample(h, w, f"{i}.jpg") for i, (h, w) in enumerate(sizes)]
    batch = collate(samples)
    height, width = max(h for h, _ in sizes), max(w for _, w in sizes)
    assert batch["img"].shape == (len(sizes), 3, height, width)
    assert batch["gt_semantic_seg"].shape == (len(sizes), 1, height, width)
    assert batch["gt_semantic_seg"].dtype == torch.int64
    for i, (h, w) in enumerate(sizes):
        assert torch.equal(batch["img"][i, :, :h, :w], samples[i]["img"])
        assert batch["img"][i, :, h:].sum() == batch["img"][i, :, :, w:].sum() == 0
        labels = batch["gt_semantic_seg"][i]
        assert torch.equal(labels[:, :h, :w], samples[i]["gt_semantic_seg"])
        assert (labels[:, h:] == 255).all() and (labels[:, :, w:] == 255).all()
    assert [meta["filename"] for meta in batch["img_metas"]] == [
        s["img_metas"]["filename"] for s in samples
    ]
    assert isinstance(batch["gt_bboxes"], list) and batch["gt_bboxes"][0] is samples[0]["gt_bboxes"]


def test_views_of_test_samples_are_batched_one_by_one():
    def views(name):
        return {
            "img_metas": [{"filename": name, "flip": flip} for flip in (False, True)],
            "img": [torch.zeros(3, 4, 4), torch.ones(3, 6, 5)],
        }

    batch = collate([views("a"), views("b"), views("c")])
    assert [img.shape for img in batch["img"]] == [(3, 3, 4, 4), (3, 3, 6, 5)]
    assert [[m["filename"] for m in metas] for metas in batch["img_metas"]] == [list("abc")] * 2
    assert [m["flip"] for m in batch["img_metas"][1]] == [True] * 3


def test_different_numbers_of_views_are_an_error():
    one = {"img": [torch.zeros(3, 2, 2)], "img_metas": [{"filename": "a"}]}
    two = {"img": [torch.zeros(3, 2, 2)] * 2, "img_metas": [{"filename": "b"}] * 2}
    with pytest.raises(DataError, match="1 of a, 2 of b"):
        collate([one, two])


def test_different_channels_are_an_error_that_names_the_files():
    samples = [training_sample(2, 2, "a.jpg"), training_sample(2, 2, "b.png", channels=1)]
    with pytest.raises(DataError, match=r"\(3, 2, 2\) of a\.jpg, \(1, 2, 2\) of b\.png"):
        collate(samples)


def test_missing_entry_is_an_error_that_names_the_file():
    complete, incomplete = training_sample(2, 2, "a.jpg"), training_sample(2, 2, "b.jpg")
    del incomplete["gt_semantic_seg"]
    with pytest.raises(DataError, match=r"gt_semantic_seg.*b\.jpg"):
        collate([complete, incomplete])


def test_data_containers_are_unwrapped():
    def plugin_sample(size):
        return {
            "img_metas": DataContainer({"filename": "a"}, cpu_only=True),
            "img": DataContainer(torch.ones(3, size, size), stack=True),
            "depth": DataContainer(torch.ones(size, 2), stack=True, padding_value=9, pad_dims=1),
            "gt_labels": DataContainer(torch.arange(size)),
        }

    with pytest.raises(DataError, match="depth"):
        collate([plugin_sample(2), plugin_sample(3)])
    samples = [plugin_sample(2), plugin_sample(3)]
    for sample in samples:
        sample["depth"] = DataContainer(
            sample["depth"].data.T, stack=True, padding_value=9, pad_dims=1
        )
    batch = collate(samples)
    assert batch["img"].shape == (2, 3, 3, 3) and batch["img"][0, :, 2].sum() == 0
    assert batch["depth"].shape == (2, 2, 3) and batch["depth"][0, :, 2].tolist() == [9, 9]
    assert [labels.tolist() for labels in batch["gt_labels"]] == [[0, 1], [0, 1, 2]]
    assert batch["img_metas"] == [{"filename": "a"}] * 2
    names = collate([{"img": [torch.zeros(1)], "img_metas": [DataContainer({"filename": "q"})]}])
    assert names["img_metas"] == [[{"filename": "q"}]]


def test_other_samples_are_batched_by_torch():
    assert collate([1, 2]).tolist() == [1, 2]
    assert collate([{"x": 1}, {"x": 2}]) == {"x": [1, 2]}
    arrays = collate([{"img": np.zeros((2, 2, 3))}] * 2)
    assert isinstance(arrays["img"], list)
