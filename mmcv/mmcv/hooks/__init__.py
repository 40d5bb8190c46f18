"""What happens around the iterations of a run. Importing this package registers every hook."""

from mmcv.hooks.checkpoint import CheckpointHook
from mmcv.hooks.closure import ClosureHook
from mmcv.hooks.ema import EMAHook
from mmcv.hooks.evaluation import DistEvalHook, EvalHook
from mmcv.hooks.hook import HOOKS, Hook
from mmcv.hooks.iter_timer import IterTimerHook
from mmcv.hooks.logger import LoggerHook
from mmcv.hooks.lr import LrUpdaterHook
from mmcv.hooks.lr_cycles import CyclicLrUpdaterHook, OneCycleLrUpdaterHook
from mmcv.hooks.lr_policies import (
    CosineAnnealingLrUpdaterHook,
    CosineRestartLrUpdaterHook,
    ExpLrUpdaterHook,
    FixedLrUpdaterHook,
    FlatCosineAnnealingLrUpdaterHook,
    InvLrUpdaterHook,
    LinearAnnealingLrUpdaterHook,
    PolyLrUpdaterHook,
    StepLrUpdaterHook,
)
from mmcv.hooks.memory import EmptyCacheHook
from mmcv.hooks.momentum import MomentumUpdaterHook
from mmcv.hooks.momentum_policies import (
    CosineAnnealingMomentumUpdaterHook,
    CyclicMomentumUpdaterHook,
    LinearAnnealingMomentumUpdaterHook,
    OneCycleMomentumUpdaterHook,
    StepMomentumUpdaterHook,
)
from mmcv.hooks.optimizer import (
    Fp16OptimizerHook,
    GradientCumulativeFp16OptimizerHook,
    GradientCumulativeOptimizerHook,
    OptimizerHook,
)
from mmcv.hooks.precision import ToBFloat16Hook, ToFloat16Hook
from mmcv.hooks.profiler import ProfilerHook
from mmcv.hooks.sampler_seed import DistSamplerSeedHook
from mmcv.hooks.sync_buffer import SyncBuffersHook
from mmcv.hooks.tensorboard_logger import TensorboardLoggerHook
from mmcv.hooks.text_logger import CustomizedTextLoggerHook, TextLoggerHook
from mmcv.hooks.wandb_logger import WandbLoggerHook
from mmcv.hooks.zero_redundancy import ZeroHook

__all__ = [
    "HOOKS",
    "CheckpointHook",
    "ClosureHook",
    "CosineAnnealingLrUpdaterHook",
    "CosineAnnealingMomentumUpdaterHook",
    "CosineRestartLrUpdaterHook",
    "CustomizedTextLoggerHook",
    "CyclicLrUpdaterHook",
    "CyclicMomentumUpdaterHook",
    "DistEvalHook",
    "DistSamplerSeedHook",
    "EMAHook",
    "EmptyCacheHook",
    "EvalHook",
    "ExpLrUpdaterHook",
    "FixedLrUpdaterHook",
    "FlatCosineAnnealingLrUpdaterHook",
    "Fp16OptimizerHook",
    "GradientCumulativeFp16OptimizerHook",
    "GradientCumulativeOptimizerHook",
    "Hook",
    "InvLrUpdaterHook",
    "IterTimerHook",
    "LinearAnnealingLrUpdaterHook",
    "LinearAnnealingMomentumUpdaterHook",
    "LoggerHook",
    "LrUpdaterHook",
    "MomentumUpdaterHook",
    "OneCycleLrUpdaterHook",
    "OneCycleMomentumUpdaterHook",
    "OptimizerHook",
    "PolyLrUpdaterHook",
    "ProfilerHook",
    "StepLrUpdaterHook",
    "StepMomentumUpdaterHook",
    "SyncBuffersHook",
    "TensorboardLoggerHook",
    "TextLoggerHook",
    "ToBFloat16Hook",
    "ToFloat16Hook",
    "WandbLoggerHook",
    "ZeroHook",
]
