"""A sequence of steps that a sample runs through."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from mmcv.data.sample import Transform
from mmcv.image.checks import require
from mmcv.registry import PIPELINES, Registry

# Steps such as MultiScaleFlipAug build steps of their own. These must be looked up where the whole
# pipeline is, because tasks and plug-ins register theirs in a child registry.
_current: ContextVar[Registry] = ContextVar("registry of the pipeline being built")


@contextmanager
def building_with(registry: Registry | None) -> Iterator[Registry]:
    """Gives the registry of the pipeline being built, or starts one with ``registry``."""
    chosen = registry or _current.get(PIPELINES)
    token = _current.set(chosen)
    try:
        yield chosen
    finally:
        _current.reset(token)


@PIPELINES.register_module()
class Compose:
    """Runs steps one after the other.

    Args:
        transforms: configs of steps (dicts with ``type``) or callables, in order.
        registry: where types are looked up; None: that of the pipeline being built, or mmcv's.
    """

    def __init__(
        self, transforms: Sequence[Mapping[str, Any] | Transform], registry: Registry | None = None
    ) -> None:
        require(
            isinstance(transforms, Sequence),
            f"a pipeline must be a list of steps, but got {type(transforms)}",
        )
        self.transforms: list[Any] = []
        with building_with(registry) as chosen:
            for transform in transforms:
                if isinstance(transform, Mapping):
                    self.transforms.append(chosen.build(transform))
                elif callable(transform):
                    self.transforms.append(transform)
                else:
                    raise TypeError("transform must be callable or a dict")

    def __call__(self, data: Any) -> Any:
        """Returns the sample after the last step, or None as soon as a step rejects it."""
        for transform in self.transforms:
            filename = data.get("filename", "?") if isinstance(data, Mapping) else "?"
            try:
                data = transform(data)
            except Exception as error:
                _note(error, f"in pipeline step {type(transform).__name__} of {filename}")
                raise
            if data is None:
                return None
        return data

    def __repr__(self) -> str:
        steps = "".join(f"\n    {transform}" for transform in self.transforms)
        return f"{type(self).__name__}({steps}\n)"


def _note(error: Exception, text: str) -> None:
    if sys.version_info >= (3, 11):
        error.add_note(text)
