"""Writes config values as Python source that evaluates to the same values."""

from __future__ import annotations

import keyword
import math
import unicodedata
from typing import Any

STYLE = {
    "based_on_style": "pep8",
    "blank_line_before_nested_class_or_def": True,
    "split_before_expression_after_opening_paren": True,
}


def format_config(values: dict[str, Any]) -> str:
    """Returns one assignment per top-level key, laid out by yapf."""
    from yapf.yapflib.yapf_api import FormatCode

    source = "\n".join(f"{key} = {_format(value)}" for key, value in values.items())
    text, _ = FormatCode(source, style_config=STYLE)
    return text


def _format(value: Any) -> str:
    if isinstance(value, dict):
        return _format_dict(value)
    if type(value) in (list, tuple, set):
        items = ", ".join(_format(item) for item in value)
        if isinstance(value, list):
            return f"[{items}]"
        if isinstance(value, set):
            return f"{{{items}}}" if value else "set()"
        return f"({items},)" if len(value) == 1 else f"({items})"
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value}')"
    return repr(value)


def _format_dict(value: dict[Any, Any]) -> str:
    if all(isinstance(key, str) and _is_keyword_argument(key) for key in value):
        return f"dict({', '.join(f'{k}={_format(v)}' for k, v in value.items())})"
    return f"{{{', '.join(f'{k!r}: {_format(v)}' for k, v in value.items())}}}"


def _is_keyword_argument(key: str) -> bool:
    # Python folds compatibility characters in names: dict(º=1) has the key 'o'.
    folded = unicodedata.normalize("NFKC", key)
    return key.isidentifier() and not keyword.iskeyword(key) and key == folded
