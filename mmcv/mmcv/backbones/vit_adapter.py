"""InternViT-6B and plain ViTs with a ViT-Adapter: maps of four strides from one-stride ViTs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from mmcv.backbones.adapter import AdapterMixin, has_stride_4
from mmcv.backbones.intern_vit import InternViT6B
from mmcv.backbones.vit import TIMMVisionTransformer
from mmcv.cnn.sync_batch_norm import SyncBatchNorm
from mmcv.registry import MODELS, ConfigError
from mmops.norm import LayerNorm2d


@MODELS.register_module()
class InternViTAdapter(AdapterMixin, InternViT6B):
    """InternViT-6B with an adapter; the ViT is frozen by default.

    Args:
        num_heads: heads of the ViT.
        depth: its blocks.
        deform_num_heads: see :class:`AdapterMixin`.
        deform_ratio: the same.
        init_values: initial factor of what is injected into the ViT (the ViT's own LayerScale
            starts at 0.1).
        with_cp: recompute blocks, injectors and extractors in the backward pass.
        out_indices: four entries give strides 4, 8, 16, 32; three leave stride 4 out.
        use_final_norm: LayerNorm on all outputs.
        freeze_vit: train only what the adapter adds.
        kwargs: further arguments of :class:`AdapterMixin` and :class:`InternViT6B`.

    Raises:
        ConfigError: interactions that do not fit the depth, or options that have no effect here.
    """

    def __init__(
        self,
        num_heads: int = 25,
        depth: int = 48,
        deform_num_heads: int = 25,
        deform_ratio: float = 0.5,
        init_values: float = 0.0,
        with_cp: bool = True,
        out_indices: Sequence[int] = (0, 1, 2, 3),
        use_final_norm: bool = True,
        freeze_vit: bool = True,
        **kwargs: Any,
    ) -> None:
        if kwargs.pop("with_fpn", False):
            raise ConfigError("with_fpn has no effect in InternViTAdapter: it makes four strides")
        super().__init__(
            num_heads=num_heads,
            depth=depth,
            deform_num_heads=deform_num_heads,
            deform_ratio=deform_ratio,
            injector_init=init_values,
            with_cp=with_cp,
            with_stride_4=has_stride_4(out_indices),
            out_indices=[depth - 1],
            norm_eps=1e-5,
            prior_norm=LayerNorm2d,
            final_norm=LayerNorm2d if use_final_norm else nn.Identity,
            freeze_vit=freeze_vit,
            **{"window_attn": False, **kwargs},  # no class token
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Maps images (B, 3, H, W) to maps (B, C, H/s, W/s) with s = 4, 8, 16, 32."""
        outs = super().forward(x)
        return [out.contiguous().to(self.output_dtype or out.dtype) for out in outs]


@MODELS.register_module()
class ViTAdapter(AdapterMixin, TIMMVisionTransformer):
    """A plain ViT with an adapter; all of it is trained, and norms of maps are SyncBN.

    Args:
        num_heads: heads of the ViT.
        depth: its blocks.
        init_values: initial factor of what is injected into the ViT.
        out_indices: four entries give strides 4, 8, 16, 32; three leave stride 4 out.
        kwargs: further arguments of :class:`AdapterMixin` and :class:`TIMMVisionTransformer`.
    """

    def __init__(
        self,
        num_heads: int = 12,
        depth: int = 12,
        init_values: float = 0.0,
        out_indices: Sequence[int] = (0, 1, 2, 3),
        **kwargs: Any,
    ) -> None:
        super().__init__(
            num_heads=num_heads,
            depth=depth,
            injector_init=init_values,
            with_stride_4=has_stride_4(out_indices),
            prior_norm=SyncBatchNorm,
            final_norm=SyncBatchNorm,
            **kwargs,
        )
