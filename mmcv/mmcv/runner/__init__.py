"""Training runs: loops, strategies, checkpoints. 1.x's names, imported when first asked for."""

from mmcv.lazy import lazy_names

_HOMES = {
    "mmcv.hooks": (
        "CheckpointHook ClosureHook CosineAnnealingLrUpdaterHook"
        " CosineAnnealingMomentumUpdaterHook CosineRestartLrUpdaterHook"
        " CustomizedTextLoggerHook CyclicLrUpdaterHook CyclicMomentumUpdaterHook DistEvalHook"
        " DistSamplerSeedHook EMAHook EmptyCacheHook EvalHook ExpLrUpdaterHook"
        " FixedLrUpdaterHook FlatCosineAnnealingLrUpdaterHook Fp16OptimizerHook"
        " GradientCumulativeFp16OptimizerHook GradientCumulativeOptimizerHook Hook"
        " InvLrUpdaterHook IterTimerHook LinearAnnealingLrUpdaterHook"
        " LinearAnnealingMomentumUpdaterHook LoggerHook LrUpdaterHook MomentumUpdaterHook"
        " OneCycleLrUpdaterHook OneCycleMomentumUpdaterHook OptimizerHook PolyLrUpdaterHook"
        " ProfilerHook StepLrUpdaterHook StepMomentumUpdaterHook SyncBuffersHook"
        " TensorboardLoggerHook TextLoggerHook ToBFloat16Hook ToFloat16Hook WandbLoggerHook"
        " ZeroHook"
    ),
    "mmcv.hooks.log_buffer": "LogBuffer",
    "mmcv.model": "BaseModule ModuleDict ModuleList Sequential",
    "mmcv.registry": "HOOKS OPTIMIZERS OPTIMIZER_BUILDERS RUNNERS",
    "mmcv.runner.checkpoint": (
        "CheckpointLoader _load_checkpoint _load_checkpoint_with_prefix load_checkpoint"
        " load_state_dict save_checkpoint weights_to_cpu"
    ),
    "mmcv.runner.dist_utils": (
        "allreduce_grads allreduce_params get_dist_info init_dist master_only"
    ),
    "mmcv.runner.fp16_utils": "auto_fp16 force_fp32 wrap_fp16_model",
    "mmcv.runner.iter_loader": "IterLoader",
    "mmcv.runner.param_groups": (
        "DefaultOptimizerConstructor build_optimizer build_optimizer_constructor"
    ),
    "mmcv.runner.priority": "Priority get_priority",
    "mmcv.runner.build": "build_runner build_runner_constructor obj_from_dict",
    "mmcv.runner.runner": "BaseRunner EpochBasedRunner IterBasedRunner",
    "mmcv.runner.seed": "set_random_seed",
}
__getattr__, __dir__, __all__ = lazy_names(__name__, _HOMES)  # pyright: ignore
