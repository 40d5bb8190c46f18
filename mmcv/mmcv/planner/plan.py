"""All ways to train a config on given GPUs, and the fastest that fits."""

from __future__ import annotations

from typing import Any, NamedTuple

from mmcv.config import Config
from mmcv.planner.hardware import Gpu
from mmcv.planner.measure import Measured
from mmcv.planner.memory import Layout, Memory, estimate_memory, optimizer_bytes
from mmcv.registry import ConfigError
from mmcv.runner.zero.settings import engine_dtype, read_deepspeed_config

# Images per pass -> part of the GPU that matrix products of 1297 tokens each keep busy.
UTILISATION = {1: 0.61, 2: 0.77, 4: 0.87, 8: 0.91, 16: 0.95}
# The recipes are written for eight GPUs.
RECIPE_GPUS = 8
PCIE = 25e9  # bytes per second between GPU and host
HOST_BANDWIDTH = 100e9  # bytes per second that Adam on the CPU gets
MODES = ("off", "selective", "full")
SHARE_HIDDEN = 0.7  # of communication that runs while the GPU computes
DTYPES = {"torch.bfloat16": "bf16", "torch.float16": "fp16", "torch.float32": "fp32"}


class Option(NamedTuple):
    """A way to train.

    Attributes:
        layout: of state and work.
        memory: that it needs.
        steps: passes per update.
        seconds: per update.
        communication: bytes that each GPU sends per update.
    """

    layout: Layout
    memory: Memory
    steps: int
    seconds: float
    communication: float


class Plan(NamedTuple):
    """What there is to know before a run.

    Attributes:
        measured: of one image.
        gpu: to run on.
        gpus: how many.
        dtype: of the weights, as presets name it.
        batch: images per update.
        updates: of the whole run.
        options: all of them, fitting or not.
        best: the fastest that fits.
        configured: what the config itself says.
        checkpoint: bytes of one checkpoint on disk.
        kept: checkpoints that stay.
    """

    measured: Measured
    gpu: Gpu
    gpus: int
    dtype: str
    batch: int
    updates: int | None
    options: list[Option]
    best: Option | None
    configured: Option
    checkpoint: float
    kept: int

    def fits(self, option: Option) -> bool:
        """Whether an option's memory is there."""
        return option.memory.total <= self.gpu.memory


def make_plan(
    cfg: Config, measured: Measured, gpu: Gpu, gpus: int, *, batch: int | None, efficiency: float
) -> Plan:
    """Weighs all options.

    Args:
        cfg: the config.
        measured: of its model.
        gpu: to run on.
        gpus: how many.
        batch: images per update; None: those of the recipe.
        efficiency: part of the GPU's peak that a step of many images reaches.
    """
    batch = batch or recipe_batch(cfg)
    if batch % gpus:
        raise ConfigError(
            f"{batch} images per update cannot be shared by {gpus} GPUs: choose --batch"
            f" {max(gpus, batch // gpus * gpus)}, or a number of GPUs that divides {batch}"
        )
    options = [
        option_of(measured, layout, gpu, batch, efficiency)
        for layout in _layouts(cfg, gpus, batch // gpus, measured)
    ]
    fitting = [option for option in options if option.memory.total <= gpu.memory]
    layout = configured_layout(cfg, gpus, measured)
    state = optimizer_bytes(measured.parameters, layout)
    return Plan(
        measured=measured,
        gpu=gpu,
        gpus=gpus,
        dtype=dtype_name(cfg),
        batch=batch,
        updates=_updates(cfg),
        options=options,
        best=min(fitting, key=_cost, default=None),
        configured=option_of(measured, layout, gpu, layout.images * gpus, efficiency),
        checkpoint=measured.parameters.bytes + state,
        kept=int((cfg.get("checkpoint_config") or {}).get("max_keep_ckpts", -1)),
    )


def recipe_batch(cfg: Config) -> int:
    """Returns the images per update that a config is written for."""
    if cfg.get("deepspeed") is True:
        stated = read_deepspeed_config(cfg.deepspeed_config, cfg).get("train_batch_size")
        if isinstance(stated, int):
            return stated
    return RECIPE_GPUS * images_per_gpu(cfg)


def images_per_gpu(cfg: Config) -> int:
    """Returns ``data.samples_per_gpu``."""
    data = cfg.get("data") or {}
    loader = data.get("train_dataloader") or {}
    return int(loader.get("samples_per_gpu", data.get("samples_per_gpu", 1)))


def dtype_name(cfg: Config) -> str:
    """Returns bf16, fp16 or fp32: what ``deepspeed_config`` or the hooks ask for."""
    if cfg.get("deepspeed") is True:
        return DTYPES[str(engine_dtype(read_deepspeed_config(cfg.deepspeed_config, cfg)))]
    names = {hook.get("type") for hook in cfg.get("custom_hooks") or []}
    return "bf16" if "ToBFloat16Hook" in names else "fp16" if "ToFloat16Hook" in names else "fp32"


def configured_layout(cfg: Config, gpus: int, measured: Measured) -> Layout:
    """Returns the layout that a config itself asks for."""
    stage, offload = None, False
    if cfg.get("deepspeed") is True:
        zero = read_deepspeed_config(cfg.deepspeed_config, cfg).get("zero_optimization", {})
        stage, offload = int(zero.get("stage", 0)), "offload_optimizer" in zero
    mode = cfg.model.get("backbone", {}).get("with_cp", False)
    best = "selective" if "selective" in measured.saved else "full"
    recompute = {True: best, False: "off"}.get(mode) or str(mode)
    return Layout(stage, offload, gpus, images_per_gpu(cfg), recompute)


def option_of(
    measured: Measured, layout: Layout, gpu: Gpu, batch: int, efficiency: float
) -> Option:
    """Returns memory, time and communication of a layout for ``batch`` images per update."""
    steps = max(1, batch // (layout.gpus * layout.images))
    flops = measured.step_flops + (measured.recompute_flops if layout.recompute == "full" else 0.0)
    known = [n for n in UTILISATION if n <= layout.images]
    share = UTILISATION[max(known)] / UTILISATION[16]
    compute = steps * layout.images * flops / (gpu.flops * efficiency * share)
    sent = _sent(measured, layout, steps)
    waiting = (1 - SHARE_HIDDEN) * sent / gpu.link
    memory = estimate_memory(measured, layout)
    update = _update_seconds(measured, layout, gpu)
    if layout.offload and layout.stage == 3:  # every pass brings all parameters in, twice
        waiting += 2 * steps * measured.parameters.bytes / PCIE
    return Option(layout, memory, steps, compute + waiting + update, sent)


def _layouts(cfg: Config, gpus: int, per_gpu: int, measured: Measured) -> list[Layout]:
    """Returns what can be tried: ZeRO stages for DeepSpeed configs, else data parallelism."""
    kinds: list[tuple[int | None, bool]] = [(None, False)]
    if cfg.get("deepspeed") is True:
        kinds = [(stage, offload) for offload in (False, True) for stage in (1, 2, 3)]
        if gpus == 1:  # nothing to share
            kinds = [(1, False), (1, True), (3, True)]
    # Frozen blocks keep nothing, so that there is nothing to save.
    modes = sorted(measured.saved, key=MODES.index) if measured.recompute_flops else ["off"]
    images = [n for n in UTILISATION if per_gpu % n == 0]
    return [
        Layout(stage, offload, gpus, n, recompute)
        for stage, offload in kinds
        for n in images
        for recompute in modes
    ]


def _cost(option: Option) -> tuple[float, int, int]:
    """Orders options: by time, where a hundredth does not count; then simple before complex."""
    return (round(option.seconds, 2), option.layout.stage or 0, option.steps)


def _sent(measured: Measured, layout: Layout, steps: int) -> float:
    """Returns bytes per GPU and update: an all-reduce sends everything twice."""
    share = (layout.gpus - 1) / layout.gpus
    params = measured.parameters
    if layout.stage == 3:
        return share * steps * (2 * params.bytes + params.trainable_bytes)
    if layout.stage == 2:
        return share * (steps + 1) * params.trainable_bytes
    return share * 2 * params.trainable_bytes


def _update_seconds(measured: Measured, layout: Layout, gpu: Gpu) -> float:
    """Returns the time of the optimizer, which reads and writes its state once."""
    params = measured.parameters
    shard = layout.gpus if (layout.stage or 0) >= 1 else 1
    traffic = (2 * optimizer_bytes(params, layout) + 2 * params.trainable_bytes) / shard
    if not layout.offload:
        return traffic / gpu.bandwidth
    return traffic / HOST_BANDWIDTH * layout.gpus + 2 * params.trainable_bytes / shard / PCIE


def _updates(cfg: Config) -> int | None:
    runner: Any = cfg.get("runner") or {}
    return runner.get("max_iters")
