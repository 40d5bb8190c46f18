"""Compiles small C++ kernels on first use, where a compiler is there; never a build step.

A kernel is one self-contained file without torch headers, so that it compiles in about two seconds.
The library is kept in ``$MMOPS_CACHE`` (default: ``~/.cache/mmops``) under a digest of the source,
the compiler and the processor. ``MMOPS_NATIVE=0`` switches native kernels off.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

logger = logging.getLogger(__name__)

FLAGS = ("-O3", "-march=native", "-ffp-contract=fast", "-fopenmp", "-shared", "-fPIC", "-std=c++17")
TIMEOUT_SECONDS = 120


@functools.cache
def load_library(source: Path) -> ctypes.CDLL | None:
    """Returns the compiled ``source``; None where it cannot be compiled, with the reason logged."""
    if os.environ.get("MMOPS_NATIVE", "1") == "0":
        return None
    compiler = shutil.which(os.environ.get("CXX", "g++")) or shutil.which("clang++")
    if compiler is None:
        logger.info("no C++ compiler: %s stays with the torch form", source.stem)
        return None
    try:
        return ctypes.CDLL(str(_build(source, compiler)))
    except (OSError, subprocess.SubprocessError) as error:
        detail = getattr(error, "stderr", None) or error
        logger.warning("%s stays with the torch form: %s", source.stem, detail)
        return None


def _build(source: Path, compiler: str) -> Path:
    """Returns the shared library, compiled if the cache does not have it."""
    text = source.read_bytes()
    identity = "\0".join((compiler, *FLAGS, platform.machine(), _processor())).encode()
    digest = hashlib.sha256(text + identity).hexdigest()[:16]
    folder = Path(os.environ.get("MMOPS_CACHE", Path.home() / ".cache/mmops"))
    library = folder / f"{source.stem}-{digest}.so"
    if library.exists():
        return library
    folder.mkdir(parents=True, exist_ok=True)
    # Ranks may build at the same time: each into a file of its own, renamed into place.
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        target = Path(scratch) / library.name
        command = [compiler, *FLAGS, str(source), "-o", str(target)]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
        os.replace(target, library)
    return library


def _processor() -> str:
    """Returns what ``-march=native`` depends on: a home folder may be shared by unlike machines."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return platform.processor()
    lines = cpuinfo.read_text().splitlines()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")
