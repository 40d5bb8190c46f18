"""Plug-ins of 1.x find hooks, schedules and optimizers at exactly these paths."""

from __future__ import annotations

from importlib import import_module

import pytest

import mmcv.hooks

PATHS = {
    "mmcv.runner": (
        "HOOKS Hook OPTIMIZERS OPTIMIZER_BUILDERS DefaultOptimizerConstructor build_optimizer"
        " build_optimizer_constructor OptimizerHook Fp16OptimizerHook TextLoggerHook LogBuffer"
        " GradientCumulativeOptimizerHook GradientCumulativeFp16OptimizerHook EvalHook DistEvalHook"
        " DistSamplerSeedHook LoggerHook TensorboardLoggerHook WandbLoggerHook EMAHook"
    ),
    "mmcv.runner.hooks": "HOOKS Hook CheckpointHook LoggerHook TextLoggerHook OptimizerHook",
    "mmcv.runner.hooks.hook": "HOOKS Hook",
    "mmcv.runner.hooks.checkpoint": "CheckpointHook",
    "mmcv.runner.hooks.closure": "ClosureHook",
    "mmcv.runner.hooks.ema": "EMAHook",
    "mmcv.runner.hooks.evaluation": "EvalHook DistEvalHook",
    "mmcv.runner.hooks.iter_timer": "IterTimerHook",
    "mmcv.runner.hooks.logger": "LoggerHook TextLoggerHook TensorboardLoggerHook WandbLoggerHook",
    "mmcv.runner.hooks.logger.base": "LoggerHook",
    "mmcv.runner.hooks.logger.tensorboard": "TensorboardLoggerHook",
    "mmcv.runner.hooks.logger.text": "TextLoggerHook",
    "mmcv.runner.hooks.logger.wandb": "WandbLoggerHook",
    "mmcv.runner.hooks.lr_updater": (
        "LrUpdaterHook FixedLrUpdaterHook StepLrUpdaterHook ExpLrUpdaterHook PolyLrUpdaterHook"
        " InvLrUpdaterHook CosineAnnealingLrUpdaterHook FlatCosineAnnealingLrUpdaterHook"
        " CosineRestartLrUpdaterHook CyclicLrUpdaterHook OneCycleLrUpdaterHook"
        " LinearAnnealingLrUpdaterHook annealing_cos annealing_linear format_param"
    ),
    "mmcv.runner.hooks.memory": "EmptyCacheHook",
    "mmcv.runner.hooks.momentum_updater": (
        "MomentumUpdaterHook StepMomentumUpdaterHook CosineAnnealingMomentumUpdaterHook"
        " LinearAnnealingMomentumUpdaterHook CyclicMomentumUpdaterHook OneCycleMomentumUpdaterHook"
    ),
    "mmcv.runner.hooks.optimizer": (
        "OptimizerHook Fp16OptimizerHook GradientCumulativeOptimizerHook"
        " GradientCumulativeFp16OptimizerHook"
    ),
    "mmcv.runner.hooks.profiler": "ProfilerHook",
    "mmcv.runner.hooks.sampler_seed": "DistSamplerSeedHook",
    "mmcv.runner.hooks.sync_buffer": "SyncBuffersHook",
    "mmcv.runner.optimizer": (
        "OPTIMIZERS OPTIMIZER_BUILDERS DefaultOptimizerConstructor build_optimizer"
        " build_optimizer_constructor"
    ),
    "mmcv.runner.optimizer.builder": (
        "OPTIMIZERS OPTIMIZER_BUILDERS TORCH_OPTIMIZERS build_optimizer build_optimizer_constructor"
    ),
    "mmcv.runner.optimizer.default_constructor": "DefaultOptimizerConstructor",
}


@pytest.mark.parametrize("path", PATHS)
def test_names_can_be_imported_from_the_path(path):
    module = import_module(path)
    for name in PATHS[path].split():
        assert getattr(module, name) is not None


def test_every_hook_is_a_name_of_the_runner_as_in_1x():
    runner = import_module("mmcv.runner")
    for name in mmcv.hooks.__all__:
        assert getattr(runner, name) is getattr(mmcv.hooks, name)
