"""The hooks that ask for half precision."""

from __future__ import annotations

import logging

import pytest
import torch

from mmcv.hooks.precision import ToBFloat16Hook, ToFloat16Hook
from mmcv.registry import ConfigError

KINDS = {ToBFloat16Hook: torch.bfloat16, ToFloat16Hook: torch.float16}


@pytest.mark.parametrize("kind", KINDS)
def test_a_backbone_of_the_dtype_is_logged(make_runner, kind, caplog):
    runner = make_runner()
    runner.model.backbone.to(KINDS[kind])
    with caplog.at_level(logging.INFO, logger="mmcv"):
        kind().before_run(runner)
    dtype = str(KINDS[kind]).removeprefix("torch.")
    assert f"{kind.__name__}: backbone {dtype}, head float32" in caplog.text


@pytest.mark.parametrize("kind", KINDS)
def test_a_backbone_of_another_dtype_is_an_error_with_the_cure(make_runner, kind):
    with pytest.raises(ConfigError, match=r"its parameters are float32\..*apply_precision"):
        kind().before_run(make_runner())


def test_a_model_without_backbone_is_an_error(make_runner):
    runner = make_runner()
    del runner.strategy.module.backbone
    with pytest.raises(ConfigError, match="its parameters are missing"):
        ToBFloat16Hook().before_run(runner)
