"""Executed FLOPs of one training image, ours against the plain policy, at full size.

Both sides run forward and backward on the meta device, counted by torch's FlopCounterMode; no
memory is needed. The least possible work ("needed") follows from the layers' shapes. Sixteen
images are run, so that the drawn drop paths come near their mean.

    python benchmarks/flops.py
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from eager import backbone_forward
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mmcv.cnn import recompute

ROOT = Path(__file__).resolve().parent.parent
IMAGES = 16
WIDTH = 3200
SEGMENTATION = ROOT / "mmsegmentation/configs/intern_vit_6b"
DETECTION = ROOT / "mmdetection/configs/intern_vit_6b/head_tuning"


@dataclass(frozen=True)
class Job:
    """What is counted, and its goals.

    Attributes:
        config: the recipe.
        size: (H, W) of the images in pixels.
        needed: TFLOP of the least possible work for one image.
        goal: greatest ratio of ours to the plain policy.
    """

    config: Path
    size: tuple[int, int]
    needed: float
    goal: float


def vit_teraflops(tokens: int, blocks: int, *, windows: int = 0) -> float:
    """Forward pass of InternViT-6B's blocks, multiply and add counted as two.

    Args:
        tokens: of one image.
        blocks: how many run.
        windows: of 16 x 16 tokens that attention runs in; 0 means over all tokens.
    """
    linear = 2 * tokens * 12 * WIDTH * WIDTH
    attended = windows * 256**2 if windows else tokens**2
    return blocks * (linear + 4 * attended * WIDTH) / 1e12


def jobs() -> dict[str, Job]:
    """Returns the jobs by name.

    ``needed`` of full tuning: forward, and twice that for the backward pass, of backbone (with
    mean drop-path 0.2 of both branches left out), pyramid and heads (5.79 TFLOP).
    """
    tokens = 36 * 36 + 1
    return {
        "linear": Job(
            SEGMENTATION
            / "linear_probing/linear_intern_vit_6b_504_80k_ade20k_bs16_lr4e-5_frozen.py",
            (504, 504),
            vit_teraflops(tokens, 45),
            0.94,
        ),
        "full": Job(
            SEGMENTATION / "full_tuning/upernet_intern_vit_6b_504_80k_ade20k_bs16_lr4e-5.py",
            (504, 504),
            3 * (0.8 * vit_teraflops(tokens, 48) + 5.79),
            0.70,
        ),
        "detection": Job(
            DETECTION / "mask_rcnn_intern_vit_6b_fpn_1x_coco_bs16_frozen_bf16.py",
            (800, 1344),
            # The backbone's forward pass: 50 x 84 tokens, and three deconvolutions behind them.
            vit_teraflops(50 * 84, 48, windows=4 * 6)
            + 2 * 4 * WIDTH * WIDTH * (1 + 4 + 1) * 50 * 84 / 1e12,
            0.91,
        ),
    }


def build(job: Job) -> nn.Module:
    """Builds the recipe's model on the meta device, ready for training."""
    import mmdet
    import mmseg
    from mmcv.config import Config

    task: Any = mmdet.TASK if job.config.is_relative_to(ROOT / "mmdetection") else mmseg.TASK
    with torch.device("meta"):
        return task.models.build(Config.fromfile(job.config).model).train()


def count(model: nn.Module, job: Job) -> float:
    """Returns the TFLOP of one image: the training step, or the backbone's forward pass."""
    height, width = job.size
    images = torch.empty(IMAGES, 3, height, width, device="meta")
    with FlopCounterMode(display=False) as counter:
        if hasattr(model, "decode_head"):
            segmentation_step(model, images)
        else:
            model.backbone(images)
    return counter.get_total_flops() / IMAGES / 1e12


def segmentation_step(model: Any, images: Tensor) -> None:
    """Runs losses and their backward pass."""
    size = tuple(images.shape[2:])
    labels = torch.empty(IMAGES, 1, *size, dtype=torch.long, device="meta")
    metas = [dict(ori_shape=(*size, 3), img_shape=(*size, 3), pad_shape=(*size, 3))] * IMAGES
    losses = model.forward_train(images, metas, labels)
    total = sum(value.sum() for name, value in losses.items() if "loss" in name)
    assert isinstance(total, Tensor)
    total.backward()


def main() -> None:
    """Prints a row for each job."""
    names = list(jobs())
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("jobs", nargs="*", default=names, metavar="job", help=f"of {names}")
    torch.manual_seed(0)
    # The meta device takes the plain form of attention; a GPU's kernels keep their results.
    recompute.KEPT |= {torch.ops.aten.bmm.default}
    print(f"{'job':<10} {'plain':>8} {'ours':>8} {'needed':>8}  TFLOP/image   ours/plain (goal)")
    for name in parser.parse_args().jobs:
        job = jobs()[name]
        model: Any = build(job)
        ours = count(model, job)
        vit = model.backbone
        vit.forward = lambda images, vit=vit: backbone_forward(vit, images)
        plain = count(model, job)
        print(
            f"{name:<10} {plain:8.2f} {ours:8.2f} {job.needed:8.2f}"
            f"                {ours / plain:.3f} ({job.goal})   ours/needed {ours / job.needed:.3f}"
        )


if __name__ == "__main__":
    main()
