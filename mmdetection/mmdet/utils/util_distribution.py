"""1.x import path."""

from mmcv.parallel.factories import build_ddp, build_dp, ddp_factory, dp_factory, get_device

__all__ = ["build_ddp", "build_dp", "ddp_factory", "dp_factory", "get_device"]
