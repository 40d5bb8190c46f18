import pytest
import torch
from torch.nn import functional as F

from mmcv.registry import ConfigError
from mmseg.models import build_neck

CHANNELS = [2, 3, 4]


def fpn(**kwargs):
    return build_neck(
        dict(dict(type="FPN", in_channels=CHANNELS, out_channels=5, num_outs=3), **kwargs)
    )


def maps():
    torch.manual_seed(0)
    return [torch.randn(1, c, 16 // 2**i, 16 // 2**i) for i, c in enumerate(CHANNELS)]


def levels(neck, inputs, mode="nearest"):
    """The paper's pyramid."""
    p3 = neck.lateral_convs[2](inputs[2])
    p2 = neck.lateral_convs[1](inputs[1]) + F.interpolate(p3, (8, 8), mode=mode)
    p1 = neck.lateral_convs[0](inputs[0]) + F.interpolate(p2, (16, 16), mode=mode)
    return [p1, p2, p3]


@pytest.mark.parametrize(
    "upsample_cfg", [dict(mode="nearest"), dict(scale_factor=2, mode="bilinear")]
)
def test_follows_the_paper(upsample_cfg):
    neck = fpn(upsample_cfg=upsample_cfg)
    laterals = levels(neck, maps(), upsample_cfg["mode"])
    outs = neck(maps())
    assert isinstance(outs, tuple)
    for out, conv, lateral in zip(outs, neck.fpn_convs, laterals, strict=True):
        torch.testing.assert_close(out, conv(lateral))


def test_further_levels_are_pooled():
    outs = fpn(num_outs=5)(maps())
    assert [out.shape[-1] for out in outs] == [16, 8, 4, 2, 1]
    torch.testing.assert_close(outs[3], outs[2][:, :, ::2, ::2])


@pytest.mark.parametrize("source", ["on_input", "on_lateral", "on_output"])
@pytest.mark.parametrize("relu", [False, True])
def test_further_levels_are_convolved(source, relu):
    neck = fpn(num_outs=5, add_extra_convs=source, relu_before_extra_convs=relu)
    outs = neck(maps())
    start = {
        "on_input": maps()[2],
        "on_lateral": levels(neck, maps())[2],
        "on_output": outs[2],
    }[source]
    torch.testing.assert_close(outs[3], neck.fpn_convs[3](start))
    torch.testing.assert_close(outs[4], neck.fpn_convs[4](outs[3].relu() if relu else outs[3]))


def test_names_of_older_configs():
    assert fpn(num_outs=4, add_extra_convs=True).add_extra_convs == "on_output"
    assert (
        fpn(num_outs=4, add_extra_convs=True, extra_convs_on_inputs=True).add_extra_convs
        == "on_input"
    )


def test_a_part_of_the_maps():
    assert [o.shape[-1] for o in fpn(start_level=1, num_outs=2)(maps())] == [8, 4]
    assert [o.shape[-1] for o in fpn(end_level=2, num_outs=2)(maps())] == [16, 8]


def test_norms():
    neck = fpn(norm_cfg=dict(type="SyncBN"), no_norm_on_lateral=True)
    assert neck.lateral_convs[0].norm is None
    assert neck.fpn_convs[0].norm is not None


@pytest.mark.parametrize(
    ("kwargs", "key"),
    [
        (dict(num_outs=2), "num_outs"),
        (dict(end_level=2, num_outs=3), "end_level"),
        (dict(add_extra_convs="on_outputs"), "add_extra_convs"),
    ],
)
def test_bad_arguments_name_the_key(kwargs, key):
    with pytest.raises(ConfigError, match=key):
        fpn(**kwargs)


def test_bfloat16_neck_reads_float32_maps():
    assert {out.dtype for out in fpn().bfloat16()(maps())} == {torch.bfloat16}
