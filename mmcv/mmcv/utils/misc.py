"""Sequences, requirements of functions, renamed arguments: the small helpers of 1.x."""

from __future__ import annotations

import functools
import inspect
import itertools
import shutil
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any


def is_str(x: Any) -> bool:
    """Whether ``x`` is a string."""
    return isinstance(x, str)


def is_seq_of(seq: Any, expected_type: Any, seq_type: Any = None) -> bool:
    """Whether ``seq`` is a sequence whose items are all of ``expected_type``.

    Args:
        seq: what is checked.
        expected_type: class or tuple of classes.
        seq_type: class that ``seq`` itself must have; any sequence by default.
    """
    if not isinstance(seq, seq_type or Sequence):
        return False
    return all(isinstance(item, expected_type) for item in seq)


def is_list_of(seq: Any, expected_type: Any) -> bool:
    """Whether ``seq`` is a list of ``expected_type``."""
    return is_seq_of(seq, expected_type, seq_type=list)


def is_tuple_of(seq: Any, expected_type: Any) -> bool:
    """Whether ``seq`` is a tuple of ``expected_type``."""
    return is_seq_of(seq, expected_type, seq_type=tuple)


def iter_cast(inputs: Iterable[Any], dst_type: type, return_type: Any = None) -> Any:
    """Converts every item with ``dst_type``; collects them in ``return_type`` if given."""
    if not isinstance(inputs, Iterable):
        raise TypeError("inputs must be an iterable object")
    if not isinstance(dst_type, type):
        raise TypeError('"dst_type" must be a valid type')
    converted = map(dst_type, inputs)
    return converted if return_type is None else return_type(converted)


def list_cast(inputs: Iterable[Any], dst_type: type) -> list[Any]:
    """Returns the items converted with ``dst_type``, as a list."""
    return iter_cast(inputs, dst_type, return_type=list)


def tuple_cast(inputs: Iterable[Any], dst_type: type) -> tuple[Any, ...]:
    """Returns the items converted with ``dst_type``, as a tuple."""
    return iter_cast(inputs, dst_type, return_type=tuple)


def slice_list(in_list: list[Any], lens: int | list[int]) -> list[list[Any]]:
    """Cuts a list into pieces.

    Args:
        in_list: what is cut.
        lens: the length of every piece, or the lengths of all pieces; they must use up the list.
    """
    if isinstance(lens, int):
        if lens <= 0 or len(in_list) % lens:
            raise ValueError(f"a list of {len(in_list)} items cannot be cut into pieces of {lens}")
        lens = [lens] * (len(in_list) // lens)
    if not isinstance(lens, list):
        raise TypeError('"lens" must be an integer or a list of integers')
    if sum(lens) != len(in_list):
        raise ValueError(f"the sum of lens {sum(lens)} differs from the list's {len(in_list)}")
    items = iter(in_list)
    return [list(itertools.islice(items, length)) for length in lens]


def concat_list(in_list: list[list[Any]]) -> list[Any]:
    """Joins lists into one."""
    return list(itertools.chain.from_iterable(in_list))


def _ntuple(n: int) -> Callable[[Any], Any]:
    def parse(x: Any) -> Any:
        """Returns an iterable as it is, anything else repeated to a tuple."""
        return x if isinstance(x, Iterable) else (x,) * n

    return parse


to_1tuple = _ntuple(1)
to_2tuple = _ntuple(2)
to_3tuple = _ntuple(3)
to_4tuple = _ntuple(4)
to_ntuple = _ntuple


def import_modules_from_strings(
    imports: str | list[str] | None, allow_failed_imports: bool = False
) -> Any:
    """Imports modules by name, as ``custom_imports`` of a config asks.

    Args:
        imports: one name or several.
        allow_failed_imports: warn about a module that cannot be imported, and return None for it.

    Returns:
        The module, or a list of modules; None if there is nothing to import.
    """
    if not imports:
        return None
    if isinstance(imports, str):
        return _import_module(imports, allow_failed_imports)
    if not is_list_of(imports, str):
        raise TypeError(f"custom_imports must be a str or a list of str, but got {imports!r}")
    return [_import_module(name, allow_failed_imports) for name in imports]


def _import_module(name: str, allow_failed_imports: bool) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        if not allow_failed_imports:
            raise ImportError(f"Failed to import {name}: {error}") from error
        warnings.warn(f"{name} failed to import and is ignored: {error}", UserWarning, stacklevel=3)
        return None


def check_prerequisites(
    prerequisites: str | list[str],
    checker: Callable[[str], bool],
    msg_tmpl: str = (
        'Prerequisites "{}" are required in method "{}" but not found, please install them first.'
    ),
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a decorator under which a call raises RuntimeError while something is missing.

    Args:
        prerequisites: what the function needs.
        checker: tells of one of them whether it is there.
        msg_tmpl: message, with places for what is missing and for the function's name.
    """
    needed = [prerequisites] if isinstance(prerequisites, str) else list(prerequisites)

    def decorate(func: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(func)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            missing = [item for item in needed if not checker(item)]
            if missing:
                raise RuntimeError(msg_tmpl.format(", ".join(missing), func.__name__))
            return func(*args, **kwargs)

        return wrapped

    return decorate


def _has_package(name: str) -> bool:
    try:
        import_module(name)
    except ImportError:
        return False
    return True


def requires_package(prerequisites: str | list[str]) -> Callable[..., Any]:
    """Makes a decorator for functions that need Python packages."""
    return check_prerequisites(prerequisites, checker=_has_package)


def requires_executable(prerequisites: str | list[str]) -> Callable[..., Any]:
    """Makes a decorator for functions that need programs on the path."""
    return check_prerequisites(prerequisites, checker=lambda name: shutil.which(name) is not None)


def deprecated_api_warning(
    name_dict: Mapping[str, str], cls_name: str | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a decorator that renames old keyword arguments, with a DeprecationWarning.

    Args:
        name_dict: old name to new name.
        cls_name: class of the decorated method, for the message.
    """

    def decorate(func: Callable[..., Any]) -> Callable[..., Any]:
        name = f"{cls_name}.{func.__name__}" if cls_name else func.__name__
        positional = inspect.getfullargspec(func).args

        @functools.wraps(func)
        def renamed(*args: Any, **kwargs: Any) -> Any:
            for old, new in name_dict.items():
                if old not in kwargs and old not in positional[: len(args)]:
                    continue
                text = f'"{old}" is deprecated in `{name}`, please use "{new}" instead'
                warnings.warn(text, DeprecationWarning, stacklevel=2)
                if old in kwargs:
                    if new in kwargs:  # 1.x asserts here, and callers rely on that
                        raise AssertionError(f"`{name}` got both {old!r} and {new!r}; drop {old!r}")
                    kwargs[new] = kwargs.pop(old)
            return func(*args, **kwargs)

        return renamed

    return decorate


def is_method_overridden(method: str, base_class: type, derived_class: Any) -> bool:
    """Whether ``derived_class`` (or the class of that object) has its own ``method``."""
    if not isinstance(base_class, type):
        raise AssertionError(f"base_class must be a class, but got {base_class!r}")  # as 1.x
    cls = derived_class if isinstance(derived_class, type) else type(derived_class)
    return getattr(cls, method) != getattr(base_class, method)


def has_method(obj: object, method: str) -> bool:
    """Whether ``obj`` has a callable attribute of that name."""
    return callable(getattr(obj, method, None))
