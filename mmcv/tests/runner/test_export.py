"""One file out of any checkpoint: names, values, precision, and bounded memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from mmcv.runner.export import export_checkpoint, main
from mmcv.runner.files import CheckpointError, save_file
from mmcv.runner.zero.directory import MODEL_FILE, save_tensors, write_directory

META = {"iter": 7, "CLASSES": ("wall", "sky")}


def make_masters():
    generator = torch.Generator().manual_seed(0)
    return {
        "backbone.weight": torch.randn(3, 5, generator=generator),
        "head.bias": torch.randn(4, generator=generator),
    }


def make_state(dtype=torch.float32):
    buffers = {
        "head.norm.running_var": torch.full((4,), 1.0 + 2**-20),
        "head.norm.num_batches_tracked": torch.tensor(300_000),
    }
    frozen = {"backbone.frozen": torch.ones(2, 2, dtype=dtype)}
    return {k: v.to(dtype) for k, v in make_masters().items()} | frozen | buffers


def save_single(path, **extra):
    save_file(path, {"meta": META, "state_dict": make_state(), **extra})


def save_sharded(path, dtype=torch.bfloat16, **extra):
    """As two ranks write it; the first tensor is cut in the middle of a row."""
    masters = make_masters()
    shards = [{}, {}]
    for name, value in masters.items():
        flat = value.reshape(-1)
        cut = flat.numel() * 2 // 5
        shards[0][name] = {"offset": 0, "numel": cut, "master": flat[:cut]}
        shards[1][name] = {"offset": cut, "numel": flat.numel() - cut, "master": flat[cut:]}
    files = {
        f"global_step7/{MODEL_FILE}": {"module": make_state(dtype), "meta": META, **extra},
        **{
            f"global_step7/zero_pp_rank_{rank}_mp_rank_00_optim_states.pt": {"fragments": shard}
            for rank, shard in enumerate(shards)
        },
    }
    writers = {name: save_tensors(content) for name, content in files.items()}
    write_directory(path, writers, {"world_size": 2, "stage": 1, "with_optimizer": True})


def read(path):
    return load_file(path) if path.suffix == ".safetensors" else torch.load(path)["state_dict"]


def assert_same(found, expected):
    assert list(found) == list(expected) or sorted(found) == sorted(expected)
    for name, value in expected.items():
        assert found[name].dtype == value.dtype, name
        torch.testing.assert_close(found[name], value, atol=0, rtol=0)


both_formats = pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
both_sources = pytest.mark.parametrize("save", [save_single, save_sharded])


@both_formats
def test_file_is_exported_as_it_is(tmp_path, suffix):
    save_single(tmp_path / "iter_7.pth")
    export_checkpoint(tmp_path / "iter_7.pth", tmp_path / f"out{suffix}")
    assert_same(read(tmp_path / f"out{suffix}"), make_state())


@both_formats
def test_directory_is_exported_as_the_model_is(tmp_path, suffix):
    save_sharded(tmp_path / "iter_7")
    export_checkpoint(tmp_path / "iter_7", tmp_path / f"out{suffix}")
    assert_same(read(tmp_path / f"out{suffix}"), make_state(torch.bfloat16))


@both_formats
def test_fp32_of_a_half_precision_run_is_its_master_weights(tmp_path, suffix):
    save_sharded(tmp_path / "iter_7")
    export_checkpoint(tmp_path / "iter_7", tmp_path / f"out{suffix}", dtype=torch.float32)
    assert_same(read(tmp_path / f"out{suffix}"), make_state(torch.float32))


@both_formats
@both_sources
def test_dtype_changes_parameters_and_not_statistics(tmp_path, suffix, save):
    source = tmp_path / ("iter_7.pth" if save is save_single else "iter_7")
    save(source)
    export_checkpoint(source, tmp_path / f"out{suffix}", dtype=torch.float16)
    found = read(tmp_path / f"out{suffix}")
    assert found["backbone.weight"].dtype == torch.float16
    assert found["backbone.frozen"].dtype == torch.float16
    assert found["head.norm.running_var"].tolist() == make_state()["head.norm.running_var"].tolist()
    assert found["head.norm.num_batches_tracked"] == 300_000


def test_meta_comes_along(tmp_path):
    save_sharded(tmp_path / "iter_7")
    export_checkpoint(tmp_path / "iter_7", tmp_path / "out.pth")
    assert torch.load(tmp_path / "out.pth", weights_only=True)["meta"] == META
    export_checkpoint(tmp_path / "iter_7", tmp_path / "out.safetensors")
    with safe_open(tmp_path / "out.safetensors", "pt") as file:
        meta = json.loads(file.metadata()["meta"])
    assert meta == {"iter": 7, "CLASSES": ["wall", "sky"]}


def test_tensors_of_the_file_own_their_storage(tmp_path):
    """Or whoever saves one of them again would save all."""
    save_sharded(tmp_path / "iter_7")
    export_checkpoint(tmp_path / "iter_7", tmp_path / "out.pth", dtype=torch.float32)
    for value in read(tmp_path / "out.pth").values():
        assert value.untyped_storage().nbytes() == value.nbytes


def make_averages():
    averages = {name: value + 1 for name, value in make_masters().items()}
    return averages, {"EMAHook": {"average": averages, "raw": make_masters()}}


@pytest.mark.parametrize("dtype", [None, torch.float32])
def test_averages_are_exported_unless_raw_weights_are_asked_for(tmp_path, dtype):
    averages, hooks = make_averages()
    save_single(tmp_path / "iter_7.pth", hooks=hooks)
    stored = torch.load(tmp_path / "iter_7.pth")
    stored["state_dict"] |= averages
    save_file(tmp_path / "iter_7.pth", stored)
    export_checkpoint(tmp_path / "iter_7.pth", tmp_path / "out.pth", dtype=dtype)
    assert_same(read(tmp_path / "out.pth"), make_state() | averages)
    export_checkpoint(tmp_path / "iter_7.pth", tmp_path / "raw.pth", dtype=dtype, raw=True)
    assert_same(read(tmp_path / "raw.pth"), make_state())


def test_averages_of_a_half_precision_run_are_exact_in_fp32(tmp_path):
    averages, hooks = make_averages()
    halved = {name: value.bfloat16() for name, value in hooks["EMAHook"]["raw"].items()}
    save_sharded(tmp_path / "iter_7", hooks={"EMAHook": {"average": averages, "raw": halved}})
    export_checkpoint(tmp_path / "iter_7", tmp_path / "out.pth", dtype=torch.float32)
    assert_same(read(tmp_path / "out.pth"), make_state() | averages)
    export_checkpoint(tmp_path / "iter_7", tmp_path / "raw.pth", dtype=torch.float32, raw=True)
    assert_same(read(tmp_path / "raw.pth"), make_state())


def test_newest_intact_checkpoint_of_a_work_dir_is_taken(tmp_path):
    save_single(tmp_path / "iter_1.pth")
    save_sharded(tmp_path / "iter_2")
    save_sharded(tmp_path / "iter_3")
    for i, name in enumerate(("iter_1.pth", "iter_2", "iter_3")):
        os.utime(tmp_path / name, (1000 + i, 1000 + i))
    os.truncate(tmp_path / "iter_3" / "global_step7" / MODEL_FILE, 100)
    export_checkpoint(tmp_path, tmp_path / "out" / "weights.pth")
    assert_same(read(tmp_path / "out" / "weights.pth"), make_state(torch.bfloat16))


def test_damaged_checkpoint_is_refused(tmp_path):
    save_sharded(tmp_path / "iter_3")
    os.truncate(tmp_path / "iter_3" / "global_step7" / MODEL_FILE, 100)
    with pytest.raises(CheckpointError, match="has 100 bytes"):
        export_checkpoint(tmp_path / "iter_3", tmp_path / "out.pth")
    assert not (tmp_path / "out.pth").exists()


@pytest.mark.parametrize("target", ["out.bin", "out"])
def test_other_endings_are_refused(tmp_path, target):
    with pytest.raises(CheckpointError, match=r"must end in \.pth or \.safetensors"):
        export_checkpoint(tmp_path, tmp_path / target)


def test_empty_folder_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        export_checkpoint(tmp_path, tmp_path / "out.pth")


def test_tool_writes_the_file_and_says_so(tmp_path, capsys):
    save_sharded(tmp_path / "iter_7")
    main([str(tmp_path), str(tmp_path / "out.pth"), "--dtype", "fp32"])
    assert f"wrote {tmp_path / 'out.pth'}" in capsys.readouterr().out
    assert_same(read(tmp_path / "out.pth"), make_state())


def test_tool_reports_errors_in_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([str(tmp_path / "absent"), str(tmp_path / "out.pth")])
    assert capsys.readouterr().err == f"error: {tmp_path / 'absent'}: no such file or directory\n"


@pytest.mark.processes
@both_formats
def test_memory_does_not_grow_with_the_checkpoint(tmp_path, suffix):
    """Converts 400 MB in tensors of 10 MB; file pages do not count, the system may drop them."""
    save_file(
        tmp_path / "big.pth",
        {"meta": {}, "state_dict": {f"w{i}": torch.ones(2_500_000) for i in range(40)}},
    )
    code = f"""
        import re, threading, torch
        from mmcv.runner.export import export_checkpoint
        def anonymous():
            return int(re.search(r"RssAnon:\\s+(\\d+)", open("/proc/self/status").read())[1])
        peak, done = [anonymous()], threading.Event()
        def watch():
            while not done.wait(0.002):
                peak.append(anonymous())
        watcher = threading.Thread(target=watch)
        watcher.start()
        export_checkpoint({str(tmp_path / "big.pth")!r}, {str(tmp_path / f"out{suffix}")!r},
                          dtype=torch.bfloat16)
        done.set()
        watcher.join()
        print(max(peak) - peak[0])
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert int(result.stdout) < 60_000  # kB
    assert (tmp_path / f"out{suffix}").stat().st_size > 200_000_000
