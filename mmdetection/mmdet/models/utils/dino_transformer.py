"""The transformer of DINO (Zhang et al., 2022, arXiv:2203.03605).

Unlike Deformable DETR's, its queries keep learned contents and take only their positions from the
encoder (mixed query selection), and the box of a layer is trained through the layer behind it too
(look forward twice).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from mmdet.models.utils.deformable_transformer import (
    DeformableDetrTransformer,
    DeformableDetrTransformerDecoder,
)
from mmdet.models.utils.reference_points import on_each_level, refine, sine_embedding
from mmdet.registry import MODELS, ModelConfigError

# How far from 0 and 1 boxes are kept where their logits are taken: DINO's value, not DETR's 1e-5.
LOGIT_EPS = 1e-3
# Range of the noise that ``with_rp_noise`` adds to reference points.
REFERENCE_NOISE = 0.01


def build_MLP(  # 1.x's name
    input_dim: int, hidden_dim: int, output_dim: int, num_layers: int
) -> nn.Sequential:
    """Builds linear layers with ReLU between them."""
    assert num_layers > 1, f"num_layers should be greater than 1 but got {num_layers}"
    widths = [input_dim] + [hidden_dim] * (num_layers - 1)
    layers: list[nn.Module] = []
    for width, following in pairwise(widths):
        layers += [nn.Linear(width, following), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], output_dim))


@MODELS.register_module()
class DinoTransformerDecoder(DeformableDetrTransformerDecoder):
    """A decoder whose position encodings follow the boxes of its queries.

    Args:
        args: of the base class.
        with_rp_noise: whether reference points are moved a little while training.
        kwargs: of the base class.
    """

    def __init__(self, *args: Any, with_rp_noise: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.with_rp_noise = with_rp_noise
        self.ref_point_head = build_MLP(self.embed_dims * 2, self.embed_dims, self.embed_dims, 2)
        self.norm = nn.LayerNorm(self.embed_dims)

    @staticmethod
    def gen_sineembed_for_position(pos_tensor: Tensor, pos_feat: int) -> Tensor:
        """Encodes (..., 2 or 4) x, y(, w, h) in the order y, x(, w, h), ``pos_feat`` each."""
        size = pos_tensor.shape[-1]
        if size not in (2, 4):
            raise ValueError(f"positions must have 2 or 4 coordinates, but have {size}")
        order = [1, 0, 2, 3][:size]
        return sine_embedding(pos_tensor[..., order], pos_feat)

    def forward(
        self,
        query: Tensor,
        *args: Any,
        reference_points: Tensor,
        valid_ratios: Tensor,
        reg_branches: Any = None,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor]:
        """Decodes queries.

        Args:
            query: (Q, B, C).
            args: of the layers.
            reference_points: (B, Q, 4).
            valid_ratios: (B, L, 2).
            reg_branches: see the base class.
            kwargs: of the layers.

        Returns:
            (layers, Q, B, C) normalised outputs, and (layers + 1, B, Q, 4): the given boxes and
            those behind each layer, which carry the gradient of that layer; without
            ``return_intermediate`` the last output, not normalised, and the last boxes.
        """
        outputs, references = [], [reference_points]
        for index, layer in enumerate(self.layers):
            if self.with_rp_noise and self.training:
                noise = torch.rand_like(reference_points) * (2 * REFERENCE_NOISE) - REFERENCE_NOISE
                reference_points = (reference_points + noise).clamp(0, 1)
            scaled = on_each_level(reference_points, valid_ratios)
            encoding = self.gen_sineembed_for_position(scaled[:, :, 0], self.embed_dims // 2)
            query_pos = self.ref_point_head(encoding.to(query.dtype)).permute(1, 0, 2)
            query = layer(query, *args, query_pos=query_pos, reference_points=scaled, **kwargs)
            moved = reference_points
            if reg_branches is not None:
                moves = reg_branches[index](query.permute(1, 0, 2))
                moved = refine(moves, reference_points, LOGIT_EPS)
                reference_points = moved.detach()
            outputs.append(self.norm(query))
            references.append(moved)  # with its graph: the next layer's loss trains it too
        if self.return_intermediate:
            return torch.stack(outputs), torch.stack(references)
        return query, reference_points


@MODELS.register_module()
class DinoTransformer(DeformableDetrTransformer):
    """A two-stage transformer with mixed query selection; arguments as in the base class."""

    def init_layers(self) -> None:
        """Adds what is neither encoder nor decoder."""
        if not self.as_two_stage:
            raise ModelConfigError("DinoTransformer: as_two_stage must be True")
        dims = self.embed_dims
        self.level_embeds = nn.Parameter(torch.empty(self.num_feature_levels, dims))
        self.enc_output = nn.Linear(dims, dims)
        self.enc_output_norm = nn.LayerNorm(dims)
        self.query_embed = nn.Embedding(self.two_stage_num_proposals, dims)

    def init_weights(self) -> None:
        """Draws the contents of the queries from N(0, 1); the rest as the base class."""
        super().init_weights()
        nn.init.normal_(self.query_embed.weight)

    def forward(  # type: ignore[override]
        self,
        mlvl_feats: Sequence[Tensor],
        mlvl_masks: Sequence[Tensor],
        query_embed: None,
        mlvl_pos_embeds: Sequence[Tensor],
        dn_label_query: Tensor | None = None,
        dn_bbox_query: Tensor | None = None,
        attn_mask: Tensor | None = None,
        reg_branches: Any = None,
        cls_branches: Any = None,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Encodes maps and decodes denoising queries, then the chosen ones.

        Args:
            mlvl_feats: maps (B, C, H, W).
            mlvl_masks: their paddings (B, H, W), bool.
            query_embed: None; the argument stands for that of other transformers.
            mlvl_pos_embeds: position encodings (B, C, H, W).
            dn_label_query: (B, D, C) contents of denoising queries.
            dn_bbox_query: (B, D, 4) their boxes before the sigmoid.
            attn_mask: (D + Q, D + Q) bool, True where self attention is forbidden.
            reg_branches: one per layer of the decoder and one for the encoder.
            cls_branches: likewise.
            kwargs: of the layers.

        Returns:
            (layers, D + Q, B, C) outputs; (layers + 1, B, D + Q, 4) reference points before and
            behind each layer; logits (B, Q, classes) and boxes (B, Q, 4) of the encoder's choice.
        """
        assert query_embed is None, "queries of DINO come from the encoder"
        maps = self._flatten(mlvl_feats, mlvl_masks, mlvl_pos_embeds)
        memory = self._encode(maps, **kwargs)
        enc_class, enc_coords = self._propose(memory, maps, cls_branches, reg_branches)
        best = self._best(enc_class.max(-1)[0])[..., None]
        topk_score = enc_class.gather(1, best.expand(-1, -1, enc_class.shape[-1]))
        coords = enc_coords.gather(1, best.expand(-1, -1, 4))
        query = self.query_embed.weight.expand(len(memory), -1, -1)
        references = coords.detach()
        if dn_label_query is not None:
            query = torch.cat([dn_label_query.to(query.dtype), query], dim=1)
        if dn_bbox_query is not None:
            references = torch.cat([dn_bbox_query, references], dim=1)
        states, inter_references = self.decoder(
            query=query.permute(1, 0, 2),
            key=None,
            value=memory.permute(1, 0, 2),
            attn_masks=None if attn_mask is None else [attn_mask, None],
            key_padding_mask=maps.padding,
            reference_points=references.sigmoid(),
            reg_branches=reg_branches,
            **maps.for_attention(),
            **kwargs,
        )
        return states, inter_references, topk_score, coords.sigmoid()
