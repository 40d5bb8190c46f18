"""Weights from the Hugging Face hub: ``hf://OWNER/REPO[@REVISION]``.

What was downloaded before is not downloaded again, and ``HF_HUB_OFFLINE=1`` forbids the network;
both, and the resuming of downloads, are huggingface_hub's own.
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import NamedTuple

import torch.distributed as dist

from mmcv.runner.dist_utils import is_distributed
from mmcv.runner.files import CheckpointError
from mmcv.weights.folder import weight_files

logger = logging.getLogger(__name__)

PREFIX = "hf://"


class Address(NamedTuple):
    """A repository, a revision of it, and a file or folder in it ("" for the whole)."""

    repository: str
    revision: str | None
    inside: str


def parse_address(address: str) -> Address:
    """Splits ``hf://OWNER/REPO[@REVISION][/FILE]``.

    Raises:
        CheckpointError: it has another form.
    """
    match = re.fullmatch(r"hf://([\w.-]+/[\w.-]+)(?:@([\w.-]+))?(?:/(.+))?", address)
    if match is None:
        raise CheckpointError(
            f"{address}: write hf://OWNER/REPOSITORY, hf://OWNER/REPOSITORY@REVISION or"
            " hf://OWNER/REPOSITORY/FILE"
        )
    return Address(match[1], match[2], match[3] or "")


def download(address: str) -> Path:
    """Returns the local folder (or file) of an address; the first process of a machine downloads.

    Args:
        address: see ``parse_address``.

    Raises:
        CheckpointError: huggingface_hub is not installed, or there are no such weights.
    """
    repository, revision, inside = parse_address(address)
    is_first = os.environ.get("LOCAL_RANK", "0") == "0"
    try:
        # The others wait before they look, or every process would download.
        folder = _snapshot(repository, revision, inside, local_only=False) if is_first else None
    finally:
        if is_distributed():
            dist.barrier()
    folder = folder or _snapshot(repository, revision, inside, local_only=True)
    target = folder / inside
    if not target.exists():
        raise CheckpointError(f"{address}: the repository has no {inside!r}")
    if is_first:
        for file in [target] if target.is_file() else weight_files(target):
            # The hub stores large files under their SHA-256.
            logger.info("%s@%s %s: %s", repository, folder.name, file.name, file.resolve().name)
    return target


def _snapshot(repository: str, revision: str | None, inside: str, *, local_only: bool) -> Path:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError as error:
        raise CheckpointError(
            f"{PREFIX}{repository}: needs huggingface_hub: pip install huggingface_hub"
        ) from error
    patterns = [inside, f"{inside}/*"] if inside else ["*.safetensors", "*.json"]
    try:
        folder = Path(
            snapshot_download(
                repository,
                revision=revision,
                allow_patterns=patterns,
                local_files_only=local_only,
            )
        )
        if not inside and not any(folder.glob("*.safetensors")):
            # Older repositories have pickled weights only.
            snapshot_download(
                repository,
                revision=revision,
                allow_patterns=["*.bin", "*.json"],
                local_files_only=local_only,
            )
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{PREFIX}{repository}: {_first_line(error)}. Without a network, put the files into a"
            " folder and give its path, or fill the cache elsewhere and copy it (HF_HOME)"
        ) from error
    return folder


def _first_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
