"""Any backbone of timm, by name."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from mmcv.model import BaseModule, InitCfg
from mmcv.registry import MODELS


@MODELS.register_module()
class TIMMBackbone(BaseModule):
    """Wraps ``timm.create_model``; keys ``timm_model.*``.

    Pretrained weights are loaded by ``init_weights``, not here.

    Args:
        model_name: such as "resnet50".
        features_only: return the maps of all strides instead of class scores.
        pretrained: load timm's weights.
        checkpoint_path: load these weights instead.
        in_channels: channels of the image.
        init_cfg: see ``BaseModule``.
        kwargs: further arguments of ``timm.create_model``; ``norm_layer`` may be a registered name.
    """

    forwards_kwargs = True

    def __init__(
        self,
        model_name: str,
        features_only: bool = True,
        pretrained: bool = True,
        checkpoint_path: str = "",
        in_channels: int = 3,
        init_cfg: InitCfg = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(init_cfg)
        if isinstance(kwargs.get("norm_layer"), str):
            kwargs["norm_layer"] = MODELS.get(kwargs["norm_layer"])
        self.pretrained = pretrained
        self.checkpoint_path = checkpoint_path
        self.arguments = dict(
            model_name=model_name, features_only=features_only, in_chans=in_channels, **kwargs
        )
        self.timm_model = _create(self.arguments)
        # Parts that no map depends on; None as in 1.x, so that DDP finds no unused parameters.
        for name in ("global_pool", "fc", "classifier"):
            setattr(self.timm_model, name, None)

    def init_weights(self) -> None:
        """Loads the pretrained weights, or applies ``init_cfg``."""
        if not (self.pretrained or self.checkpoint_path):
            super().init_weights()
            return
        source = _create(
            self.arguments, pretrained=self.pretrained, checkpoint_path=self.checkpoint_path
        )
        self.timm_model.load_state_dict(source.state_dict(), strict=False)
        self._is_init = True

    def forward(self, x: Tensor) -> list[Tensor]:
        """Maps images (B, 3, H, W) to maps of strides as timm's ``feature_info`` says."""
        return self.timm_model(x)


def _create(arguments: dict[str, Any], **loading: Any) -> Any:
    import timm  # three seconds, which only users of this class should pay

    return timm.create_model(**arguments, **loading)
