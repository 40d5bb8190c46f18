import logging

import pytest
import torch
import torch.nn.functional as F

from mmcv.backbones.intern_vit import InternViT6B
from mmcv.backbones.pretrained import load_pretrained_vit, resize_patch_embed, resize_pos_embed
from mmcv.registry import ConfigError
from mmcv.runner.checkpoint import CheckpointError

SMALL = dict(embed_dim=16, num_heads=2, depth=2, out_indices=[1], with_cp=False)


def source(**options):
    torch.manual_seed(0)
    model = InternViT6B(**{**SMALL, "img_size": 32, "patch_size": 8, **options})
    model.init_weights()
    return model


@pytest.mark.parametrize("key", ["module", "state_dict", "model", None])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_every_layout_of_checkpoint_is_read(tmp_path, key, prefix):
    weights = {prefix + k: v for k, v in source().state_dict().items()}
    torch.save({key: weights, "epoch": 3} if key else weights, tmp_path / "vit.pth")
    model = source(pretrained=str(tmp_path / "vit.pth"))
    with torch.no_grad():
        [p.zero_() for p in model.parameters()]
    model.init_weights()
    torch.testing.assert_close(model.state_dict(), source().state_dict(), atol=0, rtol=0)


def test_the_backbone_of_a_segmentor_is_found(tmp_path):
    weights = {f"backbone.{k}": v for k, v in source().state_dict().items()}
    weights["decode_head.conv_seg.weight"] = torch.zeros(2, 2)
    torch.save({"state_dict": weights}, tmp_path / "segmentor.pth")
    report = load_pretrained_vit(source(), tmp_path / "segmentor.pth", "key")
    assert not report.missing and not report.unexpected


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_other_patch_size_and_grid_are_resampled_in_fp32(tmp_path, dtype):
    """Patch 16 and a 3 x 3 grid in the file: neither 14 nor pretrain_size is asked."""
    given = {k: v.to(dtype) for k, v in source(img_size=48, patch_size=16).state_dict().items()}
    torch.save({"module": given}, tmp_path / "vit.pth")
    model = source()
    report = load_pretrained_vit(model, tmp_path / "vit.pth", "key")
    assert len(report.resized) == 2 and not report.missing
    positions = given["pos_embed"][0, 1:].float().T.view(1, 16, 3, 3)
    positions = F.interpolate(positions, size=(4, 4), mode="bicubic", align_corners=False)
    expected = torch.cat([given["pos_embed"][:, :1].float(), positions.flatten(2).mT], 1)
    close = dict(atol=0, rtol=0) if dtype == torch.float32 else dict(atol=1e-3, rtol=1e-2)
    torch.testing.assert_close(model.pos_embed.detach(), expected, **close)
    kernel = given["patch_embed.proj.weight"].float()
    kernel = F.interpolate(kernel, size=(8, 8), mode="bicubic", align_corners=False)
    torch.testing.assert_close(model.patch_embed.proj.weight.detach(), kernel, **close)


def test_resampling_to_the_same_size_changes_nothing():
    positions, kernel = torch.randn(1, 10, 4), torch.randn(4, 3, 7, 7)
    assert resize_pos_embed(positions, (3, 3), (3, 3)) is positions
    assert resize_patch_embed(kernel, (7, 7)) is kernel


def test_report_is_logged(tmp_path, caplog):
    weights = source(img_size=48).state_dict()
    del weights["blocks.1.ls1.gamma"]
    weights["head.weight"] = torch.zeros(3)
    torch.save(weights, tmp_path / "vit.pth")
    with caplog.at_level(logging.INFO):
        report = load_pretrained_vit(source(), tmp_path / "vit.pth", "key")
    assert report.missing == ["blocks.1.ls1.gamma"] and report.unexpected == ["head.weight"]
    text = caplog.text
    assert "resampled pos_embed (1, 37, 16) -> (1, 17, 16)" in text
    assert "left as initialised: blocks.1.ls1.gamma" in text and "not used: head.weight" in text


def test_detection_ignores_the_class_token(tmp_path):
    torch.save(source().state_dict(), tmp_path / "vit.pth")
    model = source(window_attn=True, window_size=2)
    report = load_pretrained_vit(model, tmp_path / "vit.pth", "key")
    assert report.unexpected == ["cls_token"] and not report.missing


def test_missing_file_names_the_config_key(tmp_path):
    model = InternViT6B(**SMALL, pretrained=str(tmp_path / "no.pth"))
    with pytest.raises(ConfigError, match=r"model\.backbone\.pretrained: no file .*no\.pth"):
        model.init_weights()


def test_constructor_reads_no_file():
    InternViT6B(**SMALL, pretrained="/nowhere/intern_vit_6b_224px.pth")


def test_weights_of_another_model_are_refused(tmp_path):
    torch.save({"conv1.weight": torch.zeros(3)}, tmp_path / "resnet.pth")
    with pytest.raises(ConfigError, match=r"no tensor in .*resnet\.pth has a name of this model"):
        load_pretrained_vit(source(), tmp_path / "resnet.pth", "model.backbone.pretrained")
    torch.save(source(embed_dim=32).state_dict(), tmp_path / "wide.pth")
    with pytest.raises(ConfigError, match=r"has shape .*weights of another model"):
        load_pretrained_vit(source(), tmp_path / "wide.pth", "model.backbone.pretrained")


def test_damaged_file_is_named(tmp_path):
    (tmp_path / "vit.pth").write_bytes(b"not a checkpoint")
    with pytest.raises(CheckpointError, match=r"vit\.pth"):
        load_pretrained_vit(source(), tmp_path / "vit.pth", "model.backbone.pretrained")
