import numpy as np
import pytest
import torch

from mmcv.data import DataContainer


def test_container_tells_how_to_batch():
    container = DataContainer(torch.zeros(2, 3), stack=True, padding_value=7, pad_dims=1)
    assert (container.stack, container.padding_value, container.pad_dims) == (True, 7, 1)
    assert container.cpu_only is False and len(container) == 2
    assert container.size() == (2, 3) and container.size(1) == 3 and container.dim() == 2
    assert container.datatype == "torch.FloatTensor"
    assert repr(DataContainer([1])) == "DataContainer([1])"


def test_other_values_have_no_size():
    container = DataContainer({"a": 1}, cpu_only=True)
    assert container.datatype is dict and container.cpu_only
    with pytest.raises(AttributeError):
        container.size()
    with pytest.raises(AttributeError):
        container.dim()
    assert DataContainer(np.zeros((2, 2))).dim() == 2
    with pytest.raises(AssertionError):
        DataContainer(1, pad_dims=4)
