"""Model wrappers of 1.x scripts: one process, one device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch.nn.parallel import DataParallel, DistributedDataParallel

from mmcv.parallel._functions import CPU
from mmcv.parallel.registry import MODULE_WRAPPERS
from mmcv.parallel.scatter_gather import scatter_kwargs


@MODULE_WRAPPERS.register_module()
class MMDataParallel(DataParallel):
    """Moves a batch to the model's device and unwraps its DataContainers.

    Unlike torch's class it does not spread a batch over devices: ``device_ids`` names one.
    """

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """Calls the model."""
        args, options = self.scatter(inputs, kwargs, self.device_ids or [CPU])
        return self.module(*args[0], **options[0])

    def train_step(self, *inputs: Any, **kwargs: Any) -> Any:
        """Calls the model's train_step."""
        args, options = self.scatter(inputs, kwargs, self.device_ids or [CPU])
        return self.module.train_step(*args[0], **options[0])

    def val_step(self, *inputs: Any, **kwargs: Any) -> Any:
        """Calls the model's val_step."""
        args, options = self.scatter(inputs, kwargs, self.device_ids or [CPU])
        return self.module.val_step(*args[0], **options[0])

    def scatter(self, inputs: Any, kwargs: Any, device_ids: Sequence[Any]) -> Any:
        """Moves the arguments of a call; see scatter_kwargs."""
        return scatter_kwargs(inputs, kwargs, device_ids)


@MODULE_WRAPPERS.register_module()
class MMDistributedDataParallel(DistributedDataParallel):
    """Torch's DDP that unwraps DataContainers, and whose train_step reduces gradients too."""

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """Calls the model."""
        args, options = self.scatter(inputs, kwargs, self.device_ids or [CPU])
        return super().forward(*args[0], **options[0])

    def train_step(self, *inputs: Any, **kwargs: Any) -> Any:
        """Calls the model's train_step."""
        return self._through_forward("train_step", inputs, kwargs)

    def val_step(self, *inputs: Any, **kwargs: Any) -> Any:
        """Calls the model's val_step."""
        return self._through_forward("val_step", inputs, kwargs)

    def scatter(self, inputs: Any, kwargs: Any, device_ids: Sequence[Any]) -> Any:
        """Moves the arguments of a call; see scatter_kwargs."""
        return scatter_kwargs(inputs, kwargs, device_ids)

    def _through_forward(self, method: str, inputs: Any, kwargs: Any) -> Any:
        """Calls a method of the model where DDP calls its forward, which readies the gradients."""
        model = self.module
        own = {"forward": model.forward} if "forward" in vars(model) else {}

        def restore() -> None:
            vars(model).pop("forward", None)
            vars(model).update(own)

        def redirected(*args: Any, **options: Any) -> Any:
            restore()
            return getattr(model, method)(*args, **options)

        model.forward = redirected
        try:
            return self(*inputs, **kwargs)
        finally:
            restore()
