"""One run per work dir: a second one would overwrite the checkpoints of the first."""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmcv.registry import ConfigError
from mmcv.runner.dist_utils import broadcast_object, get_dist_info

logger = logging.getLogger(__name__)

LOCK = ".lock"
# A run that was just killed may need this long to let go of its memory and its files.
PATIENCE = 10.0


@contextmanager
def locked(work_dir: str | Path) -> Iterator[None]:
    """Keeps other runs out of ``work_dir``; collective, rank 0 holds the lock.

    A lock that outlived its run (a kill, a crash) does not count.

    Raises:
        ConfigError: on all ranks, if another run is in there.
    """
    handle, problem = None, None
    if get_dist_info()[0] == 0:
        try:
            handle = _acquire(Path(work_dir))
        except ConfigError as error:
            problem = str(error)
    problem = broadcast_object(problem)
    if problem is not None:
        raise ConfigError(problem)
    try:
        yield
    finally:
        if handle is not None:
            (Path(work_dir) / LOCK).unlink(missing_ok=True)
            os.close(handle)


def _acquire(work_dir: Path) -> int | None:
    """Returns the open lock file; None where the file system has no locks."""
    work_dir.mkdir(parents=True, exist_ok=True)
    path = work_dir / LOCK
    deadline = time.monotonic() + PATIENCE
    while True:
        # Not flock: forked loader workers that outlive a killed run would keep that one.
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            owner = _read_owner(handle)
            os.close(handle)
            if time.monotonic() > deadline:
                raise ConfigError(_complaint(work_dir, owner)) from None
            time.sleep(0.2)
            continue
        except OSError as error:
            os.close(handle)
            path.unlink(missing_ok=True)
            logger.warning("%s cannot be locked (%s): start no second run in it", work_dir, error)
            return None
        if _is_same_file(handle, path):
            _write_owner(handle)
            return handle
        os.close(handle)  # the run before removed it in between


def _is_same_file(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def _write_owner(handle: int) -> None:
    owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%F %T")}
    os.ftruncate(handle, 0)
    os.write(handle, json.dumps(owner).encode())


def _read_owner(handle: int) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        return json.loads(os.pread(handle, 4096, 0))
    return {}


def _complaint(work_dir: Path, owner: dict[str, Any]) -> str:
    who = "another run"
    if owner:
        who = f"process {owner['pid']} on {owner['host']}, since {owner['since']}"
    return (
        f"work_dir {work_dir} is in use by {who}; wait for that run, end it, or choose another"
        " --work-dir"
    )
