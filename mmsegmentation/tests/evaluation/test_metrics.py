"""Metrics against counting loops."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mmseg.evaluation import (
    eval_metrics,
    f_score,
    intersect_and_union,
    mean_dice,
    mean_fscore,
    mean_iou,
    pre_eval_to_metrics,
)

IGNORE = 255


def count_by_loop(pred, label, num_classes, ignore_index, label_map=None, reduce_zero_label=False):
    """The definition: one pixel after the other."""
    counts = np.zeros((4, num_classes))
    for p, raw in zip(np.ravel(pred).tolist(), np.ravel(label).tolist(), strict=True):
        t = (label_map or {}).get(raw, raw)
        if t == -1 and np.asarray(label).dtype == np.uint8:
            t = 255
        if reduce_zero_label:
            t = 255 if t in (0, 255) else t - 1
        if t == ignore_index:
            continue
        hit = p == t and 0 <= p < num_classes
        p_known, t_known = 0 <= p < num_classes, 0 <= t < num_classes
        if hit:
            counts[0, p] += 1
        if p_known:
            counts[2, p] += 1
        if t_known:
            counts[3, t] += 1
    counts[1] = counts[2] + counts[3] - counts[0]
    return counts


maps = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**32 - 1),
        "num_classes": st.integers(1, 7),
        "ignore_index": st.sampled_from([255, 0, 3]),
        "dtype": st.sampled_from([np.uint8, np.int64, np.int32]),
        "reduce_zero_label": st.booleans(),
        "label_map": st.sampled_from([None, {}, {0: 1, 1: 0}, {2: -1, 0: 4}]),
    }
)


@settings(deadline=None, max_examples=150)
@given(maps)
def test_counts_equal_a_loop_over_pixels(case):
    rng = np.random.default_rng(case["seed"])
    values = np.array([*range(9), 254, 255])
    pred = rng.integers(0, 9, (5, 6))
    label = rng.choice(values, (5, 6)).astype(case["dtype"])
    before = label.copy()
    options = (case["label_map"], case["reduce_zero_label"])
    areas = intersect_and_union(pred, label, case["num_classes"], case["ignore_index"], *options)
    expected = count_by_loop(pred, label, case["num_classes"], case["ignore_index"], *options)
    np.testing.assert_array_equal(np.stack([a.numpy() for a in areas]), expected)
    np.testing.assert_array_equal(label, before)
    assert all(a.dtype == torch.float32 and a.shape == (case["num_classes"],) for a in areas)


@pytest.fixture
def maps_and_counts():
    rng = np.random.default_rng(0)
    preds = rng.integers(0, 4, (3, 8, 9))
    labels = rng.integers(0, 4, (3, 8, 9))
    labels[:, 2, 5:8] = IGNORE
    counts = sum(count_by_loop(p, t, 5, IGNORE) for p, t in zip(preds, labels, strict=True))
    return preds, labels, counts


def test_iou_dice_and_f_score_follow_from_the_counts(maps_and_counts):
    preds, labels, (hit, union, pred, true) = maps_and_counts
    with np.errstate(invalid="ignore"):
        iou, dice, acc, precision = hit / union, 2 * hit / (pred + true), hit / true, hit / pred
        f2 = 5 * precision * acc / (4 * precision + acc)
    result = mean_iou(preds, labels, 5, IGNORE)
    assert list(result) == ["aAcc", "IoU", "Acc"]
    np.testing.assert_allclose(result["aAcc"], hit.sum() / true.sum())
    np.testing.assert_allclose(result["IoU"], iou)
    np.testing.assert_allclose(result["Acc"], acc)
    result = mean_dice(preds, labels, 5, IGNORE)
    assert list(result) == ["aAcc", "Dice", "Acc"]
    np.testing.assert_allclose(result["Dice"], dice)
    result = mean_fscore(preds, labels, 5, IGNORE, beta=2)
    assert list(result) == ["aAcc", "Fscore", "Precision", "Recall"]
    np.testing.assert_allclose(result["Fscore"], f2)
    np.testing.assert_allclose(result["Precision"], precision)
    np.testing.assert_allclose(result["Recall"], acc)


def test_keys_come_in_the_order_of_the_metrics(maps_and_counts):
    preds, labels, _ = maps_and_counts
    result = eval_metrics(preds, labels, 5, IGNORE, metrics=["mFscore", "mIoU", "mDice"])
    assert list(result) == ["aAcc", "Fscore", "Precision", "Recall", "IoU", "Acc", "Dice"]


def test_a_class_that_does_not_occur_is_nan_or_the_given_number(maps_and_counts):
    preds, labels, _ = maps_and_counts
    assert np.isnan(mean_iou(preds, labels, 5, IGNORE)["IoU"][4])
    assert mean_iou(preds, labels, 5, IGNORE, nan_to_num=-1)["IoU"][4] == -1


def test_records_per_image_give_the_same_metrics(maps_and_counts):
    preds, labels, _ = maps_and_counts
    records = [intersect_and_union(p, t, 5, IGNORE) for p, t in zip(preds, labels, strict=True)]
    metrics = ["mIoU", "mFscore"]
    whole = eval_metrics(preds, labels, 5, IGNORE, metrics)
    summed = pre_eval_to_metrics(records, metrics)
    assert list(whole) == list(summed)
    for name in whole:
        np.testing.assert_array_equal(whole[name], summed[name])


def test_sums_over_many_images_stay_exact():
    big = torch.tensor([2.0**24 - 1])  # adding 3 in float32 would be rounded
    record = (big, big + 0, big, big)
    small = tuple(torch.tensor([3.0]) for _ in range(4))
    result = pre_eval_to_metrics([record, small, (torch.zeros(1), *small[1:])])
    assert result["IoU"][0] == (2**24 + 2) / (2**24 + 5)


def test_file_names_are_read(tmp_path):
    pytest.importorskip("mmcv.image")
    rng = np.random.default_rng(1)
    pred, label = rng.integers(0, 6, (7, 5)), rng.integers(0, 6, (7, 5)).astype(np.uint8)
    np.save(tmp_path / "pred.npy", pred)
    Image.fromarray(label).save(tmp_path / "label.png")
    from_files = mean_iou([str(tmp_path / "pred.npy")], [str(tmp_path / "label.png")], 6, IGNORE)
    np.testing.assert_array_equal(from_files["IoU"], mean_iou([pred], [label], 6, IGNORE)["IoU"])


def test_f_score_weighs_recall_by_beta():
    assert f_score(0.5, 0.5) == 0.5
    assert f_score(0.2, 0.8, beta=3) == pytest.approx(10 * 0.16 / (9 * 0.2 + 0.8))


def test_an_unknown_metric_is_named():
    with pytest.raises(KeyError, match="mIou"):
        eval_metrics([], [], 3, IGNORE, metrics="mIou")


def test_maps_of_different_size_are_an_error():
    with pytest.raises(ValueError, match=r"\(2, 2\).*\(3, 2\)"):
        intersect_and_union(np.zeros((2, 2), int), np.zeros((3, 2), np.uint8), 3, IGNORE)
