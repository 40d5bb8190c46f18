"""Times the fused norms against their plain torch form and, on a GPU, against a device copy.

    python benchmarks/norms.py --device cuda --dtype bfloat16
    python benchmarks/norms.py --rows 1297                    # one CPU thread

Bandwidth counts what has to move: each input read once and each output written once.
"""

from __future__ import annotations

import argparse
import platform
import statistics
from collections.abc import Callable

import torch
from deformable_attention import measure
from torch import Tensor

from mmops.norm import add_scale_rms_norm, rms_norm

WIDTH = 3200
# Tensors of (rows, width) that a pass moves: forward, forward + backward.
MOVED = {"rms_norm": (2, 2 + 3), "add_scale_rms_norm": (4, 4 + 6)}


def main() -> None:
    """Prints one line for each norm and pass."""
    parser = argparse.ArgumentParser(description="Times the fused norms.")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--dtype", default="bfloat16", choices=["float32", "bfloat16", "float16"])
    parser.add_argument("--rows", type=int, default=8 * 1297)
    parser.add_argument("--rounds", type=int, default=11)
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, python {platform.python_version()}, {args.dtype}")
    torch.manual_seed(0)
    options = dict(device=args.device, dtype=getattr(torch, args.dtype))
    x, branch, target = (torch.randn(args.rows, WIDTH, **options) for _ in range(3))
    gamma, weight = torch.rand(2, WIDTH, **options)
    megabytes = x.numel() * x.element_size() / 1e6
    (copy,) = medians([lambda: target.copy_(x)], args)
    print(f"copy: {copy:.3f} ms, {2 * megabytes / copy:.0f} GB/s")
    for name, inputs in (
        ("rms_norm", [x, weight]),
        ("add_scale_rms_norm", [x, branch, gamma, weight]),
    ):
        for index, title in enumerate(("forward", "forward + backward")):
            sides = [step(name, inputs, b, bool(index)) for b in ("reference", "fused")]
            times = dict(zip(("reference", "fused"), medians(sides, args), strict=True))
            ratio = times["reference"] / times["fused"]
            speed = MOVED[name][index] * megabytes / times["fused"]
            share = speed / (2 * megabytes / copy)
            print(
                f"{name:20} {title:20} reference {times['reference']:.3f} ms  fused"
                f" {times['fused']:.3f} ms ({ratio:.2f}x), {speed:.0f} GB/s, {share:.0%} of a copy"
            )


def step(
    name: str, inputs: list[Tensor], backend: str, with_backward: bool
) -> Callable[[], object]:
    """Returns a forward pass, or a forward and backward pass."""
    function = {"rms_norm": rms_norm, "add_scale_rms_norm": add_scale_rms_norm}[name]
    leaves = [t.detach().requires_grad_(with_backward) for t in inputs]

    def run() -> object:
        output = function(*leaves, backend=backend)
        if not with_backward:
            return output
        outputs = output if isinstance(output, tuple) else (output,)
        return torch.autograd.grad(outputs, leaves, [inputs[0]] * len(outputs))

    return run


def medians(sides: list[Callable[[], object]], args: argparse.Namespace) -> list[float]:
    """Returns milliseconds of each side; they run in turn, after one call to warm up."""
    for function in sides:
        measure(function, args.device)
    rounds = [[measure(function, args.device) for function in sides] for _ in range(args.rounds)]
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


if __name__ == "__main__":
    main()
