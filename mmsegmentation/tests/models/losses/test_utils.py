import json

import numpy as np
import pytest
import torch

from mmcv.registry import ConfigError
from mmseg.models.losses.utils import (
    class_weight_like,
    get_class_weight,
    reduce_loss,
    weight_reduce_loss,
    weighted_loss,
)


def test_reduce_loss():
    loss = torch.tensor([1.0, 2.0, 6.0])
    assert reduce_loss(loss, "none") is loss
    assert reduce_loss(loss, "mean") == 3.0
    assert reduce_loss(loss, "sum") == 9.0
    with pytest.raises(ValueError, match="median"):
        reduce_loss(loss, "median")


def test_weight_is_broadcast_over_classes():
    loss, weight = torch.rand(2, 3, 4), torch.rand(2, 1, 4)
    expected = sum(
        loss[b, c, i] * weight[b, 0, i] for b in range(2) for c in range(3) for i in range(4)
    )
    assert torch.isclose(weight_reduce_loss(loss, weight, "sum"), expected)
    with pytest.raises(AssertionError):
        weight_reduce_loss(loss, weight[:, 0])
    with pytest.raises(AssertionError):
        weight_reduce_loss(loss, torch.rand(2, 2, 4))


def test_avg_factor_divides_the_sum():
    loss = torch.tensor([1.0, 2.0, 3.0])
    assert torch.isclose(weight_reduce_loss(loss, avg_factor=2), torch.tensor(3.0))
    assert weight_reduce_loss(loss, reduction="none", avg_factor=2) is loss
    assert weight_reduce_loss(loss * 0, avg_factor=0) == 0
    with pytest.raises(ValueError, match="avg_factor"):
        weight_reduce_loss(loss, reduction="sum", avg_factor=2)


def test_weighted_loss_adds_weight_and_reduction():
    @weighted_loss
    def distance(pred, target, power=1):
        return (pred - target).abs() ** power

    pred, target = torch.tensor([1.0, 3.0, 5.0]), torch.tensor([1.0, 1.0, 1.0])
    assert distance.__name__ == "distance"
    assert distance(pred, target) == 2.0
    assert distance(pred, target, torch.tensor([1.0, 0.0, 1.0]), reduction="sum") == 4.0
    assert distance(pred, target, avg_factor=2, power=2) == 10.0


@pytest.mark.parametrize("suffix", ["npy", "json"])
def test_class_weights_are_read_from_a_file(suffix, tmp_path):
    file = tmp_path / f"weights.{suffix}"
    if suffix == "npy":
        np.save(file, np.array([0.5, 2.0]))
    else:
        file.write_text(json.dumps([0.5, 2.0]))
    assert list(get_class_weight(str(file))) == [0.5, 2.0]


def test_wrong_number_of_class_weights_is_reported():
    assert class_weight_like(None, torch.rand(1, 3, 2, 2)) is None
    with pytest.raises(ConfigError, match="class_weight has 2 numbers, but there are 3 classes"):
        class_weight_like([1.0, 2.0], torch.rand(1, 3, 2, 2))
