"""Reading ``--cfg-options``: words of the form key=value with 1.x's literal rules."""

from __future__ import annotations

import argparse
from typing import Any

from mmcv.registry import ConfigError


class DictAction(argparse.Action):
    """Reads ``key=value`` words into a dict: ``a=1 b.c=[1,2] d="[(1,2),3]" e=x,y``."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Adds the words to what earlier ones gave."""
        options = dict(getattr(namespace, self.dest, None) or {})
        for word in values:
            key, separator, value = word.partition("=")
            if not separator:
                parser.error(f"{option_string}: {word!r} is not of the form key=value")
            options[key] = parse_value(value)
        setattr(namespace, self.dest, options)


def parse_value(text: str) -> Any:
    """Reads a value of ``--cfg-options``: numbers, booleans, None, strings, and nested lists.

    ``1,2`` and ``[1,2]`` are lists, ``(1,2)`` is a tuple; they nest; quotes and spaces around items
    do not count.
    """
    text = text.strip(" '\"")
    if not text:
        return ""
    parts = _split_at_commas(text)
    if len(parts) > 1 or text.endswith(","):
        return [parse_value(part) for part in parts]
    if text[0] + text[-1] in ("()", "[]"):
        items = [parse_value(part) for part in _split_at_commas(text[1:-1])]
        return tuple(items) if text[0] == "(" else items
    return _parse_scalar(text)


def _parse_scalar(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    return None if text == "None" else text


def _split_at_commas(text: str) -> list[str]:
    """Splits at the commas that are not inside brackets."""
    if text.count("(") != text.count(")") or text.count("[") != text.count("]"):
        raise ConfigError(f"Imbalanced brackets exist in {text}")
    parts, depth, start = [], 0, 0
    for position, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    last = text[start:]
    return [*parts, last] if last.strip() else parts
