"""Modules that initialise themselves from an ``init_cfg``, and the base of all models.

``BaseModule`` is what backbones, necks and heads derive from; ``BaseModel`` what segmentors and
detectors derive from. Both keep the method names of 1.x, because users plug in there.
"""

from __future__ import annotations

import copy
import logging
import warnings
from abc import ABCMeta, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from mmcv.utils.logging import logger_initialized

InitCfg = Mapping[str, Any] | list[Any] | None


class BaseModule(nn.Module, metaclass=ABCMeta):
    """A module whose ``init_weights`` follows a config.

    Args:
        init_cfg: one initialiser or several, such as ``dict(type='Kaiming', layer='Conv2d')``; see
            ``mmcv.cnn.initialize``.
    """

    def __init__(self, init_cfg: InitCfg = None) -> None:
        super().__init__()
        self._is_init = False
        self.init_cfg = copy.deepcopy(init_cfg)

    @property
    def is_init(self) -> bool:
        """Whether ``init_weights`` has run."""
        return self._is_init

    def init_weights(self) -> None:
        """Applies ``init_cfg``, then calls ``init_weights`` of the children.

        Children that come with pretrained weights keep them: ``Pretrained`` ends the recursion.
        The outermost call writes who initialised each parameter into the log file.
        """
        is_outermost = not hasattr(self, "_params_init_info")
        if is_outermost:
            self._start_init_info()
        try:
            self._init_weights()
            if is_outermost:
                self._dump_init_info()
        finally:
            if is_outermost:
                for module in self.modules():
                    del module._params_init_info

    def _init_weights(self) -> None:
        # Imported here: the building blocks derive from this module's classes.
        from mmcv.cnn.initializers import initialize, update_init_info

        name = type(self).__name__
        if self._is_init:
            warnings.warn(f"init_weights of {name} has been called more than once.", stacklevel=3)
            return
        if self.init_cfg:
            _run_logger().debug("initialize %s with init_cfg %s", name, self.init_cfg)
            initialize(self, self.init_cfg)
            if isinstance(self.init_cfg, Mapping) and self.init_cfg["type"] == "Pretrained":
                return
        for child in self.children():
            if hasattr(child, "init_weights"):  # any module may define it
                child.init_weights()  # type: ignore[operator]
                update_init_info(
                    child,
                    f"Initialized by user-defined `init_weights` in {type(child).__name__} ",
                )
        self._is_init = True

    def _start_init_info(self) -> None:
        from mmcv.cnn.initializers import fingerprint

        unchanged = (
            "The value is the same before and after calling `init_weights` of"
            f" {type(self).__name__} "
        )
        infos: Any = defaultdict(dict)
        for param in self.parameters():
            infos[param] = {
                "init_info": unchanged,
                "tmp_mean_value": None if param.is_meta else fingerprint(param),
            }
        for module in self.modules():
            module._params_init_info = infos

    def _dump_init_info(self) -> None:
        logger = _run_logger()
        infos: Any = self._params_init_info
        lines = ["Name of parameter - Initialization information"]
        for name, param in self.named_parameters():
            lines.append(f"\n{name} - {tuple(param.shape)}: \n{infos[param]['init_info']} ")
        text = "\n".join(lines) + "\n"
        files = [h for h in logger.handlers if isinstance(h, logging.FileHandler)]
        for handler in files:  # not to the screen: thousands of lines
            handler.handle(
                logging.LogRecord(logger.name, logging.INFO, __file__, 0, text, (), None)
            )
        if not files:
            logger.debug(text)

    def __repr__(self) -> str:
        text = super().__repr__()
        return f"{text}\ninit_cfg={self.init_cfg}" if self.init_cfg else text


def _run_logger() -> logging.Logger:
    """Returns the logger that was set up first: the run's own."""
    return logging.getLogger(next(iter(logger_initialized), "mmcv"))


class Sequential(BaseModule, nn.Sequential):
    """``nn.Sequential`` with an ``init_cfg``."""

    def __init__(self, *args: Any, init_cfg: InitCfg = None) -> None:
        BaseModule.__init__(self, init_cfg)
        nn.Sequential.__init__(self, *args)


class ModuleList(BaseModule, nn.ModuleList):
    """``nn.ModuleList`` with an ``init_cfg``."""

    def __init__(self, modules: Iterable[nn.Module] | None = None, init_cfg: InitCfg = None):
        BaseModule.__init__(self, init_cfg)
        nn.ModuleList.__init__(self, modules)


class ModuleDict(BaseModule, nn.ModuleDict):
    """``nn.ModuleDict`` with an ``init_cfg``."""

    def __init__(self, modules: Mapping[str, nn.Module] | None = None, init_cfg: InitCfg = None):
        BaseModule.__init__(self, init_cfg)
        nn.ModuleDict.__init__(self, modules)


class BaseModel(BaseModule):
    """A model with one entry, ``forward``, that strategies wrap: training or testing."""

    @property
    def module(self) -> BaseModel:
        """The model itself: 1.x hooks look for it below a parallel wrapper."""
        return self

    @abstractmethod
    def forward_train(self, img: Tensor, img_metas: list[Any], **targets: Any) -> dict[str, Any]:
        """Returns the losses, and numbers to log, by name; see :func:`parse_losses`."""

    @abstractmethod
    def simple_test(self, img: Tensor, img_metas: list[Any], **kwargs: Any) -> list[Any]:
        """Returns one prediction for each image of the batch."""

    @abstractmethod
    def aug_test(self, imgs: list[Tensor], img_metas: list[Any], **kwargs: Any) -> list[Any]:
        """Returns one prediction for each image, from several views of the batch."""

    def forward(self, img: Any, img_metas: Any, return_loss: bool = True, **kwargs: Any) -> Any:
        """Returns losses or predictions.

        Args:
            img: (B, C, H, W); for testing a list of that, one for each view.
            img_metas: one dict per image; for testing a list of that, one for each view.
            return_loss: train or test.
            kwargs: targets of ``forward_train`` or options of ``simple_test``.
        """
        if return_loss:
            return self.forward_train(img, img_metas, **kwargs)
        return self.forward_test(img, img_metas, **kwargs)

    def forward_test(self, imgs: list[Tensor], img_metas: list[Any], **kwargs: Any) -> list[Any]:
        """Calls ``simple_test`` for one view, ``aug_test`` for several.

        Raises:
            TypeError: the views are not lists.
            ValueError: as many views of images as of metas are needed.
        """
        for value, name in ((imgs, "imgs"), (img_metas, "img_metas")):
            if not isinstance(value, list):
                raise TypeError(f"{name} must be a list, but got {type(value)}")
        if len(imgs) != len(img_metas):
            raise ValueError(
                f"num of augmentations ({len(imgs)}) != num of image meta ({len(img_metas)})"
            )
        if len(imgs) == 1:
            return self.simple_test(imgs[0], img_metas[0], **kwargs)
        return self.aug_test(imgs, img_metas, **kwargs)

    def train_step(self, data_batch: dict[str, Any], optimizer: Any = None, **kwargs: Any) -> dict:
        """Returns ``dict(loss, log_vars, num_samples)`` of one batch, as 1.x runners expect."""
        loss, log_vars = self._parse_losses(self(**data_batch))
        return dict(loss=loss, log_vars=log_vars, num_samples=len(data_batch["img_metas"]))

    def val_step(self, data_batch: dict[str, Any], optimizer: Any = None, **kwargs: Any) -> dict:
        """Returns the same as ``train_step``."""
        return self.train_step(data_batch, optimizer, **kwargs)

    @staticmethod
    def _parse_losses(losses: Mapping[str, Any]) -> tuple[Tensor, dict[str, float]]:
        """Returns the loss and what to log as numbers, averaged over the ranks."""
        loss, tensors = parse_losses(losses)
        values = torch.stack([v.float() for v in tensors.values()])
        if dist.is_available() and dist.is_initialized():
            dist.all_reduce(values.div_(dist.get_world_size()))
        return loss, dict(zip(tensors, values.tolist(), strict=True))


def parse_losses(losses: Mapping[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
    """Sums the losses of a forward pass.

    Args:
        losses: tensors of any shape, which are averaged, or lists of tensors, whose averages are
            summed. Names that contain "loss" count; others are only logged.

    Returns:
        The scalar loss, with its graph, and every entry as a detached scalar, "loss" being the
        last.

    Raises:
        TypeError: an entry is neither a tensor nor a list of tensors.
    """
    scalars: dict[str, Tensor] = {}
    for name, value in losses.items():
        if isinstance(value, Tensor):
            scalars[name] = value.mean()
        elif isinstance(value, (list, tuple)) and value:
            means = [v.mean() for v in value]
            scalars[name] = sum(means[1:], start=means[0])
        else:
            raise TypeError(f"{name} is not a tensor or list of tensors, but a {type(value)}")
    counted = [value for name, value in scalars.items() if "loss" in name]
    if not counted:
        raise ValueError(f"no entry of the losses has 'loss' in its name: {', '.join(scalars)}")
    loss = sum(counted[1:], start=counted[0])
    log_vars = {name: value.detach() for name, value in scalars.items()}
    log_vars["loss"] = loss.detach()
    return loss, log_vars
