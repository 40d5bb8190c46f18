"""One training step on the meta device: parameters, FLOPs and saved activations, without memory.

The step is the model's own code, loss and backward included; nothing is estimated here but what
GPU kernels do differently from plain torch: attention saves its inputs and output only, and the
norms run fused.

Legend: B batch, h heads, N M tokens, D head dimension.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mmcv.cnn.drop import DropPath
from mmcv.config import Config
from mmcv.planner.watching import AttentionAsOnGpus, Products, SavedTensors, num_bytes
from mmcv.registry import Registry
from mmcv.runner.precision import apply_precision

# Batch norm needs several values, also after pooling to one pixel.
BATCH = 2


@dataclass(frozen=True)
class Parameters:
    """How many parameters a model has.

    Attributes:
        total: all of them.
        trainable: those that get gradients.
        parts: total and trainable by child of the model.
        bytes: of all, in the dtypes of training.
        trainable_bytes: of the trainable ones.
        trainable_half: number of trainable ones in half precision.
        buffer_bytes: of running statistics and the like.
    """

    total: int
    trainable: int
    parts: Mapping[str, tuple[int, int]]
    bytes: int
    trainable_bytes: int
    trainable_half: int
    buffer_bytes: int

    @property
    def published(self) -> tuple[int, int]:
        """Trainable and total as the published tables count: without auxiliary heads."""
        total, trainable = self.parts.get("auxiliary_head", (0, 0))
        return self.trainable - trainable, self.total - total


@dataclass(frozen=True)
class Measured:
    """What a training step takes, per image.

    Attributes:
        parameters: of the model.
        size: (H, W) of the images.
        forward_flops: of a forward pass.
        step_flops: of forward and backward.
        recompute_flops: of running the backbone's blocks a second time.
        saved: bytes kept for the backward pass, by what is computed again (``mmcv.cnn.recompute``):
            "off", "full", and where the backbone can do it "selective".
        block: bytes that recomputing the largest block brings back for a while.
        notes: what is not in these figures.
    """

    parameters: Parameters
    size: tuple[int, int]
    forward_flops: float
    step_flops: float
    recompute_flops: float
    saved: Mapping[str, float]
    block: float
    notes: tuple[str, ...] = field(default=())


def build_on_meta(models: Registry, cfg: Config) -> nn.Module:
    """Builds the model of a config without memory, in the dtypes that training uses."""
    with torch.device("meta"):
        model = models.build(cfg.model, default_args={"train_cfg": cfg.get("train_cfg")})
    return apply_precision(model, cfg).train()


def count_parameters(model: nn.Module) -> Parameters:
    """Counts the parameters of a model."""
    parts = {}
    for name, child in model.named_children():
        numbers = [(p.numel(), p.requires_grad) for p in child.parameters()]
        parts[name] = (sum(n for n, _ in numbers), sum(n for n, grad in numbers if grad))
    params = list(model.parameters())
    trainable = [p for p in params if p.requires_grad]
    return Parameters(
        total=sum(p.numel() for p in params),
        trainable=sum(p.numel() for p in trainable),
        parts=parts,
        bytes=sum(map(num_bytes, params)),
        trainable_bytes=sum(map(num_bytes, trainable)),
        trainable_half=sum(p.numel() for p in trainable if p.element_size() == 2),
        buffer_bytes=sum(map(num_bytes, model.buffers())),
    )


def measure(model: nn.Module, size: tuple[int, int], batch: int = BATCH) -> Measured:
    """Runs training steps with and without checkpointing.

    Args:
        model: on the meta device (or a small one on the CPU).
        size: (H, W) of the images.
        batch: B.
    """
    flags = [m for m in model.modules() if isinstance(getattr(m, "with_cp", None), bool)]
    modes = [m for m in model.modules() if isinstance(getattr(m, "recompute", None), str)]
    # Which samples stochastic depth leaves out is drawn; what all of them cost is not.
    skipping = [m for m in model.modules() if getattr(m, "skip_dropped", False)]
    with _attributes(skipping, "skip_dropped", False):
        with _attributes(flags, "with_cp", False), _attributes(modes, "recompute", "off"):
            plain = _step(model, size, batch)
        with _attributes(flags, "with_cp", True), _attributes(modes, "recompute", "full"):
            light = _step(model, size, batch) if flags else plain
    saved = {"off": plain.saved / batch, "full": light.saved / batch}
    again = (light.total - plain.total) / batch
    if modes and again:
        saved["selective"] = (light.saved + plain.products) / batch
    return Measured(
        parameters=count_parameters(model),
        size=size,
        forward_flops=plain.forward / batch,
        step_flops=plain.total / batch,
        recompute_flops=again,
        saved=saved,
        block=plain.block / batch,
        notes=plain.notes + _note_on_depth(skipping),
    )


@torch.no_grad()
def forward_flops(model: Any, size: tuple[int, int]) -> float:
    """Counts the FLOPs of ``forward_dummy`` for one image (H, W) of a model on the meta device."""
    attention, counter = AttentionAsOnGpus(), FlopCounterMode(display=False)
    with attention.replacing(), counter:
        model.forward_dummy(torch.zeros(1, 3, *size, device="meta"))
    return counter.get_total_flops() + attention.flops


@dataclass(frozen=True)
class _Step:
    forward: float
    total: float
    saved: int
    block: int
    products: int
    notes: tuple[str, ...]


def _step(model: nn.Module, size: tuple[int, int], batch: int) -> _Step:
    model.zero_grad()
    saved = SavedTensors(model)
    attention = AttentionAsOnGpus()
    counter, products = FlopCounterMode(display=False), Products(saved)
    with _environment("MMOPS_NORM", "fused"), attention.replacing(), counter:
        with saved.watching(), products:
            loss, notes = _loss_of(model, size, batch)
        forward = counter.get_total_flops() + attention.flops
        if loss.requires_grad:
            loss.backward()
        total = counter.get_total_flops() + attention.flops
    model.zero_grad()
    kept = products.bytes + attention.kept
    return _Step(forward, total, saved.total(), saved.largest_block(), kept, notes)


def _loss_of(model: nn.Module, size: tuple[int, int], batch: int) -> tuple[Tensor, tuple[str, ...]]:
    """Returns the sum of the losses; of the features where the loss needs real labels."""
    like = next(model.parameters())
    img = torch.zeros(batch, 3, *size, device=like.device)
    if hasattr(model, "decode_head"):
        labels = torch.zeros(batch, 1, *size, dtype=torch.long, device=like.device)
        metas = [{"img_shape": (*size, 3), "pad_shape": (*size, 3), "ori_shape": (*size, 3)}]
        losses = model(img=img, img_metas=metas * batch, gt_semantic_seg=labels, return_loss=True)
        parts = [value.mean() for name, value in losses.items() if "loss" in name]
        return torch.stack(parts).sum(), ()
    features: Any = model.extract_feat(img)  # type: ignore[operator]
    maps = [f for f in features if isinstance(f, Tensor)]
    note = "backbone and neck only: the heads depend on the boxes in the images"
    return torch.stack([f.float().mean() for f in maps]).sum(), (note,)


@contextlib.contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    old = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if old is None:
            del os.environ[name]
        else:
            os.environ[name] = old


@contextlib.contextmanager
def _attributes(modules: Sequence[Any], name: str, value: Any) -> Iterator[None]:
    """Sets an attribute of modules for a while."""
    old = [getattr(module, name) for module in modules]
    try:
        for module in modules:
            setattr(module, name, value)
        yield
    finally:
        for module, before in zip(modules, old, strict=True):
            setattr(module, name, before)


def _note_on_depth(blocks: Sequence[Any]) -> tuple[str, ...]:
    rates = [m.drop_prob for block in blocks for m in block.modules() if isinstance(m, DropPath)]
    if not rates:
        return ()
    mean = sum(rates) / len(rates)
    return (f"stochastic depth leaves out {mean:.0%} of these blocks' work; not subtracted",)
