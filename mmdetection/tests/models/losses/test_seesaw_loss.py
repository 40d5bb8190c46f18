import pytest
import torch
from torch.nn import functional as F

from mmdet.models.builder import build_loss

CONFIG = {"type": "SeesawLoss", "num_classes": 3, "p": 0.8, "q": 2.0, "loss_weight": 1.0}
LOGITS = torch.randn(6, 5, generator=torch.manual_seed(0))
LABELS = torch.tensor([0, 0, 0, 1, 3, 3])  # 3 is background


def test_rare_classes_are_pushed_down_less_as_in_a_loop():
    result = build_loss(CONFIG)(LOGITS, LABELS)
    counts, single = [3.0, 1, 0], []
    for logits, label in zip(LOGITS[:4, :3], LABELS[:4].tolist(), strict=True):
        scores, adjusted = logits.softmax(0), logits.clone()
        for j in range(3):
            if j == label:
                continue
            rarer = min(1, max(counts[j], 1) / max(counts[label], 1)) ** 0.8
            higher = max(1, scores[j] / max(scores[label], torch.tensor(1e-2))) ** 2.0
            adjusted[j] = logits[j] + torch.log(torch.tensor(rarer * float(higher)))
        single.append(F.cross_entropy(adjusted[None], torch.tensor([label])))
    assert torch.allclose(result["loss_cls_classes"], torch.stack(single).mean(), atol=1e-5)
    objectness = F.cross_entropy(LOGITS[:, 3:], (LABELS == 3).long())
    assert torch.allclose(result["loss_cls_objectness"], objectness)
    total = build_loss({**CONFIG, "return_dict": False})(LOGITS, LABELS)
    assert torch.allclose(total, sum(result.values()))


def test_samples_are_counted_over_iterations():
    loss = build_loss(CONFIG)
    for _ in range(2):
        loss(LOGITS, LABELS, torch.rand(6), avg_factor=6.0)
    assert loss.cum_samples.tolist() == [6, 2, 0, 4] and "cum_samples" in loss.state_dict()


def test_the_box_head_is_told_channels_scores_and_accuracy():
    loss = build_loss(CONFIG)
    assert loss.custom_cls_channels and loss.custom_activation and loss.custom_accuracy
    assert loss.get_cls_channels(3) == 5
    assert torch.allclose(loss.get_activation(LOGITS).sum(-1), torch.ones(6))
    sure = F.one_hot(torch.tensor([0, 0, 1, 1, 2, 2]), 5) * 9.0
    sure[:4, 3] = sure[4:, 4] = 9.0
    found = loss.get_accuracy(sure, LABELS)
    assert found["acc_objectness"].item() == 100 and found["acc_classes"].item() == 75
    with pytest.raises(AssertionError):
        loss.get_cls_channels(4)


def test_background_alone_has_no_loss_of_classes():
    result = build_loss(CONFIG)(LOGITS, torch.full((6,), 3))
    assert result["loss_cls_classes"] == 0 and result["loss_cls_objectness"] > 0
    with pytest.raises(AssertionError, match="use_sigmoid"):
        build_loss({**CONFIG, "use_sigmoid": True})
