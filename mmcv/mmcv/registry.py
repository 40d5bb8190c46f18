"""Names to classes: what a config's ``type`` key refers to.

Seven roots serve every 1.x registry. A task (mmseg, mmdet) has children of these roots: a lookup
tries the child first, then its parents; ``'mmdet.FPN'`` names the child of another scope.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

logger = logging.getLogger(__name__)

OWN_PACKAGES = frozenset({"mmops", "mmcv", "mmseg", "mmdet"})


class ConfigError(ValueError, KeyError):
    """A config that cannot be run: the message names the key, what was given and what is possible.

    It is a ``KeyError`` too because 1.x code catches that for unknown names.
    """

    def __str__(self) -> str:
        return ValueError.__str__(self)


class ArgumentError(ConfigError, TypeError):
    """Keys of a config section that the receiving class does not take, or lacks."""


class ModelConfigError(ConfigError, AssertionError):
    """Keys of a model section that do not fit together.

    It is an ``AssertionError`` too because that is what 1.x raised here and what plug-ins catch.
    """


def did_you_mean(name: str, candidates: Any) -> str:
    """Returns ``"; did you mean 'x'?"`` for the nearest candidate, or an empty string."""
    near = difflib.get_close_matches(name, [str(c) for c in candidates], n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


class Registry:
    """Maps names to classes or functions, with a parent to fall back on.

    Args:
        name: what the entries are ("model", "hook"); used in messages.
        build_func: replaces ``build_from_cfg``; called as ``f(cfg, registry=self, ...)``.
        parent: registry asked when this one does not know a name.
        scope: prefix under which siblings find this registry; by default the caller's top package.
    """

    def __init__(
        self,
        name: str,
        build_func: Callable[..., Any] | None = None,
        parent: Registry | None = None,
        scope: str | None = None,
    ) -> None:
        self.name = name
        self.parent = parent
        self.scope = scope or sys._getframe(1).f_globals.get("__name__", "").split(".")[0]
        self.children: dict[str, Registry] = {}
        self.module_dict: dict[str, Callable[..., Any]] = {}
        self.build_func = build_func or (parent.build_func if parent else build_from_cfg)
        if parent is not None:
            parent.children[self.scope] = self

    def __len__(self) -> int:
        return len(self.module_dict)

    def __contains__(self, key: str) -> bool:
        return self._find(key) is not None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name}, items={sorted(self.module_dict)})"

    def get(self, key: str) -> Callable[..., Any]:
        """Returns the class registered as ``key`` here or in a parent.

        Raises:
            ConfigError: nothing is registered under that name; the nearest names are listed.
        """
        found = self._find(key)
        if found is None:
            known = self._all_names()
            raise ConfigError(
                f"{key!r} is not a registered {self.name}{did_you_mean(key, known)}"
                " (own modules are imported with custom_imports=dict(imports=['my_module']))"
            )
        return found

    def build(self, cfg: Any, *args: Any, **kwargs: Any) -> Any:
        """Builds the object that ``cfg`` describes; see :func:`build_from_cfg`."""
        return self.build_func(cfg, *args, registry=self, **kwargs)

    def register_module(
        self,
        name: str | list[str] | type | None = None,
        force: bool = False,
        module: Callable[..., Any] | None = None,
    ) -> Any:
        """Registers a class or function, as a decorator or with ``module=``.

        Args:
            name: one name or several; by default ``__name__``.
            force: replace an entry of the same name.
            module: what to register; without it a decorator is returned.
        """
        if callable(name) and not isinstance(name, str):  # used as a bare decorator
            self._add(name, None, force)
            return name
        if not isinstance(force, bool):
            raise TypeError(f"force must be a boolean, but got {type(force)}")
        names = [name] if isinstance(name, str) else name
        if names is not None and not (
            isinstance(names, list) and all(isinstance(n, str) for n in names)
        ):
            raise TypeError(f"name must be None, a str or a list of str, but got {name!r}")
        if module is not None:
            self._add(module, names, force)
            return module

        def decorate(target: Any) -> Any:
            self._add(target, names, force)
            return target

        return decorate

    def _add(self, module: Any, names: list[str] | None, force: bool) -> None:
        if not (inspect.isclass(module) or callable(module)):
            raise TypeError(f"module must be a class or a function, but got {type(module)}")
        for name in names or [module.__name__]:
            old = self.module_dict.get(name)
            if old is not None and old is not module and not force:
                # Plug-ins ship classes named like ours (SETR_Resize, BEiT ...): theirs win.
                if not (_is_own(old) and not _is_own(module)):
                    raise KeyError(f"{name} is already registered in {self.name}")
                logger.info("%s: %s replaces the built-in %s", self.name, module.__module__, name)
            self.module_dict[name] = module

    def _find(self, key: str) -> Callable[..., Any] | None:
        scope, _, rest = key.partition(".")
        if rest:
            registry = self._scoped(scope)
            if registry is not None:
                return registry._find(rest)
        registry: Registry | None = self
        while registry is not None:
            if key in registry.module_dict:
                return registry.module_dict[key]
            registry = registry.parent
        return None

    def _scoped(self, scope: str) -> Registry | None:
        root = self
        while root.parent is not None:
            root = root.parent
        return root if root.scope == scope else root.children.get(scope)

    def _all_names(self) -> list[str]:
        names: list[str] = []
        registry: Registry | None = self
        while registry is not None:
            names += registry.module_dict
            registry = registry.parent
        return names


def build_from_cfg(
    cfg: Any, registry: Registry, default_args: Mapping[str, Any] | None = None
) -> Any:
    """Builds ``type(**rest)`` from a mapping with a ``type`` key.

    Args:
        cfg: mapping; ``type`` is a registered name, a class or a function. It is not changed.
        registry: where names are looked up.
        default_args: arguments used where ``cfg`` has none.

    Raises:
        ConfigError: no ``type``, an unknown name, or keys that the target does not take. The
            message starts with the path of the section, such as ``model.decode_head``.
    """
    if not isinstance(cfg, Mapping):
        raise TypeError(f"cfg must be a dict, but got {type(cfg)}")
    if not isinstance(registry, Registry):
        raise TypeError(f"registry must be a Registry, but got {type(registry)}")
    if not (default_args is None or isinstance(default_args, Mapping)):
        raise TypeError(f"default_args must be a dict or None, but got {type(default_args)}")
    with _section(cfg):
        args = {**(default_args or {}), **cfg}
        if "type" not in args:
            raise ConfigError(
                f"'cfg' or 'default_args' must contain the key \"type\", but got {dict(cfg)}"
            )
        kind = args.pop("type")
        if isinstance(kind, str):
            target = registry.get(kind)
        elif callable(kind):
            target = kind
        else:
            raise TypeError(f"type must be a str or a class, but got {type(kind)}")
        check_arguments(target, args)
        return target(**args)


def check_arguments(target: Callable[..., Any], args: Mapping[str, Any]) -> None:
    """Raises ArgumentError if ``target(**args)`` has unknown or missing keys."""
    accepted, required, is_open = _parameters(target)
    name = getattr(target, "__name__", str(target))
    unknown = [] if is_open else [key for key in args if key not in accepted]
    if unknown:
        hint = did_you_mean(unknown[0], accepted)
        possible = ", ".join(sorted(accepted))
        raise ArgumentError(
            f"{name} got an unexpected key {unknown[0]!r}{hint} (possible: {possible})"
        )
    missing = [key for key in required if key not in args]
    if missing:
        raise ArgumentError(
            f"{name} needs the missing key {missing[0]!r} (required: {', '.join(required)})"
        )


@functools.cache
def _parameters(target: Callable[..., Any]) -> tuple[frozenset[str], tuple[str, ...], bool]:
    """Returns accepted names, required names, and whether any further key is taken."""
    if not inspect.isclass(target):
        return _read_signature(target, skip_first=False)
    accepted: frozenset[str] = frozenset()
    required: tuple[str, ...] | None = None
    for cls in target.__mro__:
        if "__init__" not in vars(cls):
            continue
        if cls is object:
            return accepted, required or (), False
        names, needed, is_open = _read_signature(vars(cls)["__init__"], skip_first=True)
        accepted |= names
        # Only the outermost constructor's own needs are certain: it may fill in the others itself.
        required = needed if required is None else required
        # Foreign classes may use **kwargs for anything; ours hand them to the next __init__, unless
        # they say that they hand them to a foreign class or function.
        is_foreign = not _is_own(cls) or vars(cls).get("forwards_kwargs", False)
        if not is_open or is_foreign:
            return accepted, required, is_open
    return accepted, required or (), True


def _read_signature(
    function: Any, skip_first: bool
) -> tuple[frozenset[str], tuple[str, ...], bool]:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # built-ins without a signature
        return frozenset(), (), True
    parameters = parameters[1:] if skip_first else parameters
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    required = tuple(p.name for p in named if p.default is p.empty)
    is_open = any(p.kind is p.VAR_KEYWORD for p in parameters)
    return frozenset(p.name for p in named), required, is_open


def _is_own(target: Any) -> bool:
    return getattr(target, "__module__", "").split(".")[0] in OWN_PACKAGES


# The sections being built, outermost first: (path, section). Lets errors say where they come from.
_sections: ContextVar[tuple[tuple[str, Any], ...]] = ContextVar("sections", default=())


@contextmanager
def config_path(path: str, section: Any) -> Iterator[None]:
    """Names a top-level section, so that errors while building from it start with ``path``."""
    token = _sections.set((*_sections.get(), (path, section)))
    try:
        yield
    finally:
        _sections.reset(token)


@contextmanager
def _section(cfg: Mapping[str, Any]) -> Iterator[None]:
    stack = _sections.get()
    path = ""
    for parent_path, parent in reversed(stack):
        below = "" if parent is cfg else _locate(parent, cfg)
        if below is not None:
            path = parent_path + below
            break
    path = path.lstrip(".")
    with config_path(path, cfg):
        try:
            yield
        except ConfigError as error:
            if path and not getattr(error, "located", False):
                located = type(error)(f"{path}: {error}")
                located.located = True  # type: ignore[attr-defined]
                raise located from error
            raise


def _locate(tree: Any, wanted: Any) -> str | None:
    """Returns the path of ``wanted`` below ``tree`` (such as ``.pipeline[2]``), or None."""
    items = tree.items() if isinstance(tree, Mapping) else enumerate(tree)
    for key, value in items:
        step = f"[{key}]" if isinstance(key, int) else f".{key}"
        if value is wanted or (type(value) is type(wanted) and value == wanted):
            return step
        if isinstance(value, (Mapping, list, tuple)):
            below = _locate(value, wanted)
            if below is not None:
                return step + below
    return None


MODELS = Registry("model", scope="mmcv")
DATASETS = Registry("dataset", scope="mmcv")
PIPELINES = Registry("pipeline step", scope="mmcv")
HOOKS = Registry("hook", scope="mmcv")
RUNNERS = Registry("runner", scope="mmcv")
OPTIMIZERS = Registry("optimizer", scope="mmcv")
OPTIMIZER_BUILDERS = Registry("optimizer constructor", scope="mmcv")
