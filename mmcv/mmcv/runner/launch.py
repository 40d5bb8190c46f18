"""From a command line to a training run: the one entry of all tasks."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch.distributed as dist
from torch import nn

from mmcv.config import Config
from mmcv.data.errors import DataError, describe_dead_worker
from mmcv.registry import Registry
from mmcv.runner.auto_resume import find_checkpoint
from mmcv.runner.build import (
    build_runner,
    build_strategy,
    build_train_loader,
    register_evaluation,
    register_hooks,
    runner_config,
)
from mmcv.runner.checkpoint import load_checkpoint
from mmcv.runner.checks import in_section
from mmcv.runner.dist_utils import is_distributed
from mmcv.runner.failures import DEFAULT_HANG_TIMEOUT, Failures
from mmcv.runner.interruption import Interrupted, StopRequest
from mmcv.runner.model_loading import build_and_initialize
from mmcv.runner.out_of_memory import memory_advice
from mmcv.runner.runner import BaseRunner
from mmcv.runner.startup import load_config, start_process, start_run
from mmcv.runner.supervisor import Supervisor
from mmcv.runner.train_arguments import parse_arguments
from mmcv.runner.user_errors import Progress, one_line_errors
from mmcv.runner.work_dir_lock import locked


@dataclass(frozen=True)
class Task:
    """What the engine needs to know of a task.

    Attributes:
        name: of its package.
        version: of the 1.x release it stands for; stored in checkpoints.
        models: registry of its models.
        build_dataset: called with a section of ``data`` and default arguments.
        train_loader: defaults of the training loader.
    """

    name: str
    version: str
    models: Registry
    build_dataset: Callable[..., Any]
    train_loader: Mapping[str, Any] = field(default_factory=dict)


def train_main(task: Task, argv: Sequence[str] | None = None) -> None:
    """Trains as ``tools/train.py`` is asked to.

    Args:
        task: whose models and data sets.
        argv: without the program's name; the process's own by default.
    """
    args = parse_arguments(argv)
    stop = StopRequest()
    with stop.listening(), one_line_errors(verbose=args.verbose) as progress:
        cfg = load_config(args)
        start_process(cfg, args)
        with locked(cfg.work_dir), memory_advice(cfg):
            _train(task, cfg, args, stop, progress)


def _train(
    task: Task, cfg: Config, args: argparse.Namespace, stop: StopRequest, progress: Progress
) -> None:
    meta = start_run(task.name, cfg, args)
    train_set = build_dataset(task, cfg, "train")
    val_set = None
    if not args.no_validate and cfg.data.get("val") is not None:
        val_set = build_dataset(task, cfg, "val", {"test_mode": True})
    model = build_model(task, cfg)
    runner, loader = build_training(task, model, train_set, cfg, val_set=val_set, meta=meta)
    failures = Failures(**{"hang_timeout": DEFAULT_HANG_TIMEOUT, **(cfg.get("failures") or {})})
    runner.supervisor = Supervisor(failures, stop)
    progress.is_running = True
    try:
        runner.run(loader, cfg.get("workflow"))
    except Interrupted:
        _leave_process_group()
        raise
    except RuntimeError as error:
        # torch says so in a signal handler, wherever this process just is.
        loader_numbers = (cfg.data.get(key, 0) for key in ("workers_per_gpu", "samples_per_gpu"))
        death = describe_dead_worker(error, *loader_numbers)
        if not death:
            raise
        raise DataError(death) from error
    _leave_process_group()


def _leave_process_group() -> None:
    if is_distributed():
        dist.destroy_process_group()


def train_model(task: Task, model: nn.Module, train_set: Any, cfg: Config, **options: Any) -> None:
    """Trains a model that is built and initialised; arguments as for :func:`build_training`."""
    runner, loader = build_training(task, model, train_set, cfg, **options)
    runner.run(loader, cfg.get("workflow"))


def build_training(
    task: Task,
    model: nn.Module,
    train_set: Any,
    cfg: Config,
    *,
    val_set: Any = None,
    meta: dict[str, Any] | None = None,
    timestamp: str | None = None,
) -> tuple[BaseRunner, Any]:
    """Returns a runner, where a run that is continued has got to, and the loader for it.

    Args:
        task: gives the defaults of the loader.
        model: on the CPU, in fp32.
        train_set: training samples.
        cfg: everything else, ``work_dir`` included.
        val_set: what is evaluated in between; None: nothing is.
        meta: stored in every checkpoint.
        timestamp: in the names of log files; the time by default.
    """
    checkpoint = find_checkpoint(cfg)
    if checkpoint is None and cfg.get("load_from"):
        load_checkpoint(model, cfg.load_from)
    facts = {**(meta or {}), **_classes(model, train_set), f"{task.name}_version": task.version}
    strategy = build_strategy(model, cfg)
    log = logging.getLogger(task.name)
    fixed = {"strategy": strategy, "work_dir": cfg.work_dir, "logger": log, "meta": facts}
    runner = build_runner(runner_config(cfg), fixed)
    runner.supervisor = Supervisor(Failures(**(cfg.get("failures") or {})))
    runner.timestamp = timestamp or cfg.get("timestamp") or runner.timestamp
    register_hooks(runner, cfg)
    if val_set is not None:
        register_evaluation(runner, val_set, cfg)
    loader = build_train_loader(train_set, cfg, task.train_loader)
    if checkpoint is not None:
        runner.resume(checkpoint)
    return runner, loader


def build_dataset(
    task: Task, cfg: Config, split: str, defaults: Mapping[str, Any] | None = None
) -> Any:
    """Builds the data set of ``data.<split>`` and checks that it can be used."""
    section = cfg.data[split]
    path = f"data.{split}"
    with in_section(path, section):
        dataset = task.build_dataset(section, defaults)
        if hasattr(dataset, "check"):
            dataset.check()
    return dataset


def build_model(task: Task, cfg: Config) -> nn.Module:
    """Builds the model on the CPU, initialises it, and logs its size."""
    outer = {key: cfg[key] for key in ("train_cfg", "test_cfg") if cfg.get(key) is not None}

    def build() -> nn.Module:
        with in_section("model", cfg.model):
            return task.models.build(cfg.model, default_args=outer)

    model = build_and_initialize(build, cfg)
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    total = sum(p.numel() for p in model.parameters())
    log = logging.getLogger(task.name)
    log.info("%s", model)
    log.info("trainable parameters: %s of %s", f"{trainable:,}", f"{total:,}")
    return model


def _classes(model: nn.Module, dataset: Any) -> dict[str, Any]:
    """Returns the data set's classes and colours, which the model gets too."""
    found = {key: getattr(dataset, key, None) for key in ("CLASSES", "PALETTE")}
    found = {key: value for key, value in found.items() if value is not None}
    for key, value in found.items():
        setattr(model, key, value)
    return found
