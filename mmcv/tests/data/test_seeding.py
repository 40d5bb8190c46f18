import copy
import pickle
import random

import numpy as np
import pytest
import torch

from mmcv.data import DataError, SampleIndex, SeededSamples, seeded


class Draws:
    """Each sample is what the three generators give."""

    CLASSES = ("a", "b")

    def __init__(self) -> None:
        self.scale = 1

    def __len__(self) -> int:
        return 10

    def __getitem__(self, index):
        return (index, random.random(), np.random.rand(), torch.rand(1).item())

    def double(self) -> None:
        self.scale *= 2


def test_sample_depends_on_its_entropy_alone():
    samples = SeededSamples(Draws())
    index = SampleIndex(3, (7, 0, 12))
    first = samples[index]
    random.random(), np.random.rand(5), torch.rand(2)
    assert samples[index] == first and first[0] == 3
    others = [samples[SampleIndex(3, entropy)] for entropy in [(7, 0, 13), (7, 1, 12), (8, 0, 12)]]
    assert len({first, *others}) == 4


def test_generators_go_on_as_if_nothing_was_drawn():
    torch.manual_seed(0), np.random.seed(0), random.seed(0)
    expected = random.random(), np.random.rand(), torch.rand(1).item()
    torch.manual_seed(0), np.random.seed(0), random.seed(0)
    SeededSamples(Draws())[SampleIndex(0, (1, 2, 3))]
    assert (random.random(), np.random.rand(), torch.rand(1).item()) == expected
    torch.manual_seed(0)
    with pytest.raises(ZeroDivisionError), seeded((1,)):
        raise ZeroDivisionError
    assert torch.rand(1).item() == expected[2]


def test_plain_indices_are_not_seeded():
    samples = SeededSamples(Draws())
    assert samples[1] != samples[1]


def test_wrapper_is_transparent():
    dataset = Draws()
    samples = SeededSamples(dataset)
    assert len(samples) == 10 and samples.CLASSES == ("a", "b")
    samples.double()
    samples.scale += 1
    assert dataset.scale == 3 and samples.dataset is dataset
    with pytest.raises(AttributeError):
        _ = samples.nothing
    for clone in (pickle.loads(pickle.dumps(samples)), copy.deepcopy(samples)):
        assert clone.scale == 3 and clone[SampleIndex(1, (5,))] == samples[SampleIndex(1, (5,))]


def test_sample_index_is_an_int_that_survives_pickling():
    index = SampleIndex(5, (1, 2, 3))
    assert index == 5 and [10, 11, 12, 13, 14, 15][index] == 15
    clone = pickle.loads(pickle.dumps(index))
    assert clone == 5 and clone.entropy == (1, 2, 3)


def test_negative_seeds_are_possible():
    with seeded((-1, 0)):
        first = np.random.rand()
    with seeded((-1, 0)):
        assert np.random.rand() == first


def test_data_errors_pass_in_the_main_process():
    class Broken(Draws):
        def __getitem__(self, index):
            raise DataError("no such file")

    with pytest.raises(DataError, match="no such file"):
        SeededSamples(Broken())[SampleIndex(0, (0,))]
