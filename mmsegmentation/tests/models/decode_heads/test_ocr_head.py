import pytest
import torch

from mmseg.models import build_head
from mmseg.models.decode_heads.ocr_head import SpatialGatherModule

CFG = dict(type="OCRHead", in_channels=4, channels=6, ocr_channels=3, num_classes=5)


def test_class_representations_are_weighted_means():
    feats, logits = torch.randn(1, 4, 2, 3), torch.randn(1, 5, 2, 3)
    context = SpatialGatherModule(scale=2)(feats, logits)
    assert context.shape == (1, 4, 5, 1)
    for k in range(5):
        share = (2 * logits[0, k].flatten()).softmax(0)
        torch.testing.assert_close(context[0, :, k, 0], feats[0].flatten(1) @ share)


@pytest.mark.parametrize("scale", [1, 2])
def test_refines_the_logits_of_the_head_before(scale):
    head = build_head(dict(CFG, scale=scale)).eval()
    x, before = torch.randn(2, 4, 8, 8), torch.randn(2, 5, 8, 8)
    logits = head.forward_test([x], before, [{}] * 2, None)
    assert logits.shape == (2, 5, 8, 8)
    assert not torch.allclose(logits, head([x], -before))
    losses = head.forward_train([x], before, [{}] * 2, torch.zeros(2, 1, 16, 16).long(), None)
    assert list(losses) == ["loss_ce", "acc_seg"]


def test_bfloat16_head_reads_float32_logits():
    head = build_head(CFG).bfloat16()
    logits = head([torch.randn(1, 4, 8, 8)], torch.randn(1, 5, 8, 8))
    assert logits.dtype == torch.bfloat16
