"""What a ViT-Adapter adds to a ViT (Chen et al., 2022, arXiv:2205.08534).

Legend: B batch, C channels, N ViT tokens, M prior tokens: those of three maps of strides 8, 16 and
32, one after another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mmcv.backbones.vit_pyramid import init_conv_by_fan_out
from mmcv.cnn.drop import DropPath
from mmops.deformable_attention import MSDeformAttn

Grid = tuple[int, int]


class Levels(NamedTuple):
    """Where deformable attention samples, and from where it looks."""

    reference: Tensor  # (1, queries, 1, 2) x, y of the queries in [0, 1]
    shapes: Tensor  # (levels, 2) height and width; on the CPU, where Python reads them

    @staticmethod
    def between(queries: Sequence[Grid], keys: Sequence[Grid], device: torch.device) -> Levels:
        """Describes attention from the pixels of some maps to others."""
        points = torch.cat([pixel_centres(grid, device) for grid in queries])
        return Levels(points[None, :, None], torch.tensor(list(keys), device="cpu"))


def pixel_centres(grid: Grid, device: torch.device) -> Tensor:
    """Returns (H·W, 2) x, y of the pixel centres, row by row, in units of the map's size."""
    y, x = ((torch.arange(size, device=device) + 0.5) / size for size in grid)
    return torch.stack([x.repeat(grid[0]), y.repeat_interleave(grid[1])], dim=-1)


class DWConv(nn.Module):
    """One depthwise 3x3 convolution shared by all maps; key ``dwconv``."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(dim, dim, kernel_size=3, padding=1, groups=dim)

    def forward(self, x: Tensor, grids: Sequence[Grid]) -> Tensor:
        """Maps tokens (B, M, C) of maps with these grids."""
        parts = x.transpose(1, 2).split([h * w for h, w in grids], dim=2)
        maps = [part.unflatten(2, grid) for part, grid in zip(parts, grids, strict=True)]
        return torch.cat([self.dwconv(m).flatten(2) for m in maps], dim=2).transpose(1, 2)


class ConvFFN(nn.Module):
    """Linear, depthwise convolution, GELU, linear."""

    def __init__(self, dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden_dim)
        self.dwconv = DWConv(hidden_dim)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden_dim, dim)

    def forward(self, x: Tensor, grids: Sequence[Grid]) -> Tensor:
        """Maps tokens (B, M, C) of maps with these grids."""
        return self.fc2(self.act(self.dwconv(self.fc1(x), grids)))


class Injector(nn.Module):
    """Adds what the prior tokens say to the ViT's; ``gamma`` starts at ``init_values``."""

    def __init__(
        self,
        dim: int,
        num_heads: int,
        n_points: int,
        deform_ratio: float,
        norm_eps: float,
        init_values: float,
    ) -> None:
        super().__init__()
        self.query_norm = nn.LayerNorm(dim, eps=norm_eps)
        self.feat_norm = nn.LayerNorm(dim, eps=norm_eps)
        self.attn = MSDeformAttn(dim, 3, num_heads, n_points, deform_ratio)
        self.gamma = nn.Parameter(torch.full((dim,), float(init_values)))

    def forward(self, x: Tensor, priors: Tensor, levels: Levels) -> Tensor:
        """Maps ViT tokens ``x`` (B, N, C), given ``priors`` (B, M, C)."""
        query, feat = self.query_norm(x), self.feat_norm(priors)
        return x + self.gamma * self.attn(query, levels.reference, feat, levels.shapes)


class Extractor(nn.Module):
    """Adds what the ViT's tokens say to the prior tokens, then a convolutional MLP.

    Args:
        dim: C.
        num_heads: heads of the deformable attention.
        n_points: its points.
        deform_ratio: width of its values relative to C.
        norm_eps: of the norms.
        cffn_ratio: width of the MLP relative to C; None leaves it out.
        drop_path: probability that a sample skips the MLP.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        n_points: int,
        deform_ratio: float,
        norm_eps: float,
        cffn_ratio: float | None,
        drop_path: float,
    ) -> None:
        super().__init__()
        self.query_norm = nn.LayerNorm(dim, eps=norm_eps)
        self.feat_norm = nn.LayerNorm(dim, eps=norm_eps)
        self.attn = MSDeformAttn(dim, 1, num_heads, n_points, deform_ratio)
        self.ffn = None
        if cffn_ratio is not None:
            self.ffn = ConvFFN(dim, int(dim * cffn_ratio))
            self.ffn_norm = nn.LayerNorm(dim, eps=norm_eps)
            self.drop_path = DropPath(drop_path)

    def forward(self, priors: Tensor, x: Tensor, levels: Levels, grids: Sequence[Grid]) -> Tensor:
        """Maps ``priors`` (B, M, C) of maps with these grids, given ViT tokens ``x``."""
        query, feat = self.query_norm(priors), self.feat_norm(x)
        priors = priors + self.attn(query, levels.reference, feat, levels.shapes)
        if self.ffn is not None:
            priors = priors + self.drop_path(self.ffn(self.ffn_norm(priors), grids))
        return priors


class InteractionBlock(nn.Module):
    """An injector before some blocks of the ViT, and one or three extractors behind them.

    Args:
        dim: C.
        init_values: see ``Injector``.
        extra_extractor: two more extractors.
        with_cp: recompute injector and extractors in the backward pass.
        extractor: further arguments of ``Extractor``.
    """

    def __init__(
        self,
        dim: int,
        *,
        init_values: float,
        extra_extractor: bool,
        with_cp: bool,
        **extractor: Any,
    ) -> None:
        super().__init__()
        self.with_cp = with_cp
        shared = ("num_heads", "n_points", "deform_ratio", "norm_eps")
        attention = {name: extractor[name] for name in shared}
        self.injector = Injector(dim, init_values=init_values, **attention)
        self.extractor = Extractor(dim, **extractor)
        self.extra_extractors = None
        if extra_extractor:
            self.extra_extractors = nn.ModuleList(Extractor(dim, **extractor) for _ in range(2))

    def forward(
        self,
        x: Tensor,
        priors: Tensor,
        run_blocks: Callable[[Tensor], Tensor],
        inject: Levels,
        extract: Levels,
        grids: Sequence[Grid],
    ) -> tuple[Tensor, Tensor]:
        """Maps ViT tokens (B, N, C) and prior tokens (B, M, C).

        Args:
            x: ViT tokens.
            priors: prior tokens.
            run_blocks: the blocks of the ViT between injector and extractor.
            inject: levels of the injector.
            extract: levels of the extractors.
            grids: grids of the three maps of ``priors``.
        """
        x = run_blocks(self._run(self.injector, x, priors, inject))
        for extractor in (self.extractor, *(self.extra_extractors or ())):
            priors = self._run(extractor, priors, x, extract, grids)
        return x, priors

    def _run(self, module: nn.Module, *args: Any) -> Tensor:
        if self.with_cp and torch.is_grad_enabled():
            output: Any = checkpoint(module, *args, use_reentrant=False)
            return output
        return module(*args)


class SpatialPriorModule(nn.Module):
    """A small convolutional network: maps of strides 4, 8, 16 and 32, all with C channels.

    Args:
        inplanes: channels at stride 4; twice and four times as many behind.
        embed_dim: C.
        norm: makes a norm for maps of so many channels.
        with_stride_4: make the map of stride 4.
    """

    def __init__(
        self,
        inplanes: int,
        embed_dim: int,
        norm: Callable[[int], nn.Module],
        with_stride_4: bool = True,
    ) -> None:
        super().__init__()
        wide, wider = 2 * inplanes, 4 * inplanes

        def conv(in_channels: int, out_channels: int, stride: int = 2) -> list[nn.Module]:
            layer = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
            return [layer, norm(out_channels), nn.ReLU(inplace=True)]

        self.stem = nn.Sequential(
            *conv(3, inplanes),
            *conv(inplanes, inplanes, stride=1),
            *conv(inplanes, inplanes, stride=1),
            nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        self.conv2 = nn.Sequential(*conv(inplanes, wide))
        self.conv3 = nn.Sequential(*conv(wide, wider))
        self.conv4 = nn.Sequential(*conv(wider, wider))
        self.fc1 = nn.Conv2d(inplanes, embed_dim, kernel_size=1) if with_stride_4 else None
        self.fc2 = nn.Conv2d(wide, embed_dim, kernel_size=1)
        self.fc3 = nn.Conv2d(wider, embed_dim, kernel_size=1)
        self.fc4 = nn.Conv2d(wider, embed_dim, kernel_size=1)

    def forward(self, x: Tensor) -> tuple[Tensor | None, list[Tensor]]:
        """Maps images (B, 3, H, W) to the map of stride 4, if made, and the three others."""
        c1 = self.stem(x.to(self.stem[0].weight.dtype))  # type: ignore[arg-type]
        c2 = self.conv2(c1)
        c3 = self.conv3(c2)
        c4 = self.conv4(c3)
        first = None if self.fc1 is None else self.fc1(c1)
        return first, [self.fc2(c2), self.fc3(c3), self.fc4(c4)]


@torch.no_grad()
def init_adapter(*modules: nn.Module) -> None:
    """Initialises what is not pretrained: linear layers, convolutions, deformable attention."""
    for module in (m for root in modules for m in root.modules()):
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.02)
            nn.init.zeros_(module.bias)
        elif isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            init_conv_by_fan_out(module)
    for module in (m for root in modules for m in root.modules()):
        if isinstance(module, MSDeformAttn):  # after the linear layers that it is made of
            module.reset_parameters()
