"""Data sets made of others: which sample is where, and how results are evaluated."""

import numpy as np
import pytest

from mmseg.datasets import ConcatDataset, CustomDataset
from mmseg.evaluation import mean_iou

CLASSES = ["a", "b", "c"]


class InMemory(CustomDataset):
    """A data set whose labels are given."""

    def __init__(self, labels, name):
        self.labels = labels
        super().__init__(pipeline=[], img_dir=name, ann_dir=name, classes=CLASSES)

    def load_annotations(self, *_):
        return [
            {"filename": f"{i}.jpg", "ann": {"seg_map": f"{i}.png"}}
            for i in range(len(self.labels))
        ]

    def get_gt_seg_map_by_idx(self, index):
        return self.labels[index]


@pytest.fixture
def parts():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, (5, 6, 7)).astype(np.uint8)
    return [InMemory(labels[:2], "first"), InMemory(labels[2:], "second")]


PREDICTIONS = list(np.random.default_rng(1).integers(0, 3, (5, 6, 7)))


def test_an_index_is_found_in_its_part(parts):
    concat = ConcatDataset(parts)
    found = [concat.get_dataset_idx_and_sample_idx(i) for i in (0, 1, 2, 4, -1, -5)]
    assert found == [(0, 0), (0, 1), (1, 0), (1, 2), (1, 2), (0, 0)]
    with pytest.raises(ValueError):
        concat.get_dataset_idx_and_sample_idx(-6)


@pytest.mark.parametrize("as_records", [True, False])
def test_separate_evaluation_gives_the_results_of_each_part(parts, as_records):
    concat = ConcatDataset(parts)
    results = concat.pre_eval(PREDICTIONS, list(range(5))) if as_records else PREDICTIONS
    values = concat.evaluate(results, logger="silent", metric="mIoU")
    for i, (part, chunk) in enumerate(zip(parts, (results[:2], results[2:]), strict=True)):
        own = part.evaluate(chunk, logger="silent")
        assert {f"{i}_{key}": value for key, value in own.items()}.items() <= values.items()


@pytest.mark.parametrize("as_records", [True, False])
def test_joint_evaluation_counts_all_images(parts, as_records):
    concat = ConcatDataset(parts, separate_eval=False)
    results = concat.pre_eval(PREDICTIONS, list(range(5))) if as_records else PREDICTIONS
    values = concat.evaluate(results, logger="silent")
    labels = [*parts[0].labels, *parts[1].labels]
    expected = mean_iou(PREDICTIONS, labels, 3, 255)["IoU"].mean()
    assert values["mIoU"] == pytest.approx(expected, abs=5.1e-5)


def test_joint_evaluation_needs_parts_of_one_type(parts):
    class Other(InMemory):
        pass

    concat = ConcatDataset([parts[0], Other(parts[1].labels, "x")], separate_eval=False)
    with pytest.raises(NotImplementedError, match="one type"):
        concat.evaluate(PREDICTIONS)


def test_a_wrong_number_of_results_is_refused(parts):
    with pytest.raises(AssertionError, match="5 images, but there are 4 results"):
        ConcatDataset(parts).evaluate(PREDICTIONS[:4])


def test_results_are_written_to_one_folder_per_part(parts, tmp_path):
    paths = ConcatDataset(parts).format_results(PREDICTIONS[1:3], str(tmp_path), indices=[1, 2])
    assert paths == [str(tmp_path / "0" / "1.png"), str(tmp_path / "1" / "0.png")]


def test_classes_and_metrics_are_those_of_the_first_part(parts):
    concat = ConcatDataset(parts)
    assert concat.CLASSES == CLASSES and len(concat.PALETTE) == 3 and "mIoU" in concat.METRICS


def test_every_part_is_checked(parts):
    with pytest.raises(ValueError, match="'first'"):
        ConcatDataset(parts).check()
