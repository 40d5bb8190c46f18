"""One interface to every storage, chosen by name or by the prefix of an address."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from mmcv.fileio.backends import BaseStorageBackend, HardDiskBackend, HTTPBackend
from mmcv.registry import ConfigError, check_arguments, did_you_mean
from mmcv.utils.path import PathLike, is_filepath

# Storages that 1.x had for clusters of its authors.
OUT_OF_SCOPE = ("ceph", "lmdb", "memcached", "petrel")
OUT_OF_SCOPE_PREFIXES = ("s3",)


class FileClient:
    """Reads and writes files in one storage; equal arguments give the same object.

    Args:
        backend: registered name: ``disk`` (default), ``http``, or a user's own.
        prefix: prefix of addresses (``http``) that chooses the storage instead of a name.
        kwargs: passed to the storage.

    Raises:
        ConfigError: no such storage.
    """

    _backends: ClassVar[dict[str, type[BaseStorageBackend]]] = {
        "disk": HardDiskBackend,
        "http": HTTPBackend,
    }
    _prefix_to_backends: ClassVar[dict[str, type[BaseStorageBackend]]] = {
        "http": HTTPBackend,
        "https": HTTPBackend,
    }
    _instances: ClassVar[dict[str, FileClient]] = {}

    client: Any

    def __new__(cls, backend: str | None = None, prefix: str | None = None, **kwargs: Any) -> Any:
        """Returns the client that equal arguments gave before, if there is one."""
        if backend is not None:
            storage = cls._find("backend", backend, cls._backends, OUT_OF_SCOPE)
        elif prefix is not None:
            known = cls._prefix_to_backends
            storage = cls._find("prefix", prefix, known, OUT_OF_SCOPE_PREFIXES)
        else:
            storage = cls._backends["disk"]
        key = repr((backend, prefix, sorted(kwargs.items())))
        if key not in cls._instances:
            check_arguments(storage, kwargs)
            instance = super().__new__(cls)
            instance.client = storage(**kwargs)
            cls._instances[key] = instance
        return cls._instances[key]

    @staticmethod
    def _find(
        what: str, name: str, known: dict[str, type[BaseStorageBackend]], dropped: tuple[str, ...]
    ) -> type[BaseStorageBackend]:
        if name in known:
            return known[name]
        if name in dropped:
            raise ConfigError(
                f"the storage {what} {name!r} of 1.x is out of scope; possible: {', '.join(known)}."
                " Copy the data to a disk, or register your own class with"
                " FileClient.register_backend"
            )
        hint = did_you_mean(name, known)
        raise ConfigError(f"{name!r} is no storage {what}{hint}; possible: {', '.join(known)}")

    @property
    def name(self) -> str:
        """The name of the storage's class."""
        return self.client.name

    @property
    def allow_symlink(self) -> bool:
        """Whether the storage has symbolic links."""
        return self.client.allow_symlink

    @staticmethod
    def parse_uri_prefix(uri: PathLike) -> str | None:
        """Returns what stands before ``://`` (and behind a cluster's name), or None."""
        if not is_filepath(uri):
            raise TypeError(f"uri must be a string or a Path, but got {type(uri)}")
        prefix, separator, _ = str(uri).partition("://")
        return prefix.split(":")[-1] if separator else None

    @classmethod
    def infer_client(
        cls, file_client_args: dict[str, Any] | None = None, uri: PathLike | None = None
    ) -> FileClient:
        """Returns the client that a config asks for, or else the one that the address needs.

        Args:
            file_client_args: arguments of ``FileClient``, such as ``dict(backend='disk')``.
            uri: address whose prefix decides if there are no arguments.
        """
        if file_client_args is not None:
            return cls(**file_client_args)
        if uri is None:
            raise ConfigError("file_client_args and uri cannot both be None")
        return cls(prefix=cls.parse_uri_prefix(uri))

    @classmethod
    def register_backend(
        cls,
        name: str,
        backend: type[BaseStorageBackend] | None = None,
        force: bool = False,
        prefixes: str | list[str] | tuple[str, ...] | None = None,
    ) -> Any:
        """Registers a storage, directly or as a decorator of its class.

        Args:
            name: name of the storage in configs.
            backend: the class; without it a decorator is returned.
            force: replace a storage of the same name or prefix.
            prefixes: prefixes of addresses that choose the storage.
        """
        if backend is not None:
            cls._register(name, backend, force, prefixes)
            return None

        def decorate(target: type[BaseStorageBackend]) -> type[BaseStorageBackend]:
            cls._register(name, target, force, prefixes)
            return target

        return decorate

    @classmethod
    def _register(cls, name: Any, backend: Any, force: bool, prefixes: Any) -> None:
        if not isinstance(name, str):
            raise TypeError(f"the backend name should be a string, but got {type(name)}")
        if not inspect.isclass(backend) or not issubclass(backend, BaseStorageBackend):
            raise TypeError(
                f"backend should be a subclass of BaseStorageBackend, but got {backend}"
            )
        prefixes = [prefixes] if isinstance(prefixes, str) else list(prefixes or ())
        taken = [key for key in prefixes if key in cls._prefix_to_backends]
        if not force and (name in cls._backends or taken):
            what = taken[0] if taken else name
            raise KeyError(f"{what} is already registered, add force=True to override it")
        cls._backends[name] = backend
        for prefix in prefixes:
            cls._prefix_to_backends[prefix] = backend
        cls._instances.clear()

    def get(self, filepath: PathLike) -> bytes:
        """Returns the content of a file."""
        return self.client.get(filepath)

    def get_text(self, filepath: PathLike, encoding: str = "utf-8") -> str:
        """Returns the content of a text file."""
        return self.client.get_text(filepath, encoding)

    def put(self, obj: bytes, filepath: PathLike) -> None:
        """Writes a file."""
        self._method("put")(obj, filepath)

    def put_text(self, obj: str, filepath: PathLike, encoding: str = "utf-8") -> None:
        """Writes a text file."""
        self._method("put_text")(obj, filepath, encoding=encoding)

    def remove(self, filepath: PathLike) -> None:
        """Deletes a file."""
        self._method("remove")(filepath)

    def exists(self, filepath: PathLike) -> bool:
        """Whether there is a file or folder."""
        return self._method("exists")(filepath)

    def isdir(self, filepath: PathLike) -> bool:
        """Whether there is a folder."""
        return self._method("isdir")(filepath)

    def isfile(self, filepath: PathLike) -> bool:
        """Whether there is a file."""
        return self._method("isfile")(filepath)

    def join_path(self, filepath: PathLike, *filepaths: PathLike) -> str:
        """Joins parts of a path."""
        return self._method("join_path")(filepath, *filepaths)

    @contextmanager
    def get_local_path(self, filepath: PathLike) -> Iterator[PathLike]:
        """Yields where the file can be opened on this machine while the context lasts."""
        with self._method("get_local_path")(str(filepath)) as local:
            yield local

    def list_dir_or_file(
        self,
        dir_path: PathLike,
        list_dir: bool = True,
        list_file: bool = True,
        suffix: str | tuple[str, ...] | None = None,
        recursive: bool = False,
    ) -> Iterator[str]:
        """Yields what a folder holds; see ``HardDiskBackend.list_dir_or_file``."""
        list_entries = self._method("list_dir_or_file")
        return list_entries(dir_path, list_dir, list_file, suffix, recursive)

    def _method(self, name: str) -> Callable[..., Any]:
        method = getattr(self.client, name, None)
        if method is None:
            raise ConfigError(f"{self.name} cannot {name}: use a storage that can, such as 'disk'")
        return method
