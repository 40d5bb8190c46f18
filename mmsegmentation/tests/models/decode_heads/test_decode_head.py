import pytest
import torch

from mmcv.registry import ConfigError
from mmseg.models.decode_heads.decode_head import BaseDecodeHead


class Classifier(BaseDecodeHead):
    def forward(self, inputs):
        return self.cls_seg(self._transform_inputs(inputs))


CE = dict(type="CrossEntropyLoss")


def test_one_map_is_chosen_by_its_index():
    maps = [torch.randn(1, 4, 6, 6), torch.randn(1, 4, 3, 3)]
    head = Classifier(4, 4, num_classes=3, in_index=1)
    assert head._transform_inputs(maps) is maps[1]


def test_several_maps_as_a_list():
    maps = [torch.randn(1, n, 4, 4) for n in (1, 2, 3)]
    head = Classifier([3, 1], 4, num_classes=3, in_index=[2, 0], input_transform="multiple_select")
    assert head.in_channels == [3, 1]
    assert [x.shape[1] for x in head._transform_inputs(maps)] == [3, 1]


@pytest.mark.parametrize("align_corners", [False, True])
def test_several_maps_concatenated(align_corners):
    maps = [torch.randn(1, 4, 5, 5), torch.randn(1, 2, 3, 3)]
    head = Classifier(
        [4, 2],
        6,
        num_classes=3,
        in_index=[0, 1],
        input_transform="resize_concat",
        align_corners=align_corners,
    )
    assert head.in_channels == 6
    result = head._transform_inputs(maps)
    torch.testing.assert_close(result[:, :4], maps[0])
    expected = torch.nn.functional.interpolate(
        maps[1], (5, 5), mode="bilinear", align_corners=align_corners
    )
    torch.testing.assert_close(result[:, 4:], expected)


@pytest.mark.parametrize(
    ("in_channels", "kwargs"),
    [
        ([32, 16], {}),
        (32, dict(in_index=[-1, -2])),
        (32, dict(input_transform="concat")),
        (32, dict(input_transform="resize_concat")),
        ([32], dict(in_index=-1, input_transform="resize_concat")),
        ([32, 16], dict(in_index=[-1], input_transform="resize_concat")),
    ],
)
def test_inputs_that_do_not_fit_together_are_refused(in_channels, kwargs):
    with pytest.raises(ConfigError, match=r"in_channels|input_transform"):
        Classifier(in_channels, 16, num_classes=19, **kwargs)
    with pytest.raises(AssertionError):  # what 1.x raised
        Classifier(in_channels, 16, num_classes=19, **kwargs)


def test_dropout_drops_whole_channels():
    head = Classifier(64, 64, num_classes=3, dropout_ratio=0.5)
    assert head.dropout.p == 0.5
    dropped = head.dropout(torch.ones(1, 64, 4, 4))
    assert {tuple(channel.unique().tolist()) for channel in dropped[0]} == {(0.0,), (2.0,)}
    assert Classifier(4, 4, num_classes=3, dropout_ratio=0).dropout is None
    assert Classifier(4, 4, num_classes=3).dropout.p == 0.1


def test_classifier_starts_small():
    head = Classifier(64, 64, num_classes=50)
    head.init_weights()
    assert head.conv_seg.weight.std().item() == pytest.approx(0.01, rel=0.1)
    assert (head.conv_seg.bias == 0).all()


def test_losses_are_computed_at_the_size_of_the_labels():
    torch.manual_seed(0)
    head = Classifier(4, 4, num_classes=3, ignore_index=7)
    logit, label = torch.randn(2, 3, 4, 4), torch.randint(0, 3, (2, 1, 16, 16))
    label[:, :, :3] = 7
    losses = head.losses(seg_logit=logit, seg_label=label)
    big = torch.nn.functional.interpolate(logit, (16, 16), mode="bilinear", align_corners=False)
    each = torch.nn.functional.cross_entropy(big, label[:, 0], reduction="none", ignore_index=7)
    assert list(losses) == ["loss_ce", "acc_seg"]
    torch.testing.assert_close(losses["loss_ce"], each.mean())
    hit = (big.argmax(1) == label[:, 0])[label[:, 0] != 7].float().mean() * 100
    torch.testing.assert_close(losses["acc_seg"], hit.view(1), rtol=1e-5, atol=1e-4)


def test_several_losses_by_name():
    logit, label = torch.randn(1, 3, 4, 4), torch.randint(0, 3, (1, 1, 4, 4))
    one = Classifier(4, 4, num_classes=3).losses(logit, label)["loss_ce"]
    weighted = [dict(CE, loss_name=f"loss_{i}", loss_weight=float(i)) for i in (1, 2)]
    losses = Classifier(4, 4, num_classes=3, loss_decode=weighted).losses(logit, label)
    torch.testing.assert_close(losses["loss_1"], one)
    torch.testing.assert_close(losses["loss_2"], 2 * one)
    same_name = (CE, dict(CE, loss_weight=2.0))
    losses = Classifier(4, 4, num_classes=3, loss_decode=same_name).losses(logit, label)
    torch.testing.assert_close(losses["loss_ce"], 3 * one)


@pytest.mark.parametrize("wrong", [["CrossEntropyLoss"], 0])
def test_losses_must_be_configs(wrong):
    with pytest.raises(TypeError):
        Classifier(3, 16, num_classes=19, loss_decode=wrong)


def test_one_logit_for_two_classes():
    head = Classifier(
        4,
        4,
        num_classes=2,
        out_channels=1,
        threshold=0.6,
        loss_decode=dict(CE, use_sigmoid=True),
    )
    assert head.conv_seg.out_channels == 1
    logit, label = torch.randn(1, 1, 8, 8), torch.randint(0, 2, (1, 1, 8, 8))
    label[0, 0, 0] = 255
    losses = head.losses(logit, label)
    right = ((logit.sigmoid() > 0.6) == label)[label != 255].float().mean() * 100
    assert losses["acc_seg"].item() == pytest.approx(right.item(), abs=1e-3)
    assert Classifier(4, 4, num_classes=2, out_channels=1).threshold == 0.3
    with pytest.raises(ConfigError, match="out_channels"):
        Classifier(4, 4, num_classes=3, out_channels=1)


@pytest.mark.parametrize("weights", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("inputs", [torch.float32, torch.bfloat16])
def test_head_computes_in_the_dtype_of_its_weights(weights, inputs):
    head = Classifier(4, 4, num_classes=3).to(weights)
    before = {name: p.dtype for name, p in head.named_parameters()}
    logit = head([torch.randn(1, 4, 4, 4, dtype=inputs)])
    assert logit.dtype == weights
    losses = head.forward_train(
        [torch.randn(1, 4, 4, 4, dtype=inputs)], [{}], torch.zeros(1, 1, 8, 8).long(), None
    )
    expected = torch.float64 if weights == torch.float64 else torch.float32
    assert losses["loss_ce"].dtype == expected
    assert {name: p.dtype for name, p in head.named_parameters()} == before


def test_forward_test_returns_logits():
    head = Classifier(4, 4, num_classes=3).eval()
    maps = [torch.randn(1, 4, 4, 4)]
    torch.testing.assert_close(head.forward_test(maps, [{}], None), head(maps))
