"""What comes before anything is built: config, processes, work dir, logs, seed."""

from __future__ import annotations

import argparse
import logging
import os
import time
from pathlib import Path
from typing import Any

import torch

from mmcv import settings
from mmcv.config import Config
from mmcv.registry import ConfigError
from mmcv.runner.auto_resume import find_checkpoint, read_meta
from mmcv.runner.checks import check_workflow
from mmcv.runner.dist_utils import (
    broadcast_object,
    get_dist_info,
    init_dist,
    init_world_of_one,
    is_distributed,
)
from mmcv.runner.failures import DEFAULT_HANG_TIMEOUT
from mmcv.runner.paths import resolve_paths
from mmcv.runner.seed import init_random_seed, set_random_seed
from mmcv.runner.zero.settings import load_deepspeed_config
from mmcv.utils import collect_env, get_logger

logger = logging.getLogger(__name__)


def load_config(args: argparse.Namespace) -> Config:
    """Returns the config with the changes that the flags ask for, checked.

    Raises:
        ConfigError: a key that is unknown or has a wrong type.
    """
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    settings.validate(cfg)
    check_workflow(cfg.get("workflow"))
    stem = Path(args.config).stem
    cfg.work_dir = args.work_dir or cfg.get("work_dir") or str(Path("work_dirs") / stem)
    for key in ("load_from", "resume_from"):
        cfg[key] = getattr(args, key) or cfg.get(key)
    cfg.auto_resume = args.auto_resume or cfg.get("auto_resume", False)
    resolve_paths(cfg)
    return cfg


def start_process(cfg: Config, args: argparse.Namespace) -> None:
    """Joins the other processes, and chooses this one's device and its settings."""
    if args.launcher != "none":
        # Longer than the watchdog's: that one says which rank hangs.
        hang_timeout = (cfg.get("failures") or {}).get("hang_timeout", DEFAULT_HANG_TIMEOUT)
        patience = {} if hang_timeout is None else {"timeout": hang_timeout + 60}
        init_dist(args.launcher, **{**patience, **cfg.get("dist_params", {})})
    else:
        if torch.cuda.is_available():
            torch.cuda.set_device(args.gpu_ids[0] if args.gpu_ids else args.gpu_id)
        if cfg.get("deepspeed") is True:
            init_world_of_one()
    cfg.gpu_ids = list(range(get_dist_info()[1]))
    cfg.device = "cuda" if torch.cuda.is_available() else "cpu"
    set_backends(cfg)
    if cfg.get("deepspeed") is True:
        # Now, when the number of processes is known, and not after the model was built.
        load_deepspeed_config(cfg.get("deepspeed_config"), cfg)
    if args.auto_scale_lr or (cfg.get("auto_scale_lr") or {}).get("enable"):
        _scale_lr(cfg)


def set_backends(cfg: Config) -> None:
    """Sets what training and testing share: ``cudnn_benchmark``, and TF32."""
    torch.backends.cudnn.benchmark = bool(cfg.get("cudnn_benchmark", False))
    # As the original: TF32 is precise enough and several times faster.
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True


def start_run(name: str, cfg: Config, args: argparse.Namespace) -> dict[str, Any]:
    """Makes the work dir with log and config, and seeds the random numbers. Collective.

    Args:
        name: of the logger, which is that of the task.
        cfg: gets ``timestamp``, ``seed`` and the ``resume_from`` that was found.
        args: of the command line.

    Returns:
        What every checkpoint records of this run.
    """
    folder = Path(cfg.work_dir).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    timestamp = broadcast_object(time.strftime("%Y%m%d_%H%M%S", time.localtime()))
    for logged in (name, "mmcv", "mmops"):
        get_logger(logged, folder / f"{timestamp}.log", cfg.get("log_level", "INFO"), "a")
    log = logging.getLogger(name)
    if get_dist_info()[0] == 0:
        cfg.dump(folder / f"{Path(args.config).stem}.py")
    environment = "\n".join(f"{key}: {value}" for key, value in collect_env().items())
    line = "-" * 60
    log.info("Environment info:\n%s\n%s\n%s\n", line, environment, line)
    log.info("Distributed training: %s", is_distributed())
    config = cfg.pretty_text
    log.info("Config:\n%s", config)
    cfg.timestamp = timestamp
    checkpoint = find_checkpoint(cfg)
    cfg.resume_from = None if checkpoint is None else str(checkpoint)
    cfg.seed = _choose_seed(cfg, args.seed)
    shift = "" if not args.diff_seed else " + rank"
    log.info("Set random seed to %d%s, deterministic: %s", cfg.seed, shift, args.deterministic)
    set_random_seed(cfg.seed, args.deterministic, use_rank_shift=args.diff_seed)
    return {
        "env_info": environment,
        "config": config,
        "seed": cfg.seed,
        "exp_name": os.path.basename(args.config),
    }


def _choose_seed(cfg: Config, asked: int | None) -> int:
    """Returns the seed asked for, that of the run that is continued, or a new one."""
    asked = cfg.get("seed") if asked is None else asked
    stored = read_meta(Path(cfg.resume_from)).get("seed") if cfg.resume_from else None
    if stored is not None and asked not in (None, stored):
        logger.warning(
            "seed %s instead of %s of the run that is continued: the order of the samples changes",
            asked,
            stored,
        )
    return init_random_seed(stored if asked is None else asked)


def _scale_lr(cfg: Config) -> None:
    base = (cfg.get("auto_scale_lr") or {}).get("base_batch_size")
    if base is None:
        raise ConfigError(
            "--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in the config"
        )
    batch = get_dist_info()[1] * cfg.data.samples_per_gpu
    logger.info("learning rate scaled by %d / %d", batch, base)
    cfg.optimizer.lr = cfg.optimizer.lr * batch / base
