"""What ``tools/test.py`` does: the model and the data set of a config, and a checkpoint's weights.

The model runs in the dtypes and the data pass through the same code as in the evaluations during
training, so that the metrics are the same to the last digit.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.utils.data import DataLoader

from mmcv import settings
from mmcv.config import Config
from mmcv.data import build_dataloader
from mmcv.fileio import dump
from mmcv.registry import ConfigError, check_arguments
from mmcv.runner.build import NOT_LOADER_KEYS, check_metrics
from mmcv.runner.checkpoint import load_checkpoint
from mmcv.runner.checks import in_section
from mmcv.runner.dist_utils import init_dist, is_distributed
from mmcv.runner.paths import resolve_paths
from mmcv.runner.precision import apply_precision
from mmcv.runner.testing import run_inference
from mmcv.runner.user_errors import one_line_errors
from mmcv.utils import get_logger
from mmseg.apis.inference import checkpoint_meta, set_classes, without_pretrained
from mmseg.apis.test import choose_reduction, drawing
from mmseg.apis.testing_arguments import parse_arguments
from mmseg.datasets import build_dataset
from mmseg.models import build_segmentor

# Scales of --aug-test, times the size of the config.
AUG_RATIOS = [0.5, 0.75, 1.0, 1.25, 1.5, 1.75]
# Default folder of label maps, under 1.x's name.
FORMAT_FOLDER = ".format_cityscapes"


def test_main(argv: Sequence[str] | None = None) -> None:
    """Tests as ``tools/test.py`` is asked to.

    Args:
        argv: without the program's name; the process's own by default.
    """
    args = parse_arguments(argv)
    with one_line_errors(verbose=args.verbose) as progress:
        cfg = load_config(args)
        start_process(cfg, args)
        loader = build_test_loader(cfg, with_labels=bool(args.eval))
        check_options(loader.dataset, args)
        model = build_model(cfg, args.checkpoint, loader.dataset)
        progress.is_running = True
        results = run_test(model, loader, args)
        if results is not None:
            report(results, loader.dataset, args)
    if is_distributed():
        dist.destroy_process_group()


def load_config(args: argparse.Namespace) -> Config:
    """Returns the config with the changes that the flags ask for, checked."""
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    settings.validate_sections(cfg)
    cfg = without_pretrained(cfg)
    resolve_paths(cfg)
    if "test" not in cfg.get("data", {}):
        raise ConfigError("data.test is missing: it says which images are tested")
    if args.aug_test:
        _use_many_views(cfg.data.test)
    return cfg


def _use_many_views(section: Any) -> None:
    for test in section if isinstance(section, (list, tuple)) else [section]:
        steps = [s for s in test.get("pipeline", []) if s.get("type") == "MultiScaleFlipAug"]
        if not steps:
            raise ConfigError("--aug-test needs a step MultiScaleFlipAug in data.test.pipeline")
        steps[0].update(img_ratios=AUG_RATIOS, flip=True)


def start_process(cfg: Config, args: argparse.Namespace) -> None:
    """Joins the other processes, and chooses this one's device and its settings."""
    if args.launcher != "none":
        init_dist(args.launcher, **cfg.get("dist_params", {}))
    elif torch.cuda.is_available():
        torch.cuda.set_device(args.gpu_id)
    torch.backends.cudnn.benchmark = bool(cfg.get("cudnn_benchmark", False))
    # As in training, or the metrics would differ.
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    for name in ("mmseg", "mmcv"):
        get_logger(name, log_level=cfg.get("log_level", "INFO"))


def build_test_loader(cfg: Config, with_labels: bool) -> DataLoader:
    """Builds the loader of this rank's share of ``data.test``, one image at a time."""
    with in_section("data.test", cfg.data.test):
        dataset = build_dataset(cfg.data.test, {"test_mode": True})
        if hasattr(dataset, "check"):
            dataset.check(with_labels)
    options = {key: value for key, value in cfg.data.items() if key not in NOT_LOADER_KEYS}
    options.update(samples_per_gpu=1, shuffle=False)
    options.update(cfg.data.get("test_dataloader", {}))
    with in_section("data.test_dataloader", options):
        return build_dataloader(dataset, **options)


def check_options(dataset: Any, args: argparse.Namespace) -> None:
    """Raises ConfigError, before hours of work, for what the data set cannot evaluate."""
    with in_section("--eval", args.eval):
        check_metrics(dataset, args.eval)
    with in_section("--eval-options", args.eval_options):
        if args.eval:
            check_arguments(dataset.evaluate, {"results": [], **_evaluate_options(args)})
        if args.format_only or _writes_cityscapes(args):
            check_arguments(dataset.format_results, {"results": [], **_format_options(args)})


def build_model(cfg: Config, checkpoint: str, dataset: Any) -> nn.Module:
    """Builds the model of a config with the weights of a checkpoint, on this rank's device."""
    model = build_segmentor(cfg.model, test_cfg=cfg.get("test_cfg"))
    apply_precision(model, cfg)
    meta = checkpoint_meta(load_checkpoint(model, checkpoint, map_location="cpu"))
    set_classes(model, meta, dataset)
    return model.to("cuda" if torch.cuda.is_available() else "cpu").eval()


def run_test(model: nn.Module, loader: DataLoader, args: argparse.Namespace) -> list[Any] | None:
    """Returns on rank 0 what is kept of each image: predictions, counts, or names of files."""
    keep = choose_reduction(
        loader,
        efficient_test=False,
        pre_eval=bool(args.eval) and not _writes_cityscapes(args),
        format_only=args.format_only or _writes_cityscapes(args),
        format_args=_format_options(args),
    )
    draw = None
    if args.show or args.show_dir:
        draw = drawing(model, loader, show=args.show, out_dir=args.show_dir, opacity=args.opacity)
    return run_inference(model, loader, pre_eval=keep or False, on_result=draw)


def report(results: list[Any], dataset: Any, args: argparse.Namespace) -> None:
    """Writes the results, and evaluates them, as the flags say."""
    if args.out:
        dump(results, args.out)
    if not args.eval:
        return
    metrics = dataset.evaluate(results, **_evaluate_options(args))
    kind = "multi" if args.aug_test else "single"
    timestamp = time.strftime("%Y%m%d_%H%M%S", time.localtime())
    folder = Path(args.work_dir or Path("work_dirs") / Path(args.config).stem)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"eval_{kind}_scale_{timestamp}.json"
    dump({"config": args.config, "metric": metrics}, str(path), indent=4)
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
