"""Images per second at inference: ``tools/benchmark.py``."""

from __future__ import annotations

import argparse
import functools
import statistics
import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from mmcv.config import Config, DictAction
from mmcv.registry import ConfigError
from mmcv.runner.evaluation_tool import build_test_loader
from mmcv.runner.inference import load_config, load_weights
from mmcv.runner.launch import Task
from mmcv.runner.paths import resolve_paths
from mmcv.runner.startup import set_backends
from mmcv.runner.testing import to_device
from mmcv.runner.user_errors import one_line_errors

WARM_UP = 5


def main(task: Task, argv: Sequence[str] | None = None) -> None:
    """Times the model of a config on its test images.

    Args:
        task: whose models and data sets.
        argv: without the program's name; the process's own by default.
    """
    args = _parse(argv)
    with one_line_errors(verbose=False):
        cfg: Any = load_config(Config.fromfile(args.config), args.cfg_options)
        resolve_paths(cfg)
        if "test" not in cfg.get("data", {}):
            raise ConfigError("data.test is missing: it says which images are timed")
        set_backends(cfg)
        loader = build_test_loader(task, cfg, with_labels=False)
        device = args.device or ("cuda" if torch.cuda.is_available() else "cpu")
        fixed = {"test_cfg": cfg.get("test_cfg")}
        build = functools.partial(task.models.build, cfg.model, default_args=fixed)
        model = load_weights(build, cfg, args.checkpoint, loader.dataset, device)
        rates = []
        for repeat in range(args.repeat_times):
            seconds = time_images(model, loader, torch.device(device), args.max_images)
            rates.append(len(seconds) / sum(seconds))
            print(
                f"run {repeat + 1}: {len(seconds)} images, {rates[-1]:.2f} img/s,"
                f" median {statistics.median(seconds) * 1e3:.1f} ms"
            )
    print(f"average of {len(rates)} runs: {statistics.fmean(rates):.2f} img/s on {device}")


def time_images(model: nn.Module, loader: Any, device: torch.device, limit: int) -> list[float]:
    """Returns the seconds of each batch of ``loader``; loading of files does not count.

    Args:
        model: in evaluation mode.
        loader: of test samples.
        device: where the model is.
        limit: batches to time.
    """
    seconds: list[float] = []
    warm_up = min(WARM_UP, max(len(loader) - 1, 0))
    for i, batch in enumerate(loader):
        moved = to_device(batch, device)
        _wait_for(device)
        start = time.perf_counter()
        with torch.no_grad():
            model(return_loss=False, rescale=True, **moved)
        _wait_for(device)
        if i >= warm_up:
            seconds.append(time.perf_counter() - start)
        if len(seconds) == limit:
            break
    return seconds


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time a model on the test images of its config.")
    parser.add_argument("config", help="config file")
    parser.add_argument("checkpoint", nargs="?", help="weights; random ones take as long")
    parser.add_argument("--repeat-times", type=int, default=1, help="runs over the images")
    parser.add_argument("--max-images", type=int, default=200, help="images of each run")
    parser.add_argument("--device", help="cpu, cuda, cuda:1; default: a GPU if there is one")
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, help="changes: key=value")
    args = parser.parse_args(argv)
    if args.repeat_times < 1 or args.max_images < 1:
        parser.error("--repeat-times and --max-images must be at least 1")
    return args
