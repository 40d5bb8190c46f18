import pytest
import torch
import torchvision
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmcv.backbones import ResNet, ResNetV1c, ResNetV1d
from mmcv.registry import MODELS, ConfigError


def images(size=32):
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))


def narrow(depth=50, kind=ResNet, **options):
    """A ResNet of an eighth of the width."""
    torch.manual_seed(0)
    return kind(**dict(dict(depth=depth, base_channels=8, stem_channels=8), **options))


@pytest.mark.parametrize("name, depth", [("resnet18", 18), ("resnet34", 34), ("resnet50", 50)])
def test_equals_torchvision_with_its_keys(name, depth):
    torch.manual_seed(0)
    theirs = getattr(torchvision.models, name)(num_classes=2)
    for module in theirs.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    ours = ResNet(depth)
    state = {k: v for k, v in theirs.state_dict().items() if not k.startswith("fc.")}
    assert list(ours.state_dict()) == list(state)
    ours.load_state_dict(state)
    x = images(64)
    expected, maps = x, []
    for child in list(theirs.eval().children())[:-2]:
        expected = child(expected)
        if isinstance(child, nn.Sequential):
            maps.append(expected)
    outs = ours.eval()(x)
    assert isinstance(outs, tuple)
    for got, want in zip(outs, maps, strict=True):
        torch.testing.assert_close(got, want, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("depth, blocks", [(101, (3, 4, 23, 3)), (152, (3, 8, 36, 3))])
def test_deeper_ones(depth, blocks):
    with torch.device("meta"):
        net = ResNet(depth)
    assert tuple(len(getattr(net, name)) for name in net.res_layers) == blocks
    assert net.feat_dim == 2048


def test_styles_differ_in_where_the_stride_is():
    pytorch, caffe = narrow(), narrow(style="caffe")
    assert pytorch.layer2[0].conv1.stride == (1, 1) and pytorch.layer2[0].conv2.stride == (2, 2)
    assert caffe.layer2[0].conv1.stride == (2, 2) and caffe.layer2[0].conv2.stride == (1, 1)


def test_variants():
    keys = {f"stem.{i}.weight" for i in (0, 1, 3, 4, 6, 7)}
    v1c, v1d = narrow(kind=ResNetV1c), narrow(kind=ResNetV1d)
    for net in (v1c, v1d):
        assert keys < set(net.state_dict()) and "conv1.weight" not in net.state_dict()
        assert net.stem[0].stride == (2, 2) and net.stem[0].out_channels == 4
    assert isinstance(v1c.layer2[0].downsample[0], nn.Conv2d)
    pool, conv, _ = v1d.layer2[0].downsample
    assert isinstance(pool, nn.AvgPool2d) and conv.stride == (1, 1)
    assert "layer1.0.downsample.1.weight" in v1d.state_dict()
    assert [m.shape[-1] for m in v1d(images())] == [8, 4, 2, 1]


def test_dilated_stages_keep_their_resolution():
    net = narrow(
        strides=(1, 2, 1, 1),
        dilations=(1, 1, 2, 4),
        contract_dilation=True,
        out_indices=(1, 3),
    )
    assert [m.shape[-1] for m in net(images())] == [4, 4]
    assert [b.conv2.dilation[0] for b in net.layer3] == [1, 2, 2, 2, 2, 2]
    assert [b.conv2.dilation[0] for b in net.layer4] == [2, 4, 4]
    grid = narrow(multi_grid=(1, 2, 4))
    assert [b.conv2.dilation[0] for b in grid.layer4] == [1, 2, 4]
    assert {b.conv2.dilation[0] for b in grid.layer3} == {1}


@pytest.mark.parametrize("deep_stem", [False, True])
@pytest.mark.parametrize("frozen", [-1, 0, 2])
def test_frozen_stages(deep_stem, frozen):
    net = narrow(18, deep_stem=deep_stem, frozen_stages=frozen).train()
    stem = [net.stem] if deep_stem else [net.conv1, net.bn1]
    for module in stem:
        assert all(p.requires_grad == (frozen < 0) for p in module.parameters())
    for i, name in enumerate(net.res_layers, 1):
        stage = getattr(net, name)
        assert all(p.requires_grad == (i > frozen) for p in stage.parameters())
        assert stage.training == (i > frozen)


def test_norm_eval_keeps_the_statistics():
    net = narrow(18, norm_eval=True).train()
    assert not any(m.training for m in net.modules() if isinstance(m, _BatchNorm))
    assert net.conv1.training
    assert narrow(18).train().bn1.training


def test_initialisation_starts_blocks_as_the_identity():
    net = narrow()
    net.init_weights()
    assert all(bool((b.bn3.weight == 0).all()) for b in net.layer1)
    assert bool((net.layer1[0].bn1.weight == 1).all())
    net = narrow(18, zero_init_residual=False)
    net.init_weights()
    assert bool((net.layer1[0].bn2.weight == 1).all())


def test_pretrained(tmp_path):
    source = narrow(18)
    torch.save({"state_dict": source.state_dict()}, tmp_path / "resnet.pth")
    net = narrow(18, pretrained=str(tmp_path / "resnet.pth"))
    nn.init.zeros_(net.conv1.weight)
    net.init_weights()
    torch.testing.assert_close(net.conv1.weight, source.conv1.weight)
    with pytest.raises(ConfigError, match="cannot be specified at the same time"):
        narrow(pretrained="x.pth", init_cfg=dict(type="Normal"))


@pytest.mark.parametrize("depth", [18, 50])
def test_checkpointing_gives_equal_gradients(depth):
    grads = []
    for with_cp in (False, True):
        net = narrow(depth, with_cp=with_cp, norm_cfg=dict(type="GN", num_groups=2))
        net(images().requires_grad_())[-1].square().sum().backward()
        grads.append({n: p.grad for n, p in net.named_parameters()})
    torch.testing.assert_close(*grads, atol=0, rtol=0)
    assert "gn1.weight" in net.state_dict()


def test_plugins_go_where_they_are_put():
    plugins = [
        dict(
            cfg=dict(type="ContextBlock", ratio=0.25),
            stages=(False, True, False, False),
            position="after_conv3",
        ),
        dict(cfg=dict(type="NonLocal2d", postfix=1), position="after_conv2"),
    ]
    net = narrow(plugins=plugins)
    assert net.layer2[0].context_block.in_channels == 64
    assert net.layer1[0].nonlocal_block1.in_channels == 8
    assert not hasattr(net.layer1[0], "context_block")
    plain = narrow()
    net.load_state_dict(plain.state_dict(), strict=False)
    torch.testing.assert_close(net.eval()(images())[-1], plain.eval()(images())[-1])
    nn.init.ones_(net.layer2[0].context_block.channel_add_conv[3].bias)
    assert not torch.equal(net(images())[1], plain(images())[1])


def test_deformable_convolutions():
    import mmcv.ops  # noqa: F401  # registers DCN

    dcn = dict(type="DCN", deform_groups=1, fallback_on_stride=False)
    net = narrow(dcn=dcn, stage_with_dcn=(False, False, False, True))
    assert "layer4.0.conv2.conv_offset.weight" in net.state_dict()
    assert "layer3.0.conv2.conv_offset.weight" not in net.state_dict()
    assert net(images())[-1].shape == (2, 256, 1, 1)


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(depth=20), "invalid depth 20 for resnet"),
        (dict(num_stages=5), "num_stages must be from 1 to 4"),
        (dict(strides=(1, 2)), "must have num_stages = 4 entries"),
        (dict(out_indices=(4,)), r"out_indices \(4,\) must be below 4"),
        (dict(style="tensorflow"), "style must be 'pytorch' or 'caffe'"),
        (
            dict(depth=18, dcn=dict(type="DCN"), stage_with_dcn=(True,) * 4),
            "ResNet of depth 50 or more",
        ),
        (dict(plugins=[dict(cfg=dict(type="ContextBlock"), position="x")]), "position must be one"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ConfigError, match=message):
        narrow(**options)


def test_1x_config_of_a_base_file():
    cfg = dict(
        type="ResNetV1c",
        depth=50,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        dilations=(1, 1, 1, 1),
        strides=(1, 2, 2, 2),
        norm_cfg=dict(type="SyncBN", requires_grad=True),
        norm_eval=False,
        style="pytorch",
        contract_dilation=True,
    )
    with torch.device("meta"):
        net = MODELS.build(cfg)
    assert sum(p.numel() for p in net.parameters()) == 23_527_264
    with pytest.raises(ConfigError, match="did you mean 'norm_eval'"):
        MODELS.build(dict(cfg, normeval=True))
