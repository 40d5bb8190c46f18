"""``tools/plan.py``: what a config needs, before anything is downloaded or started."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mmcv.config import Config, DictAction
from mmcv.planner.hardware import GPUS, find_gpu
from mmcv.planner.measure import build_on_meta, count_parameters, measure
from mmcv.planner.plan import make_plan
from mmcv.planner.report import render, render_parameters
from mmcv.registry import ConfigError
from mmcv.runner.inference import without_pretrained
from mmcv.runner.launch import Task
from mmcv.runner.user_errors import one_line_errors

DIVISOR = 16  # of the default size; patch size if the backbone has one


def main(task: Task, argv: Sequence[str] | None = None) -> None:
    """Runs the planner.

    Args:
        task: whose models.
        argv: without the program's name; the process's own by default.
    """
    args = _parse(argv)
    with one_line_errors(verbose=False):
        cfg = Config.fromfile(args.config)
        cfg.merge_from_dict(args.cfg_options or {})
        gpu = find_gpu(args.gpu, args.gpu_mem)
        # Neither weights nor precision of files that are not there matter here.
        model = build_on_meta(task.models, without_pretrained(cfg))
        print(f"{args.config}\n")
        if args.parameters:
            print(render_parameters(count_parameters(model)))
            return
        measured = measure(model, tuple(args.size) if args.size else image_size(cfg))
        plan = make_plan(
            cfg, measured, gpu, args.gpus, batch=args.batch, efficiency=args.efficiency
        )
        print(render(plan))


def image_size(cfg: Config) -> tuple[int, int]:
    """Returns (H, W) of training images: the crop, or the largest scale of the resizing.

    Raises:
        ConfigError: the pipeline says neither.
    """
    steps = _steps((cfg.get("data") or {}).get("train") or {})
    crops = [s["crop_size"] for s in steps if s.get("type") == "RandomCrop" and "crop_size" in s]
    if crops and isinstance(crops[-1], (tuple, list)):
        return crops[-1][0], crops[-1][1]
    scales = [s["img_scale"] for s in steps if s.get("type") == "Resize" and "img_scale" in s]
    if not scales:
        raise ConfigError("data.train.pipeline has no RandomCrop or Resize: give --size H W")
    scale = scales[-1]
    if isinstance(scale, list):
        scale = max(scale, key=lambda pair: pair[0] * pair[1])
    patch = cfg.model.get("backbone", {}).get("patch_size", DIVISOR)
    divisor = next((s["size_divisor"] for s in steps if s.get("size_divisor")), patch)
    return tuple(-(-side // divisor) * divisor for side in sorted(scale))  # type: ignore[return-value]


def _steps(section: object) -> list[dict]:
    """Returns the steps of the first data set's pipeline, also behind wrappers."""
    if isinstance(section, (list, tuple)):
        return _steps(section[0])
    if not isinstance(section, dict):
        return []
    return section.get("pipeline") or _steps(section.get("dataset") or {})


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Tell what training a config needs: memory by ZeRO stage and batch, time,"
        " communication, disk; and the settings to use. Needs no GPU, no data, no weights."
    )
    parser.add_argument("config", help="config file")
    parser.add_argument("--gpus", type=int, default=8, help="number of GPUs (default 8)")
    parser.add_argument(
        "--gpu", default="a100", help=f"kind of GPU: {', '.join(GPUS)} (default a100)"
    )
    parser.add_argument("--gpu-mem", type=float, help="GiB per GPU, if not all or another model")
    parser.add_argument("--batch", type=int, help="images per update (default: the recipe's)")
    parser.add_argument("--size", type=int, nargs=2, metavar=("H", "W"), help="of the images")
    parser.add_argument(
        "--efficiency",
        type=float,
        default=0.45,
        help="part of the GPU's peak that is reached with 16 images at a time (default 0.45)",
    )
    parser.add_argument("--parameters", action="store_true", help="count parameters, nothing else")
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, help="changes: key=value")
    args = parser.parse_args(argv)
    if args.gpus < 1:
        parser.error(f"--gpus must be at least 1, but is {args.gpus}")
    if not 0 < args.efficiency <= 1:
        parser.error(f"--efficiency must be in (0, 1], but is {args.efficiency}")
    return args
