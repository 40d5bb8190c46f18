"""Logs as text, one line at a time, and as JSON lines in ``<timestamp>.log.json``."""

from __future__ import annotations

import datetime
import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist

from mmcv.hooks.logger import LoggerHook
from mmcv.registry import HOOKS, ConfigError
from mmcv.runner.dist_utils import collective_device

if TYPE_CHECKING:
    from mmcv.runner.runner import BaseRunner

logger = logging.getLogger(__name__)

# Printed at the front of a line, or not at all.
FRONT = {"mode", "Epoch", "epoch", "iter", "time", "data_time", "memory"}


@HOOKS.register_module()
class TextLoggerHook(LoggerHook):
    """Writes ``Iter [50/80000] lr: ..., eta: ..., time: ..., loss: ...``, also as JSON.

    The first JSON line is ``runner.meta`` (environment, seed, config). ``memory`` is the largest
    amount of GPU memory allocated on any rank, in MiB; runs without a GPU do not have it.

    Args:
        by_epoch: the run counts epochs.
        interval: in iterations.
        ignore_last: skip the remainder at the end of an epoch.
        reset_flag: see LoggerHook.
        interval_exp_name: print the name of the experiment every so many iterations.
        out_dir: copy the log files into ``out_dir/<name of the work dir>`` after the run.
        out_suffix: which files are copied.
        keep_local: whether they also stay in the work dir.
        file_client_args: only ``dict(backend='disk')``.
    """

    def __init__(
        self,
        by_epoch: bool = True,
        interval: int = 10,
        ignore_last: bool = True,
        reset_flag: bool = False,
        interval_exp_name: int = 1000,
        out_dir: str | None = None,
        out_suffix: str | Sequence[str] = (".log.json", ".log", ".py"),
        keep_local: bool = True,
        file_client_args: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(interval, ignore_last, reset_flag, by_epoch)
        if (file_client_args or {}).get("backend", "disk") != "disk":
            raise ConfigError(f"file_client_args={file_client_args}: only the disk is supported")
        if out_dir is not None and not isinstance(out_dir, (str, Path)):
            raise TypeError(f"out_dir should be a str or None, but got {out_dir!r}")
        self.interval_exp_name = interval_exp_name
        self.out_dir = out_dir
        self.out_suffix = (out_suffix,) if isinstance(out_suffix, str) else tuple(out_suffix)
        self.keep_local = keep_local
        self.file_client_args = file_client_args
        self.start_iter = 0
        self.json_log_path: str | None = None
        # What the estimate of the remaining time rests on: this process's own iterations.
        self.time_sec_tot = 0.0
        self._num_timed = 0

    def before_run(self, runner: BaseRunner) -> None:
        """Starts the JSON file with the run's meta data."""
        super().before_run(runner)
        self.start_iter = runner.iter
        if runner.work_dir is None:
            return
        if self.out_dir is not None:
            self.out_dir = str(Path(self.out_dir) / Path(runner.work_dir).name)
        self.json_log_path = str(Path(runner.work_dir) / f"{runner.timestamp}.log.json")
        if runner.meta is not None:
            self._dump_log(runner.meta, runner)

    def log(self, runner: BaseRunner) -> dict[str, Any]:
        """Writes both lines and returns what they say."""
        output = runner.log_buffer.output
        # An evaluation counts its own iterations.
        count = output.pop("eval_iter_num", None)
        log_dict: dict[str, Any] = {
            "mode": self.get_mode(runner),
            "epoch": self.get_epoch(runner),
            "iter": self.get_iter(runner, inner_iter=True) if count is None else count,
            **self._get_rates(runner),
        }
        if "time" in output and torch.cuda.is_available():
            log_dict["memory"] = self._get_max_memory(runner)
        log_dict.update(output)
        self._log_info(log_dict, runner)
        self._dump_log(log_dict, runner)
        return log_dict

    def after_run(self, runner: BaseRunner) -> None:
        """Copies the log files to ``out_dir``."""
        if self.out_dir is None or runner.work_dir is None or runner.rank != 0:
            return
        root = Path(runner.work_dir)
        found = [path for path in sorted(root.rglob("*")) if path.name.endswith(self.out_suffix)]
        for path in (path for path in found if path.is_file()):
            target = Path(self.out_dir) / path.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            if not self.keep_local:
                path.unlink()

    def _get_rates(self, runner: BaseRunner) -> dict[str, Any]:
        """Returns the first group's learning rate, or those of several optimizers."""
        rates = runner.current_lr()
        if isinstance(rates, dict):
            return {"lr": {name: groups[0] for name, groups in rates.items()}}
        return {"lr": rates[0]}

    def _get_max_memory(self, runner: BaseRunner) -> int:
        """Returns MiB; on rank 0 the most of any rank. Collective."""
        memory = torch.cuda.max_memory_allocated() // (1024 * 1024)
        if runner.world_size == 1:
            return memory
        box = torch.tensor(memory, device=collective_device())
        dist.reduce(box, 0, op=dist.ReduceOp.MAX)
        return int(box.item())

    def _log_info(self, log_dict: Mapping[str, Any], runner: BaseRunner) -> None:
        """Writes the line of text."""
        out = runner.logger or logger
        is_end = self.by_epoch and self.end_of_epoch(runner)
        if (runner.meta or {}).get("exp_name") and (
            is_end or self.every_n_iters(runner, self.interval_exp_name)
        ):
            out.info("Exp name: %s", runner.meta["exp_name"])
        rates = [key for key in log_dict if key in ("lr", "layer_0_lr")]
        is_train = log_dict["mode"] == "train"
        parts = []
        if is_train:
            parts = [_rate_text(key, log_dict[key]) for key in sorted(rates, key=len)]
            parts += self._timing(log_dict, runner)
        for name, value in log_dict.items():
            # An evaluation's figures per class (IoU.wall) are in its table and in the JSON line.
            if name not in FRONT and name not in rates and (is_train or "." not in name):
                shown = f"{value:.4f}" if isinstance(value, float) else value
                parts.append(f"{name}: {shown}")
        out.info("%s\t%s", self._position(log_dict, runner), ", ".join(parts))

    def _position(self, log_dict: Mapping[str, Any], runner: BaseRunner) -> str:
        mode, epoch, iteration = (log_dict[key] for key in ("mode", "epoch", "iter"))
        if mode != "train":
            return f"{'Epoch' if self.by_epoch else 'Iter'}({mode}) " + (
                f"[{epoch}][{iteration}]" if self.by_epoch else f"[{iteration}]"
            )
        if self.by_epoch:
            return f"Epoch [{epoch}][{iteration}/{len(runner.data_loader)}]"
        return f"Iter [{iteration}/{runner.max_iters}]"

    def _timing(self, log_dict: Mapping[str, Any], runner: BaseRunner) -> list[str]:
        """Returns the remaining time, times of an iteration, and memory."""
        if "time" not in log_dict:
            return []
        self.time_sec_tot += log_dict["time"] * self.interval
        self._num_timed += self.interval
        seconds = self.time_sec_tot / self._num_timed * (runner.max_iters - runner.iter - 1)
        parts = [
            f"eta: {datetime.timedelta(seconds=int(seconds))}",
            f"time: {log_dict['time']:.3f}",
            f"data_time: {log_dict.get('data_time', 0.0):.3f}",
        ]
        return [*parts, f"memory: {log_dict['memory']}"] if "memory" in log_dict else parts

    def _dump_log(self, log_dict: Mapping[str, Any], runner: BaseRunner) -> None:
        """Appends the JSON line, on rank 0."""
        if runner.rank != 0 or self.json_log_path is None:
            return
        line = {
            # Five decimals would turn the small rates of the first layers into zeros.
            key: _significant(value) if key in ("lr", "layer_0_lr") else self._round_float(value)
            for key, value in log_dict.items()
        }
        with open(self.json_log_path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=_plain) + "\n")

    def _round_float(self, items: Any) -> Any:
        if isinstance(items, list):
            return [self._round_float(item) for item in items]
        return round(items, 5) if isinstance(items, float) else items


@HOOKS.register_module()
class CustomizedTextLoggerHook(TextLoggerHook):
    """Logs the largest rate of any group as ``lr``, the smallest as ``layer_0_lr``."""

    def _get_rates(self, runner: BaseRunner) -> dict[str, Any]:
        rates = runner.current_lr()
        if isinstance(rates, dict):
            low = {name: min(groups) for name, groups in rates.items()}
            return {"layer_0_lr": low, "lr": {name: max(groups) for name, groups in rates.items()}}
        return {"layer_0_lr": min(rates), "lr": max(rates)}


def _rate_text(key: str, value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}_{name}: {rate:.3e}" for name, rate in value.items())
    return f"{key}: {value:.3e}"


def _significant(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _significant(rate) for name, rate in value.items()}
    return float(f"{value:.6g}")


def _plain(value: Any) -> Any:
    """Returns what JSON can hold of a numpy or torch value; anything else as text."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
