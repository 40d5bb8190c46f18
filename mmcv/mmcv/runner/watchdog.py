"""Ends a run in which a rank hangs, and says which one and where.

Every rank notes what it begins to do; all ranks note the same things in the same order, so the one
with the fewest notes is the one the others wait for. A thread shares the notes through the store of
the process group, which works while the main thread is stuck in a collective.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import multiprocessing
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import torch.distributed as dist

from mmcv.runner.dist_utils import get_dist_info
from mmcv.runner.failures import HUNG

# Seconds between two exchanges of notes, at most; a tenth of short timeouts.
INTERVAL = 10.0
VERDICT = "verdict"


class Watchdog:
    """Watches the progress of this rank from a thread; a context manager.

    Args:
        timeout: seconds without a new note after which the run is ended; None: never.
        end: called with a message when that happens; ends the process by default.
    """

    def __init__(self, timeout: float | None, end: Callable[[str], None] | None = None) -> None:
        self.timeout = timeout
        self._end = end or end_process
        self._rank, self._world_size = get_dist_info()
        self._store = _own_store() if timeout is not None and self._world_size > 1 else None
        self._who = f"{socket.gethostname()}, pid {os.getpid()}"
        self._num_notes = 0
        self._note = "starting"
        self._since = time.monotonic()
        self._beats = 0
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, what: str) -> None:
        """Says what this rank begins to do, which is progress."""
        self._num_notes += 1
        self._note, self._since = what, time.monotonic()

    def __enter__(self) -> Watchdog:
        if self.timeout is not None:
            self._since = time.monotonic()
            self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        assert self.timeout is not None
        interval = min(INTERVAL, self.timeout / 10)
        while not self._is_over.wait(interval):
            self._publish()
            verdict = self._read(VERDICT)
            if verdict is None and time.monotonic() - self._since > self.timeout:
                diagnosis = self._diagnose(max(interval, 1.0))
                verdict = self._read(VERDICT) or diagnosis  # another rank may have been first
                self._write(VERDICT, verdict)
            if verdict is not None and not self._is_over.is_set():
                if self._rank == 0 and self._world_size > 1:
                    time.sleep(
                        max(2.5 * interval, 2.0)
                    )  # the store, which others read, may end with it
                self._end(verdict)
                return

    def _publish(self) -> None:
        self._beats += 1
        self._write(str(self._rank), json.dumps(self._state()))

    def _state(self) -> dict[str, Any]:
        return {
            "notes": self._num_notes,
            "at": self._note,
            "who": self._who,
            "beats": self._beats,
        }

    def _diagnose(self, interval: float) -> str:
        """Returns which rank the others wait for, and since when."""
        first = self._states()
        time.sleep(2.5 * interval)  # in which every thread that lives publishes again
        self._publish()
        second = self._states()
        return describe(first, second, self.timeout or 0.0)

    def _states(self) -> dict[int, dict[str, Any]]:
        states = {self._rank: self._state()}
        if self._store is None or not self._store_answers():
            return states
        for rank in set(range(self._world_size)) - {self._rank}:
            text = self._read(str(rank))
            states[rank] = json.loads(text) if text else {}
        return dict(sorted(states.items()))

    def _store_answers(self) -> bool:
        return self._read(str(self._rank)) is not None

    def _read(self, key: str) -> str | None:
        if self._store is None:
            return None
        try:
            return self._store.get(key).decode() if self._store.check([key]) else None
        except RuntimeError:  # whoever keeps the store is gone; torch's own timeouts remain
            return None

    def _write(self, key: str, text: str) -> None:
        if self._store is not None:
            with contextlib.suppress(RuntimeError):
                self._store.set(key, text)


def describe(
    first: Mapping[int, Mapping[str, Any]], second: Mapping[int, Mapping[str, Any]], timeout: float
) -> str:
    """Returns a sentence on who hangs, from two looks at the notes of all ranks.

    Args:
        first: by rank: notes, at, who, beats; empty for a rank that never published.
        second: the same a while later: who lives has more beats.
        timeout: for the message.
    """
    cure = (
        f"; no progress for {timeout:.0f} s (failures.hang_timeout). The last checkpoint stays:"
        " start again with --auto-resume"
    )
    silent = [r for r in second if second[r].get("beats") == first.get(r, {}).get("beats")]
    if len(second) > 1 and silent and len(silent) < len(second):
        names = ", ".join(f"rank {r} ({second[r].get('who', 'never started')})" for r in silent)
        where = second[silent[0]].get("at", "its start")
        return f"{names} gives no sign of life since '{where}': killed or frozen{cure}"
    notes = {rank: state.get("notes", 0) for rank, state in second.items()}
    behind = [rank for rank in second if notes[rank] == min(notes.values())]
    state = second[behind[0]]
    who = ", ".join(map(str, behind))
    text = f"rank {who} hangs at '{state.get('at')}' ({state.get('who')})"
    others = [rank for rank in second if rank not in behind]
    if others:
        text += f"; rank {', '.join(map(str, others))} waits at '{second[others[0]].get('at')}'"
    return text + cure


def end_process(message: str) -> None:
    """Prints the message and where every thread is, and ends this process and its workers."""
    sys.stderr.write(f"error: {message}\n")
    sys.stderr.flush()
    with contextlib.suppress(Exception):  # standard error may be no file
        faulthandler.dump_traceback(sys.stderr, all_threads=True)
    for worker in multiprocessing.active_children():
        worker.kill()
    os._exit(HUNG)


def _own_store() -> Any:
    """Returns a connection of our own to the store of the process group."""
    store = dist.distributed_c10d._get_default_store()
    own: Any = store.clone() if hasattr(store, "clone") else store
    with contextlib.suppress(RuntimeError, AttributeError):
        own.set_timeout(timedelta(seconds=10))
    return dist.PrefixStore("mmcv-watchdog", own)
