"""What ``tools/test.py`` does: the model and the data set of a config, and a checkpoint's weights.

The model runs in the dtypes and the data pass through the same code as in the evaluations during
training, so that the metrics are the same to the last digit.
"""

from __future__ import annotations

import argparse
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.utils.data import DataLoader

from mmcv import settings
from mmcv.config import Config
from mmcv.fileio import dump
from mmcv.registry import ConfigError
from mmcv.runner.build import build_val_loader
from mmcv.runner.checks import in_section
from mmcv.runner.dist_utils import init_dist, is_distributed
from mmcv.runner.evaluation_arguments import parse_arguments
from mmcv.runner.inference import checkpoint_meta, set_classes, without_pretrained
from mmcv.runner.launch import Task
from mmcv.runner.model_loading import build_and_load
from mmcv.runner.paths import resolve_paths
from mmcv.runner.startup import set_backends
from mmcv.runner.user_errors import one_line_errors
from mmcv.utils import get_logger


class EvaluationTool(ABC):
    """What a task adds to the testing of a checkpoint.

    Attributes:
        task: whose models and data sets.
    """

    task: Task

    @abstractmethod
    def add_flags(self, parser: argparse.ArgumentParser) -> None:
        """Adds the task's flags; ``--eval`` and ``--format-only`` among them."""

    @abstractmethod
    def check_flags(self, parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
        """Reports with ``parser.error`` flags of the task that do not fit together."""

    @abstractmethod
    def adapt_config(self, cfg: Config, args: argparse.Namespace) -> None:
        """Changes the config as the task's flags ask."""

    @abstractmethod
    def check_options(self, dataset: Any, args: argparse.Namespace) -> None:
        """Raises ConfigError, before hours of work, for what the data set cannot evaluate."""

    @abstractmethod
    def predict(
        self, model: nn.Module, loader: DataLoader, args: argparse.Namespace
    ) -> list[Any] | None:
        """Returns on rank 0 what is kept of each image, None elsewhere."""

    @abstractmethod
    def report(
        self, results: list[Any], dataset: Any, cfg: Config, args: argparse.Namespace
    ) -> None:
        """Writes the results, and evaluates them, as the flags say."""

    def parse(self, argv: Sequence[str] | None = None) -> argparse.Namespace:
        """Returns the flags of a command line; the process's own by default."""
        parser = argparse.ArgumentParser(
            description="Tests a model: at least one of --eval, --out, --format-only, --show and"
            " --show-dir says what to do with the results."
        )
        self.add_flags(parser)
        return parse_arguments(parser, self.check_flags, argv)

    def main(self, argv: Sequence[str] | None = None) -> None:
        """Tests as ``tools/test.py`` is asked to.

        Args:
            argv: without the program's name; the process's own by default.
        """
        args = self.parse(argv)
        with one_line_errors(verbose=args.verbose) as progress:
            cfg = self.load_config(args)
            start_process(self.task, cfg, args)
            loader = build_test_loader(self.task, cfg, with_labels=bool(args.eval))
            self.check_options(loader.dataset, args)
            model = self.load_model(cfg, args, loader.dataset)
            progress.is_running = True
            results = self.predict(model, loader, args)
            if results is not None:
                self.report(results, loader.dataset, cfg, args)
        if is_distributed():
            dist.destroy_process_group()

    def load_config(self, args: argparse.Namespace) -> Config:
        """Returns the config with the changes that the flags ask for, checked."""
        cfg = Config.fromfile(args.config)
        cfg.merge_from_dict(args.cfg_options)
        settings.validate_sections(cfg)
        cfg = without_pretrained(cfg)
        resolve_paths(cfg)
        if "test" not in cfg.get("data", {}):
            raise ConfigError("data.test is missing: it says which images are tested")
        self.adapt_config(cfg, args)
        return cfg

    def load_model(self, cfg: Config, args: argparse.Namespace, dataset: Any) -> nn.Module:
        """Builds the model with the weights of the checkpoint, on this rank's device."""

        def build() -> nn.Module:
            return self.task.models.build(cfg.model, default_args={"test_cfg": cfg.get("test_cfg")})

        model, checkpoint = build_and_load(build, args.checkpoint, cfg)
        set_classes(model, checkpoint_meta(checkpoint), dataset)
        return model.to("cuda" if torch.cuda.is_available() else "cpu").eval()


def start_process(task: Task, cfg: Config, args: argparse.Namespace) -> None:
    """Joins the other processes, and chooses this one's device and its settings."""
    if args.launcher != "none":
        init_dist(args.launcher, **cfg.get("dist_params", {}))
    elif torch.cuda.is_available():
        torch.cuda.set_device(args.gpu_id)
    set_backends(cfg)  # as in training, or the metrics would differ
    for name in (task.name, "mmcv"):
        get_logger(name, log_level=cfg.get("log_level", "INFO"))


def build_test_loader(task: Task, cfg: Config, with_labels: bool) -> DataLoader:
    """Builds the loader of this rank's share of ``data.test``, one image at a time by default."""
    with in_section("data.test", cfg.data.test):
        dataset = task.build_dataset(cfg.data.test, {"test_mode": True})
        if hasattr(dataset, "check"):
            dataset.check(with_labels)
    return build_val_loader(dataset, cfg, "test_dataloader")


def write_metrics(args: argparse.Namespace, stem: str, metrics: dict[str, Any]) -> None:
    """Writes ``{config, metric}`` to ``<work dir>/<stem>_<time>.json``.

    Args:
        args: ``work_dir``, by default named after ``config``.
        stem: of the file's name.
        metrics: of the evaluation.
    """
    timestamp = time.strftime("%Y%m%d_%H%M%S", time.localtime())
    folder = Path(args.work_dir or Path("work_dirs") / Path(args.config).stem)
    folder.mkdir(parents=True, exist_ok=True)
    content = {"config": args.config, "metric": metrics}
    dump(content, str(folder / f"{stem}_{timestamp}.json"), indent=4)
