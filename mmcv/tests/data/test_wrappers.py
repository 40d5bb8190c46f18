import numpy as np
import pytest

from mmcv.data import ConcatDataset, DataError, MultiImageMixDataset, RepeatDataset
from mmcv.registry import DATASETS, PIPELINES, Registry

STEPS = Registry("pipeline step", parent=PIPELINES, scope="wrappers_test")


class Numbers:
    CLASSES = ("a", "b")
    PALETTE = ((0, 0, 0), (1, 1, 1))

    def __init__(self, start: int, length: int) -> None:
        self.items = [{"img": np.array([start + i])} for i in range(length)]
        self.flag = np.arange(length) % 2

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]

    def get_cat_ids(self, index):
        return [int(self.items[index]["img"][0])]

    def get_ann_info(self, index):
        return {"number": self.items[index]["img"][0]}


@STEPS.register_module()
class SumOfTwo:
    def get_indexes(self, dataset):
        return np.random.randint(0, len(dataset))

    def __call__(self, results):
        results["img"] += results["mix_results"][0]["img"]
        return results


@STEPS.register_module()
class Reject:
    def __call__(self, results):
        return None


def test_concat_puts_datasets_in_a_row():
    joined = ConcatDataset([Numbers(0, 3), Numbers(10, 2)])
    assert [int(s["img"][0]) for s in joined] == [0, 1, 2, 10, 11]
    assert len(joined) == 5 and joined.CLASSES == ("a", "b") and joined.PALETTE
    assert joined.flag.tolist() == [0, 1, 0, 0, 1]
    found = [joined.get_dataset_idx_and_sample_idx(i) for i in (0, 2, 3, 4, -1, -5)]
    assert found == [(0, 0), (0, 2), (1, 0), (1, 1), (1, 1), (0, 0)]
    assert joined.get_cat_ids(3) == [10] and joined.get_ann_info(4) == {"number": 11}
    with pytest.raises(ValueError, match="absolute value"):
        joined.get_dataset_idx_and_sample_idx(-6)
    with pytest.raises(AssertionError):
        ConcatDataset([Numbers(0, 1)], separate_eval="yes")  # type: ignore[arg-type]


def test_repeat_goes_round():
    repeated = RepeatDataset(Numbers(5, 3), times=4)
    assert len(repeated) == 12 and repeated.CLASSES == ("a", "b")
    assert [int(repeated[i]["img"][0]) for i in range(7)] == [5, 6, 7, 5, 6, 7, 5]
    assert repeated.flag.tolist() == [0, 1, 0] * 4
    assert repeated.get_cat_ids(4) == [6] and repeated.get_ann_info(11) == {"number": 7}


def test_mix_combines_copies():
    dataset = Numbers(1, 4)
    mixed = MultiImageMixDataset(dataset, [{"type": "SumOfTwo"}], registry=STEPS)
    np.random.seed(0)
    partners = [np.random.randint(0, 4) for _ in range(4)]
    np.random.seed(0)
    got = [mixed[i] for i in range(4)]
    assert [int(s["img"][0]) for s in got] == [1 + i + 1 + partners[i] for i in range(4)]
    assert all("mix_results" not in s for s in got)
    assert [int(s["img"][0]) for s in dataset.items] == [1, 2, 3, 4]
    assert mixed.flag is dataset.flag and len(mixed) == 4


def test_steps_can_be_skipped():
    mixed = MultiImageMixDataset(
        Numbers(1, 4), [{"type": "SumOfTwo"}], skip_type_keys=("SumOfTwo",), registry=STEPS
    )
    assert mixed[2]["img"] == 3
    mixed.update_skip_type_keys(None)
    assert mixed[2]["img"] > 3
    with pytest.raises(AssertionError, match="skip_type_keys"):
        mixed.update_skip_type_keys([1])  # type: ignore[list-item]


def test_rejected_samples_are_drawn_anew_until_it_is_too_much():
    class Sparse(Numbers):
        def __getitem__(self, index):
            return self.items[index] if index == 0 else None

    mixed = MultiImageMixDataset(
        Sparse(1, 3), [{"type": "SumOfTwo"}], max_refetch=200, registry=STEPS
    )
    assert mixed[0]["img"] == 2
    rejecting = MultiImageMixDataset(Numbers(1, 3), [{"type": "Reject"}], registry=STEPS)
    with pytest.raises(DataError, match="Reject found no usable samples in 15 draws"):
        rejecting[0]


def test_checks_are_handed_on():
    class Checked(Numbers):
        def check(self, with_labels=True):
            raise LookupError(with_labels)

    for wrap in (lambda d: RepeatDataset(d, 2), lambda d: MultiImageMixDataset(d, [])):
        wrap(Numbers(0, 2)).check()
        with pytest.raises(LookupError, match="False"):
            wrap(Checked(0, 2)).check(with_labels=False)


def test_wrong_pipelines():
    with pytest.raises(AssertionError):
        MultiImageMixDataset(Numbers(0, 1), 5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="pipeline must be a dict"):
        MultiImageMixDataset(Numbers(0, 1), [len])  # type: ignore[list-item]


def test_wrappers_are_registered():
    built = DATASETS.build({"type": "RepeatDataset", "dataset": Numbers(0, 2), "times": 2})
    assert len(built) == 4 and "ConcatDataset" in DATASETS and "MultiImageMixDataset" in DATASETS
