import pytest
import torch

from mmseg.models.losses import Accuracy, accuracy


def by_counting(pred, target, k, ignore_index):
    hits = total = 0
    num_classes = pred.shape[1]
    pixels = pred.movedim(1, -1).reshape(-1, num_classes)
    for scores, label in zip(pixels, target.reshape(-1), strict=True):
        if label == ignore_index:
            continue
        total += 1
        hits += int(label) in scores.argsort(descending=True)[:k].tolist()
    return 100.0 * hits / total


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("ignore_index", [None, 255])
def test_accuracy_equals_counting(k, ignore_index):
    torch.manual_seed(0)
    pred, target = torch.randn(2, 5, 6, 7), torch.randint(0, 5, (2, 6, 7))
    if ignore_index is not None:
        target[0, :3] = ignore_index
    result = accuracy(pred, target, topk=k, ignore_index=ignore_index)
    assert result.shape == (1,)
    assert result.item() == pytest.approx(by_counting(pred, target, k, ignore_index), abs=1e-4)


def test_several_k_give_a_list():
    pred, target = torch.randn(10, 5), torch.randint(0, 5, (10,))
    results = Accuracy(topk=(1, 5))(pred, target)
    assert [r.shape for r in results] == [(1,), (1,)]
    assert results[1].item() == pytest.approx(100.0)


def test_scores_up_to_the_threshold_are_wrong():
    pred = torch.tensor([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    target = torch.tensor([0, 1, 1])
    assert accuracy(pred, target, thresh=0.7).item() == pytest.approx(200 / 3, abs=1e-3)


def test_nothing_to_count_is_finite():
    pred, target = torch.randn(1, 3, 2, 2), torch.full((1, 2, 2), 255)
    assert torch.isfinite(accuracy(pred, target, ignore_index=255)).all()
    assert accuracy(torch.empty(0, 3), torch.empty(0)) == 0


def test_wrong_shapes_are_refused():
    pred = torch.randn(4, 3)
    for target, k in ((torch.zeros(4, 2), 1), (torch.zeros(3), 1), (torch.zeros(4), 4)):
        with pytest.raises(AssertionError):
            accuracy(pred, target, topk=k)
    with pytest.raises(AssertionError):
        accuracy(pred, torch.zeros(4), topk="wrong")
