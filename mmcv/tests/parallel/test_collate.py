import pytest
import torch

from mmcv.parallel import DataContainer, collate


def test_containers_are_grouped_by_device_as_in_1x():
    samples = [
        {
            "img": DataContainer(torch.full((3, 2 + i, 4), float(i)), stack=True),
            "img_metas": DataContainer({"n": i}, cpu_only=True),
            "gt_labels": DataContainer(torch.arange(i)),
        }
        for i in range(4)
    ]
    batch = collate(samples, samples_per_gpu=2)
    assert isinstance(batch["img"], DataContainer) and batch["img"].stack
    assert [group.shape for group in batch["img"].data] == [(2, 3, 3, 4), (2, 3, 5, 4)]
    assert batch["img"].data[0][0, :, 2].sum() == 0
    assert batch["img_metas"].cpu_only
    assert batch["img_metas"].data == [[{"n": 0}, {"n": 1}], [{"n": 2}, {"n": 3}]]
    assert [[len(t) for t in group] for group in batch["gt_labels"].data] == [[0, 1], [2, 3]]


def test_lists_of_views_are_batched_view_by_view():
    def sample(i):
        metas = [DataContainer({"n": i, "view": v}, cpu_only=True) for v in range(2)]
        return {"img": [torch.zeros(3, 4, 4), torch.ones(3, 4, 4)], "img_metas": metas}

    batch = collate([sample(0), sample(1)], samples_per_gpu=2)
    assert [tuple(img.shape) for img in batch["img"]] == [(2, 3, 4, 4)] * 2
    assert batch["img_metas"][1].data == [[{"n": 0, "view": 1}, {"n": 1, "view": 1}]]


def test_samples_of_our_pipelines_are_batched_by_mmcv_data():
    samples = [{"img": torch.zeros(3, 2, 2), "img_metas": {"filename": str(i)}} for i in range(2)]
    batch = collate(samples, samples_per_gpu=2)
    assert batch["img"].shape == (2, 3, 2, 2)
    assert batch["img_metas"] == [{"filename": "0"}, {"filename": "1"}]


def test_no_padding_without_pad_dims():
    items = [DataContainer(torch.zeros(2), stack=True, pad_dims=None) for _ in range(2)]
    assert collate(items, 2).data[0].shape == (2, 2)
    items = [DataContainer(torch.zeros(n), stack=True, pad_dims=None) for n in (1, 2)]
    with pytest.raises(ValueError, match="shapes differ"):
        collate(items, 2)


def test_other_values_are_batched_by_torch():
    assert collate([1, 2]).tolist() == [1, 2]
    assert collate(["a", "b"]) == ["a", "b"]
    with pytest.raises(TypeError):
        collate(torch.zeros(2))  # type: ignore[arg-type]
