"""1.x import path of ``mmcv.hooks.sampler_seed``."""

from mmcv.hooks.sampler_seed import DistSamplerSeedHook

__all__ = ["DistSamplerSeedHook"]
