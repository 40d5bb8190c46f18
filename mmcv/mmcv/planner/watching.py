"""What is watched during a step on the meta device: saved tensors, products, attention.

Legend: B batch, h heads, N M tokens, D head dimension.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.utils._python_dispatch import TorchDispatchMode

from mmcv.cnn.recompute import KEPT

Count = Callable[[float], None]


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


class Products(TorchDispatchMode):
    """Counts the bytes of those results in blocks that selective recomputation keeps."""

    def __init__(self, saved: SavedTensors) -> None:
        super().__init__()
        self._saved = saved
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Runs the operator."""
        result = func(*args, **(kwargs or {}))
        if func in KEPT and self._saved.is_in_block:
            self.bytes += num_bytes(result)
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


class AttentionAsOnGpus:
    """Replaces torch's attention, which on the meta device is the plain formula."""

    def __init__(self) -> None:
        self.flops = 0.0
        self.kept = 0

    def _count(self, flops: float) -> None:
        self.flops += flops

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, **_: Any) -> Tensor:
        self.kept += num_bytes(q) + 4 * q.numel() // q.shape[-1]
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


def num_bytes(tensor: Tensor) -> int:
    """Returns the bytes of a tensor's elements."""
    return tensor.numel() * tensor.element_size()
