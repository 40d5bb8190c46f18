"""DINO (Zhang et al., 2022, arXiv:2203.03605)."""

from __future__ import annotations

from typing import Any

from mmdet.models.detectors.deformable_detr import DeformableDETR
from mmdet.registry import MODELS, ModelConfigError

# What each rule freezes.
FREEZE_RULES = {
    "freeze_backbone": ("backbone",),
    "freeze_backbone_encoder": ("backbone", "neck", "bbox_head.transformer.encoder"),
}


@MODELS.register_module()
class DINO(DeformableDETR):
    """Deformable DETR with a DINO head.

    Args:
        args: of :class:`DeformableDETR`.
        rule: "freeze_backbone", or "freeze_backbone_encoder": what is not trained; None: all is.
        kwargs: of :class:`DeformableDETR`.
    """

    def __init__(self, *args: Any, rule: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if rule is not None and rule not in FREEZE_RULES:
            raise ModelConfigError(
                f"rule must be None or one of {', '.join(FREEZE_RULES)}, but is {rule!r}"
            )
        for name in FREEZE_RULES[rule] if rule else ():
            self.get_submodule(name).requires_grad_(False)
