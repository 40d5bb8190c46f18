"""The transformer of Deformable DETR (Zhu et al., 2020, arXiv:2010.04159).

Sequences are (N, B, C), as in 1.x. Boxes are cx cy w h as shares of the image and, like everything
computed from positions, in fp32: bf16 would move them by whole pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mmcv.cnn import TransformerLayerSequence, xavier_init
from mmcv.ops.multi_scale_deform_attn import MultiScaleDeformableAttention
from mmdet.models.utils.detr_transformer import Transformer
from mmdet.models.utils.reference_points import on_each_level, refine, sine_embedding
from mmdet.registry import MODELS, ModelConfigError

# Width and height of the proposals on the finest level, as a share of the image.
FINEST_PROPOSAL_SIZE = 0.05


class FlatMaps(NamedTuple):
    """Feature maps one after another.

    Attributes:
        tokens: (B, S, C).
        positions: (B, S, C) encodings of position and level.
        padding: (B, S) bool, True where a map is padding.
        shapes: (L, 2) heights and widths, on the CPU: Python reads them.
        starts: (L,) where each map begins, on the CPU.
        valid_ratios: (B, L, 2) share of x and y that is no padding.
    """

    tokens: Tensor
    positions: Tensor
    padding: Tensor
    shapes: Tensor
    starts: Tensor
    valid_ratios: Tensor

    def for_attention(self) -> dict[str, Tensor]:
        """Returns what deformable attention is told beside query and value."""
        return dict(
            spatial_shapes=self.shapes,
            level_start_index=self.starts,
            valid_ratios=self.valid_ratios,
        )


@MODELS.register_module()
class DeformableDetrTransformerDecoder(TransformerLayerSequence):
    """A decoder whose reference points may be refined from layer to layer.

    Args:
        args: of ``TransformerLayerSequence``.
        return_intermediate: whether the outputs of all layers are returned.
        kwargs: of ``TransformerLayerSequence``.
    """

    def __init__(self, *args: Any, return_intermediate: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.return_intermediate = return_intermediate

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
            reference_points: (B, Q, 2) or (B, Q, 4).
            valid_ratios: (B, L, 2).
            reg_branches: one module per layer that predicts how to move the reference points;
                None leaves them where they are.
            kwargs: of the layers.

        Returns:
            (layers, Q, B, C) outputs and (layers, B, Q, 2 or 4) reference points behind each
            layer; without ``return_intermediate`` those of the last layer alone.
        """
        outputs, references = [], []
        for index, layer in enumerate(self.layers):
            scaled = on_each_level(reference_points, valid_ratios)
            query = layer(query, *args, reference_points=scaled, **kwargs)
            if reg_branches is not None:
                moves = reg_branches[index](query.permute(1, 0, 2))
                reference_points = refine(moves, reference_points).detach()
            outputs.append(query)
            references.append(reference_points)
        if self.return_intermediate:
            return torch.stack(outputs), torch.stack(references)
        return outputs[-1], references[-1]


@MODELS.register_module()
class DeformableDetrTransformer(Transformer):
    """Encodes a pyramid of maps and decodes queries, which may come from the memory itself.

    Args:
        as_two_stage: queries are made of the best proposals of the encoder.
        num_feature_levels: number of maps.
        two_stage_num_proposals: number of those queries.
        kwargs: of :class:`Transformer`.
    """

    def __init__(
        self,
        as_two_stage: bool = False,
        num_feature_levels: int = 4,
        two_stage_num_proposals: int = 300,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.as_two_stage = as_two_stage
        self.num_feature_levels = num_feature_levels
        self.two_stage_num_proposals = two_stage_num_proposals
        self.init_layers()

    def init_layers(self) -> None:
        """Adds what is neither encoder nor decoder."""
        dims = self.embed_dims
        self.level_embeds = nn.Parameter(torch.empty(self.num_feature_levels, dims))
        if self.as_two_stage:
            self.enc_output = nn.Linear(dims, dims)
            self.enc_output_norm = nn.LayerNorm(dims)
            self.pos_trans = nn.Linear(dims * 2, dims * 2)
            self.pos_trans_norm = nn.LayerNorm(dims * 2)
        else:
            self.reference_points = nn.Linear(dims, 2)

    def init_weights(self) -> None:
        """Draws every matrix from Glorot's distribution, offsets of attentions as a ring."""
        for param in self.parameters():
            if param.dim() > 1:
                nn.init.xavier_uniform_(param)
        for module in self.modules():
            if isinstance(module, MultiScaleDeformableAttention):
                module.init_weights()
        if not self.as_two_stage:
            xavier_init(self.reference_points, distribution="uniform", bias=0.0)
        nn.init.normal_(self.level_embeds)
        self._is_init = True

    def forward(  # type: ignore[override]
        self,
        mlvl_feats: Sequence[Tensor],
        mlvl_masks: Sequence[Tensor],
        query_embed: Tensor | None,
        mlvl_pos_embeds: Sequence[Tensor],
        reg_branches: Any = None,
        cls_branches: Any = None,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor | None, Tensor | None]:
        """Encodes maps and decodes queries.

        Args:
            mlvl_feats: maps (B, C, H, W).
            mlvl_masks: their paddings (B, H, W), bool.
            query_embed: (Q, 2C) positions and contents of queries; not for two stages.
            mlvl_pos_embeds: their position encodings (B, C, H, W).
            reg_branches: see the decoder; for two stages one more, for the encoder.
            cls_branches: for two stages: the last scores what the encoder proposes.
            kwargs: of the layers.

        Returns:
            (layers, Q, B, C) outputs; (B, Q, 2 or 4) first reference points; (layers, B, Q, 2 or 4)
            those behind each layer; for two stages the encoder's logits (B, S, classes) and its
            boxes (B, S, 4) before the sigmoid, else twice None.
        """
        maps = self._flatten(mlvl_feats, mlvl_masks, mlvl_pos_embeds)
        memory = self._encode(maps, **kwargs)
        batch, _, dims = memory.shape
        enc_class = enc_coords = None
        if self.as_two_stage:
            enc_class, enc_coords = self._propose(memory, maps, cls_branches, reg_branches)
            # As in 1.x the first class alone stands for "object": the encoder's loss says so.
            best = self._best(enc_class[..., 0])
            coords = enc_coords.gather(1, best[..., None].expand(-1, -1, 4)).detach()
            reference_points = coords.sigmoid()
            encoding = self.get_proposal_pos_embed(coords, dims // 2).to(memory.dtype)
            query_pos, query = self.pos_trans_norm(self.pos_trans(encoding)).split(dims, dim=2)
        else:
            if query_embed is None:
                raise ModelConfigError("query_embed is needed unless as_two_stage is True")
            query_pos, query = (x.expand(batch, -1, -1) for x in query_embed.split(dims, dim=1))
            reference_points = self.reference_points(query_pos).float().sigmoid()
        states, references = self.decoder(
            query=query.permute(1, 0, 2),
            key=None,
            value=memory.permute(1, 0, 2),
            query_pos=query_pos.permute(1, 0, 2),
            key_padding_mask=maps.padding,
            reference_points=reference_points,
            reg_branches=reg_branches,
            **maps.for_attention(),
            **kwargs,
        )
        return states, reference_points, references, enc_class, enc_coords

    def _flatten(
        self, feats: Sequence[Tensor], masks: Sequence[Tensor], pos_embeds: Sequence[Tensor]
    ) -> FlatMaps:
        dtype = feats[0].dtype
        positions = [
            pos.flatten(2).transpose(1, 2).to(dtype) + self.level_embeds[level]
            for level, pos in enumerate(pos_embeds)
        ]
        shapes = torch.tensor([x.shape[-2:] for x in feats])
        sizes = shapes.prod(1)
        return FlatMaps(
            tokens=torch.cat([x.flatten(2).transpose(1, 2) for x in feats], 1),
            positions=torch.cat(positions, 1),
            padding=torch.cat([mask.flatten(1) for mask in masks], 1),
            shapes=shapes,
            starts=sizes.cumsum(0) - sizes,
            valid_ratios=torch.stack([self.get_valid_ratio(mask) for mask in masks], 1),
        )

    def _encode(self, maps: FlatMaps, **kwargs: Any) -> Tensor:
        """Returns the memory (B, S, C)."""
        reference_points = self.get_reference_points(
            maps.shapes, maps.valid_ratios, maps.tokens.device
        )
        memory = self.encoder(
            query=maps.tokens.permute(1, 0, 2),
            key=None,
            value=None,
            query_pos=maps.positions.permute(1, 0, 2),
            query_key_padding_mask=maps.padding,
            reference_points=reference_points,
            **maps.for_attention(),
            **kwargs,
        )
        return memory.permute(1, 0, 2)

    def _propose(
        self, memory: Tensor, maps: FlatMaps, cls_branches: Any, reg_branches: Any
    ) -> tuple[Tensor, Tensor]:
        """Returns logits (B, S, classes) and boxes before the sigmoid (B, S, 4), fp32."""
        features, proposals = self.gen_encoder_output_proposals(memory, maps.padding, maps.shapes)
        last = self.decoder.num_layers
        return cls_branches[last](features).float(), reg_branches[last](features) + proposals

    def _best(self, scores: Tensor) -> Tensor:
        """Returns (B, proposals) the positions of the highest scores (B, S)."""
        if scores.shape[1] < self.two_stage_num_proposals:
            raise ModelConfigError(
                f"two_stage_num_proposals={self.two_stage_num_proposals}, but the maps of this"
                f" image have only {scores.shape[1]} positions"
            )
        return torch.topk(scores, self.two_stage_num_proposals, dim=1)[1]

    def gen_encoder_output_proposals(
        self, memory: Tensor, memory_padding_mask: Tensor, spatial_shapes: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Places one box at every position.

        Args:
            memory: (B, S, C).
            memory_padding_mask: (B, S) bool.
            spatial_shapes: (L, 2).

        Returns:
            The memory (B, S, C), transformed, zero in padding and at the image's border before
            that; and the logits (B, S, 4) of the boxes, infinite there.
        """
        shapes = [(int(h), int(w)) for h, w in spatial_shapes.tolist()]
        masks = memory_padding_mask.split([h * w for h, w in shapes], dim=1)
        boxes = []
        for level, ((height, width), mask) in enumerate(zip(shapes, masks, strict=True)):
            inside = ~mask.view(-1, height, width)
            valid = torch.stack([inside[:, 0].sum(1), inside[:, :, 0].sum(1)], -1)
            y, x = torch.meshgrid(
                torch.arange(height, device=memory.device),
                torch.arange(width, device=memory.device),
                indexing="ij",
            )
            center = (torch.stack([x, y], -1).view(1, -1, 2) + 0.5) / valid[:, None]
            size = torch.full_like(center, FINEST_PROPOSAL_SIZE * 2.0**level)
            boxes.append(torch.cat([center, size], -1))
        proposals = torch.cat(boxes, 1)
        is_inside = ((proposals > 0.01) & (proposals < 0.99)).all(-1, keepdim=True)
        dropped = ~is_inside | memory_padding_mask[..., None]
        logits = torch.log(proposals / (1 - proposals)).masked_fill(dropped, float("inf"))
        memory = memory.masked_fill(dropped, 0.0)
        return self.enc_output_norm(self.enc_output(memory)), logits

    @staticmethod
    def get_reference_points(
        spatial_shapes: Tensor, valid_ratios: Tensor, device: torch.device
    ) -> Tensor:
        """Returns (B, S, L, 2): the x, y of every position as a share of each level's image.

        Args:
            spatial_shapes: (L, 2).
            valid_ratios: (B, L, 2).
            device: of the result.
        """
        points = []
        for level, (height, width) in enumerate(spatial_shapes.tolist()):
            y, x = torch.meshgrid(
                torch.arange(height, device=device) + 0.5,
                torch.arange(width, device=device) + 0.5,
                indexing="ij",
            )
            x = x.reshape(1, -1) / (valid_ratios[:, None, level, 0] * width)
            y = y.reshape(1, -1) / (valid_ratios[:, None, level, 1] * height)
            points.append(torch.stack([x, y], -1))
        return torch.cat(points, 1)[:, :, None] * valid_ratios[:, None]

    @staticmethod
    def get_valid_ratio(mask: Tensor) -> Tensor:
        """Returns (B, 2): which share of x and of y of masks (B, H, W) is no padding, fp32."""
        _, height, width = mask.shape
        rows = (~mask[:, :, 0]).sum(1).float() / height
        columns = (~mask[:, 0, :]).sum(1).float() / width
        return torch.stack([columns, rows], -1)

    @staticmethod
    def get_proposal_pos_embed(
        proposals: Tensor, num_pos_feats: int = 128, temperature: float = 10000
    ) -> Tensor:
        """Encodes boxes (B, Q, 4) before the sigmoid, as (B, Q, 4 * num_pos_feats) sines."""
        return sine_embedding(proposals.sigmoid(), num_pos_feats, temperature)
