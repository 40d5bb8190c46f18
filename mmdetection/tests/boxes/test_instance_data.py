import numpy as np
import pytest
import torch

from mmdet.boxes import GeneralData, InstanceData

META = {"img_size": [256, 256], "path": "a.jpg", "scale": np.array([1.5, 2.0])}


def make() -> InstanceData:
    return InstanceData(
        META,
        {
            "boxes": torch.arange(12.0).view(3, 4),
            "labels": torch.tensor([4, 5, 6]),
            "names": ["a", "b", "c"],
            "scores": np.array([0.1, 0.2, 0.3]),
        },
    )


def test_fields_are_attributes_and_items():
    data = GeneralData(META)
    data.mask = 3
    data["other"] = [1]
    assert "mask" in data and "path" in data and "x" not in data
    assert data.keys() == ["mask", "other"] and data.values() == [3, [1]]
    assert dict(data.items()) == {"mask": 3, "other": [1]}
    assert data.get("mask") == 3 and data.get("x") is None and data.get("x", 7) == 7
    assert data.pop("mask") == 3 and data.pop("mask", 1) == 1
    with pytest.raises(KeyError):
        data.pop("mask")
    del data.other
    assert data.keys() == [] and set(data.meta_info_keys()) == set(META)


def test_meta_information_stays():
    data = GeneralData(META)
    data.set_meta_info({"path": "a.jpg", "new": 1, "scale": np.array([1.5, 2.0])})
    for key, value in (("path", "b.jpg"), ("scale", np.array([1.5, 3.0]))):
        with pytest.raises(KeyError, match=key):
            data.set_meta_info({key: value})
    with pytest.raises(AttributeError, match="path"):
        data.path = "b.jpg"
    with pytest.raises(KeyError, match="path"):
        del data.path
    with pytest.raises(KeyError, match="path"):
        data.pop("path")
    for name in ("_data_fields", "_meta_info_fields"):
        with pytest.raises(AttributeError):
            setattr(data, name, {})
        with pytest.raises(AttributeError):
            delattr(data, name)
    data.field = 1
    with pytest.raises(KeyError, match="field"):
        data.set_meta_info({"field": 1})


def test_new_keeps_meta_information_only():
    made = make().new({"more": 1}, {"boxes": torch.zeros(1, 4)})
    assert made.keys() == ["boxes"] and set(made.meta_info_keys()) == {*META, "more"}


def test_conversions_leave_other_fields():
    data = make()
    data.boxes.requires_grad_()
    assert isinstance(data.numpy().boxes, np.ndarray) and data.numpy().names == ["a", "b", "c"]
    assert not data.detach().boxes.requires_grad
    assert data.to(torch.float64).boxes.dtype == torch.float64
    assert data.cpu().labels.tolist() == [4, 5, 6]
    assert "shape of boxes: torch.Size([3, 4])" in repr(data)


@pytest.mark.parametrize(
    ("item", "rows"),
    [
        (1, [1]),
        (-1, [2]),
        (slice(0, 2), [0, 1]),
        (torch.tensor([2, 0]), [2, 0]),
        (torch.tensor([True, False, True]), [0, 2]),
        (torch.zeros(3, dtype=torch.bool), []),
    ],
)
def test_instances_are_chosen_in_every_field(item, rows):
    chosen = make()[item]
    assert len(chosen) == len(rows)
    assert chosen.labels.tolist() == [[4, 5, 6][row] for row in rows]
    assert chosen.names == [["a", "b", "c"][row] for row in rows]
    assert chosen.scores.tolist() == [[0.1, 0.2, 0.3][row] for row in rows]
    assert chosen.path == "a.jpg"


def test_no_instances_can_be_indexed():
    none = make()[:0]
    assert len(none[torch.zeros(0, dtype=torch.bool)]) == len(none[:5]) == 0
    with pytest.raises(IndexError):
        none[0]


def test_lengths_and_types_are_checked():
    data = make()
    with pytest.raises(AssertionError, match="length of more"):
        data.more = [1]
    with pytest.raises(AssertionError, match="support"):
        data.more = "abc"
    with pytest.raises(IndexError):
        data[3]
    with pytest.raises(AssertionError):
        data[torch.zeros(2, dtype=torch.bool)]
    with pytest.raises(AssertionError):
        len(InstanceData())


def test_cat_joins_every_field():
    joined = InstanceData.cat([make(), make()[:1]])
    assert len(joined) == 4 and joined.names == ["a", "b", "c", "a"]
    assert joined.scores.shape == (4,) and joined.boxes.shape == (4, 4)
    with pytest.raises(AssertionError):
        InstanceData.cat([])
