"""Configs: Python, JSON or YAML files with inheritance, as OpenMMLab 1.x defined them.

A config file is code and is executed: run only files that you trust.

    _base_ = ['../_base_/models/upernet_r50.py']      files to inherit from, relative to this one
    model = dict(backbone=dict(_delete_=True, ...))   replaces what is inherited
    data = dict(train=dict(pipeline={'2': dict(...)}))  merges into item 2 of an inherited list
    work_dir = './work_dirs/{{ fileBasenameNoExtension }}'
    channels = {{ _base_.model.decode_head.channels }}
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from addict import Dict

from mmcv.config_file import check_format, load, merge, parse
from mmcv.config_options import DictAction
from mmcv.config_text import format_config
from mmcv.registry import ConfigError

__all__ = ["Config", "ConfigDict", "DictAction", "resolve_path"]

RESERVED_KEYS = ("filename", "text", "pretty_text")


class ConfigDict(Dict):
    """A dict with attribute access; what is missing raises instead of being created."""

    def __missing__(self, name: Any) -> Any:
        raise KeyError(name)

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except KeyError:
            raise AttributeError(
                f"'{type(self).__name__}' object has no attribute '{name}'"
            ) from None


class Config:
    """A config with attribute access: ``cfg.model.backbone.depth``.

    Args:
        cfg_dict: the values.
        cfg_text: the text they come from.
        filename: the file they come from.
    """

    def __init__(
        self,
        cfg_dict: Mapping[str, Any] | None = None,
        cfg_text: str | None = None,
        filename: str | Path | None = None,
    ) -> None:
        cfg_dict = {} if cfg_dict is None else cfg_dict
        if not isinstance(cfg_dict, Mapping):
            raise TypeError(f"cfg_dict must be a dict, but got {type(cfg_dict)}")
        for key in RESERVED_KEYS:
            if key in cfg_dict:
                raise ConfigError(f"{key} is reserved for config file")
        text = cfg_text
        if text is None:
            text = Path(filename).read_text(encoding="utf-8") if filename else ""
        object.__setattr__(self, "_cfg_dict", ConfigDict(cfg_dict))
        object.__setattr__(self, "_filename", None if filename is None else str(filename))
        object.__setattr__(self, "_text", text)

    @classmethod
    def fromfile(
        cls,
        filename: str | Path,
        use_predefined_variables: bool = True,
        import_custom_modules: bool = True,
    ) -> Config:
        """Loads a file and everything it inherits from.

        Args:
            filename: .py, .json, .yaml or .yml.
            use_predefined_variables: fill in ``{{ fileDirname }}``, ``{{ fileBasename }}``,
                ``{{ fileBasenameNoExtension }}`` and ``{{ fileExtname }}``.
            import_custom_modules: import what ``custom_imports`` lists.

        Raises:
            FileNotFoundError: the file or a base does not exist.
            ConfigError: a syntax error, a cycle of bases, or two bases that set one key.
        """
        values, text = load(Path(filename), use_predefined_variables, ())
        if import_custom_modules and values.get("custom_imports"):
            from mmcv.utils.misc import import_modules_from_strings

            import_modules_from_strings(**values["custom_imports"])
        return cls(values, cfg_text=text, filename=filename)

    @classmethod
    def fromstring(cls, cfg_str: str, file_format: str) -> Config:
        """Loads a config from a string; ``file_format`` is an ending such as ".py"."""
        check_format(file_format)
        values, text = parse(cfg_str, Path(f"<string>{file_format}"), False, ())
        return cls(values, cfg_text=text)

    @staticmethod
    def auto_argument_parser(*args: Any, **kwargs: Any) -> argparse.ArgumentParser:
        """Returns a parser with the positional ``config`` and ``--cfg-options``."""
        parser = argparse.ArgumentParser(*args, **kwargs)
        parser.add_argument("config", help="config file")
        parser.add_argument("--cfg-options", nargs="+", action=DictAction, help="key=value ...")
        return parser

    @property
    def filename(self) -> str | None:
        """The file this config was loaded from."""
        return self._filename

    @property
    def text(self) -> str:
        """The text of the file and of its bases."""
        return self._text

    @property
    def pretty_text(self) -> str:
        """The resolved values as Python source, formatted by yapf."""
        return format_config(self._cfg_dict.to_dict())

    def dump(self, file: str | Path | None = None) -> str | None:
        """Writes one flat file that reloads equal, in the format of its ending; or returns it."""
        suffix = Path(file or self._filename or "config.py").suffix
        check_format(suffix)
        values = self._cfg_dict.to_dict()
        if suffix == ".py":
            text = self.pretty_text
        else:
            from mmcv.fileio import dump

            layout: dict[str, Any] = {"indent": 2} if suffix == ".json" else {"sort_keys": False}
            text = dump(values, file_format=suffix[1:], **layout)
        if file is None:
            return text
        Path(file).write_text(text, encoding="utf-8")
        return None

    def merge_from_dict(self, options: Mapping[str, Any], allow_list_keys: bool = True) -> None:
        """Merges ``{'model.backbone.depth': 24, 'data.train.pipeline.0.type': 'X'}``.

        Args:
            options: dotted keys; digits index into lists.
            allow_list_keys: let digits index into lists.
        """
        nested: dict[str, Any] = {}
        for path, value in options.items():
            level = nested
            *parents, last = path.split(".")
            for key in parents:
                level = level.setdefault(key, {})
            level[last] = value
        merged = merge(nested, self._cfg_dict, allow_list_keys)
        object.__setattr__(self, "_cfg_dict", ConfigDict(merged))

    def __repr__(self) -> str:
        return f"Config (path: {self._filename}): {self._cfg_dict!r}"

    def __len__(self) -> int:
        return len(self._cfg_dict)

    def __iter__(self) -> Iterator[str]:
        return iter(self._cfg_dict)

    def __contains__(self, key: object) -> bool:
        return key in self._cfg_dict

    def __getattr__(self, name: str) -> Any:
        if name in ("_cfg_dict", "_filename", "_text"):  # not set yet: while unpickling
            raise AttributeError(name)
        return getattr(self._cfg_dict, name)

    def __getitem__(self, name: str) -> Any:
        return self._cfg_dict[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        self._cfg_dict[name] = ConfigDict(value) if isinstance(value, dict) else value

    def __delattr__(self, name: str) -> None:
        delattr(self._cfg_dict, name)

    def __delitem__(self, name: str) -> None:
        del self._cfg_dict[name]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Config) and self._cfg_dict == other._cfg_dict

    __hash__ = None  # type: ignore[assignment]

    def __getstate__(self) -> tuple[dict[str, Any], str | None, str]:
        return self._cfg_dict.to_dict(), self._filename, self._text

    def __setstate__(self, state: tuple[dict[str, Any], str | None, str]) -> None:
        values, filename, text = state
        object.__setattr__(self, "_cfg_dict", ConfigDict(values))
        object.__setattr__(self, "_filename", filename)
        object.__setattr__(self, "_text", text)

    def __copy__(self) -> Config:
        other = Config.__new__(Config)
        for name in ("_cfg_dict", "_filename", "_text"):
            object.__setattr__(other, name, getattr(self, name))
        return other

    def __deepcopy__(self, memo: dict[int, Any]) -> Config:
        other = self.__copy__()
        memo[id(self)] = other
        object.__setattr__(other, "_cfg_dict", copy.deepcopy(self._cfg_dict, memo))
        return other


def resolve_path(value: str | Path, cfg: Config, key: str) -> Path:
    """Finds a path of a config: from the working directory, then from the folders above the config.

    Raises:
        ConfigError: it is nowhere; names ``key``, the value and the places tried.
    """
    path = Path(value).expanduser()
    if path.is_absolute():
        places = [path]
    else:
        folders = [Path.cwd()]
        if cfg.filename:
            folders += Path(cfg.filename).resolve().parents
        places = [folder / path for folder in folders]
    for place in places:
        if place.exists():
            return place
    tried = ", ".join(str(place) for place in places[:4])
    raise ConfigError(f"{key}: {str(value)!r} does not exist (tried {tried})")
