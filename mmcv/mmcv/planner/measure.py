"""One training step on the meta device: parameters, FLOPs and saved activations, without memory.

The step is the model's own code, loss and backward included; nothing is estimated here but what
GPU kernels do differently from plain torch: attention saves its inputs and output only, and the
norms run fused.

Legend: B batch, h heads, N M tokens, D head dimension.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from mmcv.cnn.drop import DropPath
from mmcv.cnn.recompute import KEPT
from mmcv.config import Config
from mmcv.registry import Registry
from mmcv.runner.precision import apply_precision

Count = Callable[[float], None]
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
        bytes=sum(map(_bytes, params)),
        trainable_bytes=sum(map(_bytes, trainable)),
        trainable_half=sum(p.numel() for p in trainable if p.element_size() == 2),
        buffer_bytes=sum(map(_bytes, model.buffers())),
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
    attention, counter = _AttentionAsOnGpus(), FlopCounterMode(display=False)
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
    attention = _AttentionAsOnGpus()
    counter, products = FlopCounterMode(display=False), _Products(saved)
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


class SavedTensors:
    """Counts the bytes that autograd keeps, each storage once, parameters not at all.

    Args:
        model: whose blocks, the members of its ModuleLists, are counted separately.
    """

    def __init__(self, model: nn.Module) -> None:
        self._own = {t.untyped_storage()._cdata for t in [*model.parameters(), *model.buffers()]}
        self._sizes: dict[int, int] = {}
        self._kept: list[Tensor] = []
        self._blocks: list[int] = []
        lists = [m for m in model.modules() if isinstance(m, nn.ModuleList)]
        self._members = [member for parent in lists for member in parent]

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Counts what is saved inside."""
        handles = []
        for member in self._members:
            handles += [
                member.register_forward_pre_hook(lambda *_: self._blocks.append(self.total())),
                member.register_forward_hook(self._leave),
            ]
        self._starts: list[int] = []
        self._grown: list[int] = []
        try:
            with torch.autograd.graph.saved_tensors_hooks(self._pack, lambda tensor: tensor):
                yield
        finally:
            for handle in handles:
                handle.remove()
            self._kept.clear()

    @property
    def is_in_block(self) -> bool:
        """Whether a block is running."""
        return bool(self._blocks)

    def _leave(self, *_: Any) -> None:
        self._grown.append(self.total() - self._blocks.pop())

    def _pack(self, tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in self._own and storage._cdata not in self._sizes:
            self._sizes[storage._cdata] = storage.nbytes()
            self._kept.append(tensor)  # or its number could be given away again
        return tensor

    def total(self) -> int:
        """Returns the bytes so far."""
        return sum(self._sizes.values())

    def largest_block(self) -> int:
        """Returns the bytes of the block that saved most."""
        return max(self._grown, default=0)


class _Products(TorchDispatchMode):
    """Counts the bytes of those results in blocks that selective recomputation keeps."""

    def __init__(self, saved: SavedTensors) -> None:
        super().__init__()
        self._saved = saved
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Runs the operator."""
        result = func(*args, **(kwargs or {}))
        if func in KEPT and self._saved.is_in_block:
            self.bytes += _bytes(result)
        return result


class _FlashAttention(torch.autograd.Function):
    """Attention that saves what flash kernels save; for shapes only."""

    @staticmethod
    def forward(
        ctx: Any, q: Tensor, k: Tensor, v: Tensor, count: Callable[[float], None]
    ) -> Tensor:
        """Returns an empty (B, h, N, D)."""
        flops = 4.0 * q.numel() * k.shape[-2]
        out = torch.empty_like(q)
        log_sum = torch.empty(q.shape[:-1], dtype=torch.float32, device=q.device)
        ctx.save_for_backward(q, k, v, out, log_sum)
        ctx.count, ctx.flops = count, flops
        count(flops)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        """Returns empty gradients."""
        ctx.count(2 * ctx.flops)
        q, k, v, *_ = ctx.saved_tensors
        return torch.empty_like(q), torch.empty_like(k), torch.empty_like(v), None


class _AttentionAsOnGpus:
    """Replaces torch's attention, which on the meta device is the plain formula."""

    def __init__(self) -> None:
        self.flops = 0.0
        self.kept = 0

    def _count(self, flops: float) -> None:
        self.flops += flops

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, **_: Any) -> Tensor:
        self.kept += _bytes(q) + 4 * q.numel() // q.shape[-1]
        return _FlashAttention.apply(q, k, v, self._count)

    @contextlib.contextmanager
    def replacing(self) -> Iterator[None]:
        """Replaces it inside, also while blocks are computed again."""
        torchs = F.scaled_dot_product_attention
        setattr(F, "scaled_dot_product_attention", self._attend)  # noqa: B010
        try:
            yield
        finally:
            setattr(F, "scaled_dot_product_attention", torchs)  # noqa: B010


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


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
