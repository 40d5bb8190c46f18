"""Lists and dicts from text files with one entry per line."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from mmcv.fileio.file_client import FileClient
from mmcv.utils.path import PathLike


def list_from_file(
    filename: PathLike,
    prefix: str = "",
    offset: int = 0,
    max_num: int = 0,
    encoding: str = "utf-8",
    file_client_args: dict[str, Any] | None = None,
) -> list[str]:
    """Returns the lines of a text file.

    Args:
        filename: path or address.
        prefix: put before every line.
        offset: number of lines that are left out at the start.
        max_num: at most so many lines; 0: all.
        encoding: of the file.
        file_client_args: which storage the file is in; see ``FileClient``.
    """
    end = offset + max_num if max_num > 0 else None
    lines = _lines(filename, encoding, file_client_args)
    return [prefix + line for line in islice(lines, offset, end)]


def dict_from_file(
    filename: PathLike,
    key_type: Callable[[str], Any] = str,
    encoding: str = "utf-8",
    file_client_args: dict[str, Any] | None = None,
) -> dict[Any, str | list[str]]:
    """Returns a dict from a text file whose lines are a key and one or more values.

    Args:
        filename: path or address.
        key_type: what keys are converted with.
        encoding: of the file.
        file_client_args: which storage the file is in; see ``FileClient``.

    Returns:
        A string for a line with one value, a list for a line with several.
    """
    mapping: dict[Any, str | list[str]] = {}
    for number, line in enumerate(_lines(filename, encoding, file_client_args), 1):
        key, *values = line.split() or [""]
        if not values:
            raise ValueError(
                f"{filename}, line {number}: a key and a value are needed, not {line!r}"
            )
        mapping[key_type(key)] = values[0] if len(values) == 1 else values
    return mapping


def _lines(filename: PathLike, encoding: str, file_client_args: dict[str, Any] | None) -> list[str]:
    client = FileClient.infer_client(file_client_args, filename)
    text = client.get_text(filename, encoding).replace("\r\n", "\n")
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines
