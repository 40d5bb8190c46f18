import pytest
import torch
from torch import nn

from mmcv.registry import ConfigError
from mmcv.runner.precision import apply_precision, cast_parameters


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2))
        self.head = nn.Linear(2, 2)
        self.register_buffer("steps", torch.zeros(1, dtype=torch.long))


def dtypes(module):
    return {p.dtype for p in module.parameters()}


@pytest.mark.parametrize(
    ("settings", "dtype"),
    [
        ({"bf16": {"enabled": True}}, torch.bfloat16),
        ({"fp16": {"enabled": True}}, torch.float16),
        ({"bf16": {"enabled": False}}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_the_json_of_deepspeed_decides_for_all_parameters(settings, dtype):
    # A batch size that does not fit one process must not matter to an evaluation.
    settings = {**settings, "train_batch_size": 16}
    cfg = {"deepspeed": True, "deepspeed_config": settings, "data": {"samples_per_gpu": 2}}
    model = apply_precision(Net(), cfg)
    assert dtypes(model) == {dtype}
    assert model.backbone[1].running_mean.dtype == torch.float32
    assert model.steps.dtype == torch.long


@pytest.mark.parametrize(
    ("hook", "dtype"), [("ToBFloat16Hook", torch.bfloat16), ("ToFloat16Hook", torch.float16)]
)
def test_hooks_cast_the_backbone_and_leave_heads_alone(hook, dtype):
    cfg = {"deepspeed": False, "custom_hooks": [{"type": hook, "priority": 49}]}
    model = apply_precision(Net(), cfg)
    assert dtypes(model.backbone) == {dtype} and dtypes(model.head) == {torch.float32}
    assert model.backbone[1].running_var.dtype == torch.float32


def test_without_a_wish_nothing_changes():
    assert dtypes(apply_precision(Net(), {})) == {torch.float32}
    assert dtypes(apply_precision(Net(), {"custom_hooks": None})) == {torch.float32}


def test_parameters_stay_the_same_objects():
    model = Net()
    before = list(model.parameters())
    cast_parameters(model, torch.bfloat16)
    assert all(a is b for a, b in zip(before, model.parameters(), strict=True))


def test_wishes_that_cannot_be_met():
    hooks = [{"type": "ToBFloat16Hook"}, {"type": "ToFloat16Hook"}]
    with pytest.raises(ConfigError, match="exclude each other"):
        apply_precision(Net(), {"custom_hooks": hooks})
    with pytest.raises(ConfigError, match=r"model.backbone, which Linear lacks"):
        apply_precision(nn.Linear(1, 1), {"custom_hooks": hooks[:1]})
