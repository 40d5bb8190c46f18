import pytest
import timm
import torch
from torch import nn

from mmcv.backbones import TIMMBackbone
from mmcv.registry import MODELS


def test_equals_timm():
    cfg = dict(type="TIMMBackbone", model_name="resnet18", pretrained=False, out_indices=(1, 3))
    ours = MODELS.build(cfg).eval()
    theirs = timm.create_model("resnet18", features_only=True, out_indices=(1, 3)).eval()
    theirs.load_state_dict({k[11:]: v for k, v in ours.state_dict().items()})
    x = torch.randn(1, 3, 32, 32)
    torch.testing.assert_close(ours(x), theirs(x))
    assert all(key.startswith("timm_model.") for key in ours.state_dict())


def test_norms_by_their_registered_name():
    net = TIMMBackbone("resnet18", pretrained=False, norm_layer="SyncBN", in_channels=4)
    norms = [m for m in net.modules() if isinstance(m, MODELS.get("SyncBN"))]
    assert len(norms) == 20
    assert net(torch.randn(2, 4, 32, 32))[0].shape == (2, 64, 16, 16)


def test_weights_are_loaded_by_init_weights_only(tmp_path):
    source = timm.create_model("resnet18")
    torch.save(source.state_dict(), tmp_path / "resnet18.pth")
    net = TIMMBackbone("resnet18", pretrained=True)  # would need a network if it loaded here
    assert not net.is_init
    net = TIMMBackbone(
        "resnet18",
        pretrained=False,
        features_only=False,
        checkpoint_path=str(tmp_path / "resnet18.pth"),
    )
    net.init_weights()
    torch.testing.assert_close(net.timm_model.conv1.weight, source.conv1.weight)
    assert net.is_init and net.timm_model.fc is None


def test_builds_on_the_meta_device_and_applies_init_cfg():
    with torch.device("meta"):
        net = TIMMBackbone("resnet18", pretrained=False)
    assert next(net.parameters()).is_meta
    init_cfg = dict(type="Constant", val=2, layer="Conv2d")
    net = TIMMBackbone("resnet18", pretrained=False, init_cfg=init_cfg)
    net.init_weights()
    convs = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    assert all(bool((c.weight == 2).all()) for c in convs)


def test_unknown_models_are_an_error():
    with pytest.raises(RuntimeError, match="Unknown model"):
        TIMMBackbone("resnet17")
