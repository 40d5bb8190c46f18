"""What segmentation's ``tools/test.py`` adds to mmcv's: label maps, views, overlays."""

from __future__ import annotations

import argparse
import shutil
from typing import Any

from torch import nn
from torch.utils.data import DataLoader

from mmcv.config import Config
from mmcv.fileio import dump
from mmcv.registry import ConfigError, check_arguments
from mmcv.runner.build import check_metrics
from mmcv.runner.checks import in_section
from mmcv.runner.evaluation_tool import EvaluationTool, write_metrics
from mmcv.runner.testing import run_inference
from mmseg.apis.test import choose_reduction, drawing
from mmseg.apis.testing_arguments import add_flags, check_flags
from mmseg.task import TASK

# Scales of --aug-test, times the size of the config.
AUG_RATIOS = [0.5, 0.75, 1.0, 1.25, 1.5, 1.75]
# Default folder of label maps, under 1.x's name.
FORMAT_FOLDER = ".format_cityscapes"


class SegmentationTool(EvaluationTool):
    """Testing of segmentors."""

    task = TASK

    def add_flags(self, parser: argparse.ArgumentParser) -> None:
        """Adds segmentation's flags."""
        add_flags(parser)

    def check_flags(self, parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
        """Reports flags that do not fit together."""
        check_flags(parser, args)

    def adapt_config(self, cfg: Config, args: argparse.Namespace) -> None:
        """Lets the pipeline of ``--aug-test`` make many views."""
        if not args.aug_test:
            return
        section = cfg.data.test
        for test in section if isinstance(section, (list, tuple)) else [section]:
            steps = [s for s in test.get("pipeline", []) if s.get("type") == "MultiScaleFlipAug"]
            if not steps:
                raise ConfigError("--aug-test needs a step MultiScaleFlipAug in data.test.pipeline")
            steps[0].update(img_ratios=AUG_RATIOS, flip=True)

    def check_options(self, dataset: Any, args: argparse.Namespace) -> None:
        """Raises ConfigError for metrics and options that the data set does not know."""
        with in_section("--eval", args.eval):
            check_metrics(dataset, args.eval)
        with in_section("--eval-options", args.eval_options):
            if args.eval:
                check_arguments(dataset.evaluate, {"results": [], **_evaluate_options(args)})
            if args.format_only or _writes_cityscapes(args):
                check_arguments(dataset.format_results, {"results": [], **_format_options(args)})

    def predict(
        self, model: nn.Module, loader: DataLoader, args: argparse.Namespace
    ) -> list[Any] | None:
        """Returns predictions, counts, or names of files."""
        keep = choose_reduction(
            loader,
            efficient_test=False,
            pre_eval=bool(args.eval) and not _writes_cityscapes(args),
            format_only=args.format_only or _writes_cityscapes(args),
            format_args=_format_options(args),
        )
        draw = None
        if args.show or args.show_dir:
            options = {"show": args.show, "out_dir": args.show_dir, "opacity": args.opacity}
            draw = drawing(model, loader, **options)
        return run_inference(model, loader, pre_eval=keep or False, on_result=draw)

    def report(
        self, results: list[Any], dataset: Any, cfg: Config, args: argparse.Namespace
    ) -> None:
        """Writes results and metrics."""
        if args.out:
            dump(results, args.out)
        if not args.eval:
            return
        metrics = dataset.evaluate(results, **_evaluate_options(args))
        kind = "multi" if args.aug_test else "single"
        write_metrics(args, f"eval_{kind}_scale", metrics)
        if _writes_cityscapes(args) and "imgfile_prefix" not in args.eval_options:
            shutil.rmtree(FORMAT_FOLDER)


def _writes_cityscapes(args: argparse.Namespace) -> bool:
    return bool(args.eval) and "cityscapes" in args.eval


def _evaluate_options(args: argparse.Namespace) -> dict[str, Any]:
    options = {key: v for key, v in args.eval_options.items() if key != "efficient_test"}
    formatted = _format_options(args) if _writes_cityscapes(args) else {}
    return {**options, **formatted, "metric": args.eval}


def _format_options(args: argparse.Namespace) -> dict[str, Any]:
    if args.format_only or _writes_cityscapes(args):
        return {"imgfile_prefix": FORMAT_FOLDER, **args.eval_options}
    return {}


parse_arguments = SegmentationTool().parse
test_main = SegmentationTool().main
