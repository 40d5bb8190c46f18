"""Checkpoint directories: whole or not there, and damage is found and named."""

from __future__ import annotations

import hashlib
import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mmcv.runner.files import CheckpointError
from mmcv.runner.zero import directory
from mmcv.runner.zero.directory import MODEL_FILE, read_directory, verify, write_directory

WEIGHTS = f"global_step3/{MODEL_FILE}"
SHARD = "global_step3/zero_pp_rank_0_mp_rank_00_optim_states.pt"


def write(path, value=1.0, size=1000):
    content = {"module": {"w": torch.full((size,), value)}, "meta": {"iter": 3}}
    writers = {
        WEIGHTS: directory.save_tensors(content),
        SHARD: directory.save_tensors({"fragments": {}}),
    }
    write_directory(path, writers, {"world_size": 1, "stage": 1})


def test_directory_has_its_files_and_nothing_is_left_beside_it(tmp_path):
    write(tmp_path / "iter_3")
    files = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert files == {f"iter_3/{WEIGHTS}", f"iter_3/{SHARD}", "iter_3/manifest.json"}
    manifest = verify(tmp_path / "iter_3")
    assert manifest["world_size"] == 1
    assert manifest["files"][WEIGHTS]["size"] == (tmp_path / "iter_3" / WEIGHTS).stat().st_size


def test_digest_is_that_of_the_file(tmp_path):
    write(tmp_path / "iter_3")
    manifest = json.loads((tmp_path / "iter_3" / "manifest.json").read_text())
    content = (tmp_path / "iter_3" / SHARD).read_bytes()
    assert manifest["files"][SHARD]["sha256"] == hashlib.sha256(content).hexdigest()


def test_file_loads_with_weights_only(tmp_path):
    write(tmp_path / "iter_3", 2.0)
    content = torch.load(tmp_path / "iter_3" / WEIGHTS, weights_only=True)
    assert content["module"]["w"][0] == 2.0


@pytest.mark.parametrize("below", ["", "global_step3", WEIGHTS])
def test_model_is_read_from_the_directory_or_the_one_below(tmp_path, below):
    write(tmp_path / "iter_3", 2.0)
    (tmp_path / "latest").symlink_to("iter_3")
    content = read_directory(tmp_path / "latest" / below)
    assert content["module"]["w"].tolist() == [2.0] * 1000
    assert content["meta"] == {"iter": 3}


def test_directory_of_the_original_gets_a_meta(tmp_path):
    folder = tmp_path / "iter_7" / "global_step7"
    folder.mkdir(parents=True)
    original = {
        "module": {"w": torch.ones(2)},
        "iter": 6,
        "CLASSES": ("a", "b"),
        "ds_version": "0.8",
    }
    torch.save(original, folder / MODEL_FILE)
    assert read_directory(tmp_path / "iter_7")["meta"] == {"iter": 6, "CLASSES": ("a", "b")}


def test_other_directory_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match=f"{re.escape(str(tmp_path))}: .*{MODEL_FILE}"):
        read_directory(tmp_path)


@pytest.mark.parametrize("name", [WEIGHTS, SHARD, "manifest.json"])
def test_missing_file_is_named(tmp_path, name):
    write(tmp_path / "iter_3")
    (tmp_path / "iter_3" / name).unlink()
    with pytest.raises(CheckpointError, match=f"{re.escape(name)} is missing"):
        verify(tmp_path / "iter_3")


def test_flipped_bit_is_found(tmp_path):
    write(tmp_path / "iter_3")
    file = tmp_path / "iter_3" / WEIGHTS
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(CheckpointError, match=f"{re.escape(WEIGHTS)} has sha256"):
        verify(tmp_path / "iter_3")
    verify(tmp_path / "iter_3", digests=False)


def test_truncated_file_is_found_without_reading_it(tmp_path):
    write(tmp_path / "iter_3")
    os.truncate(tmp_path / "iter_3" / SHARD, 100)
    with pytest.raises(CheckpointError, match=f"{re.escape(SHARD)} has 100 bytes"):
        verify(tmp_path / "iter_3", digests=False)


@pytest.mark.parametrize("text", ["{", '{"format": 99, "files": {}}'])
def test_bad_manifest_is_refused(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"manifest\.json"):
        verify(tmp_path)


def test_directory_that_is_there_is_replaced(tmp_path):
    write(tmp_path / "iter_3", 1.0)
    write(tmp_path / "iter_3", 2.0)
    assert read_directory(tmp_path / "iter_3")["module"]["w"][0] == 2.0
    assert [p.name for p in tmp_path.iterdir()] == ["iter_3"]


def test_full_disk_leaves_the_previous_checkpoint_and_a_clear_error(tmp_path):
    write(tmp_path / "iter_3")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # as if the disk ended there
    try:
        with pytest.raises(CheckpointError, match=r"iter_6: could not be saved.*previous"):
            write(tmp_path / "iter_6", size=1_000_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [p.name for p in tmp_path.iterdir()] == ["iter_3"]
    verify(tmp_path / "iter_3")


def test_kill_at_any_instant_leaves_only_whole_checkpoints(tmp_path):
    script = Path(__file__).parent / "killed_saves.py"
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True, timeout=120)
    folders = list(tmp_path.iterdir())
    assert len(folders) == 10
    for folder in folders:
        found = list(folder.glob("iter_*"))
        assert found
        for path in found:
            verify(path)
            assert read_directory(path)["module"]["w"][0] == float(path.name.split("_")[1])
        write(folder / "iter_100000")  # what the kill left does not disturb the next save
        verify(folder / "iter_100000")
