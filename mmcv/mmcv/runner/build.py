"""From the sections of a config to the parts of a training run."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from mmcv.config import Config
from mmcv.data import build_dataloader
from mmcv.hooks.evaluation import EvalHook
from mmcv.registry import RUNNERS, ConfigError, Registry, check_arguments, did_you_mean
from mmcv.runner.checks import in_section
from mmcv.runner.param_groups import build_optimizer
from mmcv.runner.precision import apply_precision
from mmcv.runner.runner import BaseRunner
from mmcv.runner.strategy import Strategy, make_strategy

logger = logging.getLogger(__name__)

RUNNER_BUILDERS = Registry("runner constructor", scope="mmcv")

# Keys of ``data`` that are no arguments of the loaders.
NOT_LOADER_KEYS = frozenset(
    ("train", "val", "test", "train_dataloader", "val_dataloader", "test_dataloader")
)


def build_runner(
    cfg: Mapping[str, Any], default_args: Mapping[str, Any] | None = None
) -> BaseRunner:
    """Builds a runner from ``dict(type='IterBasedRunner', max_iters=...)``.

    Args:
        cfg: the ``runner`` section.
        default_args: arguments used where ``cfg`` has none.
    """
    constructor = {
        "type": cfg.get("constructor", "DefaultRunnerConstructor"),
        "runner_cfg": {key: value for key, value in cfg.items() if key != "constructor"},
        "default_args": default_args,
    }
    return build_runner_constructor(constructor)()


def build_runner_constructor(cfg: Mapping[str, Any]) -> Any:
    """Builds a constructor from ``dict(type=..., runner_cfg=..., default_args=...)``."""
    return RUNNER_BUILDERS.build(cfg)


@RUNNER_BUILDERS.register_module()
class DefaultRunnerConstructor:
    """Builds what ``runner_cfg`` describes; users may register others, to wrap runners.

    Args:
        runner_cfg: the ``runner`` section.
        default_args: arguments used where it has none.
    """

    def __init__(
        self, runner_cfg: Mapping[str, Any], default_args: Mapping[str, Any] | None = None
    ) -> None:
        self.runner_cfg = runner_cfg
        self.default_args = default_args

    def __call__(self) -> BaseRunner:
        """Returns the runner."""
        with in_section("runner", self.runner_cfg):
            return RUNNERS.build(self.runner_cfg, default_args=self.default_args)


def obj_from_dict(
    info: Mapping[str, Any], parent: Any = None, default_args: Mapping[str, Any] | None = None
) -> Any:
    """Builds ``parent.<type>(**rest)``: 1.x's way without a registry.

    Args:
        info: ``type`` is a class, or the name of one in ``parent``.
        parent: module, such as ``torch.optim``.
        default_args: arguments used where ``info`` has none.
    """
    assert isinstance(info, Mapping) and "type" in info
    args = {**(default_args or {}), **info}
    kind: Any = args.pop("type")
    if isinstance(kind, str) and parent is not None:
        kind = getattr(parent, kind)
    elif not isinstance(kind, type):
        raise TypeError(f"type must be a str or valid type, but got {type(kind)}")
    return kind(**args)


def runner_config(cfg: Config) -> Mapping[str, Any]:
    """Returns the ``runner`` section; 1.x's older ``total_epochs`` and ``total_iters`` stand in."""
    if cfg.get("runner") is not None:
        return cfg.runner
    if cfg.get("total_iters") is not None:
        return {"type": "IterBasedRunner", "max_iters": cfg.total_iters}
    if cfg.get("total_epochs") is not None:
        return {"type": "EpochBasedRunner", "max_epochs": cfg.total_epochs}
    raise ConfigError(
        "runner is missing: runner=dict(type='IterBasedRunner', max_iters=80000), or"
        " dict(type='EpochBasedRunner', max_epochs=12)"
    )


def build_train_loader(dataset: Any, cfg: Config, defaults: Mapping[str, Any]) -> Any:
    """Builds the loader of this rank's training batches.

    Args:
        dataset: of training samples.
        cfg: ``data``, in it ``samples_per_gpu``, ``workers_per_gpu`` and ``train_dataloader``.
        defaults: the task's, such as ``drop_last``.
    """
    return _build_loader(dataset, cfg, "train_dataloader", {**defaults, **_loader_keys(cfg)})


def build_val_loader(dataset: Any, cfg: Config, section: str = "val_dataloader") -> Any:
    """Builds the loader of this rank's share of the samples of a test, one at a time by default.

    Args:
        dataset: of test samples.
        cfg: ``data``, in it ``workers_per_gpu`` and ``section``.
        section: ``val_dataloader`` or ``test_dataloader``.
    """
    options = {**_loader_keys(cfg), "samples_per_gpu": 1, "shuffle": False, "drop_last": False}
    return _build_loader(dataset, cfg, section, options)


def _loader_keys(cfg: Config) -> dict[str, Any]:
    return {key: value for key, value in cfg.data.items() if key not in NOT_LOADER_KEYS}


def _build_loader(dataset: Any, cfg: Config, section: str, options: dict[str, Any]) -> Any:
    options = {"seed": cfg.get("seed"), **options, **cfg.data.get(section, {})}
    missing = [key for key in ("samples_per_gpu", "workers_per_gpu") if key not in options]
    if missing:
        raise ConfigError(f"data.{missing[0]} is missing")
    with in_section(f"data.{section}", options):
        return build_dataloader(dataset, dist=True, **options)


def build_strategy(model: nn.Module, cfg: Config) -> Strategy:
    """Casts the model, moves it to its device, and joins it with its optimizer."""
    apply_precision(model, cfg)
    if cfg.get("deepspeed") is not True and torch.cuda.is_available():
        model.cuda()
    optimizer = build_optimizer(model, cfg.optimizer)
    return make_strategy(model, optimizer, cfg)


def register_hooks(runner: BaseRunner, cfg: Config) -> None:
    """Registers the hooks of a config, each once."""
    runner.register_training_hooks(
        cfg.get("lr_config"),
        optimizer_hook_config(cfg),
        cfg.get("checkpoint_config"),
        cfg.get("log_config"),
        cfg.get("momentum_config"),
        custom_hooks_config=cfg.get("custom_hooks"),
    )


def optimizer_hook_config(cfg: Config) -> dict[str, Any]:
    """Returns the optimizer hook's section, with what ``fp16`` and ``gradient_cumulative`` add."""
    config = dict(cfg.get("optimizer_config") or {})
    config.update(cfg.get("gradient_cumulative") or {})
    if cfg.get("fp16") is not None:
        config = {"type": "Fp16OptimizerHook", **config, **cfg.fp16}
    return config


def register_evaluation(runner: BaseRunner, dataset: Any, cfg: Config) -> None:
    """Registers the hook that evaluates while training.

    Raises:
        ConfigError: a key of ``evaluation`` that neither the hook nor ``dataset.evaluate`` takes,
            or a metric that the data set does not know.
    """
    reduces = getattr(dataset, "PRE_EVAL", False)  # whether predictions are too large to keep
    options = {"pre_eval": reduces, **(cfg.get("evaluation") or {})}
    options["by_epoch"] = runner.unit == "epoch"
    with in_section("evaluation", options):
        hook = EvalHook(build_val_loader(dataset, cfg), **options)
        check_arguments(dataset.evaluate, {"results": [], "logger": None, **hook.eval_kwargs})
        check_metrics(dataset, hook.eval_kwargs.get("metric"))
    runner.register_hook(hook, priority="LOW")


def check_metrics(dataset: Any, metric: str | Sequence[str] | None) -> None:
    """Raises ConfigError for a metric that ``dataset.evaluate`` cannot compute.

    Args:
        dataset: may list in ``METRICS`` what it computes; without, nothing is checked.
        metric: one name or several.
    """
    known = getattr(dataset, "METRICS", None)
    names = [metric] if isinstance(metric, str) else (metric or [])
    for name in names:
        if known and name not in known:
            hint = did_you_mean(name, known)
            raise ConfigError(f"{name!r} is not a metric{hint} (possible: {', '.join(known)})")
