"""What detection's ``tools/test.py`` adds to mmcv's: boxes and masks as json, pictures."""

from __future__ import annotations

import argparse
from typing import Any

from torch import nn
from torch.utils.data import DataLoader

from mmcv.cnn import fuse_conv_bn
from mmcv.config import Config
from mmcv.fileio import dump
from mmcv.registry import check_arguments
from mmcv.runner.build import check_metrics
from mmcv.runner.checks import in_section
from mmcv.runner.evaluation_tool import EvaluationTool, write_metrics
from mmcv.runner.testing import run_inference
from mmcv.utils import print_log
from mmdet.apis.test import drawing
from mmdet.datasets.utils import replace_ImageToTensor
from mmdet.evaluation.records import encode_results
from mmdet.task import TASK

# Keys of ``evaluation`` that are no arguments of ``dataset.evaluate``.
HOOK_KEYS = (
    "interval",
    "tmpdir",
    "start",
    "gpu_collect",
    "save_best",
    "rule",
    "dynamic_intervals",
    "by_epoch",
    "pre_eval",
    "metric",
)


class DetectionTool(EvaluationTool):
    """Testing of detectors."""

    task = TASK

    def add_flags(self, parser: argparse.ArgumentParser) -> None:
        """Adds detection's flags."""
        parser.add_argument(
            "--eval", nargs="+", help="metrics: bbox, segm, proposal (COCO), mAP, recall (VOC)"
        )
        parser.add_argument(
            "--format-only",
            action="store_true",
            help="write json files for a test server, without evaluation; their prefix is"
            " --eval-options jsonfile_prefix=PREFIX",
        )
        parser.add_argument(
            "--fuse-conv-bn", action="store_true", help="fold batch norms into convolutions"
        )
        parser.add_argument(
            "--show-score-thr", type=float, default=0.3, help="lowest score in pictures"
        )
        parser.add_argument("--gpu-ids", type=int, nargs="+", help="the first one is used")

    def check_flags(self, parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
        """Takes the GPU of ``--gpu-ids``."""
        if args.gpu_ids:
            args.gpu_id = args.gpu_ids[0]

    def adapt_config(self, cfg: Config, args: argparse.Namespace) -> None:
        """Lets batches of several images be padded to one size."""
        loader = cfg.data.get("test_dataloader", {})
        tests = cfg.data.test if isinstance(cfg.data.test, (list, tuple)) else [cfg.data.test]
        sizes = [test.pop("samples_per_gpu", 1) for test in tests]
        size = max([*sizes, loader.get("samples_per_gpu", 1)])
        if size == 1:
            return
        cfg.data.test_dataloader = {**loader, "samples_per_gpu": size}
        for test in tests:
            test.pipeline = replace_ImageToTensor(test.pipeline)

    def check_options(self, dataset: Any, args: argparse.Namespace) -> None:
        """Raises ConfigError for metrics and options that the data set does not know."""
        with in_section("--eval", args.eval):
            check_metrics(dataset, args.eval)
        with in_section("--eval-options", args.eval_options):
            given = {"results": [], **args.eval_options}
            if args.eval:
                check_arguments(dataset.evaluate, {**given, "metric": args.eval})
            if args.format_only:
                check_arguments(dataset.format_results, given)

    def predict(
        self, model: nn.Module, loader: DataLoader, args: argparse.Namespace
    ) -> list[Any] | None:
        """Returns boxes per class, with masks as RLE."""
        if args.fuse_conv_bn:
            model = fuse_conv_bn(model)
        draw = None
        if args.show or args.show_dir:
            options = {"show": args.show, "out_dir": args.show_dir}
            draw = drawing(model, loader, score_thr=args.show_score_thr, **options)

        def keep(predictions: list[Any], indices: list[int]) -> list[Any]:
            reduce = getattr(loader.dataset, "pre_eval", None)
            return reduce(predictions, indices) if reduce else encode_results(predictions)

        return run_inference(model, loader, pre_eval=keep, on_result=draw)

    def report(
        self, results: list[Any], dataset: Any, cfg: Config, args: argparse.Namespace
    ) -> None:
        """Writes results and metrics."""
        if args.out:
            dump(results, args.out)
        if args.format_only:
            dataset.format_results(results, **args.eval_options)
        if not args.eval:
            return
        section = cfg.get("evaluation") or {}
        options = {key: value for key, value in section.items() if key not in HOOK_KEYS}
        options.update(metric=args.eval, **args.eval_options)
        metrics = dataset.evaluate(results, **options)
        print_log(str(dict(metrics)), logger=TASK.name)
        write_metrics(args, "eval", dict(metrics))


parse_arguments = DetectionTool().parse
test_main = DetectionTool().main
