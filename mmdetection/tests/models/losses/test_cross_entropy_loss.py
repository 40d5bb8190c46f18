import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mmdet.models.builder import build_loss
from mmdet.models.losses import Accuracy, CrossEntropyLoss, accuracy

LOGITS = torch.randn(12, 5, generator=torch.manual_seed(0))
LABELS = torch.randint(0, 5, (12,), generator=torch.manual_seed(1))
WEIGHT = torch.rand(12, generator=torch.manual_seed(2))


def test_softmax_form_equals_torch():
    single = F.cross_entropy(LOGITS, LABELS, reduction="none")
    loss = CrossEntropyLoss(loss_weight=2.0)
    assert torch.allclose(loss(LOGITS, LABELS), 2 * single.mean())
    assert torch.allclose(loss(LOGITS, LABELS, WEIGHT, 7), 2 * (single * WEIGHT).sum() / 7)
    assert torch.allclose(loss(LOGITS, LABELS, reduction_override="none"), 2 * single)
    assert loss(LOGITS[:0], LABELS[:0]) == 0
    assert loss(LOGITS.bfloat16(), LABELS).dtype == torch.float32


@pytest.mark.parametrize("use_sigmoid", [False, True])
def test_classes_have_weights(use_sigmoid):
    class_weight = [0.1, 1.0, 2.0, 0.5, 3.0]
    loss = CrossEntropyLoss(use_sigmoid=use_sigmoid, class_weight=class_weight)
    weight = torch.tensor(class_weight)
    if use_sigmoid:
        one_hot = F.one_hot(LABELS, 5).float()
        expected = F.binary_cross_entropy_with_logits(LOGITS, one_hot, pos_weight=weight)
    else:
        expected = (F.cross_entropy(LOGITS, LABELS, reduction="none") * weight[LABELS]).mean()
    assert torch.allclose(loss(LOGITS, LABELS), expected)


def test_class_weights_come_from_files_too(tmp_path):
    np.save(tmp_path / "weight.npy", np.arange(5.0))
    loss = CrossEntropyLoss(class_weight=str(tmp_path / "weight.npy"))
    expected = CrossEntropyLoss(class_weight=[0.0, 1, 2, 3, 4])(LOGITS, LABELS)
    assert torch.allclose(loss(LOGITS, LABELS), expected)


@pytest.mark.parametrize("use_sigmoid", [False, True])
def test_ignored_classes_have_no_loss_and_may_not_count(use_sigmoid):
    counted = LABELS != 2
    kept = CrossEntropyLoss(use_sigmoid=use_sigmoid)(LOGITS[counted], LABELS[counted])
    loss = CrossEntropyLoss(use_sigmoid=use_sigmoid, ignore_index=2)
    assert torch.allclose(loss(LOGITS, LABELS), kept * counted.sum() / 12)
    fair = CrossEntropyLoss(use_sigmoid=use_sigmoid, ignore_index=2, avg_non_ignore=True)
    assert torch.allclose(fair(LOGITS, LABELS), kept)
    later = CrossEntropyLoss(use_sigmoid=use_sigmoid, avg_non_ignore=True)
    assert torch.allclose(later(LOGITS, LABELS, ignore_index=2), kept)


def test_background_is_no_class_of_the_sigmoid_form():
    labels = torch.full((12,), 5)
    expected = F.softplus(LOGITS).mean()
    assert torch.allclose(CrossEntropyLoss(use_sigmoid=True)(LOGITS, labels), expected)
    weighted = CrossEntropyLoss(use_sigmoid=True)(LOGITS, labels, WEIGHT)
    assert torch.allclose(weighted, (F.softplus(LOGITS) * WEIGHT[:, None]).mean())


def test_sigmoid_form_takes_targets_of_the_same_shape():
    targets = torch.rand(12, 5)
    expected = F.binary_cross_entropy_with_logits(LOGITS, targets)
    assert torch.allclose(CrossEntropyLoss(use_sigmoid=True)(LOGITS, targets), expected)
    assert torch.allclose(
        CrossEntropyLoss(use_sigmoid=True)(LOGITS[:, 0], (LABELS > 2).long(), avg_factor=3),
        F.binary_cross_entropy_with_logits(LOGITS[:, 0], (LABELS > 2).float(), reduction="sum") / 3,
    )


def test_mask_form_compares_the_mask_of_the_own_class():
    pred, target = torch.randn(12, 5, 4, 4), (torch.rand(12, 4, 4) > 0.5).float()
    loss = CrossEntropyLoss(use_mask=True)(pred, target, LABELS)
    own = torch.stack([pred[i, c] for i, c in enumerate(LABELS)])
    assert loss.shape == (1,)
    assert torch.allclose(loss[0], F.binary_cross_entropy_with_logits(own, target))


def test_pixels_have_classes_too():
    pred, label = torch.randn(2, 5, 3, 3), torch.randint(0, 5, (2, 3, 3))
    label[0, 0] = 255
    expected = F.cross_entropy(pred, label, ignore_index=255, reduction="sum") / 18
    assert torch.allclose(CrossEntropyLoss(ignore_index=255)(pred, label), expected)


def test_two_forms_at_once_are_refused():
    with pytest.raises(AssertionError, match="only one"):
        build_loss({"type": "CrossEntropyLoss", "use_sigmoid": True, "use_mask": True})


def test_accuracy_counts_the_k_likeliest():
    pred = torch.tensor([[0.2, 0.3, 0.6, 0.5], [0.1, 0.1, 0.2, 0.6], [0.9, 0.0, 0.0, 0.1],
                         [0.4, 0.7, 0.1, 0.1], [0.0, 0.0, 0.99, 0.0]])  # fmt: skip
    assert accuracy(pred, torch.tensor([2, 3, 0, 1, 2])).item() == 100
    target = torch.tensor([2, 3, 1, 1, 2])
    assert accuracy(pred, target).item() == pytest.approx(80)
    assert [a.item() for a in accuracy(pred, target, (1, 4))] == pytest.approx([80, 100])
    assert accuracy(pred, target, thresh=0.65).item() == pytest.approx(40)
    assert [a.item() for a in Accuracy((1,), 0.8)(pred, target)] == pytest.approx([20])
    assert accuracy(pred[:0], target[:0]) == 0 and len(accuracy(pred[:0], target[:0], (1, 2))) == 2
    with pytest.raises(AssertionError):
        accuracy(pred, target, topk=5)
    with pytest.raises(AssertionError):
        Accuracy(topk="1")(pred, target)
