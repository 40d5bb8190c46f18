"""Test-time augmentation: several sizes and flips of one image."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from mmcv.image.checks import require
from mmcv.registry import PIPELINES
from mmcv.transforms.compose import Compose

Scale = tuple[int, int]


@PIPELINES.register_module()
class MultiScaleFlipAug:
    """Runs steps once per view; each entry of the result is a list with one value per view.

    Views come scale by scale, first unflipped, then flipped, each once per direction.

    Args:
        transforms: the steps; Resize takes each view's scale, RandomFlip its flip.
        img_scale: one scale or a list; None: the image's own size (with ``img_ratios``).
        img_ratios: factors of the one scale.
        flip: add flipped views.
        flip_direction: one or a list.
    """

    def __init__(
        self,
        transforms: Sequence[Any],
        img_scale: Scale | list[Scale] | None,
        img_ratios: float | list[float] | None = None,
        flip: bool = False,
        flip_direction: str | list[str] = "horizontal",
    ) -> None:
        types = [step.get("type") for step in transforms if isinstance(step, Mapping)]
        if flip and "RandomFlip" in types and "Pad" in types:
            require(
                types.index("RandomFlip") < types.index("Pad"),
                "Pad must be executed after RandomFlip when flip is True",
            )
        self.transforms = Compose(transforms)
        self.img_ratios = [img_ratios] if isinstance(img_ratios, (float, int)) else img_ratios
        self.img_scale = _scales(img_scale, self.img_ratios)
        self.flip = flip
        self.flip_direction = (
            flip_direction if isinstance(flip_direction, list) else [flip_direction]
        )
        require(
            all(isinstance(direction, str) for direction in self.flip_direction),
            f"flip_direction must be a name or a list of names, but got {flip_direction!r}",
        )
        if not flip and self.flip_direction != ["horizontal"]:
            warnings.warn("flip_direction has no effect when flip is set to False", stacklevel=2)
        if flip and "RandomFlip" not in types:
            warnings.warn("flip has no effect when RandomFlip is not in transforms", stacklevel=2)

    def __call__(self, results: dict[str, Any]) -> dict[str, list[Any]]:
        """Returns the views of the sample, entry by entry."""
        scales = self.img_scale
        if scales is None:
            h, w = results["img"].shape[:2]
            scales = [(int(w * ratio), int(h * ratio)) for ratio in self.img_ratios or []]
        views = []
        for scale in scales:
            for flip in [False, True] if self.flip else [False]:
                for direction in self.flip_direction:
                    view = {**results, "scale": scale, "flip": flip, "flip_direction": direction}
                    views.append(self.transforms(view))
        return {key: [view[key] for view in views] for key in views[0]}

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(transforms={self.transforms}, img_scale={self.img_scale}, "
            f"flip={self.flip})flip_direction={self.flip_direction}"
        )


def _scales(img_scale: Any, img_ratios: Sequence[float] | None) -> list[Scale] | None:
    """Returns the sizes of the views, or None if they depend on the image."""
    if img_ratios is not None:
        require(
            all(isinstance(ratio, float) for ratio in img_ratios),
            f"img_ratios must be floats, as 1.0, but got {img_ratios!r}",
        )
    if img_scale is None:
        require(img_ratios is not None, "MultiScaleFlipAug needs img_scale or img_ratios")
        return None
    if isinstance(img_scale, tuple) and img_ratios is not None:
        require(len(img_scale) == 2, f"img_scale must be two lengths, but got {img_scale!r}")
        return [(int(img_scale[0] * r), int(img_scale[1] * r)) for r in img_ratios]
    scales = img_scale if isinstance(img_scale, list) else [img_scale]
    require(
        all(isinstance(scale, tuple) for scale in scales),
        f"img_scale must be a tuple of two lengths or a list of such, but got {img_scale!r}",
    )
    return scales
