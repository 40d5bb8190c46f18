import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mmcv.registry import ConfigError
from mmseg.models import build_segmentor


class Backbone(nn.Module):
    """Two maps, at strides 2 and 4."""

    def __init__(self, pretrained=None):
        super().__init__()
        self.pretrained = pretrained
        self.conv1 = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(4, 6, 3, stride=2, padding=1)

    def forward(self, x):
        x = self.conv1(x.to(self.conv1.weight.dtype))
        return [x, self.conv2(x.relu())]


class Neck(nn.Module):
    def forward(self, inputs):
        return [2 * x for x in inputs]


def head(**kwargs):
    return dict(
        dict(type="FCNHead", in_channels=6, channels=4, num_convs=1, num_classes=5), **kwargs
    )


def config(**kwargs):
    return dict(
        dict(type="EncoderDecoder", backbone=dict(type=Backbone), decode_head=head()), **kwargs
    )


def build(seed=0, **kwargs):
    torch.manual_seed(seed)
    return build_segmentor(config(**kwargs)).eval()


def metas(size, ori=None, **kwargs):
    shape = (*size, 3)
    return [
        dict(ori_shape=(*(ori or size), 3), img_shape=shape, pad_shape=shape, flip=False, **kwargs)
    ]


def resize(x, size):
    return F.interpolate(x, size, mode="bilinear", align_corners=False)


def batch(num_classes=5, size=(16, 16)):
    torch.manual_seed(1)
    return dict(
        img=torch.randn(2, 3, *size),
        img_metas=metas(size) * 2,
        gt_semantic_seg=torch.randint(0, num_classes, (2, 1, *size)),
    )


def test_losses_of_all_heads_by_name():
    aux = head(
        in_channels=4, in_index=0, loss_decode=dict(type="CrossEntropyLoss", loss_weight=0.4)
    )
    names = ["decode.loss_ce", "decode.acc_seg"]
    assert list(build()(**batch())) == names
    assert list(build(auxiliary_head=aux)(**batch())) == [*names, "aux.loss_ce", "aux.acc_seg"]
    model = build(auxiliary_head=[aux, dict(aux, num_convs=2)])
    assert list(model(**batch()))[2:] == [
        "aux_0.loss_ce",
        "aux_0.acc_seg",
        "aux_1.loss_ce",
        "aux_1.acc_seg",
    ]
    outputs = model.train_step(batch(), None)
    total = sum(v for k, v in outputs["log_vars"].items() if "loss_ce" in k)
    assert outputs["loss"].item() == pytest.approx(total, rel=1e-6)


def test_state_dict_prefixes():
    model = build(auxiliary_head=head(), neck=dict(type=Neck))
    prefixes = {key.split(".")[0] for key in model.state_dict()}
    assert prefixes == {"backbone", "decode_head", "auxiliary_head"}
    assert model.with_neck
    assert model.with_auxiliary_head
    assert model.with_decode_head
    assert not build().with_neck
    assert not build().with_auxiliary_head


def test_neck_stands_between_backbone_and_head():
    img = torch.randn(1, 3, 8, 8)
    model = build(neck=dict(type=Neck))
    torch.testing.assert_close(model.extract_feat(img)[1], 2 * model.backbone(img)[1])


def test_pretrained_of_the_model_is_the_backbones():
    assert build(pretrained="weights.pth").backbone.pretrained == "weights.pth"
    with pytest.raises(ConfigError, match="both"):
        build(pretrained="a.pth", backbone=dict(type=Backbone, pretrained="b.pth"))


def test_errors_name_the_section():
    with pytest.raises(
        ConfigError, match=r"model\.decode_head: .*'FCNHaed'.*did you mean 'FCNHead'"
    ):
        build(decode_head=head(type="FCNHaed"))
    with pytest.raises(ConfigError, match=r"model: .*test_cfg\.mode"):
        build(test_cfg=dict(mode="slid"))
    with pytest.raises(ConfigError, match="test_cfg is given both"):
        build_segmentor(config(test_cfg=dict(mode="whole")), test_cfg=dict(mode="whole"))
    assert build_segmentor(config(), test_cfg=dict(mode="whole")).test_cfg == dict(mode="whole")


@torch.no_grad()
def test_logits_have_the_size_of_the_image():
    model, img = build(), torch.randn(1, 3, 18, 26)
    expected = resize(model.decode_head(model.backbone(img)), (18, 26))
    torch.testing.assert_close(model.encode_decode(img, None), expected)
    torch.testing.assert_close(model.forward_dummy(img), expected)


@torch.no_grad()
def test_whole_inference_cuts_the_padding_and_resizes():
    model, img = build(test_cfg=dict(mode="whole")), torch.randn(1, 3, 16, 20)
    meta = metas((12, 18), ori=(30, 40))
    logits = model.encode_decode(img, meta)
    expected = resize(logits[:, :, :12, :18], (30, 40)).softmax(1)
    torch.testing.assert_close(model.inference(img, meta, rescale=True), expected)
    torch.testing.assert_close(model.inference(img, meta, rescale=False), logits.softmax(1))
    result = model.simple_test(img, meta)
    assert isinstance(result, list)
    assert result[0].dtype == np.int64
    assert np.array_equal(result[0], expected.argmax(1)[0].numpy())
    probs = model.simple_test_logits(img, meta)
    np.testing.assert_allclose(probs, expected.numpy())


@torch.no_grad()
@pytest.mark.parametrize("window_batch_size", [1, 4])
def test_slide_inference_averages_windows(window_batch_size):
    model = build(
        test_cfg=dict(
            mode="slide",
            crop_size=(12, 12),
            stride=(8, 8),
            window_batch_size=window_batch_size,
        )
    )
    img, meta = torch.randn(1, 3, 18, 30), metas((18, 28), ori=(36, 50))
    preds, count = torch.zeros(1, 5, 18, 30), torch.zeros(18, 30)
    for y in (0, 6):
        for x in (0, 8, 16, 18):
            preds[:, :, y : y + 12, x : x + 12] += model.encode_decode(
                img[:, :, y : y + 12, x : x + 12], meta
            )
            count[y : y + 12, x : x + 12] += 1
    expected = preds / count
    torch.testing.assert_close(model.slide_inference(img, meta, rescale=False), expected)
    expected = resize(expected[:, :, :, :28], (36, 50)).softmax(1)
    torch.testing.assert_close(model.inference(img, meta, rescale=True), expected)


@torch.no_grad()
@pytest.mark.parametrize(("direction", "axis"), [("horizontal", 3), ("vertical", 2)])
def test_flipped_views_are_flipped_back(direction, axis):
    model, img = build(), torch.randn(1, 3, 12, 12)
    flipped = [dict(metas((12, 12))[0], flip=True, flip_direction=direction)]
    expected = model.inference(img, metas((12, 12)), rescale=True).flip(axis)
    torch.testing.assert_close(model.inference(img, flipped, rescale=True), expected)


@torch.no_grad()
def test_views_are_averaged_as_probabilities():
    model = build()
    views = [torch.randn(1, 3, n, n) for n in (12, 16)]
    view_metas = [metas((n, n), ori=(24, 24)) for n in (12, 16)]
    each = [model.inference(v, m, rescale=True) for v, m in zip(views, view_metas, strict=True)]
    expected = (each[0] + each[1]) / 2
    result = model(views, view_metas, return_loss=False)
    assert np.array_equal(result[0], expected.argmax(1)[0].numpy())
    np.testing.assert_allclose(model.aug_test_logits(views, view_metas), expected.numpy())
    with pytest.raises(AssertionError):
        model.aug_test(views, view_metas, rescale=False)


@torch.no_grad()
def test_one_logit_is_compared_with_the_threshold():
    binary = head(
        num_classes=2,
        out_channels=1,
        threshold=0.55,
        loss_decode=dict(type="CrossEntropyLoss", use_sigmoid=True),
    )
    model, img, meta = build(decode_head=binary), torch.randn(1, 3, 12, 12), metas((12, 12))
    probs = model.encode_decode(img, meta).sigmoid()
    torch.testing.assert_close(model.inference(img, meta, rescale=True), probs)
    expected = (probs[0, 0] > 0.55).long().numpy()
    assert np.array_equal(model.simple_test(img, meta)[0], expected)
    assert np.array_equal(model.aug_test([img] * 2, [meta] * 2)[0], expected)


@torch.no_grad()
def test_bfloat16_model_gives_float32_logits():
    model = build().bfloat16()
    logits = model.encode_decode(torch.randn(1, 3, 8, 8), None)
    assert logits.dtype == torch.float32
    losses = model(**batch())
    assert losses["decode.loss_ce"].dtype == torch.float32


def test_internvit_and_upernet_learn():
    torch.manual_seed(0)
    model = build_segmentor(
        dict(
            type="EncoderDecoder",
            backbone=dict(
                type="InternViT6B",
                img_size=28,
                patch_size=14,
                embed_dim=16,
                depth=4,
                num_heads=2,
                out_indices=[0, 1, 2, 3],
                with_fpn=True,
                with_cp=False,
            ),
            decode_head=dict(
                type="UPerHead",
                in_channels=[16] * 4,
                in_index=[0, 1, 2, 3],
                channels=8,
                pool_scales=(1,),
                num_classes=3,
                norm_cfg=dict(type="SyncBN"),
            ),
            auxiliary_head=dict(
                type="FCNHead",
                in_channels=16,
                in_index=2,
                channels=8,
                num_convs=1,
                concat_input=False,
                num_classes=3,
                norm_cfg=dict(type="SyncBN"),
            ),
        )
    )
    model.init_weights()
    model.train()
    data = batch(num_classes=3, size=(28, 28))
    data["gt_semantic_seg"] = (data["img"].mean(1, keepdim=True) > 0).long()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(4):
        outputs = model.train_step(data, optimizer)
        optimizer.zero_grad()
        outputs["loss"].backward()
        optimizer.step()
        losses.append(outputs["log_vars"]["loss"])
    assert list(outputs["log_vars"]) == [
        "decode.loss_ce",
        "decode.acc_seg",
        "aux.loss_ce",
        "aux.acc_seg",
        "loss",
    ]
    assert losses[1] < losses[0]
    assert losses[-1] < losses[1]
