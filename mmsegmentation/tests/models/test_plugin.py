"""An old plug-in, written against 1.x import paths, trains and tests beside our own classes."""

import numpy as np
import pytest
import torch
from torch import nn

from mmcv.runner import BaseModule, force_fp32
from mmseg.core import add_prefix
from mmseg.models import build_segmentor, builder
from mmseg.models.builder import BACKBONES, HEADS, LOSSES, SEGMENTORS, build_loss
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.losses.utils import get_class_weight, weight_reduce_loss
from mmseg.models.segmentors.base import BaseSegmentor
from mmseg.ops import resize


class PluginBackbone(BaseModule):
    def __init__(self, width, pretrained=None, init_cfg=None):
        super().__init__(init_cfg)
        self.conv = nn.Conv2d(3, width, 3, stride=2, padding=1)

    def forward(self, x):
        return (self.conv(x),)


class PluginLoss(nn.Module):
    def __init__(self, class_weight=None, loss_weight=1.0, loss_name="loss_plugin"):
        super().__init__()
        self.class_weight = get_class_weight(class_weight)
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(self, pred, target, weight=None, ignore_index=255, **kwargs):
        loss = nn.functional.cross_entropy(
            pred, target, reduction="none", ignore_index=ignore_index
        )
        return self.loss_weight * weight_reduce_loss(loss, weight)


class PluginHead(BaseDecodeHead):
    def __init__(self, extra_loss, **kwargs):
        super().__init__(**kwargs)
        self.extra_loss = build_loss(extra_loss)

    def forward(self, inputs):
        return self.cls_seg(self._transform_inputs(inputs))

    @force_fp32(apply_to=("seg_logit",))
    def losses(self, seg_logit, seg_label):
        losses = super().losses(seg_logit, seg_label)
        big = resize(seg_logit, size=seg_label.shape[2:], mode="bilinear", align_corners=False)
        losses["loss_extra"] = self.extra_loss(big, seg_label.squeeze(1))
        return losses


class PluginSegmentor(BaseSegmentor):
    def __init__(self, backbone, decode_head, train_cfg=None, test_cfg=None, init_cfg=None):
        super().__init__(init_cfg)
        self.backbone = builder.build_backbone(backbone)
        self.decode_head = builder.build_head(decode_head)
        self.train_cfg = train_cfg
        self.test_cfg = test_cfg

    def extract_feat(self, img):
        return self.backbone(img)

    def encode_decode(self, img, img_metas):
        out = self.decode_head.forward_test(self.extract_feat(img), img_metas, self.test_cfg)
        return resize(out, size=img.shape[2:], mode="bilinear", align_corners=False)

    def forward_train(self, img, img_metas, gt_semantic_seg):
        losses = self.decode_head.forward_train(
            self.extract_feat(img), img_metas, gt_semantic_seg, self.train_cfg
        )
        return add_prefix(losses, "decode")

    def simple_test(self, img, img_meta, rescale=True):
        return list(self.encode_decode(img, img_meta).argmax(1).cpu().numpy())

    def aug_test(self, imgs, img_metas, rescale=True):
        raise NotImplementedError


@pytest.fixture
def registered():
    """Registers the plug-in for the time of a test only."""
    places = [(BACKBONES, PluginBackbone), (LOSSES, PluginLoss)]
    places += [(HEADS, PluginHead), (SEGMENTORS, PluginSegmentor)]
    for registry, cls in places:
        registry.register_module()(cls)
    yield
    for registry, cls in places:
        del registry.module_dict[cls.__name__]


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("segmentor", ["PluginSegmentor", "EncoderDecoder"])
def test_plugin_trains_and_tests(segmentor):
    torch.manual_seed(0)
    model = build_segmentor(
        dict(
            type=segmentor,
            backbone=dict(type="PluginBackbone", width=4),
            decode_head=dict(
                type="PluginHead",
                in_channels=4,
                channels=4,
                num_classes=3,
                loss_decode=dict(type="CrossEntropyLoss", loss_weight=0.5),
                extra_loss=dict(type="PluginLoss"),
            ),
            test_cfg=dict(mode="whole"),
        )
    )
    model.init_weights()
    meta = dict(ori_shape=(8, 8, 3), img_shape=(8, 8, 3), pad_shape=(8, 8, 3), flip=False)
    img = torch.randn(2, 3, 8, 8)
    label = (img.mean(1, keepdim=True) > 0).long()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    batch = dict(img=img, img_metas=[meta] * 2, gt_semantic_seg=label)
    losses = []
    for _ in range(3):
        outputs = model.train_step(batch, optimizer)
        optimizer.zero_grad()
        outputs["loss"].backward()
        optimizer.step()
        losses.append(outputs["log_vars"]["loss"])
    assert list(outputs["log_vars"])[:3] == [
        "decode.loss_ce",
        "decode.acc_seg",
        "decode.loss_extra",
    ]
    assert losses[2] < losses[1] < losses[0]
    model.eval()
    with torch.no_grad():
        result = model([img], [[meta] * 2], return_loss=False)
    assert [r.shape for r in result] == [(8, 8)] * 2
    assert isinstance(result[0], np.ndarray)
