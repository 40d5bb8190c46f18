"""Loading config files: inheritance, file-name variables, values of bases."""

from __future__ import annotations

import ast
import copy
import io
import json
import logging
import re
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmcv.registry import ConfigError

logger = logging.getLogger(__name__)

BASE_KEY = "_base_"
DELETE_KEY = "_delete_"
DEPRECATION_KEY = "_deprecation_"
FORMATS = (".py", ".json", ".yaml", ".yml")
BASE_VARIABLE = re.compile(r"\{\{\s*" + BASE_KEY + r"\.([\w.]+)\s*\}\}")


def check_format(suffix: str) -> None:
    """Raises OSError if files with this ending cannot be read or written."""
    if suffix not in FORMATS:
        raise OSError(f"Only {', '.join(FORMATS)} type are supported now, but got {suffix!r}")


def load(path: Path, use_predefined: bool, chain: tuple[Path, ...]) -> tuple[dict[str, Any], str]:
    """Returns the merged values of a file and the text of it and its bases."""
    if not path.is_file():
        below = f" (a base of {chain[-1]})" if chain else ""
        raise FileNotFoundError(f'file "{path}" does not exist{below}')
    check_format(path.suffix)
    resolved = path.resolve()
    if resolved in chain:
        cycle = " -> ".join(str(p) for p in (*chain, resolved))
        raise ConfigError(f"{BASE_KEY} is circular: {cycle}")
    return parse(path.read_text(encoding="utf-8"), resolved, use_predefined, chain)


def parse(
    source: str, path: Path, use_predefined: bool, chain: tuple[Path, ...]
) -> tuple[dict[str, Any], str]:
    """Returns the merged values and the text of a config given as ``source``."""
    text = _fill_in_file_names(source, path) if use_predefined else source
    bases, base_text = _load_bases(_find_bases(text, path), path, use_predefined, chain)
    values = _execute(text, path, bases) if path.suffix == ".py" else _read(text, path, bases)
    values.pop(BASE_KEY, None)
    _warn_of_deprecation(values, path)
    merged = merge(values, bases)
    merged.pop(DEPRECATION_KEY, None)
    return merged, f"{base_text}{path}\n{source}"


def _load_bases(
    names: list[str], path: Path, use_predefined: bool, chain: tuple[Path, ...]
) -> tuple[dict[str, Any], str]:
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    texts = []
    for name in names:
        base, text = load(path.parent / name, use_predefined, (*chain, path))
        for key in base.keys() & values.keys():
            raise ConfigError(
                f"{key}: set by two bases of {path}: {origin[key]} and {name}"
                " (Duplicate key is not allowed among bases)"
            )
        values |= base
        origin |= dict.fromkeys(base, name)
        texts.append(text + "\n")
    return values, "".join(texts)


def _find_bases(text: str, path: Path) -> list[str]:
    """Returns the files a config inherits from, without executing it."""
    if path.suffix != ".py":
        value = _decode(BASE_VARIABLE.sub('""', text), path).get(BASE_KEY, [])
    else:
        value = []
        # What comes from the bases is not known yet; its place must only parse.
        for node in _syntax_tree(BASE_VARIABLE.sub("None", text), path).body:
            if isinstance(node, ast.Assign) and any(
                isinstance(target, ast.Name) and target.id == BASE_KEY for target in node.targets
            ):
                value = eval(compile(ast.Expression(node.value), str(path), "eval"), {})
    names = [value] if isinstance(value, str) else value
    if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise ConfigError(f"{path}: {BASE_KEY} must be a str or a list of str, but got {value!r}")
    return names


def _syntax_tree(text: str, path: Path) -> ast.Module:
    try:
        return ast.parse(text, filename=str(path))
    except SyntaxError as error:
        line = (error.text or "").strip()
        raise ConfigError(f"{path}, line {error.lineno}: {error.msg}: {line}") from error


def _execute(text: str, path: Path, bases: dict[str, Any]) -> dict[str, Any]:
    """Runs a Python config; ``{{ _base_.a.b }}`` is the inherited value, in any expression."""
    inherited: dict[str, Any] = {}
    for name in set(BASE_VARIABLE.findall(text)):
        inherited[name] = copy.deepcopy(_look_up(name, bases, path))
    code = BASE_VARIABLE.sub(lambda match: f"__inherited__[{match[1]!r}]", text)
    namespace = {"__file__": str(path), "__name__": path.stem, "__inherited__": inherited}
    exec(compile(_syntax_tree(code, path), str(path), "exec"), namespace)
    dropped = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type)
    return {
        name: value
        for name, value in namespace.items()
        if not name.startswith("__") and not isinstance(value, dropped)
    }


def _read(text: str, path: Path, bases: dict[str, Any]) -> dict[str, Any]:
    """Reads JSON or YAML; ``{{ _base_.a.b }}`` stands for the inherited value."""
    names = set(BASE_VARIABLE.findall(text))
    placeholders = {f"<inherited {name}>": _look_up(name, bases, path) for name in names}
    text = BASE_VARIABLE.sub(lambda match: json.dumps(f"<inherited {match[1]}>"), text)

    def fill(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: fill(item) for key, item in value.items()}
        if isinstance(value, list):
            return [fill(item) for item in value]
        return copy.deepcopy(placeholders.get(value, value)) if isinstance(value, str) else value

    return fill(_decode(text, path))


def _decode(text: str, path: Path) -> dict[str, Any]:
    values = _decode_json(text, path) if path.suffix == ".json" else _decode_yaml(text, path)
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: must hold keys and values, but holds a {type(values).__name__}")
    return values


def _decode_json(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error


def _decode_yaml(text: str, path: Path) -> Any:
    from yaml import YAMLError

    from mmcv.fileio import load as load_data

    try:
        return load_data(io.StringIO(text), file_format="yaml") or {}
    except YAMLError as error:
        raise ConfigError(f"{path}: {error}") from error


def _look_up(name: str, bases: dict[str, Any], path: Path) -> Any:
    value: Any = bases
    for key in name.split("."):
        if not isinstance(value, Mapping) or key not in value:
            raise ConfigError(f"{path}: {{{{ {BASE_KEY}.{name} }}}}: no base sets {name!r}")
        value = value[key]
    return value


def _fill_in_file_names(text: str, path: Path) -> str:
    names = {
        "fileDirname": str(path.parent),
        "fileBasename": path.name,
        "fileBasenameNoExtension": path.stem,
        "fileExtname": path.suffix,
    }
    for key, value in names.items():
        pattern = r"\{\{\s*" + key + r"\s*\}\}"
        text = re.sub(pattern, lambda _, value=value: value.replace("\\", "/"), text)
    return text


def _warn_of_deprecation(values: dict[str, Any], path: Path) -> None:
    info = values.get(DEPRECATION_KEY)
    if info:
        logger.warning(
            "the config %s is deprecated; use %s, see %s",
            path,
            info.get("expected", "another one"),
            info.get("reference", "the documentation"),
        )


def merge(new: Mapping[str, Any], old: Any, allow_list_keys: bool = True) -> Any:
    """Returns ``old`` with ``new`` merged into it; neither is changed.

    Args:
        new: sections and values; a dict of digits merges into the items of a list.
        old: what is inherited.
        allow_list_keys: let digits index into lists.

    Raises:
        TypeError: a dict over something that is neither a dict nor an indexed list.
    """
    merged = copy.copy(old)
    for key, value in new.items():
        if isinstance(merged, list):
            index = _list_index(key, merged)
            old_item = merged[index]
            is_nested = isinstance(value, dict) and isinstance(old_item, (dict, list))
            merged[index] = merge(value, old_item, allow_list_keys) if is_nested else value
        elif not isinstance(value, dict):
            merged[key] = value
        elif key not in merged or value.get(DELETE_KEY, False):
            merged[key] = _without_delete(value)
        elif isinstance(merged[key], (dict, list) if allow_list_keys else dict):
            rest = {k: v for k, v in value.items() if k != DELETE_KEY}
            merged[key] = merge(rest, merged[key], allow_list_keys)
        else:
            raise TypeError(
                f"{key}={value} in child config cannot inherit from base because {key} is a dict in"
                f" the child config but is of type {type(merged[key])} in base config. You may set"
                f" `{DELETE_KEY}=True` to ignore the base config"
            )
    return merged


def _list_index(key: str, items: list[Any]) -> int:
    if not str(key).isdigit():
        raise TypeError(f"{key!r} cannot index a list of {len(items)} items")
    if int(key) >= len(items):
        raise ConfigError(f"Index {key} exceeds the length of list {items}")
    return int(key)


def _without_delete(value: Any) -> Any:
    if isinstance(value, dict):
        return type(value)({k: _without_delete(v) for k, v in value.items() if k != DELETE_KEY})
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(_without_delete(v) for v in value)
    return value
