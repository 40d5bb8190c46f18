"""Non-local blocks (Wang et al., 2017, arXiv:1711.07971) in one, two and three dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mmcv.cnn.conv_module import ConvModule
from mmcv.cnn.weight_init import constant_init, normal_init
from mmcv.registry import MODELS, ConfigError

Cfg = Mapping[str, Any]
MODES = ("gaussian", "embedded_gaussian", "dot_product", "concatenation")


class _NonLocalNd(nn.Module):
    """Adds to every position a weighted sum over all positions.

    Args:
        in_channels: channels.
        reduction: how many times narrower the embeddings are.
        use_scale: divide the logits by the root of their width ("embedded_gaussian").
        conv_cfg: convolution of the right number of dimensions.
        norm_cfg: norm of the output convolution.
        mode: how weights are computed, one of ``MODES``.
        kwargs: ``std`` and ``zeros_init`` of ``init_weights``.
    """

    def __init__(
        self,
        in_channels: int,
        reduction: int = 2,
        use_scale: bool = True,
        conv_cfg: Cfg | None = None,
        norm_cfg: Cfg | None = None,
        mode: str = "embedded_gaussian",
        **kwargs: Any,
    ) -> None:
        super().__init__()
        if mode not in MODES:
            raise ConfigError(f"mode must be one of {', '.join(MODES)}, but got {mode!r}")
        self.in_channels = in_channels
        self.reduction = reduction
        self.use_scale = use_scale
        self.inter_channels = max(in_channels // reduction, 1)
        self.mode = mode

        def embed() -> ConvModule:
            return ConvModule(
                in_channels, self.inter_channels, kernel_size=1, conv_cfg=conv_cfg, act_cfg=None
            )

        # Names as in the paper: values g, queries theta, keys phi.
        self.g: nn.Module = embed()
        self.conv_out = ConvModule(
            self.inter_channels,
            in_channels,
            kernel_size=1,
            conv_cfg=conv_cfg,
            norm_cfg=norm_cfg,
            act_cfg=None,
        )
        if mode != "gaussian":
            self.theta = embed()
            self.phi: nn.Module | None = embed()
        else:
            self.phi = None
        if mode == "concatenation":
            self.concat_project = ConvModule(
                self.inter_channels * 2, 1, kernel_size=1, bias=False, act_cfg=dict(type="ReLU")
            )
        self.init_weights(**kwargs)

    def init_weights(self, std: float = 0.01, zeros_init: bool = True) -> None:
        """Draws the embeddings from N(0, std²); ``zeros_init`` starts as the identity."""
        embeddings = [self.g] if self.mode == "gaussian" else [self.g, self.theta, self.phi]
        for module in embeddings:
            assert isinstance(module, ConvModule)
            conv: Any = module.conv
            normal_init(conv, std=std)
        last = self.conv_out.norm or self.conv_out.conv
        assert isinstance(last, nn.Module)
        if zeros_init:
            constant_init(last, 0)
        else:
            normal_init(last, std=std)

    def _sub_sample(self, pool: nn.Module) -> None:
        """Halves the resolution of keys and values."""
        self.g = nn.Sequential(self.g, pool)
        self.phi = pool if self.phi is None else nn.Sequential(self.phi, pool)

    def gaussian(self, theta_x: Tensor, phi_x: Tensor) -> Tensor:
        """Softmax of dot products of the inputs."""
        return torch.matmul(theta_x, phi_x).softmax(dim=-1)

    def embedded_gaussian(self, theta_x: Tensor, phi_x: Tensor) -> Tensor:
        """Softmax of dot products of embeddings."""
        logits = torch.matmul(theta_x, phi_x)
        if self.use_scale:
            logits = logits / theta_x.shape[-1] ** 0.5
        return logits.softmax(dim=-1)

    def dot_product(self, theta_x: Tensor, phi_x: Tensor) -> Tensor:
        """Dot products of embeddings over the number of positions."""
        weights = torch.matmul(theta_x, phi_x)
        return weights / weights.shape[-1]

    def concatenation(self, theta_x: Tensor, phi_x: Tensor) -> Tensor:
        """A learned projection of both embeddings; theta (B, C, N, 1), phi (B, C, 1, M)."""
        rows, columns = theta_x.shape[2], phi_x.shape[3]
        pairs = torch.cat(
            [theta_x.expand(-1, -1, -1, columns), phi_x.expand(-1, -1, rows, -1)], dim=1
        )
        weights = self.concat_project(pairs)[:, 0]
        return weights / weights.shape[-1]

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, C, ...) to the same shape."""
        values = self.g(x).flatten(2).transpose(1, 2)
        if self.mode == "gaussian":
            theta_x = x.flatten(2).transpose(1, 2)
            phi_x = (x if self.phi is None else self.phi(x)).flatten(2)
        else:
            assert self.phi is not None
            theta_x, phi_x = self.theta(x).flatten(2), self.phi(x).flatten(2)
            if self.mode == "concatenation":
                theta_x, phi_x = theta_x[..., None], phi_x[:, :, None]
            else:
                theta_x = theta_x.transpose(1, 2)
        weights = getattr(self, self.mode)(theta_x, phi_x)
        y = torch.matmul(weights, values).transpose(1, 2)
        return x + self.conv_out(y.reshape(x.shape[0], self.inter_channels, *x.shape[2:]))


class NonLocal1d(_NonLocalNd):
    """For (B, C, N); ``sub_sample`` halves the resolution of keys and values."""

    def __init__(
        self,
        in_channels: int,
        sub_sample: bool = False,
        conv_cfg: Cfg = dict(type="Conv1d"),  # noqa: B006  # read only
        **kwargs: Any,
    ) -> None:
        super().__init__(in_channels, conv_cfg=conv_cfg, **kwargs)
        self.sub_sample = sub_sample
        if sub_sample:
            self._sub_sample(nn.MaxPool1d(kernel_size=2))


@MODELS.register_module()
class NonLocal2d(_NonLocalNd):
    """For (B, C, H, W); ``sub_sample`` halves the resolution of keys and values."""

    _abbr_ = "nonlocal_block"

    def __init__(
        self,
        in_channels: int,
        sub_sample: bool = False,
        conv_cfg: Cfg = dict(type="Conv2d"),  # noqa: B006  # read only
        **kwargs: Any,
    ) -> None:
        super().__init__(in_channels, conv_cfg=conv_cfg, **kwargs)
        self.sub_sample = sub_sample
        if sub_sample:
            self._sub_sample(nn.MaxPool2d(kernel_size=(2, 2)))


class NonLocal3d(_NonLocalNd):
    """For (B, C, T, H, W); ``sub_sample`` halves height and width of keys and values."""

    def __init__(
        self,
        in_channels: int,
        sub_sample: bool = False,
        conv_cfg: Cfg = dict(type="Conv3d"),  # noqa: B006  # read only
        **kwargs: Any,
    ) -> None:
        super().__init__(in_channels, conv_cfg=conv_cfg, **kwargs)
        self.sub_sample = sub_sample
        if sub_sample:
            self._sub_sample(nn.MaxPool3d(kernel_size=(1, 2, 2)))
