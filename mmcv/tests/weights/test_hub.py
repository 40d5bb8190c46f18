"""hf:// addresses, against huggingface_hub itself working on a cache without a network."""

import hashlib
import logging

import pytest
import torch

from mmcv.runner.checkpoint import load_checkpoint
from mmcv.runner.files import CheckpointError
from mmcv.weights import from_intern_vit_keys, load_from_hub, write_folder
from mmcv.weights.hub import Address, parse_address

REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of the hub, and no network."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path


def store(cache, folder, repository="OpenGVLab/InternViT-toy"):
    """Puts the files of a folder where the hub's client puts what it downloads."""
    home = cache / f"models--{repository.replace('/', '--')}"
    snapshot = home / "snapshots" / REVISION
    for part in (home / "refs", home / "blobs", snapshot):
        part.mkdir(parents=True, exist_ok=True)
    (home / "refs" / "main").write_text(REVISION)
    for file in folder.iterdir():
        sha = hashlib.sha256(file.read_bytes()).hexdigest()
        (home / "blobs" / sha).write_bytes(file.read_bytes())
        (snapshot / file.name).symlink_to(home / "blobs" / sha)
    return sha


def test_cached_weights_load_without_a_network(cache, tmp_path, make_vit, caplog):
    model, other = make_vit(0), make_vit(1)
    write_folder(tmp_path / "files", model.state_dict(), "internvl", num_heads=2)
    store(cache, tmp_path / "files")
    with caplog.at_level(logging.INFO):
        load_checkpoint(other, "hf://OpenGVLab/InternViT-toy")
    sha = hashlib.sha256((tmp_path / "files/model.safetensors").read_bytes()).hexdigest()
    assert sha in caplog.text and REVISION in caplog.text
    torch.testing.assert_close(other.state_dict(), model.state_dict(), atol=0, rtol=0)


def test_a_file_of_a_repository(cache, tmp_path, make_vit):
    weights = from_intern_vit_keys(make_vit().state_dict(), "internvl")
    (tmp_path / "files").mkdir()
    torch.save({"module": weights}, tmp_path / "files" / "intern_vit.pth")
    store(cache, tmp_path / "files")
    content = load_from_hub("hf://OpenGVLab/InternViT-toy@main/intern_vit.pth")
    assert content["module"].keys() == weights.keys()


def test_what_is_not_cached_is_an_error_that_says_what_to_do(cache):
    with pytest.raises(CheckpointError, match=r"hf://OpenGVLab/Nothing.*HF_HOME"):
        load_from_hub("hf://OpenGVLab/Nothing")


def test_addresses():
    assert parse_address("hf://a/b") == Address("a/b", None, "")
    assert parse_address("hf://a/b@v1.0/c/d.pth") == Address("a/b", "v1.0", "c/d.pth")
    with pytest.raises(CheckpointError, match="hf://OWNER/REPOSITORY"):
        parse_address("hf://onlyname")
