"""What one image costs at inference: ``tools/get_flops.py``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mmcv.config import Config, DictAction
from mmcv.planner.measure import build_on_meta, count_parameters, forward_flops
from mmcv.planner.report import render_parameters
from mmcv.runner.inference import without_pretrained
from mmcv.runner.launch import Task
from mmcv.runner.user_errors import one_line_errors


def main(task: Task, argv: Sequence[str] | None = None) -> None:
    """Counts the floating point operations of ``forward_dummy`` on the meta device.

    Args:
        task: whose models.
        argv: without the program's name; the process's own by default.
    """
    parser = argparse.ArgumentParser(
        description="Count FLOPs and parameters of a model for one image. A multiply-add is two"
        " FLOPs; attention counts. Needs no GPU and no weights."
    )
    parser.add_argument("config", help="config file")
    parser.add_argument(
        "--shape", type=int, nargs="+", default=[504, 504], help="height and width, or one side"
    )
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, help="changes: key=value")
    args = parser.parse_args(argv)
    if len(args.shape) > 2:
        parser.error(f"--shape takes one or two numbers, but got {args.shape}")
    height, width = args.shape[0], args.shape[-1]
    with one_line_errors(verbose=False):
        cfg = Config.fromfile(args.config)
        cfg.merge_from_dict(args.cfg_options or {})
        model = build_on_meta(task.models, without_pretrained(cfg)).eval()
        flops = forward_flops(model, (height, width))
        print(f"input           3 x {height} x {width}")
        print(f"forward         {flops / 1e9:,.2f} GFLOPs ({flops / 2e9:,.2f} G multiply-adds)")
        print(render_parameters(count_parameters(model)))
