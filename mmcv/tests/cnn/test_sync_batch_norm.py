import subprocess
import sys
import textwrap

import pytest
import torch
from torch import nn

from mmcv.cnn.sync_batch_norm import SyncBatchNorm, revert_sync_batchnorm

CHANNELS = 5


def batch(size, *, dtype=torch.float32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(size, CHANNELS, 4, 3, generator=generator) * 3 + 100
    return x.to(dtype)


def fill(norm):
    with torch.no_grad():
        norm.weight.copy_(torch.linspace(0.5, 2, CHANNELS))
        norm.bias.copy_(torch.linspace(-1, 1, CHANNELS))
    return norm


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("track", [True, False])
@pytest.mark.parametrize("momentum", [0.1, None])
def test_one_process_equals_torch(affine, track, momentum):
    options = dict(affine=affine, track_running_stats=track, momentum=momentum)
    ours, theirs = SyncBatchNorm(CHANNELS, **options), nn.BatchNorm2d(CHANNELS, **options)
    for seed in range(3):
        x = batch(3, seed=seed)
        torch.testing.assert_close(ours(x), theirs(x))
    torch.testing.assert_close(ours.state_dict(), theirs.state_dict())
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))


def test_keys_are_those_of_batch_norm():
    theirs = nn.BatchNorm2d(CHANNELS).state_dict()
    assert list(SyncBatchNorm(CHANNELS).state_dict()) == list(theirs)


def test_any_number_of_axes():
    norm = SyncBatchNorm(CHANNELS)
    for shape in [(4, CHANNELS), (4, CHANNELS, 7), (4, CHANNELS, 2, 3, 4)]:
        y = norm(torch.randn(shape))
        assert y.shape == shape
        assert y.transpose(0, 1).flatten(1).mean(1).abs().max() < 1e-5


def test_wrong_channels_are_named():
    with pytest.raises(ValueError, match=r"\(B, 5, \.\.\.\), got \(2, 4, 3, 3\)"):
        SyncBatchNorm(CHANNELS)(torch.zeros(2, 4, 3, 3))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_parameters_keep_fp32_statistics(dtype):
    norm = fill(SyncBatchNorm(CHANNELS)).to(dtype)
    assert norm.weight.dtype == dtype
    assert norm.running_mean.dtype == norm.running_var.dtype == torch.float32
    x = batch(4, dtype=dtype)
    y = norm(x)
    assert y.dtype == dtype
    wide = fill(nn.BatchNorm2d(CHANNELS)).to(dtype).float()
    expected = wide(x.float())
    torch.testing.assert_close(y.float(), expected, atol=0.02, rtol=0.01)
    torch.testing.assert_close(norm.running_mean, wide.running_mean)
    torch.testing.assert_close(norm.running_var, wide.running_var)
    assert norm.eval()(x).dtype == dtype


def test_cast_does_not_round_the_statistics():
    norm = SyncBatchNorm(CHANNELS)
    norm.running_mean.fill_(1.001)
    norm.bfloat16()
    assert norm.running_mean[0] == torch.tensor(1.001)
    assert norm.double().running_mean.dtype == torch.float64


def test_builds_on_the_meta_device():
    with torch.device("meta"):
        norm = SyncBatchNorm(CHANNELS)
    assert norm.running_mean.is_meta
    norm = norm.bfloat16().to_empty(device="cpu")
    assert norm.running_mean.dtype == torch.float32 and not norm.running_mean.is_meta


def test_revert_gives_an_equal_local_norm():
    model = nn.Sequential(nn.Conv2d(3, CHANNELS, 1), fill(SyncBatchNorm(CHANNELS)), nn.ReLU())
    x = torch.randn(2, 3, 4, 4)
    model(x)
    expected = model.eval()(x)
    reverted = revert_sync_batchnorm(model)
    assert not any(isinstance(m, SyncBatchNorm) for m in reverted.modules())
    torch.testing.assert_close(reverted(x), expected)
    assert not reverted[1].training


WORKER = textwrap.dedent(
    """
    import sys, torch
    import torch.distributed as dist
    from torch import nn
    from mmcv.cnn.sync_batch_norm import SyncBatchNorm

    folder, rank, sizes, dtype = sys.argv[1], int(sys.argv[2]), eval(sys.argv[3]), sys.argv[4]
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    given = torch.load(f"{folder}/given.pt")
    start = sum(sizes[:rank])
    stop = start + sizes[rank]
    out = {}
    for name, options in given["options"].items():
        norm = SyncBatchNorm(5, **options)
        if norm.affine:
            norm.load_state_dict(given["affine"], strict=False)
        norm.to(getattr(torch, dtype))
        x = given["x"][start:stop].clone().requires_grad_()
        y = norm(x)
        (y.float() * given["factor"][start:stop]).sum().backward()
        grads = [p.grad for p in norm.parameters()]
        for grad in grads:
            dist.all_reduce(grad)
        stats = [b for b in norm.buffers()]
        out[name] = dict(y=y.detach(), dx=x.grad, grads=grads, stats=stats)
        norm.eval()
        out[name]["eval"] = norm(given["x"][start:stop]).detach()
    torch.save(out, f"{folder}/{rank}.pt")
    dist.destroy_process_group()
    """
)

OPTIONS = {
    "default": {},
    "cumulative": {"momentum": None},
    "plain": {"affine": False, "track_running_stats": False},
}


def run_two_processes(folder, given, sizes, dtype):
    torch.save(given, folder / "given.pt")
    processes = [
        subprocess.Popen([sys.executable, "-c", WORKER, str(folder), str(r), str(sizes), dtype])
        for r in range(2)
    ]
    assert [p.wait(timeout=120) for p in processes] == [0, 0]
    return [torch.load(folder / f"{r}.pt") for r in range(2)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "sizes, dtype",
    [((2, 2), "float32"), ((1, 3), "float32"), ((0, 3), "float32"), ((1, 3), "bfloat16")],
)
def test_two_processes_equal_one_on_the_whole_batch(tmp_path, sizes, dtype):
    kind = getattr(torch, dtype)
    x = batch(sum(sizes), dtype=kind)
    factor = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    affine = {"weight": torch.linspace(0.5, 2, CHANNELS), "bias": torch.linspace(-1, 1, CHANNELS)}
    given = dict(x=x, factor=factor, affine=affine, options=OPTIONS)
    ranks = run_two_processes(tmp_path, given, sizes, dtype)
    # bf16: one unit in the last place of the outputs and gradients; statistics are fp32.
    tolerance = dict(atol=2e-5, rtol=2e-5) if kind == torch.float32 else dict(atol=0.02, rtol=0.02)
    for name, options in OPTIONS.items():
        whole = nn.BatchNorm2d(CHANNELS, **options)
        if whole.affine:
            whole.load_state_dict(affine, strict=False)
            with torch.no_grad():
                [p.copy_(p.to(kind)) for p in whole.parameters()]
        inputs = x.float().clone().requires_grad_()
        expected = whole(inputs)
        (expected * factor).sum().backward()
        parts = [rank[name] for rank in ranks]
        close = torch.testing.assert_close
        close(torch.cat([p["y"] for p in parts]).float(), expected.detach(), **tolerance)
        close(torch.cat([p["dx"] for p in parts]).float(), inputs.grad, **tolerance)
        for part in parts:
            for got, param in zip(part["grads"], whole.parameters(), strict=True):
                close(got.float(), param.grad, **tolerance)
            for got, buffer in zip(part["stats"], whole.buffers(), strict=True):
                close(got, buffer, atol=1e-5, rtol=1e-5)
        if whole.track_running_stats:
            shown = torch.cat([p["eval"] for p in parts]).float()
            close(shown, whole.eval()(x.float()).detach(), **tolerance)
