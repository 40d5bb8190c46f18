"""Evaluates while training, and keeps the best checkpoint."""

from __future__ import annotations

import logging
import operator
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch.distributed as dist
from torch import Tensor, nn
from torch.utils.data import DataLoader

import mmcv.engine
from mmcv.hooks.checkpoint import find_checkpoint_hook, output_folder
from mmcv.hooks.hook import Hook
from mmcv.hooks.logger import LoggerHook
from mmcv.registry import ConfigError, did_you_mean
from mmcv.runner.dist_utils import broadcast_object, get_dist_info
from mmcv.runner.store import CheckpointStore
from mmcv.runner.testing import run_inference

if TYPE_CHECKING:
    from mmcv.runner.runner import BaseRunner

logger = logging.getLogger(__name__)

# What ``save_best='auto'`` means, if it is among the results; else the first of them.
MAIN_METRIC = "mIoU"


class EvalHook(Hook):
    """Runs the model over a data set every few epochs or iterations, on all ranks.

    Args:
        dataloader: this rank's share of the validation samples.
        start: no evaluation before this epoch or iteration; if it lies before the first one of the
            run, there is one at the beginning.
        interval: in epochs or iterations.
        by_epoch: whether ``interval`` counts epochs.
        save_best: result whose best checkpoint is kept as ``best_<key>_iter_<n>``; "auto": the main
            one; None: none is kept.
        rule: "greater" or "less" is better; derived from the key by default.
        test_fn: called with model and loader instead of ``mmcv.engine.single_gpu_test``.
        greater_keys: parts of keys for which greater is better.
        less_keys: parts of keys for which less is better.
        out_dir: another place for the best checkpoint than the work dir.
        file_client_args: accepted.
        broadcast_bn_buffer: evaluate with rank 0's running statistics on all ranks.
        tmpdir: accepted.
        gpu_collect: accepted.
        pre_eval: let the data set reduce each prediction at once (``dataset.pre_eval``).
        efficient_test: accepted.
        eval_kwargs: passed to ``dataset.evaluate``, such as ``metric='mIoU'``.
    """

    replay = True
    rule_map: dict[str, Callable[[Any, Any], bool]] = {"greater": operator.gt, "less": operator.lt}
    init_value_map = {"greater": -inf, "less": inf}
    _default_greater_keys = [
        "acc",
        "top",
        "AR@",
        "auc",
        "precision",
        "mAP",
        "mDice",
        "mIoU",
        "mAcc",
        "aAcc",
    ]
    _default_less_keys = ["loss"]

    def __init__(
        self,
        dataloader: DataLoader,
        start: int | None = None,
        interval: int = 1,
        by_epoch: bool = True,
        save_best: str | None = None,
        rule: str | None = None,
        test_fn: Callable[..., Any] | None = None,
        greater_keys: Sequence[str] | str | None = None,
        less_keys: Sequence[str] | str | None = None,
        out_dir: str | None = None,
        file_client_args: Mapping[str, Any] | None = None,
        *,
        broadcast_bn_buffer: bool = True,
        tmpdir: str | None = None,
        gpu_collect: bool = False,
        pre_eval: bool = False,
        efficient_test: bool = False,
        **eval_kwargs: Any,
    ) -> None:
        if not isinstance(dataloader, DataLoader):
            raise TypeError(f"dataloader must be a pytorch DataLoader, but got {type(dataloader)}")
        if interval <= 0:
            raise ConfigError(f"interval must be a positive number, but got {interval}")
        if start is not None and start < 0:
            raise ConfigError(f"The evaluation start epoch {start} is smaller than 0")
        assert isinstance(by_epoch, bool), "`by_epoch` should be a boolean"
        assert save_best is None or isinstance(save_best, str), (
            f"save_best should be a str or None, but got {type(save_best)}"
        )
        self.dataloader = dataloader
        self.interval = interval
        self.start = start
        self.by_epoch = by_epoch
        self.save_best = save_best
        self.eval_kwargs = eval_kwargs
        self.pre_eval = pre_eval
        self.broadcast_bn_buffer = broadcast_bn_buffer
        self.initial_flag = True
        self._is_late = False
        # Looked up now: plug-ins replace it in mmcv.engine.
        self.test_fn = test_fn or mmcv.engine.single_gpu_test
        self.greater_keys = _as_list(greater_keys, self._default_greater_keys)
        self.less_keys = _as_list(less_keys, self._default_less_keys)
        self.out_dir = out_dir
        self.key_indicator: str | None = None
        self.rule: str | None = None
        self.best_ckpt_path: str | None = None
        if save_best is not None:
            self._init_rule(rule, save_best)

    def _init_rule(self, rule: str | None, key_indicator: str) -> None:
        """Decides which of two values of a key is better."""
        if rule is not None and rule not in self.rule_map:
            raise KeyError(f"rule must be greater, less or None, but got {rule}.")
        if rule is None and key_indicator != "auto":
            rule = self._rule_of(key_indicator)
        self.rule = rule
        self.key_indicator = key_indicator

    def _rule_of(self, key: str) -> str:
        key = key.lower()
        known = (("greater", self.greater_keys), ("less", self.less_keys))
        for rule, names in known:
            if key in [name.lower() for name in names]:
                return rule
        for rule, names in known:
            if any(name.lower() in key for name in names):
                return rule
        raise ConfigError(
            f"Cannot infer the rule for key {key}, thus a specific rule must be specified:"
            " set evaluation.rule to 'greater' or 'less'"
        )

    def before_run(self, runner: BaseRunner) -> None:
        """Finds the best checkpoint so far."""
        if self.save_best is not None:
            self.out_dir = output_folder(self.out_dir, runner)
            messages = runner.meta.setdefault("hook_msgs", {})
            self.best_ckpt_path = messages.get("best_ckpt")

    def before_train_epoch(self, runner: BaseRunner) -> None:
        """Evaluates before the first epoch, if ``start`` asks for it."""
        if self.by_epoch and self._is_due_at_start(runner, runner.epoch):
            self.after_train_epoch(runner)

    def before_train_iter(self, runner: BaseRunner) -> None:
        """Evaluates before the first iteration, if ``start`` asks for it."""
        if not self.by_epoch and self._is_due_at_start(runner, runner.iter):
            self.after_train_iter(runner)

    def after_train_epoch(self, runner: BaseRunner) -> None:
        """Evaluates if ``interval`` counts epochs."""
        if self.by_epoch and self._should_evaluate(runner):
            self._do_evaluate(runner)

    def after_train_iter(self, runner: BaseRunner) -> None:
        """Evaluates if ``interval`` counts iterations."""
        if not self.by_epoch and (self._is_late or self._should_evaluate(runner)):
            if self._must_wait(runner):
                return
            # The loggers come later: what they have of the training must not mix with results.
            for hook in runner.hooks:
                if isinstance(hook, LoggerHook):
                    hook.after_train_iter(runner)
            runner.log_buffer.clear()
            self._do_evaluate(runner)

    def _must_wait(self, runner: BaseRunner) -> bool:
        """Whether the best checkpoint, if this were it, could not be saved in this iteration."""
        self._is_late = self.save_best is not None and not runner.supervisor.can_save(runner)
        return self._is_late

    def _is_due_at_start(self, runner: BaseRunner, current: int) -> bool:
        is_first, self.initial_flag = self.initial_flag, False
        if not is_first or runner.is_resumed:  # a run that continues began before
            return False
        return self.start is not None and current >= self.start

    def _should_evaluate(self, runner: BaseRunner) -> bool:
        current = (runner.epoch if self.by_epoch else runner.iter) + 1
        if self.start is None:
            return current % self.interval == 0
        return current >= self.start and (current - self.start) % self.interval == 0

    def _do_evaluate(self, runner: BaseRunner) -> None:
        """Tests, evaluates, logs, and saves the best. Collective."""
        runner.call_hook("before_evaluation")
        if self.broadcast_bn_buffer:
            _share_running_statistics(runner.strategy.module)
        runner.strategy.eval()
        with _noting_progress(runner):
            if self.pre_eval:
                results = run_inference(runner.strategy.module, self.dataloader, pre_eval=True)
            else:
                results = self.test_fn(runner.strategy.module, self.dataloader)
        runner.strategy.train()
        runner.call_hook("after_evaluation")
        runner.log_buffer.output["eval_iter_num"] = len(self.dataloader)
        key_score = self.evaluate(runner, results) if runner.rank == 0 else None
        key_score, self.key_indicator, self.rule = broadcast_object(
            (key_score, self.key_indicator, self.rule)
        )
        if self.save_best and key_score is not None:
            self._save_ckpt(runner, key_score)

    def evaluate(self, runner: BaseRunner, results: Any) -> Any:
        """Logs what the data set makes of the results and returns the key's value; on rank 0.

        Args:
            runner: whose log buffer takes the values.
            results: of all samples.
        """
        dataset: Any = self.dataloader.dataset
        scores = dataset.evaluate(results, logger=runner.logger, **self.eval_kwargs)
        for name, value in scores.items():
            runner.log_buffer.output[name] = value
        runner.log_buffer.ready = True
        return self._key_score(scores) if self.save_best is not None else None

    def _key_score(self, scores: Mapping[str, Any]) -> Any:
        if not scores:
            warnings.warn(
                "Since `eval_res` is an empty dict, the behavior to save the best checkpoint will"
                " be skipped in this evaluation.",
                stacklevel=2,
            )
            return None
        if self.key_indicator == "auto":
            self._init_rule(self.rule, MAIN_METRIC if MAIN_METRIC in scores else next(iter(scores)))
        assert self.key_indicator is not None
        if self.key_indicator not in scores:
            raise ConfigError(
                f"evaluation.save_best={self.key_indicator!r} is not among the results"
                f"{did_you_mean(self.key_indicator, scores)} (possible: {', '.join(scores)})"
            )
        return scores[self.key_indicator]

    def _save_ckpt(self, runner: BaseRunner, key_score: Any) -> None:
        """Saves the checkpoint if it is the best so far, then removes the one before."""
        assert self.rule is not None and self.out_dir is not None
        messages = runner.meta.setdefault("hook_msgs", {})
        best = messages.get("best_score", self.init_value_map[self.rule])
        if not self.rule_map[self.rule](key_score, best):
            return
        unit, number = ("epoch", runner.epoch) if self.by_epoch else ("iter", runner.iter)
        store = CheckpointStore(self.out_dir, runner.strategy.suffix)
        path = store.path(f"best_{self.key_indicator}_{unit}_{number + 1}")
        previous, self.best_ckpt_path = self.best_ckpt_path, str(path)
        messages.update(best_score=key_score, best_ckpt=str(path))

        def then() -> None:
            if previous and previous != str(path) and runner.rank == 0:
                store.remove(Path(previous))
                logger.info("The previous best checkpoint %s was removed", previous)
            logger.info("Now best checkpoint is saved as %s.", path.name)

        options = {"filename_tmpl": path.name, "create_symlink": False}
        regular = find_checkpoint_hook(runner)
        if regular is not None and regular.asynchronous:
            runner.save_checkpoint(self.out_dir, **options, then=then)
        else:
            runner.save_checkpoint(self.out_dir, **options)
            then()
        logger.info("Best %s is %0.4f at %d %s.", self.key_indicator, key_score, number + 1, unit)


DistEvalHook = EvalHook  # it runs on one rank or many


def _as_list(keys: Sequence[str] | str | None, default: list[str]) -> list[str]:
    if keys is None:
        return default
    return [keys] if isinstance(keys, str) else list(keys)


@contextmanager
def _noting_progress(runner: BaseRunner) -> Iterator[None]:
    """Takes every batch of the evaluation for progress, whoever runs the model."""
    handle = runner.strategy.module.register_forward_pre_hook(
        lambda module, args: runner.supervisor.note("evaluating")
    )
    try:
        yield
    finally:
        handle.remove()
        runner.supervisor.note("computing the metrics")


def _share_running_statistics(module: nn.Module) -> None:
    if get_dist_info()[1] == 1:
        return
    for child in module.modules():
        for name in ("running_mean", "running_var"):
            value = getattr(child, name, None)
            if isinstance(value, Tensor):
                dist.broadcast(value, 0)
