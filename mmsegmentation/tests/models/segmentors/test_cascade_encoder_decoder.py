import pytest
import torch
from torch import nn

from mmcv.registry import ConfigError
from mmseg.models import build_segmentor
from mmseg.models.decode_heads.cascade_decode_head import BaseCascadeDecodeHead
from mmseg.models.decode_heads.decode_head import BaseDecodeHead


class Backbone(nn.Module):
    def forward(self, x):
        return [x]


class First(BaseDecodeHead):
    def __init__(self):
        super().__init__(3, 3, num_classes=3, dropout_ratio=0)

    def forward(self, inputs):
        return self.cls_seg(inputs[0])


class Refine(BaseCascadeDecodeHead):
    def __init__(self):
        super().__init__(3, 3, num_classes=3, dropout_ratio=0)

    def forward(self, inputs, prev_output):
        return self.cls_seg(inputs[0]) + prev_output


def config(num_stages=3, heads=(First, Refine, Refine), **kwargs):
    return dict(
        type="CascadeEncoderDecoder",
        num_stages=num_stages,
        backbone=dict(type=Backbone),
        decode_head=[dict(type=head) for head in heads],
        **kwargs,
    )


def test_each_head_reads_the_one_before():
    torch.manual_seed(0)
    model = build_segmentor(config()).eval()
    img = torch.randn(2, 3, 4, 4)
    convs = [head.conv_seg for head in model.decode_head]
    expected = convs[0](img) + convs[1](img) + convs[2](img)
    torch.testing.assert_close(model.encode_decode(img, None), expected)
    assert model.num_classes == model.out_channels == 3


def test_losses_of_every_stage():
    torch.manual_seed(0)
    model = build_segmentor(config())
    img, label = torch.randn(2, 3, 4, 4), torch.randint(0, 3, (2, 1, 4, 4))
    losses = model(img, [{}] * 2, gt_semantic_seg=label)
    assert list(losses) == [
        f"decode_{i}.{name}" for i in range(3) for name in ("loss_ce", "acc_seg")
    ]
    logits = 0
    for i, head in enumerate(model.decode_head):
        logits = logits + head.conv_seg(img)
        expected = nn.functional.cross_entropy(logits, label[:, 0])
        torch.testing.assert_close(losses[f"decode_{i}.loss_ce"], expected)


@pytest.mark.parametrize("num_stages", [2, 4])
def test_one_head_for_each_stage(num_stages):
    with pytest.raises(ConfigError, match=f"num_stages={num_stages}"):
        build_segmentor(config(num_stages=num_stages))


def test_slide_inference():
    test_cfg = dict(mode="slide", crop_size=(4, 4), stride=(2, 2))
    model = build_segmentor(config(test_cfg=test_cfg)).eval()
    img, meta = torch.randn(1, 3, 6, 6), [dict(ori_shape=(6, 6), img_shape=(6, 6), flip=False)]
    with torch.no_grad():
        whole = model.encode_decode(img, meta).argmax(1)[0].numpy()
        assert (model.simple_test(img, meta)[0] == whole).all()
