"""From the hook sections of a config to registered hooks.

Functions of a runner; ``BaseRunner`` has them as methods, which is how 1.x code calls them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mmcv.hooks.hook import Hook
from mmcv.registry import HOOKS, ConfigError
from mmcv.runner.checks import in_section
from mmcv.runner.priority import Priority

if TYPE_CHECKING:
    from mmcv.runner.runner import BaseRunner

HookConfig = Mapping[str, Any] | Any | None


def register_training_hooks(
    runner: BaseRunner,
    lr_config: HookConfig = None,
    optimizer_config: HookConfig = None,
    checkpoint_config: HookConfig = None,
    log_config: Mapping[str, Any] | None = None,
    momentum_config: HookConfig = None,
    timer_config: HookConfig = None,
    custom_hooks_config: Any = None,
) -> None:
    """Registers the hooks of a config; each section is a dict, a hook, or None.

    Args:
        runner: gets the hooks.
        lr_config: priority VERY_HIGH (10).
        optimizer_config: ABOVE_NORMAL (40).
        checkpoint_config: NORMAL (50).
        log_config: ``interval`` and ``hooks``; VERY_LOW (90).
        momentum_config: HIGH (30).
        timer_config: LOW (70); an IterTimerHook by default.
        custom_hooks_config: list of dicts, which may have a ``priority``, or hooks.
    """
    if runner.unit == "iter":
        lr_config, checkpoint_config = _by_iter(lr_config), _by_iter(checkpoint_config)
        if log_config is not None:
            log_config = {**log_config, "hooks": [_by_iter(info) for info in log_config["hooks"]]}
    register_lr_hook(runner, lr_config)
    register_momentum_hook(runner, momentum_config)
    register_optimizer_hook(runner, optimizer_config)
    register_checkpoint_hook(runner, checkpoint_config)
    register_timer_hook(runner, timer_config or {"type": "IterTimerHook"})
    register_logger_hooks(runner, log_config)
    register_custom_hooks(runner, custom_hooks_config)


def register_lr_hook(runner: BaseRunner, lr_config: HookConfig) -> None:
    """Registers the schedule of the learning rate."""
    if isinstance(lr_config, Mapping):
        from mmcv.hooks.lr import build_lr_hook

        with in_section("lr_config", lr_config):
            lr_config = build_lr_hook(lr_config)
    _register(runner, lr_config, "VERY_HIGH")


def register_momentum_hook(runner: BaseRunner, momentum_config: HookConfig) -> None:
    """Registers the schedule of the momentum."""
    if isinstance(momentum_config, Mapping):
        from mmcv.hooks.momentum import build_momentum_hook

        with in_section("momentum_config", momentum_config):
            momentum_config = build_momentum_hook(momentum_config)
    _register(runner, momentum_config, "HIGH")


def register_optimizer_hook(runner: BaseRunner, optimizer_config: HookConfig) -> None:
    """Registers the hook that updates the model."""
    hook = _build(optimizer_config, "optimizer_config", type="OptimizerHook")
    _register(runner, hook, "ABOVE_NORMAL")


def register_checkpoint_hook(runner: BaseRunner, checkpoint_config: HookConfig) -> None:
    """Registers the hook that saves checkpoints."""
    hook = _build(checkpoint_config, "checkpoint_config", type="CheckpointHook")
    _register(runner, hook, "NORMAL")


def register_timer_hook(runner: BaseRunner, timer_config: HookConfig) -> None:
    """Registers the hook that measures times."""
    _register(runner, _build(timer_config, "timer_config"), "LOW")


def register_logger_hooks(runner: BaseRunner, log_config: Mapping[str, Any] | None) -> None:
    """Registers the loggers of ``log_config['hooks']``."""
    if log_config is None:
        return
    runner.loss_watch.interval = log_config["interval"]
    for i, info in enumerate(log_config["hooks"]):
        hook = _build(info, f"log_config.hooks[{i}]", interval=log_config["interval"])
        _register(runner, hook, "VERY_LOW")


def register_profiler_hook(runner: BaseRunner, profiler_config: HookConfig) -> None:
    """Registers the profiler."""
    _register(runner, _build(profiler_config, "profiler_config", type="ProfilerHook"), "NORMAL")


def register_custom_hooks(runner: BaseRunner, custom_config: Any) -> None:
    """Registers the hooks of ``custom_hooks``, one or a list."""
    if custom_config is None:
        return
    if not isinstance(custom_config, (list, tuple)):
        custom_config = [custom_config]
    for i, config in enumerate(custom_config):
        if isinstance(config, Mapping):
            with in_section(f"custom_hooks[{i}]", config):
                register_hook_from_cfg(runner, config)
        else:
            runner.register_hook(config, priority="NORMAL")


def register_hook_from_cfg(runner: BaseRunner, hook_cfg: Mapping[str, Any]) -> None:
    """Builds a hook from ``type`` and its arguments; ``priority`` is NORMAL by default."""
    config = dict(hook_cfg)
    priority = config.pop("priority", "NORMAL")
    runner.register_hook(HOOKS.build(config), priority=priority)


def get_hook_info(runner: BaseRunner) -> str:
    """Returns a table of the hooks of each stage, in the order of calling."""
    names = {priority.value: priority.name for priority in Priority}
    blocks = []
    for stage in Hook.stages:
        rows = [
            f"({names.get(hook.priority, hook.priority):<12}) {type(hook).__name__:<35}"
            for hook in runner.hooks
            if stage in hook.get_triggered_stages()
        ]
        if rows:
            blocks.append("\n".join([f"{stage}:", *rows, " -------------------- "]))
    return "\n".join(blocks)


def _by_iter(config: HookConfig) -> HookConfig:
    """Returns the section of a hook that counts iterations unless it says otherwise."""
    return {"by_epoch": False, **config} if isinstance(config, Mapping) else config


def _build(config: HookConfig, path: str, **defaults: Any) -> Any:
    """Returns the hook that ``config`` is, or describes."""
    if not isinstance(config, Mapping):
        return config
    section = {**defaults, **config}
    with in_section(path, section):
        return HOOKS.build(section)


def _register(runner: BaseRunner, hook: Any, priority: str) -> None:
    if hook is None:
        return
    if not callable(getattr(hook, "before_run", None)):
        raise ConfigError(f"a dict or a hook is needed, but got {hook!r}")
    runner.register_hook(hook, priority=priority)
