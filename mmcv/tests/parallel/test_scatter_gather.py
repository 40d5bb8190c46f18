from typing import NamedTuple

import pytest
import torch

from mmcv.parallel import DataContainer, collate, scatter, scatter_kwargs
from mmcv.parallel import _functions as functions


class Point(NamedTuple):
    x: torch.Tensor
    y: int


def test_batch_of_containers_is_unwrapped():
    samples = [
        {
            "img": DataContainer(torch.ones(3, 2, 2), stack=True),
            "img_metas": DataContainer({"n": i}, cpu_only=True),
            "boxes": DataContainer(torch.zeros(i, 4)),
        }
        for i in range(2)
    ]
    (data,) = scatter(collate(samples, samples_per_gpu=2), [-1])
    assert data["img"].shape == (2, 3, 2, 2)
    assert data["img_metas"] == [{"n": 0}, {"n": 1}]
    assert [tuple(b.shape) for b in data["boxes"]] == [(0, 4), (1, 4)]


def test_containers_that_were_not_batched_are_unwrapped_too():
    (data,) = scatter([DataContainer(torch.ones(2)), DataContainer("text", cpu_only=True)], ["cpu"])
    assert torch.equal(data[0], torch.ones(2)) and data[1] == "text"


def test_structures_are_kept():
    given = {"a": (torch.ones(1), 2), "b": [Point(torch.zeros(1), 5)], "c": None}
    (data,) = scatter(given, [torch.device("cpu")])
    assert data["a"][1] == 2 and data["b"][0].y == 5 and data["c"] is None
    assert isinstance(data["b"][0], Point)


def test_keyword_arguments():
    args, kwargs = scatter_kwargs((torch.ones(1),), {"n": 1}, [-1])
    assert len(args) == len(kwargs) == 1
    assert torch.equal(args[0][0], torch.ones(1)) and kwargs[0] == {"n": 1}
    assert scatter_kwargs((), None, [-1]) == (((),), ({},))


def test_more_than_one_device_is_an_error_with_the_cure():
    with pytest.raises(ValueError, match=r"dist_train\.sh"):
        scatter(torch.ones(1), [0, 1])


def test_functions_of_1x():
    tensor = torch.zeros(1, 3)
    assert functions.get_input_device(tensor) == -1
    assert functions.get_input_device([tensor, tensor]) == -1
    assert torch.equal(functions.scatter(tensor, [-1]), tensor)
    assert len(functions.scatter([tensor, tensor], [-1])) == 2
    assert torch.equal(functions.Scatter.forward([-1], tensor)[0], tensor)
    assert len(functions.Scatter.forward([-1], [tensor] * 3)) == 3
    for function in (functions.get_input_device, lambda value: functions.scatter(value, [-1])):
        with pytest.raises(TypeError):
            function(5)
