"""A training step through our strategy, and through a bare DeepSpeed engine, of the same model.

Both engines are in one process and take turns, so that whatever else the machine does meets both;
each step is timed by itself. The bare loop is DeepSpeed's own: forward, ``backward``, ``step``.

    python benchmarks/step_overhead.py --preset zero2_bf16
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mmcv.backbones.intern_vit import InternViT6B
from mmcv.model import BaseModel
from mmcv.runner.deepspeed import DeepSpeedStrategy
from mmcv.runner.zero.engine import build_engine
from mmcv.runner.zero.settings import engine_dtype, load_deepspeed_config

TARGET = 1.03


class Segmentor(BaseModel):
    """A small InternViT and a linear head; as many parameter tensors as a real one per block."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.backbone = InternViT6B(
            embed_dim=width,
            num_heads=4,
            depth=depth,
            img_size=112,
            out_indices=[depth - 1],
            with_cp=False,
        )
        self.head = nn.Conv2d(width, 10, 1)

    def forward_train(self, img: Tensor, img_metas: list[Any], **targets: Any) -> dict[str, Tensor]:
        """Returns the loss."""
        logits = self.head(self.backbone(img)[0])
        return {"loss_ce": nn.functional.cross_entropy(logits.float(), targets["label"])}

    def simple_test(self, img: Tensor, img_metas: list[Any], **kwargs: Any) -> list[Any]:
        """Is not used."""
        raise NotImplementedError

    def aug_test(self, imgs: list[Tensor], img_metas: list[Any], **kwargs: Any) -> list[Any]:
        """Is not used."""
        raise NotImplementedError


def make(width: int, depth: int, dtype: torch.dtype) -> tuple[nn.Module, torch.optim.Optimizer]:
    """Returns a model and its optimizer; the same weights each time."""
    torch.manual_seed(0)
    model = Segmentor(width, depth).to(dtype)
    if torch.cuda.is_available():
        model.cuda()
    return model, torch.optim.AdamW(model.parameters(), lr=1e-4)


def our_step(preset: str, cfg: dict[str, Any], size: tuple[int, int]) -> Callable[[Any], float]:
    """Returns a step of our strategy."""
    settings = load_deepspeed_config(preset, cfg, world_size=1)
    strategy = DeepSpeedStrategy.from_config(*make(*size, engine_dtype(settings)), cfg)

    def step(batch: Any) -> float:
        outputs = strategy.forward(batch)
        strategy.update(outputs["loss"])
        return float(outputs["loss"].detach())

    return step


def bare_step(preset: str, cfg: dict[str, Any], size: tuple[int, int]) -> Callable[[Any], float]:
    """Returns a step of DeepSpeed's own loop."""
    settings = load_deepspeed_config(preset, cfg, world_size=1)
    engine = build_engine(*make(*size, engine_dtype(settings)), settings)

    def step(batch: Any) -> float:
        moved = {k: v.to(engine.device) if isinstance(v, Tensor) else v for k, v in batch.items()}
        loss = engine(**moved)["loss_ce"]
        engine.backward(loss)
        engine.step()
        return float(loss.detach())

    return step


def compare(preset: str, steps: int, size: tuple[int, int], batch: int) -> None:
    """Times both and prints the ratio of the medians."""
    cfg = {"deepspeed_config": preset, "data": {"samples_per_gpu": batch}}
    ways = {"ours": our_step(preset, cfg, size), "bare": bare_step(preset, cfg, size)}
    data = {
        "img": torch.randn(batch, 3, 112, 112),
        "label": torch.randint(10, (batch, 8, 8)),
        "img_metas": [{}] * batch,
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    losses: dict[str, list[float]] = {name: [] for name in ways}
    for i in range(steps + 3):
        # Who comes first changes, for the second finds the batch in the cache.
        for name in sorted(ways, reverse=bool(i % 2)):
            start = time.perf_counter()
            losses[name].append(ways[name](data))
            if i >= 3:
                times[name].append(time.perf_counter() - start)
    difference = max(abs(a - b) for a, b in zip(losses["ours"], losses["bare"], strict=True))
    ours, bare = (statistics.median(times[name]) for name in ("ours", "bare"))
    print(f"{preset}, width {size[0]}, {size[1]} blocks, {steps} steps in turn, medians")
    print(f"ours {ours * 1000:.2f} ms, bare engine {bare * 1000:.2f} ms")
    print(f"losses differ by {difference:.1e}; ratio {ours / bare:.3f} (goal {TARGET})")


def main() -> None:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="zero1_fp32")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--depth", type=int, default=6)
    parser.add_argument("--batch", type=int, default=4)
    args = parser.parse_args()
    torch.set_num_threads(1)
    compare(args.preset, args.steps, (args.width, args.depth), args.batch)


if __name__ == "__main__":
    main()
