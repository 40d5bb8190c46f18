import os

import pytest
import torch

from mmcv.hooks.checkpoint import CheckpointHook
from mmcv.hooks.hook import Hook
from mmcv.registry import HOOKS, ConfigError

# The fixtures of this folder: 4 batches per epoch.


def saved(runner):
    return sorted(name for name in os.listdir(runner.work_dir) if not name.endswith(".log.json"))


def run(make_runner, batches, by_epoch, length=8, **options):
    runner = make_runner(by_epoch=by_epoch, length=length)
    runner.register_checkpoint_hook(dict(by_epoch=by_epoch, **options))
    runner.run(batches)
    return runner


def test_by_iteration(make_runner, batches):
    runner = run(make_runner, batches, False, interval=3)
    assert saved(runner) == ["iter_3.pth", "iter_6.pth", "iter_8.pth", "latest.pth"]
    assert os.readlink(os.path.join(runner.work_dir, "latest.pth")) == "iter_8.pth"
    last = os.path.join(runner.work_dir, "iter_8.pth")
    assert runner.meta["hook_msgs"]["last_ckpt"] == last
    # The file knows its own name, and how many iterations are done.
    meta = torch.load(last)["meta"]
    assert meta["hook_msgs"]["last_ckpt"] == last and meta["iter"] == 8


def test_by_epoch(make_runner, batches):
    runner = run(make_runner, batches, True, length=3, interval=2)
    assert saved(runner) == ["epoch_2.pth", "epoch_3.pth", "latest.pth"]
    assert torch.load(os.path.join(runner.work_dir, "epoch_2.pth"))["meta"]["epoch"] == 2


def test_epochs_do_not_happen_under_an_iter_based_runner(make_runner, batches):
    runner = make_runner()
    runner.register_checkpoint_hook(dict(interval=1))  # by_epoch=True, as in 1.x
    runner.run(batches)
    assert saved(runner) == []


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (dict(interval=3, save_last=False), ["iter_3.pth", "iter_6.pth", "latest.pth"]),
        (dict(), ["iter_8.pth", "latest.pth"]),
        (dict(interval=2, max_keep_ckpts=1), ["iter_8.pth", "latest.pth"]),
        (dict(interval=3, max_keep_ckpts=2), ["iter_6.pth", "iter_8.pth", "latest.pth"]),
        (dict(interval=4, create_symlink=False), ["iter_4.pth", "iter_8.pth"]),
        (dict(interval=8, filename_tmpl="step_{}.pth"), ["latest.pth", "step_8.pth"]),
        (
            dict(interval=2, filename_tmpl="s{}.pth", max_keep_ckpts=2),
            ["latest.pth", "s6.pth", "s8.pth"],
        ),
    ],
)
def test_what_is_saved_and_kept(options, names, make_runner, batches):
    assert saved(run(make_runner, batches, False, **options)) == names


def test_old_ones_go_only_when_the_new_one_is_complete(make_runner, batches):
    class Failing(Hook):
        def before_save_checkpoint(self, runner):
            if runner.iter == 5:
                raise OSError("disk full")

    runner = make_runner(Failing())
    runner.register_checkpoint_hook(dict(by_epoch=False, interval=3, max_keep_ckpts=1))
    with pytest.raises(OSError, match="disk full"):
        runner.run(batches)
    assert saved(runner) == ["iter_3.pth", "latest.pth"]


def test_leftovers_of_a_kill_are_removed_at_the_start(make_runner, batches):
    runner = make_runner()
    open(os.path.join(runner.work_dir, ".iter_4.pth.tmp"), "w").close()
    runner.register_checkpoint_hook(dict(by_epoch=False, interval=8))
    runner.run(batches)
    assert saved(runner) == ["iter_8.pth", "latest.pth"]


def test_another_folder_gets_the_name_of_the_work_dir(make_runner, batches, tmp_path):
    runner = make_runner(name="my_run")
    out_dir = tmp_path / "elsewhere"
    runner.register_checkpoint_hook(dict(by_epoch=False, interval=8, out_dir=str(out_dir)))
    runner.run(batches)
    assert os.listdir(out_dir / "my_run") and saved(runner) == []
    assert runner.meta["hook_msgs"]["last_ckpt"] == str(out_dir / "my_run" / "iter_8.pth")


def test_without_optimizer_and_with_meta(make_runner, batches):
    options = dict(interval=8, save_optimizer=False, meta=dict(mine=1))
    runner = run(make_runner, batches, False, **options)
    checkpoint = torch.load(os.path.join(runner.work_dir, "iter_8.pth"))
    assert "optimizer" not in checkpoint and checkpoint["meta"]["mine"] == 1


def test_hooks_see_every_save(make_runner, batches):
    seen = []

    class Watch(Hook):
        def before_save_checkpoint(self, runner):
            seen.append(("before", saved(runner)))

        def after_save_checkpoint(self, runner):
            seen.append(("after", saved(runner)))

    runner = make_runner(Watch())
    runner.register_checkpoint_hook(dict(by_epoch=False, interval=8, asynchronous=False))
    runner.run(batches)
    assert seen == [("before", []), ("after", ["iter_8.pth"])]


def test_names_and_arguments():
    assert HOOKS.get("DeepspeedCheckpointHook") is CheckpointHook
    assert CheckpointHook(deepspeed=True, interval=2).interval == 2
    CheckpointHook(file_client_args=dict(backend="disk"))
    with pytest.raises(ConfigError, match="only the disk"):
        CheckpointHook(file_client_args=dict(backend="petrel"))
    with pytest.raises(ConfigError, match="unexpected key 'intervall'; did you mean 'interval'"):
        HOOKS.build(dict(type="CheckpointHook", intervall=3))
