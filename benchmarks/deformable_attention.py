"""Times multi-scale deformable attention against its ``F.grid_sample`` form, side by side.

    python benchmarks/deformable_attention.py                 # one CPU thread
    python benchmarks/deformable_attention.py --device cuda

Both sides run in turn in one process, so that a busy machine slows both; the CPU figure is process
time. Each line gives medians over the rounds and the ratio of the two sides.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import torch

from mmops.deformable_attention import ms_deform_attn


class Case(NamedTuple):
    """Maps, queries, heads, channels of a head, and points; one image."""

    name: str
    shapes: list[tuple[int, int]]
    queries: int
    heads: int
    channels: int
    points: int


CASES = [
    Case("injector, 512 px", [(64, 64), (32, 32), (16, 16)], 1024, 25, 32, 4),
    Case("extractor, 512 px", [(32, 32)], 5376, 25, 32, 4),
    Case("Deformable DETR", [(64, 64), (32, 32), (16, 16), (8, 8)], 900, 8, 32, 4),
]
Function = Callable[[], object]


def main() -> None:
    """Prints one line for each case and pass."""
    parser = argparse.ArgumentParser(description="Times deformable attention.")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16", "float16"])
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    torch.set_num_threads(1)
    fast = "native" if args.device == "cpu" else "triton"
    print(f"torch {torch.__version__}, python {platform.python_version()}, {args.dtype}, {fast}")
    for case in CASES:
        inputs = make_inputs(case, args.device, getattr(torch, args.dtype))
        sides = {name: training_step(case, inputs, name) for name in ("reference", fast)}
        report(f"{case.name}: forward + backward", sides, args.device, args.rounds)
        names = ("reference", "rows", fast)
        sides = {name: inference(case, inputs, name) for name in names}
        report(f"{case.name}: forward", sides, args.device, args.rounds)


def make_inputs(case: Case, device: str, dtype: torch.dtype) -> list[torch.Tensor]:
    """Returns value, locations (most inside of the maps) and weights that sum to one."""
    generator = torch.Generator().manual_seed(0)
    positions = sum(height * width for height, width in case.shapes)
    samples = (1, case.queries, case.heads, len(case.shapes), case.points)
    value = torch.randn(1, positions, case.heads, case.channels, generator=generator)
    locations = torch.rand(*samples, 2, generator=generator) * 1.1 - 0.05
    weights = torch.rand(samples, generator=generator).flatten(-2).softmax(-1).view(samples)
    inputs = [value.to(device, dtype), locations.to(device), weights.to(device)]
    return [t.requires_grad_() for t in inputs]


def training_step(case: Case, inputs: list[torch.Tensor], backend: str) -> Function:
    """Returns a forward and backward pass."""
    grad = torch.ones(1, case.queries, case.heads * case.channels).to(inputs[0])

    def run() -> object:
        output = ms_deform_attn(inputs[0], case.shapes, inputs[1], inputs[2], backend=backend)
        return torch.autograd.grad(output, inputs, grad)

    return run


def inference(case: Case, inputs: list[torch.Tensor], backend: str) -> Function:
    """Returns a forward pass without gradients."""

    @torch.no_grad()
    def run() -> object:
        return ms_deform_attn(inputs[0], case.shapes, inputs[1], inputs[2], backend=backend)

    return run


def report(title: str, sides: dict[str, Function], device: str, rounds: int) -> None:
    """Runs the sides in turn and prints their medians relative to the first."""
    for function in sides.values():
        measure(function, device)
    times = {name: [] for name in sides}
    for _ in range(rounds):
        for name, function in sides.items():
            times[name].append(measure(function, device))
    medians = {name: statistics.median(values) for name, values in times.items()}
    base = medians["reference"]
    figures = [f"{name} {ms:.2f} ms ({base / ms:.2f}x)" for name, ms in medians.items()]
    print(f"{title:38} " + "  ".join(figures))


def measure(function: Function, device: str) -> float:
    """Returns milliseconds: process time on the CPU, device time on a GPU."""
    if device == "cpu":
        start = time.process_time()
        function()
        return (time.process_time() - start) * 1e3
    events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
    events[0].record()
    function()
    events[1].record()
    torch.cuda.synchronize()
    return events[0].elapsed_time(events[1])


if __name__ == "__main__":
    main()
