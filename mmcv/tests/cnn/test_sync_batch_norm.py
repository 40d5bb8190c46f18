import functools
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
    from mmcv.cnn.sync_batch_norm import SyncBatchNorm

    folder, rank = sys.argv[1], int(sys.argv[2])
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)

    def run(case):
        norm = SyncBatchNorm(5, **case["options"])
        if norm.affine:
            norm.load_state_dict(case["affine"], strict=False)
        norm.to(case["x"].dtype)
        x = case["x"].split(case["sizes"])[rank].clone().requires_grad_()
        y = norm(x)
        (y.float() * case["factor"].split(case["sizes"])[rank]).sum().backward()
        grads = [p.grad for p in norm.parameters()]
        for grad in grads:
            dist.all_reduce(grad)
        shown = norm.eval()(x).detach()
        return dict(y=y.detach(), dx=x.grad, grads=grads, stats=list(norm.buffers()), shown=shown)

    torch.save([run(case) for case in torch.load(f"{folder}/cases.pt")], f"{folder}/{rank}.pt")
    dist.destroy_process_group()
    """
)

CASES = [
    (sizes, dtype, options)
    for sizes, dtype in [
        ([2, 2], torch.float32),
        ([1, 3], torch.float32),
        ([0, 3], torch.float32),
        ([1, 3], torch.bfloat16),
    ]
    for options in [{}, {"momentum": None}, {"affine": False, "track_running_stats": False}]
]
AFFINE = {"weight": torch.linspace(0.5, 2, CHANNELS), "bias": torch.linspace(-1, 1, CHANNELS)}


@pytest.fixture(scope="module")
def cases():
    cases = []
    for sizes, dtype, options in CASES:
        x = batch(sum(sizes), dtype=dtype)
        factor = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
        cases.append(dict(x=x, factor=factor, sizes=sizes, options=options, affine=AFFINE))
    return cases


@pytest.fixture(scope="module")
def two_processes(cases, tmp_path_factory):
    """Runs all cases on two ranks; returns their results, by rank."""
    folder = tmp_path_factory.mktemp("ranks")
    torch.save(cases, folder / "cases.pt")
    ranks = [
        subprocess.Popen([sys.executable, "-c", WORKER, str(folder), str(rank)])
        for rank in range(2)
    ]
    assert [process.wait(timeout=120) for process in ranks] == [0, 0]
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]


@pytest.mark.processes
@pytest.mark.parametrize("index", range(len(CASES)))
def test_two_processes_equal_one_on_the_whole_batch(index, cases, two_processes):
    case = cases[index]
    ranks = [results[index] for results in two_processes]
    dtype = case["x"].dtype
    whole = nn.BatchNorm2d(CHANNELS, **case["options"])
    if whole.affine:
        whole.load_state_dict({k: v.to(dtype) for k, v in AFFINE.items()}, strict=False)
    inputs = case["x"].float().clone().requires_grad_()
    expected = whole(inputs)
    (expected * case["factor"]).sum().backward()

    # bf16: one unit in the last place of outputs and gradients; statistics are fp32 throughout.
    tolerance = 2e-5 if dtype == torch.float32 else 0.02
    close = functools.partial(torch.testing.assert_close, atol=tolerance, rtol=tolerance)
    close(torch.cat([r["y"] for r in ranks]).float(), expected.detach())
    close(torch.cat([r["dx"] for r in ranks]).float(), inputs.grad)
    for rank in ranks:
        for got, param in zip(rank["grads"], whole.parameters(), strict=True):
            close(got.float(), param.grad)
        torch.testing.assert_close(rank["stats"], list(whole.buffers()), atol=1e-5, rtol=1e-5)
    if whole.track_running_stats:
        close(torch.cat([r["shown"] for r in ranks]).float(), whole.eval()(inputs).detach())
