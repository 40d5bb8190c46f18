"""What a run needs to continue exactly where a checkpoint was written.

Beside model and optimizer, which the strategy keeps: counters, the position in the data, random
numbers, the hooks' own state, and which hooks had not yet had their turn.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mmcv.runner.dist_utils import all_gather_objects
from mmcv.runner.files import CheckpointError, plain
from mmcv.runner.iter_loader import IterLoader
from mmcv.runner.seed import get_rng_state, set_rng_state

if TYPE_CHECKING:
    from mmcv.hooks.hook import Hook
    from mmcv.runner.runner import BaseRunner

logger = logging.getLogger(__name__)

# The event in progress and the class of the hook at work in it.
Event = tuple[str, str]


def training_state(
    runner: BaseRunner, event: Event | None, meta: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns the state to store, equal on all ranks. Collective.

    Args:
        runner: whose.
        event: in which the checkpoint is written; None: not in a run.
        meta: added to the runner's.
    """
    stage = event[0] if event else ""
    # Inside after_train_iter, ``runner.iter`` is the index of an iteration that is finished.
    num_finished = runner.iter + (stage == "after_train_iter")
    state: dict[str, Any] = {
        "meta": plain({**runner.meta, **meta, "epoch": runner.epoch + 1, "iter": num_finished}),
        "position": {**_position(runner, stage), "event": list(event) if event else None},
        "rng": all_gather_objects(get_rng_state()),
        "hooks": {name: hook.state_dict() for name, hook in _stateful(runner.hooks).items()},
    }
    if hasattr(runner.log_buffer, "state_dict"):
        state["log_buffer"] = runner.log_buffer.state_dict()
    return state


def _position(runner: BaseRunner, stage: str) -> dict[str, Any]:
    batches = runner.batches
    if batches is None:
        return {"epoch": runner.epoch, "batch": 0, "batch_size": None}
    # In before_train_iter a batch was drawn that no update has seen.
    batch = batches.batch - (stage == "before_train_iter")
    return {"epoch": batches.epoch, "batch": batch, "batch_size": _global_batch_size(runner)}


def _global_batch_size(runner: BaseRunner) -> int | None:
    size = getattr(runner.batches, "batch_size", None)
    if size is None:
        size = getattr(getattr(runner.batches, "batch_sampler", None), "batch_size", None)
    return size * runner.world_size if isinstance(size, int) else None


class Resumption:
    """The stored state of a run, given back in three steps as the new run starts.

    Args:
        state: what ``Strategy.load`` returned; that of a 1.x checkpoint has only ``meta``.
    """

    def __init__(self, state: Mapping[str, Any]) -> None:
        missing = [key for key in ("epoch", "iter") if key not in state.get("meta", {})]
        if missing:
            raise CheckpointError(f"the checkpoint has no meta[{missing[0]!r}]; use load_from")
        self.state = state
        self.meta: dict[str, Any] = state["meta"]
        event = state.get("position", {}).get("event")
        self.event: Event | None = (event[0], event[1]) if event else None

    def set_counters(self, runner: BaseRunner) -> None:
        """Restores epoch, iteration and the hooks' messages, right after loading."""
        position = self.state.get("position", {})
        runner._epoch = position.get("epoch", self.meta["epoch"])
        runner._iter = self.meta["iter"]
        messages = runner.meta.setdefault("hook_msgs", {})
        messages.update(self.meta.get("hook_msgs", {}))

    def restore(self, runner: BaseRunner, batches: IterLoader) -> None:
        """Restores hooks, data position and random numbers, after ``before_run``."""
        self._restore_hooks(runner)
        if "log_buffer" in self.state and hasattr(runner.log_buffer, "load_state_dict"):
            runner.log_buffer.load_state_dict(self.state["log_buffer"])
        epoch, batch = self._where(runner, batches)
        batches.seek(epoch, batch)
        if batch > 0:
            # Starting a loader in the middle of an epoch draws numbers that the run did not draw.
            batches.open()
        self._restore_rng(runner)

    def replay(self, runner: BaseRunner, event: str) -> None:
        """Calls the hooks that a kill may have kept from seeing the event of the checkpoint.

        Only those with ``replay`` set: others may look at outputs, which are gone.
        """
        if self.event is None or self.event[0] != event:
            return
        names = [type(hook).__name__ for hook in runner.hooks]
        first = names.index(self.event[1]) + 1 if self.event[1] in names else len(names)
        self.event = None
        is_iter = event == "after_train_iter"
        # The counters as they were in the event: that iteration, or epoch, was not yet counted.
        runner._iter -= is_iter
        runner._epoch -= not is_iter
        runner.call_hooks([hook for hook in runner.hooks[first:] if hook.replay], event)
        runner._iter += is_iter
        runner._epoch += not is_iter

    def _restore_hooks(self, runner: BaseRunner) -> None:
        stored = dict(self.state.get("hooks", {}))
        for name, hook in _stateful(runner.hooks).items():
            if name in stored:
                hook.load_state_dict(stored.pop(name))
            else:
                logger.warning("the checkpoint has no state for %s, which starts afresh", name)
        for name in stored:
            logger.warning("the state of %s in the checkpoint is not used: no such hook", name)

    def _where(self, runner: BaseRunner, batches: IterLoader) -> tuple[int, int]:
        """Returns epoch and batch; in samples, if the batches now have another size."""
        position = self.state.get("position")
        if position is None:  # written by 1.x
            if runner.unit == "epoch":
                return self.meta["epoch"], 0
            return divmod(self.meta["iter"], len(batches))
        old, new = position["batch_size"], _global_batch_size(runner)
        if old is None or new is None or old == new:
            return position["epoch"], position["batch"]
        samples = position["batch"] * old
        batch = min(samples // new, len(batches))
        logger.info("%d samples per iteration instead of %d: at batch %d", new, old, batch)
        if samples % new:
            logger.warning(
                "%d samples of this epoch are no whole number of iterations with %d: the last %d of"
                " them come again",
                samples,
                new,
                samples - batch * new,
            )
        if runner.unit == "epoch":
            runner._iter = position["epoch"] * len(batches) + batch
        return position["epoch"], batch

    def _restore_rng(self, runner: BaseRunner) -> None:
        states = self.state.get("rng", [])
        if len(states) == runner.world_size:
            set_rng_state(states[runner.rank])
        elif states:
            logger.warning(
                "the checkpoint was written by %d processes, not %d: random numbers of the model"
                " (drop path) differ from a run without interruption",
                len(states),
                runner.world_size,
            )


def _stateful(hooks: list[Hook]) -> dict[str, Any]:
    """Returns the hooks that keep state, by class name; equal names are numbered."""
    seen: Counter[str] = Counter()
    named: dict[str, Any] = {}
    for hook in hooks:
        if hasattr(hook, "state_dict") and hasattr(hook, "load_state_dict"):
            name = type(hook).__name__
            seen[name] += 1
            named[name if seen[name] == 1 else f"{name}#{seen[name]}"] = hook
    return named
