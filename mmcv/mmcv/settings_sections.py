"""The sections of a config that have a meaning: which keys they take, and of what type.

Keys that 1.x passes on (to an optimizer, a hook, a loader, a data set's ``evaluate``) stay free
here: their receivers check them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
)
from pydantic_core import PydanticCustomError

from mmcv.registry import did_you_mean


class Closed(BaseModel):
    """A section without other keys than these."""

    model_config = ConfigDict(extra="forbid", strict=True, protected_namespaces=())


class Open(BaseModel):
    """A section whose further keys are checked by whoever receives them."""

    model_config = ConfigDict(extra="allow", strict=True, protected_namespaces=())


def misspelt(key: str, given: Iterable[str]) -> str:
    """Returns ``"; is 'typ' a misspelling of it?"`` for the key that resembles a missing one."""
    near = difflib.get_close_matches(key, map(str, given), n=1, cutoff=0.7)
    return f"; is {near[0]!r} a misspelling of it?" if near else ""


def _error(message: str) -> PydanticCustomError:
    return PydanticCustomError("config", "{message}", {"message": message})


def _described(value: Any) -> Any:
    """Checks that a dict says by ``type`` what it describes; objects are already built."""
    if isinstance(value, Mapping) and "type" not in value:
        raise _error("has no key 'type'" + misspelt("type", value))
    if value is None or isinstance(value, (str, int, float, list, tuple)):
        raise _error("should be a dict with the key 'type'")
    return value


def _described_each(value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        return _described(value)
    for i, one in enumerate(value):
        try:
            _described(one)
        except PydanticCustomError as error:
            raise _error(f"at index {i}: {error.message()}") from None
    return value


def _described_each_or_none(value: Any) -> Any:
    return None if value is None else _described_each(value)


def _optimizers(value: Any) -> Any:
    """Checks one optimizer, or a dict of several by name."""
    if isinstance(value, Mapping) and value and all(isinstance(v, Mapping) for v in value.values()):
        _described_each(list(value.values()))
        return value
    return _described(value)


def _path_or_dict(value: Any) -> Any:
    if value is None or isinstance(value, (str, Mapping)):
        return value
    raise _error("should be a path, a dict, or the name of a preset")


def _level(value: Any) -> Any:
    if type(value) is int or value in LEVELS:
        return value
    hint = did_you_mean(str(value).upper(), LEVELS)
    raise _error(f"should be one of {', '.join(LEVELS)}{hint}")


def _scale(value: Any) -> Any:
    if value == "dynamic" or isinstance(value, Mapping) or type(value) in (int, float):
        return value
    raise _error("should be a number, 'dynamic', or a dict")


LEVELS = ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG", "NOTSET")

Described = Annotated[Any, AfterValidator(_described)]
DescribedEachOrNone = Annotated[Any, AfterValidator(_described_each_or_none)]
Options = dict[str, Any]


class CheckpointSection(Closed):
    """``checkpoint_config``: arguments of CheckpointHook."""

    interval: PositiveInt | None = None
    by_epoch: bool = True
    save_optimizer: bool = True
    out_dir: str | None = None
    max_keep_ckpts: int = -1
    save_last: bool = True
    sync_buffer: bool = False
    file_client_args: Options | None = None
    deepspeed: bool = False  # of 1.x: the strategy decides
    filename_tmpl: str | None = None
    meta: Options | None = None
    create_symlink: bool = True
    asynchronous: bool = True
    save_frozen: bool = False


class FailuresSection(Closed):
    """``failures``: what a run does when something goes wrong."""

    non_finite: Literal["stop", "skip", "watch"] = "stop"
    max_skips: NonNegativeInt = 10
    hang_timeout: PositiveFloat | None = 1800.0


class LogSection(Closed):
    """``log_config``."""

    interval: PositiveInt
    hooks: Sequence[Described]


class RunnerSection(Open):
    """``runner``."""

    type: Any
    max_iters: PositiveInt | None = None
    max_epochs: PositiveInt | None = None


class GradClip(Closed):
    """``optimizer_config.grad_clip``: arguments of ``clip_grad_norm_``."""

    max_norm: PositiveFloat
    norm_type: float = 2


class OptimizerHookSection(Closed):
    """``optimizer_config``: arguments of OptimizerHook, and of Fp16OptimizerHook with ``fp16``."""

    grad_clip: GradClip | None = None
    detect_anomalous_params: bool = False
    cumulative_iters: PositiveInt = 1
    coalesce: bool = True
    bucket_size_mb: int = -1
    distributed: bool = True


class Fp16Section(OptimizerHookSection):
    """``fp16``: what mixed precision adds to ``optimizer_config``."""

    loss_scale: Annotated[Any, AfterValidator(_scale)] = 512.0


class CumulativeSection(Closed):
    """``gradient_cumulative``."""

    cumulative_iters: PositiveInt


class PolicySection(Open):
    """``lr_config`` and ``momentum_config``: a policy and arguments of its hook."""

    policy: str


class EvaluationSection(Open):
    """``evaluation``: arguments of EvalHook, the others for the data set's ``evaluate``."""

    interval: PositiveInt = 1
    start: NonNegativeInt | None = None
    save_best: str | None = None
    rule: Literal["greater", "less"] | None = None
    pre_eval: bool = False


class DataSection(Closed):
    """``data``: data sets, and arguments of the loaders."""

    samples_per_gpu: PositiveInt | None = None
    workers_per_gpu: NonNegativeInt | None = None
    train: DescribedEachOrNone = None
    val: DescribedEachOrNone = None
    test: DescribedEachOrNone = None
    train_dataloader: Options | None = None
    val_dataloader: Options | None = None
    test_dataloader: Options | None = None
    # What 1.x hands to every loader.
    shuffle: bool = True
    seed: int | None = None
    drop_last: bool = False
    pin_memory: bool = True
    persistent_workers: bool = True
    prefetch_factor: PositiveInt | None = None
    timeout: float = 0
    multiprocessing_context: Any = None


class DistSection(Closed):
    """``dist_params``: arguments of ``init_process_group``, and SLURM's port."""

    backend: str = "nccl"
    port: int | str | None = None
    init_method: str | None = None
    timeout: Any = None
    device_id: Any = None
    pg_options: Any = None


class ScaleLrSection(Closed):
    """``auto_scale_lr``."""

    enable: bool = False
    base_batch_size: PositiveInt | None = None


class ImportsSection(Closed):
    """``custom_imports``."""

    imports: str | Sequence[str]
    allow_failed_imports: bool = False


class Settings(Open):
    """All variables of a config that have a meaning; others are the user's own."""

    model: Described = None
    train_cfg: Any = None
    test_cfg: Any = None
    data: DataSection | None = None
    optimizer: Annotated[Any, AfterValidator(_optimizers)] = None
    optimizer_config: OptimizerHookSection | None = None
    lr_config: PolicySection | None = None
    momentum_config: PolicySection | None = None
    runner: RunnerSection | None = None
    total_iters: PositiveInt | None = None
    total_epochs: PositiveInt | None = None
    workflow: Sequence[Any] | None = None
    checkpoint_config: CheckpointSection | None = None
    log_config: LogSection | None = None
    evaluation: EvaluationSection | None = None
    custom_hooks: Sequence[Described] | None = None
    custom_imports: ImportsSection | None = None
    fp16: Fp16Section | None = None
    gradient_cumulative: CumulativeSection | None = None
    deepspeed: bool = False
    deepspeed_config: Annotated[Any, AfterValidator(_path_or_dict)] = None
    dist_params: DistSection | None = None
    failures: FailuresSection | None = None
    find_unused_parameters: bool = False
    load_from: str | None = None
    resume_from: str | None = None
    auto_resume: bool = False
    work_dir: str | None = None
    log_level: Annotated[Any, AfterValidator(_level)] = "INFO"
    seed: NonNegativeInt | None = None
    gpu_ids: Any = None  # a list or a range
    device: str | None = None
    cudnn_benchmark: bool = False
    opencv_num_threads: int | None = None
    mp_start_method: Literal["fork", "spawn", "forkserver"] | None = None
    auto_scale_lr: ScaleLrSection | None = None
