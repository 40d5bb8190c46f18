"""Versions as tuples that compare, and the commit of a checkout."""

from __future__ import annotations

import os
import subprocess

from packaging.version import Version, parse

# Before the release (0) come, oldest first: development, alpha, beta, candidate.
_PRERELEASE = {"a": -3, "b": -2, "rc": -1}
_DEVELOPMENT = -4


def digit_version(version_str: str, length: int = 4) -> tuple[int, ...]:
    """Turns a version into a tuple that compares as versions do.

    Args:
        version_str: such as ``1.7.0rc1`` or ``2.6.0+cu124``; what follows ``+`` is left out.
        length: how many numbers of the release are kept; missing ones are 0.

    Returns:
        The release, then the kind of pre- or post-release (0: neither) and its number.
    """
    version = parse(version_str)
    release = _release(version, length)
    if version.pre is not None:
        kind, number = version.pre
        return (*release, _PRERELEASE[kind], number)
    if version.is_devrelease:
        return (*release, _DEVELOPMENT, 0)
    if version.post is not None:
        return (*release, 1, version.post)
    return (*release, 0, 0)


def parse_version_info(version_str: str, length: int = 4) -> tuple[int | str, ...]:
    """Turns a version into a tuple for people: ``1.2.3rc1`` is ``(1, 2, 3, 0, 'rc', 1)``."""
    version = parse(version_str)
    release = _release(version, length)
    if version.pre is not None:
        return (*release, *version.pre)
    if version.dev is not None:
        return (*release, "dev", version.dev)
    if version.post is not None:
        return (*release, "post", version.post)
    return (*release, 0, 0)


def get_git_hash(fallback: str = "unknown", digits: int | None = None) -> str:
    """Returns the commit that is checked out in the working directory.

    Args:
        fallback: returned outside of a repository or without git.
        digits: length of the result; the whole hash by default.
    """
    if digits is not None and not isinstance(digits, int):
        raise TypeError("digits must be None or an integer")
    try:
        commit = _minimal_ext_cmd(["git", "rev-parse", "HEAD"]).strip().decode("ascii")
    except (OSError, subprocess.CalledProcessError):
        return fallback
    return commit[:digits]


def _release(version: Version, length: int) -> tuple[int, ...]:
    numbers = version.release[:length]
    return numbers + (0,) * (length - len(numbers))


def _minimal_ext_cmd(command: list[str]) -> bytes:
    """Runs a program without the user's locale, so that its output is the same everywhere."""
    kept = {key: os.environ[key] for key in ("SYSTEMROOT", "PATH", "HOME") if key in os.environ}
    env = {**kept, "LANGUAGE": "C", "LANG": "C", "LC_ALL": "C"}
    done = subprocess.run(command, capture_output=True, env=env, check=True)
    return done.stdout
