"""A small segmentor-like model, its batches, and the plain PyTorch loop it is compared to."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcv.cnn.sync_batch_norm import SyncBatchNorm
from mmcv.model import BaseModel

GLOBAL_BATCH = 4
WIDTH = 8


class Toy(BaseModel):
    """A stem, three residual blocks of which the last is behind the last tap, a norm and a head.

    Sizes are odd on purpose, so that no buffer divides evenly among ranks.
    """

    def __init__(self, frozen: bool = False) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, WIDTH, 3, padding=1)
        self.blocks = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.norm = SyncBatchNorm(WIDTH)
        self.head = nn.Conv2d(WIDTH, 5, 1)
        self.num_used = 2
        if frozen:
            self.stem.requires_grad_(False)
            self.blocks[0].requires_grad_(False)

    def forward_train(self, img: Tensor, img_metas: list[Any], **targets: Any) -> dict[str, Tensor]:
        logits = self.logits(img)
        loss = F.cross_entropy(logits.float(), targets["label"])
        return {"loss_ce": loss, "loss_l2": 1e-2 * logits.float().square().mean()}

    def logits(self, img: Tensor) -> Tensor:
        x = self.stem(img.to(self.stem.weight.dtype)).mean((2, 3))
        for block in self.blocks[: self.num_used]:
            x = x + torch.tanh(block(x))
        return self.head(self.norm(x[:, :, None, None]))[:, :, 0, 0]

    def simple_test(self, img: Tensor, img_metas: list[Any], **kwargs: Any) -> list[Any]:
        return list(self.logits(img))

    def aug_test(self, imgs: list[Tensor], img_metas: list[Any], **kwargs: Any) -> list[Any]:
        raise NotImplementedError


def make_model(seed: int = 0, frozen: bool = False, dtype: torch.dtype = torch.float32) -> Toy:
    torch.manual_seed(seed)
    return Toy(frozen).to(dtype)


def make_optimizer(model: nn.Module, kind: str = "AdamW") -> torch.optim.Optimizer:
    """Layer decay: the stem slowest, biases without weight decay."""
    groups: dict[Any, dict[str, Any]] = {}
    for name, param in model.named_parameters():
        layer = {"stem": 0, "blocks": 1 + int(name.split(".")[1]) if "blocks" in name else 0}
        scale = 0.7 ** (4 - layer.get(name.split(".")[0], 4))
        decay = 0.0 if param.ndim == 1 else 0.05
        group = groups.setdefault(
            (scale, decay),
            {"params": [], "lr": 1e-2 * scale, "lr_scale": scale, "weight_decay": decay},
        )
        group["params"].append(param)
    if kind == "SGD":
        return torch.optim.SGD(list(groups.values()), lr=1e-2, momentum=0.9)
    return torch.optim.AdamW(list(groups.values()), lr=1e-2)


def make_batch(step: int, part: int = 0, parts: int = 1) -> dict[str, Any]:
    """The batch of an iteration, or the ``part``-th of its ``parts``."""
    generator = torch.Generator().manual_seed(1000 + step)
    size = GLOBAL_BATCH // parts
    cut = slice(part * size, (part + 1) * size)
    img = torch.randn(GLOBAL_BATCH, 3, 6, 6, generator=generator)
    label = torch.randint(5, (GLOBAL_BATCH,), generator=generator)
    return {"img": img[cut], "label": label[cut], "img_metas": [{"filename": "x"}] * size}


def set_lr(optimizer: Any, step: int) -> None:
    """A schedule, written where hooks write it."""
    for group in optimizer.param_groups:
        group.setdefault("initial_lr", group["lr"])
        group["lr"] = group["initial_lr"] * (1 - step / 20)


def plain_run(
    steps: int,
    *,
    frozen: bool = False,
    accumulate: int = 1,
    max_norm: float | None = None,
    dtype: torch.dtype = torch.float32,
) -> dict[str, Any]:
    """Trains one process on the global batches, with fp32 master weights.

    Returns:
        ``losses`` of every iteration, ``norms`` of every step, ``weights`` at the end.
    """
    master = make_model(frozen=frozen)
    model = make_model(frozen=frozen, dtype=dtype)
    optimizer = make_optimizer(master)
    pairs = [(p, m) for p, m in zip(model.parameters(), master.parameters(), strict=True)]
    with torch.no_grad():
        for param, main in pairs:
            main.copy_(param)
    losses, norms = [], []
    for step in range(steps):
        set_lr(optimizer, step)
        loss = torch.stack(list(model(**make_batch(step)).values())).sum()
        (loss / accumulate).backward()
        losses.append(loss.item())
        if (step + 1) % accumulate == 0:
            norms.append(_step(pairs, optimizer, max_norm))
    return {"losses": losses, "norms": norms, "weights": model.state_dict()}


def _step(pairs: list[Any], optimizer: torch.optim.Optimizer, max_norm: float | None) -> float:
    for param, main in pairs:
        if param.requires_grad:
            # ZeRO steps parameters without a gradient too: with zeros.
            grad = torch.zeros_like(param) if param.grad is None else param.grad
            main.grad = grad.float()
            param.grad = None
    params = [main for _, main in pairs if main.grad is not None]
    limit = float("inf") if max_norm is None else max_norm
    norm = nn.utils.clip_grad_norm_(params, limit)
    optimizer.step()
    with torch.no_grad():
        for param, main in pairs:
            param.copy_(main)
    return norm.item()
