"""Names of the original's DeepSpeed wrappers: importable for ``isinstance``, not for building."""

from __future__ import annotations

from typing import Any, NoReturn


class MMDeepSpeedEngine:
    """Never what runs a model here: see mmcv.runner.strategy."""

    def __init__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(
            f"{type(self).__name__} is not built by hand: set deepspeed=True and "
            "deepspeed_config='zero_configs/....json' in the config, and train with tools/train.py"
        )


class MMDeepSpeedInferenceEngine(MMDeepSpeedEngine):
    """As MMDeepSpeedEngine; evaluation runs the bare model."""
