"""Building a model and loading a large checkpoint: around the mapped file, and the usual way.

Peer: the model is built with its initial weights, then ``torch.load`` reads the file and
``load_state_dict`` copies it: what 1.x does. Both ways run in processes of their own, in turn; time
starts when everything is imported. It is taken once more after every page of the weights was
touched, so that no work is put off. Memory is the peak resident set minus that of the process
before, pages of the file included.

    python benchmarks/weight_loading.py            # 1.3 GB, about 2 minutes
    python benchmarks/weight_loading.py --blocks 4 # of InternViT-6B, of 123M parameters each
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn

TARGET_RATIO, TARGET_MEMORY = 8.0, 1.1
SETTINGS = {"deepspeed": True, "deepspeed_config": "zero1_bf16"}


def build(blocks: int) -> nn.Module:
    """Builds the first blocks of InternViT-6B."""
    from mmcv.backbones.intern_vit import InternViT6B

    return InternViT6B(depth=blocks, out_indices=[blocks - 1])


def load_around_the_file(blocks: int, file: str) -> nn.Module:
    """Our way."""
    from mmcv.runner.model_loading import build_and_load

    return build_and_load(lambda: build(blocks), file, SETTINGS)[0]


def load_as_usual(blocks: int, file: str) -> nn.Module:
    """1.x: initialise, read, copy, and cast to what training needs."""
    model = build(blocks)
    model.init_weights()  # type: ignore[operator]
    model.load_state_dict(torch.load(file, map_location="cpu", weights_only=True)["state_dict"])
    return model.bfloat16()


WAYS = {"mapped": load_around_the_file, "usual": load_as_usual}


def measure(way: str, blocks: int, file: str) -> dict[str, float]:
    """Runs one way in this process; returns seconds and bytes."""
    import mmcv.backbones.intern_vit
    import mmcv.runner.model_loading  # noqa: F401

    torch.set_num_threads(1)
    before = memory("VmRSS")
    start = time.perf_counter()
    model = WAYS[way](blocks, file)
    filled = time.perf_counter()
    for param in model.parameters():  # one byte of each page of memory
        param.detach().view(torch.uint8).flatten()[::4096].sum()
    end = time.perf_counter()
    peak = memory("VmHWM")
    checksum = sum(int(p.detach().view(torch.int16).sum()) for p in model.parameters())
    return {
        "fill": filled - start,
        "read": end - start,
        "memory": peak - before,
        "sum": checksum % 2**31,
    }


def memory(kind: str) -> int:
    """Returns the resident set of this process in bytes, now (VmRSS) or at its peak (VmHWM)."""
    found = re.search(rf"{kind}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def run(way: str, blocks: int, file: Path) -> dict[str, Any]:
    """Measures one way in a new process."""
    command = [sys.executable, __file__, "--way", way, "--blocks", str(blocks), "--file", str(file)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(result.stdout.splitlines()[-1])


def write_checkpoint(path: Path, blocks: int) -> None:
    """Writes random bf16 weights."""
    with torch.device("meta"):
        shapes = {name: value.shape for name, value in build(blocks).state_dict().items()}
    generator = torch.Generator().manual_seed(0)
    weights = {
        name: (torch.rand(shape, generator=generator) - 0.5).bfloat16()
        for name, shape in shapes.items()
    }
    torch.save({"meta": {}, "state_dict": weights}, path)


def compare(blocks: int, rounds: int) -> None:
    """Runs both ways in turn and prints their medians and ratios."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "weights.pth")
        write_checkpoint(file, blocks)
        size = file.stat().st_size
        results: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
        for _ in range(rounds):
            for way in WAYS:
                results[way].append(run(way, blocks, file))
    assert len({r["sum"] for found in results.values() for r in found}) == 1  # the same weights
    medians = {
        way: {key: statistics.median(r[key] for r in found) for key in ("fill", "read", "memory")}
        for way, found in results.items()
    }
    print(f"checkpoint: {size / 1e9:.2f} GB, {rounds} rounds, medians")
    for way, values in medians.items():
        print(
            f"{way:>7}: build + load {values['fill']:7.3f} s, and all pages read"
            f" {values['read']:7.3f} s, peak memory {values['memory'] / size:.2f} x the file"
        )
    ratios = [medians["usual"][key] / medians["mapped"][key] for key in ("fill", "read")]
    print(f"ratio: {ratios[0]:.1f}x, with all pages read {ratios[1]:.1f}x (goal {TARGET_RATIO})")
    print(f"memory: {medians['mapped']['memory'] / size:.3f} x the file (goal {TARGET_MEMORY})")


def main() -> None:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", choices=WAYS)
    parser.add_argument("--file")
    args = parser.parse_args()
    if args.way:
        print(json.dumps(measure(args.way, args.blocks, args.file)))
    else:
        compare(args.blocks, args.rounds)


if __name__ == "__main__":
    main()
