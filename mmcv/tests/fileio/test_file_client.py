"""mmcv.fileio.FileClient: disk and HTTP for real, and storages of users."""

import functools
import os
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mmcv.fileio import BaseStorageBackend, FileClient
from mmcv.registry import ConfigError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "dir1/dir3").mkdir(parents=True)
    (tmp_path / "text1.txt").write_text("text1")
    (tmp_path / ".hidden.txt").write_text("hidden")
    (tmp_path / "img.jpg").write_bytes(b"\x00\xff")
    (tmp_path / "dir1/text3.txt").write_text("text3")
    (tmp_path / "dir1/dir3/text4.txt").write_text("text4")
    return tmp_path


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format, *args): ...


@pytest.fixture
def address(folder):
    handler = functools.partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def own_backends(monkeypatch):
    """Lets a test register storages that are gone afterwards."""
    monkeypatch.setattr(FileClient, "_backends", dict(FileClient._backends))
    monkeypatch.setattr(FileClient, "_prefix_to_backends", dict(FileClient._prefix_to_backends))
    monkeypatch.setattr(FileClient, "_instances", {})


def test_the_disk_is_the_default():
    client = FileClient()
    assert client.name == "HardDiskBackend" and client.allow_symlink
    assert FileClient("disk").name == FileClient(backend="disk").name
    assert FileClient("disk") is FileClient("disk")


@pytest.mark.parametrize("kind", [str, Path])
def test_disk_reads_and_writes(folder, kind):
    client = FileClient("disk")
    assert client.get(kind(folder / "img.jpg")) == b"\x00\xff"
    assert client.get_text(kind(folder / "text1.txt")) == "text1"
    client.put(b"disk", kind(folder / "new/deep/a.bin"))
    client.put_text("grün", kind(folder / "new/b.txt"), encoding="latin-1")
    assert (folder / "new/deep/a.bin").read_bytes() == b"disk"
    assert client.get_text(folder / "new/b.txt", "latin-1") == "grün"
    assert os.listdir(folder / "new/deep") == ["a.bin"]  # nothing left beside
    assert client.exists(kind(folder / "dir1")) and client.isdir(kind(folder / "dir1"))
    assert client.isfile(kind(folder / "img.jpg")) and not client.isfile(kind(folder / "dir1"))
    client.remove(kind(folder / "img.jpg"))
    assert not client.exists(kind(folder / "img.jpg"))
    assert client.join_path(kind(folder), "a", "b.txt") == str(folder / "a/b.txt")
    with client.get_local_path(kind(folder / "text1.txt")) as path:
        assert Path(path) == folder / "text1.txt"


def test_a_failed_write_keeps_the_old_content(folder, monkeypatch):
    def fail(*args):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        FileClient("disk").put(b"new", folder / "text1.txt")
    assert (folder / "text1.txt").read_text() == "text1"
    assert not [name for name in os.listdir(folder) if name.endswith(".tmp")]


def test_writing_goes_through_links_and_leaves_devices(folder):
    (folder / "link.txt").symlink_to("text1.txt")
    FileClient("disk").put_text("new", folder / "link.txt")
    assert (folder / "link.txt").is_symlink()
    assert (folder / "text1.txt").read_text() == "new"
    FileClient("disk").put(b"x", "/dev/null")
    assert not Path("/dev/null").is_file()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"dir1", "text1.txt", "img.jpg"}),
        ({"list_dir": False}, {"text1.txt", "img.jpg"}),
        ({"list_file": False}, {"dir1"}),
        ({"list_file": False, "recursive": True}, {"dir1", "dir1/dir3"}),
        (
            {"list_dir": False, "suffix": ".txt", "recursive": True},
            {"text1.txt", "dir1/text3.txt", "dir1/dir3/text4.txt"},
        ),
        ({"list_dir": False, "suffix": (".jpg", ".png")}, {"img.jpg"}),
    ],
)
def test_list_dir_or_file(folder, options, expected):
    found = list(FileClient("disk").list_dir_or_file(folder, **options))
    assert set(found) == expected and len(found) == len(expected)


def test_list_dir_or_file_rejects_suffixes_of_folders(folder):
    with pytest.raises(TypeError, match="`suffix` should be None"):
        FileClient("disk").list_dir_or_file(folder, suffix=".txt")
    with pytest.raises(TypeError, match="`suffix` must be a string"):
        FileClient("disk").list_dir_or_file(folder, list_dir=False, suffix=["a"])  # type: ignore


def test_http_reads(address):
    client = FileClient.infer_client(uri=f"{address}/text1.txt")
    assert client.name == "HTTPBackend" and not client.allow_symlink
    assert client.get(f"{address}/img.jpg") == b"\x00\xff"
    assert client.get_text(f"{address}/dir1/text3.txt") == "text3"
    with client.get_local_path(f"{address}/img.jpg?x=1") as path:
        assert Path(path).suffix == ".jpg" and Path(path).read_bytes() == b"\x00\xff"
    assert not Path(path).exists()
    with pytest.raises(ConfigError, match="cannot put"):
        client.put(b"", address)


def test_http_opens_no_other_addresses(folder):
    with pytest.raises(ConfigError, match="not an http"):
        FileClient("http").get(f"file://{folder}/text1.txt")


@pytest.mark.parametrize("name", ["petrel", "ceph", "memcached", "lmdb"])
def test_cluster_storages_are_out_of_scope(name):
    with pytest.raises(ConfigError, match="out of scope"):
        FileClient(name)
    with pytest.raises(ConfigError, match="out of scope"):
        FileClient.infer_client({"backend": name}, "a.txt")


def test_unknown_storages_name_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'disk'"):
        FileClient("disc")
    with pytest.raises(ValueError, match="possible: disk, http"):
        FileClient("hadoop")
    with pytest.raises(ConfigError, match="out of scope"):
        FileClient.infer_client(uri="s3://bucket/a.txt")
    with pytest.raises(ConfigError, match="no storage prefix"):
        FileClient.infer_client(uri="ftp://host/a.txt")
    with pytest.raises(ConfigError, match="'pth'"):
        FileClient("disk", pth=1)
    with pytest.raises(ConfigError, match="both be None"):
        FileClient.infer_client()


@pytest.mark.parametrize(
    ("uri", "prefix"),
    [
        ("a/b.txt", None),
        (Path("a.txt"), None),
        ("http://x/a", "http"),
        ("s3://x/a", "s3"),
        ("cluster:s3://x/a", "s3"),
    ],
)
def test_parse_uri_prefix(uri, prefix):
    assert FileClient.parse_uri_prefix(uri) == prefix


class Memory(BaseStorageBackend):
    def __init__(self, content: str = "memory") -> None:
        self.content = content

    def get(self, filepath):
        return self.content.encode()

    def get_text(self, filepath, encoding="utf-8"):
        return self.content


def test_users_register_storages(own_backends):
    FileClient.register_backend("memory", Memory, prefixes="mem")
    assert FileClient("memory", content="a").get("x") == b"a"
    assert FileClient("memory", content="b").get_text("x") == "b"
    assert FileClient.infer_client(uri="mem://x").get("mem://x") == b"memory"
    with pytest.raises(KeyError, match="memory"):
        FileClient.register_backend("memory", Memory)
    with pytest.raises(KeyError, match="mem"):
        FileClient.register_backend("memory2", Memory, prefixes=["mem"])

    @FileClient.register_backend("memory", force=True, prefixes=("mem", "mem2"))
    class Other(Memory): ...

    assert FileClient("memory").name == "Other"
    assert FileClient(prefix="mem").name == FileClient(prefix="mem2").name == "Other"


def test_what_is_no_storage_is_not_registered(own_backends):
    with pytest.raises(TypeError, match="name should be a string"):
        FileClient.register_backend(1, Memory)  # type: ignore[arg-type]
    for target in (Memory(), dict):
        with pytest.raises(TypeError, match="subclass of BaseStorageBackend"):
            FileClient.register_backend("x", target)  # type: ignore[arg-type]
